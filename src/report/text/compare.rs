//! A comparison for a terminal.

use super::{Style, WIDTH, pad, plain, visible, wrap};
use unicode_width::UnicodeWidthStr as _;

use crate::report::compare::{Comparison, Estimate, Metric};

/// What several runs say, and what differs in their settings. Ends with a line break.
#[must_use]
pub fn comparison(comparison: &Comparison, style: Style) -> String {
    let mut lines = vec![style.bold(&plain(&comparison.subject())), String::new()];
    let letters = ('A'..='Z').map(String::from).chain((27..).map(|n| n.to_string()));
    let letters: Vec<String> = letters.take(comparison.runs.len()).collect();
    for (letter, run) in letters.iter().zip(&comparison.runs) {
        lines.push(plain(&format!("{letter}  {}", run.name)));
    }
    lines.push(String::new());
    let width = comparison.differences.iter().map(|difference| difference.key.width()).max().unwrap_or(0) + 2;
    for difference in &comparison.differences {
        let values: Vec<String> = pairs(&letters, difference.values.iter().map(String::as_str));
        let text = plain(&format!("{}{}", pad(&difference.key, width), values.join("  ")));
        lines.extend(wrap(&text, WIDTH).iter().map(|line| style.quiet(line)));
    }
    if comparison.differences.is_empty() {
        lines.push("No setting differs.".to_owned());
    }
    lines.push(String::new());
    for metric in Metric::ALL {
        lines.extend(wrap(&plain(&comparison.title(metric)), WIDTH).iter().map(|line| style.bold(line)));
        for group in comparison.groups(metric) {
            let value = |(index, estimate): &(usize, Estimate)| {
                format!("{} {}", letters[*index], metric.text(estimate.value))
            };
            let values: Vec<String> = group.rows.iter().map(value).collect();
            lines.push(format!("  {}{}", pad(&plain(&group.name), 14), values.join("  ")));
        }
    }
    let mut text = lines.join("\n").replace(['“', '”'], "\"").replace('\u{a0}', " ");
    text.push('\n');
    visible(&text, style)
}

/// `A 5s`, `B 1s`.
fn pairs<'a>(letters: &[String], values: impl Iterator<Item = &'a str>) -> Vec<String> {
    letters.iter().zip(values).map(|(letter, value)| format!("{letter} {value}")).collect()
}
