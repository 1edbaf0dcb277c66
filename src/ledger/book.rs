//! The sums of one transport: what counts, and under which heading. Books of parts of a crowd add up.
//!
//! Every sum is an integer, so the order in which parts are added changes nothing.

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::exact;
use super::steps::{StepCursor, Steps};
use super::{Home, Polled};
use crate::outcome::{Frames, Requests, SAMPLE_LIMIT};
use crate::workload::Planned;

/// Counters and distributions of the counted part of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Book {
    pub(super) duration: i64,
    pub(super) long: bool,
    pub(super) requests: Requests,
    pub(super) frames: Frames,
    pub(super) granted: u64,
    pub(super) reconnects: u64,
    pub(super) answers: u64,
    pub(super) answered_whole_run: u64,
    pub(super) published: u64,
    /// Those of them that another shard publishes, too, and counts.
    pub(super) copied: u64,
    pub(super) sends: u64,
    pub(super) delivered: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
    pub(super) payload: u64,
    #[serde(with = "exact::large")]
    pub(super) wait_us: u128,
    pub(super) latency: Distribution,
    pub(super) samples: Vec<f64>,
    pub(super) acks: Distribution,
    pub(super) corrected: Distribution,
    pub(super) uncorrected: Distribution,
    pub(super) poll_late: Distribution,
    pub(super) publish_late: Distribution,
    pub(super) steps: Steps,
}

/// A counted delivery, as far as sums go.
#[derive(Debug, Clone, Copy)]
pub struct Delivered {
    /// Intended publish time.
    pub published: i64,
    /// When it was in hand.
    pub at: i64,
    /// When the poll that fetched it was sent; `None` for push.
    pub poll_sent: Option<i64>,
    /// Bytes of its `data` as JSON.
    pub payload: u64,
    /// Whether it came behind no later event of its topic.
    pub in_order: bool,
}

impl Book {
    /// An empty book; see [`super::Ledger::new`].
    #[must_use]
    pub fn new(duration: i64, long: bool) -> Self {
        Self {
            duration,
            long,
            requests: Requests::default(),
            frames: Frames::default(),
            granted: 0,
            reconnects: 0,
            answers: 0,
            answered_whole_run: 0,
            published: 0,
            copied: 0,
            sends: 0,
            delivered: 0,
            duplicated: 0,
            reordered: 0,
            payload: 0,
            wait_us: 0,
            latency: Distribution::fine(),
            samples: Vec::new(),
            acks: Distribution::fine(),
            corrected: Distribution::fine(),
            uncorrected: Distribution::fine(),
            poll_late: Distribution::fine(),
            publish_late: Distribution::fine(),
            steps: Steps::new(duration),
        }
    }

    /// Ends the window at `end`, before its time. Nothing at or after `end` may have been booked yet.
    pub(super) fn cut(&mut self, end: i64) {
        self.duration = self.duration.min(end);
    }

    /// Whether something intended at `at` counts.
    #[must_use]
    #[inline]
    pub fn counts(&self, at: i64) -> bool {
        (0..self.duration).contains(&at)
    }

    /// An upgrade or subscription; see [`super::Ledger::opened`].
    pub fn opened(&mut self, valid: bool, again: bool) {
        self.requests.opens += 1;
        self.requests.failed += u64::from(!valid);
        self.answered_whole_run += u64::from(valid);
        self.granted += u64::from(valid);
        self.reconnects += u64::from(again && valid);
    }

    /// A poll came back; true when it counts.
    pub fn polled(&mut self, poll: &Polled) -> bool {
        let step = self.steps.index(self.place(poll));
        let counts = self.answered_in(step, poll);
        if counts {
            if !self.long {
                self.corrected.record(poll.answered - poll.intended);
                self.uncorrected.record(poll.answered - poll.sent);
            }
            self.poll_late.record(poll.sent - poll.intended);
        }
        counts
    }

    /// Where a poll lies in time, microseconds: a short one when it was due, a long one when it was
    /// answered. Counting long polls by their answer has no edge: a window sees as many end as begin.
    #[must_use]
    #[inline]
    pub fn place(&self, poll: &Polled) -> i64 {
        if self.long { poll.answered } else { poll.intended }
    }

    /// The same without the times of the request, which virtual time does not know, and with the step
    /// of the series it lies in.
    #[inline]
    pub fn answered_in(&mut self, step: usize, poll: &Polled) -> bool {
        self.answered_whole_run += 1;
        if !self.counts(self.place(poll)) {
            return false;
        }
        self.requests.polls += 1;
        self.answers += 1;
        self.requests.empty += u64::from(poll.events == 0);
        self.steps.requests[step] += 1;
        self.steps.empty[step] += u64::from(poll.events == 0);
        true
    }

    /// The step of `at`, which is no earlier than at the last call with this cursor; times before the
    /// window belong to its first step.
    #[inline]
    pub fn seek(&self, cursor: &mut StepCursor, at: i64) -> usize {
        if at >= cursor.end {
            cursor.step = self.steps.index(at);
            cursor.end = self.steps.end_of(cursor.step);
        }
        cursor.step
    }

