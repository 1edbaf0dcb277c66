//! One client's asks and deliveries, kept for the timeline.

use super::{Polled, Received};
use crate::outcome::{Ask, News, Person};
use crate::workload::{Planned, describe};

/// Entries kept of each kind; a projector shows fewer.
const LIMIT: usize = 400;

#[derive(Debug)]
pub(super) struct PersonLog {
    person: Person,
}

impl PersonLog {
    pub(super) fn new(client: u32) -> Self {
        Self { person: Person { client, ..Person::default() } }
    }

    pub(super) fn asked(&mut self, poll: Polled) {
        if poll.client == self.person.client && self.person.asks.len() < LIMIT {
            let (at_ms, answered_ms) = (ms(poll.sent), ms(poll.answered));
            self.person.asks.push(Ask { at_ms, answered_ms, events: poll.events });
        }
    }

    pub(super) fn received(&mut self, got: Received, planned: &Planned) {
        if got.client == self.person.client && self.person.news.len() < LIMIT {
            let text = describe(&planned.kind, &planned.data);
            self.person.news.push(News { published_ms: ms(planned.at), received_ms: ms(got.at), text });
        }
    }

    pub(super) fn take(&self) -> Person {
        self.person.clone()
    }
}

fn ms(us: i64) -> f64 {
    us as f64 / 1000.0
}
