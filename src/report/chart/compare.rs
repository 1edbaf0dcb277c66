//! One figure of every transport in every run: a row each, on one axis.

use super::super::compare::{Comparison, Estimate, Group, Metric, engine_name};
use super::super::numbers::percent;
use super::axis::{Plot, Scale};
use super::shape::{Anchor, Frame, Ink, Marker, Picture, Shape, dashed};
use super::{Entry, Figure, Table, font};
use crate::scenario::Engine;

/// One chart per metric.
pub fn entries(comparison: &Comparison) -> Vec<Entry<'_>> {
    Metric::ALL.iter().map(|&metric| entry(comparison, metric)).collect()
}

fn entry(comparison: &Comparison, metric: Metric) -> Entry<'_> {
    let groups = comparison.groups(metric);
    if groups.is_empty() {
        let why = match metric {
            Metric::Waste => "No transport of these runs was asked and answered.",
            Metric::Requests => "No run made a request.",
            Metric::Delay | Metric::Bytes => "No run delivered a message.",
        };
        return Entry::Missing { slug: metric.slug(), why: why.to_owned() };
    }
    let title = comparison.title(metric);
    let names: Vec<String> = comparison.runs.iter().map(|run| run.name.clone()).collect();
    Entry::Drawn(Figure {
        slug: metric.slug(),
        alt: format!(
            "Points on one axis: {} of {}: {title}.",
            metric.heading().to_lowercase(),
            super::super::ways::list(&names)
        ),
        caption: caption(metric),
        table: table(comparison, metric, &groups),
        draw: Box::new(move |frame| picture(frame, comparison, metric, &groups)),
        title,
    })
}

fn caption(metric: Metric) -> String {
    let marks = "Solid: measured live. Hollow: virtual time. Dashed stroke: theory. Brackets are 95 % intervals; where \
                 they overlap, the runs do not differ beyond noise.";
    let bound = match metric {
        Metric::Waste => "Differences of less than one in a hundred asks are not called any.",
        Metric::Delay => {
            "Differences below 5 ms or 3 % are not called any. The axis is logarithmic; what is less than it shows stands \
             at its left end."
        }
        Metric::Bytes => {
            "Both ways, headers and payload, without handshakes. Differences below 3 % are not called any."
        }
        Metric::Requests => {
            "Polls and sends in the window, and the openings of the whole run. Differences below 1 % are not called any."
        }
    };
    format!("{marks} {bound}")
}

fn table(comparison: &Comparison, metric: Metric, groups: &[Group]) -> Table {
    let heads = ["Run", "Transport", "Engine", metric.heading(), "95 % interval"].map(str::to_owned);
    let rows = groups.iter().flat_map(|group| {
        group.rows.iter().map(|(index, estimate)| {
            let run = &comparison.runs[*index];
            let interval = if estimate.low < estimate.high {
                format!("{} to {}", metric.text(estimate.low), metric.text(estimate.high))
            } else {
                "–".to_owned()
            };
            let engine = engine_name(run.outcome.engine).to_owned();
            vec![run.name.clone(), group.name.clone(), engine, metric.text(estimate.value), interval]
        })
    });
    Table { heads: heads.to_vec(), rows: rows.collect() }
}

fn scale(metric: Metric, groups: &[Group]) -> Scale {
    let values = || groups.iter().flat_map(|group| &group.rows).flat_map(|(_, e)| [e.low, e.value, e.high]);
    match metric {
        Metric::Waste => Scale::from_zero(1.0),
        Metric::Delay => Scale::decades(values()),
        Metric::Bytes | Metric::Requests => Scale::from_zero(values().fold(0.0, f64::max) * 1.04),
    }
}

