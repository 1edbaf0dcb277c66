//! All clients of one transport in virtual time, and what they send.

use std::ops::Range;

use super::feed::{Feed, Item};
use super::legs::Legs;
use super::part::Part;
use super::{World, hold, poll, push, sends, skips_ahead};
use crate::ledger::{PersonLog, Staleness};
use crate::transport::{Transport, Way};
use crate::workload::Visit;

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
    pub(super) visit: Visit,
    /// When it takes the seat; meaningless for those who are there when traffic starts.
    pub(super) came: i64,
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
            part.held += 1;
            let mut stale = Staleness::default();
            let mut free = i64::MIN;
            for visit in self.world.visits(client) {
                let link = self.world.scenario.network.as_ref();
                let legs = Legs::new(link, self.world.scenario.seed, client, visit.number);
                // Somebody who waits for an answer keeps the seat until it comes.
                let came = visit.from.max(free);
                let way = &self.transport.way;
                let person = Person { world: self.world, way, client, visit, came, legs, feed };
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
