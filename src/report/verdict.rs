//! The conclusions in words. Every comparison passes a guard: what is inside the noise is called so,
//! and what rests on too few messages is not concluded at all.

use crate::claim;
use crate::outcome::Outcome;
use crate::scenario::file::{self, Overrides};
use crate::scenario::fleet::Between;
use crate::scenario::{Engine, Scenario, Workload, shipped};

use super::advice;
use super::lessons;
use super::measure::{self, Delay};
use super::noise;
use super::numbers::{self, count};
use super::titles;
use super::ways::{self, Kind, Way, list, ways};

mod warnings;

/// What one run says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What polling wins, where it does.
    pub win: Option<String>,
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
        win: titles::win(&all),
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
    format!("{found}{}.", against_theory(outcome, way, share))
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
    let judged = match agrees {
        true => "it agrees",
        false if behind => "it does not agree, but the load generator fell behind, which explains it first",
        false => "chance alone does not explain it",
    };
    format!("; theory says {said} ± {:.1}, so {judged}", (high - low) * 50.0)
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

/// When this result would reverse, point by point: the adviser's answer for this very scenario and where
/// it turns, then what no setting of the scenario says. It asks the formulas a hundred times or so.
#[must_use]
pub fn reverse(outcome: &Outcome) -> Vec<String> {
    let all = ways(outcome);
    let mut points = advice::reversals(outcome);
    let shared = outcome.scenario.workload.group().is_none();
    if shared && all.iter().any(|way| way.kind.asks()) {
        points.push(lessons::REVERSE_CACHE.to_owned());
    }
    if all.iter().all(|way| way.kind != Kind::Poll) {
        points.push(lessons::REVERSE_NO_POLL.to_owned());
    }
    if points.is_empty() {
        points.push(lessons::REVERSE_UNKNOWN.to_owned());
    }
    points
}

pub(super) fn interval(outcome: &Outcome, way: &Way<'_>) -> Option<std::time::Duration> {
    outcome.scenario.transports.iter().find(|t| t.label == way.t.label)?.way.interval()
}

/// A fifth of the interval where most asks are wasted or none is, five times it where few are.
fn attempt(outcome: &Outcome, all: &[Way<'_>]) -> Option<(String, String)> {
    if let Some(fleet) = outcome.scenario.fleet.as_ref().filter(|fleet| fleet.servers > 1) {
        let (next, effect) = match fleet.broker {
            Between::None => ("redis", "what crosses arrives"),
            _ => ("none", "what crosses is lost"),
        };
        let name = shell_word(&outcome.scenario.name);
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
    let (name, label) = (shell_word(&outcome.scenario.name), &way.t.label);
    let set = shell_word(&format!("{label}.interval={}", numbers::option(next)));
    Some((format!("anynews run {name} --set {set}"), effect.to_owned()))
}

/// The command that runs the same experiment again: of a shipped scenario what differs from its file,
/// else every setting that `--set` may have changed.
#[must_use]
pub fn command(outcome: &Outcome) -> String {
    let file = shipped::find(&outcome.scenario.name)
        .and_then(|shipped| file::read(shipped.name, shipped.name, shipped.text, &Overrides::default()).ok());
    let known = file.map_or_else(|| vec!["--engine live".to_owned()], |file| options(&file, file.seed));
    let mut words = vec!["anynews run".to_owned(), shell_word(&outcome.scenario.name)];
    let mut scenario = outcome.scenario.clone();
    if !outcome.targets.is_empty() {
        let urls: Vec<&str> = outcome.targets.iter().map(|target| target.url.as_str()).collect();
        words.push(format!("--target {}", shell_word(&urls.join(","))));
        // What the targets are is theirs to say.
        (scenario.fleet, scenario.tls) = (None, false);
    }
    words.extend(options(&scenario, outcome.seed).into_iter().filter(|word| !known.contains(word)));
    if outcome.in_turn {
        words.push("--in-turn".to_owned());
    }
    words.join(" ")
}

fn options(scenario: &Scenario, seed: u64) -> Vec<String> {
    let mut words = vec![format!("--seed {seed}")];
    words.push(format!("--duration {}", numbers::option(scenario.duration)));
    let mut set = |text: String| words.push(format!("--set {}", shell_word(&text)));
    set(format!("clients={}", scenario.clients));
    if let Some((key, gap)) = scenario.workload.gap() {
        set(format!("workload.{key}={}", numbers::option(gap)));
    }
    if let Some(fleet) = &scenario.fleet {
        set(format!("fleet.servers={}", fleet.servers));
        set(format!("fleet.placement={}", fleet.placement.name()));
        set(format!("fleet.broker={}", fleet.broker.name()));
    }
    for transport in &scenario.transports {
        if let Some(interval) = transport.way.interval() {
            set(format!("{}.interval={}", transport.label, numbers::option(interval)));
        }
    }
    if let Workload::Ticker { conflate, .. } = scenario.workload {
        set(format!("workload.conflate={conflate}"));
    }
    for setting in scenario.network.iter().flat_map(lessons::settings) {
        words.push(format!("--set {}", shell_word(&format!("network.{setting}"))));
    }
    if scenario.tls {
        words.push("--set network.tls=true".to_owned());
    }
    let engine = match scenario.engine {
        Engine::Live => "live",
        Engine::Sim => "sim",
        Engine::Theory => "theory",
    };
    words.push(format!("--engine {engine}"));
    words
}

/// The word as a POSIX shell reads it back, quoted only where it must be.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
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
