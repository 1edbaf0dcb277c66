//! Letters from outside: a topic for each client, or one topic for all, and what is in a letter.

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

fn letter(topic: u32, arrival: Arrival, seed: u64, payload: Option<usize>) -> Planned {
    let mut dice = arrival.content(seed, u64::from(topic));
    let data = match payload {
        Some(bytes) => people::message_of(&mut dice, bytes),
        None => people::message(&mut dice),
    };
    Planned { at: arrival.at, topic, author: None, kind: "message".into(), ttl_ms: None, key: None, data }
}
