//! Sentences about a choice and about where it turns round. For translation, look here.

use crate::advice::{Advice, Axis, Choice, Facts, Flip, Reason, Turn};
use crate::report::numbers::{self, ms, percent};
use crate::report::ways::{Kind, capital};

use super::spoken::{few, seconds};

/// `polling`, or the label where it is not the kind's own.
#[must_use]
pub fn name(label: &str, kind: &str) -> String {
    if label == kind { Kind::of(kind).name().to_owned() } else { label.to_owned() }
}

/// The name of a transport of the answer, by its label.
fn named(advice: &Advice, label: &str) -> String {
    let kind = advice.transports.iter().find(|row| row.facts.label == label).map(|row| &row.facts);
    name(label, kind.map_or(label, |facts| facts.kind.as_str()))
}

/// `Use SSE: 98 of 100 asks would be for nothing.`
#[must_use]
pub fn recommendation(advice: &Advice) -> Option<String> {
    let choice = advice.choice.as_ref()?;
    let bound = advice.need.max_delay_s.map_or_else(String::new, |bound| {
        let bound = seconds(bound);
        if advice.need.assumed {
            format!(" Delay allowed: {bound}, which is what its poll lets news wait.")
        } else {
            format!(" Delay allowed: {bound} for 99 of 100 messages.")
        }
    });
    let winner = named(advice, &choice.winner);
    Some(format!("Use {winner}: {}.{bound}", reason(advice, choice)))
}

/// Why, without a full stop.
#[must_use]
pub fn reason(advice: &Advice, choice: &Choice) -> String {
    let (winner, over) = (name(&choice.winner, &choice.kind), named(advice, &choice.over));
    match &choice.reason {
        Reason::NothingHolds { bound_ms, best_ms } => format!(
            "nothing brings 99 of 100 messages within {}, and it comes nearest with {}",
            ms(*bound_ms),
            ms(*best_ms)
        ),
        Reason::Bound { bound_ms, other_ms } => format!(
            "{over} needs {} for 99 of 100 messages, and {} are allowed",
            ms(*other_ms),
            ms(*bound_ms)
        ),
        Reason::Cache { origin_per_s, requests_per_s } => format!(
            "one answer serves all, so that of {} requests a second {} reach the server",
            few(*requests_per_s),
            few(*origin_per_s)
        ),
        // It would pay, and yet is not worth having: less than an interval.
        Reason::ShortVisit { visit_s, pays_from_s: Some(from) } if visit_s > from => {
            format!("people stay {} on average, so that most of them ask only once", seconds(*visit_s))
        }
        Reason::ShortVisit { visit_s, pays_from_s: Some(from) } => format!(
            "people stay {} on average, and opening a connection pays from {} on",
            seconds(*visit_s),
            seconds(*from)
        ),
        Reason::ShortVisit { visit_s, pays_from_s: None } => {
            format!(
                "people stay {} on average, and a connection opened for that never pays",
                seconds(*visit_s)
            )
        }
        Reason::TwoWay { sends_per_s } if choice.kind == "websocket" => format!(
            "both sides talk; {} messages a second go up in a frame each, not in a request each",
            few(*sends_per_s)
        ),
        Reason::TwoWay { sends_per_s } => {
            format!(
                "both sides talk ({} messages a second go up), and news comes back at once",
                few(*sends_per_s)
            )
        }
        Reason::Unaffordable { poll_share, push_share } => format!(
            "asking so often keeps {} of one such machine busy, {winner} {}",
            share(*poll_share),
            share(*push_share)
        ),
        Reason::Frequent { waste_ratio } => {
            format!("{}, and no connection has to stand", for_nothing(Some(*waste_ratio)))
        }
        Reason::Rare { waste_ratio } => format!("{} of the asks would be for nothing", percent(*waste_ratio)),
        Reason::Cheap { waste_ratio, poll_share } => format!(
            "{}, and all of them take {} of one such machine: the simplest way is cheap enough",
            for_nothing(*waste_ratio),
            share(*poll_share)
        ),
        Reason::Dear { waste_ratio, poll_share, push_share } => format!(
            "{}, and all of them take {} of one such machine, {winner} {}",
            for_nothing(*waste_ratio),
            share(*poll_share),
            share(*push_share)
        ),
    }
}

