//! One person's time: when they asked, what they got, and how long each message waited.

use crate::outcome::{Ask, News, Outcome};
use crate::scenario::Engine;

use super::super::faults::{self, Mark};
use super::super::measure;
use super::super::numbers::{count, ms};
use super::super::titles;
use super::super::ways::{Way, list};
use super::axis::{Plot, Scale};
use super::shape::{Anchor, Frame, Ink, Marker, Picture, Shape};
use super::{Entry, Figure, Table, font, names};

/// Asks of one person that a row shows at most, if no interval is longer.
const MOST_ASKS: usize = 48;

/// One transport with what of its person is drawn.
struct Row<'a> {
    way: Way<'a>,
    asks: Vec<&'a Ask>,
    news: Vec<&'a News>,
}

impl<'a> Row<'a> {
    /// What happened in the first `seconds` of the window.
    fn new(way: &Way<'a>, seconds: f64) -> Self {
        let end = seconds * 1000.0;
        let person = way.t.person.iter();
        let asks = person.clone().flat_map(|p| &p.asks).filter(|ask| ask.answered_ms <= end).collect();
        let news = person.flat_map(|p| &p.news).filter(|news| news.published_ms <= end).collect();
        Self { way: way.clone(), asks, news }
    }
}

/// The chart, where the run followed a person.
pub fn entry<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Entry<'a> {
    let slug = "person";
    let ways: Vec<Way<'a>> = all.iter().filter(|way| way.t.person.is_some()).cloned().collect();
    let silent = |way: &Way<'_>| way.t.person.as_ref().is_none_or(|p| p.asks.is_empty() && p.news.is_empty());
    if ways.iter().all(silent) {
        let why = match outcome.engine {
            Engine::Theory => "The formulas follow nobody in particular; try --engine sim.",
            _ => "The person this run followed neither asked nor got anything.",
        };
        return Entry::Missing { slug, why: why.to_owned() };
    }
    let mut title = titles::person(all);
    let window = measure::window_s(outcome);
    // Only a stretch that was kept of everybody can be compared row by row.
    let kept = ways.iter().filter_map(|way| way.t.person.as_ref()?.kept_until_ms()).reduce(f64::min);
    let cut = kept.map(|kept| kept / 1000.0).filter(|kept| (0.0..window).contains(kept) && *kept > 0.0);
    let kept = cut.unwrap_or(window);
    let seconds = readable(outcome, &ways, kept);
    let rows: Vec<Row<'a>> = ways.iter().map(|way| Row::new(way, seconds)).collect();
    let drawn = ms(seconds * 1000.0);
    let part = (seconds < window).then(|| format!("the first {drawn} of {}", ms(window * 1000.0)));
    let mut caption = legend(&rows);
    if let Some(part) = &part {
        let why =
            if seconds < kept { "so that one ask can be told from the next" } else { "as much as was kept" };
        caption += &format!(" Drawn is {part}, {why}; the counts are of the whole window.");
        title += &format!("; drawn: the first {drawn}");
    }
    let marks = faults::marks(outcome);
    if !marks.is_empty() {
        caption += " Marked: what went wrong on purpose.";
    }
    let axis = part.map_or_else(|| "time into the window".to_owned(), |part| format!("time: {part}"));
    Entry::Drawn(Figure {
        slug,
        alt: titles::alt("A timeline", &format!("one person by {}", names(&ways)), outcome, &title),
        title,
        caption,
        table: table(&rows),
        draw: Box::new(move |frame| picture(frame, &rows, seconds, &axis, &marks)),
    })
}

/// How much of `kept` seconds is drawn: as far as the one who asks most often has [`MOST_ASKS`], but one
/// whole interval of each who asks, so that no row looks as if nobody did.
fn readable(outcome: &Outcome, ways: &[Way<'_>], kept: f64) -> f64 {
    let full = |way: &Way<'_>| Some(way.t.person.as_ref()?.asks.get(MOST_ASKS)?.answered_ms / 1000.0);
    let Some(readable) = ways.iter().filter_map(full).reduce(f64::min) else { return kept };
    let intervals = outcome.scenario.transports.iter().filter_map(|transport| transport.way.interval());
    let longest = intervals.max().map_or(0.0, |interval| interval.as_secs_f64());
    readable.max(longest * 1.05).min(kept)
}

/// How to read what is drawn, and nothing else.
fn legend(rows: &[Row<'_>]) -> String {
    let mut text = "The same person in each row.".to_owned();
    if rows.iter().any(|row| row.way.kind.asks()) {
        text += " Hollow circle: asked, “Nope”. Solid circle: asked, and got news; where they stand too close, \
                 low ticks are “Nope” and high ones news.";
    }
    text += " Triangle: a message is written; the bar behind it is the wait until the person has it.";
    let told: Vec<String> =
        rows.iter().filter(|row| !row.way.kind.asks()).map(|row| row.way.name.clone()).collect();
    if !told.is_empty() {
        text += &format!(" By {} nobody asks: a disc is where the person is told.", list(&told));
    }
    text
}

/// One row per message; messages are told apart by when they were published.
fn table(all: &[Row<'_>]) -> Table {
    let mut heads = vec!["Published".to_owned(), "Message".to_owned()];
    heads.extend(all.iter().map(|row| format!("Wait by {}", row.way.name)));
    let rows = published(all).into_iter().map(|news| {
        let mut cells = vec![format!("{:.2} s", news.published_ms / 1000.0), news.text.clone()];
        cells.extend(all.iter().map(|row| {
            let same = row.news.iter().find(|other| same_time(other, news));
            same.map_or_else(|| "–".to_owned(), |n| ms((n.received_ms - n.published_ms).max(0.0)))
        }));
        cells
    });
    Table { heads, rows: rows.collect() }
}

fn same_time(a: &News, b: &News) -> bool {
    (a.published_ms - b.published_ms).abs() < 1e-6 && a.text == b.text
}

/// Each message once, whichever transports delivered it.
fn published<'a>(rows: &[Row<'a>]) -> Vec<&'a News> {
    let mut all: Vec<&News> = rows.iter().flat_map(|row| &row.news).copied().collect();
    all.sort_by(|a, b| a.published_ms.total_cmp(&b.published_ms).then_with(|| a.text.cmp(&b.text)));
    all.dedup_by(|a, b| same_time(a, b));
    all
}

