//! Numbers as a person reads them: `1,200`, `2.5 s`, `2.8 kB`, `90 %`. Number and unit are held together
//! by a no-break space; the terminal's text turns it into a plain one.

use std::time::Duration;

/// `1,081`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 person`, `300 people`.
#[must_use]
pub fn people(n: u32) -> String {
    several(n.into(), "person", "people")
}

/// `1 message`, `3,000 messages`.
#[must_use]
pub fn several(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A time given in milliseconds: `0.4 ms`, `30 ms`, `2.5 s`, `47 s`, `2.1 min`.
#[must_use]
pub fn ms(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        joined("0", "ms")
    } else if size < 0.01 {
        joined(&format!("{:.0}", value * 1000.0), "µs")
    } else if size < 9.95 {
        unit(value, if size < 0.095 { 2 } else { 1 }, "ms")
    } else if size < 999.5 {
        unit(value, 0, "ms")
    } else if size < 9_950.0 {
        unit(value / 1000.0, 1, "s")
    } else if size < 119_500.0 {
        unit(value / 1000.0, 0, "s")
    } else if size < 10_795_000.0 {
        unit(value / 60_000.0, 1, "min")
    } else {
        unit(value / 3_600_000.0, 1, "h")
    }
}

/// A duration, exact to the millisecond where that matters: `5 s`, `47.5 s`, `250 ms`, `2 min`.
#[must_use]
pub fn duration(value: Duration) -> String {
    let millis = value.as_secs_f64() * 1000.0;
    if value.is_zero() {
        joined("0", "s")
    } else if millis < 1000.0 {
        trimmed(millis, "ms")
    } else if millis < 120_000.0 || !value.as_secs().is_multiple_of(60) {
        trimmed(millis / 1000.0, "s")
    } else if millis < 7_200_000.0 || !value.as_secs().is_multiple_of(3600) {
        trimmed(millis / 60_000.0, "min")
    } else {
        trimmed(millis / 3_600_000.0, "h")
    }
}

/// Without what counting in binary adds: 0.3 and not 0.30000000000000004.
#[must_use]
pub fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A duration as scenario files and `--set` write it: `5s`, `47500ms`.
#[must_use]
pub fn option(value: Duration) -> String {
    if value.subsec_nanos() == 0 {
        format!("{}s", value.as_secs())
    } else if value.subsec_nanos().is_multiple_of(1_000_000) {
        format!("{}ms", value.as_millis())
    } else {
        format!("{}us", value.as_micros())
    }
}

/// `57 B`, `2.8 kB`, `1.2 MB`; powers of ten.
#[must_use]
pub fn bytes(value: f64) -> String {
    let size = value.abs();
    if size < 999.5 {
        unit(value, usize::from(size > 0.0 && size < 9.95), "B")
    } else if size < 999_500.0 {
        unit(value / 1e3, usize::from(size < 99_500.0), "kB")
    } else if size < 999_500_000.0 {
        unit(value / 1e6, usize::from(size < 99_500_000.0), "MB")
    } else {
        unit(value / 1e9, 1, "GB")
    }
}

/// A share of one: `90 %`; never `100 %` or `0 %` for something that is not quite.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    for digits in 0..=2 {
        let text = format!("{value:.digits$}");
        let rounded: f64 = text.parse().unwrap_or(value);
        let exact = value == 0.0 || value == 100.0;
        if exact || (rounded > 0.0 && rounded < 100.0) || value > 100.0 {
            return joined(&text, "%");
        }
    }
    joined(if value < 50.0 { "under 0.01" } else { "over 99.99" }, "%")
}

/// A share of one with one digit: `90.1 %`.
#[must_use]
pub fn percent_fine(share: f64) -> String {
    joined(&format!("{:.1}", share * 100.0), "%")
}

