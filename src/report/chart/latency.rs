//! How many messages had arrived after how long: one curve per transport on a logarithmic axis.

use crate::outcome::Outcome;

use super::super::measure;
use super::super::noise;
use super::super::numbers::{count, ms, percent};
use super::super::titles;
use super::super::ways::{Kind, Way};
use super::axis::{Plot, Scale};
use super::key::{self, Item};
use super::shape::{Frame, Ink, Picture, Shape, dashed};
use super::{Entry, Figure, Table, names};

struct Curve<'a> {
    way: Way<'a>,
    /// What was measured; nothing where delays were computed.
    points: Vec<(f64, f64)>,
    /// The law theory expects, where it is known and shows on a logarithmic axis.
    law: Vec<(f64, f64)>,
    /// Half the height of the 95 % band, where it is wide enough to be seen.
    band: Option<f64>,
}

/// Bands narrower than this cannot be told from their curve.
const THINNEST_BAND: f64 = 0.012;

impl<'a> Curve<'a> {
    fn new(outcome: &Outcome, way: &Way<'a>) -> Self {
        let law = way.t.theory.latency_law.clone();
        let computed = measure::is_computed(way.t);
        let shows = computed || law.last().is_some_and(|&(ms, _)| ms > 0.0);
        let law = if shows { law } else { Vec::new() };
        let waits = !law.is_empty() && way.kind == Kind::Poll;
        let band = noise::band(outcome, way.t).filter(|band| waits && *band > THINNEST_BAND);
        Self { way: way.clone(), points: measure::ecdf(way.t), law, band }
    }

    fn computed(&self) -> bool {
        self.points.is_empty()
    }
}

/// The chart, where any message arrived.
pub fn entry<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Entry<'a> {
    let slug = "latency";
    let curves: Vec<Curve<'a>> = all
        .iter()
        .filter(|way| way.t.latency_ms.count > 0)
        .map(|way| Curve::new(outcome, way))
        .filter(|curve| !curve.points.is_empty() || !curve.law.is_empty())
        .collect();
    if curves.is_empty() {
        let why = if all.iter().any(|way| measure::is_computed(way.t)) {
            "The formulas know the mean delay here, and not how it is distributed."
        } else {
            "No message arrived, so there is no delay to show."
        };
        return Entry::Missing { slug, why: why.to_owned() };
    }
    let title = titles::latency(all);
    let head = ["Delivered", "p10", "p25", "p50", "p75", "p90", "p95"].map(str::to_owned);
    let mut heads = vec!["Transport".to_owned()];
    heads.extend(head);
    let rows = curves.iter().flat_map(rows).collect();
    Entry::Drawn(Figure {
        slug,
        alt: titles::alt("Curves", &format!("the delay by {}", names(all)), outcome, &title),
        title,
        caption: caption(outcome, &curves),
        table: Table { heads, rows },
        draw: Box::new(move |frame| picture(frame, &curves)),
    })
}

fn caption(outcome: &Outcome, curves: &[Curve<'_>]) -> String {
    let mut text =
        "Further left is sooner. Read a curve at 50 %: half of the messages had arrived by then. The axis \
                    is logarithmic: equal steps are equal factors."
            .to_owned();
    if curves.iter().any(|curve| curve.way.t.samples.is_some()) {
        text += " Dots are single messages, where there are fewer than 200.";
    }
    if curves.iter().all(Curve::computed) {
        return text + " Every curve is a formula; nothing was measured.";
    }
    if curves.iter().any(|curve| !curve.law.is_empty()) {
        text += " Dotted: theory.";
    }
    if curves.iter().any(|curve| curve.band.is_some()) {
        text += " Pale band: in 95 of 100 runs it holds the whole of the true curve.";
    }
    for curve in curves {
        let name = &curve.way.name;
        text += &match noise::law_agrees(outcome, &curve.way) {
            Some(true) => format!(" By {name}, theory stays within the 95 % band: they agree."),
            Some(false) => {
                format!(" By {name}, theory leaves the 95 % band: {}.", noise::outside(outcome))
            }
            None => String::new(),
        };
    }
    text
}

fn rows(curve: &Curve<'_>) -> Vec<Vec<String>> {
    let shares = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
    let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), ms);
    let line = |name: String, n: String, at: &dyn Fn(f64) -> Option<f64>| {
        let mut cells = vec![name, n];
        cells.extend(shares.map(|share| text(at(share))));
        cells
    };
    let n = count(curve.way.t.latency_ms.count);
    let measured = |share: f64| curve.points.iter().find(|&&(_, s)| s >= share - 1e-12).map(|&(ms, _)| ms);
    let law = |share: f64| law_time(&curve.law, share);
    let mut rows = Vec::new();
    if !curve.computed() {
        rows.push(line(curve.way.full(), n.clone(), &measured));
    }
    if !curve.law.is_empty() {
        let (name, n) = if curve.computed() {
            (curve.way.full(), n)
        } else {
            (format!("{}, theory", curve.way.name), "–".to_owned())
        };
        rows.push(line(name, n, &law));
    }
    rows
}

