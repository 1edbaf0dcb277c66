//! Live runs held to virtual time with the same seed: every shipped live scenario, and random ones.
//!
//! `theory_agrees` holds the formulas to virtual time, so that the three engines stand together.

use std::collections::BTreeMap;
use std::fs;

use anynews::random::Dice;
use anynews::scenario::{Engine, Scenario, file, file::Overrides, shipped};
use anynews::sim;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{anynews, one_at_a_time};

/// Long polls are compared only where the events of a topic lie this far apart: closer ones share an
/// answer or not by a hair.
const APART_US: i64 = 20_000;

fn n(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn near(case: &str, live: f64, sim: f64, share: f64, least: f64) {
    assert!((live - sim).abs() <= (share * sim.abs()).max(least), "{case}: live {live}, sim {sim}");
}

fn agree(case: &str, live: &Value, sim: &Value) {
    let case = |what: &str| format!("{case}, {}: {what}", live["label"]);
    near(&case("requests"), n(&live["requests"]["total"]), n(&sim["requests"]["total"]), 0.01, 2.0);
    if !sim["waste_ratio"].is_null() {
        near(&case("waste"), n(&live["waste_ratio"]), n(&sim["waste_ratio"]), 0.0, 0.01);
    }
    assert_eq!(live["deliveries"]["published"], sim["deliveries"]["published"], "{}", case("published"));
    assert_eq!(live["deliveries"]["expected"], sim["deliveries"]["expected"], "{}", case("expected"));
    assert_eq!((&live["deliveries"]["lost"], &live["deliveries"]["duplicated"]), (&0.into(), &0.into()));
    near(&case("mean delay"), n(&live["latency_ms"]["mean"]), n(&sim["latency_ms"]["mean"]), 0.03, 5.0);
    // Sizes are modelled, to the byte where nothing crosses an edge of the window.
    near(&case("bytes"), n(&live["bytes"]["down"]), n(&sim["bytes"]["down"]), 0.05, 2000.0);
}

fn events_lie_apart(scenario: &Scenario) -> bool {
    let end = i64::try_from(scenario.duration.as_micros()).unwrap();
    let start = -i64::try_from(scenario.warmup.as_micros()).unwrap();
    let schedule = scenario.workload.schedule(scenario.clients, scenario.seed, start, end);
    let mut last: BTreeMap<u32, i64> = BTreeMap::new();
    schedule.events.iter().all(|event| {
        let before = last.insert(event.topic, event.at);
        before.is_none_or(|before| event.at - before >= APART_US)
    })
}

/// Runs a scenario in both engines and compares every transport.
fn both(what: &str, scenario: &Scenario, arguments: &[&str]) {
    let directory = tempdir().unwrap();
    let arguments = [&["run"], arguments, &["--no-report", "--format", "json", "-q"]].concat();
    let ended = anynews(directory.path(), &arguments).exits(0);
    let live: Value = serde_json::from_str(&ended.stdout).unwrap();
    let sim = serde_json::to_value(sim::run(scenario, &sim::Options::default()).unwrap().0).unwrap();
    let apart = events_lie_apart(scenario);
    let pairs = live["transports"].as_array().unwrap().iter().zip(sim["transports"].as_array().unwrap());
    for (live, sim) in pairs.filter(|(live, _)| apart || live["kind"] != "long-poll") {
        agree(what, live, sim);
    }
}

#[test]
fn shipped_scenarios_live_and_in_virtual_time() {
    let _alone = one_at_a_time();
    for shipped in shipped::all() {
        let overrides = Overrides { duration: Some("6s".to_owned()), ..Overrides::default() };
        let scenario = shipped::load(shipped.name, &overrides).unwrap();
        if scenario.engine == Engine::Live {
            both(shipped.name, &scenario, &[shipped.name, "--duration", "6s"]);
        }
    }
}

/// A small scenario drawn from a fixed seed.
fn drawn(seed: u64) -> String {
    let mut dice = Dice::new(seed, &[]);
    let mut between = |low: u64, high: u64| low + dice.below(high - low);
    let rooms = between(5, 15);
    let workload = match between(0, 4) {
        0 => format!("kind = 'poisson'\nmean_gap = '{}ms'\ninbox = 'own'", between(800, 5000)),
        1 => format!("kind = 'periodic'\ngap = '{}ms'\ninbox = 'shared'", between(150, 1500)),
        2 => format!("kind = 'chat'\nmembers = 4\ngap_per_room = '{}ms'", between(900, 3000)),
        _ => format!("kind = 'ticker'\nsymbols = 5\ngap = '{}ms'\nconflate = true", between(40, 200)),
    };
    let interval = between(300, 1200);
    let network = match between(0, 2) {
        0 => String::new(),
        _ => format!("[network]\nrtt = '{}ms'\n", between(10, 60)),
    };
    format!(
        "title = 'drawn {seed}'\nseed = {seed}\nduration = '4s'\nclients = {}\n[workload]\n{workload}\n{network}\
         [[transport]]\nkind = 'poll'\ninterval = '{interval}ms'\n[[transport]]\nkind = 'long-poll'\nhold = '2s'\n\
         [[transport]]\nkind = 'sse'\n[[transport]]\nkind = 'websocket'\n",
        rooms * 4,
    )
}

#[test]
fn drawn_scenarios_live_and_in_virtual_time() {
    let _alone = one_at_a_time();
    for seed in 1..=6 {
        let text = drawn(seed);
        let scenario = file::read("drawn", "drawn.toml", &text, &Overrides::default())
            .unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let directory = tempdir().unwrap();
        let path = directory.path().join("drawn.toml");
        fs::write(&path, &text).unwrap();
        both(&text, &scenario, &[path.to_str().unwrap()]);
    }
}

#[test]
fn letters_in_virtual_time_are_the_same_bytes_twice() {
    let directory = tempdir().unwrap();
    for out in ["one", "two"] {
        anynews(directory.path(), &["run", "letters", "--engine", "sim", "--out", out, "-q"]).exits(0);
    }
    let document = |out: &str| fs::read(directory.path().join(out).join("outcome.json")).unwrap();
    assert!(document("one") == document("two"));
}
