//! The four figures that comparisons are about, each with how sure it is.

use crate::outcome::Outcome;
use crate::scenario::Engine;

use super::{Group, Kind, Way, measure, noise};
use crate::report::numbers::{bytes, count, ms, percent_fine};

/// A figure of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Empty answers / answered polls.
    Waste,
    /// Median delay in ms.
    Delay,
    /// Bytes both ways per delivered message, without opening.
    Bytes,
    /// Polls and sends of the window, and the openings of the whole run.
    Requests,
}

/// A figure and its 95 % interval; one point where nothing is left to chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Two of the rows of a group: the lower and the higher.
type Pair = ((usize, Estimate), (usize, Estimate));

impl Metric {
    /// In the order of the page.
    pub const ALL: [Self; 4] = [Self::Waste, Self::Delay, Self::Bytes, Self::Requests];

    /// File stem, and anchor in the page.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Waste => "compare-waste",
            Self::Delay => "compare-delay",
            Self::Bytes => "compare-bytes",
            Self::Requests => "compare-requests",
        }
    }

    /// The beginning of a title.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Waste => "Asks for nothing",
            Self::Delay => "Median delay",
            Self::Bytes => "Bytes per message",
            Self::Requests => "Requests",
        }
    }

    /// A value as a person reads it.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Waste => percent_fine(value),
            Self::Delay => ms(value),
            Self::Bytes => bytes(value),
            Self::Requests => count(value.round().max(0.0) as u64),
        }
    }

    /// Below this difference two values are the same for any purpose: the bounds that our engines are
    /// held to against each other.
    fn negligible(self, a: f64, b: f64) -> f64 {
        let most = a.abs().max(b.abs());
        match self {
            Self::Waste => 0.01,
            Self::Delay => (0.03 * most).max(5.0),
            Self::Bytes => 0.03 * most,
            Self::Requests => (0.01 * most).max(2.0),
        }
    }

    /// The figure of one transport; `exact` where all runs hear the same news.
    #[must_use]
    pub fn of(self, outcome: &Outcome, way: &Way<'_>, exact: bool) -> Option<Estimate> {
        let t = way.t;
        let computed = outcome.engine == Engine::Theory;
        let around = |value: f64, reach: f64| {
            let reach = if computed { 0.0 } else { reach };
            Estimate { value, low: (value - reach).max(0.0), high: value + reach }
        };
        let from = |value: f64, interval: Option<(f64, f64)>| {
            interval.map_or_else(|| around(value, 0.0), |(low, high)| Estimate { value, low, high })
        };
        let messages = t.deliveries.delivered as f64;
        // The number of messages itself is drawn where schedules differ.
        let drawn = if exact { 0.0 } else { noise::NORMAL_95 };
        match self {
            Self::Waste => Some(from(t.waste_ratio?, noise::waste_interval(outcome, way))),
            Self::Delay => {
                let value = t.latency_ms.p50.or_else(|| t.latency_ms.mean.filter(|_| computed))?;
                Some(from(value, measure::median_interval(t)))
            }
            Self::Bytes => {
                let value = measure::bytes_per_message(t)?;
                Some(around(value, drawn * value / messages.max(1.0).sqrt()))
            }
            Self::Requests => {
                let (total, people) = (t.requests.total as f64, f64::from(t.clients));
                // Where a person's first poll falls decides about one poll; long polls follow the news.
                let reach = match way.kind {
                    Kind::Poll => people.sqrt(),
                    Kind::LongPoll => (drawn * drawn * total + people).sqrt(),
                    _ => drawn * (t.requests.sends as f64).sqrt(),
                };
                (total > 0.0).then(|| around(total, reach))
            }
        }
    }

    /// Whether two estimates are apart beyond noise.
    #[must_use]
    pub fn differ(self, a: &Estimate, b: &Estimate) -> bool {
        let overlap = a.low <= b.high && b.low <= a.high;
        !overlap && (a.value - b.value).abs() > self.negligible(a.value, b.value)
    }

    /// The two rows of a group that are furthest apart, if any two are apart beyond noise.
    #[must_use]
    pub fn widest(self, group: &Group) -> Option<Pair> {
        let mut found: Option<Pair> = None;
        for (i, low) in group.rows.iter().enumerate() {
            for high in &group.rows[i + 1..] {
                let (low, high) = if low.1.value <= high.1.value { (low, high) } else { (high, low) };
                let wider = found.as_ref().is_none_or(|pair| self.ratio(&(*low, *high)) > self.ratio(pair));
                if self.differ(&low.1, &high.1) && wider {
                    found = Some((*low, *high));
                }
            }
        }
        found
    }

    /// How many times the lower the higher is.
    #[must_use]
    pub fn ratio(self, pair: &Pair) -> f64 {
        let least = match self {
            Self::Waste => 0.01,
            Self::Delay => 1.0,
            Self::Bytes | Self::Requests => 1.0,
        };
        pair.1.1.value.max(least) / pair.0.1.value.max(least)
    }
}
