//! Server-sent events and WebSocket in virtual time: an event leaves when the server has it.

use super::crowd::Person;
use super::part::{Batch, Part};
use crate::clock::as_micros;
use crate::ledger::Staleness;
use crate::sizes;
use crate::transport::{COMMENT_EVERY, Way, first_share};

/// One client's stream or socket.
pub(super) fn live(person: &Person<'_>, part: &mut Part, stale: &mut Staleness) {
    let socket = matches!(person.way, Way::WebSocket { .. });
    let conflates = person.feed.keys > 0;
    part.book.opened(true, false);
    part.traffic.opening(sizes::opening(person.feed.name, person.client, conflates, socket));
    part.opened += 1;
    part.held += 1;
    part.handshakes += u64::from(socket);
    beats(person, part);
    // Bytes arrive in the order in which they were sent: a late one holds up those behind it.
    let (mut line_free, mut last) = (i64::MIN, i64::MIN);
    let items = &person.feed.items;
    let mut taken = 0;
    while let Some(item) = items.get(taken) {
        let leaves = item.server;
        let upto = taken + items[taken..].iter().take_while(|item| item.server == leaves).count();
        let batch = &items[taken..upto];
        let (events, _) = part.choose(person.feed, batch, person.client, leaves);
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
            let batch_in_hand =
                Batch { client: person.client, taken: leaves, in_hand: last, poll_sent: None };
            book_frames(person, part, batch, leaves, socket);
            part.hand_over(person.world, person.feed, batch, batch_in_hand, stale);
        }
        taken = upto;
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
fn beats(person: &Person<'_>, part: &mut Part) {
    let world = person.world;
    let (every, socket) = match person.way {
        Way::WebSocket { ping, .. } => (as_micros(*ping), true),
        _ => (as_micros(COMMENT_EVERY), false),
    };
    if every == 0 {
        return;
    }
    let share = first_share(world.scenario.seed, person.client.into());
    let mut at = -world.warmup + (share * every as f64) as i64;
    while at < world.duration {
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
