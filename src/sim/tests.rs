//! Skipping ahead equals stepping; equal seeds give equal outcomes; laws of the formulas hold.

use std::time::Duration;

use proptest::prelude::*;

use super::{Options, run, skips_ahead};
use crate::headers::Headers;
use crate::link::Link;
use crate::outcome::Outcome;
use crate::scenario::{Engine, Inbox, Scenario, Workload};
use crate::transport::{Http, Transport, Way};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn scenario(clients: u32, duration: Duration, workload: Workload, ways: Vec<Way>) -> Scenario {
    let transport = |(n, way): (usize, Way)| Transport { label: format!("t{n}"), way };
    Scenario {
        name: "test".into(),
        title: "test".into(),
        predict: None,
        answer: None,
        lesson: None,
        seed: 1,
        duration,
        warmup: ms(1000),
        clients,
        visit: None,
        headers: Headers::Lean,
        engine: Engine::Sim,
        tls: false,
        network: None,
        fleet: None,
        workload,
        transports: ways.into_iter().enumerate().map(transport).collect(),
        faults: Vec::new(),
        thresholds: vec![],
        claims: vec![],
        shard: None,
    }
}

fn poll(interval: u64) -> Way {
    Way::Poll {
        interval: ms(interval),
        backoff_max: None,
        keep_alive: true,
        conditional: false,
        shared_cache: None,
        http: Http::One,
    }
}

/// The first way behind a cache, where there may be one.
fn cached(scenario: &Scenario) -> Way {
    let mut way = scenario.transports[0].way.clone();
    if let Way::Poll { interval, backoff_max, shared_cache, http, .. } = &mut way {
        *http = Http::One;
        *backoff_max = scenario.seed.is_multiple_of(2).then_some(*interval * 3);
        let shares = scenario.visit.is_none() && !scenario.workload.clients_send();
        *shared_cache = shares.then_some(ms(1000));
    }
    way
}

fn poisson(mean_gap: u64, inbox: Inbox) -> Workload {
    Workload::Poisson { mean_gap: ms(mean_gap), inbox, payload: None }
}

fn link(rtt: u64, jitter: u64) -> Link {
    Link { rtt: ms(rtt), jitter: ms(jitter), ..Link::PLAIN }
}

fn outcome(scenario: &Scenario, step_by_step: bool, threads: usize) -> Outcome {
    let options = Options { step_by_step, threads, keep_deliveries: false, prediction: None };
    run(scenario, &options).unwrap().0
}

fn workloads() -> impl Strategy<Value = Workload> {
    let inbox = prop_oneof![Just(Inbox::Own), Just(Inbox::Shared)];
    prop_oneof![
        (20u64..4000, inbox.clone()).prop_map(|(gap, inbox)| poisson(gap, inbox)),
        (20u64..4000, inbox, proptest::option::of(20usize..200))
            .prop_map(|(gap, inbox, payload)| { Workload::Periodic { gap: ms(gap), inbox, payload } }),
        (200u64..4000, 0u64..1500, any::<bool>()).prop_map(|(gap, typing, receipts)| Workload::Chat {
            members: 3,
            gap_per_room: ms(gap),
            typing_before: ms(typing),
            receipts,
            night: None,
        }),
        (1u32..5, 20u64..500, any::<bool>()).prop_map(|(symbols, gap, conflate)| Workload::Ticker {
            symbols,
            gap: ms(gap),
            conflate,
            opening: None,
        }),
        (100u64..900).prop_map(|tick| Workload::Game { players: 3, tick: ms(tick) }),
    ]
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    let way = (150u64..3000, any::<bool>(), any::<bool>(), any::<bool>());
    let time = (1000u64..9000, 0u64..3000, proptest::option::of(200u64..6000));
    (any::<u64>(), 1u32..5, time, workloads(), way, 0u64..60, 0u64..30).prop_map(
        |(
            seed,
            groups,
            (duration, warmup, visit),
            workload,
            (interval, keep_alive, conditional, http_2),
            rtt,
            jitter,
        )| {
            let (interval, http) = (ms(interval), if http_2 { Http::Two } else { Http::One });
            let way = Way::Poll {
                interval,
                backoff_max: None,
                keep_alive: keep_alive || http_2,
                conditional,
                shared_cache: None,
                http,
            };
            let mut made = scenario(groups * 3, ms(duration), workload, vec![way]);
            made.seed = seed;
            made.warmup = ms(warmup);
            made.visit = visit.map(ms);
            made.network = (rtt > 0).then(|| link(rtt, jitter.min(rtt / 2)));
            made
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn skipping_ahead_equals_stepping(scenario in scenarios()) {
        prop_assume!(skips_ahead(&scenario, &scenario.transports[0].way));
        let (ahead, stepped) = (outcome(&scenario, false, 1), outcome(&scenario, true, 1));
        prop_assert_eq!(serde_json::to_string(&ahead).unwrap(), serde_json::to_string(&stepped).unwrap());
    }

    #[test]
    fn the_number_of_threads_changes_nothing(mut scenario in scenarios(), threads in 2usize..6, cache: bool) {
        if cache {
            scenario.visit = None;
            scenario.transports[0].way = cached(&scenario);
        }
        let (one, many) = (outcome(&scenario, false, 1), outcome(&scenario, false, threads));
        prop_assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&many).unwrap());
    }

    #[test]
    fn every_way_accounts_for_every_pair(mut scenario in scenarios(), loss in prop_oneof![Just(0.0), 0.0..0.3]) {
        let ping = ms(700);
        scenario.transports = [
            scenario.transports[0].way.clone(),
            Way::LongPoll { hold: ms(900) },
            Way::Sse,
            Way::WebSocket { ping, coalesce: Duration::ZERO, read_buffer: 4096 },
            Way::WebSocket { ping, coalesce: ms(150), read_buffer: 4096 },
            cached(&scenario),
        ].into_iter().enumerate().map(|(n, way)| Transport { label: format!("t{n}"), way }).collect();
        if let Some(link) = &mut scenario.network {
            link.loss = loss;
            link.down = Some(1_000_000);
        }
        for t in outcome(&scenario, false, 1).transports {
            let d = &t.deliveries;
            prop_assert_eq!(d.expected, d.delivered + d.superseded + d.expired, "{}", t.kind);
            prop_assert_eq!((d.lost, d.duplicated), (0, 0));
            prop_assert_eq!(t.latency_ms.count, d.delivered);
        }
    }
}

