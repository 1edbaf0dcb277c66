//! Sentences that do not depend on the numbers: rules, limits, questions, glossary. For translation,
//! look here first.

use crate::link::Link;
use crate::outcome::{Outcome, Target};
use crate::scenario::fleet::{Between, Fleet, Placement};
use crate::scenario::{Engine, Inbox, Workload};
use crate::units::format_rate;

use super::numbers::{count, duration, ms, people, several};
use super::ways::{Kind, list, ways};

mod glossary;
mod lines;
mod method;

pub use glossary::glossary;
pub use lines::explain_line;
pub use method::method;

/// The rule of thumb of every verdict.
pub const RULE: &str = "Letters win when news comes 3 times an interval or more, or a cache can answer.";
/// Reversal by caching.
pub const REVERSE_CACHE: &str = "When everybody asks for the same thing and an answer may be a few seconds old: \
                                 a cache answers millions of letters, and the server sees one ask per few seconds.";
/// Reversal without a short poll in the run.
pub const REVERSE_NO_POLL: &str =
    "Nothing here polls at an interval. Add a transport of kind \"poll\" to see what asking would cost.";
/// Reversal where the adviser is silent.
pub const REVERSE_BY_RUNNING: &str =
    "Run it at several values with “anynews sweep” to find where the result turns.";
/// The load side was late.
pub const SATURATED: &str = "The load generator could not keep its schedule: delays here blame it, not the server. \
                             Use fewer people, or --in-turn.";
/// The warm-up is shorter than an interval.
pub const SHORT_WARMUP: &str = "The warm-up was shorter than a poll interval, so the first polls looked back over \
                                less than one interval and found less.";
/// The note beside every delay of a run on one machine.
pub const ROUND_TRIP: &str = "+ half your round trip";

/// Where the figures come from, as the end of a sentence.
#[must_use]
pub fn place(outcome: &Outcome) -> String {
    let network = outcome.scenario.network.as_ref().map(link);
    let with =
        network.as_ref().map_or_else(String::new, |link| format!(" with a network in between ({link})"));
    match outcome.engine {
        Engine::Live if !outcome.targets.is_empty() => elsewhere(&outcome.targets),
        Engine::Live if network.is_none() => {
            "real sockets on one machine; on a network, add half your round trip to each delay.".to_owned()
        }
        Engine::Live => format!("real sockets on one machine{with}."),
        Engine::Sim => format!("in virtual time{with}: no machine was measured."),
        Engine::Theory => format!("by formula{with}: computed, not measured."),
    }
}

fn elsewhere(targets: &[Target]) -> String {
    let urls: Vec<String> = targets.iter().map(|target| target.url.clone()).collect();
    let far = targets.iter().map(|target| target.round_trip_ms).fold(0.0, f64::max);
    let which = if urls.len() == 1 { "a server that was" } else { "servers that were" };
    format!("real sockets to {which} running already ({}), {} there and back.", list(&urls), ms(far))
}

/// A server that others started, as the run found it:
/// `http://10.0.0.7:8080, 1.2 ms there and back, its clock 3 ms ahead (± 0.6 ms)`.
#[must_use]
pub fn target(target: &Target) -> String {
    let (off, bound) = (target.clock_offset_ms, target.clock_bound_ms);
    let clock = match off {
        _ if off.abs() <= bound => format!("its clock is ours (± {})", ms(bound)),
        _ => format!(
            "its clock {} {} (± {})",
            ms(off.abs()),
            if off > 0.0 { "ahead" } else { "behind" },
            ms(bound)
        ),
    };
    format!("{}, {} there and back, {clock}", target.url, ms(target.round_trip_ms))
}

/// A network as a person says it: `fast-4g: 60 ms round trip, 9 Mbit/s down, 1.5 Mbit/s up`.
#[must_use]
pub fn link(link: &Link) -> String {
    let mut parts = vec![format!("{} round trip", duration(link.rtt))];
    if !link.jitter.is_zero() {
        parts.push(format!("±{} each way", duration(link.jitter)));
    }
    if link.loss > 0.0 {
        // Not rounded to whole per cents: 2.5 % is a profile's figure.
        let lost = (link.loss * 1e6).round() / 1e4;
        parts.push(format!("{lost}\u{a0}% lost"));
    }
    let rates = [(link.down, "down"), (link.up, "up")];
    parts.extend(rates.iter().filter_map(|(rate, way)| Some(format!("{} {way}", format_rate((*rate)?)))));
    let name = link.profile.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    name + &parts.join(", ")
}

/// A fleet in a few words: `2 for each way, redis between them, people placed in turn`.
#[must_use]
pub fn fleet(fleet: &Fleet) -> String {
    let between = match fleet.broker {
        Between::None => "nothing between them",
        Between::Memory => "a feed in its memory",
        Between::RedisPubsub => "Redis pub/sub between them",
        Between::Redis => "a log in Redis between them",
    };
    let placed = match fleet.placement {
        Placement::Random => "by lot",
        Placement::RoundRobin => "in turn",
    };
    format!("{} for each way, {between}; people are placed {placed}", count(fleet.servers.into()))
}

/// The settings of a network that differ from none: `rtt=100ms`.
#[must_use]
pub fn settings(link: &Link) -> Vec<String> {
    let plain = Link::PLAIN.to_string();
    let default: Vec<&str> = plain.split(',').collect();
    let text = link.to_string();
    text.split(',').filter(|part| !default.contains(part)).map(str::to_owned).collect()
}

