//! All clients of one transport in virtual time, and what they send.

use std::ops::Range;

use super::cache::Held;
use super::feed::{Feed, Item};
use super::legs::Legs;
use super::part::Part;
use super::{World, hold, poll, push, sends, skips_ahead};
use crate::ledger::{Home, PersonLog, Staleness};
use crate::sizes::Who;
use crate::transport::{Transport, Way};
use crate::workload::Visit;

/// The people of one transport and the feeds they read.
pub(super) struct Crowd<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) transport: &'a Transport,
    /// A feed per planned topic; none where inboxes are drawn.
    feeds: Vec<Feed>,
    /// What the cache in front of each feed held, if there is one.
    caches: Vec<Option<Held>>,
    /// What the clients' own events did, on their way up.
    sent: sends::Sent,
    skips_ahead: bool,
}

/// One client while it is worked off.
#[derive(Clone)]
pub(super) struct Person<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) way: &'a Way,
    pub(super) client: u32,
    pub(super) visit: Visit,
    /// When it takes the seat; meaningless for those who are there when traffic starts.
    pub(super) came: i64,
    pub(super) legs: Legs<'a>,
    pub(super) feed: &'a Feed,
    /// What the cache in front of the feed holds.
    pub(super) cache: Option<&'a Held>,
}

/// What the cache in front of each feed holds while its readers poll.
fn caches(world: &World<'_>, transport: &Transport, feeds: &[Feed]) -> Vec<Option<Held>> {
    let mut readers = vec![Vec::new(); feeds.len()];
    let here = (0u32..).zip(&world.plan.schedule.reads).filter(|(client, _)| world.plan.plays(*client));
    for (client, &topic) in here {
        readers[topic as usize].push(client);
    }
    let people = |(feed, clients): (_, Vec<u32>)| {
        let one = |&client: &u32| Person::new(world, &transport.way, client, feed, Visit::WHOLE);
        Held::by(clients.iter().map(one))
    };
    feeds.iter().zip(readers).map(people).collect()
}

impl<'a> Person<'a> {
    pub(super) fn new(world: &'a World<'a>, way: &'a Way, client: u32, feed: &'a Feed, visit: Visit) -> Self {
        let legs = Legs::new(world.scenario.network.as_ref(), world.scenario.seed, client, visit.number);
        Self { world, way, client, visit, came: visit.from, legs, feed, cache: None }
    }

    /// Whose messages are as long as this one's.
    pub(super) fn who(&self) -> Who {
        Who {
            topic: self.feed.name,
            client: self.client,
            conflates: self.feed.keys > 0,
            headers: self.world.scenario.headers,
        }
    }
}

impl<'a> Crowd<'a> {
    pub(super) fn new(world: &'a World<'a>, transport: &'a Transport) -> Self {
        let sent = sends::Sent::new(world, &transport.way);
        let topics = 0..world.plan.by_topic.len();
        let feeds: Vec<Feed> = topics.map(|topic| Feed::planned(world, topic, &sent.server)).collect();
        let skips_ahead = skips_ahead(world.scenario, &transport.way) && !world.options.step_by_step;
        let caches = caches(world, transport, &feeds);
        Self { world, transport, feeds, caches, sent, skips_ahead }
    }

    /// The part that belongs to no client: what was published, and what clients sent.
    pub(super) fn publishing(&self) -> Part {
        let mut part = Part::new(self.world, &self.transport.way);
        self.sent.book(self.world, &self.transport.way, &mut part);
        part
    }

    /// Works off a range of clients.
    pub(super) fn work(&self, clients: Range<u32>) -> Part {
        let mut part = Part::new(self.world, &self.transport.way);
        let mut drawn = Feed::default();
        for client in clients.filter(|client| self.world.scenario.plays(*client)) {
            let own;
            let (feed, cache) = if self.world.streamed {
                drawn.draw(self.world, client);
                drawn.items.iter().for_each(|item| part.book.published(item.at, Home::Here));
                let one = Person::new(self.world, &self.transport.way, client, &drawn, Visit::WHOLE);
                own = Held::by(std::iter::once(one));
                (&drawn, own.as_ref())
            } else {
                let topic = self.world.plan.schedule.reads[client as usize] as usize;
                (&self.feeds[topic], self.caches[topic].as_ref())
            };
            if client == self.world.person {
                part.person = Some(PersonLog::new(client));
            }
            part.held += 1;
            let mut stale = Staleness::default();
            let mut free = i64::MIN;
            for visit in self.world.visits(client) {
                // Somebody who waits for an answer keeps the seat until it comes.
                let came = visit.from.max(free);
                let person = Person::new(self.world, &self.transport.way, client, feed, visit);
                let person = Person { came, cache, ..person };
                free = visit.until.max(self.stay(&person, &mut part, &mut stale));
            }
            part.staleness += stale.twice;
        }
        part
    }

    /// One person's visit. Returns when the last answer came that was waited for; `i64::MIN` if the end was
    /// not put off by one.
    fn stay(&self, person: &Person<'_>, part: &mut Part, stale: &mut Staleness) -> i64 {
        // The timeline shows every poll of its person, so that one is never skipped ahead.
        let ahead = self.skips_ahead && person.client != self.world.person;
        match person.way {
            Way::Poll { .. } if ahead => poll::skip_ahead(person, part, stale),
            Way::Poll { .. } => poll::step(person, part, stale),
            Way::LongPoll { hold } => {
                hold::stay(person, *hold, part, stale);
                i64::MIN
            }
            Way::Sse | Way::WebSocket { .. } => {
                push::stay(person, part, stale);
                i64::MIN
            }
        }
    }
}

impl Person<'_> {
    /// How far the feed is when the server looks at `at`.
    pub(super) fn head(&self, at: i64) -> usize {
        self.feed.items.partition_point(|item| item.server <= at)
    }

    /// The person leaves at `left` with `items` not in hand: they have been missed until now. What had no
    /// chance to be read yet is not owed; what lived too short is.
    pub(super) fn leave(&self, items: &[Item], left: i64, part: &mut Part, stale: &mut Staleness) {
        let missed = items.iter().take_while(|item| item.server < left);
        for item in missed.filter(|item| item.author != self.client) {
            stale.missed(item.at, left.min(item.dies).min(self.world.duration));
            if item.dies <= left && item.step.is_some() {
                part.fate.expected += 1;
                part.fate.expired += 1;
            }
        }
    }
}
