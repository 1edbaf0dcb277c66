//! Where a judgement turns round: one setting is moved until another transport wins.
//!
//! Rates, intervals and stays are moved in the situation, and the formulas asked again; people in the
//! figures, which are proportional to them. `anynews sweep` finds the same points by running.

use std::time::Duration;

use serde::Serialize;

use super::judge::judge;
use super::{Choice, Facts, Situation, set_interval, trips};
use crate::scenario::Scenario;

/// The setting that is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Seconds between messages: the scenario's own key for it.
    Gap,
    /// Seconds between polls; the delay allowed moves with it.
    Interval,
    /// People.
    Clients,
    /// Mean stay in seconds.
    Visit,
}

impl Axis {
    /// In the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Gap, Self::Interval, Self::Clients, Self::Visit];
}

/// What turns round.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "turn", rename_all = "kebab-case")]
pub enum Turn {
    /// Another transport is recommended.
    Choice {
        /// The recommendation from there on.
        to: Choice,
    },
    /// Another transport moves fewer bytes.
    Bytes {
        /// The label of the one that does from there on.
        to: String,
        /// The label of the one that did.
        from: String,
    },
}

/// One point at which it turns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// The setting.
    pub axis: Axis,
    /// Where it stands now: seconds or people; null for people who stay.
    pub now: Option<f64>,
    /// Where it turns.
    pub at: f64,
    /// What turns.
    #[serde(flatten)]
    pub turn: Turn,
}

/// Events of a look whose formulas are worked out in no time.
const EVENTS: f64 = 6_000.0;
/// What is weighed against each other.
const WEIGHED: &[&str] = &["poll", "sse", "websocket"];
/// Factor between two looks, and the furthest look from where the setting stands.
const STEP: f64 = 1.6;
const FURTHEST: f64 = 2000.0;
/// How exactly a point is found.
const FINE: f64 = 1.002;
/// Bounds of a scenario's gaps and intervals, seconds, and of its people.
const SECONDS: (f64, f64) = (0.001, 86_400.0);
const PEOPLE: (f64, f64) = (1.0, 1e7);

/// The same scenario with about so many events at most, and how many times fewer people it has. It has
/// fewer groups of people, as long as they are some; then its window is cut short. Where all read alike
/// they need only be counted, and so may be more than the events.
pub(super) fn light(scenario: &Scenario, most: f64) -> (Scenario, f64) {
    /// Fewer groups are no sample at all.
    const LEAST: f64 = 8.0;
    /// People for each event.
    const ALIKE: f64 = 20.0;
    let mut light = scenario.clone();
    let events = |s: &Scenario| {
        s.workload.events_per_second(s.clients, s.duration) * (s.duration + s.warmup).as_secs_f64()
    };
    if let Some(group) = scenario.workload.group() {
        let groups = f64::from(scenario.clients / group);
        let kept = (groups * most / events(scenario).max(1.0)).ceil().max(LEAST);
        if kept < groups {
            light.clients = kept as u32 * group;
        }
    } else {
        light.clients = light.clients.min((most * ALIKE) as u32);
    }
    let scale = f64::from(scenario.clients) / f64::from(light.clients);
    let events = events(&light);
    light.duration = light.duration.mul_f64((most / events.max(1.0)).min(1.0));
    (light, scale)
}

/// Every point at which the choice turns round, nearest on each side of where a setting stands, and where
/// polling and push move equally many bytes.
pub(super) fn all(situation: &Situation) -> Vec<Flip> {
    Axis::ALL.into_iter().flat_map(|axis| along(situation, axis)).collect()
}

/// What is asked at each look.
struct Look {
    at: f64,
    choice: Option<Choice>,
    /// Labels: fewer bytes, more bytes.
    bytes: Option<(String, String)>,
}

