//! What a judgement looks at: the figures of one transport per second, from any engine's outcome.

use std::time::Duration;

use serde::Serialize;

use crate::outcome::{Outcome, TransportOutcome};
use crate::scenario::Engine;
use crate::units::duration_text;

/// The figures of one transport. Rates are per second of the window and of all clients together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// Its label.
    pub label: String,
    /// `poll`, `long-poll`, `sse` or `websocket`.
    pub kind: String,
    /// Of a short poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Text>,
    /// Polls, sends, and openings where people come and go; openings of those who stay are none a second.
    pub requests_per_s: f64,
    /// Polls.
    pub polls_per_s: f64,
    /// POSTs of clients.
    pub sends_per_s: f64,
    /// Upgrades and subscriptions, where people come and go.
    pub opens_per_s: f64,
    /// Requests that reach the server behind a cache; null without one.
    pub origin_per_s: Option<f64>,
    /// Empty answers / polls, but what visitors ask on arrival counts as asked for something: it is what
    /// they came for. Null for push.
    pub waste_ratio: Option<f64>,
    /// Mean delay.
    pub delay_ms_mean: Option<f64>,
    /// 99th percentile of the delay.
    pub delay_ms_p99: Option<f64>,
    /// When the last comes by a formula's law, which has no need of samples.
    #[serde(skip)]
    pub(super) latest_ms: Option<f64>,
    /// Client → server.
    pub bytes_up_per_s: f64,
    /// Server → client.
    pub bytes_down_per_s: f64,
    /// Bytes of the heads of one opening, both ways.
    pub opening_bytes: f64,
    /// Open connections.
    pub connections: f64,
    /// Deliveries.
    pub deliveries_per_s: f64,
    /// Frames or chunks the server writes for news and acknowledgements, and those it reads.
    pub frames_per_s: f64,
    /// Pings, pongs and comments.
    pub beats_per_s: f64,
}

/// A duration that serialises as scenario files write it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Text(#[serde(with = "duration_text")] pub Duration);