/// When a law reaches a share.
fn law_time(law: &[(f64, f64)], share: f64) -> Option<f64> {
    let pair = law.windows(2).find(|pair| pair[1].1 >= share - 1e-12)?;
    let ((from, low), (to, high)) = (pair[0], pair[1]);
    Some(from + (to - from) * ((share - low) / (high - low).max(1e-12)).clamp(0.0, 1.0))
}

fn items(curves: &[Curve<'_>]) -> Vec<Item> {
    let mut items: Vec<Item> = curves
        .iter()
        .map(|curve| {
            let t = &curve.way.t.latency_ms;
            let said = |share: &str, value: Option<f64>| value.map(|v| format!("{share} within {}", ms(v)));
            let lines = [said("half", t.p50), said("95 %", t.p95)].into_iter().flatten().collect();
            Item::way(&curve.way, lines)
        })
        .collect();
    let laws: Vec<&Curve<'_>> = curves.iter().filter(|c| !c.computed() && !c.law.is_empty()).collect();
    match &laws[..] {
        [] => {}
        [only] => items.push(Item::theory("theory", vec![said(&only.law)])),
        several => {
            let mut lines: Vec<String> = several.iter().map(|curve| said(&curve.law)).collect();
            lines.dedup();
            items.push(Item::theory("theory", lines));
        }
    }
    items
}

/// A law in a few words.
fn said(law: &[(f64, f64)]) -> String {
    let (least, most) = (law.first().map_or(0.0, |p| p.0), law.last().map_or(0.0, |p| p.0));
    match law {
        _ if least == most => format!("always {}", ms(most)),
        [_, _] if least < most / 100.0 => format!("evenly up to {}", ms(most)),
        [_, _] => format!("evenly {} to {}", ms(least), ms(most)),
        _ if least == 0.0 => format!("up to {}", ms(most)),
        _ => format!("{} to {}", ms(least), ms(most)),
    }
}

fn picture(frame: &Frame, curves: &[Curve<'_>]) -> Picture {
    let em = frame.text;
    let items = items(curves);
    // A law that begins at nought is shown from its first hundredth on.
    let first = |curve: &Curve<'_>| law_time(&curve.law, 0.01);
    let values = curves.iter().flat_map(|c| c.points.iter().chain(&c.law).map(|p| p.0).chain(first(c)));
    let measured = curves.iter().flat_map(|c| c.points.iter().map(|p| p.0));
    let (x, nought) = match Scale::decades_and_nought(measured) {
        (_, false) => (Scale::decades(values), false),
        // Nought, which virtual time knows, stands left of every power of ten.
        (_, true) => Scale::decades_and_nought(values),
    };
    let label = |value: f64| if nought && value <= x.lowest() * 1.001 { ms(0.0) } else { ms(value) };
    let axis_room = em * 3.2;
    let top = em * 2.4;
    let tall = (frame.height - axis_room - top).max(key::height_beside(frame, &items));
    let plot = Plot {
        left: em * 3.6,
        top,
        right: if frame.narrow { frame.width - em * 0.8 } else { frame.width - em * key::BESIDE_EMS },
        bottom: if frame.narrow { em * 19.0 } else { top + tall },
        x,
        y: Scale::from_zero(1.0),
    };
    let mut shapes = plot.x_axis(frame, "delay (logarithmic)", label);
    shapes.extend(plot.y_axis(frame, "messages that have arrived", percent));
    shapes.push(plot.base());
    for curve in curves {
        shapes.extend(curve.band.map(|band| area(&plot, curve, band)));
    }
    for curve in curves.iter().filter(|curve| !curve.computed()) {
        shapes.extend(draw(frame, &plot, curve));
    }
    for curve in curves {
        let line = law_line(&plot, &curve.law);
        shapes.extend(if curve.computed() {
            dashed(&line, curve.way.dash(), curve.way.ink(), em * 0.17)
        } else {
            dashed(&line, key::DOTS, Ink::Text, em * 0.1)
        });
    }
    for curve in curves {
        shapes.extend(marks(frame, &plot, &curve.way));
    }
    key::picture(frame, &plot, axis_room, &items, shapes)
}

/// A law as a line; its straight pieces are curves on a logarithmic axis.
fn law_line(plot: &Plot, law: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const PIECES: i32 = 80;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for pair in law.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        if to <= from {
            points.extend([plot.at(from, low), plot.at(to, high)]);
            continue;
        }
        let first = from.max(to * 1e-4);
        for i in 0..=PIECES {
            let x = first * (to / first).powf(f64::from(i) / f64::from(PIECES));
            if plot.x.place(x) > 0.0 {
                points.push(plot.at(x, low + (high - low) * (x - from) / (to - from)));
            }
        }
    }
    points
}

/// The band around a measured curve.
fn area(plot: &Plot, curve: &Curve<'_>, band: f64) -> Shape {
    let mut upper = vec![(plot.left, plot.at(0.0, band).1)];
    let mut lower = vec![(plot.left, plot.bottom)];
    let mut last = 0.0;
    for &(ms, share) in &curve.points {
        let (x, _) = plot.at(ms, 0.0);
        upper.extend([(x, plot.at(0.0, last + band).1), (x, plot.at(0.0, share + band).1)]);
        lower.extend([(x, plot.at(0.0, last - band).1), (x, plot.at(0.0, share - band).1)]);
        last = share;
    }
    // Beyond the ends of curve and law there is nothing to be sure of.
    let ends = curve.points.last().into_iter().chain(curve.law.last());
    let end = ends.map(|&(ms, _)| plot.at(ms, 0.0).0).fold(plot.left, f64::max);
    upper.push((end, plot.top));
    lower.push((end, plot.at(0.0, 1.0 - band).1));
    upper.extend(lower.into_iter().rev());
    Shape::Area { points: upper, ink: curve.way.pale() }
}

fn draw(frame: &Frame, plot: &Plot, curve: &Curve<'_>) -> Vec<Shape> {
    let (em, way) = (frame.text, &curve.way);
    let first = curve.points.first().map_or(plot.left, |&(ms, _)| plot.at(ms, 0.0).0);
    let mut steps = vec![(first, plot.bottom)];
    let mut last = plot.bottom;
    for &(ms, share) in &curve.points {
        let (x, y) = plot.at(ms, share);
        // A histogram has hundreds of steps; those finer than half a point cannot be seen.
        if steps.last().is_some_and(|&(px, py)| (x - px).abs() < 0.5 && (y - py).abs() < 0.5) {
            continue;
        }
        steps.push((x, last));
        steps.push((x, y));
        last = y;
    }
    let mut shapes = dashed(&steps, way.dash(), way.ink(), em * 0.17);
    if way.t.samples.is_some() {
        let dot = |&(ms, share): &(f64, f64)| Shape::Disc {
            at: plot.at(ms, share),
            radius: em * 0.14,
            ink: way.ink(),
        };
        shapes.extend(curve.points.iter().map(dot));
    }
    shapes
}

/// The median and the 95th percentile, marked on the curve.
fn marks(frame: &Frame, plot: &Plot, way: &Way<'_>) -> Vec<Shape> {
    let em = frame.text;
    let mut shapes = Vec::new();
    for (share, at) in [(0.5, way.t.latency_ms.p50), (0.95, way.t.latency_ms.p95)] {
        if let Some(ms) = at {
            shapes.extend(way.dot().rimmed(plot.at(ms, share), em * 0.36));
        }
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::ways::ways;

    #[test]
    fn the_band_ends_with_the_curve_and_its_law() {
        let outcome = fixture::letters();
        let poll = &ways(&outcome)[0];
        let curve = Curve::new(&outcome, poll);
        let (x, y) = (Scale::Log { low: 1.0, high: 100_000.0 }, Scale::from_zero(1.0));
        let plot = Plot { left: 0.0, top: 0.0, right: 500.0, bottom: 100.0, x, y };
        let Shape::Area { points, .. } = area(&plot, &curve, 0.1) else { panic!("an area") };
        let end = points.iter().map(|p| p.0).fold(0.0, f64::max);
        assert!((end - plot.at(5_000.0, 0.0).0).abs() < 1.0, "{end}");
    }
}
