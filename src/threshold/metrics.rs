//! What can be held to a threshold: paths of a transport's outcome, and k6's names for the same.

use serde_json::Value;

use crate::outcome::TransportOutcome;

use super::grammar::{Aggregate, stored};

/// Which aggregates make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One number: `value`.
    Gauge,
    /// A number of things: `count` or `value`.
    Counter,
    /// A distribution: all but `value`.
    Summary,
}

/// Something measured of one transport.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    path: &'static str,
    shape: Shape,
}

const GAUGES: [&str; 19] = [
    "waste_ratio",
    "idle_per_delivery",
    "requests_per_delivery",
    "wait_ms_mean",
    "staleness_ms_mean",
    "bytes.overhead_per_delivery",
    "server.cpu_s",
    "server.cpu_us_per_delivery",
    "server.rss_peak_bytes",
    "server.rss_bytes_per_connection",
    "theory.waste_ratio",
    "theory.latency_mean_ms",
    "theory.requests_total",
    "latency_ms.mean",
    "latency_ms.p50",
    "latency_ms.p90",
    "latency_ms.p95",
    "latency_ms.p99",
    "latency_ms.max",
];

const COUNTERS: [&str; 40] = [
    "clients",
    "clients_connected",
    "requests.total",
    "requests.polls",
    "requests.sends",
    "requests.opens",
    "requests.empty",
    "requests.failed",
    "requests.skipped",
    "requests.origin",
    "connections.opened",
    "connections.handshakes",
    "connections.reconnects",
    "connections.peak",
    "frames.sent",
    "frames.received",
    "frames.pings",
    "frames.comments",
    "deliveries.published",
    "deliveries.expected",
    "deliveries.delivered",
    "deliveries.lost",
    "deliveries.duplicated",
    "deliveries.reordered",
    "deliveries.superseded",
    "deliveries.expired",
    "sends.count",
    "latency_ms.count",
    "bytes.up",
    "bytes.down",
    "bytes.payload",
    "bytes.overhead",
    "bytes.opening",
    "bytes.wire_estimate",
    "audit.requests_client",
    "audit.requests_server",
    "audit.bytes_up",
    "audit.bytes_down",
    "fleet.cross_server_expected",
    "fleet.cross_server_lost",
];

const SUMMARIES: [&str; 9] = [
    "latency_ms",
    "request_ms",
    "request_ms_uncorrected",
    "sends.ack_ms",
    "fleet.hops_ms.to_server",
    "fleet.hops_ms.to_redis",
    "fleet.hops_ms.to_other_server",
    "fleet.hops_ms.to_reader",
    "fleet.hops_ms.total",
];

/// k6's name, and ours for the same thing.
const K6: [(&str, &str); 7] = [
    ("http_reqs", "requests.total"),
    ("http_req_duration", "request_ms"),
    ("ws_sessions", "connections.handshakes"),
    ("ws_msgs_sent", "frames.sent"),
    ("ws_msgs_received", "frames.received"),
    ("data_sent", "bytes.up"),
    ("data_received", "bytes.down"),
];

/// The metric of this name.
pub(super) fn find(name: &str) -> Option<Metric> {
    let name = K6.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours);
    [(&GAUGES[..], Shape::Gauge), (&COUNTERS[..], Shape::Counter), (&SUMMARIES[..], Shape::Summary)]
        .into_iter()
        .find_map(|(paths, shape)| {
            let path = paths.iter().find(|path| **path == name)?;
            Some(Metric { path, shape })
        })
}

/// Every name there is.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    let ours = GAUGES.into_iter().chain(COUNTERS).chain(SUMMARIES);
    ours.chain(K6.into_iter().map(|(theirs, _)| theirs))
}

/// `; did you mean …` when one of `known` is near or ends like what was written.
pub(super) fn hint<'a>(written: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = known
        .clone()
        .map(|word| (strsim::jaro_winkler(written, word), word))
        .filter(|(score, _)| *score > 0.85)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word)
        // "lost" for "deliveries.lost".
        .or_else(|| known.clone().find(|word| word.rsplit('.').next() == Some(written)));
    near.map_or_else(String::new, |word| format!("; did you mean \"{word}\"?"))
}

