//! What a user types and what comes back: exit codes, streams, files, signals.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{Running, anynews, anynews_unheard, are_gone, one_at_a_time};

/// A short run of the letters scenario; faster polls give it something to count.
const SHORT: [&str; 10] = [
    "run",
    "letters",
    "--duration",
    "2s",
    "--set",
    "clients=20",
    "--set",
    "poll.interval=500ms",
    "--set",
    "workload.mean_gap=2s",
];

/// Holds an outcome to the schema that the program prints.
#[track_caller]
fn assert_valid(outcome: &Value) {
    let printed = anynews(tempdir().unwrap().path(), &["scenarios", "schema", "--outcome"]).exits(0).stdout;
    let schema: Value = serde_json::from_str(&printed).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(outcome).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn short(more: &[&'static str]) -> Vec<&'static str> {
    [SHORT.as_slice(), more].concat()
}

#[test]
fn bare_it_says_what_it_is_and_what_to_try() {
    let ended = anynews(tempdir().unwrap().path(), &[]).exits(0);
    for word in ["Any new messages?", "anynews run letters", "anynews handshake", "anynews scenarios"] {
        assert!(ended.stdout.contains(word), "{word:?} is not in:\n{}", ended.stdout);
    }
}

#[test]
fn a_run_writes_a_report_and_prints_a_verdict() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let ended = anynews(directory.path(), &short(&[])).exits(0);
    assert!(ended.stdout.contains("Report: reports/letters/report.html"), "{}", ended.stdout);
    let report = directory.path().join("reports/letters");
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    assert!(page.contains("</html>"));
    let charts = fs::read_dir(report.join("charts")).unwrap().count();
    assert!(charts >= 5, "{charts} charts");
    let outcome: Value =
        serde_json::from_str(&fs::read_to_string(report.join("outcome.json")).unwrap()).unwrap();
    assert_eq!(outcome["schema"], "anynews/outcome/1");
}

#[test]
fn json_is_the_document_and_nothing_else() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let ended = anynews(directory.path(), &short(&["--format", "json", "--no-report", "-q"])).exits(0);
    let outcome: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_valid(&outcome);
    assert_eq!(outcome["transports"][0]["label"], "poll");
    assert_eq!(outcome["transports"][1]["waste_ratio"], Value::Null);
    assert_eq!(ended.stderr, "");
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none(), "no report was asked for");
}

#[test]
fn several_scenarios_are_an_array() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let arguments = [
        "run",
        "letters",
        "letters",
        "--duration",
        "1s",
        "--set",
        "clients=5",
        "--set",
        "poll.interval=200ms",
        "--format",
        "json",
        "--no-report",
    ];
    let ended = anynews(directory.path(), &arguments).exits(0);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&ended.stdout).unwrap().len(), 2);
}

#[test]
fn samples_lists_every_delivery() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let ended =
        anynews(directory.path(), &short(&["--samples", "--out", "here", "--format", "json"])).exits(0);
    let outcome: Value = serde_json::from_str(&ended.stdout).unwrap();
    let delivered: u64 = outcome["transports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["deliveries"]["delivered"].as_u64().unwrap())
        .sum();
    let csv = fs::read_to_string(directory.path().join("here/deliveries.csv")).unwrap();
    assert_eq!(csv.lines().count() as u64, delivered + 1, "a heading and a row a delivery");
}

#[test]
fn a_failed_threshold_is_99() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let text = "title='t'\nduration='1s'\nclients=5\n[workload]\nkind='periodic'\ngap='500ms'\n\
                [[transport]]\nkind='poll'\ninterval='200ms'\n[threshold]\n'poll.waste_ratio'=['value<0.01']\n";
    fs::write(directory.path().join("t.toml"), text).unwrap();
    let ended = anynews(directory.path(), &["run", "t.toml", "--no-report"]).exits(99);
    assert!(ended.stdout.contains("value<0.01"), "{}", ended.stdout);
}