#[test]
fn drawn_inboxes_are_the_planned_ones() {
    let scenario = scenario(40, ms(60_000), poisson(3000, Inbox::Own), vec![poll(5000)]);
    let planned = scenario.workload.schedule(40, 1, -1_000_000, 60_000_000);
    for client in 0..40 {
        let mut drawn = Vec::new();
        scenario.workload.letters(1, client, -1_000_000, 60_000_000, |l| drawn.push((l.at, l.payload)));
        let kept: Vec<_> =
            planned.events.iter().filter(|e| e.topic == client).map(|e| (e.at, e.data.len())).collect();
        assert_eq!(drawn, kept);
    }
}

#[test]
fn push_takes_half_a_round_trip_and_polls_half_an_interval_more() {
    let socket = Way::WebSocket { ping: ms(25_000), coalesce: Duration::ZERO, read_buffer: 4096 };
    let mut scenario = scenario(2000, ms(100_000), poisson(20_000, Inbox::Own), vec![poll(4000), socket]);
    scenario.warmup = ms(4000);
    scenario.network = Some(link(100, 10));
    let outcome = outcome(&scenario, false, 0);
    let means: Vec<f64> = outcome.transports.iter().map(|t| t.latency_ms.mean.unwrap()).collect();
    // About 10,000 deliveries: the standard error of the poll is 4000/√12/100 ≈ 12 ms.
    assert!((means[0] - 2050.0).abs() < 36.0 && (means[1] - 50.0).abs() < 1.0, "{means:?}");
    let expected = (-0.2f64).exp();
    assert!((outcome.transports[0].waste_ratio.unwrap() - expected).abs() < 0.006);
}

#[test]
fn a_long_poll_stays_within_three_one_way_delays() {
    let mut scenario =
        scenario(200, ms(60_000), poisson(500, Inbox::Own), vec![Way::LongPoll { hold: ms(25_000) }]);
    scenario.network = Some(link(100, 0));
    let t = &outcome(&scenario, false, 0).transports[0];
    let (min, max) = (t.latency_ms.min.unwrap(), t.latency_ms.max.unwrap());
    assert!(min >= 50.0 && max <= 150.0, "{:?}", t.latency_ms);
    // RFC 6202 and published results: cycle C = 2d + e^(−2λd)/λ, mean d + 2d²/C.
    let (d, lambda) = (50.0, 1.0 / 500.0);
    let cycle = 2.0 * d + (-2.0f64 * lambda * d).exp() / lambda;
    let mean = d + 2.0 * d * d / cycle;
    assert!((t.latency_ms.mean.unwrap() - mean).abs() < 1.0, "{:?} against {mean}", t.latency_ms);
}

#[test]
fn polls_are_skipped_where_answers_come_too_late() {
    let mut scenario = scenario(10, ms(10_000), poisson(1000, Inbox::Own), vec![poll(100)]);
    scenario.network = Some(link(250, 0));
    assert!(!skips_ahead(&scenario, &scenario.transports[0].way));
    let t = &outcome(&scenario, false, 0).transports[0];
    assert_eq!((t.requests.polls + t.requests.skipped) as f64, 1000.0);
    assert!(t.requests.skipped > t.requests.polls);
}
