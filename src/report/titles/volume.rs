//! Titles about bytes and requests: who moved more, and what polling wins.

use std::cmp::Reverse;
use std::fmt;

use crate::outcome::Outcome;
use crate::report::measure::{self, Delay, Volume};
use crate::report::numbers::{self, bytes, count, ms};
use crate::report::verdict::pusher;
use crate::report::ways::{Kind, Way};

/// “Polling moved 24 times the bytes of WebSocket”: the largest sum beside the smallest.
#[must_use]
pub fn volume(all: &[Way<'_>]) -> String {
    let total = |way: &Way<'_>| measure::volume(way.t);
    let mut counted: Vec<&Way<'_>> = all.iter().filter(|way| total(way) > 0).collect();
    counted.sort_by_key(|way| Reverse(total(way)));
    let (most, least) = match &counted[..] {
        [] => return "No bytes were counted".to_owned(),
        [only] => return format!("{} moved {}", only.capital(), bytes(total(only) as f64)),
        [most, .., least] => (most, least),
    };
    let sum = |way: &Way<'_>| format!("{} by {}", bytes(total(way) as f64), way.name);
    let several = counted.len() > 2;
    let said = match measure::compare_bytes(most.t, least.t) {
        Volume::More(ratio) | Volume::Fewer(ratio) => {
            let ratio = numbers::times(ratio);
            let (what, end) = if several { ("the most bytes, ", ", the fewest") } else { ("", "") };
            let those = if several { "those" } else { "the bytes" };
            format!("{} moved {what}{ratio} times {those} of {}{end}", most.capital(), least.name)
        }
        Volume::Unsure => {
            return format!("{}, {}: too few events to call it more than chance", sum(most), sum(least));
        }
        Volume::Same if several => format!("All {} ways moved about as many bytes", counted.len()),
        // Equal sums stand in the outcome's order.
        Volume::Same => format!("{} and {} moved about as many bytes", most.capital(), least.name),
    };
    // A tile beside it leaves handshakes out; where they are a part that shows, the two differ.
    let opened = |way: &Way<'_>| measure::opening(way.t) > total(way) / 10;
    if opened(most) || opened(least) { format!("{said}, handshakes included") } else { said }
}

/// What polling wins, and what else belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Win {
    /// “Polling wins: WebSocket moved 12 times as many bytes”, for a title.
    pub heading: String,
    /// Sentences that follow; the price comes last.
    pub more: Vec<String>,
}

impl fmt::Display for Win {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.", self.heading)?;
        self.more.iter().try_for_each(|sentence| write!(out, " {sentence}"))
    }
}

