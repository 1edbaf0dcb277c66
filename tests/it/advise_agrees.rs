//! The adviser held to what it is about: its figures to live runs, its turning points to sweeps.

use std::time::Duration;

use anynews::advice::{Axis, Facts, Flip, Machine, Need, Situation, Turn};
use anynews::outcome::Outcome;
use anynews::report::sweep::{self, Key, Point, Sweep, What};
use anynews::scenario::{Engine, Scenario, file::Overrides, shipped};
use anynews::{sim, theory};
use tempfile::tempdir;

use crate::program::{anynews, one_at_a_time};

/// Long enough for some hundred of everything, short enough for seven of them.
const WINDOW: f64 = 4.0;
/// The shipped live scenarios of one sound server whose windows can be cut short: faults have their
/// hours, no formula describes a fleet, and one event behind a cache in so short a window is no sample.
const LIVE: [&str; 8] =
    ["letters", "in-between", "chat", "cricket", "ticker", "game", "connection-per-poll", "push-loses"];
const SHORT: [&str; 2] = ["duration=4s", "warmup=500ms"];

/// How a scenario is made shorter. With everybody of `cricket`, a build for tests takes about the 5 ms that a
/// delay may differ just to write one ball to all of them.
fn short(name: &str) -> Vec<&'static str> {
    let fewer = (name == "cricket").then_some("clients=100");
    SHORT.into_iter().chain(fewer).collect()
}

fn load(name: &str, set: &[&str], vary: &[String]) -> Scenario {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    shipped::load(name, &Overrides { set, vary: vary.to_vec(), ..Overrides::default() }).unwrap()
}

/// Times a live run is made again when it disagrees: what else the machine does can only disturb it.
const ATTEMPTS: u32 = 5;

/// What disagreed.
type Differences = Vec<String>;

