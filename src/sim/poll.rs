//! Short polling in virtual time: poll by poll, or ahead from delivery to delivery.
//!
//! The two give the same sums. Stepping is the plain meaning; skipping counts the polls between two
//! deliveries in closed form, which is right because every answer is back before the next poll is due.

use std::ops::Range;

use super::cache::Found;
use super::crowd::Person;
use super::part::{Batch, Part};
use crate::clock::as_micros;
use crate::ledger::{Polled, Staleness, StepCursor};
use crate::random::{Dice, stream};
use crate::sizes::{Manner, PollSizes};
use crate::transport::{Way, first_poll, next_poll};

/// The grid of one client's polls: poll `k` is intended at `first + k · interval`, from 0 on.
pub(super) struct Grid {
    first: i64,
    pub(super) interval: i64,
    /// ⌈2⁶⁴ / interval⌉: a division would be the dearest part of finding a poll.
    reciprocal: u64,
    keep_alive: bool,
    by_size: bool,
    /// No request is longer on its way up, where polls are skipped.
    longest_up: i64,
    sizes: PollSizes,
}

impl Grid {
    pub(super) fn new(person: &Person<'_>) -> Self {
        let Way::Poll { interval, keep_alive, conditional, shared_cache } = *person.way else {
            unreachable!("only short polls have a grid")
        };
        let interval = as_micros(interval);
        let seed = person.world.scenario.seed;
        let share = Dice::new(seed, &[stream::POLL_PHASE, person.client.into()]).unit();
        let phase = (share * interval as f64) as i64;
        Self {
            first: first_poll(-person.world.warmup, phase, interval),
            interval,
            reciprocal: u64::MAX / interval.unsigned_abs() + 1,
            keep_alive,
            by_size: person.legs.by_size(),
            longest_up: person.legs.longest_up(!keep_alive),
            sizes: PollSizes::new(person.who(), Manner { keep_alive, conditional, shared_cache }),
        }
    }

    pub(super) fn at(&self, k: i64) -> i64 {
        self.first + k * self.interval
    }

    /// When the poll intended at `intended`, of a reader at `offset`, is at the server.
    pub(super) fn arrival(&self, person: &Person<'_>, intended: i64, offset: u64) -> i64 {
        intended + self.up(person, self.last_before(intended), offset)
    }

    /// The answer to the poll intended at `intended` that is at the server at `arrives` and gets what was
    /// found. [`Part::chosen`] and [`Part::hand_over`] go by it.
    #[inline]
    pub(super) fn answer(
        &self,
        person: &Person<'_>,
        part: &mut Part,
        intended: i64,
        arrives: i64,
        found: Found,
    ) -> Answer {
        let items = &person.feed.items[found.from..found.upto];
        // The answer's size decides when it is in hand, so it is known before anything is booked.
        // What a cache has kept is as it was when it was fetched.
        let told = arrives - found.age.unwrap_or(0);
        let (events, json) = part.choose(person.feed, items, person.client, told);
        let (from, to) = (found.from as u64, found.upto as u64);
        let fresh =
            if events == 0 { self.sizes.nope(from, to) } else { self.sizes.news(from, to, events, json) };
        let bytes = fresh + self.sizes.age(found.age);
        let in_hand = arrives + person.legs.down(self.last_before(intended), bytes);
        Answer { told, in_hand, events, bytes }
    }

    /// The last poll intended at or before `time`; 0 before the first.
    #[inline]
    fn last_before(&self, time: i64) -> i64 {
        let since = (time - self.first).max(0).unsigned_abs();
        // ⌊since / interval⌋, at most one too large since the reciprocal is rounded up.
        let guess = ((u128::from(since) * u128::from(self.reciprocal)) >> 64) as i64;
        guess - i64::from(guess * self.interval > since.cast_signed())
    }

    /// Microseconds from sending poll `k` until the server has it.
    #[inline]
    fn up(&self, person: &Person<'_>, k: i64, offset: u64) -> i64 {
        let connect = if self.keep_alive { 0 } else { person.legs.connect(k) };
        let bytes = if self.by_size { self.sizes.request(offset) } else { 0 };
        connect + person.legs.up(k, bytes)
    }
}

fn connect(grid: &Grid, part: &mut Part, polls: u64) {
    // The first connection learns the position; without keep-alive every poll opens its own.
    part.opened += if grid.keep_alive { 1 } else { 1 + polls };
    part.held += 1;
    part.book.answered_uncounted();
}

