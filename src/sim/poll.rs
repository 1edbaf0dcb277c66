//! Short polling in virtual time: poll by poll, or ahead from delivery to delivery.
//!
//! The two give the same sums. Stepping is the plain meaning; skipping counts the polls between two
//! deliveries in closed form, which is right because every answer is back before the next poll is due.

use std::ops::Range;

use super::cache::Found;
use super::crowd::Person;
use super::feed::Item;
use super::part::{Batch, Part};
use crate::ledger::{Polled, Staleness, StepCursor};
use crate::random::{Dice, stream};
use crate::sizes::PollSizes;
use crate::transport::{Pace, Way, first_poll};

/// One visit's polls where the interval stays the same: poll `k` is intended at `first + k · interval`,
/// from 0 on.
pub(super) struct Grid {
    first: i64,
    interval: i64,
    /// How far the feed is when the visit begins.
    taken: usize,
    /// When the answer came that said so; `i64::MIN` for those who are there when traffic starts.
    knows: i64,
    pub(super) pace: Pace,
    /// ⌈2⁶⁴ / interval⌉: a division would be the dearest part of finding a poll.
    reciprocal: u64,
    keep_alive: bool,
    by_size: bool,
    /// No request is longer on its way up, where polls are skipped.
    longest_up: i64,
    sizes: PollSizes,
}

impl Grid {
    /// Of somebody who is there when traffic starts.
    pub(super) fn new(person: &Person<'_>) -> Self {
        let Way::Poll { interval, backoff_max, keep_alive, .. } = *person.way else {
            unreachable!("only short polls have a grid")
        };
        let pace = Pace::new(interval, backoff_max);
        let interval = pace.least();
        let seed = person.world.scenario.seed;
        let share = Dice::new(seed, &[stream::POLL_PHASE, person.client.into()]).unit();
        let phase = (share * interval as f64) as i64;
        Self {
            first: first_poll(-person.world.warmup, phase, interval),
            interval,
            taken: 0,
            knows: i64::MIN,
            pace,
            reciprocal: u64::MAX / interval.unsigned_abs() + 1,
            keep_alive,
            by_size: person.legs.by_size(),
            longest_up: person.legs.longest_up(!keep_alive),
            sizes: PollSizes::of_poll(person.who(), person.way),
        }
    }

    /// Takes the seat: whoever comes while the run is on asks where the feed stands, and begins a grid of
    /// polls by that.
    fn begin(person: &Person<'_>, part: &mut Part) -> Self {
        let mut grid = Self::new(person);
        part.opened += 1;
        if person.visit.is_first() {
            part.book.answered_uncounted();
        } else {
            let arrives = grid.newcomer_arrives(person);
            let found = match person.cache {
                Some(held) => held.position(arrives, person.client),
                None => Found { from: 0, upto: person.head(arrives), age: None },
            };
            grid.position(person, arrives, found, part);
            part.origin += u64::from(found.age.is_none() && part.book.counts(person.came));
        }
        grid
    }

    /// When the first poll of a newcomer is at the server.
    pub(super) fn newcomer_arrives(&self, person: &Person<'_>) -> i64 {
        person.legs.first_arrival(person.came, self.sizes.first_request())
    }

    /// The first poll of a newcomer, at the server at `arrives`: an empty one, from which the position is
    /// known. Returns when the next is due, and when its answer came.
    pub(super) fn position(
        &mut self,
        person: &Person<'_>,
        arrives: i64,
        found: Found,
        part: &mut Part,
    ) -> (i64, i64) {
        let (came, up) = (person.came, self.sizes.first_request());
        let down = self.sizes.first_answer(found.upto as u64) + self.sizes.age(found.age);
        let knows = person.legs.first_answered(arrives, down);
        book(person, came, knows, 0, (up, down), part);
        if part.book.counts(came) {
            let step = part.book.step_of(came);
            for &(up, down) in self.sizes.connection() {
                part.traffic.up(step, up, 1);
                part.traffic.down(step, down, 1);
            }
        }
        self.first = skip(self.pace, came, knows, part);
        (self.taken, self.knows) = (found.upto, knows);
        (self.first, knows)
    }

