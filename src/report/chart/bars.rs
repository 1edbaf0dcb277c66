//! Two charts of horizontal bars: what asking found, and what a delay is made of.

use crate::outcome::Outcome;
use crate::scenario::{Engine, Workload};

use super::super::measure;
use super::super::noise;
use super::super::numbers::{count, ms, percent, percent_fine};
use super::super::titles;
use super::super::ways::{Kind, Way};
use super::shape::{Anchor, Frame, Ink, Picture, Shape};
use super::{Entry, Figure, Table, font, names};

/// What the polls of each transport found: a bar of a hundred per cent, with the formula's mark.
pub fn waste<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Entry<'a> {
    let slug = "waste";
    if !all.iter().any(|way| way.t.waste_ratio.is_some()) {
        let why = "No transport of this run was asked and answered, so there is no waste to show.".to_owned();
        return Entry::Missing { slug, why };
    }
    let title = titles::waste(outcome, all);
    let poisson = matches!(outcome.scenario.workload, Workload::Poisson { .. });
    let formula = if poisson { "theory e^(−λT) =" } else { "theory" };
    let rows = all.iter().map(|way| waste_row(outcome, way)).collect();
    let bars: Vec<(Way<'a>, Option<(f64, f64)>)> =
        all.iter().map(|way| (way.clone(), noise::waste_interval(outcome, way))).collect();
    Entry::Drawn(Figure {
        slug,
        alt: titles::alt(
            "Bars of a hundred per cent",
            &format!("answers to {}", names(all)),
            outcome,
            &title,
        ),
        title,
        caption: waste_caption(outcome, all),
        table: Table {
            heads: heads(&["Transport", "Answered polls", "“Nope”", "Share", "95 % interval", "Theory"]),
            rows,
        },
        draw: Box::new(move |frame| {
            let ways: Vec<Way<'_>> = bars.iter().map(|(way, _)| way.clone()).collect();
            let interval = |way: &Way<'_>| {
                bars.iter().find(|(bar, _)| bar.t.label == way.t.label).and_then(|(_, interval)| *interval)
            };
            stack(frame, &ways, |row, way| waste_bar(row, way, interval(way), formula))
        }),
    })
}

fn waste_caption(outcome: &Outcome, all: &[Way<'_>]) -> String {
    let parts =
        "Pale: answers without news, “Nope”. Solid: answers with news. Push transports are never asked.";
    if outcome.engine == Engine::Theory {
        return format!("{parts} Every share is computed, so it has no interval.");
    }
    let mut text = format!("{parts} The dashed mark is what the formula expects.");
    let asked = all.iter().find_map(|way| noise::trials(outcome, way));
    if let Some(trials) = asked {
        text += &format!(" The bracket is the 95 % interval of the measured share: {}.", trials.explained());
    }
    for way in all {
        let name = &way.name;
        text += &match noise::waste_agrees(outcome, way) {
            Some(true) => format!(" By {name}, theory lies within it: they agree."),
            Some(false) => {
                format!(" By {name}, theory lies outside it: {}.", noise::outside(outcome))
            }
            None => String::new(),
        };
    }
    text
}

fn waste_row(outcome: &Outcome, way: &Way<'_>) -> Vec<String> {
    let t = way.t;
    let interval = noise::waste_interval(outcome, way);
    let ends = |(low, high): (f64, f64)| format!("{:.1} to {}", low * 100.0, percent_fine(high));
    match t.waste_ratio {
        Some(share) => vec![
            way.full(),
            count(measure::answered(t)),
            count(t.requests.empty),
            percent_fine(share),
            interval.map_or_else(dash, ends),
            t.theory.waste_ratio.map_or_else(dash, percent_fine),
        ],
        None => vec![way.full(), dash(), dash(), dash(), dash(), dash()],
    }
}

/// What the mean delay of each transport is made of.
pub fn split<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Entry<'a> {
    let slug = "split";
    let ways: Vec<Way<'a>> = all.iter().filter(|way| measure::split(way.t).is_some()).cloned().collect();
    if ways.is_empty() {
        return Entry::Missing {
            slug,
            why: "No message arrived, so no delay can be taken apart.".to_owned(),
        };
    }
    let title = titles::split(outcome, all);
    let rows = ways.iter().map(split_row).collect();
    let most = ways.iter().filter_map(|way| way.t.latency_ms.mean).fold(0.0, f64::max).max(1e-9);
    Entry::Drawn(Figure {
        slug,
        alt: titles::alt("Stacked bars", &format!("the mean delay by {}", names(&ways)), outcome, &title),
        title,
        caption: format!(
            "Mean delay. Pale: waiting until the poll that fetched the message was sent. Solid: the way itself, {}{}.",
            match (outcome.engine, &outcome.scenario.network) {
                (Engine::Live, None) if outcome.targets.is_empty() => "server and loopback",
                (Engine::Live, None) => "network and server",
                (Engine::Live, Some(_)) => "server and network",
                _ => "network only, as nobody’s machine takes any time",
            },
            if outcome.scenario.faults.is_empty() { "" } else { ", and what the faults held up" }
        ),
        table: Table { heads: heads(&["Transport", "Mean delay", "Waiting", "On the way"]), rows },
        draw: Box::new(move |frame| stack(frame, &ways, |row, way| split_bar(row, way, most))),
    })
}

