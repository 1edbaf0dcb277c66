//! Closing the ledger: every owed pair gets exactly one fate, and the sums become an outcome.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::book::Book;
use super::{Ledger, Sums, dies_at, distribution::Distribution, exact};
use crate::outcome::{self, Deliveries, Requests, SAMPLE_LIMIT, Sends, Series, TransportOutcome};

/// The four fates of owed (client, event) pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// Owed pairs.
    pub expected: u64,
    /// Undelivered, and nothing excuses it.
    pub lost: u64,
    /// Undelivered under `conflate`, a later event of the key delivered.
    pub superseded: u64,
    /// Undelivered with a time to live.
    pub expired: u64,
}

/// What a crowd adds to its book when it is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// What became of what was owed.
    pub fate: Fate,
    /// Twice the sum over the clients of ∫ age of the oldest undelivered event dt, µs².
    #[serde(with = "exact::large")]
    pub staleness: u128,
    /// Clients that ever knew their position.
    pub connected: u32,
    /// Length of the measured window, microseconds.
    pub end: i64,
}

/// A closed ledger: an outcome without bytes, server and theory, and what only a live run asks for.
#[derive(Debug)]
pub struct Books {
    /// Everything that sums can say; `bytes` holds the payload only.
    pub outcome: TransportOutcome,
    /// What the outcome was made of.
    pub sums: Sums,
    /// Requests answered over the whole run.
    pub answered_whole_run: u64,
    /// Upgrades and subscriptions granted over the whole run.
    pub granted: u64,
    /// Every counted delivery, when it was kept: (client, event, arrival).
    pub log: Vec<(u32, u32, i64)>,
    /// 99th percentile (or the maximum, below 100) of poll lateness, ms.
    pub poll_late_ms: Option<f64>,
    /// The same of publishing and sending.
    pub publish_late_ms: Option<f64>,
}

impl Ledger {
    /// Judges every owed pair whose event was to be published before `end` (µs).
    ///
    /// `pending_us`: in a run whose grace was cut short, an undelivered event younger than this at the
    /// end had no chance yet, and is not owed. The same holds at the end of each visit.
    #[must_use]
    pub fn fates(&self, end: i64, pending_us: i64) -> Fate {
        self.fates_where(end, pending_us, |_, _| true)
    }

    /// The same of some of the pairs of client and event.
    #[must_use]
    pub fn fates_where(&self, end: i64, pending_us: i64, which: impl Fn(u32, u32) -> bool) -> Fate {
        let mut fate = Fate::default();
        for (client, reader) in self.readers.iter().enumerate() {
            let topic = &self.plan.by_topic[self.plan.schedule.reads[client] as usize];
            let early = reader.early().map(|ordinal| topic[ordinal as usize]);
            let counts = |&index: &u32| {
                (0..end).contains(&self.plan.schedule.events[index as usize].at)
                    && which(client as u32, index)
            };
            fate.expected += early.filter(counts).count() as u64;
            // Backwards, so that the keys of later deliveries are known when an event is judged.
            let mut later_keys: HashSet<&str> = HashSet::new();
            let mut later_came = false;
            let mut spans = reader.spans.iter().rev();
            let mut span = spans.next();
            for (ordinal, &index) in topic.iter().enumerate().rev() {
                let event = &self.plan.schedule.events[index as usize];
                while span.is_some_and(|span| event.at < span.since) {
                    span = spans.next();
                    // Nobody is recompensed by what came to the next on the seat.
                    later_keys.clear();
                    later_came = false;
                }
                let got = reader.has(ordinal as u32);
                // What people write may overtake; the schedule's own events come in order.
                let in_order = event.author.is_none();
                later_came |= got && in_order;
                if got && self.plan.schedule.conflate {
                    later_keys.extend(event.key.as_deref());
                }
                let own = event.author == Some(client as u32);
                if own || !(0..end).contains(&event.at) || !which(client as u32, index) {
                    continue;
                }
                if got {
                    fate.expected += 1;
                    continue;
                }
                let Some(span) = span.filter(|span| event.at < span.until) else { continue };
                let superseded = event.key.as_deref().is_some_and(|key| later_keys.contains(key));
                let died = dies_at(event.at, event.ttl_ms) <= span.until.min(end);
                let had_its_chance =
                    event.at < span.no_chance.min(end - pending_us) || (later_came && in_order);
                if superseded || died || had_its_chance {
                    fate.expected += 1;
                    fate.superseded += u64::from(superseded);
                    fate.expired += u64::from(!superseded && event.ttl_ms.is_some());
                    fate.lost += u64::from(!superseded && event.ttl_ms.is_none());
                }
            }
        }
        fate
    }

