//! Rows of figures for spreadsheets and scripts.

use crate::outcome::Delivery;

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
