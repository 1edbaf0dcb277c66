//! The page of a comparison.

use maud::{Markup, html};

use super::super::chart::Entry;
use super::super::compare::{Comparison, Metric, engine_name};
use super::super::numbers::count;
use super::super::ways::{list, ways};
use super::{Frame, figures, section, table};
use crate::report::lessons;

/// Draws the page.
///
/// # Errors
/// A chart cannot be drawn.
pub fn page(comparison: &Comparison, entries: &[Entry<'_>]) -> anyhow::Result<String> {
    let figures = figures::Figures::draw(entries)?;
    let (headline, below) = comparison.subject();
    let frame = Frame {
        title: &format!("{headline} – compared – anynews"),
        skip: "Skip to what differs",
        heading: &headline,
        lesson: Some(&below),
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(frame.around(html! {
        (section("result", "What the runs say", result(comparison)))
        (section("differences", "What differs between them", differences(comparison)))
        (section("charts", "Charts", figures.charts()))
        (section("numbers", "All numbers", numbers(comparison)))
        (section("noise", "What counts as a difference", noise(comparison)))
    }))
}

fn result(comparison: &Comparison) -> Markup {
    html! { ul.findings { @for metric in Metric::ALL { li { (comparison.title(metric)) "." } } } }
}

fn differences(comparison: &Comparison) -> Markup {
    let mut heads = vec!["Setting".to_owned()];
    heads.extend(comparison.runs.iter().map(|run| run.name.clone()));
    let rows: Vec<Vec<String>> = comparison
        .differences
        .iter()
        .map(|difference| std::iter::once(difference.key.clone()).chain(difference.values.clone()).collect())
        .collect();
    html! {
        @if rows.is_empty() {
            p { "No setting differs: these are repetitions of one experiment." }
        } @else {
            @if comparison.only_engines_differ() {
                p { "Only the engine: the same experiment on the same schedule, so the results should agree." }
            }
            (table("Settings that differ", &heads, &rows))
        }
        @for (names, text) in stories(comparison) { p { strong { (names) } ": " (text) } }
    }
}

/// What each run is about, those that are about the same together.
fn stories(comparison: &Comparison) -> Vec<(String, String)> {
    let mut stories: Vec<(Vec<String>, String)> = Vec::new();
    for run in &comparison.runs {
        let network = run.outcome.scenario.network.as_ref().map(lessons::link);
        let between = network.map_or_else(String::new, |link| format!(" The network in between: {link}."));
        let text = lessons::scenario(&run.outcome) + &between;
        match stories.iter_mut().find(|(_, told)| *told == text) {
            Some((names, _)) => names.push(run.name.clone()),
            None => stories.push((vec![run.name.clone()], text)),
        }
    }
    stories.into_iter().map(|(names, text)| (list(&names), text)).collect()
}

fn numbers(comparison: &Comparison) -> Markup {
    let mut heads = vec!["Run".to_owned(), "Transport".to_owned(), "Engine".to_owned()];
    heads.extend(Metric::ALL.map(|metric| metric.heading().to_owned()));
    heads.extend(["Delivered of expected", "Lost"].map(str::to_owned));
    let mut rows = Vec::new();
    for run in &comparison.runs {
        for way in ways(&run.outcome) {
            let mut cells = vec![run.name.clone(), way.full(), engine_name(run.outcome.engine).to_owned()];
            cells.extend(Metric::ALL.map(|metric| {
                let estimate = metric.of(&run.outcome, &way, comparison.same_schedule);
                estimate.map_or_else(|| "–".to_owned(), |estimate| metric.text(estimate.value))
            }));
            let d = &way.t.deliveries;
            cells.push(format!("{} / {}", count(d.delivered), count(d.expected)));
            cells.push(count(d.lost));
            rows.push(cells);
        }
    }
    table("All numbers", &heads, &rows)
}

fn noise(comparison: &Comparison) -> Markup {
    html! {
        p {
            "Two runs differ when their 95 % intervals do not overlap and the difference is larger than what "
            "engines of ours may differ by: 0.01 in the share of “Nope”, 3 % or 5 ms in delays, 3 % in bytes, 1 % in requests. "
            "A share’s interval is Wilson’s, over what is independent: polls where inboxes are one’s own and news is at random, "
            "events where people share one feed, else people. A median’s interval is that of its ranks."
        }
        p {
            @if comparison.same_schedule {
                "All runs hear the same news at the same times, so the number of messages is no source of noise here."
            } @else {
                "The runs do not hear the same news, so figures per message also carry the noise of how many messages there were: "
                "± 1.96/√n of them."
            }
        }
    }
}
