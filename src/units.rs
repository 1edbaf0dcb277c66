//! Durations, rates and sizes as people write them: `250ms`, `9Mbit/s`, `4KiB`.
//!
//! Read exactly, in integers: what a file says is what runs, and it can be written back unchanged.

use std::time::Duration;

/// One sort of quantity: its name, its units (largest first, in the base unit) and how to write it.
struct Quantity {
    what: &'static str,
    help: &'static str,
    /// The unit meant when none was written.
    usual: &'static str,
    units: &'static [(&'static str, u128)],
}

/// In nanoseconds.
const DURATION: Quantity = Quantity {
    what: "a duration",
    help: "write a number and a unit, like \"250ms\", \"5s\", \"2m\" or \"1h\"",
    usual: "s",
    units: &[
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
    ],
};
/// In bits per second; networks count in powers of ten.
const RATE: Quantity = Quantity {
    what: "a rate",
    help: "write a number and a unit, like \"500kbit/s\" or \"9Mbit/s\"",
    usual: "Mbit/s",
    units: &[("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000), ("bit/s", 1)],
};
/// In bytes; memory counts in powers of two.
const SIZE: Quantity = Quantity {
    what: "a size",
    help: "write a number and a unit, like \"64B\", \"4KiB\" or \"1MiB\"",
    usual: "B",
    units: &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)],
};

/// Reads `250ms`, `5s`, `2m`, `1h`, `1.5s` (also `us`).
///
/// # Errors
/// A sentence saying what would be right.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let nanos = parse(text, &DURATION)?;
    let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| too_large(text))?;
    let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
    Ok(Duration::new(seconds, rest))
}

/// Reads `500kbit/s`, `9Mbit/s` as bits per second.
///
/// # Errors
/// A sentence saying what would be right.
pub fn parse_rate(text: &str) -> Result<u64, String> {
    let bits = parse(text, &RATE)?;
    u64::try_from(bits).map_err(|_| too_large(text))
}

/// Reads `64B`, `4KiB`, `1MiB` as bytes.
///
/// # Errors
/// A sentence saying what would be right.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let bytes = parse(text, &SIZE)?;
    u64::try_from(bytes).map_err(|_| too_large(text))
}

/// Writes a duration so that [`parse_duration`] reads the same value back, in the shortest form whose
/// number is at least one: `1.4s`, `250ms`, `25s`, `2m`. Zero is `0ms`.
#[must_use]
pub fn format_duration(value: Duration) -> String {
    let nanos = value.as_nanos();
    if nanos == 0 {
        return "0ms".to_owned();
    }
    DURATION
        .units
        .iter()
        .filter(|(_, unit)| nanos >= *unit)
        .filter_map(|&(name, unit)| Some(format!("{}{name}", decimal_text(nanos, unit)?)))
        // Of two equally long forms the one without a decimal point reads better.
        .min_by_key(|text| (text.len(), text.contains('.')))
        .unwrap_or_else(|| format!("{}us", decimal_text(nanos, 1_000).unwrap_or_default()))
}

/// Writes a size so that [`parse_size`] reads the same value back: `4KiB`, `1MiB`, `871B`.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    whole_units(bytes, &SIZE)
}

/// Writes a rate so that [`parse_rate`] reads the same value back: `9Mbit/s`, `750kbit/s`.
#[must_use]
pub fn format_rate(bits_per_second: u64) -> String {
    whole_units(bits_per_second, &RATE)
}

/// In the largest unit that needs no decimals.
fn whole_units(value: u64, quantity: &Quantity) -> String {
    let value = u128::from(value);
    let fits = quantity.units.iter().find(|(_, unit)| value >= *unit && value.is_multiple_of(*unit));
    fits.map_or_else(
        || format!("{value}{}", quantity.units.last().map_or("", |(name, _)| name)),
        |(name, unit)| format!("{}{name}", value / unit),
    )
}

/// `nanos / unit` as a decimal number, or `None` when it has no end.
fn decimal_text(nanos: u128, unit: u128) -> Option<String> {
    let whole = nanos / unit;
    let mut rest = nanos % unit;
    let mut text = whole.to_string();
    if rest > 0 {
        text.push('.');
    }
    for _ in 0..12 {
        if rest == 0 {
            return Some(text);
        }
        rest *= 10;
        text.push_str(&(rest / unit).to_string());
        rest %= unit;
    }
    None
}

/// Reads `NUMBER UNIT` without a space and returns number × unit, exactly.
fn parse(text: &str, quantity: &Quantity) -> Result<u128, String> {
    let Quantity { what, help, units, .. } = quantity;
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    if number.is_empty() {
        let negative = text.strip_prefix('-').is_some_and(|rest| parse(rest, quantity).is_ok());
        return Err(if negative {
            format!("\"{text}\" is negative; {what} cannot be; {help}")
        } else {
            format!("\"{text}\" is not {what}; {help}")
        });
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(wrong_unit(text, number, unit, quantity));
    };
    let (digits, decimals) =
        decimal(number).ok_or_else(|| format!("\"{number}\" in \"{text}\" is not a number; {help}"))?;
    let product = digits.checked_mul(*factor).ok_or_else(|| too_large(text))?;
    let scale = 10u128.pow(decimals);
    if product.is_multiple_of(scale) {
        Ok(product / scale)
    } else {
        Err(format!("\"{text}\" is finer than can be kept; use fewer decimals or a smaller unit"))
    }
}

