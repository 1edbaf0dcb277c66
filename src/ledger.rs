//! The delivery ledger: what each client was owed, what it got, and the one definition of waste.
//!
//! One ledger per transport, fed by whichever engine runs it. Times are microseconds from the start
//! of the window; the ledger reads no clock and knows no socket. Counted are requests with an
//! *intended* send time, and events with an *intended* publish time, in [0, duration).

use std::sync::Arc;

use crate::outcome;
use crate::workload::Schedule;

pub mod distribution;
mod person;
mod reader;
mod totals;

use distribution::Distribution;
use person::PersonLog;
use reader::Reader;
pub use totals::{Books, Fate};

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
        Self { schedule, by_topic, ordinal, by_author }
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

/// The books of one transport in one run.
#[derive(Debug)]
pub struct Ledger {
    plan: Arc<Plan>,
    duration: i64,
    long: bool,
    readers: Vec<Reader>,
    person: PersonLog,
    requests: outcome::Requests,
    frames: outcome::Frames,
    reconnects: u64,
    answered: u64,
    answered_whole_run: u64,
    published: u64,
    sends: u64,
    delivered: u64,
    duplicated: u64,
    reordered: u64,
    payload: u64,
    wait_us: f64,
    latency: Distribution,
    samples: Vec<f64>,
    acks: Distribution,
    corrected: Distribution,
    uncorrected: Distribution,
    poll_late: Distribution,
    publish_late: Distribution,
    steps: Steps,
    /// Every counted delivery as (client, event, arrival), when asked for.
    log: Option<Vec<(u32, u32, i64)>>,
}

/// Per-step series, by intended time.
#[derive(Debug)]
struct Steps {
    step_us: i64,
    requests: Vec<u64>,
    empty: Vec<u64>,
    latency: Vec<Distribution>,
}

impl Steps {
    fn new(duration: i64) -> Self {
        let step_us = series_step(duration);
        let n = usize::try_from((duration + step_us - 1) / step_us).unwrap_or(1).max(1);
        let latency = (0..n).map(|_| Distribution::coarse()).collect();
        Self { step_us, requests: vec![0; n], empty: vec![0; n], latency }
    }

    fn index(&self, at: i64) -> usize {
        usize::try_from(at / self.step_us).unwrap_or(0).min(self.requests.len() - 1)
    }
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
    /// An empty ledger. `duration` in microseconds; `long` for long polls, whose answer must lie in
    /// the window too; `person` is the client whose timeline is kept.
    #[must_use]
    pub fn new(plan: Arc<Plan>, duration: i64, long: bool, person: u32) -> Self {
        let readers = plan.schedule.reads.iter().map(|&t| Reader::new(plan.by_topic[t as usize].len()));
        Self {
            readers: readers.collect(),
            person: PersonLog::new(person),
            duration,
            long,
            requests: outcome::Requests::default(),
            frames: outcome::Frames::default(),
            reconnects: 0,
            answered: 0,
            answered_whole_run: 0,
            published: 0,
            sends: 0,
            delivered: 0,
            duplicated: 0,
            reordered: 0,
            payload: 0,
            wait_us: 0.0,
            latency: Distribution::fine(),
            samples: Vec::new(),
            acks: Distribution::fine(),
            corrected: Distribution::fine(),
            uncorrected: Distribution::fine(),
            poll_late: Distribution::fine(),
            publish_late: Distribution::fine(),
            steps: Steps::new(duration),
            log: None,
            plan,
        }
    }

    /// Keeps every counted delivery from now on, 16 bytes each.
    pub fn keep_log(&mut self) {
        self.log = Some(Vec::new());
    }

    fn counts(&self, intended: i64) -> bool {
        (0..self.duration).contains(&intended)
    }

    /// A client knows its position from now on: what is published later, it is owed.
    /// `at` is `i64::MIN` before the run's start is known.
    pub fn positioned(&mut self, client: u32, at: i64) {
        let since = &mut self.readers[client as usize].since;
        *since = (*since).min(at);
    }

    /// A request outside the counted kinds was answered (a first position, for instance).
    pub fn answered_uncounted(&mut self) {
        self.answered_whole_run += 1;
    }

    /// An upgrade or subscription was asked for; counted over the whole run.
    pub fn opened(&mut self, valid: bool, again: bool) {
        self.requests.opens += 1;
        self.requests.failed += u64::from(!valid);
        self.answered_whole_run += u64::from(valid);
        self.reconnects += u64::from(again && valid);
    }

    /// A poll came back.
    pub fn polled(&mut self, poll: Polled) {
        self.answered_whole_run += 1;
        if !self.counts(poll.intended) || (self.long && poll.answered >= self.duration) {
            return;
        }
        self.requests.polls += 1;
        self.answered += 1;
        self.requests.empty += u64::from(poll.events == 0);
        let step = self.steps.index(poll.intended);
        self.steps.requests[step] += 1;
        self.steps.empty[step] += u64::from(poll.events == 0);
        if !self.long {
            self.corrected.record(poll.answered - poll.intended);
            self.uncorrected.record(poll.answered - poll.sent);
        }
        self.poll_late.record(poll.sent - poll.intended);
        self.person.asked(poll);
    }