/// Mean one-way delay of the scenario's network, ms.
#[must_use]
pub fn trip_ms(outcome: &Outcome) -> f64 {
    outcome.scenario.network.as_ref().map_or(0.0, |link| link.mean_one_way() / 1000.0)
}

/// The scenario in plain sentences.
#[must_use]
pub fn scenario(outcome: &Outcome) -> String {
    let s = &outcome.scenario;
    let people = people(s.clients);
    let whose = |inbox: &Inbox| match inbox {
        Inbox::Own => "each have an inbox of their own",
        Inbox::Shared => "all read one inbox",
    };
    let story = match &s.workload {
        Workload::Poisson { mean_gap, inbox, .. } => {
            let gap = duration(*mean_gap);
            format!("{people} {}; a message comes to it at random, every {gap} on average.", whose(inbox))
        }
        Workload::Periodic { gap, inbox, .. } => {
            format!("{people} {}; a message comes to it every {}.", whose(inbox), duration(*gap))
        }
        Workload::Chat { members, gap_per_room, night, .. } => {
            let asleep = night.as_ref().map_or_else(String::new, |night| {
                format!(" At night ({}) there are {:.0} % of that.", night.hours, night.quiet * 100.0)
            });
            let gap = duration(*gap_per_room);
            format!(
                "{people} chat in rooms of {members}; each room sees a message every {gap} on average.{asleep}"
            )
        }
        Workload::Cricket { gap_per_ball, overs, pauses } => {
            let pauses = if *pauses { ", with pauses after overs, wickets and innings" } else { "" };
            let gap = duration(*gap_per_ball);
            format!("{people} follow innings of {overs} overs; a ball is bowled every {gap}{pauses}.")
        }
        Workload::Ticker { symbols, gap, opening, .. } => {
            let burst = opening.as_ref().map_or_else(String::new, |opening| {
                format!(", and {} times as often when it opens", opening.burst)
            });
            let gap = duration(*gap);
            format!(
                "{people} watch a market of {}; a price changes every {gap}{burst}.",
                several(u64::from(*symbols), "symbol", "symbols")
            )
        }
        Workload::Game { players, tick } => format!(
            "{people} play in matches of {players}; each moves every {}, and every move goes to all others.",
            duration(*tick)
        ),
        Workload::Trace { file, events, .. } => {
            format!("{people} follow a recording of {} events ({file}).", count(*events))
        }
    };
    let visits = s.visit.map_or_else(String::new, |stay| {
        format!(" They come and go: each stays {} on average, then another takes the place.", duration(stay))
    });
    let names: Vec<String> = ways(outcome).iter().map(super::ways::Way::full).collect();
    let turn = if outcome.in_turn { ", one after another" } else { ", all on the same schedule at once" };
    let how = if names.len() > 1 { turn } else { "" };
    let window = duration(s.duration);
    let window = match outcome.interrupted_at_s {
        Some(at) => format!("was to be {window} and was interrupted after {}", ms(at * 1000.0)),
        None => format!("is {window}"),
    };
    format!(
        "{story}{visits} They hear of it by {}{how}. The window {window}, after a warm-up of {} that is not counted.",
        list(&names),
        duration(s.warmup)
    )
}

/// Questions to talk about, for the transports and the workload of this run.
#[must_use]
pub fn questions(outcome: &Outcome) -> Vec<&'static str> {
    let kinds: Vec<Kind> = ways(outcome).iter().map(|way| way.kind).collect();
    let has = |kind| kinds.contains(&kind);
    let mut asked = Vec::new();
    if has(Kind::Poll) {
        asked.push(
            "Halve the poll interval. What happens to the wait, and what to the share of “Nope”? Say both before you run it.",
        );
        asked.push(
            "Does each poll open a new connection? Compare the connections opened with the requests in the tables above.",
        );
    }
    if has(Kind::Poll) && has(Kind::WebSocket) {
        asked.push(
            "A byte travels equally fast by both. Where, then, does the difference in delay come from?",
        );
        asked.push("Find settings for which polling sends fewer messages than WebSocket.");
    }
    if has(Kind::LongPoll) {
        asked.push(
            "A long poll also asks. Why does it waste so much less, and what does the server hold meanwhile?",
        );
    }
    if has(Kind::Sse) && has(Kind::WebSocket) {
        asked.push("SSE and WebSocket deliver equally fast. What can WebSocket do that SSE cannot, and do you need it?");
    }
    asked.push(match outcome.scenario.workload {
        Workload::Poisson { .. } | Workload::Periodic { .. } => {
            "If messages came ten times as often, which bar in the charts would change, and which would not?"
        }
        Workload::Chat { .. } => {
            "“Typing…” that comes late is worse than none. Which transports can still show it in time?"
        }
        Workload::Cricket { .. } => {
            "Ten million viewers see the same score and 5 s of delay is fine. Is WebSocket still right?"
        }
        Workload::Ticker { .. } => {
            "A reader who falls behind wants only the latest price. What may be dropped, and who decides it?"
        }
        Workload::Trace { .. } => {
            "Where in this recording does polling waste most, and where does it wait longest?"
        }
        Workload::Game { .. } => "At which tick does polling become unplayable, however fast the server is?",
    });
    asked.push("What happens to each transport when the server restarts?");
    asked
}

/// Where the figures come from, in a word or two for a table of facts.
#[must_use]
pub fn engine(outcome: &Outcome) -> &'static str {
    match outcome.engine {
        Engine::Live => "live: real sockets",
        Engine::Sim => "virtual time: no machine was measured",
        Engine::Theory => "theory: computed, not measured",
    }
}
