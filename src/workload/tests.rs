//! Laws that every workload obeys.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::scenario::{Inbox, Night, Opening};

const SECOND: i64 = 1_000_000;

fn workloads() -> impl Strategy<Value = Workload> {
    let gap = || (20u64..3_000).prop_map(Duration::from_millis);
    let inbox = || prop_oneof![Just(Inbox::Own), Just(Inbox::Shared)];
    let payload = || proptest::option::of(MIN_PAYLOAD..200);
    prop_oneof![
        (gap(), inbox(), payload()).prop_map(|(mean_gap, inbox, payload)| Workload::Poisson {
            mean_gap,
            inbox,
            payload
        }),
        (gap(), inbox(), payload()).prop_map(|(gap, inbox, payload)| Workload::Periodic {
            gap,
            inbox,
            payload
        }),
        (1u32..5, gap(), gap(), any::<bool>(), proptest::option::of(night())).prop_map(
            |(members, gap_per_room, typing_before, receipts, night)| {
                Workload::Chat { members, gap_per_room, typing_before, receipts, night }
            }
        ),
        (gap(), 1u32..4, any::<bool>()).prop_map(|(gap_per_ball, overs, pauses)| Workload::Cricket {
            gap_per_ball,
            overs,
            pauses
        }),
        (1u32..30, gap(), any::<bool>(), proptest::option::of(opening())).prop_map(
            |(symbols, gap, conflate, opening)| Workload::Ticker { symbols, gap, conflate, opening }
        ),
        (1u32..5, gap()).prop_map(|(players, tick)| Workload::Game { players, tick }),
    ]
}

/// The test's times are seconds around 0, so a night of nearly a day has its end there and its
/// beginning just after.
fn night() -> impl Strategy<Value = Night> {
    (1u64..86_400, 0.0..1.0).prop_map(|(seconds, quiet)| Night {
        hours: String::new(),
        length: Duration::from_secs(seconds),
        quiet,
    })
}

fn opening() -> impl Strategy<Value = Opening> {
    (1.0..50.0, 1u64..5_000).prop_map(|(burst, ms)| Opening { burst, settle: Duration::from_millis(ms) })
}

proptest! {
    #[test]
    fn the_window_depends_on_the_seed_alone(
        workload in workloads(), seed: u64,
        warmup in 0i64..12 * SECOND, cut in 0i64..6 * SECOND, d in 1i64..8 * SECOND, more in 0i64..8 * SECOND,
    ) {
        let clients = 12;
        let whole = workload.schedule(clients, seed, -warmup, d + more);
        let plain = workload.schedule(clients, seed, 0, d);
        let window: Vec<_> = whole.events.iter().filter(|e| (0..d).contains(&e.at)).cloned().collect();
        prop_assert_eq!(&window, &plain.events);
        prop_assert_eq!(&whole.reads, &plain.reads);
        prop_assert_eq!(&whole.topics, &plain.topics);
        // And any part of it is what one gets by asking for that part.
        let part = workload.schedule(clients, seed, cut - warmup, d);
        let expected: Vec<_> =
            whole.events.iter().filter(|e| (cut - warmup..d).contains(&e.at)).cloned().collect();
        prop_assert_eq!(part.events, expected);
    }

    #[test]
    fn every_schedule_is_sorted_and_sound(workload in workloads(), seed: u64) {
        let (from, to) = (-3 * SECOND, 5 * SECOND);
        let schedule = workload.schedule(12, seed, from, to);
        prop_assert_eq!(schedule.reads.len(), 12);
        prop_assert!(schedule.events.windows(2).all(|w| w[0].at <= w[1].at));
        for topic in &schedule.topics {
            prop_assert!(crate::event::topic_is_valid(topic));
        }
        for event in &schedule.events {
            prop_assert!((from..to).contains(&event.at));
            prop_assert!((event.topic as usize) < schedule.topics.len());
            if let Some(author) = event.author {
                prop_assert_eq!(schedule.reads[author as usize], event.topic);
            }
            prop_assert!(serde_json::from_str::<serde_json::Value>(&event.data).is_ok(), "{}", event.data);
            let said = describe(&event.kind, &event.data);
            prop_assert!(!said.is_empty() && !said.contains('{'), "{}", said);
        }
        prop_assert_eq!(workload.schedule(12, seed, from, to), schedule);
    }

    #[test]
    fn chat_stands_at_fixed_offsets(seed: u64, members in 2u32..6) {
        let typing = Duration::from_millis(1_400);
        let chat = Workload::Chat {
            members, gap_per_room: Duration::from_secs(2), typing_before: typing, receipts: true, night: None,
        };
        let schedule = chat.schedule(members, seed, 0, 60 * SECOND);
        let of = |kind: &str| schedule.events.iter().filter(|e| e.kind == kind).collect::<Vec<_>>();
        for message in of("message") {
            if message.at >= 1_400_000 {
                let hint = of("typing").into_iter().find(|t| t.at == message.at - 1_400_000);
                let hint = hint.expect("each message is announced");
                prop_assert_eq!((hint.author, hint.ttl_ms), (message.author, Some(1_400)));
            }
            if message.at < 59 * SECOND {
                let receipt = of("read").into_iter().find(|r| r.at == message.at + SECOND);
                prop_assert!(receipt.expect("each message is read").author != message.author);
            }
        }
    }

    #[test]
    fn a_payload_is_exactly_as_long_as_asked(seed: u64, bytes in MIN_PAYLOAD..500) {
        let workload =
            Workload::Poisson { mean_gap: Duration::from_millis(100), inbox: Inbox::Shared, payload: Some(bytes) };
        let schedule = workload.schedule(1, seed, 0, 2 * SECOND);
        prop_assert!(schedule.events.iter().all(|event| event.data.len() == bytes));
    }
}

#[test]
fn a_night_is_quiet_and_the_day_is_as_without_it() {
    let hour = 3_600 * SECOND;
    let chat = |night| Workload::Chat {
        members: 2,
        gap_per_room: Duration::from_secs(120),
        typing_before: Duration::ZERO,
        receipts: false,
        night,
    };
    let night = Night { hours: "23:00-07:00".to_owned(), length: Duration::from_secs(8 * 3_600), quiet: 0.1 };
    let around = |night| chat(night).schedule(40, 1, -8 * hour, 24 * hour);
    let (with, without) = (around(Some(night)), around(None));
    let between = |schedule: &Schedule, from, to| {
        schedule.events.iter().filter(|e| (from..to).contains(&e.at)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(between(&with, 0, 16 * hour), between(&without, 0, 16 * hour));
    for from in [-8 * hour, 16 * hour] {
        let nightly = between(&with, from, from + 8 * hour).len() as f64;
        // 20 rooms, 240 messages each without a night; a tenth is 480, standard deviation 22.
        assert!((nightly - 480.0).abs() < 90.0, "{nightly}");
    }
}

#[test]
fn seeds_differ() {
    let workload = Workload::Poisson { mean_gap: Duration::from_secs(1), inbox: Inbox::Own, payload: None };
    assert_ne!(workload.schedule(5, 1, 0, 9 * SECOND), workload.schedule(5, 2, 0, 9 * SECOND));
}

#[test]
fn a_busy_game_is_quick_to_plan() {
    let game = Workload::Game { players: 10, tick: Duration::from_millis(50) };
    let begun = Instant::now();
    let schedule = game.schedule(500, 1, 0, 30 * SECOND);
    assert_eq!(schedule.events.len(), 300_000);
    // Unoptimised and on a shared machine; optimised it takes a tenth of this.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
