//! One client's asks and deliveries, kept for the timeline.

use serde::{Deserialize, Serialize};

use super::{Plan, Polled};
use crate::outcome::{Ask, News, Person};

/// Entries kept of each kind, for a projector shows fewer; the totals count all.
const LIMIT: usize = 400;

/// What one client saw, as it is drawn in the report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PersonLog {
    person: Person,
}

impl PersonLog {
    /// An empty log of one client.
    #[must_use]
    pub fn new(client: u32) -> Self {
        Self { person: Person { client, ..Person::default() } }
    }

    /// A poll of somebody; kept when it is this client's.
    pub fn asked(&mut self, poll: Polled) {
        if poll.client != self.person.client {
            return;
        }
        self.person.asked += 1;
        self.person.nope += u64::from(poll.events == 0);
        if self.person.asks.len() < LIMIT {
            let (at_ms, answered_ms) = (ms(poll.sent), ms(poll.answered));
            self.person.asks.push(Ask { at_ms, answered_ms, events: poll.events });
        }
    }

    /// A counted delivery to somebody; kept, as a person would say it, when it is this client's.
    pub fn received(&mut self, client: u32, published: i64, at: i64, text: impl FnOnce() -> String) {
        if client != self.person.client {
            return;
        }
        self.person.received += 1;
        if self.person.news.len() < LIMIT {
            self.person.news.push(News { published_ms: ms(published), received_ms: ms(at), text: text() });
        }
    }

    /// Whose log it is.
    pub(super) fn client(&self) -> u32 {
        self.person.client
    }

    /// What was kept.
    #[must_use]
    pub fn take(&self) -> Person {
        self.person.clone()
    }
}

fn ms(us: i64) -> f64 {
    us as f64 / 1000.0
}

/// The person of the timeline: somebody who hears something early, and whose messages stand apart, so
/// that a picture of them can be read; else the first who hears anything; else the first.
#[must_use]
pub fn person_of(plan: &Plan, duration: i64) -> u32 {
    let hears = |client: usize| -> Vec<i64> {
        let topic = plan.by_topic[plan.schedule.reads[client] as usize].iter();
        let events = topic.map(|&index| &plan.schedule.events[index as usize]);
        let others = events.filter(|event| event.author != Some(client as u32));
        others.map(|event| event.at).filter(|at| (0..duration).contains(at)).collect()
    };
    let reads_well = |client: &usize| {
        let at = hears(*client);
        at.len() > 1
            && (duration / 10..duration / 2).contains(&at[0])
            && at.windows(2).all(|pair| pair[1] - pair[0] > duration / 5)
    };
    // A crowd that hears the same is judged by its first few.
    let some = (0..plan.schedule.reads.len()).filter(|&client| plan.plays(client as u32)).take(1000);
    let chosen =
        some.clone().find(reads_well).or_else(|| some.clone().find(|&client| !hears(client).is_empty()));
    let chosen = chosen.or_else(|| some.clone().next());
    chosen.unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_still_counted() {
        let mut log = PersonLog::new(3);
        for i in 0..1_000 {
            let at = i * 1_000_000;
            let events = u32::from(i % 4 == 0);
            for client in [2, 3] {
                log.asked(Polled { client, intended: at, sent: at, answered: at + 500, events });
                log.received(client, at, at + 900, || "a ball".to_owned());
            }
        }
        let person = log.take();
        assert_eq!((person.asked, person.nope, person.received), (1_000, 750, 1_000));
        assert_eq!((person.asks.len(), person.news.len()), (LIMIT, LIMIT));
        assert_eq!(person.kept_until_ms(), Some(399_000.0));
    }
}
