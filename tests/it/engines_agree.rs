//! Live runs held to virtual time with the same seed and to the formulas: every live scenario of the course,
//! and drawn ones. `theory_agrees` holds the formulas to virtual time in more cases than can be run live.

use std::collections::BTreeMap;
use std::fs;

use anynews::random::Dice;
use anynews::scenario::{Engine, Inbox, Scenario, Workload, file, file::Overrides, shipped};
use anynews::{sim, theory};
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{anynews, one_at_a_time};

/// Long polls are compared only where the events of a topic lie this far apart: closer ones share an
/// answer or not by a hair.
const APART_US: i64 = 20_000;

#[track_caller]
fn n(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Times a live run is made when it disagrees: what else the machine does can only disturb it. After the
/// first time its transports run in turn, because they disturb one another too: an unoptimised build
/// hands one ball to six hundred readers in more milliseconds than are allowed.
const ATTEMPTS: u32 = 3;

/// What disagreed.
type Differences = Vec<String>;

fn near(found: &mut Differences, what: &str, one: f64, other: f64, allowed: f64) {
    if (one - other).abs() > allowed {
        found.push(format!("{what}: {one} against {other}, allowed {allowed:.4}"));
    }
}

fn latency_allowed(mean: f64) -> f64 {
    (0.03 * mean).max(5.0)
}

fn live_against_sim(found: &mut Differences, live: &Value, sim: &Value) {
    let what = |what: &str| format!("{}, live against sim, {what}", live["label"]);
    let mut both = |name: &str, path: [&str; 2], allowed: &dyn Fn(f64) -> f64| {
        let of = |outcome: &Value| n(&outcome[path[0]][path[1]]);
        near(found, &what(name), of(live), of(sim), allowed(of(sim)));
    };
    both("requests", ["requests", "total"], &|sim| (0.01 * sim).max(2.0));
    both("mean delay", ["latency_ms", "mean"], &latency_allowed);
    both("published", ["deliveries", "published"], &|_| 0.0);
    both("expected", ["deliveries", "expected"], &|_| 0.0);
    both("lost", ["deliveries", "lost"], &|_| 0.0);
    both("duplicated", ["deliveries", "duplicated"], &|_| 0.0);
    // Sizes are modelled, to the byte where nothing crosses an edge of the window.
    both("bytes down", ["bytes", "down"], &|sim| (0.05 * sim).max(2000.0));
    both("bytes up", ["bytes", "up"], &|sim| (0.05 * sim).max(2000.0));
    if !sim["waste_ratio"].is_null() {
        near(found, &what("waste"), n(&live["waste_ratio"]), n(&sim["waste_ratio"]), 0.01);
    }
}

/// Events that reach everybody are the independent unit; else clients are, or letters to one alone.
fn units(scenario: &Scenario, live: &Value) -> f64 {
    match scenario.workload {
        Workload::Poisson { inbox: Inbox::Own, .. } => n(&live["deliveries"]["delivered"]),
        Workload::Poisson { inbox: Inbox::Shared, .. } => n(&live["deliveries"]["published"]),
        _ => f64::from(scenario.clients),
    }
}

fn live_against_theory(found: &mut Differences, scenario: &Scenario, live: &Value, theory: &Value) {
    let what = |what: &str| format!("{}, live against theory, {what}", live["label"]);
    let units = units(scenario, live);
    let requests = n(&theory["requests"]["total"]);
    let clients = f64::from(scenario.clients);
    // Where a phase falls decides about one poll of a client.
    let allowed = (0.01 * requests).max(3.0 * clients.sqrt() / 2.0).max(2.0);
    near(found, &what("requests"), n(&live["requests"]["total"]), requests, allowed);
    if let Some(waste) = theory["waste_ratio"].as_f64() {
        let error = (waste * (1.0 - waste) / units).sqrt();
        near(found, &what("waste"), n(&live["waste_ratio"]), waste, (3.0 * error).max(0.01));
    }
    let of = |name: &str| theory["latency_ms"][name].as_f64();
    if let Some(mean) = of("mean") {
        // An even wait has a standard deviation of its length/√12.
        let spread = of("max").unwrap_or(mean) - of("min").unwrap_or(mean);
        let error = spread / 12f64.sqrt() / units.sqrt();
        let allowed = latency_allowed(mean).max(3.0 * error);
        near(found, &what("mean delay"), n(&live["latency_ms"]["mean"]), mean, allowed);
    }
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

/// Runs a scenario in the three engines and compares every transport.
#[track_caller]
fn all_three(what: &str, scenario: &Scenario, arguments: &[&str]) {
    let directory = tempdir().unwrap();
    let arguments = [&["run"], arguments, &["--no-report", "--format", "json", "-q"]].concat();
    let json = |outcome| serde_json::to_value(outcome).unwrap();
    let sim = json(sim::run(scenario, &sim::Options::default()).unwrap().0);
    let theory = theory::run(scenario, None).map(json).ok();
    let apart = events_lie_apart(scenario);
    let transports = |outcome: &Value| outcome["transports"].as_array().unwrap().clone();
    let mut found = Differences::new();
    for attempt in 0..ATTEMPTS {
        let in_turn = if attempt == 0 { &[][..] } else { &["--in-turn"][..] };
        let ended = anynews(directory.path(), &[&arguments, in_turn].concat()).exits(0);
        let live: Value = serde_json::from_str(&ended.stdout).unwrap();
        found.clear();
        for (n, (live, sim)) in transports(&live).iter().zip(transports(&sim)).enumerate() {
            if live["kind"] == "long-poll" && !apart {
                continue;
            }
            live_against_sim(&mut found, live, &sim);
            if let Some(theory) = &theory {
                live_against_theory(&mut found, scenario, live, &theory["transports"][n]);
            }
        }
        if found.is_empty() {
            return;
        }
        eprintln!("{what}: {found:#?}");
    }
    panic!("{what}: {found:#?}");
}

#[test]
fn shipped_scenarios_live_and_in_virtual_time() {
    let _alone = one_at_a_time();
    for shipped in shipped::course() {
        let whole = shipped::load(shipped.name, &Overrides::default()).unwrap();
        // Visits to a cached page, where a hair decides, are compared in people_and_pace.
        if whole.engine != Engine::Live || whole.needs_live().is_some() || whole.visit.is_some() {
            continue;
        }
        let overrides = Overrides { duration: Some("6s".to_owned()), ..Overrides::default() };
        let scenario = shipped::load(shipped.name, &overrides).unwrap();
        all_three(shipped.name, &scenario, &[shipped.name, "--duration", "6s"]);
    }
}

/// A small scenario drawn from a fixed seed.
fn drawn(seed: u64) -> String {
    let mut dice = Dice::new(seed, &[]);
    let mut between = |low: u64, high: u64| low + dice.below(high - low);
    let rooms = between(3, 9);
    let workload = match between(0, 4) {
        0 => format!("kind = 'poisson'\nmean_gap = '{}ms'\ninbox = 'own'", between(800, 5000)),
        1 => format!("kind = 'periodic'\ngap = '{}ms'\ninbox = 'shared'", between(150, 1500)),
        2 => format!("kind = 'chat'\nmembers = 4\ngap_per_room = '{}ms'", between(900, 3000)),
        _ => format!("kind = 'ticker'\nsymbols = 5\ngap = '{}ms'\nconflate = true", between(200, 500)),
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
        all_three(&text, &scenario, &[path.to_str().unwrap()]);
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
