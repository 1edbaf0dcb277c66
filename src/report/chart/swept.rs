//! Charts of a sweep along one setting: waste against delay, and bytes along the setting.

use super::super::advice::spoken::few;
use super::super::measure;
use super::super::numbers::{bytes, ms, percent};
use super::super::sweep::{Crossing, Sweep, Unit, What, findings};
use super::super::ways::{Kind, Way, capital, ways};
use super::axis::{Plot, Scale};
use super::key::{self, Item};
use super::shape::{Anchor, Frame, Ink, Picture, Shape, dashed};
use super::{Entry, Figure, Table, font};

/// A transport with its points.
struct Series<'a> {
    way: Way<'a>,
    rows: Vec<Row<'a>>,
}

/// One value of the second key, if there is one: (value of the first key, figures) in order.
#[derive(Default)]
struct Row<'a> {
    second: Option<String>,
    points: Vec<(String, Way<'a>)>,
}

impl<'a> Series<'a> {
    fn points(&self) -> impl Iterator<Item = &(String, Way<'a>)> {
        self.rows.iter().flat_map(|row| &row.points)
    }
}

/// Every transport of the sweep, each row of the grid apart.
fn series(sweep: &Sweep) -> Vec<Series<'_>> {
    let mut all: Vec<Series<'_>> = Vec::new();
    for (index, (_, points)) in sweep.rows().into_iter().enumerate() {
        for point in points {
            for way in ways(&point.outcome) {
                let found = all.iter_mut().find(|series| series.way.t.label == way.t.label);
                let series = match found {
                    Some(series) => series,
                    None => {
                        all.push(Series { way: way.clone(), rows: Vec::new() });
                        let last = all.len() - 1;
                        &mut all[last]
                    }
                };
                series.rows.resize_with(series.rows.len().max(index + 1), Row::default);
                let row = &mut series.rows[index];
                row.second = point.values.get(1).cloned();
                row.points.push((point.values[0].clone(), way));
            }
        }
    }
    all
}

/// Waste and typical delay of a transport; push wastes no ask.
fn place(way: &Way<'_>) -> Option<(f64, f64)> {
    let delay = way.t.latency_ms.p50.or(way.t.latency_ms.mean)?;
    Some((way.t.waste_ratio.unwrap_or(0.0), delay))
}

/// Wasted share against typical delay, a dot per value.
pub fn trade_off(sweep: &Sweep) -> Entry<'_> {
    let slug = "trade-off";
    let all = series(sweep);
    if all.iter().flat_map(Series::points).all(|(_, way)| place(way).is_none()) {
        return Entry::Missing { slug, why: "No message arrived, so there is no delay to show.".to_owned() };
    }
    let title = trade_off_title(sweep, &all);
    Entry::Drawn(Figure {
        slug,
        alt: format!("Points of wasted share and typical delay along {}: {title}.", sweep.varied()),
        caption: "Each dot is one value of the setting. Left is less waste, down is less delay (logarithmic; what is \
                  less than the axis shows stands at its lower end). A transport that never asks wastes no ask and \
                  stands at 0 %. With two settings, the last dot of a line names both."
            .to_owned(),
        table: table(sweep),
        draw: Box::new(move |frame| trade_off_picture(frame, &series(sweep))),
        title,
    })
}

