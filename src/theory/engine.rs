//! The engine that measures nothing: an outcome made of expectations alone.
//!
//! What the schedule settles is exact (published, expected, sends). Other whole numbers are
//! expectations, rounded; shares, means and percentiles are not. Nothing is lost, doubled or out of
//! order, by assumption. Percentiles come from the law and need no samples. Empty or null is what the
//! formulas cannot know: a course over time, one person's timeline, machines, request times.

use super::view::View;
use super::{Expected, Law, expected};
use crate::clock::as_micros;
use crate::ledger::Plan;
use crate::outcome::{
    self, Bytes, Connections, Deliveries, Frames, Outcome, Requests, Sends, Series, Summary, TransportOutcome,
};
use crate::scenario::{Engine, Scenario};
use crate::threshold;
use crate::transport::{Transport, Way};
use crate::wire;

/// Beyond so many events inboxes of one's own are not written down.
const INBOX_EVENTS: f64 = 200_000.0;
/// Most events that are written down at all.
const KEPT_EVENTS: f64 = 2e6;

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
    let view = View::new(scenario, plan.as_ref());
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
        in_turn: false,
        machine: None,
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
    let (from, to) = (-as_micros(scenario.warmup), as_micros(scenario.duration));
    Ok(Some(Plan::new(scenario.workload.schedule(scenario.clients, scenario.seed, from, to))))
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
            opened: whole(expected.opened),
            handshakes: if socket { whole(expected.opens) } else { 0 },
            reconnects: 0,
            peak: whole(expected.held),
        },
        frames: Frames {
            sent: if socket { whole(view.news.sends) } else { 0 },
            received: if socket { whole(expected.frames + view.news.sends) } else { 0 },
            pings: whole(expected.pings),
            comments: whole(expected.comments),
        },
        sends: Sends { count: whole(view.news.sends), ack_ms: acknowledgement(view, &expected) },
        latency_ms: latency(&expected, deliveries.delivered),
        deliveries,
        latency_histogram_us: Vec::new(),
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
    let law = expected.law.as_ref();
    let ms = |of: &dyn Fn(&Law) -> f64| law.map(|law| of(law) * 1000.0);
    let at = |share: f64| ms(&|law| law.quantile(share));
    Summary {
        count,
        min: ms(&Law::least),
        mean: expected.latency.map(|s| s * 1000.0),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: ms(&Law::most),
    }
}

fn acknowledgement(view: &View<'_>, expected: &Expected) -> Option<Summary> {
    let mean = expected.ack.map(|s| s * 1000.0)?;
    let fixed = view.path.steady().then_some(mean);
    (view.news.sends > 0.0).then(|| Summary {
        count: whole(view.news.sends),
        min: fixed,
        mean: Some(mean),
        p50: fixed,
        p90: fixed,
        p95: fixed,
        p99: fixed,
        p999: fixed,
        max: fixed,
    })
}

fn bytes(expected: &Expected) -> Bytes {
    let traffic = &expected.traffic;
    let (up, down, payload) = (whole(traffic.up), whole(traffic.down), whole(traffic.payload));
    let overhead = traffic.up + traffic.down - traffic.payload;
    Bytes {
        up,
        down,
        payload,
        overhead: (up + down) as i64 - payload as i64,
        opening: whole(traffic.opening),
        overhead_per_delivery: (expected.delivered > 0.0).then(|| overhead / expected.delivered),
        wire_estimate: wire::wire_estimate(up + down, whole(traffic.segments)),
    }
}

/// The nearest whole number.
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}
