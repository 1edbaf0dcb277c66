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
use crate::workload::Visit;

/// Everything that the cache ever held of one topic.
#[derive(Debug)]
pub(super) struct Held {
    /// How long an answer is kept, microseconds.
    kept: i64,
    /// By the cursor of those who ask, in order of time.
    by_cursor: Vec<Vec<Entry>>,
    /// For newcomers, who ask where the feed stands.
    positions: Vec<Entry>,
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

/// One client who stays while the cache is worked off; as small as can be, since all are kept at once.
struct Asker {
    client: u32,
    taken: u32,
    /// When its first poll is intended.
    first: i64,
}

/// The seat of one client, and who sits there.
struct Seat<'a> {
    person: Person<'a>,
    /// Who comes next.
    visits: std::vec::IntoIter<Visit>,
    grid: Grid,
    taken: usize,
}

/// Polls on their way, the first to arrive at the top: when it does, whose it is, and when it was
/// intended; none: a newcomer's first.
type Coming = BinaryHeap<Reverse<(i64, usize, Option<i64>)>>;

impl<'a> Seat<'a> {
    fn new(person: Person<'a>) -> Self {
        let mut visits = person.world.visits(person.client).into_iter();
        let visit = visits.next().unwrap_or(Visit::WHOLE);
        let person = Person::new(person.world, person.way, person.client, person.feed, visit);
        Self { grid: Grid::new(&person), person, visits, taken: 0 }
    }

    /// Sends the poll that is due at `intended`, or, when the visit is over by then and the last answer came
    /// at `answered`, the first poll of whoever comes next.
    fn goes_on(&mut self, n: usize, intended: i64, answered: i64, coming: &mut Coming) {
        let Person { world, way, client, feed, visit, .. } = self.person;
        if intended < visit.until {
            if intended < world.duration || self.taken < feed.items.len() {
                let arrives = self.grid.arrival(&self.person, intended, self.taken as u64);
                coming.push(Reverse((arrives, n, Some(intended))));
            }
        } else if let Some(next) = self.visits.next() {
            let came = next.from.max(answered);
            self.person = Person { came, ..Person::new(world, way, client, feed, next) };
            self.grid = Grid::new(&self.person);
            coming.push(Reverse((self.grid.newcomer_arrives(&self.person), n, None)));
        }
    }
}

impl Held {
    /// What the cache holds while these people, who read the same feed, poll. `None` where there is none.
    pub(super) fn by<'a>(people: impl Iterator<Item = Person<'a>> + Clone) -> Option<Self> {
        let one = people.clone().next()?;
        let Way::Poll { shared_cache: Some(kept), interval, .. } = one.way else { return None };
        let by_cursor = vec![Vec::new(); one.feed.items.len() + 1];
        // Traffic starts with an empty cache.
        let mut held = Self { kept: as_micros(*kept), by_cursor, positions: Vec::new() };
        let scenario = one.world.scenario;
        if scenario.network.is_some() || scenario.visit.is_some() || Grid::new(&one).pace.backs_off() {
            held.one_by_one(people.map(Seat::new).collect());
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
                    let (kept, taken) = (self.kept, asker.taken as usize);
                    let entries = &mut self.by_cursor[taken];
                    asker.taken = fetch(entries, kept, feed, taken, at, asker.client) as u32;
                }
            }
            if !asked {
                return;
            }
        }
    }

    /// Over a network polls overtake each other, and some are skipped; where people back off, each has a pace
    /// of its own; and where they come and go, so have newcomers.
    fn one_by_one(&mut self, mut seats: Vec<Seat<'_>>) {
        let Some(one) = seats.first() else { return };
        let feed = one.person.feed;
        let mut scratch = Part::new(one.person.world, one.person.way);
        let mut coming = Coming::new();
        for (n, seat) in seats.iter_mut().enumerate() {
            seat.goes_on(n, seat.grid.at(0), i64::MIN, &mut coming);
        }
        while let Some(Reverse((arrives, n, intended))) = coming.pop() {
            let seat = &mut seats[n];
            let (person, grid, client) = (&seat.person, &mut seat.grid, seat.person.client);
            let (next, answered) = if let Some(intended) = intended {
                let from = seat.taken;
                seat.taken = fetch(&mut self.by_cursor[from], self.kept, feed, from, arrives, client);
                let found = answer(&self.by_cursor[from], from, arrives, client);
                let k = grid.last_before(intended);
                let answer = grid.answer(person, &mut scratch, k, arrives, found);
                grid.pace.heard(answer.events > 0);
                (grid.pace.next(intended, answer.in_hand).at, answer.in_hand)
            } else {
                seat.taken = fetch(&mut self.positions, self.kept, feed, 0, arrives, client);
                let found = self.position(arrives, client);
                grid.position(person, arrives, found, &mut scratch)
            };
            seat.goes_on(n, next, answered, &mut coming);
        }
    }

    /// How the poll was answered that was at the cache at `arrives`.
    pub(super) fn answer(&self, taken: usize, arrives: i64, client: u32) -> Found {
        answer(&self.by_cursor[taken], taken, arrives, client)
    }

    /// How the first poll of a newcomer was answered.
    pub(super) fn position(&self, arrives: i64, client: u32) -> Found {
        answer(&self.positions, 0, arrives, client)
    }
}

/// Somebody who has `taken` events asks what `entries` hold an answer to; returns how many it has then.
fn fetch(entries: &mut Vec<Entry>, kept: i64, feed: &Feed, taken: usize, arrives: i64, client: u32) -> usize {
    if let Some(last) = entries.last().filter(|last| arrives < last.since + kept) {
        return last.upto as usize;
    }
    let upto = feed.there(taken, arrives);
    entries.push(Entry { since: arrives, upto: upto as u32, by: client });
    upto
}

/// What `entries` held for the poll that was at the cache at `arrives`.
fn answer(entries: &[Entry], taken: usize, arrives: i64, client: u32) -> Found {
    let last = entries[..entries.partition_point(|entry| entry.since <= arrives)].last();
    // Each poll finds what it found when the cache was worked off.
    let last = last.unwrap_or_else(|| unreachable!("the poll was worked off"));
    let own = last.since == arrives && last.by == client;
    Found { from: taken, upto: last.upto as usize, age: (!own).then_some(arrives - last.since) }
}
