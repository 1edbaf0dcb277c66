//! What a server has of one topic, and when it has it.

use std::collections::HashMap;

use super::World;
use crate::ledger::dies_at;
use crate::sizes;
use crate::workload::Letter;

/// No author, no key, no planned event.
pub(super) const NONE: u32 = u32::MAX;

/// One event of a feed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Intended publish time.
    pub(super) at: i64,
    /// When the server has it.
    pub(super) server: i64,
    /// When it stops being delivered.
    pub(super) dies: i64,
    pub(super) author: u32,
    /// Conflation key, numbered within the feed.
    pub(super) key: u32,
    /// Index into the plan.
    pub(super) planned: u32,
    pub(super) payload: u32,
    /// Bytes as JSON on the wire.
    pub(super) json: u32,
    /// Length of its kind's name.
    pub(super) kind: u32,
    /// Whether it counts, and the step of the series it was published in.
    pub(super) step: Option<u32>,
}

/// The events of one topic in the order in which the server has them; item `i` has offset `i + 1`.
#[derive(Debug, Clone, Default)]
pub(super) struct Feed {
    pub(super) items: Vec<Item>,
    /// Number of keys when readers conflate, else 0.
    pub(super) keys: usize,
    /// Whether everybody gets everything: no authors, no times to live, no conflation.
    pub(super) plain: bool,
    /// Bytes of the topic's name.
    pub(super) name: u64,
}

impl Feed {
    /// The feed of a planned topic. `server` gives the time at which the server has an event.
    pub(super) fn planned(world: &World<'_>, topic: usize, server: &[i64]) -> Self {
        let schedule = &world.plan.schedule;
        let name = schedule.topics[topic].len() as u64;
        let mut keys: HashMap<&str, u32> = HashMap::new();
        let mut items: Vec<Item> = world.plan.by_topic[topic]
            .iter()
            .map(|&index| {
                let event = &schedule.events[index as usize];
                let key = event.key.as_deref().map_or(NONE, |key| {
                    let next = keys.len() as u32;
                    *keys.entry(key).or_insert(next)
                });
                Item {
                    at: event.at,
                    server: server[index as usize],
                    dies: dies_at(event.at, event.ttl_ms),
                    author: event.author.unwrap_or(NONE),
                    key,
                    planned: index,
                    payload: event.data.len() as u32,
                    json: 0,
                    kind: event.kind.len() as u32,
                    step: (0..world.duration).contains(&event.at).then(|| (event.at / world.step) as u32),
                }
            })
            .collect();
        // Stable: what the server has at the same moment keeps the order of the schedule.
        items.sort_by_key(|item| item.server);
        for (offset, item) in (1..).zip(&mut items) {
            item.json =
                sizes::event(&schedule.events[item.planned as usize], name, offset, item.planned) as u32;
        }
        let keys = if schedule.conflate { keys.len() } else { 0 };
        let plain = keys == 0 && items.iter().all(|i| i.author == NONE && i.dies == i64::MAX);
        Self { items, keys, plain, name }
    }

    /// How many events a reader who has `taken` of them can have when asked at `time`.
    pub(super) fn there(&self, taken: usize, time: i64) -> usize {
        taken + self.items[taken..].partition_point(|item| item.server <= time)
    }

    /// Fills this feed with the inbox of one client, drawn on the spot.
    pub(super) fn draw(&mut self, world: &World<'_>, client: u32) {
        let (scenario, from, to) = (world.scenario, -world.warmup, world.duration);
        self.plain = true;
        self.name = sizes::digits(u64::from(client) + 1) + "inbox-".len() as u64;
        self.items.clear();
        let (name, items) = (self.name, &mut self.items);
        let id = sizes::hex_digits_of_a_large_schedule();
        // Letters come in order, so their steps are found without a division each.
        let (mut step, mut ends) = (0, world.step);
        scenario.workload.letters(scenario.seed, client, from, to, |Letter { at, payload }| {
            let payload = payload as u32;
            let json = sizes::letter(name, items.len() as u64 + 1, payload.into(), id) as u32;
            while at >= ends {
                (step, ends) = (step + 1, ends + world.step);
            }
            let step = (at >= 0).then_some(step);
            let kind = "message".len() as u32;
            items.push(Item {
                at,
                server: at,
                dies: i64::MAX,
                author: NONE,
                key: NONE,
                planned: NONE,
                payload,
                json,
                kind,
                step,
            });
        });
    }
}
