//! `anynews sweep` as it is typed.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{Running, anynews, are_gone, one_at_a_time};

#[test]
fn a_sweep_prints_its_findings_and_writes_a_report() {
    let directory = tempdir().unwrap();
    let arguments = ["sweep", "letters", "--engine", "theory", "--vary", "workload.mean_gap=2s,5s,20s"];
    let ended = anynews(directory.path(), &arguments).exits(0).says(&["2 of 3: workload.mean_gap=5s"]);
    assert!(
        ended.stdout.contains("rises above 50 % between workload.mean_gap = 5s and 20s"),
        "{}",
        ended.stdout
    );
    let out = directory.path().join("reports/sweep-letters");
    for file in ["report.html", "sweep.json", "sweep.csv", "charts/trade-off.png", "charts/sweep-bytes.png"] {
        assert!(out.join(file).exists(), "{file}");
    }
    let points: Vec<String> = ["2s", "5s", "20s"]
        .map(|gap| out.join(format!("points/workload.mean_gap={gap}/outcome.json")).display().to_string())
        .to_vec();
    let compared: Vec<&str> = std::iter::once("report").chain(points.iter().map(String::as_str)).collect();
    anynews(directory.path(), &compared).exits(0);
}

#[test]
fn json_is_the_document_and_nothing_else() {
    let directory = tempdir().unwrap();
    let arguments = [
        "sweep",
        "letters",
        "--engine",
        "sim",
        "--set",
        "clients=20",
        "--duration",
        "5s",
        "--vary",
        "poll.interval=1s,500ms",
        "--vary",
        "workload.mean_gap=1s,10s",
        "--format",
        "json",
        "--no-report",
        "-q",
    ];
    let ended = anynews(directory.path(), &arguments).exits(0);
    assert_eq!(ended.stderr, "");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["schema"], "anynews/sweep/1");
    assert_eq!(document["keys"][0]["values"], serde_json::json!(["500ms", "1s"]));
    let points = document["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    assert_eq!(points[1]["values"], serde_json::json!(["500ms", "10s"]));
    assert_eq!(points[1]["outcome"]["scenario"]["transport"][0]["interval"], "500ms");
    assert!(!directory.path().join("reports").exists());
}

#[test]
fn what_is_no_sweep_is_named() {
    let directory = tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 12] = [
        (&["--vary", "poll.intervall=1s,2s"], &["--vary poll.intervall", "did you mean \"interval\"?"]),
        (&["--vary", "pol.interval=1s,2s"], &["--vary pol.interval", "did you mean \"poll\"?"]),
        (&["--vary", "poll.interval=1s,fast"], &["--vary poll.interval", "is not a duration"]),
        (&["--vary", "poll.interval="], &["empty grid"]),
        (&["--vary", "poll.interval"], &["has no values"]),
        (&["--vary", "poll.interval=1s,1000ms"], &["are the same"]),
        (&["--vary", "seed=1,2", "--seed", "3"], &["--seed sets it, too"]),
        (&["--vary", "clients=1,2", "--set", "clients=3"], &["--set clients sets it, too"]),
        (&["--vary", "poll.interval=1s,2s", "--only", "websocket"], &["--only leaves that transport out"]),
        (&["--vary", "clients=1", "--vary", "seed=1", "--vary", "duration=1s"], &["two sides at most"]),
        (&["--vary", "clients=1,2", "--engine", "magic"], &["--engine", "sim"]),
        (&["--vary", "clients=1,2", "--max-delay", "0ms"], &["--max-delay"]),
    ];
    for (arguments, said) in cases {
        let arguments = [&["sweep", "letters"][..], arguments].concat();
        anynews(directory.path(), &arguments).exits(2).says(said);
    }
    anynews(directory.path(), &["sweep", "letters"]).exits(2).says(&["--vary"]);
    assert!(!directory.path().join("reports").exists(), "nothing was run, so nothing is written");
}

#[test]
fn a_signal_ends_the_sweep_and_what_was_measured_is_written() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let arguments = [
        "sweep",
        "letters",
        "--set",
        "clients=10",
        "--set",
        "warmup=0ms",
        "--duration",
        "500ms",
        "--vary",
        "poll.interval=100ms,200ms,300ms,400ms,500ms",
    ];
    let mut running = Running::start(directory.path(), &arguments);
    running.hears("3 of 5");
    let servers = running.children();
    running.signal(Signal::INT);
    running.end().exits(130).says(&["stopped after"]);
    are_gone(&servers);
    let out = directory.path().join("reports/sweep-letters");
    let document: Value = serde_json::from_str(&fs::read_to_string(out.join("sweep.json")).unwrap()).unwrap();
    let points = document["points"].as_array().unwrap().len();
    assert!((2..5).contains(&points), "{points} points");
    assert_eq!(document["planned"], 5);
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("The sweep was stopped"));
}