fn split_row(way: &Way<'_>) -> Vec<String> {
    let (wait, rest) = measure::split(way.t).unwrap_or_default();
    let waited = if way.t.wait_ms_mean.is_some() { ms(wait) } else { dash() };
    vec![way.full(), ms(wait + rest), waited, ms(rest)]
}

/// The place of one bar with its two lines of text.
pub(super) struct Row {
    frame: Frame,
    pub(super) left: f64,
    pub(super) right: f64,
    /// Middle of the line above the bar.
    above: f64,
    top: f64,
    bottom: f64,
    /// Middle of the line below the bar.
    below: f64,
}

/// A bar for each way, one below the other.
pub(super) fn stack<'a>(
    frame: &Frame,
    ways: &[Way<'a>],
    bar: impl Fn(&Row, &Way<'a>) -> Vec<Shape>,
) -> Picture {
    let em = frame.text;
    let margin = 4.0;
    let (line, thick, gap) = (em * 1.5, em * 2.3, em * 1.3);
    let each = 2.0 * line + thick + gap;
    let mut shapes = Vec::new();
    for (i, way) in ways.iter().enumerate() {
        let y = em * 0.4 + i as f64 * each;
        let row = Row {
            frame: *frame,
            left: margin,
            right: frame.width - margin,
            above: y + line / 2.0,
            top: y + line,
            bottom: y + line + thick,
            below: y + line + thick + line * 0.55,
        };
        shapes.extend(bar(&row, way));
    }
    Picture { width: frame.width, height: em * 0.8 + ways.len() as f64 * each - gap + em * 0.4, shapes }
}

impl Row {
    /// Name left, remark right, above the bar.
    pub(super) fn head(&self, way: &Way<'_>, remark: &str) -> Vec<Shape> {
        let (em, small) = (self.frame.text, self.frame.text * 0.88);
        let taken = if remark.is_empty() { 0.0 } else { font::width(remark, small, false) + em };
        let room = self.right - self.left - taken;
        let name = font::fit(&way.name, em, true, room);
        let used = font::width(&name, em, true) + em * 0.5;
        let setting = font::fit(&way.setting, small, false, (room - used).max(0.0));
        let mut shapes =
            vec![Shape::strong((self.left, self.above), name, em, way.label_ink(), Anchor::Start)];
        if setting == way.setting && !setting.is_empty() {
            shapes.push(Shape::text(
                (self.left + used, self.above),
                setting,
                small,
                Ink::Muted,
                Anchor::Start,
            ));
        }
        if !remark.is_empty() {
            shapes.push(Shape::text((self.right, self.above), remark, small, Ink::Muted, Anchor::End));
        }
        shapes
    }

    /// Two texts below the bar, as far as both fit.
    pub(super) fn foot(&self, left: &str, right: &str) -> Vec<Shape> {
        let small = self.frame.text * 0.92;
        let room = self.right - self.left;
        let right_width = if right.is_empty() { 0.0 } else { font::width(right, small, false) + small };
        let left = font::fit(left, small, false, room - right_width);
        let mut shapes = vec![Shape::text((self.left, self.below), left, small, Ink::Text, Anchor::Start)];
        if !right.is_empty() {
            shapes.push(Shape::text((self.right, self.below), right, small, Ink::Text, Anchor::End));
        }
        shapes
    }

    /// A pale and a solid part of given widths, with an outline.
    pub(super) fn bar(&self, way: &Way<'_>, pale: f64, solid: f64) -> Vec<Shape> {
        let (x0, x1, x2) = (self.left, self.left + pale, self.left + pale + solid);
        let mut shapes = Vec::new();
        if pale > 0.0 {
            shapes.push(Shape::rectangle((x0, self.top), (x1, self.bottom), way.pale()));
            let corners =
                [(x0, self.top), (x1, self.top), (x1, self.bottom), (x0, self.bottom), (x0, self.top)];
            shapes.push(Shape::line(corners.to_vec(), way.ink(), 1.5));
        }
        if solid > 0.0 {
            shapes.push(Shape::rectangle((x1, self.top), (x2, self.bottom), way.ink()));
        }
        shapes
    }
}

fn waste_bar(row: &Row, way: &Way<'_>, interval: Option<(f64, f64)>, formula: &str) -> Vec<Shape> {
    let t = way.t;
    let Some(share) = t.waste_ratio else {
        let mut shapes = row.head(way, "");
        let middle = (row.top + row.bottom) / 2.0;
        shapes.push(Shape::line(vec![(row.left, middle), (row.right, middle)], way.ink(), 3.0));
        let news = count(t.deliveries.delivered);
        let text = if way.kind.asks() {
            "no poll was answered".to_owned()
        } else {
            format!("never asks; {news} messages pushed")
        };
        shapes.extend(row.foot(&text, ""));
        return shapes;
    };
    let share = share.clamp(0.0, 1.0);
    let width = row.right - row.left;
    let formula = if way.kind == Kind::Poll { formula } else { "theory" };
    let remark = t.theory.waste_ratio.map(|theory| format!("{formula} {}", percent_fine(theory)));
    let mut shapes = row.head(way, remark.as_deref().unwrap_or_default());
    shapes.extend(row.bar(way, width * share, width * (1.0 - share)));
    let size = row.frame.text * 1.3;
    let text = percent(share);
    if font::width(&text, size, true) + row.frame.text < width * share {
        let at = (row.left + row.frame.text * 0.6, (row.top + row.bottom) / 2.0);
        shapes.push(Shape::strong(at, text, size, Ink::Text, Anchor::Start));
    }
    if let Some((low, high)) = interval {
        shapes.extend(bracket(row, row.left + width * low, row.left + width * high));
    }
    // What is computed is the formula, so it needs no mark of its own.
    if let Some(theory) = t.theory.waste_ratio.filter(|_| interval.is_some()) {
        let x = row.left + width * theory.clamp(0.0, 1.0);
        let reach = row.frame.text * 0.15;
        let ends = [(x, row.top - reach), (x, row.bottom + reach)];
        shapes.push(Shape::line(ends.to_vec(), Ink::Paper, 5.0));
        shapes.extend(super::shape::dashed(&ends, &[5.0, 3.0], Ink::Text, 2.0));
    }
    let (n, empty) = (measure::answered(t), t.requests.empty);
    let news = format!("{} with news", count(n.saturating_sub(empty)));
    shapes.extend(row.foot(&format!("{} “Nope”", count(empty)), &news));
    shapes
}

/// A horizontal bracket across the bar, with a halo so that it shows on pale and solid alike.
fn bracket(row: &Row, from: f64, to: f64) -> Vec<Shape> {
    let middle = (row.top + row.bottom) / 2.0;
    let cap = row.frame.text * 0.42;
    let lines = [
        vec![(from, middle), (to, middle)],
        vec![(from, middle - cap), (from, middle + cap)],
        vec![(to, middle - cap), (to, middle + cap)],
    ];
    let halo = lines.clone().map(|line| Shape::line(line, Ink::Paper, 4.5));
    halo.into_iter().chain(lines.map(|line| Shape::line(line, Ink::Text, 1.8))).collect()
}

fn split_bar(row: &Row, way: &Way<'_>, most: f64) -> Vec<Shape> {
    let Some((wait, rest)) = measure::split(way.t) else { return Vec::new() };
    let scale = (row.right - row.left) / most;
    let mut shapes = row.head(way, &format!("mean {}", ms(wait + rest)));
    // A sliver stays visible however short the time is.
    let solid = (rest * scale).max(3.0);
    shapes.extend(row.bar(way, (wait * scale).min(row.right - row.left - solid), solid));
    let way_text = format!("{} on the way", ms(rest));
    shapes.extend(if way.t.wait_ms_mean.is_some() {
        row.foot(&format!("{} waiting", ms(wait)), &way_text)
    } else {
        row.foot(&way_text, "")
    });
    shapes
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn dash() -> String {
    "–".to_owned()
}