    /// Polls before `time`.
    fn before(&self, time: i64) -> i64 {
        (time - self.first + self.interval - 1).div_euclid(self.interval).max(0)
    }

    pub(super) fn at(&self, k: i64) -> i64 {
        self.first + k * self.interval
    }

    /// When the poll intended at `intended`, of a reader at `offset`, is at the server.
    pub(super) fn arrival(&self, person: &Person<'_>, intended: i64, offset: u64) -> i64 {
        intended + self.up(person, self.last_before(intended), offset)
    }

    /// The answer to poll `k`, which is at the server at `arrives` and gets what was found. [`Part::chosen`]
    /// and [`Part::hand_over`] go by it.
    #[inline(always)]
    pub(super) fn answer(
        &self,
        person: &Person<'_>,
        part: &mut Part,
        k: i64,
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
        let in_hand = arrives + person.legs.down(k, bytes);
        Answer { told, in_hand, events, bytes }
    }

    /// The last poll intended at or before `time`; 0 before the first.
    #[inline]
    pub(super) fn last_before(&self, time: i64) -> i64 {
        let since = (time - self.first).max(0).unsigned_abs();
        // ⌊since / interval⌋, at most one too large since the reciprocal is rounded up.
        let guess = ((u128::from(since) * u128::from(self.reciprocal)) >> 64) as i64;
        guess - i64::from(guess * self.interval > since.cast_signed())
    }

    /// Microseconds from sending poll `k` until the server has it.
    // Kept out of the loop over deliveries, whose registers it would take.
    #[inline(never)]
    fn up(&self, person: &Person<'_>, k: i64, offset: u64) -> i64 {
        let connect = if self.keep_alive { 0 } else { person.legs.connect(k) };
        let bytes = if self.by_size { self.sizes.request(offset) } else { 0 };
        connect + person.legs.up(k, bytes)
    }
}

/// Every poll of one visit, one by one, until it is over, or the window is and nothing is left to fetch.
/// Returns when the last answer came.
pub(super) fn step(person: &Person<'_>, part: &mut Part, stale: &mut Staleness) -> i64 {
    let mut grid = Grid::begin(person, part);
    let items = &person.feed.items;
    let (mut taken, mut polls, mut answered) = (grid.taken, 0, grid.knows);
    let mut intended = grid.first;
    let until = person.visit.until;
    while intended < until && (intended < person.world.duration || taken < items.len()) {
        let k = grid.last_before(intended);
        let arrives = intended + grid.up(person, k, taken as u64);
        let found = match person.cache {
            Some(held) => held.answer(taken, arrives, person.client),
            None => Found { from: taken, upto: person.feed.there(taken, arrives), age: None },
        };
        let answer = fetch::<true>(person, &grid, (k, intended), arrives, found, part, stale);
        ask(person, &grid, intended, taken as u64, &answer, part);
        part.origin += u64::from(found.age.is_none() && part.book.counts(intended));
        (taken, answered) = (found.upto, answer.in_hand);
        polls += 1;
        grid.pace.heard(answer.events > 0);
        intended = skip(grid.pace, intended, answered, part);
    }
    end(person, &grid, polls, &items[taken..], answered, part, stale)
}

