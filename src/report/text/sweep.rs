//! A sweep for a terminal.

use unicode_width::UnicodeWidthStr as _;

use super::{Style, pad, plain, visible, wrap};
use crate::report::chart;
use crate::report::measure;
use crate::report::numbers::{bytes, count, ms, percent};
use crate::report::sweep::{Sweep, findings};
use crate::report::ways::ways;

/// Columns of the whole text, where the values leave that much room.
const WIDTH: usize = 80;

/// The grid as a table, a row per point and transport, and the findings. Ends with a line break.
#[must_use]
pub fn sweep(sweep: &Sweep, style: Style) -> String {
    let (name, title) = sweep.subject();
    let mut lines = wrap(&plain(title), WIDTH).iter().map(|line| style.bold(line)).collect::<Vec<_>>();
    let done = format!("{} of {} points", sweep.points.len(), sweep.planned());
    lines.push(style.quiet(&plain(&format!("{name} · {} · {done}", sweep.varied()))));
    lines.push(String::new());
    if sweep.keys.len() == 2 {
        lines.extend(maps(sweep, style));
    } else {
        lines.extend(table(sweep, style));
        lines.push(String::new());
    }
    for finding in findings(sweep).1 {
        let wrapped = wrap(&plain(&finding), WIDTH - 2);
        let lead = |i: usize| if i == 0 { "· " } else { "  " };
        lines.extend(wrapped.iter().enumerate().map(|(i, line)| format!("{}{line}", lead(i))));
    }
    let mut text = lines.join("\n").replace(['“', '”'], "\"").replace('\u{a0}', " ");
    text.push('\n');
    visible(&text, style)
}

/// The heat maps of a grid as numbers.
fn maps(sweep: &Sweep, style: Style) -> Vec<String> {
    let [across, down] = &sweep.keys[..] else { return Vec::new() };
    let mut lines = Vec::new();
    for (title, rows) in chart::heat_maps(sweep) {
        lines.extend(wrap(&plain(&title), WIDTH).iter().map(|line| style.bold(line)));
        lines.push(style.quiet(&plain(&format!("{} across, {} down", across.name, down.name))));
        let mut all =
            vec![std::iter::once(String::new()).chain(across.values.clone()).collect::<Vec<String>>()];
        all.extend(down.values.iter().zip(rows).map(|(value, cells)| {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
            std::iter::once(value.clone()).chain(cells).collect()
        }));
        let [head, body @ ..] = &columns(&all)[..] else { continue };
        lines.push(style.quiet(head));
        lines.extend(body.iter().cloned());
        lines.push(String::new());
    }
    lines
}

/// Rows of equally many cells as lines with their columns aligned.
fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let many = rows.first().map_or(0, Vec::len);
    let width = |i: usize| rows.iter().map(|row| plain(&row[i]).width()).max().unwrap_or(0) + 2;
    let widths: Vec<usize> = (0..many).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded: String =
            cells.iter().zip(&widths).map(|(text, width)| pad(&plain(text), *width)).collect();
        padded.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn table(sweep: &Sweep, style: Style) -> Vec<String> {
    let mut heads: Vec<String> = sweep.keys.iter().map(|key| key.name.clone()).collect();
    heads.extend(["", "\"Nope\"", "typical", "95 in 100", "a message", "requests"].map(str::to_owned));
    let mut rows = vec![heads];
    for point in &sweep.points {
        for (i, way) in ways(&point.outcome).iter().enumerate() {
            let mut cells: Vec<String> =
                point.values.iter().map(|v| if i == 0 { v.clone() } else { String::new() }).collect();
            let none = || "–".to_owned();
            cells.push(way.name.clone());
            cells.push(way.t.waste_ratio.map_or_else(none, percent));
            let typical = way.t.latency_ms.p50.or(way.t.latency_ms.mean);
            cells.push(typical.map_or_else(none, ms));
            cells.push(way.t.latency_ms.p95.map_or_else(none, ms));
            cells.push(measure::bytes_per_message(way.t).map_or_else(none, bytes));
            cells.push(count(way.t.requests.total));
            rows.push(cells);
        }
    }
    let mut lines = columns(&rows);
    if let Some(head) = lines.first_mut() {
        *head = style.bold(head);
    }
    lines
}
