//! What went wrong, in words: the faults with their times, and how each way came through.

use crate::fault::{Fault, What};
use crate::outcome::{Happened, Outcome, Trouble};

use super::numbers::{self, count, percent, several};
use super::ways::{Way, capital, list, ways};

/// Something to be marked on an axis of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Seconds from the start of the window.
    pub from: f64,
    /// The same; equal where it was over at once.
    pub until: f64,
    /// In a word or two.
    pub label: &'static str,
}

/// The faults of a run as marks, in order of time. Where transports ran in turn, the first one's times.
#[must_use]
pub fn marks(outcome: &Outcome) -> Vec<Mark> {
    let end = outcome.scenario.duration.as_secs_f64();
    let mark = |(fault, happened): (&Fault, &Happened)| Mark {
        from: happened.from_s.clamp(0.0, end),
        until: happened.until_s.unwrap_or(end).clamp(0.0, end),
        label: label(&fault.what),
    };
    carried_out(outcome).into_iter().map(mark).filter(|mark| mark.until >= mark.from).collect()
}

fn carried_out(outcome: &Outcome) -> Vec<(&Fault, &Happened)> {
    let trouble = outcome.transports.iter().find_map(|t| t.trouble.as_ref());
    let happened = trouble.map_or(&[][..], |trouble| &trouble.faults);
    happened.iter().filter_map(|h| Some((outcome.scenario.faults.get(h.fault)?, h))).collect()
}

fn label(what: &What) -> &'static str {
    match what {
        What::StallServer { .. } => "frozen",
        What::KillServer { .. } => "killed",
        What::DrainServer { .. } => "drained",
        What::RestartBroker { .. } => "no broker",
        What::CutClients { .. } => "cut off",
        What::SlowClients { .. } => "slow readers",
        What::IdleProxy { .. } => "idle proxy",
    }
}

