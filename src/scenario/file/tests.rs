//! Files as students write them, and what they are told.

use proptest::prelude::*;

use super::*;
use crate::scenario::{Inbox, Workload};
use crate::transport::{Http, Way};

mod claims;
mod fairness;
mod faults;
mod fleet;
mod network;
mod pace;
mod workload;

const LETTERS: &str = r#"title    = "Letters"
seed     = 7
duration = "20s"
clients  = 300

[workload]
kind     = "poisson"
mean_gap = "47.5s"

[[transport]]
kind     = "poll"
interval = "5s"

[[transport]]
kind     = "websocket"
"#;

fn with(set: &[&str]) -> Overrides {
    Overrides { set: set.iter().map(|&text| text.to_owned()).collect(), ..Overrides::default() }
}

fn letters(overrides: &Overrides) -> Scenario {
    read("letters", "letters.toml", LETTERS, overrides).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The lines a user sees.
fn told(text: &str, overrides: &Overrides) -> Vec<String> {
    match read("t", "t.toml", text, overrides) {
        Ok(scenario) => panic!("nothing was wrong: {scenario:?}"),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

/// LETTERS with one line replaced.
fn edited(from: &str, to: &str) -> String {
    assert!(LETTERS.contains(from));
    LETTERS.replacen(from, to, 1)
}

fn assert_told(text: &str, overrides: &Overrides, expected: &[&str]) {
    let lines = told(text, overrides);
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, part) in lines.iter().zip(expected) {
        let mut rest = line.as_str();
        for piece in part.split(" … ") {
            let at = rest.find(piece).unwrap_or_else(|| panic!("{line}\nlacks {piece}"));
            rest = &rest[at + piece.len()..];
        }
    }
}

#[test]
fn a_file_becomes_a_scenario_with_its_defaults() {
    let scenario = letters(&Overrides::default());
    assert_eq!((scenario.seed, scenario.clients), (7, 300));
    assert_eq!(scenario.duration, Duration::from_secs(20));
    assert_eq!(scenario.warmup, Duration::from_secs(5), "the interval");
    let expected =
        Workload::Poisson { mean_gap: Duration::from_millis(47_500), inbox: Inbox::Own, payload: None };
    assert_eq!(scenario.workload, expected);
    let ways: Vec<_> = scenario.transports.iter().map(|t| (t.label.as_str(), t.way.clone())).collect();
    let poll = Way::Poll {
        interval: Duration::from_secs(5),
        backoff_max: None,
        keep_alive: true,
        conditional: false,
        shared_cache: None,
        http: Http::One,
    };
    let socket =
        Way::WebSocket { ping: Duration::from_secs(25), coalesce: Duration::ZERO, read_buffer: 4096 };
    assert_eq!(ways, [("poll", poll), ("websocket", socket)]);
}

#[test]
fn warm_up_follows_the_longest_interval() {
    let warmup = |set: &[&str]| letters(&with(set)).warmup;
    assert_eq!(warmup(&["poll.interval=30s"]), Duration::from_secs(10));
    assert_eq!(warmup(&["poll.interval=200ms"]), Duration::from_millis(200));
    assert_eq!(warmup(&["warmup=0ms"]), Duration::ZERO);
    let only = Overrides { only: vec!["websocket".to_owned()], ..Overrides::default() };
    assert_eq!(letters(&only).warmup, Duration::from_secs(1));
}

#[test]
fn overrides_come_before_the_checks() {
    let broken = edited("interval = \"5s\"", "interval = \"soon\"");
    let fixed = read("t", "t.toml", &broken, &with(&["poll.interval = 1s", "clients=50"])).unwrap();
    assert_eq!(fixed.transports[0].way.interval(), Some(Duration::from_secs(1)));
    assert_eq!(fixed.clients, 50);
    let overrides = Overrides {
        set: vec!["workload.mean_gap=10s".to_owned(), "websocket.label=phone".to_owned()],
        seed: Some(u64::MAX),
        engine: Some("theory".to_owned()),
        duration: Some("3s".to_owned()),
        only: vec!["phone".to_owned()],
        ..Overrides::default()
    };
    let scenario = letters(&overrides);
    assert_eq!((scenario.seed, scenario.duration), (u64::MAX, Duration::from_secs(3)));
    assert_eq!(scenario.engine, Engine::Theory);
    assert_eq!(scenario.transports.len(), 1);
    let set = ["workload.kind=periodic", "workload.gap=2s", "threshold.poll.waste_ratio=value>0.1"];
    assert_told(LETTERS, &with(&set), &["t.toml:8: workload.mean_gap: … takes gap, inbox, payload"]);
}

#[test]
fn a_wrong_override_is_named_by_its_flag() {
    assert_told(
        LETTERS,
        &with(&["poll.interval=5x", "pol.interval=1s", "clinets=5", "nonsense", "workload.x.y=1", "a..b=1"]),
        &[
            "t.toml: --set pol.interval: there is no transport \"pol\" … did you mean \"poll\"?",
            "t.toml: --set nonsense: has no value",
            "t.toml: --set a..b: is not a key",
            "t.toml: --set poll.interval: \"5x\" is not a duration",
            "t.toml: --set workload.x.y: is not a key",
            "t.toml: --set clinets: is not a key … did you mean \"clients\"?",
        ],
    );
    let overrides = Overrides {
        engine: Some("simm".to_owned()),
        duration: Some("long".to_owned()),
        only: vec!["websoket".to_owned()],
        ..Overrides::default()
    };
    assert_told(
        LETTERS,
        &overrides,
        &[
            "t.toml: --duration: \"long\" is not a duration",
            "t.toml: --engine: \"simm\" is not known; write one of \"live\", \"sim\", \"theory\" … did you mean \"sim\"?",
            "t.toml: --only: there is no transport \"websoket\"; there are poll, websocket; did you mean \"websocket\"?",
        ],
    );
}

#[test]
fn every_problem_of_a_file_is_named_at_once() {
    let text = r#"titel    = "x"
seed     = -1
duration = "20"
clients  = 0
warmup   = 5

[workload]
kind     = "poison"
mean_gap = "5"

[[transport]]
kind     = "pol"

[[transport]]
kind      = "poll"
interval  = "-5s"
keep_alive = "yes"
hold      = "5s"
label     = "a b"

[[transport]]
kind      = "websocket"
clients   = 5
read_buffer = "4KB"
"#;
    assert_told(
        text,
        &Overrides::default(),
        &[
            "t.toml:1: titel: is not a key here … did you mean \"title\"?",
            "t.toml:2: seed: -1 is not a seed; write a whole number from 0 on",
            "t.toml:3: duration: \"20\" has no unit … did you mean \"20s\"?",
            "t.toml:4: clients: 0 will not do; write a whole number from 1 to 10,000,000",
            "t.toml:5: warmup: \"5\" has no unit … did you mean \"5s\"?",
            "t.toml:8: workload.kind: \"poison\" is not known; write one of \"poisson\" … did you mean \"poisson\"?",
            "t.toml:9: workload.mean_gap: \"5\" has no unit … did you mean \"5s\"?",
            "t.toml:12: pol.kind: \"pol\" is not known … did you mean \"poll\"?",
            "t.toml:16: a b.interval: \"-5s\" is negative",
            "t.toml:17: a b.keep_alive: \"yes\" is neither; write true or false",
            "t.toml:18: a b.hold: is not a key here; it belongs to kind = \"long-poll\"",
            "t.toml:19: a b.label: \"a b\" will not do",
            "t.toml:23: websocket.clients: is not a key here; it belongs at the top of the file",
            "t.toml:24: websocket.read_buffer: \"4KB\" is not a size … did you mean \"4KiB\"?",
        ],
    );
}

#[test]
fn an_empty_file_is_told_what_it_needs() {
    let expected =
        ["t.toml: clients: is missing", "t.toml: transport: is missing", "t.toml: workload: is missing"];
    assert_told("", &Overrides::default(), &expected);
    let parts = "clients = 4\n[workload]\n[[transport]]\n[[transport]]\nkind = \"poll\"\n";
    assert_told(
        parts,
        &Overrides::default(),
        &[
            "t.toml:2: workload.kind: is missing; write kind = one of \"poisson\"",
            "t.toml:3: transport 1.kind: is missing; write kind = one of \"poll\"",
            "t.toml:4: poll.interval: is missing; write interval = \"DURATION\"",
        ],
    );
}

#[test]
fn broken_toml_is_named_by_line_with_the_rest() {
    let text = "clients = 0\nduration = 20s\n[workload]\nkind = \"poisson\nmean_gap = 47\n[[transport]\nkind = \"poll\"\n";
    let lines = told(text, &Overrides::default());
    assert!(lines[0].starts_with("t.toml:1: clients: 0 will not do"), "{lines:#?}");
    assert_eq!(lines[1], "t.toml:2: duration: text needs quotes; write duration = \"20s\"");
    assert!(lines[2].starts_with("t.toml:4: kind: this line is not TOML"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("t.toml:5: workload.mean_gap: \"47\" has no unit")));
    assert!(lines.iter().any(|line| line.starts_with("t.toml:6: this line is not TOML")), "{lines:#?}");
    let twice = edited("seed     = 7", "title = \"again\"");
    assert_told(&twice, &Overrides::default(), &["t.toml:2: title: … duplicate key"]);
}

#[test]
fn what_happens_anyway_may_be_written_down() {
    let text = format!(
        "engine = \"live\"\nheaders = \"lean\"\n{}\n[network]\ntls = false\n",
        LETTERS
            .replace("interval = \"5s\"", "interval = \"5s\"\nhttp = \"1.1\"")
            .replace("\"websocket\"", "\"websocket\"\ncoalesce = \"0ms\"")
    );
    assert!(read("t", "t.toml", &text, &Overrides::default()).is_ok());
}

#[test]
fn people_must_fill_their_rooms() {
    let chat = "clients = 10\nworkload = { kind = \"chat\", members = 4, gap_per_room = \"5s\" }\n\
                transport = [{ kind = \"sse\" }]\n";
    assert_told(
        chat,
        &Overrides::default(),
        &["t.toml:2: workload.members: 10 clients do not make whole rooms of 4; write clients = 8 or 12"],
    );
    assert!(read("t", "t.toml", chat, &with(&["clients=12"])).is_ok());
    let game = chat.replace("chat", "game").replace("members = 4, gap_per_room", "players = 20, tick");
    assert_told(&game, &Overrides::default(), &["do not make whole matches of 20; write clients = 20"]);
}

#[test]
fn labels_tell_transports_apart() {
    let ways = |list: &str| {
        let workload = "clients = 2\nworkload = { kind = \"cricket\", gap_per_ball = \"1s\" }\n";
        format!("{workload}transport = [{list}]\n")
    };
    let three = ways(
        r#"{kind="poll",interval="1s"}, {kind="sse"}, {kind="poll",interval="2s"}, {kind="poll",interval="3s"}"#,
    );
    let scenario = read("t", "t.toml", &three, &with(&["poll-2.interval=9s"])).unwrap();
    let labels: Vec<_> = scenario.transports.iter().map(|t| t.label.as_str()).collect();
    assert_eq!(labels, ["poll", "sse", "poll-2", "poll-3"]);
    assert_eq!(scenario.transports[2].way.interval(), Some(Duration::from_secs(9)));
    let numbered = ways(
        r#"{kind="poll",interval="1s",label="poll-2"}, {kind="poll",interval="1s"}, {kind="poll",interval="1s"}"#,
    );
    let scenario = read("t", "t.toml", &numbered, &Overrides::default()).unwrap();
    let labels: Vec<_> = scenario.transports.iter().map(|t| t.label.as_str()).collect();
    assert_eq!(labels, ["poll-2", "poll", "poll-3"]);
    let twice = ways(r#"{kind="sse"}, {kind="websocket",label="sse"}"#);
    assert_told(&twice, &Overrides::default(), &["t.toml:3: sse.label: \"sse\" is taken"]);
    let reserved = ways(r#"{kind="sse",label="workload"}, {kind="sse",label=3}"#);
    assert_told(&reserved, &Overrides::default(), &["is a key of the file", "3 is not text"]);
    assert_told(&ways(""), &Overrides::default(), &["t.toml:3: transport: 0 transports will not do"]);
    let single = "clients = 2\nworkload = { kind = \"cricket\", gap_per_ball = \"1s\" }\n[transport]\nkind = \"sse\"\n";
    assert_told(single, &Overrides::default(), &["t.toml:3: transport: is one table; … in double brackets"]);
}

#[test]
fn sizes_and_ranges_are_checked() {
    for (line, hint) in [
        ("payload = \"10B\"", "from 11B to 60KiB"),
        ("payload = 64", "did you mean \"64B\"?"),
        ("payload = \"1MiB\"", "out of range"),
        ("inbox = \"shard\"", "did you mean \"shared\"?"),
        ("inbox = 1979-05-27", "the date 1979-05-27 is not known"),
        ("gap = \"1s\"", "it belongs to kind = \"periodic\""),
        ("inbox = 2", "2 is not known; write one of \"own\", \"shared\", in quotes"),
        ("meangap = \"1s\"", "did you mean \"mean_gap\"?"),
    ] {
        let text = edited("kind     = \"poisson\"", &format!("kind = \"poisson\"\n{line}"));
        assert_told(&text, &Overrides::default(), &[hint]);
    }
    for (from, to, hint) in [
        ("\"5s\"", "\"0s\"", "poll.interval: \"0s\" is out of range; write something from 1ms to 24h"),
        ("\"47.5s\"", "\"0.1ms\"", "out of range"),
        ("\"20s\"", "\"25h\"", "out of range"),
        ("300", "10_000_001", "10000001 will not do"),
        ("300", "3.5", "3.5 will not do"),
        ("300", "\"300\"", "without quotes"),
        ("300", "99999999999999999999999999999999999999999999", "will not do"),
        ("\"Letters\"", "[1]", "an array is not text"),
        ("\"Letters\"", "\"two\\nlines\"", "one line"),
    ] {
        assert_told(&edited(from, to), &Overrides::default(), &[hint]);
    }
}

#[test]
fn thresholds_are_checked_when_read() {
    let text = format!(
        "{LETTERS}\n[threshold]\n\"websocket.latency_ms\" = [\"p(99)<50\", \"p(101)<50\"]\n\
         poll.waste_ratio = \"value>0.8\"\n\"pol.waste_ratio\" = [\"value>0.8\"]\npoll.wast_ratio = [\"value>0.8\"]\n\
         poll.deliveries.lost = [0]\n[threshold.poll.requests]\nempty = [\"count>1\"]\n"
    );
    assert_told(
        &text,
        &Overrides::default(),
        &[
            "t.toml:18: threshold.websocket.latency_ms: p(101) is no percentile",
            "t.toml:20: threshold.pol.waste_ratio: names no transport; … did you mean \"poll\"?",
            "t.toml:21: threshold.poll.wast_ratio: … did you mean \"waste_ratio\"?",
            "t.toml:22: threshold.poll.deliveries.lost: 0 is not a condition",
        ],
    );
    let good = format!(
        "{LETTERS}\n[threshold]\npoll.waste_ratio = \"value>0.8\"\n\"websocket.deliveries.lost\" = [\"count==0\"]\n\
         [threshold.poll.requests]\nempty = [\"count>1\", \"value>2\"]\n"
    );
    let scenario = read("t", "t.toml", &good, &Overrides::default()).unwrap();
    let mut found: Vec<_> =
        scenario.thresholds.iter().map(|t| format!("{} {}", t.metric, t.expression)).collect();
    found.sort();
    let expected = [
        "poll.requests.empty count>1",
        "poll.requests.empty value>2",
        "poll.waste_ratio value>0.8",
        "websocket.deliveries.lost count==0",
    ];
    assert_eq!(found, expected);
    let only = Overrides { only: vec!["websocket".to_owned()], ..Overrides::default() };
    assert_eq!(read("t", "t.toml", &good, &only).unwrap().thresholds.len(), 1);
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*", line in "[a-z_]{1,12} ?= ?[\\[\\]{}\"a-z0-9.-]{0,12}", set in ".{0,30}=?.{0,10}") {
        let overrides = with(&[&set]);
        let _ = read("t", "t.toml", &text, &overrides);
        for part in ["seed     = 7", "mean_gap = \"47.5s\"", "interval = \"5s\""] {
            let _ = read("t", "t.toml", &edited(part, &line), &overrides);
        }
    }

    #[test]
    fn every_problem_is_one_printable_line(text in "(?s).*", value in any::<String>()) {
        let quoted = toml::Value::String(value).to_string();
        for text in [text, edited("\"47.5s\"", &quoted), edited("seed", &quoted)] {
            if let Err(Problems(problems)) = read("t", "t.toml", &text, &Overrides::default()) {
                for problem in problems {
                    prop_assert!(!problem.to_string().contains(|c: char| c.is_control()), "{}", problem);
                }
            }
        }
    }
}
