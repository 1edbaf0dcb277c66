//! Whole runs over real sockets: nothing lost, nothing twice, both sides count the same.

use anynews::scenario::file::Overrides;
use anynews::scenario::{Engine, shipped};
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{anynews, one_at_a_time};

fn run(arguments: &[&str]) -> Value {
    let ended = anynews(
        tempdir().unwrap().path(),
        &[&["run"], arguments, &["--no-report", "--format", "json", "-q"]].concat(),
    );
    serde_json::from_str(&ended.exits(0).stdout).unwrap()
}

fn n(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Every (client, event) pair is accounted for, and clients and server counted the same requests.
#[track_caller]
fn books_balance(transport: &Value) {
    let label = &transport["label"];
    let d = &transport["deliveries"];
    assert!(n(&d["delivered"]) > 0.0, "{label}: {d}");
    assert_eq!((&d["lost"], &d["duplicated"]), (&Value::from(0), &Value::from(0)), "{label}: {d}");
    let fates = ["delivered", "lost", "superseded", "expired"].iter().map(|f| n(&d[f])).sum::<f64>();
    assert_eq!(n(&d["expected"]), fates, "{label}: {d}");
    assert_eq!(transport["clients"], transport["clients_connected"], "{label}");
    assert_eq!(transport["requests"]["failed"], 0, "{label}");
    let audit = &transport["audit"];
    assert_eq!(audit["events_encoded"], audit["events_published"], "{label}: encoded once each");
    // A long poll that the server answers while the client hangs up is counted by one side only.
    let apart = n(&audit["requests_server"]) - n(&audit["requests_client"]);
    let allowed = if transport["kind"] == "long-poll" { n(&transport["clients"]) } else { 0.0 };
    assert!((0.0..=allowed).contains(&apart), "{label}: {audit}");
}

#[test]
fn every_live_scenario_loses_nothing() {
    let _alone = one_at_a_time();
    for shipped in shipped::course() {
        let scenario = shipped::load(shipped.name, &Overrides::default()).unwrap();
        let has_servers = scenario.fleet.is_none() || crate::redis_process::wanted();
        // What breaks on purpose has tests of its own.
        if scenario.engine != Engine::Live || !has_servers || !scenario.faults.is_empty() {
            continue;
        }
        let outcome = run(&[shipped.name, "--duration", "4s"]);
        for transport in outcome["transports"].as_array().unwrap() {
            books_balance(transport);
        }
        assert_eq!(outcome["generator"]["saturated"], false, "{}: {}", shipped.name, outcome["generator"]);
        assert_eq!(outcome["in_turn"], false, "{} fits two cores", shipped.name);
    }
}

#[test]
fn letters_measures_what_theory_says() {
    let _alone = one_at_a_time();
    let outcome = run(&["letters"]);
    let poll = &outcome["transports"][0];
    let websocket = &outcome["transports"][1];
    books_balance(poll);
    books_balance(websocket);
    // Inboxes are independent, so the binomial standard error holds.
    let expected = (-5.0f64 / 47.5).exp();
    let asked = n(&poll["requests"]["polls"]);
    let se = (expected * (1.0 - expected) / asked).sqrt();
    assert!(
        (n(&poll["waste_ratio"]) - expected).abs() < 3.0 * se,
        "{} against {expected}",
        poll["waste_ratio"]
    );
    // The wait is uniform over the interval: its standard deviation is T/√12.
    let delivered = n(&poll["deliveries"]["delivered"]);
    let se_ms = 5000.0 / 12f64.sqrt() / delivered.sqrt();
    assert!((n(&poll["latency_ms"]["mean"]) - 2500.0).abs() < 3.0 * se_ms, "{}", poll["latency_ms"]);
    assert!((n(&poll["theory"]["waste_ratio"]) - expected).abs() < 1e-9);
    assert_eq!(
        poll["deliveries"]["published"], websocket["deliveries"]["published"],
        "the same events for both"
    );
    assert_eq!(asked, 1200.0, "300 people, 20 s, one ask per 5 s");
}

#[test]
fn the_seed_alone_decides_the_events() {
    let _alone = one_at_a_time();
    let published = |seed: &str, warmup: &str| {
        let outcome = run(&[
            "letters",
            "--only",
            "websocket",
            "--duration",
            "1s",
            "--seed",
            seed,
            "--set",
            warmup,
            "--set",
            "workload.mean_gap=2s",
        ]);
        outcome["transports"][0]["deliveries"]["published"].clone()
    };
    assert_eq!(published("5", "warmup=1s"), published("5", "warmup=300ms"));
    assert_ne!(published("5", "warmup=300ms"), published("6", "warmup=300ms"));
}

#[test]
fn conditional_polls_are_answered_304_and_cost_less() {
    let _alone = one_at_a_time();
    let bytes = |conditional: &str| {
        let outcome = run(&[
            "letters",
            "--only",
            "poll",
            "--duration",
            "2s",
            "--set",
            "clients=50",
            "--set",
            "poll.interval=200ms",
            "--set",
            conditional,
        ]);
        books_balance(&outcome["transports"][0]);
        n(&outcome["transports"][0]["bytes"]["down"])
    };
    assert!(bytes("poll.conditional=true") < bytes("poll.conditional=false"));
}

#[test]
fn a_network_delays_what_people_hear_and_loses_nothing() {
    let _alone = one_at_a_time();
    let outcome = run(&["connection-per-poll", "--duration", "4s", "--set", "network.rtt=100ms"]);
    let [poll, close, websocket] = outcome["transports"].as_array().unwrap().as_slice() else { panic!() };
    for transport in [poll, close, websocket] {
        books_balance(transport);
        // Nobody hears anything before it has come half the way.
        assert!(n(&transport["latency_ms"]["min"]) >= 50.0, "{}", transport["latency_ms"]);
    }
    assert!(n(&poll["request_ms"]["min"]) >= 100.0, "{}", poll["request_ms"]);
    assert!(n(&close["request_ms"]["min"]) >= 200.0, "a new connection costs a round trip");
}

#[test]
fn waiting_for_an_answer_is_not_blamed_on_the_load_generator() {
    let _alone = one_at_a_time();
    let outcome = run(&["game", "--duration", "3s", "--set", "network.rtt=150ms"]);
    for transport in outcome["transports"].as_array().unwrap() {
        books_balance(transport);
        // There and on: to the server, and from it to the other players.
        assert!(n(&transport["latency_ms"]["min"]) >= 150.0, "{}", transport["latency_ms"]);
    }
    assert_eq!(outcome["generator"]["saturated"], false, "{}", outcome["generator"]);
}
