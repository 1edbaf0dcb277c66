//! What clients send in virtual time: when the server has it, and when its author knows.

use super::World;
use super::legs::Legs;
use super::part::Part;
use crate::sizes::{self, Who};
use crate::transport::Way;

/// Names of the messages of senders begin here, so that they share no network draw with readers'.
const FIRST_NAME: i64 = 1 << 40;

/// Times of the planned events on one transport; microseconds, by index in the plan.
pub(super) struct Sent {
    /// When the server has each.
    pub(super) server: Vec<i64>,
    /// When its author is told so; meaningless for what nobody in the crowd wrote.
    acked: Vec<i64>,
}

impl Sent {
    pub(super) fn new(world: &World<'_>, way: &Way) -> Self {
        let events = &world.plan.schedule.events;
        let mut sent = Self { server: events.iter().map(|e| e.at).collect(), acked: vec![0; events.len()] };
        for (client, own) in world.plan.by_author.iter().enumerate() {
            let legs = Legs::new(world.scenario.network.as_ref(), world.scenario.seed, client as u32);
            let (mut there, mut back) = (i64::MIN, i64::MIN);
            for (n, &index) in (FIRST_NAME..).zip(own) {
                let planned = &events[index as usize];
                let up = legs.up(n, sizes::body(planned, index));
                let down = legs.down(n, sizes::ACK);
                (there, back) = if matches!(way, Way::WebSocket { .. }) {
                    // Frames follow each other at once, and arrive in order.
                    let arrives = there.max(planned.at + up);
                    (arrives, back.max(arrives + down))
                } else {
                    // One POST at a time; the connection of a sender beside a held answer is new.
                    let fresh = n == FIRST_NAME && !matches!(way, Way::Poll { .. });
                    let connect = if fresh { legs.connect(n) } else { 0 };
                    let arrives = planned.at.max(back) + connect + up;
                    (arrives, arrives + down)
                };
                (sent.server[index as usize], sent.acked[index as usize]) = (there, back);
            }
        }
        sent
    }

    /// Books what was published, by whomever.
    pub(super) fn book(&self, world: &World<'_>, way: &Way, part: &mut Part) {
        let by_frame = matches!(way, Way::WebSocket { .. });
        let schedule = &world.plan.schedule;
        for (index, planned) in schedule.events.iter().enumerate() {
            let Some(author) = planned.author else {
                part.book.published(planned.at);
                continue;
            };
            part.book.sent(planned, by_frame);
            part.book.acknowledged(planned.at, self.acked[index], by_frame);
            if part.book.counts(planned.at) {
                let step = part.book.step_of(planned.at);
                let who = Who {
                    topic: schedule.topics[planned.topic as usize].len() as u64,
                    client: author,
                    conflates: schedule.conflate,
                    headers: world.scenario.headers,
                };
                // Its place in the feed, but for those who overtake each other on the way.
                let offset = u64::from(world.plan.ordinal[index]) + 1;
                let (up, down) = sizes::send(planned, index as u32, who, offset, by_frame);
                part.traffic.up(step, up, 1);
                part.traffic.down(step, down, 1);
            }
        }
        if matches!(way, Way::LongPoll { .. } | Way::Sse) {
            let senders = world.plan.by_author.iter().filter(|own| !own.is_empty()).count() as u64;
            part.opened += senders;
            part.held += senders;
        }
    }
}