    /// A poll brought no valid answer.
    pub fn poll_failed(&mut self, intended: i64) {
        if self.counts(intended) {
            self.requests.polls += 1;
            self.requests.failed += 1;
            let step = self.steps.index(intended);
            self.steps.requests[step] += 1;
        }
    }

    /// An intended poll time passed while an answer was outstanding that came at `answered`.
    pub fn poll_skipped(&mut self, intended: i64, answered: i64) {
        if self.counts(intended) {
            self.requests.skipped += 1;
            self.corrected.record(answered - intended);
        }
    }

    /// The server has an event. `late` is how far behind its time it was handed over, microseconds.
    pub fn published(&mut self, event: u32) {
        let at = self.plan.schedule.events[event as usize].at;
        self.published += u64::from(self.counts(at));
    }

    /// How late an event was handed to the wire.
    pub fn publish_sent(&mut self, event: u32, sent: i64) {
        let at = self.plan.schedule.events[event as usize].at;
        if self.counts(at) {
            self.publish_late.record(sent - at);
        }
    }

    /// A client's own event went out: by a frame, or by a POST (a request).
    pub fn sent(&mut self, event: u32, by_frame: bool) {
        let planned = &self.plan.schedule.events[event as usize];
        if !(0..self.duration).contains(&planned.at) {
            return;
        }
        self.sends += 1;
        self.payload += planned.data.len() as u64;
        let step = self.steps.index(planned.at);
        if by_frame {
            self.frames.sent += 1;
        } else {
            self.requests.sends += 1;
            self.steps.requests[step] += 1;
        }
    }

    /// The server acknowledged a client's own event at `at`; `by_frame` as in [`Ledger::sent`].
    pub fn acknowledged(&mut self, event: u32, at: i64, by_frame: bool) {
        self.published(event);
        self.answered_whole_run += u64::from(!by_frame);
        let intended = self.plan.schedule.events[event as usize].at;
        if self.counts(intended) {
            self.acks.record(at - intended);
            self.frames.received += u64::from(by_frame);
        }
    }

    /// A client's own event got no acknowledgement.
    pub fn send_failed(&mut self, event: u32) {
        if self.counts(self.plan.schedule.events[event as usize].at) {
            self.requests.failed += 1;
        }
    }

    /// A ping arrived and its pong went back.
    pub fn pinged(&mut self, at: i64) {
        self.frames.pings += 2 * u64::from(self.counts(at));
    }

    /// An SSE comment arrived.
    pub fn commented(&mut self, at: i64) {
        self.frames.comments += u64::from(self.counts(at));
    }

    /// An event is in a client's hand; `by_frame` when a frame brought it.
    pub fn received(&mut self, got: Received, by_frame: bool) {
        let planned = &self.plan.schedule.events[got.event as usize];
        let counted = (0..self.duration).contains(&planned.at);
        let reader = &mut self.readers[got.client as usize];
        self.frames.received += u64::from(by_frame && counted);
        let ordinal = self.plan.ordinal[got.event as usize];
        let topic = &self.plan.by_topic[planned.topic as usize];
        if !reader.take(ordinal) {
            self.duplicated += u64::from(counted);
            return;
        }
        let in_order = reader.in_order(got.offset);
        reader.settle(ordinal, got.at, self.duration, |o| {
            let event = &self.plan.schedule.events[topic[o as usize] as usize];
            (event.author != Some(got.client)).then_some((event.at, event.ttl_ms))
        });
        if !counted {
            return;
        }
        self.reordered += u64::from(!in_order);
        self.delivered += 1;
        self.payload += got.payload;
        let latency = (got.at - planned.at).max(0);
        self.latency.record(latency);
        let step = self.steps.index(planned.at);
        self.steps.latency[step].record(latency);
        if self.samples.len() <= outcome::SAMPLE_LIMIT as usize {
            self.samples.push(latency as f64 / 1000.0);
        }
        if let Some(sent) = got.poll_sent {
            self.wait_us += (sent - planned.at).max(0) as f64;
        }
        self.person.received(got, planned);
        if let Some(log) = &mut self.log {
            log.push((got.client, got.event, got.at));
        }
    }

    /// Deliveries so far, for progress.
    #[must_use]
    pub fn delivered_so_far(&self) -> u64 {
        self.delivered
    }

    /// Answered and empty polls so far, for progress.
    #[must_use]
    pub fn polls_so_far(&self) -> (u64, u64) {
        (self.answered, self.requests.empty)
    }
}

#[cfg(test)]
mod tests;
