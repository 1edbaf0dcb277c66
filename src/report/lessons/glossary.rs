//! The terms that a report uses, each where the run has what it names.

use crate::outcome::{Outcome, TransportOutcome};
use crate::report::ways::{Kind, ways};
use crate::scenario::Workload;
use crate::transport::{Http, Way as Setting};

/// Terms of this report with their meaning.
#[must_use]
pub fn glossary(outcome: &Outcome) -> Vec<(&'static str, &'static str)> {
    let kinds: Vec<Kind> = ways(outcome).iter().map(|way| way.kind).collect();
    let has = |kind: Kind| kinds.contains(&kind);
    let asks = has(Kind::Poll) || has(Kind::LongPoll);
    let poisson = matches!(outcome.scenario.workload, Workload::Poisson { .. });
    let set = |is: fn(&Setting) -> bool| outcome.scenario.transports.iter().any(|t| is(&t.way));
    let some = |n: fn(&TransportOutcome) -> u64| outcome.transports.iter().any(|t| n(t) > 0);
    let near = outcome.scenario.network.is_none() && outcome.targets.is_empty();
    let entries = [
        (has(Kind::Poll), "Polling", "Asking again and again: “Any new messages?” Here also called letters."),
        (
            has(Kind::LongPoll),
            "Long polling",
            "Asking once; the server holds the answer back until there is news.",
        ),
        (
            has(Kind::Sse),
            "SSE",
            "Server-sent events: one request whose answer never ends; news flows one way.",
        ),
        (
            has(Kind::WebSocket),
            "WebSocket",
            "One connection that stays open; either side speaks at any time. Here also called a phone call.",
        ),
        (
            has(Kind::WebSocket),
            "Handshake",
            "The request that turns an HTTP connection into a WebSocket; the server answers 101.",
        ),
        (has(Kind::WebSocket), "Ping", "A tiny frame that shows that the other side is still there."),
        (asks, "“Nope”", "An answer without news. The share of “Nope” is what asking wasted."),
        (has(Kind::Poll), "Interval (T)", "The time between two polls of one person."),
        (
            has(Kind::Poll) && poisson,
            "λT",
            "Messages per interval. At random arrival a share of e^(−λT) of the polls finds nothing.",
        ),
        (
            set(|way| matches!(way, Setting::Poll { conditional: true, .. })),
            "Conditional, 304",
            "An ask that names the answer it has; 304 says that this is still the newest, without a body.",
        ),
        (
            set(|way| matches!(way, Setting::Poll { shared_cache: Some(_), .. })),
            "Shared cache",
            "It stands before the server and gives one answer to all who ask the same, until that is too old.",
        ),
        (
            set(|way| matches!(way, Setting::Poll { http: Http::Two, .. })),
            "HTTP/2",
            "Heads are sent as references to earlier ones, so that a repeated ask is small.",
        ),
        (
            set(|way| matches!(way, Setting::WebSocket { coalesce, .. } if !coalesce.is_zero())),
            "Shared frames (coalesce)",
            "The first message that is due waits for others, and one frame carries all.",
        ),
        (
            some(|t| t.deliveries.superseded),
            "Replaced by newer (conflate)",
            "Never delivered, since a later value of the same thing was: only the latest counts.",
        ),
        (
            some(|t| t.deliveries.expired),
            "Expired (time to live)",
            "Not delivered within the time for which the message meant anything, as “typing…” does.",
        ),
        (
            outcome.scenario.visit.is_some(),
            "Visit",
            "The stay of one person; then another takes the place, with a connection of their own.",
        ),
        (true, "Delay", "From the moment a message should be published until the person has it in hand."),
        (true, "Median (p50)", "Half of the values are smaller. p95: 95 in 100 are smaller."),
        (true, "n", "How many values a figure rests on."),
        (true, "Window", "The part of the run that is counted."),
        (near, "Loopback", "The network inside one machine: no distance, no loss."),
        (!near, "Round trip", "The time from one end to the other and back, however small the message."),
    ];
    entries.into_iter().filter(|(due, ..)| *due).map(|(_, term, meaning)| (term, meaning)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::fixture;

    #[test]
    fn terms_come_with_what_they_name() {
        let mut outcome = fixture::letters();
        let terms =
            |outcome: &Outcome| glossary(outcome).into_iter().map(|(term, _)| term).collect::<Vec<_>>();
        let before = terms(&outcome);
        outcome.scenario.visit = Some(Duration::from_secs(8));
        outcome.transports[0].deliveries.superseded = 1;
        outcome.transports[1].deliveries.expired = 1;
        for transport in &mut outcome.scenario.transports {
            match &mut transport.way {
                Setting::Poll { conditional, shared_cache, http, .. } => {
                    (*conditional, *shared_cache, *http) = (true, Some(Duration::from_secs(5)), Http::Two);
                }
                Setting::WebSocket { coalesce, .. } => *coalesce = Duration::from_secs(2),
                _ => {}
            }
        }
        let added: Vec<&str> = terms(&outcome).into_iter().filter(|term| !before.contains(term)).collect();
        assert_eq!(added.len(), 7, "{added:?}");
    }
}
