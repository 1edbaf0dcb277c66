//! The judgement: which transport, by the first of a few rules that decides.

use serde::Serialize;

use super::facts::Text;
use super::{Facts, Machine, Need};

/// A poll of which fewer than this share is empty wastes little: three messages per interval, e^(−3).
pub const ALMOST_ALL: f64 = 0.05;
/// Over this share more asks are for nothing than for news: 0.69 messages per interval, ln 2.
pub const HALF: f64 = 0.5;
/// A poll that takes less than this share of one machine is cheap enough for its simplicity to win.
pub const CHEAP: f64 = 0.1;
/// Deliveries a second to each person from which an event stream's framing is worth avoiding.
pub const MANY: f64 = 10.0;

/// What to use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Label of the transport.
    pub winner: String,
    /// Its kind.
    pub kind: String,
    /// Label of the one it was weighed against.
    pub over: String,
    /// The rule that decided, with its figures.
    pub reason: Reason,
}

/// The rules, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum Reason {
    /// Neither keeps the bound; this one comes nearer.
    NothingHolds {
        /// The bound.
        bound_ms: f64,
        /// What this one needs, the 99th percentile or the mean.
        best_ms: f64,
    },
    /// The other one does not keep the bound.
    Bound {
        /// The bound.
        bound_ms: f64,
        /// What the other one needs.
        other_ms: f64,
    },
    /// One answer serves all.
    Cache {
        /// Requests a second that reach the server …
        origin_per_s: f64,
        /// … of so many that are made.
        requests_per_s: f64,
    },
    /// People leave before a standing connection has paid for its opening.
    ShortVisit {
        /// Mean stay, seconds.
        visit_s: f64,
        /// The stay at which it would, seconds; null where it never would.
        pays_from_s: Option<f64>,
    },
    /// Clients write, too.
    TwoWay {
        /// Messages a second that clients send.
        sends_per_s: f64,
    },
    /// So many polls a second take over half of the machine, and push takes less.
    Unaffordable {
        /// Share of one machine by polling.
        poll_share: f64,
        /// By push.
        push_share: f64,
    },
    /// News comes so often that hardly an ask is for nothing.
    Frequent {
        /// Share of empty polls.
        waste_ratio: f64,
    },
    /// More asks are for nothing than for news.
    Rare {
        /// Share of empty polls.
        waste_ratio: f64,
    },
    /// In between, and polling costs next to nothing.
    Cheap {
        /// Share of empty polls.
        waste_ratio: Option<f64>,
        /// Share of one machine by polling.
        poll_share: f64,
    },
    /// In between, and polling costs enough to matter.
    Dear {
        /// Share of empty polls.
        waste_ratio: Option<f64>,
        /// Share of one machine by polling.
        poll_share: f64,
        /// By push.
        push_share: f64,
    },
}

/// Weighs the first short poll against the best of those that push. `None` where one of the two is
/// missing, or without news.
#[must_use]
pub fn judge(all: &[Facts], need: &Need, machine: &Machine) -> Option<Choice> {
    let poll = all.iter().find(|facts| facts.is_poll())?;
    let push = pusher(all)?;
    if push.deliveries_per_s <= 0.0 {
        return None;
    }
    let (polls, reason) = decide(poll, push, need, machine);
    let (winner, over) = if polls { (poll, push) } else { (push, poll) };
    Some(Choice { winner: winner.label.clone(), kind: winner.kind.clone(), over: over.label.clone(), reason })
}

/// WebSocket where both sides talk or small messages are many, else SSE; whichever is there, else a
/// long poll.
fn pusher(all: &[Facts]) -> Option<&Facts> {
    let first = |kind: &str| all.iter().find(|facts| facts.kind == kind);
    let (socket, stream) = (first("websocket"), first("sse"));
    let wanted = match (socket, stream) {
        (Some(socket), Some(stream)) => {
            let busy = socket.sends_per_s > 0.0 || socket.deliveries_per_s >= MANY * socket.connections;
            Some(if busy { socket } else { stream })
        }
        (one, other) => one.or(other),
    };
    wanted.or_else(|| first("long-poll"))
}

/// Whether to poll, and why.
fn decide(poll: &Facts, push: &Facts, need: &Need, machine: &Machine) -> (bool, Reason) {
    if let Some(decided) = by_delay(poll, push, need) {
        return decided;
    }
    // Whoever knows how many requests pass the cache has one.
    if let Some(origin_per_s) = poll.origin_per_s {
        return (true, Reason::Cache { origin_per_s, requests_per_s: poll.requests_per_s });
    }
    if let Some(visit_s) = need.visit_s {
        let pays_from_s = pays_from(poll, push);
        let interval = poll.interval.map_or(0.0, |Text(interval)| interval.as_secs_f64());
        if visit_s <= interval || pays_from_s.is_none_or(|from| visit_s <= from) {
            return (true, Reason::ShortVisit { visit_s, pays_from_s });
        }
    }
    if poll.sends_per_s > 0.0 {
        return (false, Reason::TwoWay { sends_per_s: poll.sends_per_s });
    }
    let (poll_share, push_share) = (machine.load(poll).machine_share, machine.load(push).machine_share);
    if poll_share > 0.5 && push_share < poll_share {
        return (false, Reason::Unaffordable { poll_share, push_share });
    }
    match poll.waste_ratio {
        Some(waste_ratio) if waste_ratio < ALMOST_ALL => (true, Reason::Frequent { waste_ratio }),
        Some(waste_ratio) if waste_ratio > HALF => (false, Reason::Rare { waste_ratio }),
        waste_ratio if poll_share <= CHEAP || poll_share <= push_share => {
            (true, Reason::Cheap { waste_ratio, poll_share })
        }
        waste_ratio => (false, Reason::Dear { waste_ratio, poll_share, push_share }),
    }
}

fn by_delay(poll: &Facts, push: &Facts, need: &Need) -> Option<(bool, Reason)> {
    let bound_s = need.max_delay_s?;
    let bound_ms = bound_s * 1000.0;
    let needs = |facts: &Facts| facts.delay_ms_p99.or(facts.delay_ms_mean).unwrap_or(f64::INFINITY);
    match (poll.holds(bound_s)?, push.holds(bound_s)?) {
        (true, true) => None,
        (true, false) => Some((true, Reason::Bound { bound_ms, other_ms: needs(push) })),
        (false, true) => Some((false, Reason::Bound { bound_ms, other_ms: needs(poll) })),
        (false, false) => {
            let polls = needs(poll) < needs(push);
            let best_ms = needs(poll).min(needs(push));
            Some((polls, Reason::NothingHolds { bound_ms, best_ms }))
        }
    }
}

/// The stay at which the bytes of an opening are made up for by the polls that it saves; `None` where
/// polls move no more bytes than push does, so that it never is.
fn pays_from(poll: &Facts, push: &Facts) -> Option<f64> {
    let people = push.connections.max(f64::MIN_POSITIVE);
    let standing = push.bytes_per_s() - push.opens_per_s * push.opening_bytes;
    let saved = (poll.bytes_per_s() - standing) / people;
    (saved > 0.0).then(|| push.opening_bytes / saved)
}
