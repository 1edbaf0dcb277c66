//! Tables of figures, and the data as files inside the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use crate::fault::What;
use crate::outcome::{Outcome, Summary};

use super::super::csv::{field, whole};
use super::super::measure;
use super::super::numbers::{bytes, count, figure, ms, thousandths};
use super::super::ways::Way;
use super::table;

pub fn percentiles(outcome: &Outcome, all: &[Way<'_>]) -> Markup {
    let heads =
        ["Transport", "n", "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"].map(str::to_owned);
    let rows: Vec<Vec<String>> = all.iter().map(|way| row(way.full(), &way.t.latency_ms)).collect();
    let request: Vec<Vec<String>> = all
        .iter()
        .filter_map(|way| {
            let t = way.t;
            let corrected = row(format!("{}, from the intended time", way.name), t.request_ms.as_ref()?);
            let plain = t.request_ms_uncorrected.as_ref();
            let plain = plain.map(|s| row(format!("{}, from the actual time", way.name), s));
            Some(std::iter::once(corrected).chain(plain))
        })
        .flatten()
        .collect();
    html! {
        p { "Delay, from the intended publish time to the message in hand." }
        (table("Percentiles of the delay", &heads, &rows))
        @if !request.is_empty() {
            p { "Time of one poll, from ask to answer. " (two_rows(outcome, all)) }
            (table("Percentiles of one poll", &heads, &request))
        }
        p { "Counts over the window; connections and handshakes over the whole run." }
        (counts(all))
    }
}

/// Why the time of a poll has two rows, and what their difference says in this run.
fn two_rows(outcome: &Outcome, all: &[Way<'_>]) -> &'static str {
    let late = outcome.generator.as_ref().and_then(|generator| generator.poll_late_ms_p99).unwrap_or(0.0);
    let stalled = outcome.scenario.faults.iter().any(|fault| matches!(fault.what, What::StallServer { .. }));
    let most = |summary: &Summary| summary.p99.or(summary.max);
    let differ = all.iter().any(|way| {
        let two =
            (way.t.request_ms.as_ref().and_then(most), way.t.request_ms_uncorrected.as_ref().and_then(most));
        matches!(two, (Some(intended), Some(actual)) if intended - actual > late)
    });
    if stalled || differ {
        "Where the two rows differ, the server stood still and a client that waits for its answer before it asks \
         again would not have noticed (coordinated omission)."
    } else {
        "The two rows differ by no more than the load side’s own timers were late. They part where a server stands \
         still: a client that waits for its answer before it asks again would not notice (coordinated omission)."
    }
}

/// The counts, one column per transport, because there are more of them than of transports.
fn counts(all: &[Way<'_>]) -> Markup {
    type Cell = fn(&Way<'_>) -> Option<String>;
    let rows: [(&str, Cell); 18] = [
        ("Polls", |w| some(w.t.requests.polls)),
        ("Polls that were answered", |w| {
            let answered = measure::answered(w.t);
            (w.kind.asks() && answered != w.t.requests.polls).then(|| count(answered))
        }),
        ("Requests that reached the server, past the cache", |w| w.t.requests.origin.map(count)),
        ("Empty answers (“Nope”)", |w| w.kind.asks().then(|| count(w.t.requests.empty))),
        ("Sent by people", |w| some(w.t.sends.count)),
        ("Connections opened", |w| w.t.connections.opened.and_then(some)),
        ("WebSocket handshakes", |w| some(w.t.connections.handshakes)),
        ("Pings and pongs", |w| some(w.t.frames.pings)),
        ("SSE comments", |w| some(w.t.frames.comments)),
        ("Delivered of expected", |w| {
            let d = &w.t.deliveries;
            Some(format!("{} / {}", count(d.delivered), count(d.expected)))
        }),
        ("Lost", |w| Some(count(w.t.deliveries.lost))),
        ("Duplicated", |w| Some(count(w.t.deliveries.duplicated))),
        ("Replaced by newer, or expired", |w| {
            some(w.t.deliveries.superseded.saturating_add(w.t.deliveries.expired))
        }),
        ("Bytes, client to server", |w| w.t.bytes.up.and_then(some)),
        ("Bytes, server to client", |w| w.t.bytes.down.and_then(some)),
        ("Estimated on the wire", |w| w.t.bytes.wire_estimate.and_then(some)),
        ("Server memory per connection", |w| w.t.server.as_ref()?.rss_bytes_per_connection.map(bytes)),
        ("Server CPU", |w| w.t.server.as_ref().map(|server| ms(server.cpu_s * 1000.0))),
    ];
    let mut heads = vec!["Count".to_owned()];
    heads.extend(all.iter().map(|way| way.name.clone()));
    let rows: Vec<Vec<String>> = rows
        .iter()
        .filter(|(_, cell)| all.iter().any(|way| cell(way).is_some()))
        .map(|(name, cell)| {
            let cells = all.iter().map(|way| cell(way).unwrap_or_else(|| "–".to_owned()));
            std::iter::once((*name).to_owned()).chain(cells).collect()
        })
        .collect();
    table("Counts", &heads, &rows)
}

fn some(n: u64) -> Option<String> {
    (n > 0).then(|| count(n))
}

fn row(name: String, s: &Summary) -> Vec<String> {
    let cell = |value: Option<f64>, needed: u64| match value {
        Some(value) => ms(value),
        // A formula that knows no distribution leaves the least out, too, however many there are.
        None if s.count < needed && (s.count == 0 || s.min.is_some()) => "too few samples".to_owned(),
        None => "–".to_owned(),
    };
    let values = [
        (s.min, 1),
        (s.mean, 1),
        (s.p50, 1),
        (s.p90, 1),
        (s.p95, 1),
        (s.p99, 100),
        (s.p999, 1_000),
        (s.max, 1),
    ];
    let mut cells = vec![name, count(s.count)];
    cells.extend(values.map(|(value, needed)| cell(value, needed)));
    cells
}

pub fn thresholds(outcome: &Outcome) -> Markup {
    let heads = ["Metric", "Condition", "Actual", "Verdict"].map(str::to_owned);
    let rows: Vec<Vec<String>> = outcome
        .thresholds
        .iter()
        .map(|t| {
            let actual = t.actual.map_or_else(|| "no value".to_owned(), figure);
            let why = t.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            let held = if t.passed { "held" } else { "failed" };
            vec![t.metric.clone(), t.expression.clone(), actual, format!("{held}{why}")]
        })
        .collect();
    table("Thresholds", &heads, &rows)
}

/// Links that hold their files, so that they work without a network.
pub fn downloads(outcome: &Outcome, all: &[Way<'_>], json: &str) -> Markup {
    let link = |kind: &str, content: &str| format!("data:{kind};base64,{}", STANDARD.encode(content));
    html! {
        p { "Everything on this page comes from these files; they are inside it." }
        ul.downloads {
            li { a download="outcome.json" href=(link("application/json", json)) { "outcome.json" } " – the whole outcome" }
            li { a download="summary.csv" href=(link("text/csv;charset=utf-8", &summary_csv(all))) { "summary.csv" } " – one row per transport" }
            li { a download="series.csv" href=(link("text/csv;charset=utf-8", &series_csv(outcome))) { "series.csv" } " – the course over the window" }
        }
    }
}

fn summary_csv(all: &[Way<'_>]) -> String {
    let mut text =
        "label,kind,clients,polls,empty,waste_ratio,expected,delivered,lost,duplicated,latency_mean_ms,\
                    latency_p50_ms,latency_p95_ms,latency_max_ms,bytes_up,bytes_down,bytes_opening,cpu_s\n"
            .to_owned();
    for way in all {
        let t = way.t;
        let (r, d, l) = (&t.requests, &t.deliveries, &t.latency_ms);
        let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        let cells = [
            field(&t.label),
            field(&t.kind),
            t.clients.to_string(),
            r.polls.to_string(),
            r.empty.to_string(),
            number(t.waste_ratio),
            d.expected.to_string(),
            d.delivered.to_string(),
            d.lost.to_string(),
            d.duplicated.to_string(),
            number(l.mean),
            number(l.p50),
            number(l.p95),
            number(l.max),
            whole(t.bytes.up),
            whole(t.bytes.down),
            whole(t.bytes.opening),
            number(t.server.as_ref().map(|server| server.cpu_s)),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn series_csv(outcome: &Outcome) -> String {
    let mut text = "label,from_s,requests,empty,delivered,bytes,latency_p50_ms\n".to_owned();
    for t in &outcome.transports {
        let s = &t.series;
        let steps = [s.requests.len(), s.delivered.len(), s.bytes.len()].into_iter().max().unwrap_or(0);
        for i in 0..steps {
            let at = |values: &[u64]| values.get(i).map_or_else(String::new, u64::to_string);
            let median =
                s.latency_p50_ms.get(i).copied().flatten().map_or_else(String::new, |v| v.to_string());
            let from = thousandths(i as f64 * s.step_s);
            let (requests, empty) = (at(&s.requests), at(&s.empty));
            let (delivered, bytes) = (at(&s.delivered), at(&s.bytes));
            text.push_str(&format!(
                "{},{from},{requests},{empty},{delivered},{bytes},{median}\n",
                field(&t.label)
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::ways::ways;

    #[test]
    fn fields_cannot_become_formulas() {
        assert_eq!(field("poll"), "poll");
        assert_eq!(field("=1+1"), "'=1+1");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn a_late_timer_is_not_called_a_server_that_stood_still() {
        let mut outcome = fixture::letters();
        let at = |p99| Some(Summary { p99: Some(p99), ..Summary::default() });
        let poll = &mut outcome.transports[0];
        (poll.request_ms, poll.request_ms_uncorrected) = (at(3.0), at(1.0));
        outcome.generator.as_mut().unwrap().poll_late_ms_p99 = Some(2.5);
        assert!(two_rows(&outcome, &ways(&outcome)).contains("timers were late"));
        outcome.transports[0].request_ms = at(900.0);
        assert!(two_rows(&outcome, &ways(&outcome)).contains("the server stood still"));
    }

    #[test]
    fn polls_without_an_answer_show() {
        let mut outcome = fixture::letters();
        let shown =
            |outcome: &Outcome| counts(&ways(outcome)).into_string().contains("Polls that were answered");
        assert!(!shown(&outcome));
        outcome.transports[0].requests.failed = 7;
        assert!(shown(&outcome));
    }

    #[test]
    fn files_have_a_row_per_transport_and_step() {
        let outcome = fixture::letters();
        assert_eq!(summary_csv(&ways(&outcome)).lines().count(), 1 + 2);
        assert_eq!(series_csv(&outcome).lines().count(), 1 + 2 * 20);
    }
}
