//! Server-sent events and WebSocket in virtual time: an event leaves when the server has it.

use super::crowd::Person;
use super::part::{Batch, Part};
use crate::clock::as_micros;
use crate::ledger::Staleness;
use crate::sizes;
use crate::transport::{COMMENT_EVERY, Way, first_share};

/// One person's stream or socket, until the visit is over.
pub(super) fn stay(person: &Person<'_>, part: &mut Part, stale: &mut Staleness) {
    let socket = matches!(person.way, Way::WebSocket { .. });
    part.book.opened(true, false);
    part.opened += 1;
    part.handshakes += u64::from(socket);
    let opened = open(person, socket, part);
    beats(person, opened, part);
    let until = person.visit.until;
    if socket && person.visit.until < person.world.duration {
        cross(part, until, sizes::CLOSE, 0);
    }
    // Bytes arrive in the order in which they were sent: a late one holds up those behind it.
    let (mut line_free, mut last) = (i64::MIN, i64::MIN);
    let items = &person.feed.items;
    let mut taken = if person.visit.is_first() { 0 } else { person.head(opened) };
    while let Some(item) = items.get(taken) {
        let leaves = item.server;
        let upto = taken + items[taken..].iter().take_while(|item| item.server == leaves).count();
        let batch = &items[taken..upto];
        let (events, _) = part.choose(person.feed, batch, person.client, leaves);
        if leaves >= until {
            break;
        }
        if events == 0 {
            let passed = Batch { client: person.client, taken: leaves, in_hand: leaves, poll_sent: None };
            part.hand_over(person.world, person.feed, batch, passed, stale);
        } else {
            let bytes: u64 = part
                .chosen(person.feed, batch, person.client, leaves)
                .map(|i| sizes::pushed(i.json.into(), i.kind.into(), socket))
                .sum();
            let starts = leaves.max(line_free);
            line_free = starts + person.legs.pace_down(bytes);
            last = last.max(starts + person.legs.down(taken as i64, bytes));
            if last > until {
                // On its way when the person left.
                cross(part, leaves, 0, bytes);
                break;
            }
            let batch_in_hand =
                Batch { client: person.client, taken: leaves, in_hand: last, poll_sent: None };
            book_frames(person, part, batch, leaves, socket);
            part.hand_over(person.world, person.feed, batch, batch_in_hand, stale);
        }
        taken = upto;
    }
    person.leave(&items[taken..], until, part, stale);
}

/// Opens the stream or socket; returns when the server has it open.
fn open(person: &Person<'_>, socket: bool, part: &mut Part) -> i64 {
    let opening = sizes::opening(person.feed.name, person.client, person.feed.keys > 0, socket);
    part.traffic.opening(opening.up + opening.down);
    if person.visit.is_first() {
        return -person.world.warmup;
    }
    let down = |arrives: i64| opening.down + sizes::hello(person.head(arrives) as u64, socket);
    let (arrives, _) = person.legs.first_exchange(person.came, opening.up, down);
    cross(part, person.came, opening.up, down(arrives));
    arrives
}

/// So many bytes go up and down the socket at `at`.
fn cross(part: &mut Part, at: i64, up: u64, down: u64) {
    if part.book.counts(at) {
        let step = part.book.step_of(at);
        part.traffic.up(step, up, 1);
        part.traffic.down(step, down, 1);
    }
}

fn book_frames(person: &Person<'_>, part: &mut Part, batch: &[super::feed::Item], leaves: i64, socket: bool) {
    let sizes: Vec<(i64, u64)> = part
        .chosen(person.feed, batch, person.client, leaves)
        .map(|i| (i.at, sizes::pushed(i.json.into(), i.kind.into(), socket)))
        .collect();
    for (at, bytes) in sizes {
        if part.book.counts(at) {
            let step = part.book.step_of(at);
            part.traffic.down(step, bytes, 1);
            part.book.framed(socket);
        }
    }
}

/// Pings or comments: the first after a seeded share of the interval, then one every interval.
fn beats(person: &Person<'_>, opened: i64, part: &mut Part) {
    let world = person.world;
    let (every, socket) = match person.way {
        Way::WebSocket { ping, .. } => (as_micros(*ping), true),
        _ => (as_micros(COMMENT_EVERY), false),
    };
    if every == 0 {
        return;
    }
    let share = first_share(world.scenario.seed, person.client.into());
    let mut at = opened + (share * every as f64) as i64;
    while at < world.duration.min(person.visit.until) {
        if part.book.counts(at) {
            let step = part.book.step_of(at);
            if socket {
                part.book.pinged(at);
                part.traffic.down(step, sizes::PING, 1);
                part.traffic.up(step, sizes::PONG, 1);
            } else {
                part.book.commented(at);
                part.traffic.down(step, sizes::COMMENT, 1);
            }
        }
        at += every;
    }
}
