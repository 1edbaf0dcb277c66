//! A ledger in parts: what one process booked of its people, as it travels, and how parts become a whole.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::reader::Reader;
use super::trouble::Trouble;
use super::{Book, Ledger, PersonLog};

/// What was booked of some of the people of a crowd. Every sum is an integer, so parts add up exactly.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    people: Range<u32>,
    /// Of these people, in order.
    readers: Vec<Reader>,
    book: Book,
    person: PersonLog,
    trouble: Trouble,
    log: Vec<(u32, u32, i64)>,
}

impl Ledger {
    /// What was booked of these people, who are all that this ledger booked anything of.
    #[must_use]
    pub fn into_part(self, people: Range<u32>) -> Part {
        let (skip, take) = (people.start as usize, people.len());
        let readers = self.readers.into_iter().skip(skip).take(take).collect();
        let log = self.log.unwrap_or_default();
        Part { people, readers, book: self.book, person: self.person, trouble: self.trouble, log }
    }

    /// Adds what another process booked of people of whom nothing is booked here yet.
    ///
    /// # Errors
    /// The part is not one of this crowd and window; nothing was added.
    pub fn absorb(&mut self, part: Part) -> Result<(), &'static str> {
        let fits = part.people.end as usize <= self.readers.len() && part.readers.len() == part.people.len();
        if !fits || !self.book.is_of_one_window_with(&part.book) {
            return Err("a part of another crowd or window");
        }
        self.book.add(&part.book);
        self.trouble.add(&part.trouble, part.people.clone());
        if part.people.contains(&self.person.client()) {
            self.person = part.person;
        }
        if let Some(log) = &mut self.log {
            log.extend(part.log);
        }
        let place = part.people.start as usize..part.people.end as usize;
        self.readers.splice(place, part.readers);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::{Plan, Polled, Received};
    use crate::workload::{Planned, Schedule};

    const DURATION: i64 = 10_000_000;

    /// An inbox each, an event a second to every one.
    fn plan(clients: u32) -> Arc<Plan> {
        let event = |at: i64, topic| {
            let (kind, data) = ("message".into(), "1".to_owned());
            Planned { at: at * 1_000_000, topic, author: None, kind, ttl_ms: None, key: None, data }
        };
        let topics = (0..clients).map(|topic| topic.to_string()).collect();
        let events = (0..10).flat_map(|at| (0..clients).map(move |topic| event(at, topic))).collect();
        Arc::new(Plan::new(Schedule { topics, reads: (0..clients).collect(), events, conflate: false }))
    }

    /// Books what happens to these people: polls, deliveries, one reader that is late, one that fails.
    fn book(ledger: &mut Ledger, plan: &Plan, people: Range<u32>) {
        for client in people {
            ledger.positioned(client, -1);
            ledger.set_present(client, client % 3 != 0);
            let sent = i64::from(client) * 1_000;
            ledger.polled(Polled {
                client,
                intended: sent,
                sent: sent + 5,
                answered: sent + 900,
                events: client % 2,
            });
            for (offset, &event) in plan.by_topic[client as usize].iter().enumerate() {
                let at = plan.schedule.events[event as usize].at + 1_000 * i64::from(client);
                if client != 4 || offset % 2 == 0 {
                    let got = Received {
                        client,
                        event,
                        offset: offset as u64 + 1,
                        at,
                        poll_sent: Some(at - 7),
                        payload: 11,
                    };
                    ledger.received(got);
                }
            }
            if client == 5 {
                ledger.poll_failed(17);
                ledger.came_back(3_000_000);
                ledger.unrecovered(client);
            }
        }
    }

    #[test]
    fn parts_that_travelled_add_up_to_the_whole_to_the_bit() {
        let plan = plan(9);
        let ledger = || {
            let mut ledger = Ledger::new(plan.clone(), DURATION, false, 2);
            ledger.keep_log();
            ledger.touch(&[1, 7]);
            ledger
        };
        let mut whole = ledger();
        book(&mut whole, &plan, 0..9);
        let mut sum = ledger();
        for people in [0..2, 2..6, 6..9] {
            let mut part = ledger();
            book(&mut part, &plan, people.clone());
            let sent = serde_json::to_string(&part.into_part(people)).unwrap();
            sum.absorb(serde_json::from_str(&sent).unwrap()).unwrap();
        }
        assert_eq!(sum.log(), whole.log());
        assert_eq!(sum.fates(DURATION, 0), whole.fates(DURATION, 0));
        let (sum, whole) = (sum.close(DURATION, 0), whole.close(DURATION, 0));
        assert!(whole.outcome.deliveries.lost > 0 && whole.outcome.deliveries.delivered > 50);
        assert_eq!(sum.outcome, whole.outcome);
        assert_eq!(
            (sum.poll_late_ms, sum.answered_whole_run),
            (whole.poll_late_ms, whole.answered_whole_run)
        );
    }

    #[test]
    fn a_part_of_something_else_is_refused() {
        let mut ledger = Ledger::new(plan(3), DURATION, false, 0);
        let other_crowd = Ledger::new(plan(5), DURATION, false, 0).into_part(3..5);
        let other_window = Ledger::new(plan(3), DURATION / 2, false, 0).into_part(0..3);
        assert!(ledger.absorb(other_crowd).is_err() && ledger.absorb(other_window).is_err());
        assert!(ledger.absorb(Ledger::new(plan(3), DURATION, false, 0).into_part(1..3)).is_ok());
    }
}
