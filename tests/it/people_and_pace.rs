//! People who come and go, polls that back off, polls over HTTP/2: live against virtual time, and virtual
//! time against the formulas.

use anynews::outcome::TransportOutcome;
use anynews::scenario::file::{self, Overrides};
use anynews::{sim, theory};
use serde_json::Value;
use tempfile::tempdir;

use crate::harness::known;
use crate::program::{anynews, one_at_a_time};

/// Times a live run is made again when it disagrees: what else the machine does can only disturb it.
const ATTEMPTS: u32 = 3;

fn read(text: &str) -> anynews::scenario::Scenario {
    file::read("t", "t.toml", text, &Overrides::default()).unwrap_or_else(|all| panic!("{all}\n{text}"))
}

fn in_virtual_time(text: &str) -> Vec<TransportOutcome> {
    sim::run(&read(text), &sim::Options::default()).unwrap().0.transports
}

fn by_formula(text: &str) -> Vec<TransportOutcome> {
    theory::run(&read(text), None).unwrap().transports
}

/// What differs by more than `share` of the second, or `least`.
fn differences(label: &str, pairs: &[(&str, f64, f64, f64, f64)]) -> Vec<String> {
    let far = |&&(_, one, other, share, least): &&(&str, f64, f64, f64, f64)| {
        (one - other).abs() > (share * other.abs()).max(least)
    };
    let said =
        |&(what, one, other, ..): &(&str, f64, f64, f64, f64)| format!("{label}, {what}: {one} {other}");
    pairs.iter().filter(far).map(said).collect()
}

fn live_against_sim(live: &TransportOutcome, sim: &TransportOutcome) -> Vec<String> {
    let n = |count: u64| count as f64;
    // Which poll finds an answer that has just grown too old is decided by a hair.
    let cached = if sim.requests.origin.is_some() { 0.05 } else { 0.0 };
    let mut found = differences(
        &live.label,
        &[
            ("requests", n(live.requests.total), n(sim.requests.total), 0.02, 2.0),
            ("opens", n(live.requests.opens), n(sim.requests.opens), 0.0, 0.0),
            ("handshakes", n(live.connections.handshakes), n(sim.connections.handshakes), 0.0, 0.0),
            ("connections", known(live.connections.opened), known(sim.connections.opened), 0.05, 1.0),
            ("expected", n(live.deliveries.expected), n(sim.deliveries.expected), cached, 1.0),
            ("waste", live.waste_ratio.unwrap_or(0.0), sim.waste_ratio.unwrap_or(0.0), 0.0, 0.02),
            ("delay", live.latency_ms.mean.unwrap(), sim.latency_ms.mean.unwrap(), 0.05, 15.0),
            ("bytes up", known(live.bytes.up), known(sim.bytes.up), 0.03, 300.0),
            ("bytes down", known(live.bytes.down), known(sim.bytes.down), 0.03, 600.0),
            ("opening", known(live.bytes.opening), known(sim.bytes.opening), 0.0, 0.0),
        ],
    );
    let d = &live.deliveries;
    let whole = d.expected == d.delivered + d.superseded + d.expired;
    if (d.lost, d.duplicated, d.reordered, whole) != (0, 0, 0, true) {
        found.push(format!("{}: {d:?}", live.label));
    }
    let audit = live.audit.as_ref().unwrap();
    let (clients, server) = (audit.requests_client, audit.requests_server);
    // A held answer that comes when its reader has gone is counted by one side only.
    let most = if live.kind == "long-poll" { live.connections.opened.unwrap() } else { 0 };
    if !(0..=most).contains(&server.wrapping_sub(clients)) {
        found.push(format!("{}: the clients counted {clients} requests, the server {server}", live.label));
    }
    found
}

#[track_caller]
fn live_agrees_with_virtual_time(text: &str) {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    std::fs::write(directory.path().join("t.toml"), text).unwrap();
    let sim = in_virtual_time(text);
    let mut found = Vec::new();
    for _ in 0..ATTEMPTS {
        let arguments = ["run", "t.toml", "--no-report", "--format", "json", "-q"];
        let ended = anynews(directory.path(), &arguments).exits(0);
        let live: Value = serde_json::from_str(&ended.stdout).unwrap();
        let live: Vec<TransportOutcome> = serde_json::from_value(live["transports"].clone()).unwrap();
        found = live.iter().zip(&sim).flat_map(|(live, sim)| live_against_sim(live, sim)).collect();
        if found.is_empty() {
            return;
        }
        eprintln!("{found:#?}");
    }
    panic!("{found:#?}");
}

const LETTERS: &str = "[workload]\nkind = 'poisson'\nmean_gap = '1500ms'\ninbox = 'own'\n";