/// Every poll of one client, one by one, until the window is over and nothing is left to fetch.
pub(super) fn step(person: &Person<'_>, part: &mut Part, stale: &mut Staleness) {
    let grid = Grid::new(person);
    let items = &person.feed.items;
    let (mut taken, mut polls) = (0, 0);
    let mut intended = grid.first;
    while intended < person.world.duration || taken < items.len() {
        let k = grid.last_before(intended);
        let arrives = intended + grid.up(person, k, taken as u64);
        let found = match person.cache {
            Some(held) => held.answer(taken, arrives, person.client),
            None => Found { from: taken, upto: person.feed.there(taken, arrives), age: None },
        };
        let answer = fetch(person, &grid, k, arrives, found, part, stale);
        ask(person, &grid, k, taken as u64, &answer, part);
        part.origin += u64::from(found.age.is_none() && part.book.counts(intended));
        taken = found.upto;
        polls += 1;
        let next = next_poll(intended, answer.in_hand, grid.interval);
        (1..=next.skipped).for_each(|n| part.book.poll_skipped(intended + n * grid.interval, answer.in_hand));
        intended = next.at;
    }
    connect(&grid, part, polls);
}

/// The same, from delivery to delivery.
pub(super) fn skip_ahead(person: &Person<'_>, part: &mut Part, stale: &mut Staleness) {
    let grid = Grid::new(person);
    let items = &person.feed.items;
    let (mut next, mut taken) = (0, 0);
    let mut cursor = StepCursor::default();
    while let Some(item) = items.get(taken) {
        let offset = taken as u64;
        let (k, arrives) = fetching_poll(person, &grid, item.server, next, offset);
        let upto = taken + items[taken..].iter().take_while(|item| item.server <= arrives).count();
        let found = Found { from: taken, upto, age: None };
        let answer = fetch(person, &grid, k, arrives, found, part, stale);
        let vain = (k - next).unsigned_abs();
        let (first, last) = (grid.at(next), grid.at(k));
        if let Some(step) = part.book.polled_until(&mut cursor, first, last, vain, answer.events) {
            let (up, nope) = (grid.sizes.request(offset), grid.sizes.nope(offset, offset));
            part.traffic.exchanges(step, up, nope, vain, answer.bytes);
        } else {
            in_vain(&grid, next..k, offset, part, &mut cursor);
            ask(person, &grid, k, offset, &answer, part);
        }
        taken = upto;
        next = k + 1;
    }
    // The polls from here to the end of the window find nothing.
    let end = (person.world.duration - grid.first + grid.interval - 1).div_euclid(grid.interval);
    in_vain(&grid, next..end.max(next), taken as u64, part, &mut cursor);
    connect(&grid, part, end.max(next).unsigned_abs());
}

/// The first poll from `next` on that reaches the server at or after `server`, and when it does.
#[inline]
fn fetching_poll(person: &Person<'_>, grid: &Grid, server: i64, next: i64, offset: u64) -> (i64, i64) {
    // Polls sent so early that even the longest trip ends before `server` need not be looked at.
    let earliest = server - grid.longest_up;
    let k = grid.last_before(earliest);
    let mut k = (k + i64::from(grid.at(k) < earliest)).max(next);
    loop {
        let arrives = grid.at(k) + grid.up(person, k, offset);
        if arrives >= server {
            return (k, arrives);
        }
        k += 1;
    }
}

/// Polls `ks` find nothing, with the reader at `offset`.
#[inline]
fn in_vain(grid: &Grid, ks: Range<i64>, offset: u64, part: &mut Part, cursor: &mut StepCursor) {
    let n = ks.end - ks.start;
    if n <= 0 {
        return;
    }
    let (up, down) = (grid.sizes.request(offset), grid.sizes.nope(offset, offset));
    let traffic = &mut part.traffic;
    part.book.polled_in_vain(cursor, grid.at(ks.start), grid.interval, n, |step, n| {
        traffic.exchange(step, up, down, n);
    });
}

/// One poll's answer.
pub(super) struct Answer {
    /// When the server took it from the feed.
    told: i64,
    pub(super) in_hand: i64,
    events: u64,
    bytes: u64,
}

/// Poll `k`, which is at the server at `arrives`, gets what was found: books what it brings.
#[inline(always)]
fn fetch(
    person: &Person<'_>,
    grid: &Grid,
    k: i64,
    arrives: i64,
    found: Found,
    part: &mut Part,
    stale: &mut Staleness,
) -> Answer {
    let sent = grid.at(k);
    let answer = grid.answer(person, part, sent, arrives, found);
    let items = &person.feed.items[found.from..found.upto];
    let (client, in_hand) = (person.client, answer.in_hand);
    let batch = Batch { client, taken: answer.told, in_hand, poll_sent: Some(sent) };
    part.hand_over(person.world, person.feed, items, batch, stale);
    answer
}

/// Books poll `k` itself, asked with the reader at `offset`.
fn ask(person: &Person<'_>, grid: &Grid, k: i64, offset: u64, answer: &Answer, part: &mut Part) {
    let intended = grid.at(k);
    let (client, answered, events) = (person.client, answer.in_hand, answer.events as u32);
    let poll = Polled { client, intended, sent: intended, answered, events };
    let step = part.book.step_of(intended);
    if part.book.answered_in(step, &poll) {
        part.traffic.exchange(step, grid.sizes.request(offset), answer.bytes, 1);
        if let Some(person) = &mut part.person {
            person.asked(poll);
        }
    }
}
