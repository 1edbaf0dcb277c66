//! What others published, beside what this run made of it: a card each, the figures first.

use maud::{Markup, html};

use crate::outcome::Outcome;

use super::super::claims;

/// The cards, in the scenario's order.
pub fn cards(outcome: &Outcome) -> Markup {
    html! {
        p { "What others published about these settings, beside this run. “No figure”: the source gives none." }
        div.claims {
            @for [source, says, metric, published, ours, difference, why] in claims::rows(outcome) {
                div.claim {
                    h3 { (source) }
                    p { (says) }
                    dl.figures {
                        div { dt { "Published" } dd { (published) } }
                        div { dt { "Here" } dd { (ours) } }
                        div { dt { "Difference" } dd { (difference) } }
                    }
                    p.quiet { code { (metric) } }
                    p { (why) }
                }
            }
        }
    }
}
