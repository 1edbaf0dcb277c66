//! A schedule with its look-ups, and which part of it is played here.

use crate::clock::as_micros;
use crate::scenario::Scenario;
use crate::scenario::shard::Shard;
use crate::workload::Schedule;

/// Most events that are written down: what fits in memory with ease.
pub const KEPT_EVENTS: f64 = 2e6;

/// A schedule with the look-ups every ledger of a run shares.
#[derive(Debug)]
pub struct Plan {
    /// What will be published.
    pub schedule: Schedule,
    /// For each topic, the indices of its events in order of time.
    pub by_topic: Vec<Vec<u32>>,
    /// For each event, its position within `by_topic`.
    pub ordinal: Vec<u32>,
    /// For each client, the events it sends itself.
    pub by_author: Vec<Vec<u32>>,
    /// Which part of it is played here; none: all.
    share: Option<Share>,
}

/// Whom and what one shard plays.
#[derive(Debug)]
struct Share {
    clients: Vec<bool>,
    topics: Vec<Home>,
}

/// What a shard does with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Publishes it, and counts what it publishes.
    Here,
    /// Publishes a copy for its own readers, while another shard counts.
    Copied,
    /// Nobody here reads it.
    Elsewhere,
}

impl Plan {
    /// Indexes a schedule.
    #[must_use]
    pub fn new(schedule: Schedule) -> Self {
        let mut by_topic = vec![Vec::new(); schedule.topics.len()];
        let mut by_author = vec![Vec::new(); schedule.reads.len()];
        let mut ordinal = Vec::with_capacity(schedule.events.len());
        for (index, event) in schedule.events.iter().enumerate() {
            let index = index as u32;
            let topic: &mut Vec<u32> = &mut by_topic[event.topic as usize];
            ordinal.push(topic.len() as u32);
            topic.push(index);
            if let Some(author) = event.author {
                by_author[author as usize].push(index);
            }
        }
        Self { schedule, by_topic, ordinal, by_author, share: None }
    }

    /// The plan of a scenario, of which only this program's shard is played: the same in every process,
    /// because the seed alone decides it. A topic is counted in the shard of its first reader; one that
    /// nobody reads, in the first.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let (from, to) = (-as_micros(scenario.warmup), as_micros(scenario.duration));
        let mut plan = Self::new(scenario.workload.schedule(scenario.clients, scenario.seed, from, to));
        let Some(Shard { number, of }) = scenario.shard else { return plan };
        let clients = (0..plan.schedule.reads.len() as u32).map(|client| scenario.plays(client)).collect();
        let mut first = vec![None; plan.schedule.topics.len()];
        let mut topics = vec![Home::Elsewhere; plan.schedule.topics.len()];
        for (client, &topic) in (0..).zip(&plan.schedule.reads) {
            let shard = scenario.shard_of(client, of);
            let home = *first[topic as usize].get_or_insert(shard);
            if shard == number {
                topics[topic as usize] = if home == number { Home::Here } else { Home::Copied };
            }
        }
        for (held, _) in topics.iter_mut().zip(&first).filter(|(_, first)| first.is_none() && number == 1) {
            *held = Home::Here;
        }
        plan.share = Some(Share { clients, topics });
        plan
    }

    /// Whether a client is played here.
    #[must_use]
    pub fn plays(&self, client: u32) -> bool {
        self.share.as_ref().is_none_or(|share| share.clients[client as usize])
    }

    /// How many are.
    #[must_use]
    pub fn people(&self) -> usize {
        self.share
            .as_ref()
            .map_or(self.schedule.reads.len(), |share| share.clients.iter().filter(|played| **played).count())
    }

    /// What is done here with an event's topic.
    #[must_use]
    pub fn home(&self, event: u32) -> Home {
        let topic = self.schedule.events[event as usize].topic;
        self.share.as_ref().map_or(Home::Here, |share| share.topics[topic as usize])
    }

    /// The retry `id` under which an event travels.
    #[must_use]
    pub fn id_of(index: u32) -> String {
        format!("{index:x}")
    }

    /// The event that travels under `id`, if it is one of this plan.
    #[must_use]
    pub fn event_of(&self, id: &str) -> Option<u32> {
        let index = u32::from_str_radix(id, 16).ok()?;
        ((index as usize) < self.schedule.events.len()).then_some(index)
    }
}
