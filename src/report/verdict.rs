//! The conclusions in words. Every comparison passes a guard: what is inside the noise is called so,
//! and what rests on too few messages is not concluded at all.

use crate::claim;
use crate::outcome::Outcome;
use crate::scenario::Engine;
use crate::scenario::fleet::Between;

use super::lessons;
use super::measure::{self, Delay};
use super::noise;
use super::numbers::{self, count};
use super::titles::{self, Win};
use super::ways::{self, Kind, Way, list, ways};

mod command;
mod reverse;
mod warnings;

pub use command::command;
pub use reverse::{Reverse, reverse};

/// What one run says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What polling wins, where it does.
    pub win: Option<Win>,
    /// Two sentences: what asking found, and how long news waited; with n.
    pub sentences: [String; 2],
    /// People, window and place, for which the sentences hold.
    pub conditions: String,
    /// The rule for when the result turns round, in one sentence.
    pub rule: String,
    /// One change worth trying: command and what it will do.
    pub attempt: Option<(String, String)>,
    /// What makes the numbers less than they seem.
    pub warnings: Vec<String>,
}

/// Draws the conclusions.
#[must_use]
pub fn verdict(outcome: &Outcome) -> Verdict {
    let all = ways(outcome);
    Verdict {
        win: titles::win(outcome, &all),
        sentences: [asking(outcome, &all), waiting(outcome, &all)],
        conditions: conditions(outcome),
        rule: lessons::RULE.to_owned(),
        attempt: attempt(outcome, &all),
        warnings: warnings::warnings(outcome, &all),
    }
}

/// The way whose waste the verdict is about: the first short poll, else the first that asks.
pub(super) fn asker<'a, 'b>(all: &'b [Way<'a>]) -> Option<&'b Way<'a>> {
    all.iter().find(|way| way.kind == Kind::Poll).or_else(|| all.iter().find(|way| way.kind.asks()))
}

/// The way the asker is compared with: WebSocket where there is one, else the first that does not poll.
pub(super) fn pusher<'a, 'b>(all: &'b [Way<'a>]) -> Option<&'b Way<'a>> {
    let first = |kind| all.iter().find(|way| way.kind == kind);
    first(Kind::WebSocket).or_else(|| first(Kind::Sse)).or_else(|| first(Kind::LongPoll))
}

/// Of several ways that ask, those whose asks were for nothing most and least often, where that is more
/// than chance.
pub(super) fn shares<'a, 'b>(outcome: &Outcome, all: &'b [Way<'a>]) -> Option<(&'b Way<'a>, &'b Way<'a>)> {
    let share = |way: &Way<'_>| way.t.waste_ratio.filter(|_| measure::answered(way.t) >= measure::FEW_POLLS);
    let mut asked: Vec<&Way<'_>> = all.iter().filter(|way| share(way).is_some()).collect();
    asked.sort_by(|a, b| share(b).unwrap_or(0.0).total_cmp(&share(a).unwrap_or(0.0)));
    let [most, .., least] = &asked[..] else { return None };
    let reach = |way: &Way<'_>| {
        let value = share(way).unwrap_or(0.0);
        noise::waste_interval(outcome, way).unwrap_or((value - 0.005, value + 0.005))
    };
    (reach(most).0 > reach(least).1).then_some((*most, *least))
}

/// Of more than two ways the slowest and the fastest by their medians.
pub(super) fn ends<'a, 'b>(heard: &[&'b Way<'a>]) -> Option<(&'b Way<'a>, &'b Way<'a>)> {
    if heard.len() < 3 || heard.iter().any(|way| way.t.latency_ms.p50.is_none()) {
        return None;
    }
    let p50 = |way: &&Way<'_>| way.t.latency_ms.p50.unwrap_or(0.0);
    let slow = heard.iter().copied().max_by(|a, b| p50(a).total_cmp(&p50(b)))?;
    // Of equals the last, which is the one that the scenario comes to.
    let fast = heard.iter().rev().copied().min_by(|a, b| p50(a).total_cmp(&p50(b)))?;
    Some((slow, fast))
}

