//! From closed books and server counters to the outcome of one transport.

use std::time::Duration;

use super::{Context, group};
use crate::ledger::{Books, Sums};
use crate::outcome::{Audit, Bytes, Generator, Handshake, Server, TransportOutcome, Trouble};
use crate::scenario::Scenario;
use crate::server::stats::{Sample, Stats};
use crate::theory;
use crate::transport::Way;
use crate::wire;

/// The load side is blamed beyond this lateness at p99, milliseconds.
const LATE_MS: f64 = 20.0;
/// Below this many connections a figure per connection is noise.
const LEAST_CONNECTIONS: u64 = 1000;

/// The server's counters of one transport, and the window they belong to.
pub(super) struct Measured {
    /// Unix microseconds of the window's start.
    pub(super) begin: i64,
    /// Microseconds of the window that were measured.
    pub(super) end: i64,
    /// Whether a signal ended it early.
    pub(super) cut: bool,
    /// Read when the window ended.
    pub(super) at_end: Option<Stats>,
    /// Read when everybody had hung up.
    pub(super) at_last: Option<Stats>,
}

pub(super) fn generator(groups: &[group::Result]) -> Generator {
    let worst = |of: fn(&group::Result) -> Option<f64>| groups.iter().filter_map(of).reduce(f64::max);
    let publish_late_ms_p99 = worst(|g| g.publish_late_ms);
    let poll_late_ms_p99 = worst(|g| g.poll_late_ms);
    let late = |ms: Option<f64>| ms.is_some_and(|ms| ms > LATE_MS);
    let apart = groups.iter().map(|g| g.processes).sum();
    Generator {
        processes: if groups.iter().any(|g| g.processes == 0) { apart + 1 } else { apart },
        cpu_s: groups.iter().map(|g| g.generator_cpu_s).sum(),
        publish_late_ms_p99,
        poll_late_ms_p99,
        saturated: late(publish_late_ms_p99) || late(poll_late_ms_p99),
    }
}

pub(super) fn transport(
    context: &Context<'_>,
    index: usize,
    books: Books,
    measured: Measured,
) -> (TransportOutcome, Sums) {
    let transport = &context.scenario.transports[index];
    let last = measured.at_last.as_ref().or(measured.at_end.as_ref());
    let measured_part =
        Scenario { duration: Duration::from_micros(measured.end.unsigned_abs()), ..context.scenario.clone() };
    let mut outcome = books.outcome;
    outcome.label.clone_from(&transport.label);
    transport.way.kind().clone_into(&mut outcome.kind);
    if !transport.way.asks() {
        // Who fell back to polling is counted as that; the way itself wastes no asks.
        outcome.waste_ratio = None;
    }
    if context.scenario.shard.is_none() {
        // The formulas answer for the whole, which a shard is not.
        outcome.theory = theory::expect(&measured_part, &context.plan, &transport.way);
    }
    // As people saw it; servers of ours saw it better.
    outcome.connections.handshakes = if transport.way.is_socket() { books.granted } else { 0 };
    if let Some(stats) = last {
        let (from, to) = ends(stats, &measured);
        outcome.bytes = bytes(stats, outcome.bytes.payload, outcome.deliveries.delivered, from, to);
        outcome.series.bytes = byte_steps(stats, &measured, to, outcome.series.requests.len());
        if matches!(transport.way, Way::Poll { shared_cache: Some(_), .. }) {
            outcome.requests.origin = Some(to.origin.saturating_sub(from.origin));
        }
        outcome.connections.opened = Some(stats.connections.opened);
        outcome.connections.handshakes = stats.handshakes;
        outcome.connections.peak = Some(stats.connections.peak);
        if let Some(trouble) = &mut outcome.trouble {
            trouble.closed_slow = stats.slow_closed;
        }
        outcome.server = Some(server(stats, from, to, outcome.deliveries.delivered));
        let first = stats.first_exchange.as_ref();
        outcome.handshake =
            first.map(|x| Handshake { request: x.request.clone(), response: x.response.clone() });
        outcome.audit = Some(Audit {
            requests_client: books.answered_whole_run,
            requests_server: stats.requests,
            bytes_up: stats.bytes.up,
            bytes_down: stats.bytes.down,
            events_published: stats.events.published,
            events_encoded: stats.events.encoded,
        });
    }
    let quiet = |trouble: &Trouble| {
        trouble.faults.is_empty() && trouble.unrecovered + trouble.fallbacks + trouble.closed_slow == 0
    };
    outcome.trouble = outcome.trouble.filter(|trouble| !quiet(trouble) || outcome.connections.reconnects > 0);
    (outcome, books.sums)
}

/// The samples at the two ends of the window; at a cut end, the counters read there.
fn ends(stats: &Stats, measured: &Measured) -> (Sample, Sample) {
    let first = stats.window.first().copied().unwrap_or_default();
    let at = measured.begin + measured.end;
    // A server samples at the planned times, which a cut window does not end at.
    let sampled = stats.window.iter().find(|s| s.at >= at && !measured.cut).copied();
    let read = measured.at_end.as_ref().map(|stats| sample_of(stats, at));
    (first, sampled.or(read).unwrap_or_default())
}

fn sample_of(stats: &Stats, at: i64) -> Sample {
    Sample {
        at,
        bytes_up: stats.bytes.up,
        bytes_down: stats.bytes.down,
        segments_up: stats.bytes.segments_up,
        segments_down: stats.bytes.segments_down,
        cpu_us: stats.cpu_us,
        requests: stats.requests,
        origin: stats.origin,
    }
}

fn bytes(stats: &Stats, payload: u64, delivered: u64, from: Sample, to: Sample) -> Bytes {
    let up = to.bytes_up.saturating_sub(from.bytes_up);
    let down = to.bytes_down.saturating_sub(from.bytes_down);
    let segments =
        to.segments_up.saturating_sub(from.segments_up) + to.segments_down.saturating_sub(from.segments_down);
    let counted = Bytes {
        up: Some(up),
        down: Some(down),
        payload,
        opening: Some(stats.bytes.opening),
        wire_estimate: Some(wire::wire_estimate(up + down, segments)),
        ..Bytes::default()
    };
    counted.settled(delivered)
}

fn server(stats: &Stats, from: Sample, to: Sample, delivered: u64) -> Server {
    let cpu_s = (to.cpu_us - from.cpu_us).max(0) as f64 / 1e6;
    let peak = stats.connections.peak;
    let grown = stats.rss_peak_bytes.saturating_sub(stats.rss_start_bytes);
    Server {
        cpu_s,
        cpu_us_per_delivery: Server::cpu_per_delivery(cpu_s, delivered),
        rss_peak_bytes: stats.rss_peak_bytes,
        rss_bytes_per_connection: (peak >= LEAST_CONNECTIONS).then(|| grown as f64 / peak as f64),
    }
}

/// Bytes both ways per step of the series.
fn byte_steps(stats: &Stats, measured: &Measured, end: Sample, steps: usize) -> Vec<u64> {
    let both = |s: &Sample| s.bytes_up + s.bytes_down;
    let before_the_end = stats.window.iter().filter(|s| s.at < measured.begin + measured.end).copied();
    let samples: Vec<Sample> = before_the_end.chain([end]).collect();
    let mut bytes: Vec<u64> =
        samples.windows(2).map(|pair| both(&pair[1]).saturating_sub(both(&pair[0]))).collect();
    bytes.resize(steps, 0);
    bytes
}
