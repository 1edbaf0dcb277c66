//! The embedded font: drawn into PNG, and measured for layout. No font of the system is asked for.

use std::sync::OnceLock;

use plotters::style::{FontStyle, IntoFont as _, register_font};

/// The family under which the font is registered; in SVG the reader's own sans-serif takes over.
pub const FAMILY: &str = "sans-serif";
/// Height of DejaVu's line in ems: what the bitmap backend takes for the size.
pub const BITMAP_EM: f64 = 1.164;
/// What the SVG backend divides the size by.
pub const SVG_EM: f64 = 1.24;

/// Registers the font once.
///
/// # Errors
/// The embedded bytes are no font, which only a broken build can bring about.
pub fn register() -> anyhow::Result<()> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && register_font(FAMILY, FontStyle::Bold, dejavu::sans::bold()).is_ok()
    });
    anyhow::ensure!(*done, "the embedded font cannot be read");
    Ok(())
}

/// The width of a text in points. DejaVu is wider than the usual system fonts, so what fits here fits there.
#[must_use]
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    const FINE: f64 = 100.0;
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let measured = register().ok().and_then(|()| {
        let font = (FAMILY, FINE * BITMAP_EM, style).into_font();
        font.layout_box(text).ok().map(|((x0, _), (x1, _))| f64::from(x1 - x0))
    });
    measured.unwrap_or(60.0 * text.chars().count() as f64) * size / FINE
}

/// The text cut with an ellipsis so that it is no wider than `room`.
#[must_use]
pub fn fit(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let short: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if width(&short, size, bold) <= room {
            return short;
        }
    }
    String::new()
}

/// The text in lines no wider than `room`, as few as can be and then as even as can be; broken between
/// words, a word longer than a line is cut.
#[must_use]
pub fn wrap(text: &str, size: f64, bold: bool, room: f64) -> Vec<String> {
    let lines = greedy(text, size, bold, room);
    let even = |share: &f64| greedy(text, size, bold, room * share);
    let shares = [0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];
    let words = |lines: &[String]| lines.join(" ").chars().count();
    shares
        .iter()
        .map(even)
        .find(|even| even.len() == lines.len() && words(even) == words(&lines))
        .unwrap_or(lines)
}

fn greedy(text: &str, size: f64, bold: bool, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Not at no-break spaces, which hold a number and its unit together.
    for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
        if let Some(last) = lines.last_mut() {
            let longer = format!("{last} {word}");
            if width(&longer, size, bold) <= room {
                *last = longer;
                continue;
            }
        }
        lines.push(fit(word, size, bold, room));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_fit_and_lose_no_word() {
        let text = "Half of the messages by polling waited over 2.5 s; by WebSocket 1 ms";
        let lines = wrap(text, 26.0, true, 400.0);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| width(line, 26.0, true) <= 400.0));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn a_long_word_is_cut() {
        let cut = fit(&"x".repeat(100), 10.0, false, 80.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0, false) <= 80.0);
        assert_eq!(fit("abc", 10.0, false, 0.0), "");
    }
}
