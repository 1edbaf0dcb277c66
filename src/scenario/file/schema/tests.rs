//! The schema and the reader, asked the same questions.

use jsonschema::Validator;

use super::*;
use crate::scenario::file::{Overrides, read};
use crate::scenario::shipped;

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn json(text: &str) -> Value {
    toml::from_str(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// A file with every table; `{network}` and the like stand where a test writes something of its own.
fn file(workload: &str, transport: &str, rest: &str) -> String {
    format!("clients = 12\n{rest}\n[workload]\n{workload}\n[[transport]]\n{transport}\n")
}

/// A valid setting of each workload and transport with the keys it must have.
const WORKLOADS: [&[&str]; 6] = [
    &["kind = \"poisson\"", "mean_gap = \"5s\""],
    &["kind = \"periodic\"", "gap = \"5s\""],
    &["kind = \"chat\"", "members = 3", "gap_per_room = \"5s\""],
    &["kind = \"cricket\"", "gap_per_ball = \"5s\""],
    &["kind = \"ticker\"", "gap = \"5ms\""],
    &["kind = \"game\"", "players = 3", "tick = \"50ms\""],
];
const TRANSPORTS: [&[&str]; 4] = [
    &["kind = \"poll\"", "interval = \"1s\""],
    &["kind = \"long-poll\""],
    &["kind = \"sse\""],
    &["kind = \"websocket\""],
];

const CLAIM: &str = "[[claim]]\nsource = \"A\"\nsays = \"B\"\nmetric = \"sse.bytes.up\"\nwhy = \"C\"\n";

const FAULTS: [&[&str]; 7] = [
    &["kind = \"stall-server\"", "at = \"1s\"", "for = \"1s\""],
    &["kind = \"kill-server\"", "at = \"1s\"", "for = \"1s\""],
    &["kind = \"drain-server\"", "at = \"1s\"", "for = \"1s\""],
    &["kind = \"restart-broker\"", "at = \"1s\"", "for = \"1s\""],
    &["kind = \"cut-clients\"", "at = \"1s\"", "share = 0.5"],
    &["kind = \"slow-clients\"", "at = \"1s\"", "share = 0.5"],
    &["kind = \"idle-proxy\"", "at = \"1s\"", "idle = \"1s\""],
];

/// What only the reader can say: how long a duration or size is, what is more than what, and what one
/// table needs of another.
const BEYOND: [&str; 8] = [
    "is out of range",
    "more than half the round trip",
    "write [fleet] with",
    "of the same thing",
    "below the natural size",
    "more than a server takes",
    "count in whole seconds",
    "where clients write",
];

/// Whether both say the same of `text`, and what.
#[track_caller]
fn agreed(validator: &Validator, text: &str) -> bool {
    let json = json(text);
    let schema = validator.validate(&json);
    let problems = read("t", "t.toml", text, &Overrides::default()).err().map_or(Vec::new(), |all| all.0);
    let within = problems.iter().all(|problem| BEYOND.iter().any(|word| problem.message.contains(word)));
    assert_eq!(within, schema.is_ok(), "{text}\n{problems:?}\n{:?}", schema.err());
    within
}

#[test]
fn every_shipped_scenario_is_valid() {
    let validator = validator();
    for shipped in shipped::all() {
        let errors: Vec<String> =
            validator.iter_errors(&json(shipped.text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", shipped.name);
    }
}

#[test]
fn each_kind_needs_what_the_reader_says_it_needs() {
    let validator = validator();
    let whole = |lines: &[&str]| lines.join("\n");
    for lines in WORKLOADS {
        assert!(agreed(&validator, &file(&whole(lines), "kind = \"sse\"", "")), "{lines:?}");
        for missing in 0..lines.len() {
            let mut lines = lines.to_vec();
            lines.remove(missing);
            assert!(!agreed(&validator, &file(&whole(&lines), "kind = \"sse\"", "")), "{lines:?}");
        }
    }
    for lines in TRANSPORTS {
        for missing in 0..=lines.len() {
            let mut left = lines.to_vec();
            if missing < left.len() {
                left.remove(missing);
            }
            let fine = agreed(&validator, &file(WORKLOADS[0].join("\n").as_str(), &whole(&left), ""));
            assert_eq!(fine, missing == lines.len(), "{left:?}");
        }
    }
    for lines in FAULTS {
        for missing in 0..=lines.len() {
            let mut left = lines.to_vec();
            if missing < left.len() {
                left.remove(missing);
            }
            let fault = format!("kind = \"sse\"\n[[fault]]\n{}", whole(&left));
            let fine = agreed(&validator, &file(WORKLOADS[0].join("\n").as_str(), &fault, ""));
            assert_eq!(fine, missing == lines.len(), "{left:?}");
        }
    }
    for table in
        ["clients = 12", "[workload]\nkind = \"poisson\"\nmean_gap = \"5s\"", "[[transport]]\nkind = \"sse\""]
    {
        let text = file(&whole(WORKLOADS[0]), "kind = \"sse\"", "");
        assert!(text.contains(table));
        assert!(!agreed(&validator, &text.replace(table, "")), "{table}");
    }
}

/// Every key of every table, once with each of these values: whatever the reader says, the schema says.
#[test]
fn each_key_takes_what_the_reader_takes() {
    const VALUES: [&str; 22] = [
        "\"5s\"",
        "\"0ms\"",
        "\"5\"",
        "\"fast\"",
        "\"64B\"",
        "\"9Mbit/s\"",
        "\"own\"",
        "\"lean\"",
        "\"1.1\"",
        "\"sim\"",
        "\"23:00-07:00\"",
        "\"25:00-07:00\"",
        "\"wifi\"",
        "true",
        "false",
        "-1",
        "0",
        "1",
        "3",
        "0.5",
        "[]",
        "{}",
    ];
    let validator = validator();
    let mut accepted = 0;
    let mut ask = |text: String| accepted += usize::from(agreed(&validator, &text));
    let first = WORKLOADS[0].join("\n");
    for value in VALUES {
        // A trace is only as good as the file it names, which no schema can open.
        for ((kind, keys), lines) in workload::KINDS.iter().zip(WORKLOADS) {
            for key in keys.iter().filter(|key| !says(lines, key)) {
                // What has to be beside some keys.
                let beside = match *key {
                    "quiet" => "night = \"23:00-07:00\"\n",
                    "settle" => "burst = 2\n",
                    _ => "",
                };
                assert!(lines[0].contains(kind));
                ask(file(&format!("{}\n{beside}{key} = {value}", lines.join("\n")), "kind = \"sse\"", ""));
            }
        }
        for ((kind, keys), lines) in transports::KINDS.iter().zip(TRANSPORTS) {
            assert!(lines[0].contains(kind));
            for key in keys.iter().chain(&["label"]).filter(|key| !says(lines, key)) {
                // "5s" and the like are ranges' business where a unit is right.
                ask(file(&first, &format!("{}\n{key} = {value}", lines.join("\n")), ""));
            }
        }
        for ((kind, keys), lines) in faults::KINDS.iter().zip(FAULTS) {
            assert!(lines[0].contains(kind));
            for key in keys.iter().filter(|key| !says(lines, key)) {
                let fault = format!("{}\n{key} = {value}", lines.join("\n"));
                ask(file(&first, &format!("kind = \"sse\"\n[[fault]]\n{fault}"), ""));
            }
        }
        for key in network::KEYS {
            let rtt = if key == "jitter" { "rtt = \"20s\"\n" } else { "" };
            ask(file(&first, &format!("kind = \"sse\"\n[network]\n{rtt}{key} = {value}"), ""));
        }
        for key in fleet::KEYS {
            ask(file(&first, &format!("kind = \"sse\"\n[fleet]\n{key} = {value}"), ""));
        }
        // Which names an answer may use depends on the labels, which no schema can follow.
        for key in TOP.iter().filter(|key| !["clients", "workload", "transport", "answer"].contains(key)) {
            ask(file(&first, "kind = \"sse\"", &format!("{key} = {value}")));
        }
    }
    assert!(accepted > 50, "{accepted} were right");
}

fn says(lines: &[&str], key: &str) -> bool {
    lines.iter().any(|line| line.split(' ').next() == Some(key))
}

#[test]
fn wrong_tables_are_wrong_for_both() {
    let validator = validator();
    let first = WORKLOADS[0].join("\n");
    for (workload, transport, rest, fine) in [
        (first.as_str(), "kind = \"sse\"", "", true),
        (&first, "kind = \"sse\"", "titel = \"x\"", false),
        (&first, "kind = \"sse\"", "fleet = { servers = 2 }", true),
        (&first, "kind = \"sse\"", "fleet = { servers = 2, broker = \"memory\" }", false),
        (&first, "kind = \"sse\"", "fleet = { broker = \"redis-pubsub\", redis = \"redis://h:1\" }", true),
        (&first, "kind = \"sse\"", "fleet = { broker = \"none\", redis = \"redis://h:1\" }", false),
        (&first, "kind = \"sse\"", "fleet = { broker = \"nats\" }", false),
        (&first, "kind = \"pol\"", "", false),
        (&first, "kind = \"sse\"\ninterval = \"1s\"", "", false),
        (&first, "kind = \"sse\"\nlabel = \"a b\"", "", false),
        (&first, "kind = \"sse\"\nlabel = \"network\"", "", false),
        (&first, "kind = \"sse\"\n[network]\nloss = 1.5", "", false),
        (&first, "kind = \"sse\"\n[network]\nprofile = \"4g\"", "", false),
        (&first, "kind = \"sse\"\n[network]\nprofile = \"3g\"\ndown = \"2Mbit/s\"", "", true),
        (&first, "kind = \"sse\"\n[threshold]\nsse.latency_ms = [\"p(99)<50\", \"max < 1e3\"]", "", true),
        (&first, "kind = \"sse\"\n[threshold]\n\"sse.latency_ms\" = \"p(101)<50\"", "", false),
        (&first, "kind = \"sse\"\n[threshold]\n\"sse.latency_ms\" = 5", "", false),
        (&first, &format!("kind = \"sse\"\n{CLAIM}"), "", true),
        (&first, &format!("kind = \"sse\"\n{CLAIM}value = 0.5"), "", true),
        (&first, &format!("kind = \"sse\"\n{CLAIM}value = -1"), "", false),
        (&first, &format!("kind = \"sse\"\n{CLAIM}whom = \"me\""), "", false),
        (&first, &format!("kind = \"sse\"\n{}", CLAIM.replace("why", "#")), "", false),
        ("kind = \"trace\"", "kind = \"sse\"", "", false),
        ("kind = \"chat\"\nmembers = 3\ngap_per_room = \"1s\"\nquiet = 0.5", "kind = \"sse\"", "", false),
        ("kind = \"cricket\"\ngap_per_ball = \"1s\"\nmean_gap = \"1s\"", "kind = \"sse\"", "", false),
    ] {
        let text = file(workload, transport, rest);
        assert_eq!(agreed(&validator, &text), fine, "{text}");
    }
}