impl Facts {
    /// The figures of every transport of an outcome.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Vec<Self> {
        let window = outcome.interrupted_at_s.unwrap_or(outcome.scenario.duration.as_secs_f64()).max(1e-3);
        let interval = |t: &TransportOutcome| {
            let own = outcome.scenario.transports.iter().find(|own| own.label == t.label)?;
            own.way.interval().map(Text)
        };
        let engine = outcome.engine;
        let leaves = outcome.scenario.visit.map_or(0.0, |stay| 1.0 / stay.as_secs_f64());
        let one =
            |t: &TransportOutcome| Self::one(t, engine, window, interval(t), f64::from(t.clients) * leaves);
        outcome.transports.iter().filter_map(one).collect()
    }

    /// With so many newcomers a second. `None` where nobody counted its bytes, without which nothing can be
    /// weighed.
    fn one(
        t: &TransportOutcome,
        engine: Engine,
        window: f64,
        interval: Option<Text>,
        newcomers: f64,
    ) -> Option<Self> {
        let per = |n: u64| n as f64 / window;
        let socket = t.kind == "websocket";
        let pushes = t.kind == "sse" || socket;
        let (polls, posts) = (per(t.requests.polls), per(t.requests.sends));
        let opens = if pushes { newcomers } else { 0.0 };
        let asked = if polls > 0.0 { newcomers / polls } else { 0.0 };
        // A socket's sender gets an acknowledgement in a frame for each of its own.
        let spoken = if socket { 2.0 * per(t.sends.count) } else { 0.0 };
        Some(Self {
            label: t.label.clone(),
            kind: t.kind.clone(),
            interval,
            requests_per_s: polls + posts + opens,
            polls_per_s: polls,
            sends_per_s: per(t.sends.count),
            opens_per_s: opens,
            origin_per_s: t.requests.origin.map(per),
            waste_ratio: t.waste_ratio.map(|waste| (waste - asked).max(0.0)),
            delay_ms_mean: t.latency_ms.mean,
            delay_ms_p99: t.latency_ms.p99,
            latest_ms: t.latency_ms.max.filter(|_| engine == Engine::Theory),
            bytes_up_per_s: per(t.bytes.up?),
            bytes_down_per_s: per(t.bytes.down?),
            opening_bytes: t.bytes.opening? as f64 / t.requests.opens.max(1) as f64,
            connections: t.connections.peak? as f64,
            deliveries_per_s: per(t.deliveries.delivered),
            frames_per_s: if pushes { per(t.deliveries.delivered) + spoken } else { 0.0 },
            beats_per_s: per(t.frames.pings + t.frames.comments),
        })
    }

    /// Both ways.
    #[must_use]
    pub fn bytes_per_s(&self) -> f64 {
        self.bytes_up_per_s + self.bytes_down_per_s
    }

    /// Whether it is the client that asks.
    #[must_use]
    pub fn is_poll(&self) -> bool {
        self.kind == "poll"
    }

    /// Whether 99 of 100 messages come within a bound of so many seconds; where the percentile is not known
    /// all of them, or by the mean and the interval, and `None` where nothing is known.
    #[must_use]
    pub fn holds(&self, bound_s: f64) -> Option<bool> {
        // What is given in milliseconds is not refused for a last bit.
        let most = bound_s * 1000.0 * (1.0 + 1e-9);
        if let Some(p99) = self.delay_ms_p99 {
            return Some(p99 <= most);
        }
        if self.latest_ms.is_some_and(|latest| latest <= most) {
            return Some(true);
        }
        let half = self.interval.map_or(0.0, |Text(interval)| interval.as_secs_f64() * 500.0);
        self.delay_ms_mean.map(|mean| mean + half <= most)
    }

    /// The same of so many times the people, each with news as before.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Self {
        for rate in [
            &mut self.requests_per_s,
            &mut self.polls_per_s,
            &mut self.sends_per_s,
            &mut self.opens_per_s,
            &mut self.bytes_up_per_s,
            &mut self.bytes_down_per_s,
            &mut self.connections,
            &mut self.deliveries_per_s,
            &mut self.frames_per_s,
            &mut self.beats_per_s,
        ] {
            *rate *= factor;
        }
        self
    }

    /// About the same of as many people who come and go, from figures of people who stay: for what no
    /// formula of [`crate::theory`] describes with visits. Stays are exponential with a mean of `stay`
    /// seconds, V, so that N/V arrive a second. A stream or socket is opened by each. A poll is sent on
    /// arrival and then every T, 1/(1 − e^(−T/V)) in a stay, where V/T are in a standing one; of those
    /// after the first the same share is for nothing. Left out are what a connection says beside its
    /// heads, and the news that comes while nobody is connected.
    pub(super) fn with_visits(mut self, stay: f64, people: f64) -> Self {
        let arrivals = people / stay;
        if let Some(Text(interval)) = self.interval {
            let every = interval.as_secs_f64();
            let polls = arrivals / -libm::expm1(-every / stay);
            let more = polls / self.polls_per_s.max(f64::MIN_POSITIVE);
            self.waste_ratio = self.waste_ratio.map(|waste| waste * (1.0 - arrivals / polls));
            self.requests_per_s += polls - self.polls_per_s;
            self.bytes_up_per_s *= more;
            self.bytes_down_per_s *= more;
            self.polls_per_s = polls;
        } else {
            self.opens_per_s = arrivals;
            self.requests_per_s += arrivals;
            // Request and answer of an opening are of about one size.
            self.bytes_up_per_s += arrivals * self.opening_bytes / 2.0;
            self.bytes_down_per_s += arrivals * self.opening_bytes / 2.0;
        }
        self
    }

    /// A poll's figures behind a cache that keeps an answer for one interval. One request per interval
    /// and feed reaches the server. The age of the answer is even over an interval, and so is the wait
    /// for the poll: the mean grows by half an interval, and the 99th percentile of the sum of two even
    /// times is 2 − √(2 · 0.01) intervals instead of 0.99.
    pub(super) fn behind_a_cache(&mut self) {
        let Some(Text(interval)) = self.interval else { return };
        if self.origin_per_s.is_some() {
            return;
        }
        let kept = interval.as_secs_f64();
        self.origin_per_s = Some((1.0 / kept).min(self.polls_per_s));
        self.delay_ms_mean = self.delay_ms_mean.map(|mean| mean + 500.0 * kept);
        self.latest_ms = self.latest_ms.map(|latest| latest + 1000.0 * kept);
        self.delay_ms_p99 = self.delay_ms_p99.map(|p99| p99 + 1000.0 * kept * (2.0 - 0.02f64.sqrt() - 0.99));
    }
}
