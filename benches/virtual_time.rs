//! What virtual time costs: with the clients, hardly with the polls.
//!
//! `cargo bench --bench virtual_time` runs it. Ratios are of CPU time, taken in turn; the crowd of ten
//! million, which the documentation names, is timed once by the wall clock.

use std::time::Instant;

use anynews::os;
use anynews::scenario::file::{self, Overrides};
use anynews::scenario::{Inbox, Scenario, Workload};
use anynews::sim::{self, Options};

const HOUR: &str = r#"
title = "An hour of polls"
duration = "1h"
clients = 200000
[workload]
kind = "poisson"
mean_gap = "47.5s"
[network]
rtt = "100ms"
jitter = "20ms"
[[transport]]
kind = "poll"
interval = "5s"
"#;

/// Runs of each kind; the quickest counts, because whatever else a machine does only slows one down.
const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` passes --test: compiling is then all that is asked.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let held = [clients_and_polls(), ten_million(Inbox::Shared, 20.0), ten_million(Inbox::Own, 45.0)];
    let failed = held.iter().filter(|held| !**held).count();
    println!("{} held, {failed} missed", held.len() - failed);
    std::process::exit(i32::from(failed > 0));
}

fn scenario(set: &[&str]) -> Scenario {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    file::read("bench", "bench.toml", HOUR, &Overrides { set, ..Overrides::default() }).expect("valid")
}

/// Seconds of CPU and of the wall clock that a run takes.
fn seconds(scenario: &Scenario) -> (f64, f64) {
    let (begun, cpu) = (Instant::now(), os::cpu_time());
    let outcome = sim::run(scenario, &Options::default()).expect("it fits").0;
    assert_eq!(outcome.transports[0].deliveries.lost, 0);
    ((os::cpu_time() - cpu).as_secs_f64(), begun.elapsed().as_secs_f64())
}

fn verdict(what: &str, held: bool) -> bool {
    println!("{} {what}", if held { "ok    " } else { "MISSED" });
    held
}

fn clients_and_polls() -> bool {
    let kinds = [scenario(&[]), scenario(&["clients=400000"]), scenario(&["poll.interval=2500ms"])];
    let mut quickest = [f64::INFINITY; 3];
    for _ in 0..RUNS {
        for (best, scenario) in quickest.iter_mut().zip(&kinds) {
            *best = best.min(seconds(scenario).0);
        }
    }
    let [one, twice_the_clients, twice_the_polls] = quickest;
    let (clients, polls) = (twice_the_clients / one, twice_the_polls / one);
    let clients_held = verdict(
        &format!("twice the clients: {clients:.2} times as long ({one:.2} s, {twice_the_clients:.2} s)"),
        (1.6..=2.4).contains(&clients),
    );
    let polls_held = verdict(
        &format!("half the interval, twice the polls: {polls:.2} times as long (at most 1.20)"),
        polls <= 1.2,
    );
    clients_held && polls_held
}

/// What the wall clock shows is worth something on two free cores only.
fn ten_million(whose: Inbox, most_s: f64) -> bool {
    let mut scenario = scenario(&["clients=10000000"]);
    if let Workload::Poisson { inbox, .. } = &mut scenario.workload {
        *inbox = whose;
    }
    let (cpu, took) = seconds(&scenario);
    let what = format!("10,000,000 clients, 1 h, inbox {whose:?}: {took:.1} s, {cpu:.1} s of CPU");
    verdict(&format!("{what} (at most {most_s} s)"), took <= most_s)
}