#[test]
fn a_signal_ends_the_run_and_what_was_measured_is_written() {
    let _alone = one_at_a_time();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let directory = tempdir().unwrap();
        let arguments = [
            "run",
            "letters",
            "--set",
            "clients=20",
            "--set",
            "poll.interval=500ms",
            "--set",
            "warmup=500ms",
        ];
        let mut running = Running::start(directory.path(), &arguments);
        running.hears("measuring");
        let servers = running.children();
        assert_eq!(servers.len(), 2, "a server process per transport");
        running.signal(signal);
        running.end().exits(code);
        are_gone(&servers);
        let outcome = fs::read_to_string(directory.path().join("reports/letters/outcome.json")).unwrap();
        let outcome: Value = serde_json::from_str(&outcome).unwrap();
        let ended = outcome["interrupted_at_s"].as_f64().unwrap();
        assert!((0.0..20.0).contains(&ended), "{ended}");
        assert_eq!(outcome["transports"][0]["deliveries"]["lost"], 0);
        assert!(directory.path().join("reports/letters/report.html").exists());
    }
}

#[test]
fn no_server_outlives_a_killed_run() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let mut running =
        Running::start(directory.path(), &["run", "letters", "--set", "clients=10", "--no-report"]);
    running.hears("warm-up");
    let servers = running.children();
    assert!(!servers.is_empty());
    running.signal(Signal::KILL);
    are_gone(&servers);
}

#[test]
fn more_clients_than_files_is_refused_with_what_would_fit() {
    let directory = tempdir().unwrap();
    anynews(
        directory.path(),
        &["run", "letters", "--set", "clients=2000000", "--set", "workload.inbox=shared"],
    )
    .exits(2)
    .says(&["2000000", "clients fit", "--set clients="]);
}

#[test]
fn more_ports_than_there_are_is_refused() {
    let directory = tempdir().unwrap();
    let arguments = [
        "run",
        "letters",
        "--set",
        "poll.keep_alive=false",
        "--set",
        "clients=5000",
        "--set",
        "poll.interval=500ms",
    ];
    anynews(directory.path(), &arguments).exits(2).says(&["TIME_WAIT", "interval"]);
}

#[test]
fn mistakes_are_named_all_at_once_with_their_lines() {
    let directory = tempdir().unwrap();
    let text = "title = 't'\nduration = '1 fortnight'\nclients = 0\n[workload]\nkind = 'poisson'\nmean_gpa = '1s'\n\
                [[transport]]\nkind = 'poll'\ninterval = '-5s'\n";
    fs::write(directory.path().join("bad.toml"), text).unwrap();
    let lines = ["bad.toml:2", "bad.toml:3", "bad.toml:6", "mean_gap", "bad.toml:9"];
    anynews(directory.path(), &["run", "bad.toml"]).exits(2).says(&lines);
    anynews(directory.path(), &["scenarios", "check", "bad.toml"]).exits(2);
}

#[test]
fn files_that_are_none_are_refused() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("binary.toml"), [0u8, 159, 146, 150]).unwrap();
    anynews(directory.path(), &["run", "missing.toml"]).exits(2).says(&["missing.toml"]);
    anynews(directory.path(), &["run", "binary.toml"]).exits(2).says(&["binary.toml"]);
    anynews(directory.path(), &["run", "leters"]).exits(2).says(&["letters"]);
    anynews(directory.path(), &["run", "."]).exits(2);
}

#[test]
fn what_is_not_built_yet_says_so() {
    let directory = tempdir().unwrap();
    anynews(directory.path(), &["demo"]).exits(2).says(&["not built yet"]);
}

