//! Values of a setting as numbers on an axis.

use crate::report::advice::spoken;
use crate::report::numbers::bytes;
use crate::units::{format_rate, parse_duration, parse_rate, parse_size};

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bits a second.
    Rate,
    /// Things.
    Plain,
}

/// A written value as a number: `250ms` is 0.25 of seconds, `4KiB` 4096 of bytes, `300` of things.
#[must_use]
pub fn magnitude(text: &str) -> Option<(f64, Unit)> {
    let text = text.trim().trim_matches('"');
    if let Ok(value) = parse_duration(text) {
        return Some((value.as_secs_f64(), Unit::Seconds));
    }
    if let Ok(value) = parse_size(text) {
        return Some((value as f64, Unit::Bytes));
    }
    if let Ok(value) = parse_rate(text) {
        return Some((value as f64, Unit::Rate));
    }
    text.replace('_', "").parse::<f64>().ok().filter(|n| n.is_finite()).map(|value| (value, Unit::Plain))
}

impl Unit {
    /// A number of it as a person reads it.
    #[must_use]
    pub fn say(self, value: f64) -> String {
        match self {
            Self::Seconds => spoken::seconds(value),
            Self::Bytes => bytes(value),
            Self::Rate => format_rate(value.max(0.0).round() as u64),
            Self::Plain => spoken::few(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_units() {
        assert_eq!(magnitude("250ms"), Some((0.25, Unit::Seconds)));
        assert_eq!(magnitude("\"4KiB\""), Some((4096.0, Unit::Bytes)));
        assert_eq!(magnitude("9Mbit/s"), Some((9e6, Unit::Rate)));
        assert_eq!(magnitude("300"), Some((300.0, Unit::Plain)));
        assert_eq!(magnitude("true"), None);
        assert_eq!(magnitude("3g"), None);
    }
}