#[test]
fn visits_live_and_in_virtual_time() {
    live_agrees_with_virtual_time(&format!(
        "duration = '5s'\nwarmup = '1s'\nclients = 16\nseed = 3\nvisit = '2s'\n{LETTERS}\
         [[transport]]\nkind = 'poll'\ninterval = '700ms'\n\
         [[transport]]\nlabel = 'closing'\nkind = 'poll'\ninterval = '700ms'\nkeep_alive = false\n\
         [[transport]]\nkind = 'long-poll'\nhold = '2s'\n[[transport]]\nkind = 'sse'\n\
         [[transport]]\nkind = 'websocket'\n"
    ));
}

/// Nobody who comes is lost, nor twice counted, though a cache tells newcomers an old position. The cache does
/// not keep an answer for just one interval: whether it has grown too old then is nobody's to say.
#[test]
fn visits_to_a_cached_page_live_and_in_virtual_time() {
    live_agrees_with_virtual_time(
        "duration = '6s'\nwarmup = '1s'\nclients = 30\nseed = 3\nvisit = '2s'\n\
         [workload]\nkind = 'periodic'\ngap = '1500ms'\ninbox = 'shared'\n\
         [[transport]]\nkind = 'poll'\ninterval = '900ms'\nshared_cache = '1s'\n",
    );
}

/// The same where newer prices replace older ones: those that a newcomer's old position left behind are
/// owed to nobody.
#[test]
fn visits_to_cached_prices_live_and_in_virtual_time() {
    live_agrees_with_virtual_time(
        "duration = '6s'\nwarmup = '1s'\nclients = 60\nseed = 3\nvisit = '2s'\n\
         [workload]\nkind = 'ticker'\nsymbols = 5\ngap = '100ms'\nconflate = true\n\
         [[transport]]\nkind = 'poll'\ninterval = '900ms'\nshared_cache = '1s'\n",
    );
}

#[test]
fn backing_off_and_http_2_live_and_in_virtual_time() {
    live_agrees_with_virtual_time(&format!(
        "duration = '5s'\nwarmup = '1s'\nclients = 16\nseed = 4\n{LETTERS}\
         [[transport]]\nlabel = 'patient'\nkind = 'poll'\ninterval = '400ms'\nbackoff_max = '2s'\n\
         [[transport]]\nkind = 'poll'\ninterval = '1s'\nhttp = '2'\n\
         [[transport]]\nlabel = 'not-modified'\nkind = 'poll'\ninterval = '1s'\nhttp = '2'\nconditional = true\n"
    ));
}

/// Chat among people who come and go, with times to live, authors, and a network.
#[test]
fn rooms_of_visitors_live_and_nothing_lost() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let text = "duration = '4s'\nclients = 12\nvisit = '2s'\n[network]\nrtt = '40ms'\n\
                [workload]\nkind = 'chat'\nmembers = 4\ngap_per_room = '500ms'\ntyping_before = '300ms'\n\
                receipts = true\n[[transport]]\nkind = 'poll'\ninterval = '500ms'\nhttp = '2'\n\
                [[transport]]\nkind = 'long-poll'\n[[transport]]\nkind = 'sse'\n[[transport]]\nkind = 'websocket'\n";
    std::fs::write(directory.path().join("t.toml"), text).unwrap();
    let ended =
        anynews(directory.path(), &["run", "t.toml", "--no-report", "--format", "json", "-q"]).exits(0);
    let live: Value = serde_json::from_str(&ended.stdout).unwrap();
    for transport in live["transports"].as_array().unwrap() {
        let d = &transport["deliveries"];
        assert!(d["delivered"].as_u64() > Some(0), "{}: {d}", transport["label"]);
        assert_eq!(
            (&d["lost"], &d["duplicated"]),
            (&Value::from(0), &Value::from(0)),
            "{}",
            transport["label"]
        );
        assert_eq!(transport["sends"]["count"], d["published"], "{}", transport["label"]);
        assert_eq!(transport["requests"]["failed"], 0, "{}", transport["label"]);
    }
}

