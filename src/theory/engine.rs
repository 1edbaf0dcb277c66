//! The engine that measures nothing: an outcome made of expectations alone.
//!
//! What the schedule settles is exact (published, expected, sends). Other whole numbers are
//! expectations, rounded; shares, means and percentiles are not. Nothing is lost, doubled or out of
//! order, by assumption. Percentiles come from the law, those that so many deliveries would carry; the
//! histogram is the law, cut into a thousand equal shares. Null is what the formulas cannot know: a
//! distribution without a law, a course over time, one person's timeline, server, request times.

use super::view::View;
use super::{Expected, Law, expected};
use crate::ledger::Plan;
use crate::ledger::plan::KEPT_EVENTS;
use crate::outcome::{
    self, Bytes, Connections, Deliveries, Frames, Outcome, Requests, Sends, Series, Summary, TransportOutcome,
};
use crate::scenario::{Engine, Scenario, Workload};
use crate::threshold;
use crate::transport::{Transport, Way};
use crate::wire;

/// Beyond so many events inboxes of one's own are not written down.
const INBOX_EVENTS: f64 = 200_000.0;

/// Why the formulas cannot answer for a scenario.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unable(String);

/// What the formulas expect of a scenario, as an outcome.
///
/// # Errors
/// A schedule shared by many that is too large for memory, or a transport that no formula describes.
pub fn run(scenario: &Scenario, prediction: Option<String>) -> Result<Outcome, Unable> {
    if let Some(why) = scenario.needs_live() {
        return Err(Unable(why.to_owned()));
    }
    let plan = plan(scenario)?;
    outcome(scenario, plan.as_ref(), prediction)
}

/// The same over all schedules instead of the seed's own, where nothing but the rate of the news matters
/// (Poisson and periodic news); else as [`run`].
///
/// # Errors
/// As [`run`].
pub fn on_average(scenario: &Scenario) -> Result<Outcome, Unable> {
    match scenario.workload {
        Workload::Poisson { .. } | Workload::Periodic { .. } => outcome(scenario, None, None),
        _ => run(scenario, None),
    }
}

fn outcome(scenario: &Scenario, plan: Option<&Plan>, prediction: Option<String>) -> Result<Outcome, Unable> {
    let view = View::new(scenario, plan);
    let transports: Result<Vec<_>, Unable> =
        scenario.transports.iter().map(|transport| transport_outcome(&view, transport)).collect();
    let mut outcome = Outcome {
        schema: outcome::SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: Engine::Theory,
        seed: scenario.seed,
        started_at: None,
        scenario: Scenario { engine: Engine::Theory, ..scenario.clone() },
        prediction,
        interrupted_at_s: None,
        shard: None,
        targets: Vec::new(),
        in_turn: false,
        machine: Some(outcome::Machine::here()),
        generator: None,
        transports: transports?,
        thresholds: Vec::new(),
    };
    outcome.thresholds = threshold::evaluate(&scenario.thresholds, &outcome);
    Ok(outcome)
}

/// The schedule, where it is needed and fits.
fn plan(scenario: &Scenario) -> Result<Option<Plan>, Unable> {
    let span = (scenario.duration + scenario.warmup).as_secs_f64();
    let events = scenario.workload.events_per_second(scenario.clients, scenario.duration) * span;
    if scenario.workload.has_own_inboxes() && events > INBOX_EVENTS {
        return Ok(None);
    }
    if events > KEPT_EVENTS {
        return Err(Unable(format!(
            "{events:.0} events are too many to keep in memory ({KEPT_EVENTS:.0} fit): \
             use fewer clients, a longer gap or a shorter duration"
        )));
    }
    Ok(Some(Plan::of(scenario)))
}

