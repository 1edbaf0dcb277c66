//! Where one process may not open files for all people, several do: the figures are the same.

use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{Running, anynews, anynews_with_files, are_gone, one_at_a_time};

/// Four ways at once: 180 people each, which 400 files carry at a server but not in one client process.
const FOUR: &str = r#"
title = "Four ways"
duration = "3s"
warmup = "1s"
clients = 180
[workload]
kind = "poisson"
mean_gap = "1s"
inbox = "own"
[[transport]]
kind = "poll"
interval = "1s"
[[transport]]
kind = "long-poll"
[[transport]]
kind = "sse"
[[transport]]
kind = "websocket"
"#;

/// Two ways, three servers: 300 people each need two client processes of 350 files.
const FLEET: &str = r#"
title = "Three servers"
duration = "3s"
warmup = "500ms"
clients = 300
[workload]
kind = "poisson"
mean_gap = "1s"
inbox = "shared"
[[transport]]
kind = "sse"
[[transport]]
kind = "websocket"
[fleet]
servers = 3
broker = "redis"
"#;

const JSON: [&str; 6] = ["run", "s.toml", "--no-report", "--format", "json", "-q"];

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), text).unwrap();
    folder
}

fn outcome(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap()
}

/// All that the seed decides, of each transport.
fn counts(outcome: &Value) -> Vec<String> {
    let of = |t: &Value| {
        let d = &t["deliveries"];
        let polls = if t["kind"] == "poll" { &t["requests"]["polls"] } else { &Value::Null };
        format!(
            "{}: {} connected, {} published, {} expected, {} delivered, {} lost, {} twice, {} sent, {polls} polls",
            t["label"],
            t["clients_connected"],
            d["published"],
            d["expected"],
            d["delivered"],
            d["lost"],
            d["duplicated"],
            t["sends"]["count"],
        )
    };
    outcome["transports"].as_array().unwrap().iter().map(of).collect()
}

#[track_caller]
fn loses_nothing(outcome: &Value, people: u64) {
    for t in outcome["transports"].as_array().unwrap() {
        let d = &t["deliveries"];
        assert!(d["delivered"].as_u64().unwrap() > 0, "{d}");
        assert_eq!((d["lost"].as_u64(), d["duplicated"].as_u64()), (Some(0), Some(0)), "{}: {d}", t["label"]);
        assert_eq!(t["clients_connected"], people, "{}", t["label"]);
        assert_eq!(t["requests"]["failed"], 0, "{}", t["label"]);
    }
}

#[test]
fn people_in_several_processes_count_as_people_in_one() {
    let _alone = one_at_a_time();
    let folder = folder(FOUR);
    let one = outcome(&anynews(folder.path(), &JSON).exits(0).stdout);
    let several = outcome(&anynews_with_files(folder.path(), 400, &JSON).exits(0).stdout);
    assert_eq!((&one["generator"]["processes"], &several["generator"]["processes"]), (&1.into(), &4.into()));
    loses_nothing(&several, 180);
    assert_eq!(counts(&one), counts(&several));
    for (one, several) in
        one["transports"].as_array().unwrap().iter().zip(several["transports"].as_array().unwrap())
    {
        assert!(several["person"]["received"].as_u64() > Some(0), "{}", several["person"]);
        assert_eq!(one["person"]["client"], several["person"]["client"]);
        assert_eq!(several["latency_ms"]["count"], several["deliveries"]["delivered"]);
        assert!(several["audit"]["requests_server"].as_u64() >= several["audit"]["requests_client"].as_u64());
    }
    assert!(several["generator"]["cpu_s"].as_f64() > Some(0.0), "{}", several["generator"]);
}

#[test]
fn one_transports_people_are_spread_over_several_processes() {
    if !crate::redis_process::wanted() {
        return;
    }
    let _alone = one_at_a_time();
    let folder = folder(FLEET);
    let one = outcome(&anynews(folder.path(), &JSON).exits(0).stdout);
    let several = outcome(&anynews_with_files(folder.path(), 350, &JSON).exits(0).stdout);
    assert_eq!((&one["generator"]["processes"], &several["generator"]["processes"]), (&1.into(), &4.into()));
    loses_nothing(&several, 300);
    assert_eq!(counts(&one), counts(&several));
    for transport in several["transports"].as_array().unwrap() {
        let fleet = &transport["fleet"];
        assert_eq!(fleet["cross_server_lost"], 0, "{fleet}");
        let total = &fleet["hops_ms"]["total"]["count"];
        assert_eq!(
            total, &fleet["cross_server_expected"],
            "every delivery that crossed is in the log: {fleet}"
        );
    }
}

#[test]
fn a_server_that_one_process_cannot_be_is_an_error_that_says_the_way_out() {
    let folder = folder(FOUR);
    let words =
        ["180 clients need 230 connections to one server", "350 open files", "[fleet] servers", "sim"];
    anynews_with_files(folder.path(), 350, &JSON).exits(2).says(&words);
}

#[test]
fn a_signal_ends_client_processes_with_their_figures_and_leaves_none() {
    let _alone = one_at_a_time();
    let folder = folder(FOUR);
    let arguments = ["run", "s.toml", "--duration", "60s", "--no-report", "--format", "json"];
    let mut run = Running::start_with_files(folder.path(), 400, &arguments);
    run.hears("client processes");
    run.hears("measuring");
    let children = run.children();
    assert_eq!(children.len(), 8, "a server and a client process for each transport");
    run.signal(Signal::INT);
    let ended = run.end().exits(130);
    let outcome = outcome(&ended.stdout);
    assert!(outcome["interrupted_at_s"].as_f64() < Some(60.0), "{}", outcome["interrupted_at_s"]);
    loses_nothing(&outcome, 180);
    are_gone(&children);
}

#[test]
fn client_processes_end_with_their_parent_and_it_with_them() {
    let _alone = one_at_a_time();
    let folder = folder(FOUR);
    let arguments = ["run", "s.toml", "--duration", "60s", "--no-report"];
    let start = || {
        let mut run = Running::start_with_files(folder.path(), 400, &arguments);
        run.hears("measuring");
        let children = run.children();
        assert_eq!(children.len(), 8);
        (run, children)
    };
    let (run, children) = start();
    run.signal(Signal::KILL);
    run.end();
    are_gone(&children);
    let (run, children) = start();
    let is_people = |id: &&rustix::process::Pid| {
        let line = std::fs::read_to_string(format!("/proc/{}/cmdline", id.as_raw_nonzero())).unwrap();
        line.contains("clients\0--child-of")
    };
    let people = children.iter().find(is_people).expect("a client process");
    rustix::process::kill_process(*people, Signal::KILL).unwrap();
    run.end().exits(1).says(&["a client process ended in the middle of the run"]);
    are_gone(&children);
}
