//! A scenario as the formulas see it: a few numbers, and the schedule where one was written down.

use super::news::{Item, News};
use crate::ledger::Plan;
use crate::link::Link;
use crate::scenario::{Scenario, Workload};
use crate::sizes::Who;

/// Everything a formula may ask for.
pub(super) struct View<'a> {
    pub(super) scenario: &'a Scenario,
    /// None where the inboxes are too many to write down.
    pub(super) plan: Option<&'a Plan>,
    pub(super) news: News,
    /// Length of the window.
    pub(super) window: f64,
    pub(super) warmup: f64,
    pub(super) clients: f64,
    /// Mean stay of people who come and go.
    pub(super) stay: Option<f64>,
    pub(super) path: Path,
    /// Rate of each topic's Poisson process; none for other workloads.
    pub(super) lambda: Option<f64>,
}

/// The network by its means.
pub(super) struct Path {
    /// Mean one-way delay of a small message, the same both ways.
    pub(super) d: f64,
    pub(super) jitter: f64,
    pub(super) lossy: bool,
    /// Bytes a second to the client.
    pub(super) down: Option<f64>,
}

impl<'a> View<'a> {
    pub(super) fn new(scenario: &'a Scenario, plan: Option<&'a Plan>) -> Self {
        let lambda = match scenario.workload {
            Workload::Poisson { mean_gap, .. } => Some(1.0 / mean_gap.as_secs_f64().max(1e-6)),
            _ => None,
        };
        Self {
            scenario,
            plan,
            news: plan.map_or_else(|| News::on_average(scenario), |plan| News::planned(scenario, plan)),
            window: scenario.duration.as_secs_f64(),
            warmup: scenario.warmup.as_secs_f64(),
            clients: f64::from(scenario.clients),
            stay: scenario.visit.map(|stay| stay.as_secs_f64()),
            path: Path::new(scenario.network.as_ref()),
            lambda,
        }
    }

    /// Visits that begin while traffic runs, and in the window.
    pub(super) fn visitors(&self) -> (f64, f64) {
        let rate = self.stay.map_or(0.0, |stay| self.clients / stay);
        (rate * (self.warmup + self.window), rate * self.window)
    }

    /// Mean JSON bytes of what is owed.
    pub(super) fn json_mean(&self) -> f64 {
        self.mean(|item| item.json)
    }

    /// Mean payload of what is owed.
    pub(super) fn payload_mean(&self) -> f64 {
        self.mean(|item| item.payload)
    }

    fn mean(&self, of: impl Fn(&Item) -> f64) -> f64 {
        let sum: f64 = self.news.counted().map(|item| item.pairs * of(item)).sum();
        if self.news.owed > 0.0 { sum / self.news.owed } else { 0.0 }
    }

    /// Readers of one topic.
    pub(super) fn readers(&self) -> f64 {
        let topics = match self.plan {
            _ if self.scenario.workload.has_own_inboxes() => self.clients,
            Some(plan) => plan.schedule.topics.len() as f64,
            None => self.clients,
        };
        (self.clients / topics).max(1.0)
    }

    /// The shortest of those who talk to the server: a topic without a name, a client with one digit.
    pub(super) fn who(&self) -> Who {
        Who { topic: 0, client: 0, conflates: self.news.conflates, headers: self.scenario.headers }
    }

    /// A client sends one POST at a time, so it must not write faster than a round trip lets it.
    ///
    /// # Errors
    /// It does, and its events pile up without end.
    pub(super) fn posts_get_through(&self) -> Result<(), String> {
        let each = self.news.sends / self.news.senders.max(1.0) / self.window;
        if each * 2.0 * self.path.d <= 1.0 + 1e-9 {
            return Ok(());
        }
        Err("people write faster than one POST after another gets through this network, so delays grow \
             without end"
            .to_owned())
    }

    /// How much later than its intended time an event is at the server: nothing for the schedule's
    /// publisher, whom no network delays, and a trip for what a client writes.
    pub(super) fn sending(&self, item: &Item) -> f64 {
        if item.own { self.path.d } else { 0.0 }
    }

    /// The same where writers hold an answer: the first POST opens a connection beside it, which takes
    /// a round trip.
    pub(super) fn sending_beside(&self, item: &Item) -> f64 {
        self.sending(item) + if item.first { 2.0 * self.path.d } else { 0.0 }
    }

    /// The extra delay of all counted events by `sending`, where it is the same for all.
    pub(super) fn common(&self, sending: impl Fn(&Self, &Item) -> f64) -> Option<f64> {
        let mut all = self.news.counted().map(|item| sending(self, item));
        let one = all.next().unwrap_or(0.0);
        all.all(|other| other == one).then_some(one)
    }

    /// Whether the events of every topic are at least so many seconds apart.
    pub(super) fn apart(&self, seconds: f64) -> bool {
        let Some(plan) = self.plan else {
            return matches!(self.scenario.workload, Workload::Periodic { gap, .. } if gap.as_secs_f64() >= seconds);
        };
        let at = |index: u32| plan.schedule.events[index as usize].at as f64 / 1e6;
        plan.by_topic.iter().all(|topic| topic.windows(2).all(|pair| at(pair[1]) - at(pair[0]) >= seconds))
    }
}

impl Path {
    fn new(link: Option<&Link>) -> Self {
        Self {
            d: link.map_or(0.0, |link| link.mean_one_way() / 1e6),
            jitter: link.map_or(0.0, |link| link.jitter.as_secs_f64()),
            lossy: link.is_some_and(|link| link.loss > 0.0),
            down: link.and_then(|link| link.down).map(|bits| bits as f64 / 8.0),
        }
    }

    /// Whether every trip of a small message takes the same time.
    pub(super) fn steady(&self) -> bool {
        self.jitter == 0.0 && !self.lossy
    }

    /// Mean delay downwards of a message of so many bytes.
    pub(super) fn carries_down(&self, bytes: f64) -> f64 {
        self.d + self.down.map_or(0.0, |rate| bytes / rate)
    }
}
