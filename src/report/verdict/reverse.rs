//! When a result would turn round.

use crate::outcome::Outcome;
use crate::report::advice;
use crate::report::lessons;
use crate::report::ways::{Kind, Way, ways};

/// When this result would reverse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// Point by point.
    pub points: Vec<String>,
    /// Whether the adviser had something to say.
    pub advised: bool,
}

/// The adviser's answer for this very scenario and where it turns, then what no setting of the scenario
/// says. It asks the formulas a hundred times or so.
#[must_use]
pub fn reverse(outcome: &Outcome) -> Reverse {
    let all = ways(outcome);
    let found = advice::reversals(outcome);
    let (advised, mut points) = match found {
        Ok(points) => (true, points),
        Err(why) => (false, vec![silence(outcome, &all, &why)]),
    };
    let shared = outcome.scenario.workload.group().is_none();
    if shared && all.iter().any(|way| way.kind.asks()) {
        points.push(lessons::REVERSE_CACHE.to_owned());
    }
    if all.iter().all(|way| way.kind != Kind::Poll) {
        points.push(lessons::REVERSE_NO_POLL.to_owned());
    }
    Reverse { points, advised }
}

/// Why the adviser says nothing, and who finds it out instead.
fn silence(outcome: &Outcome, all: &[Way<'_>], why: &str) -> String {
    let servers = outcome.scenario.fleet.as_ref().map_or(1, |fleet| fleet.servers);
    let why = match why {
        _ if !outcome.scenario.faults.is_empty() => "The adviser does not judge runs with faults.".to_owned(),
        _ if servers > 1 => "The adviser does not judge fleets of servers.".to_owned(),
        "" if all.iter().all(|way| way.kind == Kind::Poll) => {
            "The adviser weighs polls against a push, and this run has none.".to_owned()
        }
        "" if all.iter().all(|way| way.kind != Kind::Poll) => {
            "The adviser weighs polls against a push, and here nobody polls.".to_owned()
        }
        "" => "The adviser finds nothing to choose between.".to_owned(),
        why => format!("The adviser is silent here: {why}."),
    };
    format!("{why} {}", lessons::REVERSE_BY_RUNNING)
}