/// The same, from delivery to delivery.
pub(super) fn skip_ahead(person: &Person<'_>, part: &mut Part, stale: &mut Staleness) -> i64 {
    let grid = Grid::begin(person, part);
    let items = &person.feed.items;
    let (mut next, mut taken, mut answered) = (0, grid.taken, grid.knows);
    let last = if person.visit.is_last() { i64::MAX } else { grid.before(person.visit.until) };
    let mut cursor = StepCursor::default();
    while let Some(item) = items.get(taken) {
        let offset = taken as u64;
        let (k, arrives) = fetching_poll(person, &grid, item.server, next, offset);
        if k >= last {
            break;
        }
        let upto = taken + items[taken..].iter().take_while(|item| item.server <= arrives).count();
        let found = Found { from: taken, upto, age: None };
        let answer = fetch::<false>(person, &grid, (k, grid.at(k)), arrives, found, part, stale);
        let vain = (k - next).unsigned_abs();
        let (first, fetching) = (grid.at(next), grid.at(k));
        if let Some(step) = part.book.polled_until(&mut cursor, first, fetching, vain, answer.events) {
            let (up, nope) = (grid.sizes.request(offset), grid.sizes.nope(offset, offset));
            part.traffic.exchanges(step, up, nope, vain, answer.bytes);
        } else {
            in_vain(&grid, next..k, offset, part, &mut cursor);
            ask(person, &grid, fetching, offset, &answer, part);
        }
        (taken, answered) = (upto, answer.in_hand);
        next = k + 1;
    }
    // The polls from here to the end of the visit, or of the window, find nothing.
    let polls = if person.visit.is_last() { grid.before(person.world.duration).max(next) } else { last };
    in_vain(&grid, next..polls, taken as u64, part, &mut cursor);
    if polls > next {
        let k = polls - 1;
        answered = grid.at(k) + grid.up(person, k, taken as u64) + person.legs.down(k, 0);
    }
    end(person, &grid, polls, &items[taken..], answered, part, stale)
}

/// The visit is over after so many polls, when their last answer has come; `items` are left.
fn end(
    person: &Person<'_>,
    grid: &Grid,
    polls: i64,
    items: &[Item],
    answered: i64,
    part: &mut Part,
    stale: &mut Staleness,
) -> i64 {
    // The first connection learns the position; without keep-alive every poll opens its own.
    part.opened += if grid.keep_alive { 0 } else { polls.unsigned_abs() };
    person.leave(items, person.visit.until.max(answered), part, stale);
    answered
}

/// When the poll after that of `intended` is due, which was answered at `answered`; books those skipped.
fn skip(pace: Pace, intended: i64, answered: i64, part: &mut Part) -> i64 {
    let next = pace.next(intended, answered);
    (1..=next.skipped).for_each(|n| part.book.poll_skipped(intended + n * next.interval, answered));
    next.at
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
    pub(super) events: u64,
    bytes: u64,
}

/// Poll `k`, sent when it was `intended` and at the server at `arrives`, gets what was found: books what
/// it brings. Without `CACHE` nobody asks whether there is one, a million times a second.
#[inline(always)]
fn fetch<const CACHE: bool>(
    person: &Person<'_>,
    grid: &Grid,
    (k, intended): (i64, i64),
    arrives: i64,
    found: Found,
    part: &mut Part,
    stale: &mut Staleness,
) -> Answer {
    let answer = grid.answer(person, part, k, arrives, found);
    let mut items = &person.feed.items[found.from..found.upto];
    let (client, in_hand) = (person.client, answer.in_hand);
    if CACHE && person.cache.is_some() && person.feed.plain && in_hand >= person.world.duration {
        // A cache may tell newcomers a position from before they came. Nobody waits for what it brings.
        items = &items[items.partition_point(|item| item.at < grid.knows)..];
    }
    let owed_since = if CACHE && person.cache.is_some() { grid.knows } else { i64::MIN };
    let batch = Batch { client, taken: answer.told, in_hand, poll_sent: Some(intended), owed_since };
    part.hand_over(person.world, person.feed, items, batch, stale);
    answer
}

/// Books a poll itself, asked with the reader at `offset`.
fn ask(person: &Person<'_>, grid: &Grid, intended: i64, offset: u64, answer: &Answer, part: &mut Part) {
    let bytes = (grid.sizes.request(offset), answer.bytes);
    book(person, intended, answer.in_hand, answer.events, bytes, part);
}

/// Books a poll with the bytes of its request and of its answer.
fn book(
    person: &Person<'_>,
    intended: i64,
    answered: i64,
    events: u64,
    (up, down): (u64, u64),
    part: &mut Part,
) {
    let poll = Polled { client: person.client, intended, sent: intended, answered, events: events as u32 };
    let step = part.book.step_of(intended);
    if part.book.answered_in(step, &poll) {
        part.traffic.exchange(step, up, down, 1);
        if let Some(person) = &mut part.person {
            person.asked(poll);
        }
    }
}
