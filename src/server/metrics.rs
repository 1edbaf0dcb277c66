//! `GET /metrics`: the counters in the text format that Prometheus reads.
//!
//! A metric that k6 has bears k6's name and, like there, counts as the clients see it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::App;
use super::problem::Problem;
use super::stats::Stats;

/// The counters now.
#[utoipa::path(get, path = "/metrics", responses((status = 200, content_type = "text/plain", body = String,
    description = "Prometheus text format")))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    match text(&app.public.stats(app.broker.counts())) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        // A name of ours that the format does not allow; a test asks for them all.
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "no metrics").into_response(),
    }
}

/// Made anew for each answer: the counts are kept elsewhere, once.
fn text(stats: &Stats) -> prometheus::Result<String> {
    let page = Page(Registry::new());
    let Stats { connections, bytes, events, .. } = stats;
    page.count("http_reqs_total", "HTTP requests answered, of any kind.", stats.requests)?;
    page.count("ws_sessions_total", "WebSocket handshakes (101).", stats.handshakes)?;
    page.count("ws_msgs_sent_total", "WebSocket messages that clients sent.", stats.messages_up)?;
    page.count(
        "ws_msgs_received_total",
        "WebSocket messages sent to clients, without pings.",
        stats.messages_down,
    )?;
    page.count("data_sent_total", "Bytes that clients sent, on their sockets.", bytes.up)?;
    page.count("data_received_total", "Bytes sent to clients, on their sockets.", bytes.down)?;
    let answers = [("events", stats.polls - stats.empty.min(stats.polls)), ("empty", stats.empty)];
    page.counts(
        "anynews_polls_total",
        "Polls answered, short or long, with events or without.",
        "answer",
        &answers,
    )?;
    page.count(
        "anynews_origin_requests_total",
        "Polls that the shared cache passed on to the server; zero without one.",
        stats.origin,
    )?;
    let ways = [("post", stats.publishes), ("socket", stats.socket_publishes)];
    page.counts("anynews_publishes_total", "Publishes accepted, by how they came.", "way", &ways)?;
    let streams = stats.opens - stats.handshakes.min(stats.opens);
    page.count("anynews_sse_sessions_total", "Subscriptions to an event stream.", streams)?;
    page.count(
        "anynews_slow_closed_total",
        "Readers closed because they were too far behind.",
        stats.slow_closed,
    )?;
    page.count("anynews_denied_total", "Requests and socket messages refused: 401, 403, 429.", stats.denied)?;
    page.count("anynews_connections_opened_total", "TCP connections accepted.", connections.opened)?;
    page.count("anynews_connections_refused_total", "TCP connections turned away.", connections.refused)?;
    page.gauge("anynews_connections", "TCP connections open now.", connections.current)?;
    page.gauge("anynews_connections_peak", "Most TCP connections at one time.", connections.peak)?;
    page.count("anynews_events_published_total", "Events added to a feed.", events.published)?;
    page.count(
        "anynews_events_repeated_total",
        "Publishes that were there already, by their id.",
        events.repeated,
    )?;
    page.count("anynews_events_encoded_total", "Events encoded to JSON: once each.", events.encoded)?;
    page.gauge("anynews_topics", "Topics there are.", stats.topics)?;
    page.process(stats)?;
    TextEncoder::new().encode_to_string(&page.0.gather())
}

struct Page(Registry);

impl Page {
    fn add(&self, metric: impl Collector + 'static) -> prometheus::Result<()> {
        self.0.register(Box::new(metric))
    }

    fn count(&self, name: &str, help: &str, value: u64) -> prometheus::Result<()> {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(value);
        self.add(counter)
    }

    fn counts(&self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> prometheus::Result<()> {
        let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
        for (by, value) in values {
            counters.with_label_values(&[by]).inc_by(*value);
        }
        self.add(counters)
    }

    fn gauge(&self, name: &str, help: &str, value: u64) -> prometheus::Result<()> {
        let gauge = IntGauge::new(name, help)?;
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.add(gauge)
    }

    /// By the names that every Prometheus client uses.
    fn process(&self, stats: &Stats) -> prometheus::Result<()> {
        let cpu = Counter::new("process_cpu_seconds_total", "User and system CPU time of the process.")?;
        cpu.inc_by(stats.cpu_us.max(0) as f64 / 1e6);
        self.add(cpu)?;
        let memory = Gauge::new("process_resident_memory_bytes", "Resident memory of the process.")?;
        memory.set(stats.rss_bytes as f64);
        self.add(memory)?;
        let build = Opts::new("anynews_build_info", "The version that runs.");
        let build = IntGaugeVec::new(build, &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        self.add(build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_help_its_type_and_its_value() {
        let text = text(&Stats {
            requests: 7,
            polls: 5,
            empty: 4,
            origin: 3,
            cpu_us: 1_500_000,
            ..Stats::default()
        })
        .unwrap();
        for line in [
            "# TYPE http_reqs_total counter",
            "http_reqs_total 7",
            "anynews_polls_total{answer=\"empty\"} 4",
            "anynews_polls_total{answer=\"events\"} 1",
            "anynews_origin_requests_total 3",
            "process_cpu_seconds_total 1.5",
            "# TYPE anynews_topics gauge",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\n{text}");
        }
    }
}