fn sim_against_theory(sim: &TransportOutcome, theory: &TransportOutcome) -> Vec<String> {
    let n = |count: u64| count as f64;
    // Departures and arrivals are drawn: three standard deviations of a Poisson number.
    let noise = |count: u64| 3.0 * n(count).sqrt();
    let delivered = n(sim.deliveries.delivered);
    let (waste, other) = (sim.waste_ratio.unwrap_or(0.0), theory.waste_ratio.unwrap_or(0.0));
    let delay = sim.latency_ms.mean.unwrap();
    let (requests, opened) = (&theory.requests, &theory.connections.opened);
    differences(
        &sim.label,
        &[
            ("requests", n(sim.requests.total), n(requests.total), 0.005, noise(requests.opens)),
            ("opens", n(sim.requests.opens), n(requests.opens), 0.0, noise(requests.opens)),
            ("connections", known(sim.connections.opened), known(*opened), 0.005, noise(opened.unwrap())),
            ("waste", waste, other, 0.0, 0.006),
            (
                "owed",
                n(sim.deliveries.expected),
                n(theory.deliveries.expected),
                0.01,
                noise(theory.deliveries.expected),
            ),
            ("delay", delay, theory.latency_ms.mean.unwrap(), 0.0, 0.001 + 3.0 * delay / delivered.sqrt()),
            (
                "wait",
                sim.wait_ms_mean.unwrap_or(0.0),
                theory.wait_ms_mean.unwrap_or(0.0),
                0.0,
                0.001 + 3.0 * delay / delivered.sqrt(),
            ),
            ("bytes up", known(sim.bytes.up), known(theory.bytes.up), 0.03, 0.0),
            ("bytes down", known(sim.bytes.down), known(theory.bytes.down), 0.03, 0.0),
            ("opening", known(sim.bytes.opening), known(theory.bytes.opening), 0.03, 0.0),
            ("pings", n(sim.frames.pings), n(theory.frames.pings), 0.02, 0.0),
            ("comments", n(sim.frames.comments), n(theory.frames.comments), 0.05, 0.0),
        ],
    )
}

#[track_caller]
fn formulas_agree_with_virtual_time(text: &str) {
    let (sim, theory) = (in_virtual_time(text), by_formula(text));
    let found: Vec<String> =
        sim.iter().zip(&theory).flat_map(|(sim, theory)| sim_against_theory(sim, theory)).collect();
    assert!(found.is_empty(), "{text}\n{found:#?}");
    for (sim, theory) in sim.iter().zip(&theory) {
        if let (Some(one), Some(other)) = (sim.staleness_ms_mean, theory.staleness_ms_mean) {
            assert!((one - other).abs() <= 0.1 * other + 0.001, "{}: {one} {other}", sim.label);
        }
    }
}

#[test]
fn the_formulas_of_visits() {
    let letters = LETTERS.replace("1500ms", "9s");
    let begin = |visit: &str, warmup: &str| {
        format!("duration = '40s'\nwarmup = '{warmup}'\nclients = 3000\nvisit = '{visit}'\n{letters}")
    };
    let polls = "[[transport]]\nkind = 'poll'\ninterval = '3s'\n\
                 [[transport]]\nlabel = 'closing'\nkind = 'poll'\ninterval = '3s'\nkeep_alive = false\n\
                 [[transport]]\nlabel = 'two'\nkind = 'poll'\ninterval = '3s'\nhttp = '2'\nconditional = true\n";
    let push = "[[transport]]\nkind = 'sse'\n[[transport]]\nkind = 'websocket'\nping = '4s'\n";
    let long = "[[transport]]\nkind = 'long-poll'\nhold = '5s'\n";
    formulas_agree_with_virtual_time(&format!("{}{polls}{push}{long}", begin("8s", "3s")));
    formulas_agree_with_virtual_time(&format!("{}{polls}{push}{long}", begin("30s", "1s")));
    let far = format!("{}[network]\nrtt = '100ms'\n{polls}{push}", begin("6s", "6s"));
    formulas_agree_with_virtual_time(&far);
}

#[test]
fn the_formulas_of_backing_off() {
    let polls = "[[transport]]\nkind = 'poll'\ninterval = '1s'\nbackoff_max = '9s'\n\
                 [[transport]]\nlabel = 'once'\nkind = 'poll'\ninterval = '2s'\nbackoff_max = '3s'\nhttp = '2'\n";
    let letters = LETTERS.replace("1500ms", "9s");
    for (warmup, network) in [("10s", ""), ("1s", ""), ("10s", "[network]\nrtt = '200ms'\n")] {
        formulas_agree_with_virtual_time(&format!(
            "duration = '60s'\nwarmup = '{warmup}'\nclients = 3000\n{letters}{network}{polls}"
        ));
    }
}

#[test]
fn what_has_no_formula_is_refused_and_named() {
    let refused = |head: &str, tail: &str| {
        let text = format!("duration = '5s'\nclients = 4\n{head}\n{tail}");
        theory::run(&read(&text), None).unwrap_err().to_string()
    };
    let both = refused(
        "visit = '2s'",
        &format!("{LETTERS}[[transport]]\nkind = 'poll'\ninterval = '1s'\nbackoff_max = '3s'\n"),
    );
    assert!(both.contains("poll: ") && both.contains("together") && both.contains("--engine sim"), "{both}");
    let game = "[workload]\nkind = 'game'\nplayers = 2\ntick = '1s'\n[[transport]]\nkind = 'websocket'\n";
    assert!(refused("visit = '2s'", game).contains("come and go and write"));
    let periodic = "[workload]\nkind = 'periodic'\ngap = '1s'\n[[transport]]\nkind = 'poll'\ninterval = '1s'\nbackoff_max = '4s'\n";
    assert!(refused("", periodic).contains("Poisson news only"));
}