fn for_nothing(waste: Option<f64>) -> String {
    match waste {
        None => "how many asks are for nothing is not known".to_owned(),
        Some(0.0) => "no ask is for nothing".to_owned(),
        Some(waste) => format!("{} of the asks are for nothing", percent(waste)),
    }
}

/// One point at which it turns, as a sentence.
#[must_use]
pub fn flip(advice: &Advice, flip: &Flip) -> String {
    let where_ = place(advice, flip);
    match &flip.turn {
        Turn::Choice { to } => {
            format!("{where_}: {}, since {}.", name(&to.winner, &to.kind), reason(advice, to))
        }
        Turn::Bytes { to, from } => {
            format!("{where_}: {} moves fewer bytes than {}.", named(advice, to), named(advice, from))
        }
    }
}

/// `News every 7.2 s or oftener (now 47.5 s)`.
fn place(advice: &Advice, flip: &Flip) -> String {
    let less = flip.now.is_none_or(|now| flip.at < now);
    let at = seconds(flip.at);
    match flip.axis {
        Axis::Gap => {
            let key = advice.scenario.workload.gap().map_or("gap", |(key, _)| key);
            let now = flip.now.map_or_else(String::new, |now| format!(", now {}", seconds(now)));
            let side = if less { "or less" } else { "or more" };
            format!("News every {at} {side} (workload.{key}{now})")
        }
        Axis::Interval => {
            let label = advice.of_kind("poll").map_or("poll", |row| row.facts.label.as_str());
            let now = flip.now.map_or_else(String::new, |now| format!(", now {}", seconds(now)));
            let side = if less { "or oftener" } else { "or more seldom, as later news would do" };
            format!("Asking every {at} {side} ({label}.interval{now})")
        }
        Axis::Clients => {
            let people = few(flip.at);
            let now = flip.now.map_or_else(String::new, |now| format!(" (now {})", few(now)));
            if less { format!("Up to {people} people{now}") } else { format!("From {people} people on{now}") }
        }
        Axis::Visit => {
            let now = flip.now.map_or_else(|| "all stay".to_owned(), seconds);
            let side = if less { "or less" } else { "or more" };
            format!("Visits of {at} {side} (now {now})")
        }
    }
}

/// What no flip was found for, in one sentence; none where every setting has one.
#[must_use]
pub fn steadfast(advice: &Advice) -> Option<String> {
    let turns =
        |axis| advice.flips.iter().any(|flip| flip.axis == axis && matches!(flip.turn, Turn::Choice { .. }));
    let what = |axis| match axis {
        Axis::Gap => "how often news comes",
        Axis::Interval => "how often one asks",
        Axis::Clients => "the number of people",
        Axis::Visit => "how long they stay",
    };
    let steady: Vec<String> =
        Axis::ALL.into_iter().filter(|axis| !turns(*axis)).map(|axis| what(axis).to_owned()).collect();
    (!steady.is_empty()).then(|| {
        let all = crate::report::ways::list(&steady).replace(" and ", " or ");
        format!("{} alone does not change it.", capital(&all))
    })
}

/// A share of a machine, which may be more than one.
pub(super) fn share(value: f64) -> String {
    if value >= 1.5 { format!("{} times all", numbers::times(value)) } else { percent(value) }
}

/// What a transport is set to, where that matters.
pub(super) fn setting(facts: &Facts) -> String {
    facts.interval.map_or_else(String::new, |interval| format!("every {}", seconds(interval.0.as_secs_f64())))
}
