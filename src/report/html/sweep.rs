//! The page of a sweep.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::super::chart::{self, Entry};
use super::super::compare::engine_name;
use super::super::csv;
use super::super::numbers::count;
use super::super::sweep::{Sweep, findings};
use super::{Frame, figures, section, table};
use crate::report::lessons;

/// Draws the page.
///
/// # Errors
/// A chart cannot be drawn.
pub fn page(sweep: &Sweep, entries: &[Entry<'_>]) -> anyhow::Result<String> {
    let figures = figures::Figures::draw(entries)?;
    let (name, title) = sweep.subject();
    let frame = Frame {
        title: &format!("{title} – swept – anynews"),
        skip: "Skip to what was found",
        heading: title,
        lesson: Some(&format!("{name} at several values of {}", sweep.varied())),
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(frame.around(html! {
        (section("result", "What the sweep says", result(sweep)))
        (section("charts", "Charts", figures.charts()))
        (section("numbers", "All numbers", numbers(sweep)))
        (section("experiment", "The experiment", experiment(sweep)))
        (section("data", "Data", data(sweep)))
    }))
}

fn result(sweep: &Sweep) -> Markup {
    let said = findings(sweep).1;
    let (done, planned) = (sweep.points.len(), sweep.planned());
    html! {
        @if done < planned {
            div.warning role="note" {
                h3 { "Read with care" }
                p { "The sweep was stopped: " (count(done as u64)) " of " (count(planned as u64)) " points were measured." }
            }
        }
        @if said.is_empty() { p { "Nothing crosses here, and nothing is known at every value." } }
        @else { ul.findings { @for finding in said { li { (finding) } } } }
    }
}

fn numbers(sweep: &Sweep) -> Markup {
    let all = chart::sweep_table(sweep);
    table("All numbers", &all.heads, &all.rows)
}

fn experiment(sweep: &Sweep) -> Markup {
    let engine = match sweep.engine() {
        Some(engine) => format!("Every point was run by the same engine: {}.", engine_name(engine)),
        None => "The points were run by different engines.".to_owned(),
    };
    html! {
        @if let Some(point) = sweep.points.first() {
            p { "At the first point: " (lessons::scenario(&point.outcome)) }
        }
        p {
            (engine) " All points have the same seed: where the schedule does not depend on the setting, they hear the "
            "same news. Two figures cross only where they differ beyond noise on both sides; the place between is "
            "interpolated on a logarithmic axis."
        }
        p {
            "“Advice” judges the figures of each point by the rules of " code { "anynews advise" } " with its default "
            "constants"
            @if let Some(bound) = sweep.max_delay_s {
                " and a delay of at most " (crate::report::advice::spoken::seconds(bound)) " for 99 of 100 messages."
            } @else {
                "; the delay allowed is what each point’s own poll lets news wait."
            }
        }
    }
}

fn data(sweep: &Sweep) -> Markup {
    let link = format!("data:text/csv;charset=utf-8;base64,{}", STANDARD.encode(csv::sweep(sweep)));
    html! {
        p { "Beside this page: " code { "sweep.json" } " with everything, and in " code { "points/" } " an "
            code { "outcome.json" } " each, which " code { "anynews report" } " draws or compares." }
        ul.downloads { li { a download="sweep.csv" href=(link) { "sweep.csv" } " – one row per point and transport" } }
    }
}