fn transport_outcome(view: &View<'_>, transport: &Transport) -> Result<TransportOutcome, Unable> {
    let expected = expected(view, &transport.way)
        .map_err(|why| Unable(format!("{}: {why}; try --engine sim", transport.label)))?;
    let clients = view.scenario.clients;
    let deliveries = deliveries(view, &expected);
    let per_delivery = |n: f64| (expected.delivered > 0.0).then(|| n / expected.delivered);
    let socket = matches!(transport.way, Way::WebSocket { .. });
    let idle = expected.empty + expected.pings + expected.comments;
    Ok(TransportOutcome {
        label: transport.label.clone(),
        kind: transport.way.kind().to_owned(),
        clients,
        clients_connected: clients,
        requests: requests(&expected),
        waste_ratio: expected.waste,
        idle_per_delivery: per_delivery(idle),
        requests_per_delivery: per_delivery(expected.requests()),
        connections: Connections {
            opened: Some(whole(expected.opened)),
            handshakes: if socket { whole(expected.opens) } else { 0 },
            reconnects: 0,
            peak: Some(whole(expected.held)),
        },
        frames: Frames {
            sent: if socket { whole(view.news.sends) } else { 0 },
            received: if socket { whole(expected.frames + view.news.sends) } else { 0 },
            // Each has its pong.
            pings: 2 * whole(expected.pings / 2.0),
            comments: whole(expected.comments),
        },
        sends: Sends { count: whole(view.news.sends), ack_ms: acknowledgement(view, &expected) },
        latency_ms: latency(&expected, deliveries.delivered),
        latency_histogram_us: expected.law.as_ref().map(|law| law.histogram(deliveries.delivered)),
        deliveries,
        samples: None,
        wait_ms_mean: expected.wait.map(|s| s * 1000.0),
        staleness_ms_mean: expected.staleness.map(|s| s * 1000.0),
        request_ms: None,
        request_ms_uncorrected: None,
        bytes: bytes(&expected),
        server: None,
        fleet: None,
        theory: expected.block(),
        handshake: None,
        series: Series::default(),
        audit: None,
        person: None,
        trouble: None,
    })
}

fn requests(expected: &Expected) -> Requests {
    let (polls, sends, opens) = (whole(expected.polls), whole(expected.posts), whole(expected.opens));
    Requests {
        total: polls + sends + opens,
        polls,
        sends,
        opens,
        empty: whole(expected.empty).min(polls),
        skipped: whole(expected.skipped),
        origin: expected.origin.map(whole),
        ..Requests::default()
    }
}

/// The four fates, rounded so that they still add up.
fn deliveries(view: &View<'_>, expected: &Expected) -> Deliveries {
    let owed = whole(expected.owed.unwrap_or(view.news.owed));
    let delivered = whole(expected.delivered).min(owed);
    let missed = owed - delivered;
    let superseded = if expected.expired > 0.0 { whole(expected.superseded).min(missed) } else { missed };
    Deliveries {
        published: whole(view.news.published),
        expected: owed,
        delivered,
        superseded,
        expired: missed - superseded,
        ..Deliveries::default()
    }
}

fn latency(expected: &Expected, count: u64) -> Summary {
    if count == 0 {
        return Summary::default();
    }
    let law = expected.law.as_ref();
    let ms = |of: &dyn Fn(&Law) -> f64| law.map(|law| of(law) * 1000.0);
    let (min, max) = (ms(&Law::least), ms(&Law::most));
    let mean = expected.latency.map(|s| s * 1000.0);
    Summary { count, min, mean, max, ..Summary::default() }
        .with_percentiles(|percent| ms(&|law| law.quantile(percent / 100.0)))
}

fn acknowledgement(view: &View<'_>, expected: &Expected) -> Option<Summary> {
    let mean = expected.ack.map(|s| s * 1000.0)?;
    let (fixed, count) = (view.path.steady().then_some(mean), whole(view.news.sends));
    let summary = Summary { count, min: fixed, mean: Some(mean), max: fixed, ..Summary::default() };
    (count > 0).then(|| summary.with_percentiles(|_| fixed))
}

fn bytes(expected: &Expected) -> Bytes {
    let traffic = &expected.traffic;
    let (up, down, payload) = (whole(traffic.up), whole(traffic.down), whole(traffic.payload));
    let overhead = traffic.up + traffic.down - traffic.payload;
    Bytes {
        up: Some(up),
        down: Some(down),
        payload,
        overhead: Some((up + down) as i64 - payload as i64),
        opening: Some(whole(traffic.opening)),
        overhead_per_delivery: (expected.delivered > 0.0).then(|| overhead / expected.delivered),
        wire_estimate: Some(wire::wire_estimate(up + down, whole(traffic.segments))),
    }
}

/// The nearest whole number.
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}
