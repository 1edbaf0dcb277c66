//! The delivery ledger: what each client was owed, what it got, and the one definition of waste.
//!
//! One ledger per transport, fed by whichever engine runs it. Times are microseconds from the start
//! of the window; the ledger reads no clock and knows no socket. Counted are requests with an
//! *intended* send time, and events with an *intended* publish time, in [0, duration).

use std::sync::Arc;

use crate::workload::describe;

pub mod book;
pub mod distribution;
mod exact;
mod part;
mod person;
pub mod plan;
mod reader;
mod steps;
mod sums;
mod totals;
mod trouble;

pub use book::{Book, Delivered};
pub use part::Part;
pub use person::{PersonLog, person_of};
pub use plan::{Home, Plan};
use reader::Reader;
pub use reader::{Staleness, dies_at};
pub use steps::StepCursor;
pub use sums::{Sums, shard};
pub use totals::{Books, Closing, Fate};
use trouble::Trouble;

/// One answered poll, short or long.
#[derive(Debug, Clone, Copy)]
pub struct Polled {
    /// Who asked.
    pub client: u32,
    /// When it should have been sent.
    pub intended: i64,
    /// When it was sent.
    pub sent: i64,
    /// When the answer was in hand.
    pub answered: i64,
    /// Events in the answer; none is "Nope".
    pub events: u32,
}

/// One event in a client's hand.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// Who has it.
    pub client: u32,
    /// Which event of the plan.
    pub event: u32,
    /// Its offset in the server's feed.
    pub offset: u64,
    /// When it was in hand.
    pub at: i64,
    /// When the poll that fetched it was sent; `None` for push.
    pub poll_sent: Option<i64>,
    /// Bytes of its `data` as JSON.
    pub payload: u64,
}

/// The books of one transport in one run, and who has what.
#[derive(Debug)]
pub struct Ledger {
    plan: Arc<Plan>,
    duration: i64,
    readers: Vec<Reader>,
    book: Book,
    person: PersonLog,
    trouble: Trouble,
    /// Every counted delivery as (client, event, arrival), when asked for.
    log: Option<Vec<(u32, u32, i64)>>,
}

/// Step of the series in microseconds: the smallest readable one that gives at most thirty.
#[must_use]
pub fn series_step(duration_us: i64) -> i64 {
    const MS: i64 = 1000;
    let steps = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000];
    let fits = |step: &i64| duration_us <= 30 * step * MS;
    steps.into_iter().find(fits).unwrap_or(3_600_000) * MS
}

impl Ledger {
    /// Ends the window at `end` (µs), before its time: the run was interrupted. `end` must lie ahead,
    /// so that nothing beyond it has been booked.
    pub fn cut(&mut self, end: i64) {
        self.duration = self.duration.min(end);
        self.book.cut(end);
    }

    /// An empty ledger. `duration` in microseconds; `long` for long polls, which
    /// count by their answer; `person` is the client whose timeline is kept.
    #[must_use]
    pub fn new(plan: Arc<Plan>, duration: i64, long: bool, person: u32) -> Self {
        let readers = plan.schedule.reads.iter().map(|&t| Reader::new(plan.by_topic[t as usize].len()));
        let book = Book::new(duration, long);
        Self {
            readers: readers.collect(),
            trouble: Trouble::new(plan.schedule.reads.len(), book.steps()),
            book,
            person: PersonLog::new(person),
            duration,
            log: None,
            plan,
        }
    }

    /// Keeps every counted delivery from now on, 16 bytes each.
    pub fn keep_log(&mut self) {
        self.log = Some(Vec::new());
    }

    /// Every counted delivery so far, if they are kept: client, event, arrival.
    #[must_use]
    pub fn log(&self) -> &[(u32, u32, i64)] {
        self.log.as_deref().unwrap_or_default()
    }

    /// A client knows its position from now on: what is published later, it is owed.
    /// `at` is `i64::MIN` before the run's start is known.
    pub fn positioned(&mut self, client: u32, at: i64) {
        self.readers[client as usize].begins(at);
    }

    /// A client's visit ended: what is published later, it is not owed. Nor is what it had no chance to
    /// get, because it is younger than `pending_us` (see [`Ledger::fates`]) and has not come. Another
    /// takes the seat, and knows its position when [`Ledger::positioned`] says so.
    pub fn left(&mut self, client: u32, at: i64, pending_us: i64) {
        if self.readers[client as usize].reads() {
            self.settle_until(client, at);
            self.readers[client as usize].ends(at, pending_us);
        }
    }

    /// Number of events of a client's topic that are published before `at`.
    fn published_before(&self, client: u32, at: i64) -> u32 {
        let plan = &self.plan;
        let topic = &plan.by_topic[plan.schedule.reads[client as usize] as usize];
        topic.partition_point(|&i| plan.schedule.events[i as usize].at < at) as u32
    }

    /// What a client has not got by `at` has aged until then.
    fn settle_until(&mut self, client: u32, at: i64) {
        let Some(last) = self.published_before(client, at).checked_sub(1) else { return };
        let plan = &self.plan;
        let topic = &plan.by_topic[plan.schedule.reads[client as usize] as usize];
        self.readers[client as usize].settle(last, at, self.duration, |o| {
            let event = &plan.schedule.events[topic[o as usize] as usize];
            (event.author != Some(client)).then_some((event.at, event.ttl_ms))
        });
    }

    /// A request outside the counted kinds was answered (a first position, for instance).
    pub fn answered_uncounted(&mut self) {
        self.book.answered_uncounted();
    }

