//! Advice in words: for a terminal, as an answer in an interview, and as a section of every report.

mod interview;
mod rules;
mod sentences;
pub mod spoken;
mod table;

pub use interview::{interview, sections};
pub use rules::{Rule, list, rules};
pub use sentences::{flip, name, reason, recommendation};
pub use table::{machine, text};

use crate::advice::{Machine, Need, Situation};
use crate::outcome::Outcome;

/// What would turn the result of this very run round, point by point; nothing where no formula
/// describes it. By default constants, so that a report says the same on every machine.
#[must_use]
pub fn reversals(outcome: &Outcome) -> Vec<String> {
    let mut situation = Situation::of(&outcome.scenario, Need::default(), Machine::assumed());
    situation.scenario = outcome.scenario.clone();
    let Ok(advice) = situation.advise() else { return Vec::new() };
    let mut points: Vec<String> = recommendation(&advice).into_iter().collect();
    points.extend(advice.flips.iter().map(|turn| flip(&advice, turn)));
    points
}

#[cfg(test)]
mod tests;
