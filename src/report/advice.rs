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

/// What would turn the result of this very run round, point by point. By default constants, so that a
/// report says the same on every machine.
///
/// # Errors
/// Why the adviser cannot say; empty where it has figures and yet nothing to choose between.
pub fn reversals(outcome: &Outcome) -> Result<Vec<String>, String> {
    let mut situation = Situation::of(&outcome.scenario, Need::default(), Machine::assumed());
    situation.scenario = outcome.scenario.clone();
    let advice = situation.advise().map_err(|why| why.to_string())?;
    let mut points: Vec<String> = recommendation(&advice).into_iter().collect();
    points.extend(advice.flips.iter().map(|turn| flip(&advice, turn)));
    if points.is_empty() { Err(String::new()) } else { Ok(points) }
}

#[cfg(test)]
mod tests;
