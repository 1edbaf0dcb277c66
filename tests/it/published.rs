//! What others published, made again: the document in `docs`, the bounds that ours keep to theirs, and
//! the runs that polling wins.

use std::fs;
use std::path::{Path, PathBuf};

use anynews::claim;
use anynews::outcome::Outcome;
use anynews::report::{self, claims, verdict};
use anynews::scenario::file::Overrides;
use anynews::scenario::{Engine, Scenario, shipped};
use anynews::{sim, theory};
use serde_json::Value;
use tempfile::tempdir;

use crate::harness::known;
use crate::program::{anynews, one_at_a_time};

/// The runs of the document, in its order: scenario and settings. Those without settings are the file's.
const RUNS: [(&str, &[&str]); 12] = [
    ("quantum-leap", &[]),
    ("headers", &[]),
    ("http-2", &[]),
    ("pull-grid", &[]),
    ("on-the-curve", &[]),
    ("long-poll-bounds", &[]),
    ("long-poll-bounds", &["workload.mean_gap=10s", "clients=300"]),
    ("quarter-second", &["network.rtt=20ms"]),
    ("quarter-second", &[]),
    ("quarter-second", &["network.rtt=200ms"]),
    ("quarter-second", &["network.rtt=300ms"]),
    ("push-loses", &[]),
];

