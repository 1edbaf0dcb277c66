//! The ledger's books: every client × event has exactly one fate.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Ledger, Plan, Polled, Received};
use crate::outcome::TransportOutcome;
use crate::workload::{Planned, Schedule};

const SECOND: i64 = 1_000_000;
const WINDOW: i64 = 10 * SECOND;

fn event(at: i64, author: Option<u32>, ttl_ms: Option<u64>, key: Option<&str>) -> Planned {
    Planned {
        at,
        topic: 0,
        author,
        kind: "message".into(),
        ttl_ms,
        key: key.map(Into::into),
        data: "1".into(),
    }
}

fn plan(events: Vec<Planned>, clients: usize, conflate: bool) -> Arc<Plan> {
    Arc::new(Plan::new(Schedule { topics: vec!["t".into()], reads: vec![0; clients], events, conflate }))
}

fn ledger(plan: &Arc<Plan>) -> Ledger {
    let mut ledger = Ledger::new(plan.clone(), WINDOW, false, 0);
    for client in 0..plan.schedule.reads.len() {
        ledger.positioned(client as u32, i64::MIN);
    }
    ledger
}

fn give(ledger: &mut Ledger, client: u32, event: u32, at: i64) {
    let offset = u64::from(event) + 1;
    ledger.received(Received { client, event, offset, at, poll_sent: None, payload: 1 });
}

fn ask(ledger: &mut Ledger, intended: i64, answered: i64, events: u32) {
    ledger.polled(Polled { client: 0, intended, sent: intended, answered, events });
}

#[test]
fn waste_counts_only_intended_times_in_the_window() {
    let mut ledger = ledger(&plan(vec![], 1, false));
    ask(&mut ledger, -1, 5, 0);
    ask(&mut ledger, 0, 5, 0);
    ask(&mut ledger, WINDOW - 1, WINDOW + SECOND, 1);
    ask(&mut ledger, WINDOW, WINDOW + 5, 0);
    let closed = ledger.close(WINDOW, 0);
    assert_eq!(closed.answered_whole_run, 4);
    let books = closed.outcome;
    assert_eq!((books.requests.polls, books.requests.empty, books.waste_ratio), (2, 1, Some(0.5)));
}

#[test]
fn a_long_poll_counts_with_its_answer_in_the_window() {
    let mut ledger = Ledger::new(plan(vec![], 1, false), WINDOW, true, 0);
    ask(&mut ledger, -20, -1, 1);
    ask(&mut ledger, -2, 0, 0);
    ask(&mut ledger, 0, WINDOW - 1, 1);
    ask(&mut ledger, WINDOW - 2, WINDOW, 0);
    let books = ledger.close(WINDOW, 0).outcome;
    assert_eq!((books.requests.polls, books.requests.empty), (2, 1));
}

#[test]
fn a_ratio_over_zero_is_null() {
    let books = ledger(&plan(vec![], 1, false)).close(WINDOW, 0).outcome;
    assert_eq!((books.waste_ratio, books.idle_per_delivery, books.wait_ms_mean), (None, None, None));
    assert_eq!(books.staleness_ms_mean, Some(0.0));
}

#[test]
fn authors_are_not_owed_their_own_events() {
    let mut ledger = ledger(&plan(vec![event(0, Some(0), None, None)], 3, false));
    give(&mut ledger, 1, 0, 10);
    let books = ledger.close(WINDOW, 0).outcome;
    assert_eq!((books.deliveries.expected, books.deliveries.lost), (2, 1));
}

#[test]
fn what_outlives_its_time_is_expired_and_what_is_overtaken_is_superseded() {
    let typing = event(0, None, Some(900), None);
    let prices =
        [event(1, None, None, Some("A")), event(2, None, None, Some("B")), event(3, None, None, Some("A"))];
    let mut ledger = ledger(&plan([vec![typing], prices.to_vec()].concat(), 1, true));
    give(&mut ledger, 0, 3, 50);
    let books = ledger.close(WINDOW, 0).outcome;
    let d = &books.deliveries;
    assert_eq!((d.expected, d.delivered, d.expired, d.superseded, d.lost), (4, 1, 1, 1, 1));
}

#[test]
fn a_cut_run_does_not_owe_what_was_still_on_its_way() {
    let events = vec![event(SECOND, None, None, None), event(4 * SECOND, None, None, None)];
    let books = ledger(&plan(events, 1, false)).close(5 * SECOND, 2 * SECOND).outcome;
    assert_eq!((books.deliveries.expected, books.deliveries.lost), (1, 1));
}

#[test]
fn duplicates_and_reorderings_are_told_apart() {
    let mut ledger = ledger(&plan(vec![event(1, None, None, None), event(2, None, None, None)], 1, false));
    for event in [1, 0, 0] {
        give(&mut ledger, 0, event, 10);
    }
    let d = ledger.close(WINDOW, 0).outcome.deliveries;
    assert_eq!((d.delivered, d.duplicated, d.reordered, d.lost), (2, 1, 1, 0));
}

