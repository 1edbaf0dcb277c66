//! The path of one message over several servers, drawn and in words.

use maud::{Markup, html};

use super::super::fleet::{self, Step};
use super::super::ways::Way;
use super::table;
use crate::outcome::Outcome;

/// The section; nothing for one server.
pub fn section(outcome: &Outcome, all: &[Way<'_>]) -> Option<Markup> {
    let (way, steps) = fleet::path(all)?;
    let label = format!("The path of one message from A to B, by {}", way.name);
    Some(html! {
        @for sentence in fleet::sentences(outcome) { p { (sentence) } }
        ol.path aria-label=(label) {
            @for step in &steps { (drawn(step)) }
        }
        p.quiet { (label) ". Half of the messages took no longer than this; all clocks are this machine’s one." }
        @if let Some((heads, rows)) = fleet::table(all) { (table("The hops of a message", &heads, &rows)) }
    })
}

fn drawn(step: &Step) -> Markup {
    match step {
        Step::Place(name, remark) => html! {
            li.place { strong { (name) } @if !remark.is_empty() { span.quiet { (remark) } } }
        },
        Step::Hop(time) => html! {
            li.hop { span aria-hidden="true" { "→" } @if !time.is_empty() { span { (time) } } }
        },
        Step::Gap(why) => html! {
            li.hop.gap { span aria-hidden="true" { "✕" } span { (why) } }
        },
    }
}
