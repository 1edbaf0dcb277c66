//! What a shared cache in front of the polls holds, and since when: the one place where clients meet.
//!
//! It is worked off first, poll by poll in order of arrival, without booking anything. With what it held
//! when written down, clients can again be worked off one after another.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::crowd::Person;
use super::feed::Feed;
use super::part::Part;
use super::poll::Grid;
use crate::clock::as_micros;
use crate::transport::Way;

/// Everything that the cache ever held of one topic.
#[derive(Debug)]
pub(super) struct Held {
    /// How long an answer is kept, microseconds.
    kept: i64,
    /// By the cursor of those who ask, in order of time.
    by_cursor: Vec<Vec<Entry>>,
}

/// One answer that the cache fetched.
#[derive(Debug, Clone, Copy)]
struct Entry {
    since: i64,
    upto: u32,
    /// The client whose poll it was fetched for.
    by: u32,
}

/// How a poll is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// How much of the feed the reader had.
    pub(super) from: usize,
    /// How far the answer takes the feed.
    pub(super) upto: usize,
    /// How long the cache had it, microseconds; none: it was fetched for this poll.
    pub(super) age: Option<i64>,
}

/// One client while the cache is worked off; as small as can be, since all are kept at once.
struct Asker {
    client: u32,
    taken: u32,
    /// When its first poll is intended.
    first: i64,
}

impl Held {
    /// What the cache holds while these people, who read the same feed, poll. `None` where there is none.
    pub(super) fn by<'a>(people: impl Iterator<Item = Person<'a>> + Clone) -> Option<Self> {
        let one = people.clone().next()?;
        let Way::Poll { shared_cache: Some(kept), interval, .. } = one.way else { return None };
        let mut held = Self { kept: as_micros(*kept), by_cursor: vec![Vec::new(); one.feed.items.len() + 1] };
        if one.world.scenario.network.is_some() || Grid::new(&one).pace.backs_off() {
            held.one_by_one(&people.collect::<Vec<_>>());
        } else {
            let asker = |person: Person<'_>| Asker {
                client: person.client,
                taken: 0,
                first: Grid::new(&person).at(0),
            };
            held.round_by_round(
                people.map(asker).collect(),
                one.feed,
                as_micros(*interval),
                one.world.duration,
            );
        }
        Some(held)
    }

    /// Without a network a poll arrives when it is sent, and everybody's turns come in the same order.
    fn round_by_round(&mut self, mut askers: Vec<Asker>, feed: &Feed, interval: i64, duration: i64) {
        askers.sort_by_key(|asker| (asker.first, asker.client));
        let all = feed.items.len();
        for round in 0.. {
            let mut asked = false;
            for asker in &mut askers {
                let at = asker.first + round * interval;
                if at < duration || (asker.taken as usize) < all {
                    asked = true;
                    asker.taken = self.ask(feed, asker.taken as usize, at, asker.client) as u32;
                }
            }
            if !asked {
                return;
            }
        }
    }

    /// Over a network polls overtake each other, and some are skipped; where people back off, each has a pace
    /// of its own.
    fn one_by_one(&mut self, people: &[Person<'_>]) {
        let Some(one) = people.first() else { return };
        let (feed, duration) = (one.feed, one.world.duration);
        let mut scratch = Part::new(one.world, one.way);
        let mut grids: Vec<Grid> = people.iter().map(Grid::new).collect();
        let mut taken = vec![0; people.len()];
        let mut coming = BinaryHeap::new();
        let send = |coming: &mut BinaryHeap<_>, grid: &Grid, n: usize, intended: i64, taken: usize| {
            if intended < duration || taken < feed.items.len() {
                let arrives = grid.arrival(&people[n], intended, taken as u64);
                coming.push(Reverse((arrives, n, intended)));
            }
        };
        (0..people.len()).for_each(|n| send(&mut coming, &grids[n], n, grids[n].at(0), 0));
        while let Some(Reverse((arrives, n, intended))) = coming.pop() {
            let person = &people[n];
            let from = taken[n];
            taken[n] = self.ask(feed, from, arrives, person.client);
            let found = self.answer(from, arrives, person.client);
            let answer =
                grids[n].answer(person, &mut scratch, grids[n].last_before(intended), arrives, found);
            grids[n].pace.heard(answer.events > 0);
            let next = grids[n].pace.next(intended, answer.in_hand);
            send(&mut coming, &grids[n], n, next.at, taken[n]);
        }
    }

    /// A poll by somebody who has `taken` events is at the cache; returns how many it has then.
    fn ask(&mut self, feed: &Feed, taken: usize, arrives: i64, client: u32) -> usize {
        let entries = &mut self.by_cursor[taken];
        if let Some(last) = entries.last().filter(|last| arrives < last.since + self.kept) {
            return last.upto as usize;
        }
        let upto = feed.there(taken, arrives);
        entries.push(Entry { since: arrives, upto: upto as u32, by: client });
        upto
    }

    /// How the poll was answered that was at the cache at `arrives`.
    pub(super) fn answer(&self, taken: usize, arrives: i64, client: u32) -> Found {
        let entries = &self.by_cursor[taken];
        let last = entries[..entries.partition_point(|entry| entry.since <= arrives)].last();
        // Each poll finds what it found when the cache was worked off.
        let last = last.unwrap_or_else(|| unreachable!("the poll was worked off"));
        let own = last.since == arrives && last.by == client;
        Found { from: taken, upto: last.upto as usize, age: (!own).then_some(arrives - last.since) }
    }
}
