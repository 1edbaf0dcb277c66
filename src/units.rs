//! Durations, rates and sizes as people write them: `250ms`, `9Mbit/s`, `4KiB`.

use std::time::Duration;

/// Reads `250ms`, `5s`, `2m`, `1h`, `1.5s` (also `us`).
///
/// # Errors
/// A sentence saying what would be right.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let _ = text;
    Err("unfinished".to_owned())
}

/// Writes a duration so that [`parse_duration`] reads the same value back: `1.4s`, `25s`, `2m`.
#[must_use]
pub fn format_duration(value: Duration) -> String {
    format!("{}us", value.as_micros())
}

/// Serde: a duration as text.
pub mod duration_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes `5s`.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::format_duration(*value))
    }

    /// Reads `5s`.
    ///
    /// # Errors
    /// The text is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        super::parse_duration(&text).map_err(D::Error::custom)
    }
}
