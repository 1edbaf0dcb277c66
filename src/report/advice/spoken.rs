//! Numbers of advice and sweeps: three figures are all that such a point is good for.

use std::time::Duration;

use crate::report::numbers::{self, count, rate};

/// Seconds as a person reads them, to three figures.
#[must_use]
pub fn seconds(value: f64) -> String {
    let micros = (value * 1e6).max(0.0);
    let unit = 10f64.powf(micros.max(1.0).log10().floor() - 2.0).max(1.0);
    let rounded = (micros / unit).round() * unit;
    if rounded >= 7.2e9 {
        return format!("{}\u{a0}h", trimmed(rounded / 3.6e9));
    }
    if rounded >= 120e6 {
        return format!("{}\u{a0}min", trimmed(rounded / 60e6));
    }
    numbers::duration(Duration::from_micros(rounded as u64))
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A number to three figures or, above a thousand, whole.
#[must_use]
pub fn few(value: f64) -> String {
    if value >= 99.5 {
        let unit = 10f64.powf(value.log10().floor() - 2.0).max(1.0);
        return count(((value / unit).round() * unit) as u64);
    }
    rate(value)
}
