//! Heat maps of a sweep over two settings: one figure per cell, written into it.

use super::super::numbers::{ms, percent, times};
use super::super::sweep::{Point, Sweep};
use super::super::verdict::{asker, pusher};
use super::super::ways::{Kind, Way, capital, ways};
use super::shape::{Anchor, Frame, Ink, Picture, Shape};
use super::{Entry, Figure, font, swept};

/// The figures that are mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// Share of empty polls.
    Waste,
    /// Bytes of the asker / bytes of the pusher.
    Bytes,
    /// Typical delay of the asker.
    Delay,
}

impl Map {
    /// In the order of the page.
    pub const ALL: [Self; 3] = [Self::Waste, Self::Bytes, Self::Delay];
}

/// A cell: its text, and with what it is painted.
struct Cell {
    text: String,
    kind: Kind,
    /// 0 to 100.
    level: u8,
}

/// The maps of a grid.
pub fn entries(sweep: &Sweep) -> Vec<Entry<'_>> {
    Map::ALL.into_iter().map(|map| entry(sweep, map)).collect()
}

fn entry(sweep: &Sweep, map: Map) -> Entry<'_> {
    let slug = match map {
        Map::Waste => "heat-waste",
        Map::Bytes => "heat-bytes",
        Map::Delay => "heat-delay",
    };
    let known: Vec<(&Point, f64)> =
        sweep.points.iter().filter_map(|point| Some((point, figure(point, map)?))).collect();
    if known.is_empty() {
        let why = match map {
            Map::Waste => "Nobody asked, so no ask was wasted.",
            Map::Bytes => "It takes one transport that asks and one that pushes.",
            Map::Delay => "No message arrived by asking.",
        };
        return Entry::Missing { slug, why: why.to_owned() };
    }
    let title = title(&known, map);
    Entry::Drawn(Figure {
        slug,
        alt: format!("Heat map over {}: {title}.", sweep.varied()),
        caption: caption(map).to_owned(),
        table: swept::table(sweep),
        draw: Box::new(move |frame| picture(frame, sweep, map)),
        title,
    })
}

fn caption(map: Map) -> &'static str {
    match map {
        Map::Waste => "The share of asks that found nothing. Stronger colour is more.",
        Map::Bytes => {
            "How many times the bytes of push asking moves, both ways, headers and payload. Painted in the colour of \
             the one that moves more; × 1 is equal."
        }
        Map::Delay => "Half of the messages came sooner. Stronger colour is later, by factors.",
    }
}

/// The two that are weighed against each other.
fn two<'b, 'a>(all: &'b [Way<'a>]) -> Option<(&'b Way<'a>, &'b Way<'a>)> {
    let (one, other) = (asker(all)?, pusher(all)?);
    (one.t.label != other.t.label).then_some((one, other))
}

/// The figure of one cell.
pub fn figure(point: &Point, map: Map) -> Option<f64> {
    let all = ways(&point.outcome);
    match map {
        Map::Waste => asker(&all)?.t.waste_ratio,
        Map::Delay => {
            let latency = &asker(&all)?.t.latency_ms;
            latency.p50.or(latency.mean)
        }
        Map::Bytes => {
            let (one, other) = two(&all)?;
            let bytes = |way: &Way<'_>| way.t.bytes.both_ways().map(|bytes| bytes as f64);
            Some(bytes(one)? / bytes(other)?).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
        }
    }
}

/// The figure as it is written into its cell.
pub fn text(map: Map, value: f64) -> String {
    match map {
        Map::Waste => percent(value),
        Map::Delay => ms(value),
        Map::Bytes => {
            if value < 0.995 {
                format!("× {value:.2}")
            } else {
                format!("× {}", times(value))
            }
        }
    }
}

fn title(known: &[(&Point, f64)], map: Map) -> String {
    let all = ways(&known[0].0.outcome);
    let name = asker(&all).map_or_else(String::new, |way| capital(&way.name));
    let least = known.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let most = known.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (Some(least), Some(most)) = (least, most) else { return name };
    let at = |point: &Point| point.values.join(" and ");
    match map {
        Map::Bytes => {
            let other = two(&all).map_or_else(String::new, |(_, other)| other.name.clone());
            let fewer = known.iter().filter(|(_, ratio)| *ratio < 1.0).count();
            format!("{name} moves fewer bytes than {other} in {fewer} of {} cells", known.len())
        }
        Map::Waste | Map::Delay => {
            let (low, high) = (text(map, least.1), text(map, most.1));
            if low == high {
                return format!("{name}: {low} everywhere");
            }
            let what = if map == Map::Waste { "of asks find nothing" } else { "typical delay" };
            format!("{name}: {low} {what} at {}, {high} at {}", at(least.0), at(most.0))
        }
    }
}

