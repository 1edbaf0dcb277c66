//! How many messages had arrived after how long: one curve per transport on a logarithmic axis.

use crate::outcome::Outcome;

use super::super::measure;
use super::super::numbers::{count, ms, percent};
use super::super::titles;
use super::super::verdict::interval;
use super::super::ways::{Kind, Way};
use super::axis::{Plot, Scale};
use super::key::{self, Item};
use super::shape::{Frame, Ink, Picture, Shape, dashed};
use super::{Entry, Figure, Table, names};

struct Curve<'a> {
    way: Way<'a>,
    points: Vec<(f64, f64)>,
    /// Upper end of the even distribution that theory expects of short polls, ms.
    theory: Option<f64>,
}

/// The chart, where any message arrived.
pub fn entry<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Entry<'a> {
    let slug = "latency";
    let curves: Vec<Curve<'a>> = all
        .iter()
        .map(|way| Curve {
            way: way.clone(),
            points: measure::ecdf(way.t),
            theory: interval(outcome, way).filter(|_| even_is_due(way)).map(|t| t.as_secs_f64() * 1000.0),
        })
        .filter(|curve| !curve.points.is_empty())
        .collect();
    if curves.is_empty() {
        return Entry::Missing { slug, why: "No message arrived, so there is no delay to show.".to_owned() };
    }
    let title = titles::latency(all);
    let head = ["Delivered", "p10", "p25", "p50", "p75", "p90", "p95"].map(str::to_owned);
    let mut heads = vec!["Transport".to_owned()];
    heads.extend(head);
    let rows = curves.iter().map(row).collect();
    Entry::Drawn(Figure {
        slug,
        alt: titles::alt("Curves", &format!("the delay by {}", names(all)), outcome, &title),
        title,
        caption: "Further left is sooner. Read a curve at 50 %: half of the messages had arrived by then. The axis is \
                  logarithmic: equal steps are equal factors. Dots are single messages, where there are fewer than 200."
            .to_owned(),
        table: Table { heads, rows },
        draw: Box::new(move |frame| picture(frame, &curves)),
    })
}

/// A short poll waits evenly long, unless late messages are dropped and only the early ones arrive.
fn even_is_due(way: &Way<'_>) -> bool {
    let d = &way.t.deliveries;
    way.kind == Kind::Poll && d.expired == 0 && d.superseded == 0
}

fn row(curve: &Curve<'_>) -> Vec<String> {
    let at = |share: f64| value(&curve.points, share).map_or_else(|| "–".to_owned(), ms);
    let mut cells = vec![curve.way.full(), count(curve.way.t.latency_ms.count)];
    cells.extend([0.1, 0.25, 0.5, 0.75, 0.9, 0.95].map(at));
    cells
}

fn value(points: &[(f64, f64)], share: f64) -> Option<f64> {
    points.iter().find(|&&(_, s)| s >= share - 1e-12).map(|&(ms, _)| ms)
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
    let ends: Vec<f64> = curves.iter().filter_map(|curve| curve.theory).collect();
    if let [end] = ends[..] {
        items.push(Item::theory("theory", vec![format!("evenly up to {}", ms(end))]));
    } else if !ends.is_empty() {
        items.push(Item::theory("theory", vec!["evenly up to the interval".to_owned()]));
    }
    items
}

fn picture(frame: &Frame, curves: &[Curve<'_>]) -> Picture {
    let em = frame.text;
    let items = items(curves);
    let values = curves.iter().flat_map(|c| c.points.iter().map(|p| p.0).chain(c.theory));
    let axis_room = em * 3.2;
    let top = em * 2.4;
    let tall = (frame.height - axis_room - top).max(key::height_beside(frame, &items));
    let plot = Plot {
        left: em * 3.6,
        top,
        right: if frame.narrow { frame.width - em * 0.8 } else { frame.width - em * key::BESIDE_EMS },
        bottom: if frame.narrow { em * 19.0 } else { top + tall },
        x: Scale::decades(values),
        y: Scale::from_zero(1.0),
    };
    let mut shapes = plot.x_axis(frame, "delay (logarithmic)", ms);
    shapes.extend(plot.y_axis(frame, "messages that have arrived", percent));
    shapes.push(plot.base());
    for curve in curves {
        shapes.extend(draw(frame, &plot, curve));
    }
    for curve in curves {
        if let Some(end) = curve.theory {
            shapes.extend(dashed(&even(&plot, end), key::DOTS, Ink::Text, em * 0.1));
        }
    }
    for curve in curves {
        shapes.extend(marks(frame, &plot, &curve.way));
    }
    if frame.narrow {
        let top = plot.bottom + axis_room + em * 0.2;
        shapes.extend(key::below(frame, top, &items));
        let height = top + key::height_below(frame, &items);
        return Picture { width: frame.width, height, shapes };
    }
    shapes.extend(key::beside(frame, &plot, &items));
    Picture { width: frame.width, height: plot.bottom + axis_room, shapes }
}

/// The distribution function of U(0, end), from the left edge of the plot.
fn even(plot: &Plot, end: f64) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for i in 0..=80 {
        let x = end * 10f64.powf(-4.0 * (1.0 - f64::from(i) / 80.0));
        if plot.x.place(x) > 0.0 {
            points.push(plot.at(x, x / end));
        }
    }
    points
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
            let place = plot.at(ms, share);
            shapes.push(Shape::marker(way.marker(), place, em * 0.48, Ink::Paper));
            shapes.push(Shape::marker(way.marker(), place, em * 0.36, way.ink()));
        }
    }
    shapes
}
