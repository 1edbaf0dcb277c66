//! Rows of figures for spreadsheets and scripts.

use crate::outcome::Delivery;

use super::sweep::Sweep;

/// `deliveries.csv`: a heading and a row per delivery, times in milliseconds from the start of the window.
#[must_use]
pub fn deliveries(rows: &[Delivery]) -> String {
    let mut text = String::from("transport,client,event,published_ms,received_ms,latency_ms\n");
    for row in rows {
        let ms = |us: i64| us as f64 / 1000.0;
        let latency = ms(row.received_us - row.published_us);
        // Labels are letters, digits, `_` and `-`, so nothing needs quoting.
        text += &format!(
            "{},{},{},{},{},{latency}\n",
            row.transport,
            row.client,
            row.event,
            ms(row.published_us),
            ms(row.received_us),
        );
    }
    text
}

/// `sweep.csv`: a heading and a row per point and transport. Rates are per second of the window; what an
/// engine cannot know is empty.
#[must_use]
pub fn sweep(sweep: &Sweep) -> String {
    let mut text: String = sweep.keys.iter().map(|key| field(&key.name) + ",").collect();
    text.push_str(
        "label,kind,clients,requests,polls,empty,waste_ratio,latency_mean_ms,latency_p50_ms,latency_p95_ms,\
         latency_p99_ms,expected,delivered,lost,bytes_up,bytes_down,bytes_opening,wire_estimate,connections_peak,\
         cpu_s,interrupted_at_s\n",
    );
    for point in &sweep.points {
        for t in &point.outcome.transports {
            let (r, d, l) = (&t.requests, &t.deliveries, &t.latency_ms);
            let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
            let mut cells: Vec<String> = point.values.iter().map(|value| field(value)).collect();
            cells.extend([t.label.clone(), t.kind.clone()]);
            cells.extend([u64::from(t.clients), r.total, r.polls, r.empty].map(|n| n.to_string()));
            cells.extend([t.waste_ratio, l.mean, l.p50, l.p95, l.p99].map(number));
            let bytes = &t.bytes;
            cells.extend([d.expected, d.delivered, d.lost].map(|n| n.to_string()));
            let counted = [bytes.up, bytes.down, bytes.opening, bytes.wire_estimate, t.connections.peak];
            cells.extend(counted.map(whole));
            cells.push(number(t.server.as_ref().map(|server| server.cpu_s)));
            cells.push(number(point.outcome.interrupted_at_s));
            text.push_str(&(cells.join(",") + "\n"));
        }
    }
    text
}

/// A count; empty where nobody counted.
pub(super) fn whole(count: Option<u64>) -> String {
    count.map_or_else(String::new, |n| n.to_string())
}

/// A field. A spreadsheet must read it as text, so a leading operator gets a quote before it.
#[must_use]
pub fn field(text: &str) -> String {
    let guarded =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}