/// What polling wins in bytes or at the server. `None` where it does not win, or not by more than noise,
/// or where one of the two left work undone.
#[must_use]
pub fn win(outcome: &Outcome, all: &[Way<'_>]) -> Option<Win> {
    let ask = all.iter().find(|way| way.kind == Kind::Poll)?;
    let push = pusher(all).filter(|push| push.kind.is_push())?;
    if ![ask, push].iter().all(|way| measure::is_whole(way.t) && way.t.deliveries.delivered > 0) {
        return None;
    }
    let moved = measure::compare_bytes(ask.t, push.t);
    let in_bytes = match moved {
        Volume::Fewer(ratio) => {
            Some(format!("{} moved {} times as many bytes", push.name, numbers::times(ratio)))
        }
        _ => None,
    };
    let mut points: Vec<String> = in_bytes.iter().cloned().chain(at_the_server(outcome, ask, push)).collect();
    if points.is_empty() {
        return None;
    }
    let what = if ask.t.deliveries.superseded > 0 { " for the latest value" } else { "" };
    let heading = format!("{}{what} wins: {}", ask.capital(), points.remove(0));
    let mut more: Vec<String> = points.into_iter().map(|point| format!("And {point}.")).collect();
    let turned = all.iter().filter(|_| in_bytes.is_some()).find(|way| {
        let other = measure::compare_bytes(ask.t, way.t);
        way.kind.is_push() && measure::is_whole(way.t) && matches!(other, Volume::More(_))
    });
    more.extend(turned.map(|way| format!("{} moved fewer bytes than both.", way.capital())));
    more.extend(price(ask, push, moved));
    Some(Win { heading, more })
}

/// Requests past a cache beside what the other way asks of the server in the same window: the handshakes
/// of newcomers where people come and go, else the connections that stay open.
fn at_the_server(outcome: &Outcome, ask: &Way<'_>, push: &Way<'_>) -> Option<String> {
    let ours = ask.t.requests.origin?;
    let came = measure::newcomers(outcome);
    let (theirs, what) = match came {
        0 => (push.t.clients.into(), "connections"),
        _ => (came, "handshakes"),
    };
    measure::clearly(theirs as f64, ours as f64, ours).then(|| {
        let (ours, theirs) = (count(ours), count(theirs));
        format!("{ours} of its requests reached the server, beside {theirs} {what} of {}", push.name)
    })
}

/// What polling pays for it; a sentence.
fn price(ask: &Way<'_>, push: &Way<'_>, moved: Volume) -> Option<String> {
    let mut price = Vec::new();
    let delays = (measure::compare(ask.t, push.t), ask.t.latency_ms.mean, push.t.latency_ms.mean);
    if let (Delay::Slower(_), Some(a), Some(b)) = delays {
        price.push(format!("{} more delay", ms(a - b)));
    }
    if let Volume::More(ratio) = moved {
        price.push(format!("{} times the bytes", numbers::times(ratio)));
    }
    let (ours, theirs) = (ask.t.deliveries.expected, push.t.deliveries.expected);
    if (ours as f64) < 0.9 * theirs as f64 {
        price.push(format!(
            "{} of {} messages unheard, as people left before a poll brought them",
            count(theirs - ours),
            count(theirs)
        ));
    }
    (!price.is_empty()).then(|| format!("The price: {}.", price.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::fixture;
    use crate::report::ways::ways;

    /// Letters in which WebSocket moved so many bytes; polling moved 100,000 in all.
    fn heavy(push: u64) -> Outcome {
        let mut outcome = fixture::letters();
        for (t, down) in outcome.transports.iter_mut().zip([100_000, push]) {
            (t.bytes.up, t.bytes.down, t.bytes.opening) = (Some(0), Some(down), Some(0));
        }
        outcome
    }

    fn said(outcome: &Outcome) -> Option<String> {
        win(outcome, &ways(outcome)).map(|win| win.to_string())
    }

    #[test]
    fn sums_are_equal_only_within_a_tenth() {
        let title = |push| volume(&ways(&heavy(push)));
        assert_eq!(title(100_000), "Polling and WebSocket moved about as many bytes");
        assert_eq!(title(900_000), "WebSocket moved 9 times the bytes of polling");
        // 126 letters: chance reaches to a quarter.
        let unsure =
            "120\u{a0}kB by WebSocket, 100\u{a0}kB by polling: too few events to call it more than chance";
        assert_eq!(title(120_000), unsure);
    }

    #[test]
    fn handshakes_that_weigh_are_said_to_be_in_it() {
        let mut outcome = heavy(900_000);
        outcome.transports[1].bytes.opening = Some(90_000);
        assert_eq!(volume(&ways(&outcome)), "WebSocket moved 9.9 times the bytes of polling");
        outcome.transports[1].bytes.opening = Some(400_000);
        let title = volume(&ways(&outcome));
        assert_eq!(title, "WebSocket moved 13 times the bytes of polling, handshakes included");
    }

    #[test]
    fn of_several_ways_the_most_stands_beside_the_fewest() {
        let mut outcome = heavy(300_000);
        let mut radio = outcome.transports[1].clone();
        (radio.label, radio.kind) = ("sse".to_owned(), "sse".to_owned());
        radio.bytes.down = Some(800_000);
        outcome.transports.push(radio);
        assert_eq!(volume(&ways(&outcome)), "SSE moved the most bytes, 8 times those of polling, the fewest");
    }

    #[test]
    fn polling_wins_only_what_it_clearly_wins() {
        let won = said(&heavy(900_000)).unwrap();
        assert!(won.starts_with("Polling wins: WebSocket moved 9 times as many bytes. The price: "), "{won}");
        assert_eq!(said(&fixture::letters()), None, "push moved less");
        assert_eq!(said(&heavy(109_000)), None, "less than a tenth");
        assert_eq!(said(&heavy(120_000)), None, "inside the noise");
        assert!(said(&heavy(130_000)).is_some());
        let mut lossy = heavy(900_000);
        lossy.transports[0].deliveries.lost = 1;
        assert_eq!(said(&lossy), None, "who loses news saves bytes");
    }

    #[test]
    fn a_cache_in_front_is_a_win_at_the_server() {
        let mut outcome = heavy(100_000);
        outcome.transports[0].requests.origin = Some(5);
        let won = said(&outcome).unwrap();
        assert!(won.contains("5 of its requests reached the server, beside 300 connections of"), "{won}");
        outcome.scenario.visit = Some(Duration::from_secs(8));
        let came = measure::newcomers(&outcome);
        // 300 seats for 20 s, 8 s each: 750, standard deviation 27.
        assert!((650..850).contains(&came), "{came}");
        let won = said(&outcome).unwrap();
        assert!(won.contains(&format!("beside {came} handshakes of WebSocket")), "{won}");
        outcome.transports[0].requests.origin = Some(came);
        assert_eq!(said(&outcome), None);
    }

    #[test]
    fn who_was_owed_less_did_not_hear_as_much() {
        let mut outcome = heavy(900_000);
        assert!(!said(&outcome).unwrap().contains("unheard"));
        outcome.transports[1].deliveries.expected = 200;
        let won = said(&outcome).unwrap();
        assert!(
            won.ends_with("74 of 200 messages unheard, as people left before a poll brought them."),
            "{won}"
        );
    }

    #[test]
    fn who_turns_the_win_round_is_named() {
        let mut outcome = heavy(900_000);
        let mut shared = outcome.transports[1].clone();
        shared.label = "batched".to_owned();
        shared.bytes.down = Some(30_000);
        outcome.transports.push(shared);
        outcome.transports[0].deliveries.superseded = 9;
        let won = said(&outcome).unwrap();
        assert!(won.starts_with("Polling for the latest value wins: "), "{won}");
        assert!(won.contains(" Batched moved fewer bytes than both. "), "{won}");
    }
}
