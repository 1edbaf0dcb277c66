//! The formulas against what they stand for: integrals, draws, and each other.

use std::time::Duration;

use super::*;
use crate::clock::as_micros;
use crate::random::Dice;
use crate::scenario::file::Overrides;
use crate::scenario::{Inbox, Workload, shipped};

fn letters(set: &[&str]) -> Scenario {
    let set = set.iter().map(|&text| text.to_owned()).collect();
    shipped::load("letters", &Overrides { set, ..Overrides::default() }).unwrap()
}

fn plan(scenario: &Scenario) -> Plan {
    let (from, to) = (-as_micros(scenario.warmup), as_micros(scenario.duration));
    Plan::new(scenario.workload.schedule(scenario.clients, scenario.seed, from, to))
}

fn of(scenario: &Scenario, label: &str) -> Expected {
    let plan = plan(scenario);
    let way = &scenario.transports.iter().find(|transport| transport.label == label).unwrap().way;
    expected(&View::new(scenario, Some(&plan)), way).unwrap()
}

#[test]
fn nine_asks_in_ten_are_for_nothing_with_a_whole_warm_up_and_more_without() {
    let waste = of(&letters(&[]), "poll").waste.unwrap();
    assert!((waste - (-5.0f64 / 47.5).exp()).abs() < 1e-12, "{waste}");
    // By hand: (1/20) (47.5 (1 − e^(−5/47.5)) + 15 e^(−5/47.5)).
    let cold = of(&letters(&["warmup=0s"]), "poll").waste.unwrap();
    let x: f64 = 5.0 / 47.5;
    assert!((cold - (47.5 * (1.0 - (-x).exp()) + 15.0 * (-x).exp()) / 20.0).abs() < 1e-9, "{cold}");
}

#[test]
fn the_mean_of_every_law_is_the_mean_delay() {
    for shipped in shipped::all() {
        for network in [None, Some("network.rtt=100ms")] {
            let set = network.map(str::to_owned).into_iter().collect();
            let mut scenario =
                shipped::load(shipped.name, &Overrides { set, ..Overrides::default() }).unwrap();
            scenario.duration = scenario.duration.min(Duration::from_secs(60));
            for transport in &scenario.transports {
                // No formula describes visits to a cached page.
                if scenario.visit.is_some() && !transport.way.kept_back().is_zero() {
                    continue;
                }
                let expected = of(&scenario, &transport.label);
                if let (Some(law), Some(mean)) = (&expected.law, expected.latency) {
                    let fine = (law.mean() - mean).abs() <= 0.01 * mean + 1e-9;
                    assert!(fine, "{} {}: {} {mean}", shipped.name, transport.label, law.mean());
                }
            }
        }
    }
}

#[test]
fn the_delay_of_visitors_has_the_mean_of_its_law() {
    for set in [&["visit=4s", "warmup=2s"][..], &["visit=60s"], &["visit=60s", "network.rtt=1s"]] {
        let expected = of(&letters(set), "poll");
        let (law, mean) = (expected.law.unwrap(), expected.latency.unwrap());
        assert!((law.mean() - mean).abs() < 1e-3 * mean, "{set:?}: {} {mean}", law.mean());
        // No poll comes later than an interval after the last.
        let most = if set.len() == 2 && set[1].starts_with("network") { 5.5 } else { 5.0 };
        assert!((law.most() - most).abs() < 1e-9 && law.quantile(0.99) < most, "{set:?}");
    }
}

#[test]
fn staleness_is_that_of_polls_played_one_by_one() {
    let scenario = letters(&["workload.mean_gap=3s", "network.rtt=1s", "warmup=8s"]);
    let (period, d) = (5.0, 0.5);
    let mut dice = Dice::new(11, &[]);
    let (end, mut next, mut sum) = (400_000.0, dice.exponential(3.0), 0.0);
    let mut taken = 0.0;
    // Of each period only the oldest event counts, until what fetched it is in hand.
    while taken < end {
        let mut oldest = None;
        while next < taken + period {
            oldest = oldest.or(Some(next));
            next += dice.exponential(3.0);
        }
        taken += period;
        if let Some(at) = oldest {
            // While the answer is under way, events of the next period are younger still.
            sum += (taken + d - at).powi(2) / 2.0;
            if next < taken + d {
                // They take over when it is in hand; their first half second is counted already.
                sum -= (taken + d - next).powi(2) / 2.0;
            }
        }
    }
    let formula = of(&scenario, "poll").staleness.unwrap();
    assert!((formula - sum / end).abs() < 0.01 * formula, "{formula} {}", sum / end);
}

#[test]
fn an_inbox_with_a_period_wastes_what_the_period_leaves_over() {
    let mut scenario = letters(&["clients=3000"]);
    let gap = Duration::from_secs(8);
    scenario.workload = Workload::Periodic { gap, inbox: Inbox::Own, payload: None };
    let unwritten = View::new(&scenario, None);
    let way = &scenario.transports[0].way;
    let waste = expected(&unwritten, way).unwrap().waste.unwrap();
    assert!((waste - (1.0 - 5.0 / 8.0)).abs() < 1e-12, "{waste}");
    let written = of(&scenario, "poll").waste.unwrap();
    assert!((written - waste).abs() < 0.01, "{written} {waste}");
}

#[test]
fn an_answer_slower_than_the_interval_stretches_the_period() {
    let expected = of(&letters(&["poll.interval=200ms", "network.rtt=500ms"]), "poll");
    // Each answer takes 500 ms, so every third poll goes out.
    assert!((expected.polls - 300.0 * 20.0 / 0.6).abs() < 1e-6, "{}", expected.polls);
    assert!((expected.latency.unwrap() - 0.55).abs() < 1e-9);
    assert!((expected.skipped - 2.0 * expected.polls).abs() < 1e-6);
}

#[test]
fn loss_leaves_the_mean_and_takes_the_law() {
    let block = of(&letters(&["network.rtt=100ms", "network.loss=0.02"]), "poll").block();
    assert!(block.latency_mean_ms.unwrap() > 2_550.0);
    assert_eq!(block.latency_law, []);
}

#[test]
fn an_outcome_says_null_where_nothing_was_played_or_too_little_is_expected() {
    let scenario = letters(&["websocket.ping=7s", "duration=6s"]);
    let json = serde_json::to_value(run(&scenario, None).unwrap()).unwrap();
    for transport in json["transports"].as_array().unwrap() {
        let latency = &transport["latency_ms"];
        let count = latency["count"].as_u64().unwrap();
        assert!((20..100).contains(&count), "{count}");
        assert!(latency["p95"].is_number() && latency["p99"].is_null() && latency["p999"].is_null());
        assert!(transport["series"].is_null());
        let buckets = transport["latency_histogram_us"].as_array().unwrap();
        assert_eq!(buckets.iter().map(|bucket| bucket[1].as_u64().unwrap()).sum::<u64>(), count);
    }
    assert_eq!(json["transports"][1]["frames"]["pings"], 2 * 257);
    let lossy = run(&letters(&["network.profile=satellite"]), None).unwrap();
    assert_eq!(lossy.transports[0].latency_histogram_us, None);
    let nothing = run(&letters(&["clients=1", "duration=1s"]), None).unwrap();
    assert_eq!(nothing.transports[0].latency_ms, outcome::Summary::default());
}
