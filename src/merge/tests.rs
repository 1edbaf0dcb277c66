//! Shards of a run in virtual time, merged, equal the run of one piece, in every count and percentile.

use std::time::Duration;

use proptest::prelude::*;

use super::merge;
use crate::outcome::Outcome;
use crate::scenario::file::Overrides;
use crate::scenario::shard::Shard;
use crate::scenario::{Engine, Scenario, shipped};
use crate::sim;

fn scenario(name: &str, set: &[&str]) -> Scenario {
    let set = set.iter().map(|&text| text.to_owned()).collect();
    let overrides = Overrides { set, engine: Some("sim".to_owned()), ..Overrides::default() };
    shipped::load(name, &overrides).unwrap()
}

fn run(scenario: &Scenario) -> Outcome {
    let outcome = sim::run(scenario, &sim::Options::default()).unwrap().0;
    // As `report` gets it.
    serde_json::from_str(&serde_json::to_string(&outcome).unwrap()).unwrap()
}

fn shards(scenario: &Scenario, of: u32) -> Vec<Outcome> {
    let one = |number| run(&Scenario { shard: Some(Shard { number, of }), ..scenario.clone() });
    (1..=of).map(one).collect()
}

/// Whose timeline is kept, and the order of the samples, is a shard's own.
fn comparable(mut outcome: Outcome) -> Outcome {
    for transport in &mut outcome.transports {
        transport.person = None;
        if let Some(samples) = &mut transport.samples {
            samples.sort_by(f64::total_cmp);
        }
    }
    outcome
}

fn assert_adds_up(scenario: &Scenario, of: u32) {
    let mut parts = shards(scenario, of);
    parts.reverse();
    let (merged, whole) = (comparable(merge(parts).unwrap()), comparable(run(scenario)));
    assert_eq!(merged, whole, "{} in {of}", scenario.name);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn shards_add_up_to_the_whole(
        which in 0usize..5,
        clients in 2u32..9,
        seed in 0u64..1000,
        of in 1u32..5,
        visit in any::<bool>(),
    ) {
        let (name, group, more): (_, u32, &[&str]) = [
            ("letters", 1, &["workload.mean_gap=2s", "workload.inbox=own"] as &[&str]),
            ("letters", 1, &["workload.mean_gap=1s", "workload.inbox=shared"]),
            ("chat", 4, &["workload.gap_per_room=2s"]),
            ("ticker", 1, &["workload.gap=50ms"]),
            ("game", 10, &[]),
        ][which];
        let people = format!("clients={}", clients.max(of) * group);
        let set: Vec<&str> = more.iter().copied().chain([people.as_str(), "duration=4s"]).collect();
        let mut scenario = scenario(name, &set);
        scenario.seed = seed;
        scenario.visit = (visit && which < 2).then(|| Duration::from_secs(3));
        assert_adds_up(&scenario, of);
    }
}

#[test]
fn a_feed_that_all_read_is_counted_once() {
    let scenario = scenario("cricket", &["clients=7", "duration=10s"]);
    let parts = shards(&scenario, 3);
    let published: Vec<u64> = parts.iter().map(|part| part.transports[0].deliveries.published).collect();
    assert!(published[0] > 0 && published.iter().all(|n| *n == published[0]), "{published:?}");
    assert_eq!(merge(parts).unwrap().transports[0].deliveries.published, published[0]);
    assert_adds_up(&scenario, 3);
}

#[test]
fn only_all_shards_of_one_run_are_merged() {
    let scenario = scenario("letters", &["clients=6", "duration=2s"]);
    let all = shards(&scenario, 3);
    let refused = |parts: Vec<Outcome>| merge(parts).unwrap_err().to_string();
    assert!(refused(vec![all[0].clone()]).contains("missing: 2/3, 3/3"));
    let twice = vec![all[0].clone(), all[1].clone(), all[2].clone(), all[1].clone()];
    assert!(refused(twice).contains("more than once: 2/3"));
    let other = run(&Scenario { seed: 2, shard: Some(Shard { number: 3, of: 3 }), ..scenario.clone() });
    assert!(refused(vec![all[0].clone(), all[1].clone(), other]).contains("its seed differs"));
    let others = shards(&scenario, 2);
    assert!(refused(vec![all[0].clone(), others[1].clone()]).contains("number of shards"));
    assert!(refused(vec![all[0].clone(), run(&scenario)]).contains("some are whole runs"));
    let cut = Outcome { interrupted_at_s: Some(1.0), ..all[2].clone() };
    assert!(refused(vec![all[0].clone(), all[1].clone(), cut]).contains("interrupted"));
    assert_eq!(all[0].scenario.engine, Engine::Sim);
}