/// What happened and what came of it, a sentence each; nothing of a run without trouble.
#[must_use]
pub fn sentences(outcome: &Outcome) -> Vec<String> {
    let mut said: Vec<String> = carried_out(outcome).into_iter().map(|(f, h)| event(outcome, f, h)).collect();
    let all = ways(outcome);
    let troubled: Vec<(&Way<'_>, &Trouble)> =
        all.iter().filter_map(|way| Some((way, way.t.trouble.as_ref()?))).collect();
    let mut each: Vec<(String, Vec<String>)> = Vec::new();
    for (way, trouble) in &troubled {
        for sentence in storm(way, trouble).into_iter().chain(aftermath(way, trouble)) {
            match each.iter_mut().find(|(same, _)| *same == sentence) {
                Some((_, names)) => names.push(way.name.clone()),
                None => each.push((sentence, vec![way.name.clone()])),
            }
        }
    }
    said.extend(each.into_iter().map(|(sentence, names)| {
        let each = if names.len() > 1 { ", each" } else { "" };
        format!("{}{each}: {sentence}", capital(&list(&names)))
    }));
    if !said.is_empty() && !outcome.scenario.faults.is_empty() {
        said.extend(spared(&troubled));
    }
    said
}

fn event(outcome: &Outcome, fault: &Fault, happened: &Happened) -> String {
    let at = format!("At {}", seconds(happened.from_s));
    let long = happened.until_s.map_or_else(
        || "until the run ended".to_owned(),
        |until| format!("for {}", numbers::ms((until - happened.from_s) * 1000.0)),
    );
    let one = outcome.scenario.fleet.as_ref().is_none_or(|fleet| fleet.servers == 1);
    let server = match fault.what.server() {
        Some(number) if !one => format!("server {number}"),
        _ => "the server".to_owned(),
    };
    let people = happened.people.map_or_else(String::new, numbers::people);
    match &fault.what {
        What::StallServer { .. } => format!("{at} {server} stood still {long}."),
        What::KillServer { .. } => format!("{at} {server} was killed, and gone {long}."),
        What::DrainServer { spread: true, .. } => {
            format!(
                "{at} {server} was drained: it sent its people away one after another, and was gone {long}."
            )
        }
        What::DrainServer { spread: false, .. } => {
            format!("{at} {server} was drained: it sent its people away all at once, and was gone {long}.")
        }
        What::RestartBroker { keep_data: true } => {
            format!("{at} Redis was killed, and gone {long}; it kept its data.")
        }
        What::RestartBroker { keep_data: false } => {
            format!("{at} Redis was killed, and gone {long}; it came back with nothing.")
        }
        What::CutClients { .. } => format!("{at} the connections of {people} were cut."),
        What::SlowClients { .. } => format!("{at} {people} stopped reading {long}."),
        What::IdleProxy { idle } => format!(
            "From {} on, {long}, a proxy closed every connection that was silent for {}.",
            seconds(happened.from_s),
            numbers::duration(*idle)
        ),
    }
}

fn seconds(at: f64) -> String {
    format!("{}\u{a0}s", (at * 10.0).round() / 10.0)
}

/// How people came back within the window, and how many at once.
fn storm(way: &Way<'_>, trouble: &Trouble) -> Option<String> {
    let n: u64 = trouble.reconnects.iter().sum();
    let busiest = trouble.reconnects.iter().max().copied().filter(|_| n > 0)?;
    let step = std::time::Duration::try_from_secs_f64(way.t.series.step_s).ok()?;
    let step = numbers::duration(step);
    if n == 1 {
        return Some("one connection was opened again.".to_owned());
    }
    Some(format!("{} connections were opened again, at most {} within {step}.", count(n), count(busiest)))
}

fn aftermath(way: &Way<'_>, trouble: &Trouble) -> Vec<String> {
    let mut said = Vec::new();
    if trouble.unrecovered > 0 {
        said.push(format!(
            "{} a server could not go on where somebody had stopped, and said so.",
            several(trouble.unrecovered, "time", "times")
        ));
    }
    if trouble.fallbacks > 0 {
        said.push(format!(
            "{} refused a socket and polled instead.",
            several(trouble.fallbacks, "person was", "people were")
        ));
    }
    if trouble.closed_slow > 0 {
        let closed = several(trouble.closed_slow, "reader was", "readers were");
        said.push(format!("{closed} too far behind, and closed by the server."));
    }
    let away = way.t.clients.saturating_sub(trouble.clients_at_end);
    if away > 0 {
        let away = several(away.into(), "person was", "people were");
        said.push(format!("{away} not back when the run ended."));
    }
    said
}

/// What all of it cost in messages, and those whom no fault picked out in time.
fn spared(troubled: &[(&Way<'_>, &Trouble)]) -> Vec<String> {
    let mut said = Vec::new();
    let whole = |way: &Way<'_>| way.t.deliveries.lost + way.t.deliveries.duplicated == 0;
    let names: Vec<String> =
        troubled.iter().filter(|(way, _)| whole(way)).map(|(way, _)| way.name.clone()).collect();
    if !names.is_empty() {
        said.push(format!("By {} nothing was lost and nothing came twice.", list(&names)));
    }
    let lost = |way: &Way<'_>| {
        let d = &way.t.deliveries;
        let share = percent(d.lost as f64 / d.expected.max(1) as f64);
        format!("{} ({share}) by {}", several(d.lost, "message", "messages"), way.name)
    };
    let losers = troubled.iter().filter(|(way, _)| way.t.deliveries.lost > 0);
    let losses: Vec<String> = losers.map(|(way, _)| lost(way)).collect();
    if !losses.is_empty() {
        said.push(format!("Lost: {}.", list(&losses)));
    }
    let quiet: Vec<String> = troubled
        .iter()
        .filter_map(|(way, trouble)| {
            let latency = trouble.untouched_latency_ms.as_ref()?;
            Some(format!("{} by {}", numbers::ms(latency.p99.or(latency.max)?), way.name))
        })
        .collect();
    if !quiet.is_empty() {
        said.push(format!(
            "Of the people whom no fault picked out, 99 in 100 waited no longer than {}.",
            list(&quiet)
        ));
    }
    said
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::fixture;

    fn killed() -> Outcome {
        let mut outcome = fixture::letters();
        let what = What::KillServer { server: 1 };
        outcome.scenario.faults =
            vec![Fault { at: Duration::from_secs(8), lasts: Duration::from_secs(2), what }];
        for t in &mut outcome.transports {
            let faults = vec![Happened { fault: 0, from_s: 8.0, until_s: Some(10.1), people: None }];
            t.trouble = Some(Trouble { faults, clients_at_end: t.clients, ..Trouble::default() });
        }
        let socket = &mut outcome.transports[1];
        socket.connections.reconnects = 300;
        let trouble = socket.trouble.as_mut().unwrap();
        (trouble.reconnects, trouble.unrecovered) = (vec![0, 200, 100], 300);
        outcome
    }

    #[test]
    fn a_fault_is_told_with_what_came_of_it() {
        let outcome = killed();
        let said = sentences(&outcome).join("\n").replace('\u{a0}', " ");
        for part in [
            "At 8 s the server was killed, and gone for 2.1 s.",
            "300 connections were opened again, at most 200 within 1 s.",
            "300 times a server could not go on where somebody had stopped, and said so.",
            "nothing was lost and nothing came twice",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        assert!(!said.contains("each"), "{said}");
        assert_eq!(marks(&outcome), [Mark { from: 8.0, until: 10.1, label: "killed" }]);
    }

    #[test]
    fn what_came_of_it_for_all_alike_is_said_once_and_counts_the_window() {
        let mut outcome = killed();
        for (t, lost) in outcome.transports.iter_mut().zip([1, 9]) {
            (t.deliveries.expected, t.deliveries.lost, t.connections.reconnects) = (100, lost, 500);
            let trouble = t.trouble.as_mut().unwrap();
            (trouble.reconnects, trouble.unrecovered, trouble.closed_slow) = (vec![1], 0, 1);
        }
        let said = sentences(&outcome).join("\n").replace('\u{a0}', " ");
        for part in [
            "Polling and WebSocket, each: one connection was opened again.",
            "Polling and WebSocket, each: 1 reader was too far behind, and closed by the server.",
            "Lost: 1 message (1 %) by polling and 9 messages (9 %) by WebSocket.",
        ] {
            assert_eq!(said.matches(part).count(), 1, "{part}\n{said}");
        }
    }

    #[test]
    fn a_run_without_trouble_says_nothing() {
        let outcome = fixture::letters();
        assert!(sentences(&outcome).is_empty() && marks(&outcome).is_empty());
    }
}