#[test]
fn formulas_answer_at_once_and_say_that_they_are_formulas() {
    let directory = tempdir().unwrap();
    let ended = anynews(directory.path(), &["run", "in-between", "--engine", "theory"]).exits(0);
    assert!(
        ended.stdout.contains("by formula") && ended.stdout.contains("theory expects"),
        "{}",
        ended.stdout
    );
    let report = directory.path().join("reports/in-between");
    let text = fs::read_to_string(report.join("outcome.json")).unwrap();
    let outcome: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(outcome["engine"], "theory");
    for null in ["generator", "started_at"] {
        assert_eq!(outcome[null], Value::Null, "{null}");
    }
    assert!(outcome["machine"]["cores"].as_u64() > Some(0), "{}", outcome["machine"]);
    for transport in outcome["transports"].as_array().unwrap() {
        for null in ["server", "handshake", "request_ms", "samples", "series", "person"] {
            assert_eq!(transport[null], Value::Null, "{null}");
        }
    }
    assert!(fs::read_to_string(report.join("report.html")).unwrap().contains("computed, not measured"));
    let refused = ["run", "letters", "--engine", "theory", "--samples"];
    anynews(directory.path(), &refused).exits(2).says(&["--samples", "--engine sim"]);
}

#[test]
fn outcomes_are_compared_and_what_cannot_be_is_refused() {
    let directory = tempdir().unwrap();
    for engine in ["sim", "theory"] {
        anynews(directory.path(), &["run", "letters", "--engine", engine, "--out", engine, "-q"]).exits(0);
    }
    let ended = anynews(directory.path(), &["report", "sim/outcome.json", "theory/outcome.json"]).exits(0);
    assert!(ended.stdout.contains("no difference beyond noise"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Report: reports/compare/report.html"), "{}", ended.stdout);
    let charts = directory.path().join("reports/compare/charts");
    assert_eq!(fs::read_dir(charts).unwrap().count(), 4);

    let twice = ["report", "sim/outcome.json", "sim/../sim/outcome.json"];
    anynews(directory.path(), &twice).exits(2).says(&["given twice"]);
    fs::write(directory.path().join("other.json"), r#"{"schema":"anynews/outcome/9"}"#).unwrap();
    anynews(directory.path(), &["report", "sim/outcome.json", "other.json"])
        .exits(2)
        .says(&["other.json", "anynews/outcome/9"]);
    anynews(directory.path(), &["report", "missing.json"]).exits(2).says(&["missing.json"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let json = short(&["--format", "json", "--no-report", "-q"]);
    let cases: [&[&str]; 6] =
        [&[], &["scenarios"], &["completions", "bash"], &["handshake"], &short(&[]), &json];
    for arguments in cases {
        let ended = anynews_unheard(directory.path(), arguments).exits(0);
        assert!(!ended.stderr.contains("panicked"), "{arguments:?}: {}", ended.stderr);
    }
    anynews_unheard(directory.path(), &["report", "reports/letters/outcome.json"]).exits(0);
}

#[test]
fn the_schema_of_scenarios_knows_every_part_of_a_file() {
    let ended = anynews(tempdir().unwrap().path(), &["scenarios", "schema"]).exits(0);
    let schema: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(schema["$schema"].as_str().unwrap().contains("2020-12"));
    for key in ["clients", "workload", "transport", "network", "threshold"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}

#[test]
fn completions_are_printed() {
    let ended = anynews(tempdir().unwrap().path(), &["completions", "bash"]).exits(0);
    assert!(ended.stdout.contains("anynews"));
}

#[test]
fn what_was_measured_is_printed_though_a_later_scenario_fails() {
    let directory = tempdir().unwrap();
    let small = "title = 'x'\nclients = 2\nduration = '1s'\n[workload]\nkind = 'poisson'\nmean_gap = '1s'\n\
                 [[transport]]\nkind = 'poll'\ninterval = '1s'\n";
    fs::create_dir_all(directory.path().join("a")).unwrap();
    for place in ["same.toml", "a/same.toml"] {
        fs::write(directory.path().join(place), small).unwrap();
    }
    let both = ["run", "same.toml", "a/same.toml", "--engine", "sim"];
    anynews(directory.path(), &both).exits(2).says(&["two scenarios would write", "same"]);
    // Virtual time has no servers that could stop, which it says when it is their turn.
    let sim = ["run", "same.toml", "frozen-server", "--engine", "sim", "--format", "json", "--no-report"];
    let ended = anynews(directory.path(), &sim).exits(2);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(printed[0]["scenario"]["name"], "same");
    assert_eq!(printed.as_array().unwrap().len(), 1);
}