    /// Closes the books at `end` (µs; the duration, or the moment a signal came); `pending_us` as in
    /// [`Ledger::fates`], 0 for a run that ended by itself.
    #[must_use]
    pub fn close(mut self, end: i64, pending_us: i64) -> Books {
        let fate = self.fates(end, pending_us);
        let staleness = self.staleness(end);
        let connected = self.readers.iter().filter(|reader| !reader.spans.is_empty()).count() as u32;
        let closing = Closing { fate, staleness, connected, end };
        let mut outcome = self.book.outcome(&closing);
        outcome.clients = self.plan.people() as u32;
        outcome.person = Some(self.person.take());
        outcome.trouble = Some(self.trouble.outcome());
        Books {
            outcome,
            answered_whole_run: self.book.answered_whole_run,
            granted: self.book.granted,
            log: self.log.unwrap_or_default(),
            poll_late_ms: late(&self.book.poll_late),
            publish_late_ms: late(&self.book.publish_late),
            sums: Sums { book: self.book, closing },
        }
    }

    /// See [`Closing::staleness`].
    fn staleness(&mut self, end: i64) -> u128 {
        // What is still undelivered ages until the end of the window.
        for client in 0..self.readers.len() {
            if self.readers[client].reads() {
                self.settle_until(client as u32, end);
            }
        }
        self.readers.iter().map(|reader| reader.staleness.twice).sum()
    }
}

impl Book {
    /// Everything these sums say of one transport. Label, kind, clients, bytes beyond the payload,
    /// server, theory and person are left to the caller.
    #[must_use]
    pub fn outcome(&self, closing: &Closing) -> TransportOutcome {
        let Fate { expected, lost, superseded, expired } = closing.fate;
        let total = self.requests.polls + self.requests.sends + self.requests.opens;
        let idle = self.requests.empty + self.frames.pings + self.frames.comments;
        let asks = self.requests.polls > 0;
        let some = |d: &Distribution| (d.count() > 0).then(|| d.summary());
        let few = self.samples.len() < SAMPLE_LIMIT as usize;
        let stale_us =
            ratio(closing.staleness as f64 / 2.0 / closing.end.max(1) as f64, closing.connected.into());
        TransportOutcome {
            label: String::new(),
            kind: String::new(),
            clients: closing.connected,
            clients_connected: closing.connected,
            requests: Requests { total, ..self.requests.clone() },
            waste_ratio: ratio(self.requests.empty as f64, self.answers),
            idle_per_delivery: ratio(idle as f64, self.delivered),
            requests_per_delivery: ratio(total as f64, self.delivered),
            connections: outcome::Connections { reconnects: self.reconnects, ..Default::default() },
            frames: self.frames.clone(),
            deliveries: Deliveries {
                published: self.published,
                expected,
                delivered: self.delivered,
                lost,
                duplicated: self.duplicated,
                reordered: self.reordered,
                superseded,
                expired,
            },
            sends: Sends { count: self.sends, ack_ms: some(&self.acks) },
            latency_ms: self.latency.summary(),
            latency_histogram_us: Some(self.latency.buckets()),
            samples: few.then(|| self.samples.clone()),
            wait_ms_mean: if asks { ratio(self.wait_us as f64 / 1000.0, self.delivered) } else { None },
            staleness_ms_mean: if closing.end > 0 { stale_us.map(|us| us / 1000.0) } else { None },
            request_ms: some(&self.corrected),
            request_ms_uncorrected: some(&self.uncorrected),
            bytes: outcome::Bytes { payload: self.payload, ..Default::default() },
            server: None,
            fleet: None,
            theory: outcome::Theory::default(),
            handshake: None,
            series: self.series(closing.end),
            audit: None,
            person: None,
            trouble: None,
        }
    }

    /// The steps that began before `end`.
    fn series(&self, end: i64) -> Series {
        let begun = self.steps.begun(end);
        let latency = &self.steps.latency[..begun];
        Series {
            step_s: self.steps.step_us as f64 / 1e6,
            requests: self.steps.requests[..begun].to_vec(),
            empty: self.steps.empty[..begun].to_vec(),
            delivered: latency.iter().map(Distribution::count).collect(),
            bytes: Vec::new(),
            latency_p50_ms: latency.iter().map(Distribution::median_ms).collect(),
        }
    }
}

fn late(times: &Distribution) -> Option<f64> {
    times.percentile(99.0, 1)
}

/// `a / n`, or `None` over zero.
fn ratio(a: f64, n: u64) -> Option<f64> {
    (n > 0).then(|| a / n as f64)
}