fn wrong_unit(text: &str, number: &str, unit: &str, quantity: &Quantity) -> String {
    let Quantity { what, help, usual, units } = quantity;
    if unit.is_empty() {
        return format!("\"{text}\" has no unit; {help}; did you mean \"{number}{usual}\"?");
    }
    let folded = unit.trim().to_lowercase();
    let near = units.iter().find(|(name, _)| {
        let name = name.to_lowercase();
        // "KB" for "KiB", "Mbps" for "Mbit/s", " s" and "sec" for "s".
        name == folded
            || name.replace('i', "") == folded
            || name.replace("it/s", "ps") == folded
            || (name.len() == 1 && folded.starts_with(&name) && folded.chars().all(char::is_alphabetic))
    });
    match near {
        Some((name, _)) => {
            format!("\"{text}\" is not {what}; {help}, without a space; did you mean \"{number}{name}\"?")
        }
        None => format!("\"{text}\" is not {what}; {help}"),
    }
}

fn too_large(text: &str) -> String {
    format!("\"{text}\" is too large")
}

/// `12.50` as (1250, 2): digits and how many of them stand behind the point.
fn decimal(text: &str) -> Option<(u128, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || fraction.len() > 18 {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, u32::try_from(fraction.len()).ok()?))
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

/// An address as it may be shown: without the name and password before its host.
#[must_use]
pub fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        _ => url.to_owned(),
    }
}

/// Serde for durations that may be absent, as JSON `null`.
pub mod optional_duration_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Writes `"5s"` or `null`.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        value.map(super::format_duration).serialize(to)
    }

    /// Reads `"5s"` or `null`.
    ///
    /// # Errors
    /// The text is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| super::parse_duration(&text).map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_read_exactly() {
        for (text, micros) in [
            ("250ms", 250_000),
            ("5s", 5_000_000),
            ("2m", 120_000_000),
            ("1h", 3_600_000_000),
            ("1.4s", 1_400_000),
            ("47.5s", 47_500_000),
            ("20us", 20),
            ("0ms", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_micros(micros)), "{text}");
        }
    }

    #[test]
    fn wrong_durations_say_what_would_be_right() {
        for (text, hint) in [
            ("5", "did you mean \"5s\""),
            ("5 s", "did you mean \"5s\""),
            ("5S", "did you mean \"5s\""),
            ("5sec", "did you mean \"5s\""),
            ("-5s", "negative"),
            ("", "write a number"),
            ("fast", "write a number"),
            ("1m30s", "write a number"),
            ("1..5s", "not a number"),
            (".5s", "not a number"),
            ("5.s", "not a number"),
            ("0.0000000001s", "finer"),
            ("99999999999999999999h", "too large"),
            ("999999999999999999999999999999999999999999h", "not a number"),
        ] {
            let said = parse_duration(text).unwrap_err();
            assert!(said.contains(hint), "{text:?}: {said}");
        }
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        for text in ["1.4s", "250ms", "2m", "25s", "0ms", "90s", "1h", "900ms", "47.5s", "20us", "324s"] {
            let value = parse_duration(text).unwrap();
            assert_eq!(format_duration(value), text);
        }
        assert_eq!(format_duration(Duration::from_nanos(500)), "0.5us");
    }

    #[test]
    fn rates_and_sizes_have_their_own_units() {
        assert_eq!(parse_rate("9Mbit/s"), Ok(9_000_000));
        assert_eq!(parse_rate("1.6Mbit/s"), Ok(1_600_000));
        assert!(parse_rate("9Mbps").unwrap_err().contains("did you mean \"9Mbit/s\""));
        assert_eq!(parse_size("64B"), Ok(64));
        assert_eq!(parse_size("4KiB"), Ok(4096));
        assert_eq!(parse_size("1.5KiB"), Ok(1536));
        assert!(parse_size("4KB").unwrap_err().contains("did you mean \"4KiB\""));
        assert!(parse_size("0.3B").unwrap_err().contains("finer"));
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back(nanos in any::<u64>()) {
            let value = Duration::from_nanos(nanos);
            prop_assert_eq!(parse_duration(&format_duration(value)), Ok(value));
        }

        #[test]
        fn a_round_duration_reads_back(count in 0u64..100_000, unit in 0usize..5) {
            let value = Duration::from_nanos(count * u64::try_from(DURATION.units[unit].1).unwrap());
            let text = format_duration(value);
            prop_assert_eq!(parse_duration(&text), Ok(value));
            let plain = format!("{count}{}", DURATION.units[unit].0);
            prop_assert!(count == 0 || text.len() <= plain.len());
        }

        #[test]
        fn a_written_size_reads_back(bytes in any::<u64>()) {
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
            prop_assert_eq!(parse_rate(&format_rate(bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (parse_duration(&text), parse_rate(&text), parse_size(&text));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("redis://me:secret@host:1/2"), "redis://…@host:1/2");
        assert_eq!(without_password("redis://host"), "redis://host");
    }
}
