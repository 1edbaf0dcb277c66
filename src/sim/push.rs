//! Server-sent events and WebSocket in virtual time: an event leaves when the server has it.

use super::crowd::Person;
use super::feed::Item;
use super::part::{Batch, Part};
use crate::clock::as_micros;
use crate::ledger::Staleness;
use crate::sizes;
use crate::transport::{COMMENT_EVERY, FRAME_BYTES, FRAME_EVENTS, Way, first_share};

/// One person's stream or socket, until the visit is over.
pub(super) fn stay(person: &Person<'_>, part: &mut Part, stale: &mut Staleness) {
    let socket = person.way.is_socket();
    part.book.opened(true, false);
    part.opened += 1;
    part.handshakes += u64::from(socket);
    let opened = open(person, socket, part);
    beats(person, opened, part);
    let until = person.visit.until;
    if socket && person.visit.until < person.world.duration {
        cross(part, until, sizes::CLOSE, 0);
    }
    let window = match person.way {
        Way::WebSocket { coalesce, .. } => as_micros(*coalesce),
        _ => 0,
    };
    // Bytes arrive in the order in which they were sent: a late one holds up those behind it.
    let (mut line_free, mut last) = (i64::MIN, i64::MIN);
    let items = &person.feed.items;
    let mut taken = if person.visit.is_first() { 0 } else { person.head(opened) };
    while taken < items.len() {
        let (leaves, upto) = next_batch(person, taken, window);
        let batch = &items[taken..upto];
        let (events, _) = part.choose(person.feed, batch, person.client, leaves);
        if leaves >= until {
            break;
        }
        let mut in_hand = leaves;
        if events > 0 {
            let frames = frames(person, part, taken, batch, leaves, window > 0);
            let bytes = frames.iter().map(|frame| frame.bytes).sum();
            let starts = leaves.max(line_free);
            line_free = starts + person.legs.pace_down(bytes);
            last = last.max(starts + person.legs.down(taken as i64, bytes));
            if last > until {
                // On its way when the person left.
                cross(part, leaves, 0, bytes);
                break;
            }
            book_frames(part, &frames, socket);
            in_hand = last;
        }
        let sent =
            Batch { client: person.client, taken: leaves, in_hand, poll_sent: None, owed_since: i64::MIN };
        part.hand_over(person.world, person.feed, batch, sent, stale);
        taken = upto;
    }
    person.leave(&items[taken..], until, part, stale);
}

/// Opens the stream or socket; returns when the server has it open.
fn open(person: &Person<'_>, socket: bool, part: &mut Part) -> i64 {
    let opening = sizes::opening(person.who(), socket);
    part.traffic.opening(opening.up + opening.down);
    if person.visit.is_first() {
        return -person.world.warmup;
    }
    let arrives = person.legs.first_arrival(person.came, opening.up);
    let hello = sizes::hello(person.head(arrives) as u64, socket);
    cross(part, person.came, opening.up, opening.down + hello);
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

/// When the server sends what follows in the feed, and up to where: what it has at the same moment, or
/// what comes while the first event for this reader waits for others to share its frame.
fn next_batch(person: &Person<'_>, taken: usize, window: i64) -> (i64, usize) {
    let items = &person.feed.items[taken..];
    let first = &items[0];
    if window > 0 && (first.author == person.client || first.dies < first.server) {
        return (first.server, taken + 1);
    }
    let leaves = first.server + window;
    (leaves, taken + items.iter().take_while(|item| item.server <= leaves).count())
}

/// The frames or chunks of a batch, which begins after `offset` events.
fn frames(
    person: &Person<'_>,
    part: &Part,
    offset: usize,
    batch: &[Item],
    leaves: i64,
    shared: bool,
) -> Vec<Frame> {
    let socket = person.way.is_socket();
    // When each counts, by its event or events, and when its bytes cross the server's socket.
    let mut frames: Vec<Frame> = Vec::new();
    for (index, item) in part.chosen(person.feed, batch, person.client, leaves) {
        let json = u64::from(item.json);
        let counts = item.step.is_some();
        match frames.last_mut().filter(|frame| shared && frame.takes(json)) {
            Some(frame) => frame.add(json, counts),
            None => {
                let (bytes, at) = match shared {
                    true => (sizes::shared_frame(1, json), leaves),
                    false => {
                        (sizes::pushed(json, item.kind.into(), (offset + index) as u64 + 1, socket), item.at)
                    }
                };
                frames.push(Frame { events: 1, json, bytes, counts, at });
            }
        }
    }
    frames
}

/// Books them.
fn book_frames(part: &mut Part, frames: &[Frame], socket: bool) {
    for frame in frames {
        if part.book.counts(frame.at) {
            let step = part.book.step_of(frame.at);
            part.traffic.down(step, frame.bytes, 1);
        }
        if frame.counts {
            part.book.framed(socket);
        }
    }
}

/// One frame of a socket or chunk of a stream.
struct Frame {
    events: u64,
    /// Bytes of its events, and of all of it.
    json: u64,
    bytes: u64,
    /// Whether one of its events counts.
    counts: bool,
    /// When its bytes cross the socket.
    at: i64,
}

impl Frame {
    /// Whether an event of so many bytes still fits.
    fn takes(&self, json: u64) -> bool {
        self.events < FRAME_EVENTS as u64 && self.json + json <= FRAME_BYTES as u64
    }

    fn add(&mut self, json: u64, counts: bool) {
        self.events += 1;
        self.json += json;
        self.bytes = sizes::shared_frame(self.events, self.json);
        self.counts |= counts;
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