#[test]
fn staleness_is_the_time_average_of_the_oldest_age() {
    // Published at 2 s, in hand at 4 s: the age rises from 0 to 2 s, an area of 2 s² over 10 s.
    let mut ledger = ledger(&plan(vec![event(2 * SECOND, None, None, None)], 1, false));
    give(&mut ledger, 0, 0, 4 * SECOND);
    assert!((ledger.close(WINDOW, 0).outcome.staleness_ms_mean.unwrap() - 200.0).abs() < 1e-6);
}

#[test]
fn a_skipped_poll_counts_in_the_corrected_figure_only() {
    let mut ledger = ledger(&plan(vec![], 1, false));
    ask(&mut ledger, 0, 1_400_000, 0);
    ledger.poll_skipped(1_000_000, 1_400_000);
    let books = ledger.close(WINDOW, 0).outcome;
    assert_eq!((books.request_ms.unwrap().count, books.request_ms_uncorrected.unwrap().count), (2, 1));
    assert_eq!(books.requests.skipped, 1);
}

/// The plain definition of staleness: sample the oldest undelivered age at fine steps.
fn sampled_staleness(events: &[(i64, Option<i64>)]) -> f64 {
    let step = 10_000;
    let ages = (0..WINDOW).step_by(step as usize).map(|t| t + step / 2).map(|t| {
        let undelivered = events.iter().filter(|(at, got)| *at <= t && got.is_none_or(|g| g > t));
        undelivered.map(|(at, _)| t - at).max().unwrap_or(0)
    });
    ages.sum::<i64>() as f64 / (WINDOW / step) as f64 / 1000.0
}

fn closed(events: &[(i64, Option<i64>)]) -> TransportOutcome {
    let plan = plan(events.iter().map(|(at, _)| event(*at, None, None, None)).collect(), 1, false);
    let mut ledger = ledger(&plan);
    for (index, (_, got)) in events.iter().enumerate() {
        if let Some(got) = got {
            give(&mut ledger, 0, index as u32, *got);
        }
    }
    ledger.close(WINDOW, 0).outcome
}

proptest! {
    #[test]
    fn staleness_matches_its_definition(gaps in proptest::collection::vec((0..SECOND, 0..SECOND), 1..20), kept in 0usize..20) {
        // In-order delivery, and an undelivered tail.
        let (mut at, mut got) = (0, 0);
        let events: Vec<_> = gaps.iter().enumerate().map(|(i, (gap, wait))| {
            at += gap;
            got = (at + wait).max(got);
            (at, (i < kept).then_some(got))
        }).filter(|(at, _)| *at < WINDOW).collect();
        let ours = closed(&events).staleness_ms_mean.unwrap();
        let theirs = sampled_staleness(&events);
        prop_assert!((ours - theirs).abs() < 0.01 * theirs + 12.0, "{} {}", ours, theirs);
    }

    #[test]
    fn every_owed_pair_has_one_fate(
        events in proptest::collection::vec((-SECOND..WINDOW, proptest::option::of(0u32..3), any::<bool>(), proptest::option::of(0u8..3)), 0..30),
        arrivals in proptest::collection::vec((0u32..3, 0u32..30), 0..120),
        conflate: bool,
    ) {
        let mut events: Vec<Planned> = events.into_iter().map(|(at, author, ttl, key)| {
            event(at, author, ttl.then_some(500), key.map(|k| ["A", "B", "C"][k as usize]))
        }).collect();
        events.sort_by_key(|e| e.at);
        let plan = plan(events.clone(), 3, conflate);
        let mut ledger = ledger(&plan);
        let mut distinct = HashSet::new();
        let mut again = 0;
        for (client, index) in arrivals {
            let Some(planned) = events.get(index as usize) else { continue };
            if planned.author == Some(client) { continue }
            give(&mut ledger, client, index, planned.at + 1000);
            if planned.at >= 0 && !distinct.insert((client, index)) { again += 1 }
        }
        let d = ledger.close(WINDOW, 0).outcome.deliveries;
        let owed = events.iter().filter(|e| e.at >= 0).map(|e| 3 - u64::from(e.author.is_some())).sum::<u64>();
        prop_assert_eq!(d.expected, owed);
        prop_assert_eq!(d.delivered, distinct.len() as u64);
        prop_assert_eq!(d.duplicated, again);
        prop_assert_eq!(d.expected, d.delivered + d.lost + d.superseded + d.expired);
    }
}