    /// An upgrade or subscription was asked for; counted over the whole run.
    pub fn opened(&mut self, valid: bool, again: bool) {
        self.book.opened(valid, again);
    }

    /// Whether a client hears the feed now: its stream or socket stands, its last poll was answered.
    pub fn set_present(&mut self, client: u32, present: bool) {
        self.trouble.set_present(client, present);
    }

    /// How many clients hear the feed now.
    #[must_use]
    pub fn present(&self) -> u32 {
        self.trouble.present()
    }

    /// A lost stream or socket stands again at `at`.
    pub fn came_back(&mut self, at: i64) {
        if self.book.counts(at) {
            self.trouble.reconnects[self.book.step_of(at)] += 1;
        }
    }

    /// A client that came back was told that the feed could not be gone on with.
    /// Offsets begin anew.
    pub fn unrecovered(&mut self, client: u32) {
        self.trouble.unrecovered += 1;
        self.readers[client as usize].forget_offset();
    }

    /// A client turned to polling because no socket was to be had.
    pub fn fell_back(&mut self) {
        self.trouble.fallbacks += 1;
    }

    /// A fault picks out these clients: the latency of all others is kept apart from now on.
    pub fn touch(&mut self, people: &[u32]) {
        self.trouble.touch(people);
    }

    /// A client's own event went out once more, because no acknowledgement came; `by_frame` as in
    /// [`Ledger::sent`].
    pub fn sent_again(&mut self, event: u32, by_frame: bool) {
        self.book.sent_again(self.plan.schedule.events[event as usize].at, by_frame);
    }

    /// A poll came back.
    pub fn polled(&mut self, poll: Polled) {
        self.trouble.set_present(poll.client, true);
        if self.book.polled(&poll) {
            self.person.asked(poll);
        }
    }

    /// A poll brought no valid answer.
    pub fn poll_failed(&mut self, intended: i64) {
        self.book.poll_failed(intended);
    }

    /// An intended poll time passed while an answer was outstanding that came at `answered`.
    pub fn poll_skipped(&mut self, intended: i64, answered: i64) {
        self.book.poll_skipped(intended, answered);
    }

    /// The server has an event.
    pub fn published(&mut self, event: u32) {
        let at = self.plan.schedule.events[event as usize].at;
        self.book.published(at, self.plan.home(event));
    }

    /// An event was handed to the wire at `sent`.
    pub fn publish_sent(&mut self, event: u32, sent: i64) {
        self.book.publish_sent(self.plan.schedule.events[event as usize].at, sent);
    }

    /// A client's own event went out: by a frame, or by a POST (a request).
    pub fn sent(&mut self, event: u32, by_frame: bool) {
        self.book.sent(&self.plan.schedule.events[event as usize], by_frame);
    }

    /// The server acknowledged a client's own event at `at`; `by_frame` as in [`Ledger::sent`].
    pub fn acknowledged(&mut self, event: u32, at: i64, by_frame: bool) {
        self.book.acknowledged(self.plan.schedule.events[event as usize].at, at, by_frame);
    }

    /// A client's own event got no acknowledgement.
    pub fn send_failed(&mut self, event: u32) {
        self.book.send_failed(self.plan.schedule.events[event as usize].at);
    }

    /// A ping arrived and its pong went back.
    pub fn pinged(&mut self, at: i64) {
        self.book.pinged(at);
    }

    /// An SSE comment arrived.
    pub fn commented(&mut self, at: i64) {
        self.book.commented(at);
    }

    /// A frame brought counted events.
    pub fn framed(&mut self) {
        self.book.framed(true);
    }

    /// An event is in a client's hand; true when it counts, be it new to the client or not.
    pub fn received(&mut self, got: Received) -> bool {
        let planned = &self.plan.schedule.events[got.event as usize];
        let counted = self.book.counts(planned.at);
        let reader = &mut self.readers[got.client as usize];
        let ordinal = self.plan.ordinal[got.event as usize];
        let topic = &self.plan.by_topic[planned.topic as usize];
        if !reader.take(ordinal, planned.at) {
            self.book.duplicated += u64::from(counted);
            return counted;
        }
        let in_order = reader.in_order(got.offset);
        if reader.is_early(planned.at) {
            if got.at >= self.duration {
                // The grace waits for what is owed, so whether this comes in it is left to chance.
                reader.forget_early();
                return false;
            }
            reader.staleness.missed(planned.at, got.at);
        }
        reader.settle(ordinal, got.at, self.duration, |o| {
            let event = &self.plan.schedule.events[topic[o as usize] as usize];
            (event.author != Some(got.client)).then_some((event.at, event.ttl_ms))
        });
        if !counted {
            return false;
        }
        let Received { at, poll_sent, payload, .. } = got;
        self.trouble.delivered(got.client, at - planned.at);
        self.book.delivered(&Delivered { published: planned.at, at, poll_sent, payload, in_order });
        self.person.received(got.client, planned.at, at, || describe(&planned.kind, &planned.data));
        if let Some(log) = &mut self.log {
            log.push((got.client, got.event, got.at));
        }
        true
    }

    /// Deliveries so far, for progress.
    #[must_use]
    pub fn delivered_so_far(&self) -> u64 {
        self.book.delivered
    }

    /// Answered and empty polls so far, for progress.
    #[must_use]
    pub fn polls_so_far(&self) -> (u64, u64) {
        (self.book.answers, self.book.requests.empty)
    }
}

#[cfg(test)]
mod tests;
