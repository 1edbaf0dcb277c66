//! The page: one file that fetches nothing and runs nothing. Everything from the outcome is escaped.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::outcome::Outcome;

use super::chart::Entry;
use super::verdict::{self, Verdict};
use super::ways::{Way, ways};

mod compare;
mod data;
mod figures;
mod fleet;
mod parts;
mod published;
mod sweep;

const STYLE: &str = include_str!("html/style.css");

/// Nothing may be loaded and no script may run, whatever an outcome holds; the style is the page's own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Draws the page; `json` is the outcome as it was written beside it.
///
/// # Errors
/// A chart cannot be drawn.
pub fn page(outcome: &Outcome, entries: &[Entry<'_>], json: &str) -> anyhow::Result<String> {
    let all = ways(outcome);
    let verdict = verdict::verdict(outcome);
    let figures = figures::Figures::draw(entries)?;
    let lesson = outcome.scenario.lesson.as_deref();
    let main = sections(outcome, &all, &verdict, &figures, json);
    let title = &outcome.scenario.title;
    // The rest of what it wins, and the price, stand in the verdict.
    let heading =
        verdict.win.as_ref().map_or_else(|| title.clone(), |win| format!("{title} – {}", win.heading));
    let frame = Frame {
        title: &format!("{heading} – anynews"),
        skip: "Skip to the verdict",
        heading: &heading,
        lesson,
        version: &outcome.version,
    };
    Ok(frame.around(main))
}

/// What every page of ours has around its content.
struct Frame<'a> {
    title: &'a str,
    /// Of the first link, for those who do not see the page.
    skip: &'a str,
    heading: &'a str,
    lesson: Option<&'a str>,
    /// Of the program that measured.
    version: &'a str,
}

impl Frame<'_> {
    fn around(&self, main: Markup) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en-GB" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content={ "anynews " (self.version) };
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { (self.skip) }
                    header.top {
                        p.brand { "anynews" span aria-hidden="true" { " · " } span.quiet { "Any new messages?" } }
                        h1 { (self.heading) }
                        @if let Some(lesson) = self.lesson { p.lesson { (lesson) } }
                    }
                    main #main tabindex="-1" { (main) }
                    footer {
                        p { "Made by anynews " (self.version) ". This page fetches nothing and runs no script." }
                    }
                }
            }
        };
        page.into_string()
    }
}

/// Draws the page of a comparison.
///
/// # Errors
/// A chart cannot be drawn.
pub fn comparison(comparison: &super::compare::Comparison, entries: &[Entry<'_>]) -> anyhow::Result<String> {
    compare::page(comparison, entries)
}

/// Draws the page of a sweep.
///
/// # Errors
/// A chart cannot be drawn.
pub fn sweep(swept: &super::sweep::Sweep, entries: &[Entry<'_>]) -> anyhow::Result<String> {
    sweep::page(swept, entries)
}

fn sections(
    outcome: &Outcome,
    all: &[Way<'_>],
    verdict: &Verdict,
    figures: &figures::Figures,
    json: &str,
) -> Markup {
    html! {
        (section("verdict", "Verdict", parts::verdict(verdict, super::faults::lead(outcome))))
        (section("tiles", "Three numbers", parts::tiles(all)))
        @if let Some(guess) = verdict::guess(outcome) {
            (section("prediction", "What you predicted", parts::prediction(outcome, &guess)))
        }
        @if let Some(body) = fleet::section(outcome, all) {
            (section("fleet", "How A’s message reaches B", body))
        }
        (section("scenario", "The experiment", parts::scenario(outcome)))
        @let told = super::faults::sentences(outcome);
        @if !told.is_empty() {
            (section("faults", "What went wrong, and what came of it", html! { ul { @for line in &told { li { (line) } } } }))
        }
        (section("person-time", "One person’s time", figures.person()))
        (section("charts", "Charts", figures.charts()))
        (section("reverse", "When this result would reverse", parts::reverse(outcome, verdict)))
        (section("handshake", "The first exchange, byte for byte", parts::handshakes(outcome, all)))
        (section("percentiles", "Percentiles and counts", data::percentiles(outcome, all)))
        @if !outcome.scenario.claims.is_empty() {
            (section("published", "What was published", published::cards(outcome)))
        }
        @if !outcome.thresholds.is_empty() {
            (section("thresholds", "Thresholds", data::thresholds(outcome)))
        }
        (section("method", "Method and limits", parts::method(outcome)))
        (section("questions", "Questions to discuss", parts::questions(outcome)))
        (section("glossary", "Glossary", parts::glossary(outcome)))
        (section("data", "Data", data::downloads(outcome, all, json)))
    }
}

fn section(id: &str, heading: &str, body: Markup) -> Markup {
    html! {
        section #(id) aria-labelledby={ (id) "-heading" } {
            h2 #{ (id) "-heading" } { (heading) }
            (body)
        }
    }
}

/// A table in a box of its own that scrolls, and can be scrolled with the keyboard.
fn table(label: &str, heads: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
