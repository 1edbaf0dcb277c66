//! One client's network in virtual time: how long each message is under way.

use crate::clock::as_micros;
use crate::link::Link;
use crate::random::{Dice, stream};

/// Longest possible round trip of a request, microseconds; `None` when nothing bounds it below the
/// next poll for certain: lost segments, or a rate that large answers would fill.
pub(super) fn longest_round_trip(link: Option<&Link>, connects: bool) -> Option<i64> {
    let Some(link) = link else { return Some(0) };
    let bounded = link.loss == 0.0 && link.up.is_none() && link.down.is_none();
    let trips = if connects { 2 } else { 1 };
    bounded.then(|| trips * as_micros(link.rtt) + 2 * as_micros(link.jitter))
}

/// The network of one client, both directions.
#[derive(Debug, Clone)]
pub(super) struct Legs<'a> {
    link: Option<&'a Link>,
    dice: Dice,
}

impl<'a> Legs<'a> {
    pub(super) fn new(link: Option<&'a Link>, seed: u64, client: u32) -> Self {
        Self { link, dice: Dice::new(seed, &[stream::NETWORK, client.into()]) }
    }

    /// Microseconds that the `n`th message of this client takes upwards (any numbering will do, as
    /// long as it names the message).
    pub(super) fn up(&self, n: i64, bytes: u64) -> i64 {
        self.leg(n, 0, bytes, self.link.and_then(|l| l.up))
    }

    /// The same downwards.
    pub(super) fn down(&self, n: i64, bytes: u64) -> i64 {
        self.leg(n, 1, bytes, self.link.and_then(|l| l.down))
    }

    fn leg(&self, n: i64, way: u64, bytes: u64, rate: Option<u64>) -> i64 {
        let Some(link) = self.link else { return 0 };
        let name = n.cast_unsigned().wrapping_mul(2).wrapping_add(way);
        let propagation = link.propagation(self.dice.nth(name));
        let pacing = pace(bytes, rate);
        let lost = if link.loss > 0.0 { link.retransmissions(bytes, &mut self.dice.then(name)) } else { 0 };
        propagation + pacing + lost
    }

    /// Microseconds that so many bytes keep the line downwards busy.
    pub(super) fn pace_down(&self, bytes: u64) -> i64 {
        pace(bytes, self.link.and_then(|link| link.down))
    }

    /// Microseconds until a new TCP connection carries its first byte: one round trip.
    pub(super) fn connect(&self) -> i64 {
        self.link.map_or(0, |link| as_micros(link.rtt))
    }
}

fn pace(bytes: u64, rate: Option<u64>) -> i64 {
    rate.map_or(0, |rate| (bytes * 8_000_000 / rate.max(1)).cast_signed())
}