#[test]
fn its_figures_are_those_of_live_runs() {
    let _alone = one_at_a_time();
    let mut all = Differences::new();
    for name in LIVE {
        let scenario = load(name, &short(name), &[]);
        assert_eq!(scenario.engine, Engine::Live, "{name}");
        let said = Situation::of(&scenario, Need::default(), Machine::assumed()).figures();
        let mut found = Differences::new();
        for _ in 0..ATTEMPTS {
            found = differences(name, &scenario, &said);
            if found.is_empty() {
                break;
            }
        }
        all.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Runs a scenario live and compares every transport that the adviser speaks of.
fn differences(name: &str, scenario: &Scenario, said: &[Facts]) -> Differences {
    let directory = tempdir().unwrap();
    let set = short(name).into_iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> = set.chain(["--format", "json", "--no-report", "-q"]).collect();
    // A threshold of the scenario may fail in so short a window.
    let ended = anynews(directory.path(), &[&["run", name][..], &arguments].concat());
    let outcome: Outcome = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{name}: {error}\n{}", ended.stderr));
    let mut found = Differences::new();
    let live = Facts::of(&outcome);
    let pairs: Vec<(&Facts, &Facts)> =
        live.iter().filter_map(|live| Some((said.iter().find(|s| s.label == live.label)?, live))).collect();
    assert!(pairs.len() >= 2, "{name}");
    for (said, live) in pairs {
        agree(&mut found, said, live, scenario.clients);
    }
    found
}

/// Requests within max(2 %, 3 SE), bytes within max(10 %, 3 SE), mean delay within max(5 %, 5 ms, 3 SE).
fn agree(found: &mut Differences, said: &Facts, live: &Facts, clients: u32) {
    let label = live.label.clone();
    let mut near = |what: &str, said: f64, live: f64, share: f64, least: f64| {
        let reach = (share * said.max(live)).max(least);
        if (said - live).abs() > reach {
            found.push(format!("{label}, {what}: said {said}, live {live}, allowed {reach}"));
        }
    };
    // Whether a person's last poll falls into the window is a toss-up each; a long poll follows the news.
    let people = f64::from(clients);
    let error =
        if said.is_poll() { people.sqrt() / 2.0 } else { (said.polls_per_s * WINDOW + people).sqrt() };
    let requests = 3.0 * error / WINDOW;
    near("requests/s", said.requests_per_s, live.requests_per_s, 0.02, requests);
    let each = |bytes: f64| if said.polls_per_s > 0.0 { bytes / said.polls_per_s } else { 8.0 };
    near("bytes/s up", said.bytes_up_per_s, live.bytes_up_per_s, 0.1, requests * each(said.bytes_up_per_s));
    let (down, read) = (said.bytes_down_per_s, live.bytes_down_per_s);
    near("bytes/s down", down, read, 0.1, requests * each(down));
    // An even wait of one interval, of people whose phases are their own.
    let spread = said.interval.map_or(0.0, |text| text.0.as_secs_f64() * 1000.0) / 12f64.sqrt();
    let units = (live.deliveries_per_s * WINDOW).min(people).max(1.0);
    let (Some(said), Some(live)) = (said.delay_ms_mean, live.delay_ms_mean) else { return };
    near("mean delay", said, live, 0.05, (3.0 * spread / units.sqrt()).max(5.0));
}

/// A scenario at the values of one key, by an engine that computes.
fn swept(name: &str, set: &[&str], key: &str, values: &[&str], engine: Engine) -> Sweep {
    let point = |value: &&str| {
        let scenario = load(name, set, &[format!("{key}={value}")]);
        let outcome = match engine {
            Engine::Theory => theory::run(&scenario, None).unwrap(),
            _ => sim::run(&scenario, &sim::Options::default()).unwrap().0,
        };
        Point { values: vec![(*value).to_owned()], outcome }
    };
    let key = Key::new(key.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
    Sweep { points: values.iter().map(point).collect(), keys: vec![key], max_delay_s: None }
}

/// The adviser's points for the transports of the scenario alone.
fn flips(name: &str, set: &[&str]) -> Vec<Flip> {
    let scenario = load(name, set, &[]);
    let mut situation = Situation::of(&scenario, Need::default(), Machine::assumed());
    situation.scenario = scenario;
    situation.advise().unwrap().flips
}

/// A scenario, what stays, the axis, its key, its values, and whether bytes or the choice turn.
type Case = (&'static str, &'static [&'static str], Axis, &'static str, &'static [&'static str], bool);

#[test]
fn its_turning_points_are_found_by_sweeps_within_a_step() {
    let long: &[&str] = &["duration=5m", "warmup=1m"];
    let cases: [Case; 7] = [
        ("letters", long, Axis::Gap, "workload.mean_gap", &["3s", "5s", "7s", "10s", "14s", "20s"], false),
        ("letters", long, Axis::Interval, "poll.interval", &["10s", "20s", "30s", "40s", "60s"], false),
        ("letters", long, Axis::Visit, "visit", &["2s", "4s", "6s", "9s", "14s", "20s", "30s"], false),
        (
            "cricket",
            &["warmup=10s"],
            Axis::Gap,
            "workload.gap_per_ball",
            &["4s", "6s", "8s", "10s", "12s"],
            false,
        ),
        (
            "cricket",
            &["warmup=10s"],
            Axis::Interval,
            "poll.interval",
            &["1s", "1500ms", "2s", "3s", "5s"],
            false,
        ),
        ("ticker", &[], Axis::Gap, "workload.gap", &["20ms", "40ms", "60ms", "80ms", "100ms", "150ms"], true),
        (
            "letters",
            &["clients=20", "warmup=5s"],
            Axis::Gap,
            "workload.mean_gap",
            &["20ms", "30ms", "40ms", "60ms", "90ms"],
            true,
        ),
    ];
    for (name, set, axis, key, values, bytes) in cases {
        let said = flips(name, set);
        let flip =
            said.iter().find(|flip| flip.axis == axis && bytes == matches!(flip.turn, Turn::Bytes { .. }));
        let at = flip.unwrap_or_else(|| panic!("{name} {key}: {said:?}")).at;
        let engine = if bytes && name == "letters" { Engine::Theory } else { Engine::Sim };
        let sweep = swept(name, set, key, values, engine);
        let (crossings, sentences) = sweep::findings(&sweep);
        let here = crossings.iter().find(|crossing| match crossing.what {
            What::Choice { .. } => !bytes,
            What::Overtakes { metric, .. } => bytes && metric == "bytes",
            _ => false,
        });
        let here = here.unwrap_or_else(|| panic!("{name} {key}: flips at {at}, and yet {sentences:?}"));
        let step = |value: &str| values.iter().position(|other| *other == value).unwrap();
        let seconds =
            |i: usize| anynews::units::parse_duration(values[i]).unwrap_or(Duration::MAX).as_secs_f64();
        let low = seconds(step(&here.between.0).saturating_sub(1));
        let high = seconds((step(&here.between.1) + 1).min(values.len() - 1));
        assert!(
            (low..=high).contains(&at),
            "{name} {key}: flips at {at}, crosses between {:?}",
            here.between
        );
    }
}
