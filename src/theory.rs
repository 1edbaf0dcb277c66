//! What the formulas expect of a scenario's window, for the theory block of every outcome.
//!
//! Poll latency is uniform over one interval and P(empty) = e^(−λT) for Poisson events; for every
//! other schedule the expectation is over uniform poll phases, given the schedule
//! (derivations: docs of [`expect`]). The network is taken as instant, as loopback nearly is.

use std::time::Duration;

use crate::clock::as_micros;
use crate::ledger::Plan;
use crate::outcome::Theory;
use crate::scenario::{Scenario, Workload};
use crate::transport::Way;

/// Expectation for one transport over the window; `None` where no formula is due.
///
/// * Short poll, Poisson: a poll at t covers the age min(T, t + warmup), so the share of empty polls
///   is the mean of e^(−λ·age) over the window: e^(−λT) when the warm-up is at least one interval.
/// * Short poll, any other schedule: a poll is empty when no event a client reads fell within its
///   age, so the share is the part of the window outside ∪[eᵢ, eᵢ + Tᵢ), which for distinct gaps is
///   Σ max(0, gap − T)/duration. Tᵢ is T, or less where a time to live or a later event of the same
///   key (conflation) ends the event sooner.
/// * Its latency: an event visible for m ≤ T is fetched with probability m/T after m/2 on average.
/// * Push: 0 on an instant network, one opening per client, and no polls to waste.
#[must_use]
pub fn expect(scenario: &Scenario, plan: &Plan, way: &Way) -> Theory {
    let duration = as_micros(scenario.duration);
    let counted = |at: i64| (0..duration).contains(&at);
    let clients = f64::from(scenario.clients);
    let sends = plan.schedule.events.iter().filter(|e| e.author.is_some() && counted(e.at)).count() as f64;
    match way {
        Way::Poll { interval, .. } => {
            let interval_us = as_micros(*interval);
            let visible = Visible::new(plan, interval_us);
            let waste = match scenario.workload {
                Workload::Poisson { mean_gap, .. } => poisson_waste(mean_gap, *interval, scenario),
                _ => visible.empty_share(plan, duration),
            };
            Theory {
                waste_ratio: Some(waste),
                latency_mean_ms: visible.mean_wait_ms(plan, duration, interval_us),
                requests_total: Some(clients * duration as f64 / interval_us as f64 + sends),
            }
        }
        Way::LongPoll { .. } => Theory::default(),
        Way::Sse => push(clients + sends),
        Way::WebSocket { .. } => push(clients),
    }
}

fn push(requests: f64) -> Theory {
    Theory { waste_ratio: None, latency_mean_ms: Some(0.0), requests_total: Some(requests) }
}

/// (1/D) ∫₀ᴰ e^(−λ·min(T, t + w)) dt.
fn poisson_waste(mean_gap: Duration, interval: Duration, scenario: &Scenario) -> f64 {
    let lambda = 1.0 / mean_gap.as_secs_f64();
    let (t, w, d) = (interval.as_secs_f64(), scenario.warmup.as_secs_f64(), scenario.duration.as_secs_f64());
    let ramp = (t - w).clamp(0.0, d);
    let ramp_part = (libm::exp(-lambda * w) - libm::exp(-lambda * (w + ramp))) / lambda;
    (ramp_part + (d - ramp) * libm::exp(-lambda * t)) / d
}

/// For each event, how long after its time a poll still finds it, at most one interval.
struct Visible {
    us: Vec<i64>,
}

impl Visible {
    fn new(plan: &Plan, interval: i64) -> Self {
        let events = &plan.schedule.events;
        let mut us: Vec<i64> = events
            .iter()
            .map(|e| {
                let ttl = e.ttl_ms.and_then(|ms| i64::try_from(ms).ok()).map(|ms| ms.saturating_mul(1000));
                ttl.unwrap_or(i64::MAX).min(interval)
            })
            .collect();
        if plan.schedule.conflate {
            let mut next = std::collections::HashMap::new();
            for (index, event) in events.iter().enumerate().rev() {
                if let Some(key) = &event.key
                    && let Some(later) = next.insert((event.topic, key.as_str()), event.at)
                {
                    us[index] = us[index].min(later - event.at);
                }
            }
        }
        Self { us }
    }

    /// Share of uniform poll times in [0, duration) that find nothing, averaged over the clients.
    fn empty_share(&self, plan: &Plan, duration: i64) -> f64 {
        let schedule = &plan.schedule;
        let authored = schedule.events.iter().any(|e| e.author.is_some());
        let mut whole = vec![None; schedule.topics.len()];
        let mut sum = 0.0;
        for (client, &topic) in schedule.reads.iter().enumerate() {
            let of = |own: Option<u32>| self.covered(plan, topic, own, duration);
            // Where nobody writes, every reader of a topic sees the same events.
            let covered = if authored {
                of(Some(client as u32))
            } else {
                *whole[topic as usize].get_or_insert_with(|| of(None))
            };
            sum += 1.0 - covered as f64 / duration as f64;
        }
        sum / schedule.reads.len().max(1) as f64
    }

    /// Microseconds of [0, duration) within reach of an event of `topic` not written by `own`.
    fn covered(&self, plan: &Plan, topic: u32, own: Option<u32>, duration: i64) -> i64 {
        let (mut covered, mut end) = (0, 0);
        for &index in &plan.by_topic[topic as usize] {
            let event = &plan.schedule.events[index as usize];
            if own.is_some() && event.author == own {
                continue;
            }
            let from = event.at.max(end);
            let to = (event.at + self.us[index as usize]).min(duration);
            if to > from {
                covered += to - from;
                end = to;
            }
        }
        covered
    }

    fn mean_wait_ms(&self, plan: &Plan, duration: i64, interval: i64) -> Option<f64> {
        let (mut weight, mut wait) = (0.0, 0.0);
        for (event, &us) in plan.schedule.events.iter().zip(&self.us) {
            if (0..duration).contains(&event.at) {
                let us = us as f64;
                weight += us;
                wait += us * us / 2.0;
            }
        }
        if weight > 0.0 { Some(wait / weight / 1000.0) } else { Some(interval as f64 / 2000.0) }
    }
}
