//! What makes the comparison fair to HTTP: heads of an exact size, frames that events share, a cache in
//! front of the polls; on the server's sockets, and the same in every engine.

use std::fs;
use std::time::Duration;

use anynews::headers::Headers;
use anynews::outcome::{Outcome, TransportOutcome};
use anynews::scenario::file::{self, Overrides};
use anynews::server::Settings;
use anynews::{sim, theory};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::harness::{TestServer, get, known, upgrade};
use crate::program::{anynews, one_at_a_time};

/// Times a live run is made again when it disagrees: what else the machine does can only disturb it.
const ATTEMPTS: u32 = 3;

/// Bytes of the head at the start of what came.
fn head(received: &str) -> usize {
    received.find("\r\n\r\n").expect("a whole head") + 4
}

#[tokio::test]
async fn both_heads_of_every_exchange_make_the_total_whoever_asks() {
    let server = TestServer::with(Settings { headers: Headers::Total(871), ..Settings::default() }).await;
    let mut http = server.raw().await;
    let body = r#"{"data":"hello"}"#;
    let post = format!(
        "POST /topics/t/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    http.send(format!("{post}{body}")).await;
    assert_eq!(post.len() + head(&http.until("offset\":1}").await), 871, "a POST");
    let ask = get("/topics/t/events?after=0");
    http.send(&ask).await;
    let answer = http.until("]}").await;
    assert_eq!(ask.len() + head(&answer), 871, "news");
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let ask = get("/topics/t/events?after=1").replace("Host", &format!("If-None-Match: {tag}\r\nHost"));
    http.send(&ask).await;
    let answer = http.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 304"), "{answer}");
    assert_eq!(ask.len() + head(&answer), 871, "a 304");
    let ask = get("/nothing/here");
    http.send(&ask).await;
    assert_eq!(ask.len() + head(&http.until("}").await), 871, "a problem");
    let ask = get("/topics/t/events?after=1").replace("Host", "Connection: close\r\nHost");
    http.send(&ask).await;
    assert_eq!(ask.len() + head(&http.rest().await), 871, "the last answer of a connection");

    for (path, end) in [("/topics/t/socket", "recovered\":true}}"), ("/topics/t/stream", "\n\n")] {
        let ask = if path.ends_with("socket") { upgrade(path) } else { get(path) };
        let mut raw = server.raw().await;
        raw.send(&ask).await;
        assert_eq!(ask.len() + head(&raw.until(end).await), 871, "{path}");
    }
    assert_eq!(server.stats().await.bytes.opening, 2 * 871);
}

#[tokio::test]
async fn events_due_within_the_window_share_a_frame() {
    let coalesce = Duration::from_millis(300);
    let server = TestServer::with(Settings { coalesce, ..Settings::default() }).await;
    server.publish("t", json!({"data": 0})).await;
    // What was there before the reader came does not wait for others.
    let (mut reader, _) = server.socket("/topics/t/socket?as=me&after=0").await;
    assert_eq!(reader.json().await[0]["offset"], 1);
    // Its own event opens no window for it.
    reader.say(json!({"data": "mine"})).await;
    assert_eq!(reader.json().await["ack"]["offset"], 2);
    let from = std::time::Instant::now();
    for n in 3..=6 {
        server.publish("t", json!({"data": n})).await;
    }
    let frame = reader.json().await;
    let offsets: Vec<u64> =
        frame.as_array().unwrap().iter().map(|event| event["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets[0], 3, "{frame}");
    assert!(from.elapsed() >= coalesce, "{:?}", from.elapsed());
    if offsets.len() < 4 {
        // A machine so slow that four publishes took longer than the window.
        assert!(from.elapsed() >= 2 * coalesce || reader.json().await.is_array());
    }
    // The end of the server does not lose what waits.
    server.publish("t", json!({"data": "last"})).await;
    server.stop();
    assert_eq!(reader.json().await[0]["data"], "last");
    assert_eq!(reader.close_code().await, 1001);
}

#[tokio::test]
async fn a_cache_asks_the_origin_once_and_says_how_old_its_answer_is() {
    let shared_cache = Some(Duration::from_secs(60));
    let server = TestServer::with(Settings { shared_cache, ..Settings::default() }).await;
    server.publish("t", json!({"data": 1})).await;
    let ask = async |path: &str, tag: Option<&str>| {
        let mut request = server.get(path);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let response = request.send().await.unwrap();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            header("age"),
            header("cache-control"),
            header("etag"),
            response.text().await.unwrap(),
        )
    };
    let path = "/topics/t/events?after=0";
    let first = ask(path, None).await;
    assert_eq!((first.0, first.1.as_deref()), (200, None));
    assert_eq!(first.2.as_deref(), Some("max-age=0, s-maxage=60"));
    server.publish("t", json!({"data": 2})).await;
    let again = ask(path, None).await;
    assert_eq!((again.1.as_deref(), &again.4), (Some("0"), &first.4), "the same answer, and its age");
    // Another question is another answer.
    let other = ask("/topics/t/events?after=0&limit=5", None).await;
    assert!(other.4.contains("\"data\":2"), "{}", other.4);
    // Whoever has that very answer is told so by the cache.
    let unchanged = ask(path, first.3.as_deref()).await;
    assert_eq!((unchanged.0, unchanged.4.as_str()), (304, ""));
    // A condition is not passed on: the next one may have nothing yet.
    let empty = ask("/topics/t/events?after=2", None).await;
    assert_eq!(ask("/topics/t/events?after=2", empty.3.as_deref()).await.0, 304);
    // A held poll, and a post, pass.
    let held = server.ask("/topics/t/events?after=0&wait=1s").await.1;
    assert_eq!(held["events"].as_array().unwrap().len(), 2);
    let stats = server.stats().await;
    // Two posts, three questions, one held poll.
    assert_eq!((stats.origin, stats.polls, stats.requests), (6, 7, 9));
    assert_eq!(stats.empty, 3, "two 304s and the empty answer");
}

#[tokio::test]
async fn a_crowd_that_asks_at_once_is_one_request_for_the_origin() {
    let shared_cache = Some(Duration::from_secs(60));
    let server = TestServer::with(Settings { shared_cache, ..Settings::default() }).await;
    let asked = (0..40).map(|_| server.ask("/topics/t/events?after=0"));
    for (status, answer) in futures_util::future::join_all(asked).await {
        assert_eq!((status, &answer["events"]), (200, &json!([])));
    }
    let stats = server.stats().await;
    assert_eq!((stats.polls, stats.empty, stats.origin), (40, 40, 1));
}

/// Every way, small enough to be over soon.
const SMALL: &str = "title = 'small'\nseed = 3\nduration = '2s'\nwarmup = '500ms'\nclients = 6\n\
     [workload]\nkind = 'periodic'\ngap = '600ms'\n\
     [[transport]]\nkind = 'poll'\ninterval = '200ms'\n\
     [[transport]]\nkind = 'poll'\nlabel = 'conditional'\ninterval = '200ms'\nconditional = true\n\
     [[transport]]\nkind = 'poll'\nlabel = 'close'\ninterval = '200ms'\nkeep_alive = false\n\
     [[transport]]\nkind = 'long-poll'\nhold = '1s'\n\
     [[transport]]\nkind = 'sse'\n\
     [[transport]]\nkind = 'websocket'\nping = '0ms'\n\
     [[transport]]\nkind = 'websocket'\nlabel = 'shared'\nping = '0ms'\ncoalesce = '100ms'\n";

/// Readers of one topic in front of a cache that outlives their interval.
const CACHED: &str = "title = 'cached'\nseed = 3\nduration = '4s'\nclients = 20\n\
     [workload]\nkind = 'cricket'\ngap_per_ball = '900ms'\n\
     [[transport]]\nkind = 'poll'\ninterval = '700ms'\nshared_cache = '1s'\n\
     [[transport]]\nkind = 'poll'\nlabel = 'conditional'\ninterval = '700ms'\nshared_cache = '1s'\nconditional = true\n";

/// The first seed with which no poll of `SMALL` comes so near to an event, and neither so near to an edge
/// of the window, that a busy machine could change their order.
fn quiet_seed() -> u64 {
    const APART_US: i64 = 20_000;
    let of = |seed| {
        let only = vec!["poll".to_owned()];
        let overrides =
            Overrides { seed: Some(seed), only, duration: Some("4s".to_owned()), ..Overrides::default() };
        let scenario = file::read("small", "small.toml", SMALL, &overrides).unwrap();
        let options = sim::Options { keep_deliveries: true, ..sim::Options::default() };
        sim::run(&scenario, &options).unwrap().1
    };
    let far = |time: i64, every: i64| (APART_US..every - APART_US).contains(&time.rem_euclid(every));
    let quiet = |seed: &u64| {
        of(*seed).iter().all(|delivery| {
            let (news, poll) = (delivery.published_us, delivery.received_us);
            far(poll - news, 200_000) && far(poll, 200_000) && far(news, 200_000)
        })
    };
    (1..2000).find(quiet).expect("a seed that keeps everything apart")
}

/// Runs `text` live and in virtual time, and compares with `check`, which says what disagrees.
#[track_caller]
fn live_and_sim(text: &str, set: &[&str], check: impl Fn(&Value, &Value) -> Option<String>) {
    let _alone = one_at_a_time();
    let overrides =
        Overrides { set: set.iter().map(|&set| set.to_owned()).collect(), ..Overrides::default() };
    let scenario = file::read("small", "small.toml", text, &overrides).unwrap_or_else(|p| panic!("{p}"));
    let sim = serde_json::to_value(sim::run(&scenario, &sim::Options::default()).unwrap().0).unwrap();
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("small.toml"), text).unwrap();
    let mut arguments = vec!["run", "small.toml", "--no-report", "--format", "json", "-q"];
    set.iter().for_each(|set| arguments.extend(["--set", set]));
    let mut found = Vec::new();
    for _ in 0..ATTEMPTS {
        let ended = anynews(directory.path(), &arguments).exits(0);
        let live: Value = serde_json::from_str(&ended.stdout).unwrap();
        let transports = |outcome: &Value| outcome["transports"].as_array().unwrap().clone();
        let pairs = transports(&live).into_iter().zip(transports(&sim));
        found = pairs.filter_map(|(live, sim)| check(&live, &sim)).collect();
        if found.is_empty() {
            return;
        }
        eprintln!("{set:?}: {found:#?}");
    }
    panic!("{set:?}: {found:#?}");
}

fn same(live: &Value, sim: &Value, paths: &[&str]) -> Option<String> {
    let differs = |path: &&&str| live.pointer(path) != sim.pointer(path);
    paths.iter().find(differs).map(|path| {
        format!("{}{path}: live {:?}, sim {:?}", live["label"], live.pointer(path), sim.pointer(path))
    })
}

#[test]
fn virtual_time_counts_bytes_as_live_does() {
    let paths = ["/bytes", "/requests/polls", "/requests/empty", "/frames/received", "/deliveries"];
    let seed = format!("seed={}", quiet_seed());
    for headers in ["headers=lean", "headers=browser", "headers=871B"] {
        live_and_sim(SMALL, &[headers, &seed], |live, sim| same(live, sim, &paths));
    }
}

#[test]
fn a_cache_delays_and_loses_nothing_live_as_in_virtual_time() {
    live_and_sim(CACHED, &["headers=871B"], |live, sim| {
        let n = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let near = |path: &str, allowed: f64| {
            let (one, other) = (n(live, path), n(sim, path));
            // Not a number is not near.
            ((one - other).abs() > allowed || one.is_nan())
                .then(|| format!("{}{path}: live {one}, sim {other}", live["label"]))
        };
        // Which poll finds an answer that has just grown too old is decided by a hair.
        let origin = n(sim, "/requests/origin");
        assert!(origin < n(sim, "/requests/polls") / 4.0, "{origin}");
        same(live, sim, &["/deliveries", "/requests/polls", "/bytes/up", "/bytes/payload"])
            .or_else(|| near("/requests/origin", 2.0))
            .or_else(|| near("/latency_ms/mean", 60.0))
            .or_else(|| near("/bytes/down", 0.02 * n(sim, "/bytes/down")))
    });
}

type Of = fn(&TransportOutcome) -> f64;

/// A scenario in virtual time and by formula, for some seeds.
struct Pairs {
    what: String,
    pairs: Vec<(Outcome, Outcome)>,
}

impl Pairs {
    fn of(what: &str, text: &str, seeds: u64) -> Self {
        let pair = |seed| {
            let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
            let scenario = file::read("t", "t.toml", text, &overrides).unwrap_or_else(|p| panic!("{p}"));
            let virtually = sim::run(&scenario, &sim::Options::default()).unwrap().0;
            (virtually, theory::run(&scenario, None).unwrap())
        };
        Self { what: what.to_owned(), pairs: (1..=seeds).map(pair).collect() }
    }

    /// Holds the means over the seeds together, so that one draw of phases decides nothing: within a
    /// share of the larger, or within `least`.
    #[track_caller]
    fn agree(&self, name: &str, share: f64, least: f64, of: Of) {
        for n in 0..self.pairs[0].0.transports.len() {
            let mean = |which: fn(&(Outcome, Outcome)) -> &Outcome| {
                let values = self.pairs.iter().map(|pair| of(&which(pair).transports[n]));
                values.sum::<f64>() / self.pairs.len() as f64
            };
            let (sim, theory) = (mean(|pair| &pair.0), mean(|pair| &pair.1));
            let allowed = (share * sim.abs().max(theory.abs())).max(least);
            let label = &self.pairs[0].0.transports[n].label;
            assert!(
                (sim - theory).abs() <= allowed,
                "{}\n{name} of {label}: sim {sim}, theory {theory}, allowed {allowed}",
                self.what
            );
        }
    }
}

#[test]
fn the_formulas_of_a_cache_agree_with_virtual_time() {
    let ways = [("1s", "1s"), ("1s", "3s"), ("2s", "5s"), ("4s", "2s"), ("5s", "3s")].map(|(interval, kept)| {
        format!("[[transport]]\nkind = 'poll'\nlabel = 'i{interval}k{kept}'\ninterval = '{interval}'\nshared_cache = '{kept}'\n")
    });
    // Chance is in the news of a long run where news is irregular, and else in the phases of a seed.
    for (workload, duration, seeds) in [
        ("clients = 30\n[workload]\nkind = 'poisson'\nmean_gap = '7s'\ninbox = 'shared'\n", "30m", 12),
        ("clients = 30\n[workload]\nkind = 'poisson'\nmean_gap = '1s'\ninbox = 'shared'\n", "30m", 12),
        ("clients = 20\n[workload]\nkind = 'poisson'\nmean_gap = '7s'\n", "10m", 12),
        ("clients = 60\n[workload]\nkind = 'cricket'\ngap_per_ball = '7.3s'\n", "2m", 40),
        ("clients = 60\n[workload]\nkind = 'periodic'\ngap = '800ms'\ninbox = 'shared'\n", "1m", 40),
    ] {
        let text = format!("duration = '{duration}'\nwarmup = '10s'\n{workload}{}", ways.concat());
        let pairs = Pairs::of(workload, &text, seeds);
        pairs.agree("waste", 0.0, 0.02, |t| t.waste_ratio.unwrap());
        pairs.agree("delay", 0.05, 20.0, |t| t.latency_ms.mean.unwrap());
        pairs.agree("wait", 0.05, 20.0, |t| t.wait_ms_mean.unwrap());
        pairs.agree("bytes down", 0.02, 0.0, |t| known(t.bytes.down));
        pairs.agree("bytes up", 0.01, 0.0, |t| known(t.bytes.up));
        pairs.agree("requests of the origin", 0.05, 2.0, |t| t.requests.origin.unwrap() as f64);
    }
}

#[test]
fn what_no_formula_describes_behind_a_cache_is_refused() {
    let refused = |workload: &str, set: &str| {
        let poll = "[[transport]]\nkind = 'poll'\ninterval = '1s'\nshared_cache = '3s'\n";
        let overrides = Overrides { set: vec![set.to_owned()], ..Overrides::default() };
        let scenario =
            file::read("t", "t.toml", &format!("clients = 60\n{workload}{poll}"), &overrides).unwrap();
        let beside = sim::run(&scenario, &sim::Options::default()).unwrap().0.transports[0].theory.clone();
        assert_eq!((beside.latency_mean_ms, beside.waste_ratio), (None, None), "null beside a measurement");
        theory::run(&scenario, None).unwrap_err().to_string()
    };
    let ticker = refused("[workload]\nkind = 'ticker'\ngap = '100ms'\nconflate = true\n", "seed=1");
    assert!(ticker.contains("superseded") && ticker.contains("--engine sim"), "{ticker}");
    let few = refused("[workload]\nkind = 'cricket'\ngap_per_ball = '5s'\n", "clients=3");
    assert!(few.contains("before few readers"), "{few}");
}

#[test]
fn the_formulas_of_shared_frames_agree_with_virtual_time() {
    let ways = ["5ms", "40ms", "300ms"].map(|window| {
        format!("[[transport]]\nkind = 'websocket'\nlabel = 'w{window}'\ncoalesce = '{window}'\n")
    });
    for (workload, network) in [
        ("clients = 40\n[workload]\nkind = 'poisson'\nmean_gap = '100ms'\n", ""),
        ("clients = 40\n[workload]\nkind = 'periodic'\ngap = '130ms'\n", "[network]\nrtt = '60ms'\n"),
        ("clients = 10\n[workload]\nkind = 'ticker'\nsymbols = 4\ngap = '20ms'\nconflate = true\n", ""),
        (
            "clients = 12\n[workload]\nkind = 'chat'\nmembers = 4\ngap_per_room = '900ms'\ntyping_before = '200ms'\n",
            "",
        ),
        (
            "clients = 12\n[workload]\nkind = 'game'\nplayers = 4\ntick = '50ms'\n",
            "[network]\nrtt = '40ms'\n",
        ),
    ] {
        let text = format!(
            "duration = '60s'\nwarmup = '1s'\nheaders = '871B'\n{workload}{}{network}",
            ways.concat()
        );
        let pairs = Pairs::of(workload, &text, 2);
        pairs.agree("delay", 0.02, 1.0, |t| t.latency_ms.mean.unwrap());
        pairs.agree("p95", 0.03, 1.5, |t| t.latency_ms.p95.unwrap());
        pairs.agree("frames", 0.01, 3.0, |t| t.frames.received as f64);
        pairs.agree("bytes down", 0.01, 0.0, |t| known(t.bytes.down));
        pairs.agree("opening", 0.0, 0.0, |t| known(t.bytes.opening));
        pairs.agree("delivered", 0.005, 1.0, |t| t.deliveries.delivered as f64);
        pairs.agree("superseded", 0.005, 1.0, |t| t.deliveries.superseded as f64);
        pairs.agree("expired", 0.005, 1.0, |t| t.deliveries.expired as f64);
    }
}

#[test]
fn many_viewers_through_a_cache_are_soon_worked_off() {
    let text = "clients = 200000\nduration = '1m'\nengine = 'sim'\n\
                [workload]\nkind = 'cricket'\ngap_per_ball = '6s'\n\
                [[transport]]\nkind = 'poll'\ninterval = '5s'\nshared_cache = '5s'\n";
    let scenario = file::read("t", "t.toml", text, &Overrides::default()).unwrap();
    let poll = &sim::run(&scenario, &sim::Options::default()).unwrap().0.transports[0];
    assert_eq!(poll.requests.polls, 2_400_000);
    assert!(poll.requests.origin.unwrap() <= 14, "{:?}", poll.requests);
    assert_eq!((poll.deliveries.lost, poll.deliveries.delivered), (0, poll.deliveries.expected));
}
