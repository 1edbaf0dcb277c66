//! Rooms of people who write to each other: "typing…", the message, and a receipt.

use std::time::Duration;

use crate::clock::as_micros;
use crate::random::{Dice, stream};
use crate::scenario::Night;

use super::arrivals::{self, Arrival};
use super::{Planned, Schedule, Span, people};

/// A reader acknowledges a message this long after it.
const READ_AFTER_US: i64 = 1_000_000;

/// The settings of [`crate::scenario::Workload::Chat`].
pub(super) struct Chat<'a> {
    pub members: u32,
    pub gap_per_room: Duration,
    pub typing_before: Duration,
    pub receipts: bool,
    pub night: Option<&'a Night>,
}

const DAY_US: i64 = 86_400_000_000;

/// Whether a message of the day's rhythm is written: always by day, by lot at night. Thinning a
/// Poisson process by lots of its own leaves a Poisson process, slower at night (Lewis & Shedler
/// 1979), and no message depends on where one starts looking.
fn is_written(night: Option<&Night>, seed: u64, room: u32, arrival: Arrival) -> bool {
    let Some(night) = night else { return true };
    // The window begins when the night is over, so the night is the end of each day from there.
    let asleep = arrival.at.rem_euclid(DAY_US) >= DAY_US - as_micros(night.length);
    let mut lot = Dice::new(seed, &[stream::THINNING, u64::from(room), arrival.index.cast_unsigned()]);
    !asleep || lot.unit() < night.quiet
}

pub(super) fn schedule(chat: &Chat<'_>, span: Span) -> Schedule {
    let members = chat.members.max(1);
    let rooms = span.clients / members;
    let topics = (1..=rooms).map(|n| format!("room-{n}")).collect();
    let reads = (0..rooms * members).map(|client| client / members).collect();
    let typing_us = as_micros(chat.typing_before);
    let mean = as_micros(chat.gap_per_room) as f64;
    let mut events = Vec::new();
    for room in 0..rooms {
        // Messages just outside the range can have a "typing" or a receipt inside it.
        let messages = arrivals::poisson(
            span.seed,
            u64::from(room),
            mean,
            span.from - READ_AFTER_US,
            span.to + typing_us,
        );
        let written = messages.into_iter().filter(|a| is_written(chat.night, span.seed, room, *a));
        let around = written.flat_map(|arrival| exchange(chat, span.seed, room, arrival));
        events.extend(around.filter(|event| (span.from..span.to).contains(&event.at)));
    }
    Schedule::sorted(topics, reads, events)
}

/// One message with what stands at fixed offsets around it.
fn exchange(
    chat: &Chat<'_>,
    seed: u64,
    room: u32,
    arrival: Arrival,
) -> impl Iterator<Item = Planned> + use<> {
    let members = chat.members.max(1);
    let mut dice = arrival.content(seed, u64::from(room));
    let author = draw(&mut dice, members);
    // Someone else: a step of 1 to members − 1 around the room.
    let reader = (author + 1 + draw(&mut dice, members.saturating_sub(1))) % members;
    let by = |member: u32, at: i64, kind: &'static str, data: String| Planned {
        at,
        topic: room,
        author: Some(room * members + member),
        kind: kind.into(),
        ttl_ms: None,
        key: None,
        data,
    };
    let message =
        by(author, arrival.at, "message", people::said(&name(room, author), people::phrase(&mut dice)));
    let typing = (!chat.typing_before.is_zero()).then(|| {
        let before = as_micros(chat.typing_before);
        // Rounded up, so that the hint never ends before the message it announces.
        let ttl_ms = before.unsigned_abs().div_ceil(1000);
        Planned { ttl_ms: Some(ttl_ms), ..by(author, arrival.at - before, "typing", who(room, author)) }
    });
    let read = (chat.receipts && reader != author)
        .then(|| by(reader, arrival.at + READ_AFTER_US, "read", who(room, reader)));
    typing.into_iter().chain([message]).chain(read)
}

fn draw(dice: &mut Dice, n: u32) -> u32 {
    u32::try_from(dice.below(u64::from(n))).unwrap_or(0)
}

/// Names start elsewhere in each room, and are distinct within a room.
fn name(room: u32, member: u32) -> String {
    let shift = room as usize % people::NAMES.len();
    let member = member as usize;
    let round = member / people::NAMES.len() * people::NAMES.len();
    people::name(round + (member + shift) % people::NAMES.len())
}

fn who(room: u32, member: u32) -> String {
    format!(r#"{{"from":"{}"}}"#, name(room, member))
}
