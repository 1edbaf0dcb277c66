//! When events passed through a server on their way to another: the hops of a fleet, measured.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Micros};

/// Most events stamped in each direction, so that a long run does not fill the memory.
const MOST: usize = 500_000;

/// An event that was published here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// See [`crate::event::Event::id`]; an event without is not stamped.
    pub id: String,
    /// When this server had it from its publisher.
    pub received: Micros,
    /// When Redis had answered.
    pub acknowledged: Micros,
}

/// An event that came from Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// See [`Taken::id`].
    pub id: String,
    /// When it stood in the feed of this server.
    pub seen: Micros,
}

/// Everything stamped so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// In the order of Redis' answers.
    pub taken: Vec<Taken>,
    /// In the order of arrival.
    pub arrived: Vec<Arrived>,
}

/// Stamps events, if anybody wants to know.
#[derive(Debug)]
pub(super) struct Stamps {
    clock: Clock,
    handed: Option<Mutex<Handed>>,
}

impl Stamps {
    pub(super) fn new(clock: Clock, wanted: bool) -> Self {
        Self { clock, handed: wanted.then(Mutex::default) }
    }

    /// Redis has answered for an event that this server received at `received`.
    pub(super) fn acknowledged(&self, id: Option<&str>, received: Micros) {
        self.stamp(id, |handed, id, acknowledged| {
            if handed.taken.len() < MOST {
                handed.taken.push(Taken { id, received, acknowledged });
            }
        });
    }

    /// An event stands in the feed of this server.
    pub(super) fn seen(&self, id: Option<&str>) {
        self.stamp(id, |handed, id, seen| {
            if handed.arrived.len() < MOST {
                handed.arrived.push(Arrived { id, seen });
            }
        });
    }

    fn stamp(&self, id: Option<&str>, keep: impl FnOnce(&mut Handed, String, Micros)) {
        if let (Some(handed), Some(id)) = (&self.handed, id) {
            let now = self.clock.now();
            keep(&mut handed.lock().unwrap_or_else(PoisonError::into_inner), id.to_owned(), now);
        }
    }

    pub(super) fn handed(&self) -> Handed {
        let all = |handed: &Mutex<Handed>| handed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.handed.as_ref().map(all).unwrap_or_default()
    }
}
