//! What makes the numbers of a run less than they seem.

use crate::outcome::{Outcome, Target};

use super::super::lessons;
use super::super::numbers::{self, count};
use super::super::ways::Way;
use super::interval;

/// One sentence for each thing that went wrong.
pub(super) fn warnings(outcome: &Outcome, all: &[Way<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(at) = outcome.interrupted_at_s {
        found.push(format!(
            "The run was interrupted after {} of {}; the numbers cover that part only.",
            numbers::ms(at * 1000.0),
            numbers::duration(outcome.scenario.duration)
        ));
    }
    found.extend(outcome.targets.iter().filter(|target| another_time(target)).map(|target| {
        format!(
            "The clock of {} is {} {} ours, and what has a time to live (“typing…”) lives by it.",
            target.url,
            numbers::ms(target.clock_offset_ms.abs()),
            if target.clock_offset_ms > 0.0 { "ahead of" } else { "behind" }
        )
    }));
    if outcome.generator.as_ref().is_some_and(|generator| generator.saturated) {
        found.push(lessons::SATURATED.to_owned());
    }
    for way in all {
        found.extend(shortfalls(way));
    }
    if warmup_is_short(outcome, all) {
        found.push(lessons::SHORT_WARMUP.to_owned());
    }
    found
}

/// Whether a server's clock differs from ours by more than anybody notices of what is typed, beyond doubt.
fn another_time(target: &Target) -> bool {
    const NOTICED_MS: f64 = 100.0;
    target.clock_offset_ms.abs() - target.clock_bound_ms > NOTICED_MS
}

fn shortfalls(way: &Way<'_>) -> Vec<String> {
    let (t, name) = (way.t, way.capital());
    let mut found = Vec::new();
    if t.clients_connected < t.clients {
        let (have, want) = (count(u64::from(t.clients_connected)), count(u64::from(t.clients)));
        found.push(format!("{name}: only {have} of {want} people were connected when the window began."));
    }
    let counts = [
        (t.deliveries.lost, "expected deliveries never arrived"),
        (t.deliveries.duplicated, "deliveries arrived more than once"),
        (t.deliveries.reordered, "deliveries arrived behind a later one"),
        (t.requests.failed, "requests got no valid answer"),
        (t.requests.skipped, "polls were skipped because an answer was still outstanding"),
        // Where there was trouble it is told at length.
        (
            if t.trouble.is_some() { 0 } else { t.connections.reconnects },
            "streams or sockets had to be opened again",
        ),
    ];
    found.extend(
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{name}: {} {what}.", count(*n))),
    );
    found
}

fn warmup_is_short(outcome: &Outcome, all: &[Way<'_>]) -> bool {
    all.iter().any(|way| interval(outcome, way).is_some_and(|interval| interval > outcome.scenario.warmup))
}
