//! Long polling in virtual time.

use std::time::Duration;

use super::crowd::Person;
use super::part::{Batch, Part};
use crate::clock::as_micros;
use crate::ledger::{Polled, Staleness};
use crate::sizes::PollSizes;
use crate::transport::first_share;

/// One person's long polls, until the visit is over, or the window is and nothing is left to fetch.
pub(super) fn stay(person: &Person<'_>, hold: Duration, part: &mut Part, stale: &mut Staleness) {
    let (client, world) = (person.client, person.world);
    let sizes = PollSizes::of_poll(person.who(), person.way);
    part.opened += 1;
    let hold_us = as_micros(hold);
    let (mut wait, mut taken, mut sent) = (hold_us, 0, -world.warmup);
    if person.visit.is_first() {
        part.book.answered_uncounted();
        wait = as_micros(hold.mul_f64(first_share(world.scenario.seed, client.into())));
    } else {
        (taken, sent) = position(person, &sizes, part);
    }
    let until = person.visit.until;
    for n in 0.. {
        if sent >= until || (sent >= world.duration && taken >= person.feed.items.len()) {
            break;
        }
        let request = sizes.request(taken as u64);
        let arrives = sent + person.legs.up(n, request);
        let (leaves, upto) = held(person, taken, arrives, wait);
        let items = &person.feed.items[taken..upto];
        let (events, json) = part.choose(person.feed, items, client, leaves);
        let (from, to) = (taken as u64, upto as u64);
        let answer = if events == 0 { sizes.nope(from, to) } else { sizes.news(from, to, events, json) };
        let answered = leaves + person.legs.down(n, answer);
        if answered > until {
            // Who leaves does not wait for the answer. If it is on its way by then, its bytes were sent.
            cross(part, sent, true, request);
            if leaves < until {
                cross(part, answered, false, answer);
            }
            break;
        }
        let batch =
            Batch { client, taken: leaves, in_hand: answered, poll_sent: Some(sent), owed_since: i64::MIN };
        part.hand_over(world, person.feed, items, batch, stale);
        let poll = Polled { client, intended: sent, sent, answered, events: events as u32 };
        // Bytes cross the socket when they do, whether or not the poll counts.
        cross(part, sent, true, request);
        cross(part, answered, false, answer);
        if part.book.answered_in(part.book.step_of(answered), &poll) {
            part.person.iter_mut().for_each(|person| person.asked(poll));
        }
        (taken, sent, wait) = (upto, answered, hold_us);
    }
    person.leave(&person.feed.items[taken..], until, part, stale);
}

/// A visitor asks where the feed stands, and is told: an empty poll. Returns how far the feed is then, and
/// when the visitor knows.
fn position(person: &Person<'_>, sizes: &PollSizes, part: &mut Part) -> (usize, i64) {
    let (client, came, request) = (person.client, person.came, sizes.first_request());
    let arrives = person.legs.first_arrival(came, request);
    let answer = sizes.first_answer(person.head(arrives) as u64);
    let answered = person.legs.first_answered(arrives, answer);
    cross(part, came, true, request);
    cross(part, answered, false, answer);
    let poll = Polled { client, intended: came, sent: came, answered, events: 0 };
    if part.book.answered_in(part.book.step_of(answered), &poll) {
        part.person.iter_mut().for_each(|person| person.asked(poll));
    }
    (person.head(arrives), answered)
}

/// A message crosses the server's socket at `at`.
fn cross(part: &mut Part, at: i64, up: bool, bytes: u64) {
    if part.book.counts(at) {
        let step = part.book.step_of(at);
        if up { part.traffic.up(step, bytes, 1) } else { part.traffic.down(step, bytes, 1) }
    }
}

/// When the answer to a poll that is at the server at `arrives` leaves, and how far it takes the feed:
/// at once when there is news, else at the next news, else when the hold ends.
fn held(person: &Person<'_>, taken: usize, arrives: i64, wait: i64) -> (i64, usize) {
    let items = &person.feed.items;
    let is_news = |at: i64| move |item: &super::feed::Item| item.author != person.client && item.dies >= at;
    let there = taken + items[taken..].partition_point(|item| item.server <= arrives);
    if items[taken..there].iter().any(is_news(arrives)) {
        return (arrives, there);
    }
    let ends = arrives + wait;
    let coming = items[there..].iter().take_while(|item| item.server <= ends);
    let leaves = coming.clone().find(|item| is_news(item.server)(item)).map_or(ends, |item| item.server);
    (leaves, there + items[there..].partition_point(|item| item.server <= leaves))
}