fn picture(frame: &Frame, rows: &[Row<'_>], seconds: f64, axis: &str, marks: &[Mark]) -> Picture {
    let em = frame.text;
    let (head, lane) = (em * 1.7, em * 3.4);
    let news = published(rows);
    let top = if news.is_empty() { em * 0.4 } else { em * 2.6 };
    let bottom = top + rows.len() as f64 * (head + lane);
    let plot = Plot {
        left: em * 0.9,
        top,
        right: frame.width - em * 0.9,
        bottom,
        x: Scale::from_zero(seconds),
        y: Scale::from_zero(1.0),
    };
    let mut shapes = shades(&plot, em, seconds, marks);
    shapes.extend(plot.time_axis(frame, axis));
    shapes.push(plot.base());
    shapes.extend(texts(frame, &plot, &news));
    for (i, one) in rows.iter().enumerate() {
        let y = top + i as f64 * (head + lane);
        shapes.extend(row(frame, &plot, one, !marks.is_empty(), (y + head * 0.6, y + head + lane * 0.45)));
    }
    Picture { width: frame.width, height: bottom + em * 3.2, shapes }
}

/// Where something went wrong.
fn shades(plot: &Plot, em: f64, seconds: f64, marks: &[Mark]) -> Vec<Shape> {
    let seen = marks.iter().filter(|mark| mark.from < seconds);
    seen.map(|mark| {
        let (x0, x1) = (plot.at(mark.from, 0.0).0, plot.at(mark.until.min(seconds), 0.0).0);
        let ink = if x1 - x0 < em { Ink::Muted } else { Ink::Shade };
        Shape::rectangle((x0, plot.top), (x1.max(x0 + em * 0.15), plot.bottom), ink)
    })
    .collect()
}

/// What was written, above the plot, as far as the texts leave each other room.
fn texts(frame: &Frame, plot: &Plot, news: &[&News]) -> Vec<Shape> {
    let (em, small) = (frame.text, frame.text * 0.88);
    let y = plot.top - em * 1.2;
    let mut shapes = Vec::new();
    let mut free = f64::NEG_INFINITY;
    for (i, item) in news.iter().enumerate() {
        let (x, _) = plot.at(item.published_ms / 1000.0, 0.0);
        // A message that follows at once goes without its text, so that the first can be read.
        let later = news[i + 1..].iter().map(|n| plot.at(n.published_ms / 1000.0, 0.0).0);
        let next = later.into_iter().find(|next| next - x > em * 5.0).unwrap_or(frame.width);
        if x < free + em {
            continue;
        }
        // Near the right edge the text ends at its message instead of beginning there.
        let left_room = x - free.max(0.0) - em;
        let right_room = next.min(frame.width) - x - em * 0.5;
        let wanted = font::width(&item.text, small, false);
        let (room, anchor) = if right_room >= wanted || right_room >= left_room {
            (right_room, Anchor::Start)
        } else {
            (left_room, Anchor::End)
        };
        let text = font::fit(&item.text, small, false, room);
        if text.chars().count() < 4 && text != item.text {
            continue;
        }
        let used = font::width(&text, small, false);
        free = if anchor == Anchor::Start { x + used } else { x };
        shapes.push(Shape::line(vec![(x, y + em * 0.7), (x, plot.top)], Ink::Axis, 1.0));
        shapes.push(Shape::text((x, y), text, small, Ink::Text, anchor));
    }
    shapes
}

fn row(frame: &Frame, plot: &Plot, row: &Row<'_>, faulty: bool, (head, y): (f64, f64)) -> Vec<Shape> {
    let (em, way) = (frame.text, &row.way);
    let name = font::fit(&way.name, em, true, frame.width * 0.5);
    let after = plot.left + font::width(&name, em, true) + em * 0.6;
    let remark = remark(way, faulty);
    let remark = font::fit(&remark, em * 0.88, false, plot.right - after);
    let ground = ((plot.left - 1.0, head - em * 0.7), (plot.right + 1.0, head + em * 0.7));
    let mut shapes = vec![
        Shape::rectangle(ground.0, ground.1, Ink::Paper),
        Shape::strong((plot.left, head), name, em, way.label_ink(), Anchor::Start),
        Shape::text((after, head), remark, em * 0.88, Ink::Muted, Anchor::Start),
    ];
    let standing =
        if way.kind == super::super::ways::Kind::Poll { (Ink::Grid, 1.5) } else { (way.ink(), 2.0) };
    shapes.push(Shape::line(vec![(plot.left, y), (plot.right, y)], standing.0, standing.1));

    let span = plot.right - plot.left;
    let room = span / row.asks.len().max(1) as f64;
    let r = (room * 0.36).clamp(em * 0.12, em * 0.5);
    for news in &row.news {
        let (x0, x1) =
            (plot.at(news.published_ms / 1000.0, 0.0).0, plot.at(news.received_ms / 1000.0, 0.0).0);
        let thick = em * 0.32;
        let (low, high) = (y - thick, y + thick);
        shapes.push(Shape::rectangle((x0, low), (x1.max(x0 + 1.0), high), way.pale()));
        if x1 - x0 > em * 0.3 {
            let outline = vec![(x0, low), (x1, low), (x1, high), (x0, high), (x0, low)];
            shapes.push(Shape::line(outline, way.ink(), 1.2));
        }
    }
    for ask in &row.asks {
        let at = (plot.at(ask.answered_ms / 1000.0, 0.0).0, y);
        if r <= em * 0.16 {
            let reach = em * if ask.events == 0 { 0.22 } else { 0.6 };
            shapes.push(Shape::line(vec![(at.0, y - reach), (at.0, y + reach)], way.ink(), 1.0));
            continue;
        }
        shapes.push(Shape::Disc { at, radius: r, ink: way.ink() });
        if ask.events == 0 {
            shapes.push(Shape::Disc { at, radius: r * 0.68, ink: Ink::Paper });
        }
    }
    for news in &row.news {
        let (x0, x1) =
            (plot.at(news.published_ms / 1000.0, 0.0).0, plot.at(news.received_ms / 1000.0, 0.0).0);
        let size = em * 0.3;
        shapes.push(Shape::marker(Marker::Triangle, (x0, y + em * 0.95), size, way.ink()));
        if !way.kind.asks() && plot.x.place(news.received_ms / 1000.0) < 1.0 {
            shapes.push(Shape::Disc { at: (x1, y), radius: em * 0.42, ink: way.ink() });
        }
    }
    shapes.extend(waits(frame, plot, row, y + em * 1.15));
    shapes
}

/// How long messages waited, beside their triangles, as far as there is room. Messages written at
/// nearly the same time share one label.
fn waits(frame: &Frame, plot: &Plot, row: &Row<'_>, y: f64) -> Vec<Shape> {
    let (em, small) = (frame.text, frame.text * 0.82);
    let mut clusters: Vec<(f64, f64, Vec<String>)> = Vec::new();
    for news in &row.news {
        let (x, _) = plot.at(news.published_ms / 1000.0, 0.0);
        let text = ms((news.received_ms - news.published_ms).max(0.0));
        match clusters.last_mut() {
            Some((_, end, texts)) if x - *end < em * 1.6 => {
                *end = x;
                texts.push(text);
            }
            _ => clusters.push((x, x, vec![text])),
        }
    }
    let mut shapes = Vec::new();
    for (i, (_, end, texts)) in clusters.iter().enumerate() {
        let text = if texts.len() <= 2 {
            texts.join(", ")
        } else {
            format!("{} messages", count(texts.len() as u64))
        };
        let start = end + em * 0.6;
        let limit = clusters.get(i + 1).map_or(frame.width, |next| next.0 - em * 0.5);
        if start + font::width(&text, small, false) <= limit {
            shapes.push(Shape::text((start, y), text, small, row.way.label_ink(), Anchor::Start));
        }
    }
    shapes
}

fn remark(way: &Way<'_>, faulty: bool) -> String {
    let Some(person) = &way.t.person else { return String::new() };
    let (asked, nope, received) = person.totals();
    let news = count(received);
    let messages = if received == 1 { "message" } else { "messages" };
    if way.kind.asks() {
        let asks = if asked == 1 { "ask" } else { "asks" };
        format!("{} {asks}, {} “Nope”, {news} {messages}", count(asked), count(nope))
    } else {
        // Of one person nobody kept when a fault closed the line.
        let line = if faulty { "told at once while connected" } else { "the line is open" };
        format!("{line}; {news} {messages}")
    }
}