fn trade_off_title(sweep: &Sweep, all: &[Series<'_>]) -> String {
    let asker = all.iter().find(|series| series.way.kind.asks());
    let key = sweep.keys.first().map_or("", |key| key.name.as_str());
    let ends = asker.and_then(|series| {
        let row = series.rows.first()?;
        let (first, last) = (row.points.first()?, row.points.last()?);
        let second = row.second.as_ref().zip(sweep.keys.get(1));
        let with = second.map_or_else(String::new, |(value, key)| format!(" with {} = {value}", key.name));
        Some((series, with, first, place(&first.1)?, last, place(&last.1)?))
    });
    let Some((series, with, first, (waste, delay), last, (other_waste, other_delay))) = ends else {
        return "Nobody asks, so no ask is wasted".to_owned();
    };
    let name = capital(&series.way.name);
    // Below these two differences nothing is bought or paid.
    let nope = if (waste - other_waste).abs() < 0.01 {
        format!("“Nope” stays at {}", percent(waste))
    } else {
        format!("“Nope” goes from {} to {}", percent(waste), percent(other_waste))
    };
    let delay = if (delay - other_delay).abs() < (0.05 * delay).max(5.0) {
        format!("the typical delay stays at {}", ms(delay))
    } else {
        format!("the typical delay from {} to {}", ms(delay), ms(other_delay))
    };
    format!("{name} from {key} = {} to {}{with}: {nope}, {delay}", first.0, last.0)
}

fn trade_off_picture(frame: &Frame, all: &[Series<'_>]) -> Picture {
    let em = frame.text;
    let values = || all.iter().flat_map(Series::points);
    let y = Scale::decades(values().filter_map(|(_, way)| Some(place(way)?.1)));
    let items: Vec<Item> = all.iter().map(|series| Item::way(&series.way, remark(series))).collect();
    let (left, top) = (em * 4.6, em * 2.6);
    let height = (frame.height - em * 6.0).max(key::height_beside(frame, &items));
    let right = if frame.narrow { frame.width - em } else { frame.width - em * key::BESIDE_EMS };
    let plot = Plot { left, top, right, bottom: top + height, x: Scale::from_zero(1.0), y };
    let mut shapes = plot.x_axis(frame, "asks for nothing", percent);
    shapes.extend(plot.y_axis(frame, "typical delay (logarithmic)", ms));
    shapes.push(plot.base());
    let mut taken: Vec<(f64, f64, f64, f64)> = Vec::new();
    for series in all {
        for row in &series.rows {
            let places: Vec<(f64, f64)> =
                row.points.iter().filter_map(|(_, way)| place(way)).map(|(x, y)| plot.at(x, y)).collect();
            shapes.extend(dashed(&places, series.way.dash(), series.way.ink(), em * 0.12));
        }
    }
    let dots = || {
        values().filter_map(|(_, way)| {
            let (waste, delay) = place(way)?;
            Some((way, plot.at(waste, delay)))
        })
    };
    let r = em * 0.38;
    taken.extend(dots().map(|(_, (x, y))| (x - r, y - r, x + r, y + r)));
    for (value, way) in labels(all) {
        let at = place(way).map(|(waste, delay)| plot.at(waste, delay));
        shapes.extend(at.map(|at| beside(frame, &plot, &value, at, way, &mut taken)).into_iter().flatten());
    }
    shapes.extend(dots().flat_map(|(way, at)| way.dot().at(at, r)));
    key::picture(frame, &plot, em * 3.2, &items, shapes)
}

/// What stands beside the dots of polling. The last of a row says which value of the second key it has, and
/// comes before the others, so that there is room for it.
fn labels<'a>(all: &'a [Series<'a>]) -> Vec<(String, &'a Way<'a>)> {
    let polled = all.iter().filter(|series| series.way.kind == Kind::Poll);
    let rows: Vec<&Row<'_>> = polled.flat_map(|series| &series.rows).collect();
    let lasts = rows.iter().filter_map(|row| {
        let ((value, way), second) = (row.points.last()?, row.second.as_ref()?);
        Some((format!("{value}, {second}"), way))
    });
    let others = rows.iter().flat_map(|row| {
        let plain = row.points.len().saturating_sub(usize::from(row.second.is_some()));
        &row.points[..plain]
    });
    lasts.chain(others.map(|(value, way)| (value.clone(), way))).collect()
}

/// What a transport that never asks takes, which may be less than the axis shows.
fn remark(series: &Series<'_>) -> Vec<String> {
    let delays = || series.points().filter_map(|(_, way)| Some(place(way)?.1));
    let (least, most) = (delays().fold(f64::INFINITY, f64::min), delays().fold(0.0, f64::max));
    if series.way.kind.asks() || !least.is_finite() {
        Vec::new()
    } else if ms(least) == ms(most) {
        vec![format!("never asks; {}", ms(least))]
    } else {
        vec![format!("never asks; {} to {}", ms(least), ms(most))]
    }
}

/// The value near its dot, where nothing else stands, on paper so that lines do not cross it.
fn beside(
    frame: &Frame,
    plot: &Plot,
    value: &str,
    (x, y): (f64, f64),
    way: &Way<'_>,
    taken: &mut Vec<(f64, f64, f64, f64)>,
) -> Vec<Shape> {
    let (em, small) = (frame.text, frame.text * 0.82);
    let half = font::width(value, small, false) / 2.0;
    let (aside, above) = (em * 0.7 + half, em * 0.95);
    for (dx, dy) in [(aside, -above * 0.75), (0.0, -above), (-aside, -above * 0.75), (0.0, above)] {
        let (x, y) = (x + dx, y + dy);
        let own = (x - half, y - small * 0.55, x + half, y + small * 0.55);
        let free = taken.iter().all(|o| own.2 < o.0 || o.2 < own.0 || own.3 < o.1 || o.3 < own.1);
        if free && own.0 >= plot.left && own.2 <= plot.right + em * 0.5 {
            taken.push(own);
            return vec![
                Shape::rectangle((own.0, own.1), (own.2, own.3), Ink::Paper),
                Shape::text((x, y), value, small, way.label_ink(), Anchor::Middle),
            ];
        }
    }
    Vec::new()
}

/// Bytes a second of a transport, both ways.
fn rate(sweep: &Sweep, way: &Way<'_>) -> f64 {
    let outcome =
        sweep.points.iter().find(|point| point.outcome.transports.iter().any(|t| std::ptr::eq(t, way.t)));
    let window = outcome.map_or(1.0, |point| measure::window_s(&point.outcome));
    way.t.bytes.both_ways().unwrap_or(0) as f64 / window.max(1e-3)
}

/// Bytes a second along the setting, a line per transport.
pub fn bytes_along(sweep: &Sweep) -> Entry<'_> {
    let slug = "sweep-bytes";
    let all = series(sweep);
    if all.iter().flat_map(Series::points).all(|(_, way)| rate(sweep, way) <= 0.0) {
        return Entry::Missing { slug, why: "No byte was counted.".to_owned() };
    }
    let (crossings, said) = findings(sweep);
    let title = said.iter().find(|text| text.starts_with("Bytes: ")).cloned();
    let title = title.unwrap_or_else(|| "Bytes along the setting.".to_owned());
    let title = title.trim_start_matches("Bytes: ").trim_end_matches('.').to_owned();
    let title = capital(&title.replace("fewer", "fewer bytes"));
    Entry::Drawn(Figure {
        slug,
        alt: format!("Lines of bytes a second along {}: {title}.", sweep.varied()),
        caption: "Bytes a second both ways, headers and payload, of all people together, without handshakes; both axes \
                  logarithmic where the values allow it. The dashed upright is where two lines cross."
            .to_owned(),
        table: table(sweep),
        draw: Box::new(move |frame| bytes_picture(frame, sweep, &series(sweep), &crossings)),
        title,
    })
}

/// Where a value stands on the horizontal axis: by its size, or by its turn.
fn horizontal(sweep: &Sweep) -> (Scale, Option<Unit>) {
    let key = &sweep.keys[0];
    match key.numbers() {
        Some((numbers, unit)) if numbers.len() > 1 => {
            let (low, high) = (numbers[0], numbers[numbers.len() - 1]);
            let scale = if low > 0.0 { Scale::Log { low, high } } else { Scale::Linear { low, high } };
            (scale, Some(unit))
        }
        _ => (Scale::Linear { low: 0.0, high: (key.values.len().max(2) - 1) as f64 }, None),
    }
}

fn bytes_picture(frame: &Frame, sweep: &Sweep, all: &[Series<'_>], crossings: &[Crossing]) -> Picture {
    let em = frame.text;
    let (x, unit) = horizontal(sweep);
    let values = || all.iter().flat_map(Series::points);
    let y = Scale::decades(values().map(|(_, way)| rate(sweep, way)));
    let (left, top) = (em * 4.8, em * 2.6);
    let labels: Vec<Item> = all.iter().map(|series| Item::way(&series.way, Vec::new())).collect();
    let height = (frame.height - em * 6.0).max(key::height_beside(frame, &labels));
    let right = if frame.narrow { frame.width - em } else { frame.width - em * key::BESIDE_EMS };
    let plot = Plot { left, top, right, bottom: top + height, x, y };
    let key = &sweep.keys[0];
    let number = |value: &str| match unit {
        Some(_) => super::super::sweep::magnitude(value).map_or(0.0, |(size, _)| size),
        None => key.values.iter().position(|other| other == value).unwrap_or(0) as f64,
    };
    let mut shapes = upright(frame, &plot, key.values.iter().map(|v| (v.as_str(), number(v))), &key.name);
    shapes.extend(plot.y_axis(frame, "bytes a second (logarithmic)", bytes));
    shapes.push(plot.base());
    for crossing in crossings {
        if let (What::Overtakes { metric: "bytes", .. }, Some(at), Some(unit)) =
            (&crossing.what, crossing.at, unit)
        {
            let (x, _) = plot.at(at, 0.0);
            shapes.extend(dashed(&[(x, plot.top), (x, plot.bottom)], &[5.0, 4.0], Ink::Text, 1.6));
            let text = format!("≈ {}", unit.say(at));
            let half = font::width(&text, em * 0.88, true) / 2.0;
            let x = x.clamp(plot.left + half, plot.right - half);
            shapes.push(Shape::strong((x, plot.top - em * 0.7), text, em * 0.88, Ink::Text, Anchor::Middle));
        }
    }
    let mut items = Vec::new();
    for series in all {
        let mut item = Item::way(&series.way, Vec::new());
        for row in &series.rows {
            let places: Vec<(f64, f64)> =
                row.points.iter().map(|(value, way)| plot.at(number(value), rate(sweep, way))).collect();
            shapes.extend(dashed(&places, series.way.dash(), series.way.ink(), em * 0.16));
            for &place in &places {
                shapes.extend(series.way.dot().at(place, em * 0.34));
            }
            item.end_at(places.last().map(|place| place.1));
        }
        items.push(item);
    }
    key::picture(frame, &plot, em * 3.2, &items, shapes)
}

/// Grid lines at the values themselves, labelled as far as the labels leave each other room.
fn upright<'a>(
    frame: &Frame,
    plot: &Plot,
    values: impl Iterator<Item = (&'a str, f64)>,
    name: &str,
) -> Vec<Shape> {
    let small = frame.text * 0.88;
    let mut shapes = Vec::new();
    let mut free = f64::NEG_INFINITY;
    for (text, at) in values {
        let (x, _) = plot.at(at, 0.0);
        shapes.push(Shape::line(vec![(x, plot.top), (x, plot.bottom)], Ink::Grid, 1.0));
        let half = font::width(text, small, false) / 2.0;
        let middle = x.clamp(half + 2.0, frame.width - half - 2.0);
        if middle - half > free {
            free = middle + half + small * 0.6;
            shapes.push(Shape::text(
                (middle, plot.bottom + small * 1.1),
                text,
                small,
                Ink::Muted,
                Anchor::Middle,
            ));
        }
    }
    let middle = (plot.left + plot.right) / 2.0;
    let name = font::fit(name, small, false, frame.width - 8.0);
    let at = (middle, plot.bottom + small * 2.5);
    shapes.push(Shape::text(at, name, small, Ink::Muted, Anchor::Middle));
    shapes
}

/// The figures of every point and transport.
pub fn table(sweep: &Sweep) -> Table {
    let mut heads: Vec<String> = sweep.keys.iter().map(|key| key.name.clone()).collect();
    heads.extend(
        ["Transport", "“Nope”", "Typical delay", "Bytes/s", "Bytes per message", "Requests"]
            .map(str::to_owned),
    );
    let none = || "–".to_owned();
    let row = |point: &super::super::sweep::Point, way: &Way<'_>| {
        let mut cells = point.values.clone();
        cells.push(way.name.clone());
        cells.push(way.t.waste_ratio.map_or_else(none, percent));
        cells.push(place(way).map_or_else(none, |(_, delay)| ms(delay)));
        cells.push(bytes(rate(sweep, way)));
        cells.push(measure::bytes_per_message(way.t).map_or_else(none, bytes));
        cells.push(few(way.t.requests.total as f64));
        cells
    };
    let rows = sweep.points.iter();
    let rows =
        rows.flat_map(|point| ways(&point.outcome).iter().map(|way| row(point, way)).collect::<Vec<_>>());
    Table { heads, rows: rows.collect() }
}