fn load(name: &str, set: &[&str], engine: &str) -> Scenario {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    let overrides = Overrides { set, engine: Some(engine.to_owned()), ..Overrides::default() };
    shipped::load(name, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn played(name: &str, set: &[&str]) -> Outcome {
    let run = sim::run(&load(name, set, "sim"), &sim::Options::default());
    run.unwrap_or_else(|error| panic!("{name}: {error}")).0
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Only real sockets take memory, so this one is a run that was kept.
fn memory() -> Outcome {
    let outcome = report::read(&at("reports/gallery/connection-memory/outcome.json")).unwrap().remove(0);
    let now = load("connection-memory", &[], "live");
    assert_eq!(outcome.scenario.claims, now.claims, "run connection-memory again and keep its outcome");
    outcome
}

#[test]
fn the_document_is_what_the_program_makes_of_its_runs() {
    let mut outcomes: Vec<Outcome> = RUNS.iter().map(|(name, set)| played(name, set)).collect();
    outcomes.push(memory());
    let made = claims::markdown(&outcomes);
    let path = at("docs/published-results.md");
    if std::env::var_os("ANYNEWS_WRITE_DOCS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, made, "made again by ANYNEWS_WRITE_DOCS=1 cargo test --test it published");
}

/// Ours and the published figure of each claim that has one, in the scenario's order.
fn pairs(outcome: &Outcome) -> Vec<(f64, f64)> {
    let compared = claim::compare(outcome);
    let pair = |one: &claim::Compared<'_>| Some((one.ours.clone().unwrap(), one.claim.value?));
    compared.iter().filter_map(pair).collect()
}

#[test]
fn published_figures_are_met_within_their_bounds() {
    // Arithmetic: to the bit, but for the 500 that is 435.5.
    for clients in ["clients=1000", "clients=10000"] {
        let leap = pairs(&played("quantum-leap", &[clients]));
        assert_eq!(leap.len(), 7);
        for (ours, published) in &leap[..6] {
            assert_eq!(ours, published, "{clients}");
        }
        assert_eq!(leap[6].0, 435.5);
    }
    let grid = pairs(&played("pull-grid", &[]));
    assert!((grid[0].0 - 0.98).abs() < 1e-3, "{grid:?}");
    for (ours, published) in pairs(&played("on-the-curve", &[])) {
        assert!((ours / published - 1.0).abs() < 0.02, "{ours} {published}");
    }
    let busy = pairs(&played("long-poll-bounds", &[]));
    assert!((busy[0].0 - 2.0).abs() < 0.02 && (2.9..=3.001).contains(&busy[1].0), "{busy:?}");
    let rare = pairs(&played("long-poll-bounds", &["workload.mean_gap=10s", "clients=300"]));
    assert!((rare[0].0 - 1.0).abs() < 0.04, "{rare:?}");
}

/// Of 4 Hz data the ratios that the file derives: (T/2 + d) / d, and twice the T where a round trip
/// takes longer than T.
#[test]
fn a_quarter_of_a_second_over_four_distances() {
    for (rtt, ratio) in [("20ms", 13.5), ("100ms", 3.5), ("200ms", 2.25), ("300ms", 2.667)] {
        let outcome = played("quarter-second", &[&format!("network.rtt={rtt}")]);
        let ours = claim::compare(&outcome)[0].ours.clone().unwrap();
        assert!((ours / ratio - 1.0).abs() < 0.03, "{rtt}: {ours}, {ratio}");
    }
}

/// Bytes by WebSocket over bytes by polling.
fn push_over_poll(set: &[&str]) -> f64 {
    let outcome = played("push-loses", set);
    let bytes = |n: usize| known(outcome.transports[n].bytes.both_ways());
    bytes(1) / bytes(0)
}

#[test]
fn polling_wins_on_bytes_beyond_the_crossing_and_not_before() {
    let latest = |interval: &str| push_over_poll(&[&format!("poll.interval={interval}")]);
    let (before, beyond) = (latest("100ms"), latest("250ms"));
    assert!(before < 1.0 && 1.0 < beyond, "2 and 5 news per interval: {before} {beyond}");
    let history = |gap: &str| push_over_poll(&["workload.conflate=false", &format!("workload.gap={gap}")]);
    let (before, beyond) = (history("50ms"), history("5ms"));
    assert!(before < 1.0 && 1.0 < beyond, "40 and 400 news per interval: {before} {beyond}");
}

/// Where both engines know a figure they agree on it.
#[test]
fn formulas_say_of_claims_what_virtual_time_says() {
    let mut agreed = 0;
    for (name, set) in RUNS {
        let Ok(expected) = theory::run(&load(name, set, "theory"), None) else { continue };
        let outcome = played(name, set);
        for (sim, theory) in claim::compare(&outcome).iter().zip(claim::compare(&expected)) {
            let (Ok(sim), Ok(theory)) = (&sim.ours, &theory.ours) else { continue };
            let within = (sim - theory).abs() <= 0.1 * sim.abs().max(theory.abs());
            assert!(within, "{name} {set:?}: {sim}, {theory}");
            agreed += 1;
        }
    }
    assert!(agreed > 15, "{agreed}");
}

#[test]
fn polling_wins_where_it_does_and_nowhere_else() {
    let win = |name: &str| verdict::verdict(&played(name, &[])).win.map(|win| win.to_string());
    let weather = win("http-wins").expect("a win");
    assert!(weather.starts_with("Polling wins: "), "{weather}");
    let latest = win("push-loses").expect("a win");
    assert!(latest.starts_with("Polling for the latest value wins: WebSocket moved "), "{latest}");
    assert!(latest.contains("Batched moved fewer bytes than both."), "{latest}");
    for name in ["letters", "in-between", "chat", "cricket", "game", "pull-grid", "quantum-leap"] {
        assert_eq!(win(name), None, "{name}");
    }
}

#[test]
fn on_live_sockets_polling_wins_and_the_page_says_so_in_its_title() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let weather = ["--set", "poll.interval=3s", "--set", "poll.shared_cache=2s", "--set", "workload.gap=2s"];
    for (name, set) in [("push-loses", &[][..]), ("http-wins", &weather[..])] {
        let arguments: Vec<&str> =
            ["run", name, "--duration", "6s", "-q", "--out", name].iter().chain(set).copied().collect();
        anynews(directory.path(), &arguments).exits(0);
        let outcome = report::read(&directory.path().join(name).join("outcome.json")).unwrap().remove(0);
        assert_eq!(outcome.engine, Engine::Live);
        let page = fs::read_to_string(directory.path().join(name).join("report.html")).unwrap();
        for (from, to) in [("<title>", "</title>"), ("<h1>", "</h1>")] {
            let title = page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0;
            assert!(title.contains("Polling") && title.contains(" wins: "), "{name}: {title}");
        }
    }
}

#[test]
fn claims_are_printed_and_outcomes_without_any_refused() {
    let directory = tempdir().unwrap();
    let here = directory.path();
    let run = ["run", "letters", "pull-grid", "--engine", "sim", "--no-report", "-q", "--format", "json"];
    let printed = anynews(here, &run).exits(0).stdout;
    let both: Vec<Value> = serde_json::from_str(&printed).unwrap();
    for (outcome, file) in both.iter().zip(["letters.json", "grid.json"]) {
        fs::write(here.join(file), outcome.to_string()).unwrap();
    }
    let printed = anynews(here, &["report", "--claims", "letters.json", "grid.json"]).exits(0).stdout;
    assert!(printed.contains("## pull-grid: ") && printed.contains("| 0.96 | 0.98 | +2.1 % |"), "{printed}");
    anynews(here, &["report", "--claims", "letters.json"]).exits(2).says(&["[[claim]]", "pull-grid"]);
    anynews(here, &["report", "--claims", "--open", "grid.json"]).exits(2);
}