impl Metric {
    #[cfg(test)]
    pub(super) fn path(self) -> &'static str {
        self.path
    }

    /// Whether this aggregate can be taken of it.
    pub(super) fn accepts(self, aggregate: Aggregate) -> Result<(), String> {
        let path = self.path;
        match (self.shape, aggregate) {
            (Shape::Gauge | Shape::Counter, Aggregate::Value) | (Shape::Counter, Aggregate::Count) => Ok(()),
            (Shape::Gauge, _) => Err(format!("{path} is one number; write value, like \"value>0.8\"")),
            (Shape::Counter, _) => Err(format!("{path} is a count; write count, like \"count==0\"")),
            (Shape::Summary, Aggregate::Value) => Err(format!(
                "{path} is a distribution; write count, min, max, avg, med or p(N), like \"p(99)<50\""
            )),
            (Shape::Summary, Aggregate::Percentile(n)) if stored(n).is_none() && path != "latency_ms" => {
                Err(format!("p({n}) of {path} is not kept; write p(50), p(90), p(95), p(99) or p(99.9)"))
            }
            (Shape::Summary, _) => Ok(()),
        }
    }

    /// The number in the outcome, unless it is null.
    pub(super) fn read(self, transport: &TransportOutcome, aggregate: Aggregate) -> Option<f64> {
        let member = match (self.shape, aggregate) {
            (Shape::Gauge | Shape::Counter, _) => None,
            (Shape::Summary, Aggregate::Value) => return None,
            (Shape::Summary, Aggregate::Count) => Some("count"),
            (Shape::Summary, Aggregate::Min) => Some("min"),
            (Shape::Summary, Aggregate::Max) => Some("max"),
            (Shape::Summary, Aggregate::Mean) => Some("mean"),
            (Shape::Summary, Aggregate::Median) => Some("p50"),
            (Shape::Summary, Aggregate::Percentile(n)) => Some(stored(n)?),
        };
        let json = serde_json::to_value(transport).ok()?;
        let steps = self.path.split('.').chain(member);
        steps.into_iter().try_fold(&json, |value, step| value.get(step)).and_then(Value::as_f64)
    }

    /// Why the number is null.
    pub(super) fn why_null(self, transport: &TransportOutcome, aggregate: Aggregate) -> String {
        let push = transport.waste_ratio.is_none() && transport.requests.polls == 0;
        let needed = match (self.path, aggregate) {
            ("latency_ms.p99", _) | (_, Aggregate::Percentile(99.0)) => Some(100),
            (_, Aggregate::Percentile(99.9)) => Some(1_000),
            _ => None,
        };
        let of_the_server = ["bytes.", "connections.", "server.", "audit."];
        let elsewhere =
            transport.bytes.up.is_none() && of_the_server.iter().any(|of| self.path.starts_with(of));
        let why = match self.path {
            _ if elsewhere => "no server of this run counted it".to_owned(),
            "waste_ratio" | "wait_ms_mean" if push => "it never polls".to_owned(),
            "waste_ratio" => "no poll was answered".to_owned(),
            "server.cpu_us_per_delivery" => "less than 0.2 s of CPU".to_owned(),
            "server.rss_bytes_per_connection" => "fewer than 1,000 connections".to_owned(),
            "idle_per_delivery" | "requests_per_delivery" | "bytes.overhead_per_delivery" => {
                "nothing was delivered".to_owned()
            }
            _ => match (needed, self.read(transport, Aggregate::Count)) {
                (_, Some(0.0)) => "no samples".to_owned(),
                (Some(least), Some(_)) => format!("fewer than {least} samples"),
                _ => "not measured here".to_owned(),
            },
        };
        format!("null: {why}")
    }
}

/// The N-th percentile in milliseconds: the upper bound of the first bucket that at least N % of the
/// samples do not exceed. Like p99, which needs 100 samples, it needs 100 / (100 − N) of them.
pub(super) fn from_histogram(buckets: &[(u64, u64)], n: f64) -> Result<f64, String> {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    let needed = if n < 100.0 { (100.0 / (100.0 - n) - 1e-9).ceil() } else { 1.0 };
    if total == 0 {
        return Err("null: no samples".to_owned());
    }
    if (total as f64) < needed {
        return Err(format!("null: fewer than {needed} samples"));
    }
    let rank = (n / 100.0 * total as f64).ceil().max(1.0);
    let mut seen = 0;
    for (upper_us, count) in buckets {
        seen += count;
        if seen as f64 >= rank {
            return Ok(*upper_us as f64 / 1000.0);
        }
    }
    Err("null: no samples".to_owned())
}
