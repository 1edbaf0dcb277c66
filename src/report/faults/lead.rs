//! The first thing to be said of a run in which something went wrong on purpose: what, and what it cost.

use crate::outcome::Outcome;

use super::super::numbers::{ms, percent};
use super::super::ways::{Way, list, ways};
use super::{carried_out, event};

/// What happened first, what was lost of it, and how late the slowest hundredth came; nothing of a run
/// without a fault.
#[must_use]
pub fn lead(outcome: &Outcome) -> Option<String> {
    let happened = carried_out(outcome);
    let (fault, first) = happened.first()?;
    let mut said = vec![event(outcome, fault, first)];
    if happened.len() > 1 {
        said.push(format!("{} more followed.", happened.len() - 1));
    }
    let all = ways(outcome);
    said.push(lost(&all));
    said.extend(slowest(&all));
    Some(said.join(" "))
}

fn lost(all: &[Way<'_>]) -> String {
    let share = |way: &Way<'_>| way.t.deliveries.lost as f64 / way.t.deliveries.expected.max(1) as f64;
    let some: Vec<String> = all
        .iter()
        .filter(|way| way.t.deliveries.lost > 0)
        .map(|way| format!("{} by {}", percent(share(way)), way.name))
        .collect();
    match (&some[..], some.len() == all.len()) {
        ([], _) => "No message was lost.".to_owned(),
        (lost, true) => format!("Lost for ever: {} of the messages.", list(lost)),
        (lost, false) => format!("Lost for ever: {} of the messages; by the others none.", list(lost)),
    }
}

fn slowest(all: &[Way<'_>]) -> Option<String> {
    let late: Vec<String> =
        all.iter().filter_map(|way| Some(format!("{} by {}", ms(way.t.latency_ms.p99?), way.name))).collect();
    (!late.is_empty()).then(|| format!("99 in 100 messages came within {}.", list(&late)))
}
