//! One client's network in virtual time: how long each message is under way.

use crate::clock::as_micros;
use crate::link::{Delay, Link};
use crate::random::{Dice, stream};
use crate::wire;

/// Name of the draws that open connection `n`, apart from those of messages.
const OPENING: u64 = 1 << 62;
/// Name of the exchange by which a visitor learns where the feed stands.
const FIRST: i64 = -1;

/// Longest possible round trip of a request, microseconds; `None` when nothing bounds it below the
/// next poll for certain: lost segments, or a rate that large answers would fill.
pub(super) fn longest_round_trip(link: Option<&Link>, connects: bool) -> Option<i64> {
    let Some(link) = link else { return Some(0) };
    let bounded = link.loss == 0.0 && link.up.is_none() && link.down.is_none();
    let trips = if connects { 2 } else { 1 };
    bounded.then(|| trips * (as_micros(link.rtt) + 2 * as_micros(link.jitter)))
}

/// The network of one client, both directions.
#[derive(Debug, Clone)]
pub(super) struct Legs<'a> {
    path: Option<(&'a Link, Delay)>,
    loses: bool,
    dice: Dice,
}

impl<'a> Legs<'a> {
    /// Of visit `visit` to a client's seat.
    pub(super) fn new(link: Option<&'a Link>, seed: u64, client: u32, visit: u32) -> Self {
        let dice = Dice::new(seed, &[stream::NETWORK, client.into()]);
        let path = link.map(|link| (link, link.delay()));
        Self {
            path,
            loses: link.is_some_and(|link| link.loss > 0.0),
            dice: if visit == 0 { dice } else { dice.then(visit.into()) },
        }
    }

    /// Whether a message's size decides how long it takes.
    pub(super) fn by_size(&self) -> bool {
        self.path.as_ref().is_some_and(|(link, _)| self.loses || link.up.is_some() || link.down.is_some())
    }

    /// The longest way up where nothing is lost and no rate limits, microseconds.
    pub(super) fn longest_up(&self, connects: bool) -> i64 {
        let trips = if connects { 3 } else { 1 };
        self.path.as_ref().map_or(0, |(link, _)| trips * (as_micros(link.rtt) / 2 + as_micros(link.jitter)))
    }

    /// Microseconds that message `n` of this client takes upwards (any numbering will do, as long as
    /// it names the message).
    #[inline(always)]
    pub(super) fn up(&self, n: i64, bytes: u64) -> i64 {
        match &self.path {
            Some((link, delay)) => self.leg(delay, n, 0, bytes, link.up),
            None => 0,
        }
    }

    /// The same downwards.
    #[inline(always)]
    pub(super) fn down(&self, n: i64, bytes: u64) -> i64 {
        match &self.path {
            Some((link, delay)) => self.leg(delay, n, 1, bytes, link.down),
            None => 0,
        }
    }

    #[inline(always)]
    fn leg(&self, delay: &Delay, n: i64, way: u64, bytes: u64, rate: Option<u64>) -> i64 {
        let name = n.cast_unsigned().wrapping_mul(2).wrapping_add(way);
        let propagation = delay.propagation(self.dice.nth(name));
        let lost = if self.loses {
            delay.retransmissions(wire::segments(bytes), &mut self.dice.then(name))
        } else {
            0
        };
        propagation + pace(bytes, rate) + lost
    }

    /// Microseconds that so many bytes keep the line downwards busy.
    pub(super) fn pace_down(&self, bytes: u64) -> i64 {
        pace(bytes, self.path.as_ref().and_then(|(link, _)| link.down))
    }

    /// When the server has the first request of a connection begun at `came`.
    pub(super) fn first_arrival(&self, came: i64, up: u64) -> i64 {
        came + self.connect(FIRST) + self.up(FIRST, up)
    }

    /// When its answer is in hand, which left at `arrives`.
    pub(super) fn first_answered(&self, arrives: i64, down: u64) -> i64 {
        arrives + self.down(FIRST, down)
    }

    /// Microseconds until new TCP connection `n` carries its first byte.
    pub(super) fn connect(&self, n: i64) -> i64 {
        let mut dice = self.dice.then(n.cast_unsigned() ^ OPENING);
        self.path.as_ref().map_or(0, |(_, delay)| delay.handshake(&mut dice))
    }
}

fn pace(bytes: u64, rate: Option<u64>) -> i64 {
    rate.map_or(0, |rate| (bytes * 8_000_000 / rate.max(1)).cast_signed())
}
