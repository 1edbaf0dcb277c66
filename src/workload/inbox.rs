//! Letters from outside: a topic for each client, or one topic for all, and what is in a letter.

use crate::random::{Dice, stream};
use crate::scenario::Inbox;

use super::arrivals::Arrival;
use super::{Planned, Schedule, Span, people};

/// A schedule whose topic `n` receives a message at each instant of `arrivals(n)`.
pub(super) fn fill(
    readers: Inbox,
    payload: Option<usize>,
    span: Span,
    arrivals: impl Fn(u32) -> Vec<Arrival>,
) -> Schedule {
    let (topics, reads): (Vec<String>, Vec<u32>) = match readers {
        Inbox::Own => {
            ((1..=span.clients).map(|n| format!("inbox-{n}")).collect(), (0..span.clients).collect())
        }
        Inbox::Shared => (vec!["news".to_owned()], vec![0; span.clients as usize]),
    };
    let events = (0u32..)
        .zip(&topics)
        .flat_map(|(topic, _)| arrivals(topic).into_iter().map(move |a| letter(topic, a, span.seed, payload)))
        .collect();
    Schedule::sorted(topics, reads, events)
}

/// One letter by its instant and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// Microseconds from the start of the window.
    pub at: i64,
    /// Bytes of its `data` as JSON.
    pub payload: usize,
}

/// Sizes of the letters of one topic; the words themselves are not put together.
pub(super) struct Weigher {
    content: Dice,
    payload: Option<usize>,
}

impl Weigher {
    pub(super) fn new(seed: u64, topic: u32, payload: Option<usize>) -> Self {
        Self { content: Dice::new(seed, &[stream::CONTENT, topic.into()]), payload }
    }

    pub(super) fn weigh(&self, arrival: Arrival) -> Letter {
        let size = || people::message_size(&mut self.content.then(arrival.index.cast_unsigned()));
        Letter { at: arrival.at, payload: self.payload.unwrap_or_else(size) }
    }
}

fn letter(topic: u32, arrival: Arrival, seed: u64, payload: Option<usize>) -> Planned {
    let mut dice = arrival.content(seed, u64::from(topic));
    let data = match payload {
        Some(bytes) => people::message_of(&mut dice, bytes),
        None => people::message(&mut dice),
    };
    Planned { at: arrival.at, topic, author: None, kind: "message".into(), ttl_ms: None, key: None, data }
}
