//! All clients of one transport in virtual time, and what they send.

use std::ops::Range;

use super::feed::Feed;
use super::legs::Legs;
use super::part::Part;
use super::{World, hold, poll, push, sends, skips_ahead};
use crate::ledger::{PersonLog, Staleness};
use crate::transport::{Transport, Way};

/// The people of one transport and the feeds they read.
pub(super) struct Crowd<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) transport: &'a Transport,
    /// A feed per planned topic; none where inboxes are drawn.
    feeds: Vec<Feed>,
    /// What the clients' own events did, on their way up.
    sent: sends::Sent,
    skips_ahead: bool,
}

/// One client while it is worked off.
pub(super) struct Person<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) way: &'a Way,
    pub(super) client: u32,
    pub(super) legs: Legs<'a>,
    pub(super) feed: &'a Feed,
}

impl<'a> Crowd<'a> {
    pub(super) fn new(world: &'a World<'a>, transport: &'a Transport) -> Self {
        let sent = sends::Sent::new(world, &transport.way);
        let topics = 0..world.plan.by_topic.len();
        let feeds = topics.map(|topic| Feed::planned(world, topic, &sent.server)).collect();
        let skips_ahead = skips_ahead(world.scenario, &transport.way) && !world.options.step_by_step;
        Self { world, transport, feeds, sent, skips_ahead }
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
            let feed = if self.world.streamed {
                drawn.draw(self.world, client);
                drawn.items.iter().for_each(|item| part.book.published(item.at));
                &drawn
            } else {
                &self.feeds[self.world.plan.schedule.reads[client as usize] as usize]
            };
            if client == self.world.person {
                part.person = Some(PersonLog::new(client));
            }
            let link = self.world.scenario.network.as_ref();
            let legs = Legs::new(link, self.world.scenario.seed, client);
            let person = Person { world: self.world, way: &self.transport.way, client, legs, feed };
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
