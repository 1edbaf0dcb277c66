//! All clients of one transport in virtual time, and what they send.

use std::ops::Range;

use super::cache::Held;
use super::feed::Feed;
use super::legs::Legs;
use super::part::Part;
use super::{World, hold, poll, push, sends, skips_ahead};
use crate::ledger::{PersonLog, Staleness};
use crate::sizes::Who;
use crate::transport::{Transport, Way};

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
    pub(super) legs: Legs<'a>,
    pub(super) feed: &'a Feed,
    /// What the cache in front of the feed holds.
    pub(super) cache: Option<&'a Held>,
}

/// What the cache in front of each feed holds while its readers poll.
fn caches(world: &World<'_>, transport: &Transport, feeds: &[Feed]) -> Vec<Option<Held>> {
    let mut readers = vec![Vec::new(); feeds.len()];
    for (client, &topic) in (0u32..).zip(&world.plan.schedule.reads) {
        readers[topic as usize].push(client);
    }
    let people = |(feed, clients): (_, Vec<u32>)| {
        Held::by(clients.iter().map(|&client| Person::new(world, &transport.way, client, feed)))
    };
    feeds.iter().zip(readers).map(people).collect()
}

impl<'a> Person<'a> {
    fn new(world: &'a World<'a>, way: &'a Way, client: u32, feed: &'a Feed) -> Self {
        let legs = Legs::new(world.scenario.network.as_ref(), world.scenario.seed, client);
        Self { world, way, client, legs, feed, cache: None }
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
        for client in clients {
            let own;
            let (feed, cache) = if self.world.streamed {
                drawn.draw(self.world, client);
                drawn.items.iter().for_each(|item| part.book.published(item.at));
                own = Held::by(std::iter::once(Person::new(self.world, &self.transport.way, client, &drawn)));
                (&drawn, own.as_ref())
            } else {
                let topic = self.world.plan.schedule.reads[client as usize] as usize;
                (&self.feeds[topic], self.caches[topic].as_ref())
            };
            if client == self.world.person {
                part.person = Some(PersonLog::new(client));
            }
            let person = Person { cache, ..Person::new(self.world, &self.transport.way, client, feed) };
            let mut stale = Staleness::default();
            self.live(&person, &mut part, &mut stale);
            part.staleness += stale.twice;
        }
        part
    }

    fn live(&self, person: &Person<'_>, part: &mut Part, stale: &mut Staleness) {
        // The timeline shows every poll of its person, so that one is never skipped ahead.
        let ahead = self.skips_ahead && person.client != self.world.person;
        match person.way {
            Way::Poll { .. } if ahead => poll::skip_ahead(person, part, stale),
            Way::Poll { .. } => poll::step(person, part, stale),
            Way::LongPoll { hold } => hold::live(person, *hold, part, stale),
            Way::Sse | Way::WebSocket { .. } => push::live(person, part, stale),
        }
    }
}