/// How many times: `2.5`, `24`, `2,500`.
#[must_use]
pub fn times(value: f64) -> String {
    if value < 9.95 {
        let text = format!("{value:.1}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    } else if value < 99.5 {
        format!("{value:.0}")
    } else {
        // Two figures are all that such a ratio is good for.
        let scale = 10f64.powf(value.log10().floor() - 1.0);
        count((value / scale).round().mul_add(scale, 0.5) as u64)
    }
}

/// A small rate, up to three digits behind the point below one: `0.105`, `0.5`, `1.5`, `20`.
#[must_use]
pub fn rate(value: f64) -> String {
    if value <= 0.0 {
        "0".to_owned()
    } else if value < 0.995 {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        times(value)
    }
}

/// A figure of unknown unit with up to four significant digits, and every digit before the point:
/// `0.9834`, `97.5`, `6,968,000`.
#[must_use]
pub fn figure(value: f64) -> String {
    let size = value.abs();
    if size >= 999.95 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", count(size.round() as u64));
    }
    let digits = if size >= 9.99995 { 1 } else { 4 };
    let text = format!("{value:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds as `0:42`, and `0:00.5` where they are no whole ones; from two hours on `2:05:00`.
#[must_use]
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let (whole, tenths) = (tenths / 10, tenths % 10);
    let part = if tenths == 0 { String::new() } else { format!(".{tenths}") };
    match whole {
        ..7_200 => format!("{}:{:02}{part}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}{part}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

fn unit(value: f64, digits: usize, name: &str) -> String {
    let text = format!("{value:.digits$}");
    let short = if digits == 1 { text.strip_suffix(".0").unwrap_or(&text) } else { &text };
    // A second that is exactly one keeps its digit: "1.0 s" says how well it is known.
    joined(if name == "s" && digits == 1 { &text } else { short }, name)
}

fn trimmed(value: f64, name: &str) -> String {
    let text = format!("{value:.3}");
    joined(text.trim_end_matches('0').trim_end_matches('.'), name)
}

fn joined(number: &str, unit: &str) -> String {
    format!("{number}\u{a0}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: String) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn thousands_are_parted() {
        let cases = [(0, "0"), (999, "999"), (1200, "1,200"), (1_234_567, "1,234,567")];
        for (value, text) in cases {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn times_change_unit_where_they_round() {
        let cases = [
            (0.0, "0 ms"),
            (0.004, "4 µs"),
            (0.42, "0.4 ms"),
            (1.0, "1 ms"),
            (1.26, "1.3 ms"),
            (9.96, "10 ms"),
            (30.2, "30 ms"),
            (999.6, "1.0 s"),
            (2_512.0, "2.5 s"),
            (9_960.0, "10 s"),
            (119_600.0, "2 min"),
        ];
        for (value, text) in cases {
            assert_eq!(plain(ms(value)), text, "{value}");
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        let cases = [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.9, "90 %"),
            (0.996, "99.6 %"),
            (0.9999, "99.99 %"),
            (0.999_999, "over 99.99 %"),
            (0.004, "0.4 %"),
            (0.000_000_1, "under 0.01 %"),
        ];
        for (value, text) in cases {
            assert_eq!(plain(percent(value)), text, "{value}");
        }
    }

    #[test]
    fn sizes_ratios_and_durations() {
        assert_eq!(plain(bytes(57.4)), "57 B");
        assert_eq!(plain(bytes(2_840.0)), "2.8 kB");
        assert_eq!(plain(bytes(345_000.0)), "345 kB");
        assert_eq!(plain(bytes(1_250_000.0)), "1.2 MB");
        assert_eq!(times(24.3), "24");
        assert_eq!(times(2_512.0), "2,500");
        assert_eq!(times(2.04), "2");
        assert_eq!(rate(0.1053), "0.105");
        assert_eq!(rate(0.5), "0.5");
        assert_eq!(plain(duration(Duration::from_millis(47_500))), "47.5 s");
        assert_eq!(plain(duration(Duration::from_secs(120))), "2 min");
        assert_eq!(option(Duration::from_millis(47_500)), "47500ms");
        assert_eq!([62.0, 0.5, 7_199.0, 7_500.0].map(clock), ["1:02", "0:00.5", "119:59", "2:05:00"]);
    }
}
