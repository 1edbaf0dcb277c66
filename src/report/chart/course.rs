//! Two charts over time: bytes so far, and the delay of each second.

use crate::outcome::Outcome;
use crate::scenario::Engine;

use super::super::faults::{self, Mark};
use super::super::measure;
use super::super::numbers::{bytes as size, clock, ms, thousandths};
use super::super::titles;
use super::super::ways::Way;
use super::axis::{Plot, Scale};
use super::key::{self, Item};
use super::shape::{Anchor, Frame, Ink, Picture, Shape, dashed};
use super::{Entry, Figure, Table, names};

/// A transport and its values over time: seconds and value.
pub(super) struct Course<'a> {
    pub(super) way: Way<'a>,
    pub(super) points: Vec<(f64, f64)>,
    /// Beside its name.
    pub(super) lines: Vec<String>,
}

/// Bytes on the server's sockets so far, the handshakes as a step at the beginning.
pub fn bytes<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Entry<'a> {
    let slug = "bytes";
    let courses: Vec<Course<'a>> =
        all.iter().map(|way| total(outcome, way)).filter(|course| course.points.len() > 1).collect();
    if courses.is_empty() {
        return Entry::Missing { slug, why: nothing(outcome, "This run counted no bytes over time.") };
    }
    let title = titles::volume(all);
    let idle = measure::idle_stretch(outcome);
    let mut caption =
        "Requests, answers and frames both ways on the server’s sockets, payload included. A line that \
                       begins above zero paid for its handshakes first."
            .to_owned();
    let mut marks = faults::marks(outcome);
    // Where something went wrong, that is why no news came.
    if let Some((from, until)) = idle.filter(|_| marks.is_empty()) {
        caption.push_str(" Shaded: a stretch without any news.");
        marks.push(Mark { from, until, label: "no news" });
    }
    caption.push_str(marked(outcome));
    caption.push_str(&cut(outcome));
    let table = over_time(&courses, "Time", size);
    Entry::Drawn(Figure {
        slug,
        alt: titles::alt("Lines over time", &format!("bytes moved by {}", names(all)), outcome, &title),
        title,
        caption,
        table,
        draw: Box::new(move |frame| {
            let most = courses.iter().flat_map(|c| c.points.iter().map(|p| p.1)).fold(0.0, f64::max);
            picture(frame, &courses, Scale::from_zero(most * 1.02), ("bytes so far", &size), &marks)
        }),
    })
}

fn nothing(outcome: &Outcome, why: &str) -> String {
    match outcome.engine {
        Engine::Theory => "The formulas give no course over time; try --engine sim.".to_owned(),
        _ => why.to_owned(),
    }
}

/// The end of a caption where the run did not last as long as its window.
fn cut(outcome: &Outcome) -> String {
    outcome.interrupted_at_s.map_or_else(String::new, |at| {
        format!(" The run was interrupted after {}; the lines end there.", ms(at * 1000.0))
    })
}

fn total<'a>(outcome: &Outcome, way: &Way<'a>) -> Course<'a> {
    let step = way.t.series.step_s;
    let course = measure::cumulative_bytes(way.t);
    let mut points: Vec<(f64, f64)> = course.iter().enumerate().map(|(i, &b)| (i as f64 * step, b)).collect();
    if let Some(at) = outcome.interrupted_at_s {
        // The step that was cut short counts up to the interruption, and none after it.
        points.retain(|&(from, _)| from < at + step);
        points.iter_mut().for_each(|(time, _)| *time = time.min(at));
    }
    let opening = measure::opening(way.t);
    if opening > 0 && !points.is_empty() {
        points.insert(0, (0.0, 0.0));
    }
    let mut lines: Vec<String> = course.last().map(|&b| size(b)).into_iter().collect();
    if opening > 0 {
        lines.push(format!("{} of it to open", size(opening as f64)));
    }
    Course { way: way.clone(), points, lines }
}

