//! What is published and owed: event by event where a schedule was written down, else on average.

use std::collections::HashMap;

use crate::clock::as_micros;
use crate::ledger::Plan;
use crate::scenario::Scenario;
use crate::sizes;

/// A poll finds an event without an end of its own for ever.
pub(super) const FOR_EVER: i64 = i64::MAX;

/// One event, or on average all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Intended publish time, microseconds.
    pub(super) at: i64,
    /// Readers that are owed it.
    pub(super) pairs: f64,
    /// Whether a client wrote it.
    pub(super) own: bool,
    /// Whether it is the first that this client writes.
    pub(super) first: bool,
    /// How long a poll still finds it, microseconds: its time to live, or the time until a later event
    /// of its key takes its place (conflation).
    pub(super) lives: i64,
    /// Whether it is a later event that ends it.
    pub(super) replaced: bool,
    /// Bytes as JSON, of the name of its kind, and of its payload.
    pub(super) json: f64,
    pub(super) kind: f64,
    pub(super) payload: f64,
}

/// The events, in the order of the schedule, warm-up included.
pub(super) struct News {
    pub(super) items: Vec<Item>,
    duration: i64,
    /// Counted events.
    pub(super) published: f64,
    /// Counted events × their readers, authors excluded.
    pub(super) owed: f64,
    /// Counted events that clients write, and how many clients write at all.
    pub(super) sends: f64,
    pub(super) senders: f64,
    /// Mean length of a topic's name, and mean position in its feed.
    pub(super) name: f64,
    pub(super) offset: f64,
    pub(super) conflates: bool,
}

impl News {
    pub(super) fn planned(scenario: &Scenario, plan: &Plan) -> Self {
        let schedule = &plan.schedule;
        let mut readers = vec![0u32; schedule.topics.len()];
        schedule.reads.iter().for_each(|&topic| readers[topic as usize] += 1);
        let lives = lives(plan);
        let item = |(index, event): (usize, &crate::workload::Planned)| {
            let topic = schedule.topics[event.topic as usize].len() as u64;
            let offset = u64::from(plan.ordinal[index]) + 1;
            let own = event.author.is_some();
            let (lives, replaced) = lives[index];
            Item {
                at: event.at,
                pairs: f64::from(readers[event.topic as usize] - u32::from(own)),
                own,
                first: event
                    .author
                    .is_some_and(|author| plan.by_author[author as usize].first() == Some(&(index as u32))),
                lives,
                replaced,
                json: sizes::event(event, topic, offset, index as u32) as f64,
                kind: event.kind.len() as f64,
                payload: event.data.len() as f64,
            }
        };
        let items = schedule.events.iter().enumerate().map(item).collect();
        let named: usize = schedule.reads.iter().map(|&topic| schedule.topics[topic as usize].len()).sum();
        let mut news = Self {
            items,
            duration: as_micros(scenario.duration),
            published: 0.0,
            owed: 0.0,
            sends: 0.0,
            senders: plan.by_author.iter().filter(|own| !own.is_empty()).count() as f64,
            name: named as f64 / schedule.reads.len().max(1) as f64,
            offset: schedule.events.len() as f64 / schedule.topics.len().max(1) as f64 / 2.0,
            conflates: schedule.conflate,
        };
        news.published = news.counted().count() as f64;
        news.owed = news.counted().map(|item| item.pairs).sum();
        news.sends = news.counted().filter(|item| item.own).count() as f64;
        news
    }

    /// Letters by their mean rate, and by the mean size of some of them.
    pub(super) fn on_average(scenario: &Scenario) -> Self {
        let duration = as_micros(scenario.duration);
        let rate = scenario.workload.events_per_second(scenario.clients, scenario.duration);
        let published = rate * scenario.duration.as_secs_f64();
        let payload = mean_letter(scenario, duration);
        let clients = f64::from(scenario.clients.max(1));
        // An inbox each, or one that all read.
        let (topics, readers, name) = if scenario.workload.has_own_inboxes() {
            (clients, 1.0, "inbox-".len() as f64 + mean_digits(1, scenario.clients))
        } else {
            (1.0, clients, "news".len() as f64)
        };
        let each = rate * (scenario.duration + scenario.warmup).as_secs_f64() / topics;
        let offset = (each / 2.0).max(1.0);
        let id = sizes::hex_digits_of_a_large_schedule();
        let json = sizes::letter(0, offset as u64, 0, id) as f64 + name + payload;
        let item = Item {
            at: 0,
            pairs: published * readers,
            own: false,
            first: false,
            lives: FOR_EVER,
            replaced: false,
            json,
            kind: "message".len() as f64,
            payload,
        };
        Self {
            items: vec![item],
            duration,
            published,
            owed: published * readers,
            sends: 0.0,
            senders: 0.0,
            name,
            offset,
            conflates: false,
        }
    }

    /// The events whose intended time is in the window.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| (0..self.duration).contains(&item.at))
    }
}

/// For each event, how long a poll still finds it, and whether a later event ends that.
fn lives(plan: &Plan) -> Vec<(i64, bool)> {
    let events = &plan.schedule.events;
    let ttl = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000);
    let mut lives: Vec<(i64, bool)> =
        events.iter().map(|event| (event.ttl_ms.map_or(FOR_EVER, ttl), false)).collect();
    if plan.schedule.conflate {
        let mut next = HashMap::new();
        for (index, event) in events.iter().enumerate().rev() {
            if let Some(key) = &event.key
                && let Some(later) = next.insert((event.topic, key.as_str()), event.at)
                && later - event.at < lives[index].0
            {
                lives[index] = (later - event.at, true);
            }
        }
    }
    lives
}

/// Mean payload of letters: of clients spread over the crowd, until there are enough of them.
fn mean_letter(scenario: &Scenario, duration: i64) -> f64 {
    const CLIENTS: u32 = 4_096;
    const LETTERS: u32 = 5_000;
    let (mut sum, mut n) = (0.0, 0);
    let stride = (scenario.clients / CLIENTS).max(1);
    for client in (0..scenario.clients).step_by(stride as usize) {
        // A long window holds more of them than are needed.
        let end = duration.min(as_micros(scenario.duration) / 10 + 60_000_000);
        scenario.workload.letters(scenario.seed, client, 0, end, |letter| {
            sum += letter.payload as f64;
            n += 1;
        });
        if n >= LETTERS {
            break;
        }
    }
    if n == 0 { 0.0 } else { sum / f64::from(n) }
}

/// Mean number of decimal digits of `first`, `first` + 1, … of so many numbers.
pub(super) fn mean_digits(first: u32, numbers: u32) -> f64 {
    let (from, to) = (f64::from(first), f64::from(first) + f64::from(numbers));
    let mut sum = 0.0;
    let (mut low, mut digits) = (0.0, 1.0);
    while low < to {
        let high: f64 = libm::exp10(digits);
        sum += digits * (high.min(to) - low.max(from)).max(0.0);
        (low, digits) = (high, digits + 1.0);
    }
    sum / f64::from(numbers.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_as_they_are_written() {
        for (first, numbers) in [(0, 1), (1, 9), (1, 300), (0, 12_345)] {
            let sum: u64 = (first..first + numbers).map(|n| sizes::digits(u64::from(n))).sum();
            let mean = sum as f64 / f64::from(numbers);
            assert!((mean_digits(first, numbers) - mean).abs() < 1e-9, "{first} {numbers}");
        }
    }
}