fn picture(frame: &Frame, comparison: &Comparison, metric: Metric, groups: &[Group]) -> Picture {
    let em = frame.text;
    let (head, gap) = (em * 1.7, em * 0.5);
    let line = if frame.narrow { em * 2.9 } else { em * 1.75 };
    let rows: usize = groups.iter().map(|group| group.rows.len()).sum();
    let top = em * 0.3;
    let bottom = top + groups.len() as f64 * (head + gap) + rows as f64 * line;
    let (left, right) = if frame.narrow {
        (em * 0.9, frame.width - em * 0.9)
    } else {
        (label_room(frame, comparison), frame.width - em * 6.5)
    };
    let plot = Plot { left, top, right, bottom, x: scale(metric, groups), y: Scale::from_zero(1.0) };
    let name = if metric == Metric::Delay { "median delay (logarithmic)" } else { metric.heading() };
    let tick = |value: f64| if metric == Metric::Waste { percent(value) } else { metric.text(value) };
    let mut shapes = plot.x_axis(frame, name, tick);
    shapes.push(plot.base());
    let mut y = top;
    for group in groups {
        let label = font::fit(&group.name, em, true, frame.width - 8.0);
        let ground = font::width(&label, em, true);
        shapes.push(Shape::rectangle((2.0, y), (ground + 8.0, y + head), Ink::Paper));
        let at = (4.0, y + head / 2.0);
        shapes.push(Shape::strong(at, label, em, Ink::Label(group.kind, group.repeat), Anchor::Start));
        y += head;
        for (index, estimate) in &group.rows {
            let run = &comparison.runs[*index];
            let text = metric.text(estimate.value);
            let place = if frame.narrow { y + line * 0.68 } else { y + line / 2.0 };
            shapes.extend(words(frame, &plot, &run.name, &text, y + em * 0.75, place));
            shapes.extend(mark(frame, &plot, group, estimate, run.outcome.engine, place));
            y += line;
        }
        y += gap;
    }
    Picture { width: frame.width, height: bottom + em * 3.2, shapes }
}

/// Room for the names of the runs beside the plot.
fn label_room(frame: &Frame, comparison: &Comparison) -> f64 {
    let small = frame.text * 0.88;
    let widest = comparison.runs.iter().map(|run| font::width(&run.name, small, false)).fold(0.0, f64::max);
    (widest + frame.text * 1.6).clamp(frame.text * 5.0, frame.width * 0.42)
}

/// Name and value: beside the plot, or above the row on a phone.
fn words(frame: &Frame, plot: &Plot, name: &str, value: &str, above: f64, place: f64) -> Vec<Shape> {
    let small = frame.text * 0.88;
    if frame.narrow {
        let taken = font::width(value, small, true) + frame.text;
        let name = font::fit(name, small, false, frame.width - 8.0 - taken);
        let ground = Shape::rectangle(
            (2.0, above - small * 0.65),
            (frame.width - 2.0, above + small * 0.65),
            Ink::Paper,
        );
        return vec![
            ground,
            Shape::text((4.0, above), name, small, Ink::Text, Anchor::Start),
            Shape::strong((frame.width - 4.0, above), value, small, Ink::Text, Anchor::End),
        ];
    }
    let name = font::fit(name, small, false, plot.left - frame.text * 1.2);
    vec![
        Shape::text((4.0, place), name, small, Ink::Text, Anchor::Start),
        Shape::strong((frame.width - 4.0, place), value, small, Ink::Text, Anchor::End),
    ]
}

fn mark(
    frame: &Frame,
    plot: &Plot,
    group: &Group,
    estimate: &Estimate,
    engine: Engine,
    y: f64,
) -> Vec<Shape> {
    let em = frame.text;
    let ink = Ink::Series(group.kind, group.repeat);
    let x = |value: f64| plot.at(value, 0.0).0;
    let (low, at, high) = (x(estimate.low), x(estimate.value), x(estimate.high));
    let mut shapes = Vec::new();
    if high - low > em * 0.2 {
        let cap = em * 0.35;
        for points in [
            vec![(low, y), (high, y)],
            vec![(low, y - cap), (low, y + cap)],
            vec![(high, y - cap), (high, y + cap)],
        ] {
            shapes.push(Shape::line(points, ink, 1.8));
        }
    }
    match engine {
        Engine::Live => shapes.push(Shape::marker(Marker::Disc, (at, y), em * 0.42, ink)),
        Engine::Sim => {
            shapes.push(Shape::marker(Marker::Disc, (at, y), em * 0.42, ink));
            shapes.push(Shape::marker(Marker::Disc, (at, y), em * 0.24, Ink::Paper));
        }
        Engine::Theory => {
            let reach = em * 0.62;
            let ends = [(at, y - reach), (at, y + reach)];
            shapes.push(Shape::line(ends.to_vec(), Ink::Paper, 5.0));
            shapes.extend(dashed(&ends, &[5.0, 3.0], Ink::Text, 2.4));
        }
    }
    shapes
}
