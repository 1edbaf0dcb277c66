//! Events that share frames: the first that is due waits for others, and all wait for the frame's end.

use std::collections::HashMap;

use super::law::Law;
use super::news::FOR_EVER;
use super::view::View;
use crate::clock::as_micros;
use crate::ledger::Plan;
use crate::scenario::Workload;
use crate::sizes;
use crate::transport::FRAME_EVENTS;

/// What is expected of all readers together.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Frames of events in the window, and their bytes.
    pub(super) frames: f64,
    pub(super) bytes: f64,
    /// Pairs of counted events, by what becomes of them.
    pub(super) delivered: f64,
    pub(super) superseded: f64,
    pub(super) expired: f64,
    /// `data` of the delivered ones.
    pub(super) payload: f64,
    /// Sum of their waits at the server, seconds.
    pub(super) waited: f64,
    /// The distribution of the waits.
    pub(super) law: Option<Law>,
    /// Mean age of the oldest event that waits.
    pub(super) staleness: Option<f64>,
}

/// What a window of w seconds makes of the events of a reader.
///
/// Poisson: a window opens with an event that finds none open, and takes in λw others on average, so
/// there are λ/(1 + λw) frames a second of 1 + λw events. The first waits w, the others evenly from 0
/// to w: w(1 + λw/2)/(1 + λw) on average. For a share λw/(1 + λw) of the time somebody waits, the oldest
/// w/2 on average. Any other schedule is walked through, event by event.
pub(super) fn expect(view: &View<'_>, window: f64) -> Shared {
    let mean = |of: fn(&super::news::Item) -> f64| {
        view.news.counted().map(|item| item.pairs * of(item)).sum::<f64>() / view.news.owed.max(1.0)
    };
    let even = |events: f64, wait: f64, law: Law| {
        let frames = view.news.owed / events;
        let commas = (events - 1.0) + 2.0;
        let head = sizes::shared_frame(1, (events * mean(|item| item.json)) as u64) as f64
            - (events * mean(|item| item.json)).floor()
            - 2.0;
        Shared {
            frames,
            bytes: view.news.owed * mean(|item| item.json) + frames * (commas + head),
            delivered: view.news.owed,
            payload: view.news.owed * mean(|item| item.payload),
            waited: view.news.owed * wait,
            law: Some(law),
            ..Shared::default()
        }
    };
    match (&view.scenario.workload, view.lambda, view.plan) {
        (_, Some(lambda), _) => {
            let others = lambda * window;
            let events = 1.0 + others;
            let law = Law::uniform_then_jump(window, 1.0 / events);
            let staleness = Some(others / events * window / 2.0);
            Shared { staleness, ..even(events, window * (1.0 + others / 2.0) / events, law) }
        }
        (Workload::Periodic { gap, .. }, None, None) => {
            let gap = gap.as_secs_f64();
            let others = (window / gap).floor();
            let waits = (0..=others as u64).map(|n| (window - n as f64 * gap, 1.0)).collect();
            let law = Law::of_values(waits).unwrap_or_else(|| Law::constant(window));
            even(1.0 + others, window - gap * others / 2.0, law)
        }
        (_, None, Some(plan)) => walked(view, plan, as_micros(std::time::Duration::from_secs_f64(window))),
        (_, None, None) => Shared::default(),
    }
}

/// One reader after another, where clients write; else one of each topic stands for all of it.
fn walked(view: &View<'_>, plan: &Plan, window: i64) -> Shared {
    let mut shared = Shared::default();
    let mut waits = Vec::new();
    let mut readers = vec![Vec::new(); plan.by_topic.len()];
    for (client, &topic) in (0u32..).zip(&plan.schedule.reads) {
        readers[topic as usize].push(client);
    }
    for (topic, readers) in readers.iter().enumerate() {
        if view.scenario.workload.clients_send() {
            for &client in readers {
                walk(view, plan, (topic, Some(client), 1.0), window, &mut shared, &mut waits);
            }
        } else {
            walk(view, plan, (topic, None, readers.len() as f64), window, &mut shared, &mut waits);
        }
    }
    shared.law = Law::of_values(waits);
    shared
}

/// One reader of a topic, who counts for so many.
fn walk(
    view: &View<'_>,
    plan: &Plan,
    (topic, reader, weight): (usize, Option<u32>, f64),
    window: i64,
    shared: &mut Shared,
    waits: &mut Vec<(f64, f64)>,
) {
    let duration = as_micros(view.scenario.duration);
    let events = &plan.schedule.events;
    // When the server has each, when it dies, and which it is.
    let mut due: Vec<(i64, i64, usize)> = plan.by_topic[topic]
        .iter()
        .map(|&index| index as usize)
        .filter(|&index| reader.is_none() || events[index].author != reader)
        .map(|index| {
            let item = &view.news.items[index];
            let server = item.at + (view.sending(item) * 1e6) as i64;
            let ttl = if item.replaced { FOR_EVER } else { item.lives };
            (server, item.at.saturating_add(ttl), index)
        })
        .collect();
    due.sort_by_key(|&(server, ..)| server);
    let mut rest = due.as_slice();
    while let Some(&(first, dies, _)) = rest.first() {
        let leaves = if dies < first { first } else { first + window };
        let (frame, later) = rest.split_at(rest.partition_point(|&(server, ..)| server <= leaves).max(1));
        rest = later;
        let mut latest: HashMap<&str, usize> = HashMap::new();
        if plan.schedule.conflate {
            latest
                .extend(frame.iter().filter_map(|&(.., index)| Some((events[index].key.as_deref()?, index))));
        }
        let (mut n, mut json) = (0u64, 0.0);
        for &(server, dies, index) in frame {
            let item = &view.news.items[index];
            let counted = (0..duration).contains(&item.at);
            let alive = dies >= leaves;
            let newest = events[index].key.as_deref().and_then(|key| latest.get(key));
            let goes = alive && newest.is_none_or(|&newest| newest == index);
            if goes {
                (n, json) = (n + 1, json + item.json);
            }
            match (counted, goes, alive) {
                (false, ..) => {}
                (true, true, _) => {
                    let wait = (leaves - server) as f64 / 1e6;
                    shared.delivered += weight;
                    shared.payload += weight * item.payload;
                    shared.waited += weight * wait;
                    waits.push((wait, weight));
                }
                (true, false, true) => shared.superseded += weight,
                (true, false, false) => shared.expired += weight,
            }
        }
        if n > 0 && (0..duration).contains(&leaves) {
            let frames = n.div_ceil(FRAME_EVENTS as u64);
            shared.frames += weight * frames as f64;
            let each = sizes::shared_frame(n / frames, json as u64 / frames) as f64;
            shared.bytes += weight * frames as f64 * each;
        }
    }
}