/// Median delay of the messages of each second.
pub fn delay<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Entry<'a> {
    let slug = "time";
    let courses: Vec<Course<'a>> =
        all.iter().map(|way| medians(outcome, way)).filter(|course| !course.points.is_empty()).collect();
    if courses.is_empty() {
        let why = nothing(outcome, "No message arrived, so no delay over time can be shown.");
        return Entry::Missing { slug, why };
    }
    let marks = faults::marks(outcome);
    // Steady or not is no finding where the server was frozen on purpose.
    let title = match &marks[..] {
        [] => titles::course(outcome, all),
        [one] => format!("What the fault at {} did to the delay", clock(one.from)),
        several => format!("What {} faults did to the delay", several.len()),
    };
    let table = over_time(&courses, "Published at", ms);
    let (scale, nought) =
        Scale::decades_and_nought(courses.iter().flat_map(|c| c.points.iter().map(|p| p.1)));
    let mut caption =
        "Each point is the median delay of the messages published in that step. A step with few \
                       messages jumps about by chance."
            .to_owned();
    if nought {
        caption.push_str(" The lowest line stands for 0, which a logarithmic axis never reaches.");
    }
    caption.push_str(marked(outcome));
    caption.push_str(&cut(outcome));
    let label = move |value: f64| if nought && value <= scale.lowest() * 1.001 { ms(0.0) } else { ms(value) };
    Entry::Drawn(Figure {
        slug,
        alt: titles::alt("Lines over time", &format!("the median delay by {}", names(all)), outcome, &title),
        title,
        caption,
        table,
        draw: Box::new(move |frame| {
            picture(frame, &courses, scale, ("median delay (logarithmic)", &label), &marks)
        }),
    })
}

/// The end of a caption where faults are marked.
pub(super) fn marked(outcome: &Outcome) -> &'static str {
    if outcome.scenario.faults.is_empty() { "" } else { " Marked: what went wrong on purpose." }
}

fn medians<'a>(outcome: &Outcome, way: &Way<'a>) -> Course<'a> {
    let series = &way.t.series;
    let end = measure::window_s(outcome);
    let points = series
        .latency_p50_ms
        .iter()
        .enumerate()
        .filter_map(|(i, median)| Some(((i as f64 + 0.5) * series.step_s, (*median)?)))
        .filter(|&(time, _)| time - series.step_s / 2.0 < end)
        .map(|(time, median)| (time.min(end), median))
        .collect();
    let lines = way.t.latency_ms.p50.map(|p50| format!("overall {}", ms(p50))).into_iter().collect();
    Course { way: way.clone(), points, lines }
}