fn along(situation: &Situation, axis: Axis) -> Vec<Flip> {
    let Some(start) = start(situation, axis) else { return Vec::new() };
    let (low, high) = if axis == Axis::Clients { PEOPLE } else { SECONDS };
    // Figures are proportional to people, so they are asked for once.
    let base = (axis == Axis::Clients).then(|| situation.facts(WEIGHED, EVENTS).0);
    let look = |at: f64| look(situation, axis, base.as_deref(), at);
    let here = look(start);
    let mut found = Vec::new();
    for up in [false, true] {
        let (mut choice, mut bytes) = (false, axis != Axis::Gap);
        let mut before = look(start);
        while !(choice && bytes) {
            let next = if up { before.at * STEP } else { before.at / STEP };
            if next < low || next > high || next > start * FURTHEST || next < start / FURTHEST {
                break;
            }
            let there = look(next);
            let winner = |look: &Look| look.choice.as_ref().map(|choice| choice.kind.clone());
            if !choice && winner(&there).is_some() && winner(&there) != winner(&here) {
                choice = true;
                let (at, beyond) = between(before.at, next, |at| winner(&look(at)) == winner(&here));
                if let Some(to) = look(beyond).choice {
                    found.push(Flip { axis, now: now(situation, axis), at, turn: Turn::Choice { to } });
                }
            }
            if !bytes && there.bytes.is_some() && there.bytes != here.bytes {
                bytes = true;
                let (at, _) = between(before.at, next, |at| look(at).bytes == here.bytes);
                if let Some((to, from)) = there.bytes.clone() {
                    found.push(Flip { axis, now: now(situation, axis), at, turn: Turn::Bytes { to, from } });
                }
            }
            before = there;
        }
    }
    found
}

/// The point between two looks at which `same` ends, by halving their ratio; and one just beyond it.
fn between(same_at: f64, other_at: f64, same: impl Fn(f64) -> bool) -> (f64, f64) {
    let (mut near, mut far) = (same_at, other_at);
    while (far / near).max(near / far) > FINE {
        let middle = (near * far).sqrt();
        if same(middle) { near = middle } else { far = middle }
    }
    ((near * far).sqrt(), far)
}

fn now(situation: &Situation, axis: Axis) -> Option<f64> {
    let scenario = &situation.scenario;
    match axis {
        Axis::Gap => scenario.workload.gap().map(|(_, gap)| gap.as_secs_f64()),
        Axis::Interval => scenario
            .transports
            .iter()
            .find_map(|transport| transport.way.interval())
            .map(|interval| interval.as_secs_f64()),
        Axis::Clients => Some(f64::from(scenario.clients)),
        Axis::Visit => situation.need.visit_s,
    }
}

/// Where the search begins; people who stay are looked for from an hour down.
fn start(situation: &Situation, axis: Axis) -> Option<f64> {
    match axis {
        // A cache's answer does not depend on how often it is asked.
        Axis::Interval if situation.need.cacheable => None,
        Axis::Visit => Some(situation.need.visit_s.unwrap_or(3600.0)),
        _ => now(situation, axis),
    }
}

fn look(situation: &Situation, axis: Axis, base: Option<&[Facts]>, at: f64) -> Look {
    let mut moved = situation.clone();
    let facts = if let Some(base) = base {
        let factor = at / f64::from(situation.scenario.clients);
        base.iter().cloned().map(|facts| facts.times(factor)).collect()
    } else {
        shift(&mut moved, axis, at);
        moved.facts(WEIGHED, EVENTS).0
    };
    Look { at, choice: judge(&facts, &moved.need, &moved.machine), bytes: lighter(&facts) }
}

fn shift(moved: &mut Situation, axis: Axis, at: f64) {
    let to = Duration::from_secs_f64(at.clamp(SECONDS.0, SECONDS.1));
    let scenario = &mut moved.scenario;
    match axis {
        Axis::Gap => scenario.workload = scenario.workload.clone().with_gap(to),
        Axis::Interval => {
            set_interval(scenario, to);
            // Seldom polls take a longer look: one interval to warm up, and some to count.
            scenario.warmup = scenario.warmup.max(to);
            scenario.duration = scenario.duration.max(to * 10);
            moved.need.max_delay_s = Some(to.as_secs_f64() + trips(scenario));
        }
        Axis::Visit => moved.need.visit_s = Some(at),
        Axis::Clients => {}
    }
}

/// Which of the first poll and the first socket, or stream, moves fewer bytes.
fn lighter(facts: &[Facts]) -> Option<(String, String)> {
    let first = |kind: &str| facts.iter().find(|facts| facts.kind == kind);
    let (poll, push) = (first("poll")?, first("websocket").or_else(|| first("sse"))?);
    let polls = poll.bytes_per_s() < push.bytes_per_s();
    let (less, more) = if polls { (poll, push) } else { (push, poll) };
    Some((less.label.clone(), more.label.clone()))
}
