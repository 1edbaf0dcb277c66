//! Runs with several servers: what crosses, what is lost, how long it takes, and what is left behind.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{Running, anynews, anynews_with, are_gone, one_at_a_time};
use crate::redis_process::{Redis, wanted};

/// A short run of `scenario`, as its outcome.
fn run(scenario: &str, set: &[&str]) -> Value {
    let set = set.iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> =
        ["run", scenario, "--no-report", "--format", "json", "-q"].into_iter().chain(set).collect();
    let ended = anynews(tempdir().unwrap().path(), &arguments).exits(0);
    serde_json::from_str(&ended.stdout).unwrap()
}

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

#[test]
fn chat_over_two_and_four_servers_loses_and_doubles_nothing() {
    if !wanted() {
        return;
    }
    let _alone = one_at_a_time();
    for servers in ["fleet.servers=2", "fleet.servers=4"] {
        let set =
            [servers, "fleet.broker=redis", "duration=4s", "poll.interval=500ms", "workload.gap_per_room=1s"];
        let outcome = run("chat", &set);
        for transport in outcome["transports"].as_array().unwrap() {
            let (d, fleet) = (&transport["deliveries"], &transport["fleet"]);
            assert!(n(&d["delivered"]) > 200, "{d}");
            assert_eq!((n(&d["lost"]), n(&d["duplicated"])), (0, 0), "{d}");
            assert_eq!(n(&fleet["cross_server_lost"]), 0, "{fleet}");
            let crossing = n(&fleet["cross_server_expected"]);
            let expected = n(&d["expected"]);
            if transport["kind"] == "poll" {
                assert_eq!(crossing, expected, "polls go to all servers in turn");
            } else {
                assert!((1..expected).contains(&crossing), "some cross, some do not: {fleet}");
            }
            // Each event is encoded once, by the server it was published to.
            assert_eq!(transport["audit"]["events_encoded"], transport["audit"]["events_published"]);
            let hops = &fleet["hops_ms"];
            let added = &hops["to_other_server"];
            assert!(n(&added["count"]) > 100 && added["p99"].is_f64(), "{added}");
            assert!(hops["to_redis"]["p50"].as_f64().unwrap() > 0.0, "{hops}");
            assert_eq!(hops["to_reader"].is_null(), transport["kind"] == "poll", "{hops}");
            // The parts add up to the whole: each is a mean over about the same events.
            assert!(hops["total"]["p50"].as_f64() > added["min"].as_f64(), "{hops}");
        }
    }
}

#[test]
fn what_is_between_two_servers_decides_whether_b_hears_a() {
    if !wanted() {
        return;
    }
    let _alone = one_at_a_time();
    for (broker, lost) in [("none", true), ("redis-pubsub", false), ("redis", false)] {
        let outcome = run("two-servers", &[&format!("fleet.broker={broker}"), "duration=3s"]);
        for transport in outcome["transports"].as_array().unwrap() {
            let (d, fleet) = (&transport["deliveries"], &transport["fleet"]);
            assert_eq!(fleet["broker"], broker);
            let expected = n(&d["expected"]);
            assert!(expected > 20, "{d}");
            assert_eq!(n(&fleet["cross_server_expected"]), expected, "A and B never share a server");
            assert_eq!(n(&d["lost"]), if lost { expected } else { 0 }, "{broker}: {d}");
            assert_eq!(fleet["cross_server_lost"], d["lost"]);
            assert_eq!(fleet["hops_ms"].is_null(), broker == "none");
        }
    }
}

#[test]
fn without_a_broker_exactly_what_crosses_is_lost_and_the_report_says_why() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let set = [
        "fleet.broker=none",
        "fleet.servers=3",
        "duration=2s",
        "poll.interval=300ms",
        "workload.gap_per_room=500ms",
    ];
    let set = set.iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> = ["run", "chat", "-q"].into_iter().chain(set).collect();
    let ended = anynews(directory.path(), &arguments).exits(99);
    assert!(ended.stdout.contains("Between the 3 servers there is nothing"), "{}", ended.stdout);
    let folder = directory.path().join("reports/chat");
    let outcome: Value = serde_json::from_slice(&fs::read(folder.join("outcome.json")).unwrap()).unwrap();
    for transport in outcome["transports"].as_array().unwrap() {
        let (d, fleet) = (&transport["deliveries"], &transport["fleet"]);
        assert!(n(&d["delivered"]) > 0, "some readers share the author's server: {d}");
        assert!(n(&d["lost"]) > 0, "{d}");
        assert_eq!(fleet["cross_server_lost"], d["lost"], "what does not cross is not lost");
    }
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("How A’s message reaches B") && page.contains("nothing: "));
}

#[test]
fn nothing_of_a_fleet_outlives_its_run() {
    if !wanted() {
        return;
    }
    let _alone = one_at_a_time();
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::TERM, Some(143)), (Signal::KILL, None)] {
        let directory = tempdir().unwrap();
        let arguments = ["run", "two-servers", "--set", "clients=4", "--set", "warmup=100ms", "--no-report"];
        let mut running = Running::start(directory.path(), &arguments);
        running.hears("measuring");
        let processes = running.children();
        assert_eq!(processes.len(), 7, "two servers for each of three ways, and Redis");
        running.signal(signal);
        match code {
            Some(code) => drop(running.end().exits(code)),
            None => drop(running),
        }
        are_gone(&processes);
    }
}

#[test]
fn somebody_elses_redis_is_used_and_left_clean() {
    if !wanted() {
        return;
    }
    let _alone = one_at_a_time();
    let redis = Redis::start();
    let url = format!("fleet.redis={}", redis.url());
    for broker in ["fleet.broker=redis", "fleet.broker=redis-pubsub"] {
        // Over TLS, too: each server has a certificate of its own.
        let outcome = run("two-servers", &[&url, broker, "duration=1s", "clients=8", "network.tls=true"]);
        assert_eq!(outcome["transports"][2]["deliveries"]["lost"], 0);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(redis.command::<i64>(&["DBSIZE"])), 0);
}

#[test]
fn what_a_fleet_needs_and_what_is_missing_is_said() {
    let directory = tempdir().unwrap();
    for engine in ["sim", "theory"] {
        anynews(directory.path(), &["run", "two-servers", "--engine", engine])
            .exits(2)
            .says(&["[fleet]", "--engine live"]);
    }
    let no_path = [("PATH", directory.path().to_str().unwrap())];
    anynews_with(directory.path(), &["run", "two-servers", "--no-report"], &no_path)
        .exits(2)
        .says(&["apt install redis-server", "fleet.redis"]);
    let nobody = ["run", "two-servers", "--no-report", "--set", "fleet.redis=redis://127.0.0.1:1"];
    anynews(directory.path(), &nobody).exits(1).says(&["cannot use Redis at redis://127.0.0.1:1"]);
}
