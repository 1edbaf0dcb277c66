//! Closing the ledger: every owed pair gets exactly one fate, and the sums become an outcome.

use std::collections::HashSet;

use super::{Ledger, distribution::Distribution};
use crate::outcome::{Connections, Deliveries, Frames, Person, Requests, Sends, Series, Summary};

/// The four fates of an owed (client, event) pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// What a closed ledger says; bytes, CPU and theory are added by the engine.
#[derive(Debug)]
pub struct Books {
    /// Clients that ever knew their position.
    pub connected: u32,
    /// Requests, complete.
    pub requests: Requests,
    /// Empty / answered polls.
    pub waste_ratio: Option<f64>,
    /// See the outcome.
    pub idle_per_delivery: Option<f64>,
    /// See the outcome.
    pub requests_per_delivery: Option<f64>,
    /// Only `reconnects` is filled.
    pub connections: Connections,
    /// Frames, complete.
    pub frames: Frames,
    /// Deliveries, complete.
    pub deliveries: Deliveries,
    /// Sends, complete.
    pub sends: Sends,
    /// Latencies.
    pub latency: Summary,
    /// Their histogram.
    pub histogram: Vec<(u64, u64)>,
    /// Themselves, when few.
    pub samples: Option<Vec<f64>>,
    /// See the outcome.
    pub wait_ms_mean: Option<f64>,
    /// See the outcome.
    pub staleness_ms_mean: Option<f64>,
    /// Short polls from the intended time.
    pub request_ms: Option<Summary>,
    /// Short polls from the actual time.
    pub request_ms_uncorrected: Option<Summary>,
    /// Payload bytes of distinct deliveries and sends.
    pub payload: u64,
    /// Without bytes.
    pub series: Series,
    /// The timeline.
    pub person: Person,
    /// Requests answered over the whole run.
    pub answered_whole_run: u64,
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
    /// `pending_us`: in a run that was cut short, an undelivered event younger than this at the end
    /// had no chance yet, and is not owed.
    #[must_use]
    pub fn fates(&self, end: i64, pending_us: i64) -> Fate {
        let mut fate = Fate::default();
        for (client, reader) in self.readers.iter().enumerate() {
            let topic = &self.plan.by_topic[self.plan.schedule.reads[client] as usize];
            // Backwards, so that the keys of later deliveries are known when an event is judged.
            let mut later_keys: HashSet<&str> = HashSet::new();
            for (ordinal, &index) in topic.iter().enumerate().rev() {
                let event = &self.plan.schedule.events[index as usize];
                let got = reader.has(ordinal as u32);
                if got && self.plan.schedule.conflate {
                    later_keys.extend(event.key.as_deref());
                }
                let counted = (0..end).contains(&event.at) && event.at >= reader.since;
                if !counted || event.author == Some(client as u32) {
                    continue;
                }
                let superseded = event.key.as_deref().is_some_and(|key| later_keys.contains(key));
                if got || superseded || event.ttl_ms.is_some() || event.at < end - pending_us {
                    fate.expected += 1;
                    fate.superseded += u64::from(!got && superseded);
                    fate.expired += u64::from(!got && !superseded && event.ttl_ms.is_some());
                    fate.lost += u64::from(!got && !superseded && event.ttl_ms.is_none());
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
        let staleness_ms_mean = self.staleness(end);
        let requests = Requests {
            total: self.requests.polls + self.requests.sends + self.requests.opens,
            ..self.requests.clone()
        };
        let per_delivery = |n: u64| ratio(n as f64, self.delivered);
        let idle = requests.empty + self.frames.pings + self.frames.comments;
        let asks = self.requests.polls > 0;
        let some = |d: &Distribution| (d.count() > 0).then(|| d.summary());
        Books {
            connected: self.readers.iter().filter(|r| r.since < i64::MAX).count() as u32,
            waste_ratio: ratio(requests.empty as f64, self.answered),
            idle_per_delivery: per_delivery(idle),
            requests_per_delivery: per_delivery(requests.total),
            connections: Connections { reconnects: self.reconnects, ..Connections::default() },
            deliveries: Deliveries {
                published: self.published,
                expected: fate.expected,
                delivered: self.delivered,
                lost: fate.lost,
                duplicated: self.duplicated,
                reordered: self.reordered,
                superseded: fate.superseded,
                expired: fate.expired,
            },
            sends: Sends { count: self.sends, ack_ms: some(&self.acks) },
            latency: self.latency.summary(),
            histogram: self.latency.buckets(),
            wait_ms_mean: if asks { ratio(self.wait_us / 1000.0, self.delivered) } else { None },
            staleness_ms_mean,
            request_ms: if self.long { None } else { some(&self.corrected) },
            request_ms_uncorrected: if self.long { None } else { some(&self.uncorrected) },
            payload: self.payload,
            series: self.series(),
            person: self.person.take(),
            answered_whole_run: self.answered_whole_run,
            poll_late_ms: late(&self.poll_late),
            publish_late_ms: late(&self.publish_late),
            samples: (self.samples.len() < crate::outcome::SAMPLE_LIMIT as usize).then_some(self.samples),
            log: self.log.unwrap_or_default(),
            frames: self.frames,
            requests,
        }
    }

    fn staleness(&mut self, end: i64) -> Option<f64> {
        let plan = &self.plan;
        let mut sum = 0.0;
        let mut clients = 0u64;
        for (client, reader) in self.readers.iter_mut().enumerate().filter(|(_, r)| r.since < i64::MAX) {
            let topic = &plan.by_topic[plan.schedule.reads[client] as usize];
            // What is still undelivered ages until the end of the window.
            let due = topic.partition_point(|&i| plan.schedule.events[i as usize].at < end);
            if let Some(last) = due.checked_sub(1) {
                reader.settle(last as u32, end, end, |o| {
                    let event = &plan.schedule.events[topic[o as usize] as usize];
                    (event.author != Some(client as u32)).then_some((event.at, event.ttl_ms))
                });
            }
            sum += reader.staleness;
            clients += 1;
        }
        if end <= 0 { None } else { ratio(sum / end as f64 / 1000.0, clients) }
    }

    fn series(&self) -> Series {
        Series {
            step_s: self.steps.step_us as f64 / 1e6,
            requests: self.steps.requests.clone(),
            empty: self.steps.empty.clone(),
            delivered: self.steps.latency.iter().map(Distribution::count).collect(),
            bytes: Vec::new(),
            latency_p50_ms: self.steps.latency.iter().map(Distribution::median_ms).collect(),
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
