//! The keys of single workloads, and traces with their files.

use std::path::Path;

use super::*;
use crate::scenario::{Night, Opening};

fn file(workload: &str) -> String {
    format!("clients = 12\n[[transport]]\nkind = \"sse\"\n[workload]\n{workload}\n")
}

fn workload(lines: &str) -> Workload {
    read("t", "t.toml", &file(lines), &Overrides::default()).unwrap_or_else(|p| panic!("{p}")).workload
}

#[test]
fn a_night_has_hours_and_is_quiet() {
    let night = |lines: &str| match workload(&format!(
        "kind = \"chat\"\nmembers = 3\ngap_per_room = \"1m\"\n{lines}"
    )) {
        Workload::Chat { night, .. } => night,
        other => panic!("{other:?}"),
    };
    assert_eq!(night(""), None);
    for (hours, length) in [("23:00-07:00", 8 * 60), ("00:30-06:15", 345), ("12:00-11:59", 24 * 60 - 1)] {
        let found = night(&format!("night = \"{hours}\"")).unwrap();
        let length = Duration::from_secs(length * 60);
        assert_eq!(found, Night { hours: hours.to_owned(), length, quiet: 0.05 });
    }
    for (lines, hint) in [
        ("night = \"11pm\"", "workload.night: \"11pm\" will not do; write hours like \"23:00-07:00\""),
        ("night = \"07:00-07:00\"", "will not do"),
        ("night = \"24:00-07:00\"", "will not do"),
        ("night = \"+3:00-07:00\"", "will not do"),
        ("night = \"23:00-07:00\"\nquiet = 2", "quiet: 2 will not do; write a number from 0 to 1"),
        ("quiet = 0.1", "quiet: means nothing without night"),
    ] {
        let text = file(&format!("kind = \"chat\"\nmembers = 3\ngap_per_room = \"1m\"\n{lines}"));
        assert_told(&text, &Overrides::default(), &[hint]);
    }
}

#[test]
fn a_market_opens_with_a_burst() {
    let opening = |lines: &str| match workload(&format!("kind = \"ticker\"\ngap = \"1s\"\n{lines}")) {
        Workload::Ticker { opening, .. } => opening,
        other => panic!("{other:?}"),
    };
    assert_eq!(opening(""), None);
    let settle = Duration::from_secs(90);
    assert_eq!(opening("burst = 20\nsettle = \"90s\""), Some(Opening { burst: 20.0, settle }));
    for (lines, hint) in [
        ("burst = 0.5", "burst: 0.5 will not do; write a number from 1 to 1000"),
        ("burst = \"20\"", "without quotes"),
        ("settle = \"1m\"", "settle: means nothing without burst"),
    ] {
        let text = file(&format!("kind = \"ticker\"\ngap = \"1s\"\n{lines}"));
        assert_told(&text, &Overrides::default(), &[hint]);
    }
    assert_told(
        &file("kind = \"cricket\"\ngap_per_ball = \"1s\"\nburst = 2"),
        &Overrides::default(),
        &[
            "burst: is not a key here; it belongs to kind = \"ticker\"; kind = \"cricket\" takes gap_per_ball, overs, pauses",
        ],
    );
}

/// Writes a trace beside a scenario that names it, and reads that.
fn traced(folder: &Path, trace: &str, overrides: &Overrides) -> Result<Scenario, String> {
    std::fs::write(folder.join("recorded.jsonl"), trace).unwrap();
    let path = folder.join("t.toml");
    read("t", path.to_str().unwrap(), &file("kind = \"trace\"\nfile = \"recorded.jsonl\""), overrides)
        .map_err(|problems| problems.to_string())
}

#[test]
fn a_trace_lies_beside_its_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "{\"at_ms\":5,\"topic\":\"a\",\"kind\":\"k\",\"data\":1}\n{\"at_ms\":-5,\"topic\":\"b\",\"kind\":\"k\",\"data\":2}\n";
    let scenario = traced(folder.path(), lines, &Overrides::default()).unwrap();
    let Workload::Trace { file, events, digest, recorded } = &scenario.workload else { panic!() };
    assert_eq!((file.as_str(), *events, recorded.events.len()), ("recorded.jsonl", 2, 2));
    assert_eq!((digest.len(), recorded.topics.as_slice()), (45, ["a".to_owned(), "b".to_owned()].as_slice()));
    let schedule = scenario.workload.schedule(scenario.clients, scenario.seed, 0, 10_000);
    assert_eq!((schedule.events.len(), schedule.reads[..3].to_vec()), (1, vec![0, 1, 0]));
    // An outcome keeps what identifies the recording, not the recording.
    let json = serde_json::to_value(&scenario).unwrap();
    assert_eq!(json["workload"].as_object().unwrap().len(), 4, "{json}");
    let back: Scenario = serde_json::from_value(json).unwrap();
    assert!(back.workload.schedule(12, 1, 0, 10_000).events.is_empty());
    // From the command line a path is meant from where one stands.
    let told = traced(folder.path(), lines, &with(&["workload.file=recorded.jsonl"])).unwrap_err();
    assert!(told.contains("--set workload.file: recorded.jsonl: there is no such file"), "{told}");
    let told = traced(folder.path(), lines, &with(&["clients=1"])).unwrap_err();
    assert!(told.contains("workload.file: 2 topics need a reader each; write clients = 2"), "{told}");
}

#[test]
fn the_example_of_a_trace_is_sound() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/traces/buses.toml");
    let scenario = crate::scenario::shipped::load(path, &Overrides::default()).unwrap();
    let schedule = scenario.workload.schedule(scenario.clients, scenario.seed, -3_000_000, 20_000_000);
    assert_eq!((schedule.topics.len(), schedule.events.len()), (2, 16));
}

#[test]
fn wrong_lines_of_a_trace_are_named_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let told = traced(folder.path(), "{}\nhello\n", &with(&["seed=-1"])).unwrap_err();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].contains("t.toml: --set seed: -1 is not a seed"), "{told}");
    assert!(
        lines[1].contains("recorded.jsonl:1: missing field") && lines[1].ends_with("\"Coming?\"}"),
        "{told}"
    );
    assert!(lines[2].contains("recorded.jsonl:2: a line is a JSON object"), "{told}");
    for (lines, hint) in [
        ("kind = \"trace\"", "workload.file: is missing; write file = \"PATH\""),
        ("kind = \"trace\"\nfile = 3", "workload.file: 3 is not text"),
        (
            "kind = \"trace\"\nfile = \"nowhere.jsonl\"",
            "t.toml:6: workload.file: nowhere.jsonl: there is no such file",
        ),
    ] {
        assert_told(&file(lines), &Overrides::default(), &[hint]);
    }
}
