//! Closed forms: what theory expects of a scenario's window, and an engine that answers with it alone.
//!
//! For Poisson news the formulas are the stationary law. For every other schedule they are the
//! expectation over uniform poll phases and first holds, given the schedule. With a network, the mean
//! one-way delay d of [`crate::link::Link::mean_one_way`] stands for each trip; what would need more
//! than the mean is left out. Times are seconds here, in floating point.

use crate::ledger::Plan;
use crate::outcome;
use crate::scenario::Scenario;
use crate::transport::Way;

mod cache;
mod coalesce;
mod engine;
mod law;
mod long_poll;
mod news;
mod poll;
mod push;
mod traffic;
mod trip;
mod view;

pub use engine::{Unable, on_average, run};
use law::Law;
use traffic::Traffic;
use view::View;

/// What is expected of one transport, summed over its clients.
#[derive(Debug, Clone, Default)]
struct Expected {
    polls: f64,
    empty: f64,
    skipped: f64,
    /// Polls that a shared cache passes on, where that is known.
    origin: Option<f64>,
    opens: f64,
    posts: f64,
    pings: f64,
    comments: f64,
    /// Pairs owed, where that is not what the schedule says: people leave.
    owed: Option<f64>,
    /// Frames that bring events to sockets.
    frames: f64,
    /// Distinct pairs delivered; the other owed ones are superseded or expired.
    delivered: f64,
    superseded: f64,
    expired: f64,
    /// Events of an answer that brings any, on average.
    per_answer: f64,
    /// TCP connections over the run, the grace left out, and at most at once.
    opened: f64,
    held: f64,
    waste: Option<f64>,
    latency: Option<f64>,
    /// The distribution of the latency, where it is known.
    law: Option<Law>,
    wait: Option<f64>,
    staleness: Option<f64>,
    /// Intended send time to acknowledgement.
    ack: Option<f64>,
    traffic: Traffic,
}

impl Expected {
    fn requests(&self) -> f64 {
        self.polls + self.posts + self.opens
    }

    fn block(&self) -> outcome::Theory {
        let ms = |seconds: f64| seconds * 1000.0;
        outcome::Theory {
            waste_ratio: self.waste,
            latency_mean_ms: self.latency.map(ms),
            requests_total: Some(self.requests()),
            latency_law: self.law.as_ref().map(Law::in_ms).unwrap_or_default(),
        }
    }
}

/// The formulas' expectation for one transport over the window, as it stands beside a measurement;
/// null where no formula is due. An empty plan stands for inboxes too many to write down.
#[must_use]
pub fn expect(scenario: &Scenario, plan: &Plan, way: &Way) -> outcome::Theory {
    let plan = (!plan.schedule.reads.is_empty()).then_some(plan);
    expected(&View::new(scenario, plan), way).map(|expected| expected.block()).unwrap_or_default()
}

/// The same with everything an outcome asks for.
fn expected(view: &View<'_>, way: &Way) -> Result<Expected, String> {
    if !matches!(way, Way::WebSocket { .. }) {
        view.posts_get_through()?;
    }
    if view.stay.is_some() && view.news.senders > 0.0 {
        return Err("no formula describes people who come and go and write".to_owned());
    }
    if view.stay.is_some() && !way.kept_back().is_zero() {
        return Err("no formula describes people who come and go with shared_cache or coalesce".to_owned());
    }
    match way {
        Way::Poll { .. } => poll::expect(view, way),
        Way::LongPoll { hold, .. } => long_poll::expect(view, *hold),
        Way::Sse => Ok(push::stream(view)),
        Way::WebSocket { ping, coalesce, .. } => Ok(push::socket(view, *ping, *coalesce)),
    }
}

#[cfg(test)]
mod tests;
