//! Advice as the answer in a design interview, in the order in which one is asked.

use super::sentences::{flip, name, reason};
use super::spoken::{few, seconds};
use super::table::{WIDTH, finish, head, small};
use crate::advice::{Advice, Axis, Turn};
use crate::report::numbers::{bytes, count, percent, rate};
use crate::report::text::{Style, plain, wrap};

/// The answer as text. Ends with a line break.
#[must_use]
pub fn interview(advice: &Advice, style: Style) -> String {
    let mut lines = head(advice, style);
    for (heading, text) in sections(advice) {
        lines.extend([String::new(), style.bold(heading)]);
        lines.extend(wrap(&plain(&text), WIDTH));
    }
    finish(&lines, style)
}

/// Heading and text, from the requirement to what would change one's mind.
#[must_use]
pub fn sections(advice: &Advice) -> Vec<(&'static str, String)> {
    vec![
        ("Requirement", requirement(advice)),
        ("Who speaks first?", speaker(advice)),
        ("Rate × delay bound", product(advice)),
        ("Transport", transport(advice)),
        ("State and fan-out", state(advice)),
        ("Failure", failure(advice).to_owned()),
        ("What would change my mind", change(advice)),
    ]
}

fn requirement(advice: &Advice) -> String {
    let people = count(u64::from(advice.scenario.clients));
    let news = advice.transports.first().map_or(0.0, |row| row.facts.deliveries_per_s);
    let bound = match advice.need.max_delay_s {
        Some(bound) => format!("99 of 100 of them within {}", seconds(bound)),
        None => "without a bound on their delay".to_owned(),
    };
    let stay = advice.need.visit_s.map_or_else(String::new, |visit| {
        format!(
            " People stay {} on average, so {} arrive a second.",
            seconds(visit),
            few(arrivals(advice, visit))
        )
    });
    format!("{people} people at a time, {} deliveries a second to them together, {bound}.{stay}", few(news))
}

fn arrivals(advice: &Advice, visit: f64) -> f64 {
    f64::from(advice.scenario.clients) / visit
}

fn sends(advice: &Advice) -> f64 {
    advice.transports.first().map_or(0.0, |row| row.facts.sends_per_s)
}

fn speaker(advice: &Advice) -> String {
    let sends = sends(advice);
    if sends > 0.0 {
        format!("Both: clients send {} messages a second, and hear those of others.", few(sends))
    } else if advice.need.cacheable {
        "The server, and it says the same to all: the answer can be kept by a cache.".to_owned()
    } else {
        "The server: clients only listen, so nothing has to go up but the question.".to_owned()
    }
}

fn product(advice: &Advice) -> String {
    let Some(row) = advice.of_kind("poll") else { return "Nothing polls here.".to_owned() };
    let facts = &row.facts;
    let per_poll = facts.deliveries_per_s / facts.polls_per_s.max(f64::MIN_POSITIVE);
    let interval = facts.interval.map_or(0.0, |interval| interval.0.as_secs_f64());
    let waste = facts.waste_ratio.map_or_else(String::new, |waste| {
        format!(" and {} of {} asks a second bring nothing", percent(waste), few(facts.polls_per_s))
    });
    format!(
        "A poll that keeps the bound asks every {}; {} messages fall into such an interval{waste}. Under 0.69 \
         over half are for nothing (e^(−x)); from 3 on, under one in twenty.",
        seconds(interval),
        rate(per_poll)
    )
}

fn transport(advice: &Advice) -> String {
    let (Some(choice), Some(row)) = (&advice.choice, advice.chosen()) else {
        return "There is nothing to weigh against each other.".to_owned();
    };
    let facts = &row.facts;
    let delay = facts.delay_ms_mean.map_or_else(String::new, |mean| {
        format!(" Mean delay {} beside the network,", crate::report::numbers::ms(mean))
    });
    format!(
        "{}: {}.{delay} {} requests and {} a second, {} open connections, {} cores and {} of the server.",
        name(&choice.winner, &choice.kind),
        reason(advice, choice),
        few(facts.requests_per_s),
        bytes(facts.bytes_per_s()),
        few(facts.connections),
        small(row.server.cpu_cores),
        bytes(row.server.memory_bytes)
    )
}

fn state(advice: &Advice) -> String {
    let polls = advice.choice.as_ref().is_some_and(|choice| choice.kind == "poll");
    let readers = if advice.scenario.workload.group().is_none() {
        "All read one feed, so an event is encoded once and written to each."
    } else {
        "Feeds are small groups', so servers can be split by feed."
    };
    if polls {
        format!(
            "None between two asks: the client brings its position (offset and epoch), and any server or cache \
             answers. {readers}"
        )
    } else {
        format!(
            "A connection belongs to one server, so servers must hear each other's events through a broker; the \
             position is kept in the feed, not in the connection. {readers}"
        )
    }
}

fn failure(advice: &Advice) -> &'static str {
    let polls = advice.choice.as_ref().is_some_and(|choice| choice.kind == "poll");
    if polls {
        "The next ask repeats the last position: nothing to resume. Back off with jitter when answers fail, so \
         that a restart is not met by everybody at once."
    } else {
        "All connections of a server break at once: reconnect after a random wait that grows, resume from the last \
         offset, and say so when the feed no longer holds it. Heartbeats find what is open and dead; fall back to \
         polling where a proxy breaks the stream."
    }
}

fn change(advice: &Advice) -> String {
    let turns = advice.flips.iter().filter(|flip| matches!(flip.turn, Turn::Choice { .. }));
    let mut points: Vec<String> = turns.map(|turn| flip(advice, turn)).collect();
    if !advice.flips.iter().any(|flip| flip.axis == Axis::Clients) {
        points.push("The number of people alone would not.".to_owned());
    }
    if advice.choice.as_ref().is_some_and(|choice| choice.kind != "poll") && !advice.need.cacheable {
        points.push("One answer for all, that may be a little old: then a cache answers.".to_owned());
    }
    points.push("A closed app: then the platform's push.".to_owned());
    points.join(" ")
}