/// The title of a map, and its cells: a row for each value of the second key.
pub fn written(sweep: &Sweep, map: Map) -> Option<(String, Vec<Vec<Option<String>>>)> {
    let known: Vec<(&Point, f64)> =
        sweep.points.iter().filter_map(|point| Some((point, figure(point, map)?))).collect();
    let [across, down] = &sweep.keys[..] else { return None };
    let cell = |column: &String, row: &String| {
        let here = |(point, _): &&(&Point, f64)| point.values[0] == *column && point.values[1] == *row;
        known.iter().find(here).map(|(_, value)| text(map, *value))
    };
    let rows = down.values.iter().map(|row| across.values.iter().map(|column| cell(column, row)).collect());
    (!known.is_empty()).then(|| (title(&known, map), rows.collect()))
}

fn cell(point: &Point, map: Map, (low, high): (f64, f64)) -> Option<Cell> {
    let value = figure(point, map)?;
    let all = ways(&point.outcome);
    let kind = asker(&all)?.kind;
    let share = |x: f64| (x.clamp(0.0, 1.0) * 100.0).round() as u8;
    let (kind, level) = match map {
        Map::Waste => (kind, share(value)),
        Map::Delay => {
            let log = |ms: f64| ms.max(0.1).ln();
            (kind, share((log(value) - log(low)) / (log(high) - log(low)).max(1e-9)))
        }
        Map::Bytes => {
            let (one, other) = two(&all)?;
            let winner = if value >= 1.0 { one.kind } else { other.kind };
            let widest = low.max(1e-9).ln().abs().max(high.max(1e-9).ln().abs()).max(1e-9);
            (winner, share(value.max(1e-9).ln().abs() / widest))
        }
    };
    Some(Cell { text: text(map, value), kind, level })
}

fn picture(frame: &Frame, sweep: &Sweep, map: Map) -> Picture {
    let (em, small) = (frame.text, frame.text * 0.88);
    let [across, down] = &sweep.keys[..] else {
        return Picture { width: frame.width, height: em, shapes: Vec::new() };
    };
    let figures = || sweep.points.iter().filter_map(|point| figure(point, map));
    let range = (figures().fold(f64::INFINITY, f64::min), figures().fold(0.0, f64::max));
    let widest = down.values.iter().map(|value| font::width(value, small, false)).fold(0.0, f64::max);
    let left = (widest + em * 0.9).min(frame.width * 0.3);
    let (top, height) = (em * 2.2, em * 2.5);
    let width = (frame.width - left - 4.0) / across.values.len() as f64;
    let mut shapes = vec![Shape::text(
        (4.0, em * 0.8),
        font::fit(&format!("{} ↓", down.name), small, false, frame.width - 8.0),
        small,
        Ink::Muted,
        Anchor::Start,
    )];
    for (row, value) in down.values.iter().enumerate() {
        let y = top + row as f64 * height;
        let label = font::fit(value, small, false, left - em * 0.4);
        shapes.push(Shape::text((left - em * 0.5, y + height / 2.0), label, small, Ink::Muted, Anchor::End));
        for (column, wanted) in across.values.iter().enumerate() {
            let point =
                sweep.points.iter().find(|point| point.values[0] == *wanted && point.values[1] == *value);
            let x = left + column as f64 * width;
            let corners = ((x + 1.0, y + 1.0), (x + width - 1.0, y + height - 1.0));
            let Some(cell) = point.and_then(|point| cell(point, map, range)) else {
                shapes.push(Shape::rectangle(corners.0, corners.1, Ink::Shade));
                continue;
            };
            shapes.push(Shape::rectangle(corners.0, corners.1, Ink::Tint(cell.kind, cell.level)));
            // What does not fit is in the table.
            if font::width(&cell.text, small, true) <= width - 4.0 {
                let at = (x + width / 2.0, y + height / 2.0);
                shapes.push(Shape::strong(
                    at,
                    cell.text,
                    small,
                    Ink::OnTint(cell.kind, cell.level),
                    Anchor::Middle,
                ));
            }
        }
    }
    let bottom = top + down.values.len() as f64 * height;
    shapes.extend(labels_below(frame, across.values.iter(), left, width, bottom));
    let name = font::fit(&across.name, small, false, frame.width - 8.0);
    shapes.push(Shape::text(
        ((left + frame.width) / 2.0, bottom + small * 2.5),
        name,
        small,
        Ink::Muted,
        Anchor::Middle,
    ));
    Picture { width: frame.width, height: bottom + em * 3.2, shapes }
}

fn labels_below<'a>(
    frame: &Frame,
    values: impl Iterator<Item = &'a String>,
    left: f64,
    width: f64,
    bottom: f64,
) -> Vec<Shape> {
    let small = frame.text * 0.88;
    let mut free = f64::NEG_INFINITY;
    let mut shapes = Vec::new();
    for (column, value) in values.enumerate() {
        let middle = left + (column as f64 + 0.5) * width;
        let half = font::width(value, small, false) / 2.0;
        if middle - half > free {
            free = middle + half + small * 0.4;
            let at = (middle, bottom + small * 1.1);
            shapes.push(Shape::text(at, value.as_str(), small, Ink::Muted, Anchor::Middle));
        }
    }
    shapes
}