    /// `n` polls, the first intended at `first` and one every `interval`, all found nothing: the
    /// same as so many [`Book::polled`], at a cost that does not grow with `n`. Calls `each` with the
    /// step of the series and the number of counted polls in it. `cursor` as in [`Book::seek`].
    #[inline]
    pub fn polled_in_vain(
        &mut self,
        cursor: &mut StepCursor,
        first: i64,
        interval: i64,
        n: i64,
        mut each: impl FnMut(usize, u64),
    ) {
        if n <= 0 {
            return;
        }
        self.answered_whole_run += n.unsigned_abs();
        // Usually all of them count, and lie in one step.
        let last = first + (n - 1) * interval;
        let step = self.seek(cursor, first);
        if first >= 0 && last < self.duration.min(cursor.end) {
            return self.add_in_vain(step, n.unsigned_abs(), &mut each);
        }
        // The counted ones are those with an index in [from, to).
        let from = if first >= 0 { 0 } else { (interval - 1 - first) / interval };
        let to = if first >= self.duration { 0 } else { (self.duration - 1 - first) / interval + 1 };
        let (mut index, to) = (from, to.min(n));
        while index < to {
            let at = first + index * interval;
            let step = self.steps.index(at);
            let end = self.steps.end_of(step).min(self.duration);
            let next = index + ((end - 1 - at) / interval + 1).min(to - index);
            self.add_in_vain(step, (next - index).unsigned_abs(), &mut each);
            index = next;
        }
    }

    /// Polls from `first` to `last`, of which all but the last, `vain` of them, found nothing and the
    /// last found `events`: their step, if all of them count and lie in it. If not, nothing is booked.
    #[inline]
    pub fn polled_until(
        &mut self,
        cursor: &mut StepCursor,
        first: i64,
        last: i64,
        vain: u64,
        events: u64,
    ) -> Option<usize> {
        let step = self.seek(cursor, first);
        if first < 0 || last >= self.duration.min(cursor.end) {
            return None;
        }
        let empty = vain + u64::from(events == 0);
        self.answered_whole_run += vain + 1;
        self.requests.polls += vain + 1;
        self.answers += vain + 1;
        self.requests.empty += empty;
        self.steps.requests[step] += vain + 1;
        self.steps.empty[step] += empty;
        Some(step)
    }

    #[inline]
    fn add_in_vain(&mut self, step: usize, n: u64, each: &mut impl FnMut(usize, u64)) {
        self.steps.requests[step] += n;
        self.steps.empty[step] += n;
        self.requests.polls += n;
        self.requests.empty += n;
        self.answers += n;
        each(step, n);
    }

    /// Step of the series that a counted time falls into.
    #[must_use]
    pub fn step_of(&self, at: i64) -> usize {
        self.steps.index(at)
    }

    /// Steps of the series.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.requests.len()
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

    /// The server has an event intended at `at`, of a topic with this home.
    pub fn published(&mut self, at: i64, home: Home) {
        let n = u64::from(self.counts(at));
        self.published += if home == Home::Elsewhere { 0 } else { n };
        self.copied += if home == Home::Copied { n } else { 0 };
    }

    /// How late an event was handed to the wire.
    pub fn publish_sent(&mut self, at: i64, sent: i64) {
        if self.counts(at) {
            self.publish_late.record(sent - at);
        }
    }

    /// A client's own event went out: by a frame, or by a POST (a request).
    pub fn sent(&mut self, planned: &Planned, by_frame: bool) {
        if !self.counts(planned.at) {
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

    /// The same event once more.
    pub fn sent_again(&mut self, intended: i64, by_frame: bool) {
        if self.counts(intended) {
            self.frames.sent += u64::from(by_frame);
            self.requests.sends += u64::from(!by_frame);
        }
    }

    /// The server acknowledged an event intended at `intended`.
    pub fn acknowledged(&mut self, intended: i64, at: i64, by_frame: bool) {
        self.published(intended, Home::Here);
        self.answered_whole_run += u64::from(!by_frame);
        if self.counts(intended) {
            self.acks.record(at - intended);
            self.frames.received += u64::from(by_frame);
        }
    }

    /// A client's own event got no acknowledgement.
    pub fn send_failed(&mut self, intended: i64) {
        self.requests.failed += u64::from(self.counts(intended));
    }

    /// A frame brought a counted event; nothing to count when it was not a WebSocket's.
    pub fn framed(&mut self, socket: bool) {
        self.frames.received += u64::from(socket);
    }

    /// A request outside the counted kinds was answered.
    pub fn answered_uncounted(&mut self) {
        self.answered_whole_run += 1;
    }

    /// A ping arrived and its pong went back.
    pub fn pinged(&mut self, at: i64) {
        self.frames.pings += 2 * u64::from(self.counts(at));
    }

    /// An SSE comment arrived.
    pub fn commented(&mut self, at: i64) {
        self.frames.comments += u64::from(self.counts(at));
    }

    /// A first arrival of a counted (client, event) pair.
    pub fn delivered(&mut self, got: &Delivered) {
        let step = self.steps.index(got.published);
        self.delivered_in(step, got);
    }

    /// The same when the step of the series that the event was published in is known.
    // Called hundreds of millions of times by virtual time, where a call costs as much as its work.
    #[inline(always)]
    pub fn delivered_in(&mut self, step: usize, got: &Delivered) {
        self.reordered += u64::from(!got.in_order);
        self.delivered += 1;
        self.payload += got.payload;
        let latency = (got.at - got.published).max(0);
        self.latency.record(latency);
        self.steps.latency[step].record_roughly(latency);
        if self.samples.len() <= SAMPLE_LIMIT as usize {
            self.sample(latency);
        }
        if let Some(sent) = got.poll_sent {
            self.wait_us += u128::from((sent - got.published).max(0).unsigned_abs());
        }
    }

    #[cold]
    fn sample(&mut self, latency: i64) {
        self.samples.push(latency as f64 / 1000.0);
    }
}