#[test]
fn a_visit_is_owed_what_comes_in_it_and_what_it_had_a_chance_to_get() {
    let at = [1, 3, 4, 5, 7, 9].map(|s| event(s * SECOND, None, None, None));
    let mut ledger = Ledger::new(plan(at.into(), 1, false), WINDOW, false, 0);
    ledger.positioned(0, i64::MIN);
    give(&mut ledger, 0, 0, 2 * SECOND);
    // The second never came, though the third did: lost. The fourth was too young when the reader left.
    give(&mut ledger, 0, 2, 4 * SECOND + 1);
    ledger.left(0, 5 * SECOND + 1, SECOND);
    // The next on the seat knows nothing of the first five, and gets the last.
    ledger.positioned(0, 8 * SECOND);
    give(&mut ledger, 0, 5, 9 * SECOND);
    let books = ledger.close(WINDOW, 0).outcome;
    let d = &books.deliveries;
    assert_eq!((d.expected, d.delivered, d.lost), (4, 3, 1));
    // 1 s for the first; the second ages until a later one comes: (1² + 1²)/2 s² over 10 s.
    let stale = books.staleness_ms_mean.unwrap();
    assert!((stale - 100.0).abs() < 0.01, "{stale}");
}

#[test]
fn what_died_in_a_visit_is_owed_and_expired() {
    let events = vec![event(SECOND, None, Some(500), None), event(2 * SECOND, None, Some(500), None)];
    let mut ledger = Ledger::new(plan(events, 1, false), WINDOW, false, 0);
    ledger.positioned(0, i64::MIN);
    // The second is still alive when the reader leaves: it may have been on its way.
    ledger.left(0, 2 * SECOND + 100_000, SECOND);
    let d = ledger.close(WINDOW, 0).outcome.deliveries;
    assert_eq!((d.expected, d.expired, d.lost), (1, 1, 0));
}

#[test]
fn a_reader_is_owed_whatever_it_got_even_from_before_it_knew_its_position() {
    let events = vec![event(10, None, None, None), event(20, None, None, None), event(30, None, None, None)];
    let mut ledger = Ledger::new(plan(events, 1, false), WINDOW, false, 0);
    ledger.positioned(0, 25);
    give(&mut ledger, 0, 1, 40);
    give(&mut ledger, 0, 2, 41);
    let books = ledger.close(WINDOW, 0).outcome;
    let d = &books.deliveries;
    assert_eq!((d.expected, d.delivered, d.lost), (2, 2, 0), "the first came before it listened");
    // The second ages from 20 to 40 µs, the third is the oldest from 40 to 41.
    let stale_us = (20.0 * 20.0 + 11.0 * 11.0 - 10.0 * 10.0) / 2.0 / WINDOW as f64;
    assert!((books.staleness_ms_mean.unwrap() * 1000.0 - stale_us).abs() < 1e-9, "{books:?}");
}

#[test]
fn a_newcomer_gets_what_the_last_on_the_seat_had() {
    let at = [1, 2, 3].map(|s| event(s * SECOND, None, None, None));
    let mut ledger = Ledger::new(plan(at.into(), 1, false), WINDOW, false, 0);
    ledger.positioned(0, i64::MIN);
    give(&mut ledger, 0, 0, SECOND + 1);
    ledger.left(0, 4 * SECOND, 5 * SECOND);
    // A cache told where the feed stood before the first.
    ledger.positioned(0, 5 * SECOND);
    for (event, at) in [(0, 6), (0, 7), (2, 8)] {
        give(&mut ledger, 0, event, at * SECOND);
    }
    let d = ledger.close(WINDOW, 0).outcome.deliveries;
    assert_eq!((d.expected, d.delivered, d.lost, d.duplicated), (3, 3, 0, 1), "{d:?}");
}

#[test]
fn a_window_cut_short_is_a_shorter_window() {
    let events = vec![event(0, None, None, None), event(WINDOW / 2, None, None, None)];
    let mut ledger = ledger(&plan(events, 1, false));
    ask(&mut ledger, 0, 5, 0);
    ledger.cut(WINDOW / 4);
    ask(&mut ledger, WINDOW / 4, WINDOW / 4 + 5, 0);
    ask(&mut ledger, WINDOW / 4 - 1, WINDOW / 4 + 5, 1);
    give(&mut ledger, 0, 0, WINDOW / 4 + 5);
    give(&mut ledger, 0, 1, WINDOW / 2 + 5);
    let books = ledger.close(WINDOW / 4, 0).outcome;
    assert_eq!((books.requests.polls, books.requests.empty), (2, 1));
    let d = &books.deliveries;
    assert_eq!((d.expected, d.delivered, d.lost), (1, 1, 0));
    assert_eq!(books.series.requests.iter().sum::<u64>(), 2);
    let steps = (WINDOW as f64 / 4e6 / books.series.step_s).ceil() as usize;
    assert_eq!((books.series.requests.len(), books.series.latency_p50_ms.len()), (steps, steps));
}