fn asking(outcome: &Outcome, all: &[Way<'_>]) -> String {
    let Some(way) = asker(all) else {
        let names: Vec<String> = all.iter().map(|way| way.name.clone()).collect();
        return match &names[..] {
            [] => "The outcome holds no transport, so there is nothing to compare.".to_owned(),
            _ => format!("Nobody asked: {} carried news only when there was some.", list(&names)),
        };
    };
    let (n, empty) = (measure::answered(way.t), way.t.requests.empty);
    let Some(share) = way.t.waste_ratio else {
        return format!("No poll was answered by {}, so nothing can be said about waste.", way.name);
    };
    if outcome.engine == Engine::Theory {
        let (n, empty, share) = (count(n), count(empty), numbers::percent(share));
        return format!("Of {n} asks by {} theory expects {empty} to find nothing ({share}).", way.name);
    }
    if n < measure::FEW_POLLS {
        return format!(
            "Only {} polls were answered ({} of them “Nope”): too few to call it a share.",
            count(n),
            count(empty)
        );
    }
    let asks = format!("{} asks by {}", count(n), way.name);
    let found = match empty {
        0 => format!("Every one of {asks} found news"),
        _ if empty == n => format!("All {asks} found nothing"),
        _ => format!("{} of {asks} found nothing ({})", count(empty), numbers::percent(share)),
    };
    format!("{found}{}.{}", against_theory(outcome, way, share), others(all, way))
}

/// What the other ways found that ask.
fn others(all: &[Way<'_>], first: &Way<'_>) -> String {
    let other =
        |way: &&Way<'_>| way.t.label != first.t.label && measure::answered(way.t) >= measure::FEW_POLLS;
    let said = |way: &Way<'_>| Some(format!("{} by {}", numbers::percent(way.t.waste_ratio?), way.name));
    let said: Vec<String> = all.iter().filter(other).filter_map(said).collect();
    if said.is_empty() { String::new() } else { format!(" It was {}.", list(&said)) }
}

/// What theory expects, give or take three standard errors of what this run can tell.
fn against_theory(outcome: &Outcome, way: &Way<'_>, share: f64) -> String {
    let Some(expected) = way.t.theory.waste_ratio else { return String::new() };
    let Some(trials) = noise::trials(outcome, way) else { return String::new() };
    let said = numbers::percent_fine(expected);
    if !trials.are_enough() {
        return format!("; theory expects {said}, and too little here is independent to judge that by");
    }
    let (low, high) = noise::wilson(share, trials.looks, 3.0);
    let agrees = (low..=high).contains(&expected);
    let behind = outcome.generator.as_ref().is_some_and(|generator| generator.saturated);
    let faulty = !outcome.scenario.faults.is_empty();
    let give = (high - low) * 50.0;
    if agrees && way.t.requests.empty == 0 && expected < 0.0005 {
        return format!(", and theory expects the same, as far as this run can tell (± {give:.1}\u{a0}%)");
    }
    let judged = match agrees {
        true => "it agrees",
        false if faulty => "it does not agree, which the faults of this run explain first",
        false if behind => "it does not agree, but the load generator fell behind, which explains it first",
        false => "chance alone does not explain it",
    };
    format!("; theory says {said} ± {give:.1}, so {judged}")
}

fn waiting(outcome: &Outcome, all: &[Way<'_>]) -> String {
    let heard: Vec<&Way<'_>> = all.iter().filter(|way| way.t.latency_ms.count > 0).collect();
    if heard.is_empty() {
        return "No message arrived in the window, so there is no delay to compare.".to_owned();
    }
    let few =
        |way: &Way<'_>| way.t.latency_ms.count < measure::FEW_DELIVERIES && !measure::is_computed(way.t);
    if let ([only], true) = (&heard[..], heard.iter().any(|way| few(way))) {
        let n = numbers::several(only.t.latency_ms.count, "message", "messages");
        return format!("Only {n} arrived by {}: too few to say how long they take.", only.name);
    }
    if let Some(way) = heard.iter().find(|way| few(way)) {
        return format!(
            "With {} by {} there are too few to say which is faster.",
            numbers::several(way.t.latency_ms.count, "delivery", "deliveries"),
            way.name
        );
    }
    if heard.iter().any(|way| measure::is_computed(way.t) && way.t.latency_ms.p50.is_none()) {
        return means(&heard);
    }
    if let Some((slow, fast)) = ends(&heard) {
        return two_delays(outcome, slow, fast);
    }
    match (asker(all), pusher(all)) {
        (Some(a), Some(b)) if a.t.label != b.t.label => two_delays(outcome, a, b),
        _ => match &heard[..] {
            [only] => one_delay(only),
            [a, b, ..] => two_delays(outcome, a, b),
            [] => String::new(),
        },
    }
}

/// What formulas say of delays whose distribution they do not know.
fn means(heard: &[&Way<'_>]) -> String {
    let mean = |way: &&Way<'_>| Some(format!("{} by {}", numbers::ms(way.t.latency_ms.mean?), way.name));
    let said: Vec<String> = heard.iter().filter_map(mean).collect();
    if said.is_empty() {
        return "How long messages take here no formula says.".to_owned();
    }
    format!("The mean delay is {}; how delays are distributed here no formula says.", list(&said))
}

fn one_delay(way: &Way<'_>) -> String {
    let p50 = way.t.latency_ms.p50.map_or_else(|| "an unknown time".to_owned(), numbers::ms);
    let n = count(way.t.latency_ms.count);
    format!("Half of the messages by {} arrived within {p50} (n = {n}).", way.name)
}

fn two_delays(outcome: &Outcome, a: &Way<'_>, b: &Way<'_>) -> String {
    let text = |way: &Way<'_>| way.t.latency_ms.p50.map_or_else(|| "–".to_owned(), numbers::ms);
    let n = if a.t.latency_ms.count == b.t.latency_ms.count {
        format!("n = {} each", count(a.t.latency_ms.count))
    } else {
        format!("n = {} and {}", count(a.t.latency_ms.count), count(b.t.latency_ms.count))
    };
    let (one, two) = (&a.name, &b.name);
    let (long, short) = (text(a), text(b));
    match measure::compare(a.t, b.t) {
        Delay::TooFew => format!("Too few deliveries to say which of {one} and {two} is faster ({n})."),
        Delay::Same => format!(
            "The typical delay is {long} by {one} and {short} by {two}: the difference is inside the noise ({n})."
        ),
        Delay::Slower(_) => format!(
            "Half of the messages by {one} took longer than {long}{}; by {two} half came within {short} ({n}).",
            half(outcome, a)
        ),
        Delay::Faster(_) => format!(
            "Half of the messages by {one} came within {long}; by {two} half took longer than {short} ({n})."
        ),
    }
}

/// Says that the typical wait is half an interval, where the noise allows it.
fn half(outcome: &Outcome, way: &Way<'_>) -> String {
    let Some(interval) = interval(outcome, way) else { return String::new() };
    let expected = interval.as_secs_f64() * 500.0 + lessons::trip_ms(outcome);
    let holds =
        measure::median_interval(way.t).is_some_and(|(low, high)| low <= expected && expected <= high);
    if holds { format!(", about half the {} interval", numbers::duration(interval)) } else { String::new() }
}

fn conditions(outcome: &Outcome) -> String {
    let people = super::text::who(outcome);
    format!("{people} per transport, a window of {}, {}", window(outcome), lessons::place(outcome))
}

/// How long was measured: `20 s`, or `7.5 s of 20 s` where the run was interrupted.
pub(super) fn window(outcome: &Outcome) -> String {
    let planned = numbers::duration(outcome.scenario.duration);
    match outcome.interrupted_at_s {
        Some(at) => format!("{} of {planned}", numbers::ms(at * 1000.0)),
        None => planned,
    }
}

pub(super) fn interval(outcome: &Outcome, way: &Way<'_>) -> Option<std::time::Duration> {
    outcome.scenario.transports.iter().find(|t| t.label == way.t.label)?.way.interval()
}

/// A fifth of the interval where most asks are wasted or none is, five times it where few are.
fn attempt(outcome: &Outcome, all: &[Way<'_>]) -> Option<(String, String)> {
    // What stands between servers of others is not ours to set.
    let ours = outcome.targets.is_empty();
    if let Some(fleet) = outcome.scenario.fleet.as_ref().filter(|fleet| ours && fleet.servers > 1) {
        let (next, effect) = match fleet.broker {
            Between::None => ("redis", "what crosses arrives"),
            _ => ("none", "what crosses is lost"),
        };
        let name = command::word(outcome);
        return Some((format!("anynews run {name} --set fleet.broker={next}"), effect.to_owned()));
    }
    let way = all.iter().find(|way| way.kind == Kind::Poll)?;
    let interval = interval(outcome, way)?;
    let share = way.t.waste_ratio.or(way.t.theory.waste_ratio)?;
    let shorter = interval.as_millis() >= 50;
    let (next, effect) = match share {
        _ if share >= 0.5 && shorter => (interval / 5, "less wait, more “Nope”"),
        _ if share >= 0.01 => (interval.checked_mul(5)?, "more wait, less “Nope”"),
        _ if shorter => (interval / 5, "less wait, more asks: does “Nope” come back?"),
        _ => (interval.checked_mul(5)?, "fewer asks, more wait"),
    };
    let (name, label) = (command::word(outcome), &way.t.label);
    let set = command::shell_word(&format!("{label}.interval={}", numbers::option(next)));
    Some((format!("anynews run {name} --set {set}"), effect.to_owned()))
}

/// What the user guessed, and what was measured: by the scenario's `answer`, or where the question is about
/// “Nope”.
#[must_use]
pub fn guess(outcome: &Outcome) -> Option<String> {
    let said = outcome.prediction.as_deref()?.trim();
    if said.is_empty() {
        return None;
    }
    let all = ways(outcome);
    let question = outcome.scenario.predict.as_deref().unwrap_or_default();
    let how = if outcome.engine == Engine::Theory { "computed" } else { "measured" };
    Some(match claim::answer(outcome) {
        Some(Ok(value)) => format!("You guessed {said}; {how}: {}.", numbers::rate(value)),
        Some(Err(why)) => format!("You guessed {said}; not {how} here ({why})."),
        None => {
            let asker = asker(&all).filter(|_| asks_about_nope(question));
            match asker.and_then(|way| way.t.waste_ratio) {
                Some(share) => {
                    format!("You guessed {said}; {how}: {} in 100.", numbers::rate(share * 100.0))
                }
                None => format!("You guessed {said}."),
            }
        }
    })
}

/// Whether a question is about empty answers, so that the guess belongs beside them.
#[must_use]
pub fn asks_about_nope(question: &str) -> bool {
    question.to_lowercase().contains("nope")
}

/// The first words of a report: `Letters vs phone call` where both are there, else the names.
#[must_use]
pub fn heading(outcome: &Outcome) -> String {
    let all = ways(outcome);
    let pictures: Vec<&str> = all.iter().map(|way| way.kind.picture()).collect();
    match &pictures[..] {
        ["letters", "phone call"] => "Letters vs phone call".to_owned(),
        _ => {
            let names: Vec<String> = all.iter().map(|way| way.name.clone()).collect();
            ways::capital(&names.join(" vs "))
        }
    }
}

#[cfg(test)]
mod tests;