/// The points as a table.
pub(super) fn over_time(courses: &[Course<'_>], head: &str, text: fn(f64) -> String) -> Table {
    let mut times: Vec<f64> = courses.iter().flat_map(|c| c.points.iter().map(|p| p.0)).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut heads = vec![head.to_owned()];
    heads.extend(courses.iter().map(|course| course.way.name.clone()));
    let rows = times.iter().map(|&time| {
        let mut cells = vec![format!("{} s", thousandths(time))];
        cells.extend(courses.iter().map(|course| {
            // The last point of a time is the value after a step.
            let found = course.points.iter().rev().find(|p| (p.0 - time).abs() < 1e-9);
            found.map_or_else(|| "–".to_owned(), |p| text(p.1))
        }));
        cells
    });
    Table { heads, rows: rows.collect() }
}

/// Lines over the time of the window.
pub(super) fn picture(
    frame: &Frame,
    courses: &[Course<'_>],
    y: Scale,
    (name, text): (&str, &dyn Fn(f64) -> String),
    marks: &[Mark],
) -> Picture {
    let em = frame.text;
    let end = courses.iter().flat_map(|c| c.points.iter().map(|p| p.0)).fold(0.0, f64::max);
    let axis_room = em * 3.2;
    let mut items: Vec<Item> = courses.iter().map(|c| Item::way(&c.way, c.lines.clone())).collect();
    let top = em * 2.4;
    let tall = (frame.height - axis_room - top).max(key::height_beside(frame, &items));
    let plot = Plot {
        left: em * 4.6,
        top,
        right: if frame.narrow { frame.width - em * 0.8 } else { frame.width - em * key::BESIDE_EMS },
        bottom: if frame.narrow { em * 18.0 } else { top + tall },
        x: Scale::from_zero(end.ceil()),
        y,
    };
    let mut shapes = Vec::new();
    for mark in marks {
        let (x0, x1) = (plot.at(mark.from, 0.0).0, plot.at(mark.until, 0.0).0);
        // What is over at once is a line that can be seen.
        let x1 = x1.max(x0 + em * 0.15);
        let ink = if x1 - x0 < em { Ink::Muted } else { Ink::Shade };
        shapes.push(Shape::rectangle((x0, plot.top), (x1, plot.bottom), ink));
    }
    shapes.extend(plot.time_axis(frame, "time into the window"));
    shapes.extend(plot.y_axis(frame, name, text));
    for mark in marks {
        let at = ((plot.at(mark.from, 0.0).0 + plot.at(mark.until, 0.0).0) / 2.0, plot.top - em * 0.5);
        shapes.push(Shape::text(at, mark.label, em * 0.8, Ink::Muted, Anchor::Middle));
    }
    shapes.push(plot.base());
    for course in courses {
        shapes.extend(line(frame, &plot, course));
    }
    for (item, course) in items.iter_mut().zip(courses) {
        item.end_at(course.points.last().map(|&(x, y)| plot.at(x, y).1));
    }
    key::picture(frame, &plot, axis_room, &items, shapes)
}

fn line(frame: &Frame, plot: &Plot, course: &Course<'_>) -> Vec<Shape> {
    let (em, way) = (frame.text, &course.way);
    let points: Vec<(f64, f64)> = course.points.iter().map(|&(x, y)| plot.at(x, y)).collect();
    let mut shapes = dashed(&points, way.dash(), way.ink(), em * 0.17);
    // Markers no closer than they can be told apart.
    let mut last = f64::NEG_INFINITY;
    for &at in &points {
        if at.0 - last >= em * 1.4 {
            shapes.extend(way.dot().at(at, em * 0.27));
            last = at.0;
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
    fn the_handshakes_come_before_the_window() {
        let outcome = fixture::letters();
        let socket = total(&outcome, &ways(&outcome)[1]);
        assert_eq!(socket.points[0], (0.0, 0.0));
        assert_eq!(socket.points[1], (0.0, measure::opening(&outcome.transports[1]) as f64));
        let table = over_time(&[socket], "Time", size);
        assert_eq!(table.rows.len(), 21);
    }

    #[test]
    fn lines_end_where_a_run_was_interrupted() {
        let mut outcome = fixture::letters();
        outcome.interrupted_at_s = Some(7.5);
        let all = ways(&outcome);
        for course in [total(&outcome, &all[0]), medians(&outcome, &all[0])] {
            assert_eq!(course.points.last().unwrap().0, 7.5);
        }
        for entry in [bytes(&outcome, &all), delay(&outcome, &all)] {
            let figure = entry.figure().unwrap();
            assert!(figure.caption.ends_with("interrupted after 7.5\u{a0}s; the lines end there."));
        }
    }

    #[test]
    fn a_delay_of_nought_is_not_drawn_on_a_power_of_ten() {
        let mut outcome = fixture::letters();
        outcome.transports[1].series.latency_p50_ms = vec![Some(0.0); 20];
        let all = ways(&outcome);
        let entry = delay(&outcome, &all);
        let picture = entry.figure().unwrap().picture(&Frame::wide());
        let label = |shape: &Shape| matches!(shape, Shape::Text { text, .. } if text == "0\u{a0}ms");
        assert!(picture.shapes.iter().any(label));
    }
}
