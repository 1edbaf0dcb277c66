//! The event schedule: the same seeded events for every transport and every engine.
//!
//! Times are microseconds relative to the start of the measured window. Events in [0, duration)
//! depend on the seed alone, never on the warm-up or on the transports.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::{Inbox, Opening, Workload};

mod arrivals;
mod chat;
mod cricket;
mod game;
mod inbox;
mod people;
mod periodic;
mod poisson;
mod ticker;
mod trace;
mod visits;
mod words;

pub use inbox::Letter;
pub use trace::{Trace, WrongLine};
pub use visits::{Visit, visits};

/// Smallest `payload`, in bytes: an empty message, `{"text":""}`.
pub const MIN_PAYLOAD: usize = 11;

/// One event that will be published at an intended time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Intended publish time, microseconds from the start of the window; negative in the warm-up.
    pub at: i64,
    /// Index into [`Schedule::topics`].
    pub topic: u32,
    /// The client that sends it, or `None` for an outside publisher.
    pub author: Option<u32>,
    /// Event kind.
    pub kind: Cow<'static, str>,
    /// Time to live after `at`, milliseconds.
    pub ttl_ms: Option<u64>,
    /// Conflation key.
    pub key: Option<String>,
    /// Payload as JSON text.
    pub data: String,
}

/// Everything that will be published in one run, in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    /// Topic names.
    pub topics: Vec<String>,
    /// For each client, the topic it reads (an index into `topics`).
    pub reads: Vec<u32>,
    /// Planned events, sorted by `at`; ties keep a fixed order.
    pub events: Vec<Planned>,
    /// Whether readers ask for only the latest event per key.
    pub conflate: bool,
}

impl Schedule {
    /// A schedule of events that come topic by topic. The sort is stable, so ties keep that order,
    /// which depends on the seed alone.
    fn sorted(topics: Vec<String>, reads: Vec<u32>, mut events: Vec<Planned>) -> Self {
        events.sort_by_key(|event| event.at);
        Self { topics, reads, events, conflate: false }
    }
}

/// What part of which schedule is asked for.
#[derive(Debug, Clone, Copy)]
struct Span {
    clients: u32,
    seed: u64,
    from: i64,
    to: i64,
}

impl Workload {
    /// The events with an intended time in [`from_us`, `to_us`), which no other choice of the two
    /// would change. A message's author always reads the topic it writes to.
    #[must_use]
    pub fn schedule(&self, clients: u32, seed: u64, from_us: i64, to_us: i64) -> Schedule {
        let span = Span { clients, seed, from: from_us, to: to_us };
        match self {
            Self::Poisson { mean_gap, inbox, payload } => {
                poisson::schedule(*mean_gap, *inbox, *payload, span)
            }
            Self::Periodic { gap, inbox, payload } => periodic::schedule(*gap, *inbox, *payload, span),
            Self::Chat { members, gap_per_room, typing_before, receipts, night } => {
                let chat = chat::Chat {
                    members: *members,
                    gap_per_room: *gap_per_room,
                    typing_before: *typing_before,
                    receipts: *receipts,
                    night: night.as_ref(),
                };
                chat::schedule(&chat, span)
            }
            Self::Cricket { gap_per_ball, overs, pauses } => {
                cricket::schedule(*gap_per_ball, *overs, *pauses, span)
            }
            Self::Ticker { symbols, gap, conflate, opening } => {
                let market = ticker::Market { symbols: *symbols, gap: *gap, opening: opening.as_ref() };
                Schedule { conflate: *conflate, ..ticker::schedule(&market, span) }
            }
            Self::Game { players, tick } => game::schedule(*players, *tick, span),
            Self::Trace { recorded, .. } => trace::schedule(recorded, span),
        }
    }
}

impl Workload {
    /// Events planned per second of such a window, on average, for so many clients; rather too many
    /// than too few.
    #[must_use]
    pub fn events_per_second(&self, clients: u32, window: Duration) -> f64 {
        let per = |gap: Duration| 1.0 / gap.as_secs_f64().max(1e-6);
        let clients = f64::from(clients);
        let topics = |inbox: Inbox| if inbox == Inbox::Own { clients } else { 1.0 };
        match self {
            Self::Poisson { mean_gap: gap, inbox, .. } | Self::Periodic { gap, inbox, .. } => {
                topics(*inbox) * per(*gap)
            }
            Self::Chat { members, gap_per_room, typing_before, receipts, night: _ } => {
                let each =
                    1.0 + f64::from(u8::from(!typing_before.is_zero())) + f64::from(u8::from(*receipts));
                clients / f64::from(*members) * per(*gap_per_room) * each
            }
            Self::Cricket { gap_per_ball, .. } => per(*gap_per_ball),
            Self::Ticker { gap, opening, .. } => {
                // All of the opening's excess, spread over the window.
                let excess = |o: &Opening| (o.burst - 1.0) * o.settle.as_secs_f64() * per(window);
                per(*gap) * (1.0 + opening.as_ref().map_or(0.0, excess))
            }
            Self::Game { tick, .. } => clients * per(*tick),
            Self::Trace { events, .. } => *events as f64 * per(window),
        }
    }

    /// Whether clients write events themselves.
    #[must_use]
    pub fn clients_send(&self) -> bool {
        matches!(self, Self::Chat { .. } | Self::Game { .. })
    }

    /// Bytes of the longest name of a topic, for so many clients; rather too many than too few.
    #[must_use]
    pub fn longest_topic(&self, clients: u32) -> u64 {
        let recorded = match self {
            Self::Trace { recorded, .. } => recorded.topics.iter().map(String::len).max(),
            _ => None,
        };
        recorded.unwrap_or_else(|| "inbox-".len() + clients.to_string().len()) as u64
    }

    /// Whether every client has a topic of its own, which nobody else reads or writes.
    #[must_use]
    pub fn has_own_inboxes(&self) -> bool {
        matches!(self, Self::Poisson { inbox: Inbox::Own, .. } | Self::Periodic { inbox: Inbox::Own, .. })
    }

    /// Instants and sizes of the letters of one client's own inbox in [`from_us`, `to_us`), in order:
    /// what [`Workload::schedule`] plans for it, without writing the words. Nothing for workloads
    /// without inboxes of one's own.
    pub fn letters(&self, seed: u64, client: u32, from_us: i64, to_us: i64, each: impl FnMut(Letter)) {
        let span = Span { clients: 1, seed, from: from_us, to: to_us };
        match *self {
            Self::Poisson { mean_gap, payload, .. } => {
                poisson::letters(mean_gap, payload, client, span, each)
            }
            Self::Periodic { gap, payload, .. } => periodic::letters(gap, payload, client, span, each),
            _ => {}
        }
    }
}

/// An event as a person would say it, on one line: `Priya: “Coming?”`, `Rahul is typing…`,
/// `12.3 Rao to Smith: FOUR · 87/3`, `INFY 1,432.50 ▲`. Any JSON will do.
#[must_use]
pub fn describe(kind: &str, data: &str) -> String {
    words::describe(kind, data)
}

#[cfg(test)]
mod tests;
