//! When bytes sent over a link arrive: propagation, pacing, and loss as the delay that repairs it.
//!
//! Pure, in whole microseconds on whatever clock the caller has, so that the live server and virtual
//! time delay alike. It deliberately knows no sockets and no congestion control: a line has its full
//! rate from the first byte on, and a loss delays bytes but never slows the sender down.

use std::time::Duration;

use super::Link;
use crate::clock::as_micros;
use crate::random::Dice;
use crate::wire::{SEGMENT, segments};

/// Shortest retransmission time-out, as Linux has it (RFC 6298 §2.4 would have a second).
const LEAST_TIME_OUT: i64 = 200_000;
/// Time-out of the segments that open a connection, before there is a round trip to go by
/// (RFC 6298 §2.1).
const FIRST_TIME_OUT: i64 = 1_000_000;
/// A segment is lost this often at most.
const MOST_LOSSES: u32 = 6;
/// Beyond this many bytes at once a sender should cut, even where no rate asks for it.
const MOST_AT_ONCE: u64 = 64 * 1024;

/// What one segment costs on its way, prepared from a [`Link`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    least: i64,
    /// How many different delays there are.
    choices: u64,
    loss: f64,
    time_out: i64,
}

impl Delay {
    /// The way itself, microseconds: uniform over the integers of [rtt/2 − jitter, rtt/2 + jitter],
    /// from 64 random bits.
    #[must_use]
    pub fn propagation(&self, bits: u64) -> i64 {
        self.least + ((u128::from(bits) * u128::from(self.choices)) >> 64) as i64
    }

    /// How much later the last of `segments` is in the receiver's hand because some were lost,
    /// microseconds.
    ///
    /// Every segment is lost with probability `loss`, independently, each time it is sent. Each loss
    /// costs a time-out of max(200 ms, 2·rtt), which doubles with every further loss of the same
    /// segment (RFC 6298 §5.5), six at most; so k losses cost (2ᵏ − 1) time-outs. Segments sent
    /// together are repaired together, so the unluckiest counts: P(at most k) = (1 − lossᵏ⁺¹)ⁿ, from
    /// one draw. Without loss nothing is drawn.
    ///
    /// It is a model: where more data follows, a real sender learns of a loss after about one round
    /// trip by duplicate acknowledgements, and then sends more slowly for a while.
    pub fn retransmissions(&self, segments: u64, dice: &mut Dice) -> i64 {
        self.repair(self.time_out, segments, dice)
    }

    /// What opening a connection costs the client, microseconds: SYN there, SYN-ACK back. A lost one
    /// is repeated after a second, doubling.
    pub fn handshake(&self, dice: &mut Dice) -> i64 {
        (0..2).map(|_| self.propagation(dice.bits()) + self.repair(FIRST_TIME_OUT, 1, dice)).sum()
    }

    fn repair(&self, time_out: i64, segments: u64, dice: &mut Dice) -> i64 {
        if self.loss <= 0.0 {
            return 0;
        }
        let draw = dice.unit();
        let mut losses = 0;
        let mut more = self.loss;
        // Seldom more than one round.
        while losses < MOST_LOSSES && draw >= all(1.0 - more, segments) {
            losses += 1;
            more *= self.loss;
        }
        ((1 << losses) - 1) * time_out
    }

    /// The distribution of [`Delay::retransmissions`] of one segment, `(share, microseconds)`: exactly
    /// k losses have the share lossᵏ(1 − loss), the most of them what is left.
    pub fn repairs(&self) -> impl Iterator<Item = (f64, i64)> + use<> {
        let most = if self.loss > 0.0 { MOST_LOSSES } else { 0 };
        let (loss, time_out) = (self.loss, self.time_out);
        (0..=most).map(move |losses| {
            let ends = if losses == most { 1.0 } else { 1.0 - loss };
            (libm::pow(loss, losses.into()) * ends, ((1 << losses) - 1) * time_out)
        })
    }

    fn mean_repair(&self) -> f64 {
        self.repairs().map(|(share, repair)| share * repair as f64).sum()
    }
}

/// P(each of `segments` is well) when one is with probability `one`. The same bits on every machine.
fn all(one: f64, segments: u64) -> f64 {
    if segments == 1 { one } else { libm::pow(one, segments as f64) }
}

impl Link {
    /// What one segment costs on its way, prepared.
    #[must_use]
    pub fn delay(&self) -> Delay {
        let (rtt, jitter) = (as_micros(self.rtt), as_micros(self.jitter));
        let (least, most) = ((rtt / 2 - jitter).max(0), rtt / 2 + jitter);
        let choices = (most - least).unsigned_abs() + 1;
        Delay { least, choices, loss: self.loss, time_out: LEAST_TIME_OUT.max(2 * rtt) }
    }

    /// See [`Delay::propagation`]; [`Link::delay`] prepares it where there are many.
    #[must_use]
    pub fn propagation(&self, bits: u64) -> i64 {
        self.delay().propagation(bits)
    }

    /// See [`Delay::retransmissions`].
    pub fn retransmissions(&self, segments: u64, dice: &mut Dice) -> i64 {
        self.delay().retransmissions(segments, dice)
    }

    /// Mean one-way delay of a lone segment, microseconds: rtt/2, and what its losses cost.
    #[must_use]
    pub fn mean_one_way(&self) -> f64 {
        as_micros(self.rtt) as f64 / 2.0 + self.delay().mean_repair()
    }

    /// How long a round trip may take before it counts as lost: the rtt with the jitter of both ways,
    /// and with loss the time-outs that all but one segment in a million get by with.
    #[must_use]
    pub fn slack(&self) -> Duration {
        let (mut losses, mut left) = (0, self.loss);
        while losses < MOST_LOSSES && left > 1e-6 {
            losses += 1;
            left *= self.loss;
        }
        let repair = ((1 << losses) - 1) * self.delay().time_out;
        self.rtt + 2 * self.jitter + Duration::from_micros(repair.unsigned_abs())
    }
}

/// One direction of one connection. Bytes arrive in the order in which they were sent, so what is
/// late holds up all that follows (head-of-line blocking, as in any TCP connection).
#[derive(Debug, Clone)]
pub struct Line {
    delay: Delay,
    /// Bit/s.
    rate: Option<u64>,
    /// When the last byte so far is on its way, nanoseconds: whole microseconds would make many
    /// small writes slower than their rate.
    busy_until: i64,
    /// When it arrives, microseconds.
    arrived: i64,
}

impl Line {
    /// Server to client.
    #[must_use]
    pub fn down(link: &Link) -> Self {
        Self::new(link.delay(), link.down)
    }

    /// Client to server.
    #[must_use]
    pub fn up(link: &Link) -> Self {
        Self::new(link.delay(), link.up)
    }

    fn new(delay: Delay, rate: Option<u64>) -> Self {
        Self { delay, rate, busy_until: i64::MIN, arrived: i64::MIN }
    }

    /// Nothing leaves before `at_us`: the other side is not known to be there earlier.
    #[must_use]
    pub fn opening_at(mut self, at_us: i64) -> Self {
        self.busy_until = at_us.saturating_mul(1000);
        self
    }

    /// Sends `bytes` at `now_us` and returns when the last of them arrives, microseconds. Nothing
    /// (the end of a connection) is a segment too.
    ///
    /// They leave at the line's rate after all that was sent before, and are then under way for
    /// [`Delay::propagation`] and [`Delay::retransmissions`]. The rate is of these bytes; headers of
    /// TCP/IP are not counted.
    pub fn send(&mut self, now_us: i64, bytes: u64, dice: &mut Dice) -> i64 {
        let begin = self.busy_until.max(now_us.saturating_mul(1000));
        self.busy_until = begin.saturating_add(self.takes(bytes));
        let propagation = self.delay.propagation(dice.bits());
        let repair = self.delay.retransmissions(segments(bytes).max(1), dice);
        // The last byte has left when its last nanosecond has.
        let left = self.busy_until.div_euclid(1000) + i64::from(self.busy_until.rem_euclid(1000) > 0);
        self.arrived = self.arrived.max(left + propagation + repair);
        self.arrived
    }

    /// Nanoseconds that so many bytes occupy the line.
    fn takes(&self, bytes: u64) -> i64 {
        let Some(rate) = self.rate else { return 0 };
        let nanos = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(rate.max(1));
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }

    /// Bytes to send as one at most, so that a long message arrives bit by bit: one segment, or what
    /// takes ten milliseconds.
    #[must_use]
    pub fn at_once(&self) -> u64 {
        self.rate.map_or(MOST_AT_ONCE, |rate| (rate / 800).clamp(SEGMENT, MOST_AT_ONCE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(rtt_ms: u64, jitter_ms: u64, loss: f64, rate: Option<u64>) -> Link {
        let ms = Duration::from_millis;
        Link { profile: None, rtt: ms(rtt_ms), jitter: ms(jitter_ms), loss, down: rate, up: rate }
    }

    #[test]
    fn propagation_is_uniform_over_both_ends() {
        let delay = link(100, 10, 0.0, None).delay();
        assert_eq!((delay.propagation(0), delay.propagation(u64::MAX)), (40_000, 60_000));
        let mut dice = Dice::new(3, &[]);
        let n = 100_000;
        let mean = (0..n).map(|_| delay.propagation(dice.bits()) as f64).sum::<f64>() / f64::from(n);
        // Standard error 18 µs.
        assert!((mean - 50_000.0).abs() < 80.0, "{mean}");
        assert_eq!(link(100, 0, 0.0, None).propagation(dice.bits()), 50_000);
    }

    #[test]
    fn losses_double_their_time_out_and_have_their_mean() {
        let lossy = link(100, 0, 0.2, None);
        let mut dice = Dice::new(5, &[]);
        let n = 200_000;
        let (mut sum, mut seen) = (0.0, std::collections::BTreeMap::new());
        for _ in 0..n {
            let extra = lossy.retransmissions(1, &mut dice);
            sum += extra as f64;
            *seen.entry(extra / 200_000).or_insert(0) += 1;
        }
        assert!(seen.keys().all(|time_outs| [0, 1, 3, 7, 15, 31, 63].contains(time_outs)), "{seen:?}");
        let expected = lossy.mean_one_way() - 50_000.0;
        // By hand: 200 ms · (0.2 + 0.08 + 0.032 + 0.0128 + 0.00512 + 0.002048).
        assert!((expected - 66_393.6).abs() < 0.01, "{expected}");
        assert!((sum / f64::from(n) - expected).abs() < 0.02 * expected, "{}", sum / f64::from(n));
        let lost = f64::from(n - seen[&0]) / f64::from(n);
        assert!((lost - 0.2).abs() < 0.004, "{lost}");
    }

    #[test]
    fn many_segments_are_as_unlucky_as_their_unluckiest() {
        let delay = link(100, 0, 0.1, None).delay();
        let mut dice = Dice::new(6, &[]);
        let n = 50_000;
        let well = (0..n).filter(|_| delay.retransmissions(10, &mut dice) == 0).count() as f64;
        assert!((well / f64::from(n) - 0.9f64.powi(10)).abs() < 0.01, "{well}");
    }

    #[test]
    fn a_lossless_link_draws_nothing_for_loss() {
        let (mut used, fresh) = (Dice::new(1, &[]), Dice::new(1, &[]));
        assert_eq!(link(100, 0, 0.0, None).retransmissions(7, &mut used), 0);
        assert_eq!(used.bits(), fresh.clone().bits());
    }

    #[test]
    fn a_connection_costs_a_round_trip_and_seconds_where_its_opening_is_lost() {
        let mut dice = Dice::new(1, &[]);
        assert_eq!(link(100, 0, 0.0, None).delay().handshake(&mut dice), 100_000);
        let lossy = link(100, 0, 0.5, None).delay();
        let costs: Vec<i64> = (0..100).map(|_| lossy.handshake(&mut dice)).collect();
        assert!(costs.iter().all(|cost| (cost - 100_000) % 1_000_000 == 0));
        assert!(costs.iter().any(|cost| *cost > 100_000) && costs.contains(&100_000));
    }

    #[test]
    fn slack_grows_with_what_can_happen() {
        let ms = |link: Link| link.slack().as_millis();
        assert_eq!(ms(link(100, 0, 0.0, None)), 100);
        assert_eq!(ms(link(100, 20, 0.0, None)), 140);
        // 0.1 % twice in a row is one in a million.
        assert_eq!(ms(link(100, 0, 0.001, None)), 100 + 200);
        assert_eq!(ms(link(400, 0, 0.001, None)), 400 + 800);
    }

    fn links() -> impl Strategy<Value = Link> {
        (0u64..800, 0u64..=100, prop_oneof![Just(0.0), 0.0..0.9], prop::option::of(8_000u64..1_000_000_000))
            .prop_map(|(rtt, percent, loss, rate)| link(rtt, rtt / 2 * percent / 100, loss, rate))
    }

    proptest! {
        #[test]
        fn bytes_arrive_in_order_never_early_and_not_faster_than_the_rate(
            link in links(), seed: u64,
            writes in prop::collection::vec((0i64..300_000, 0u64..100_000), 1..60),
        ) {
            let mut line = Line::down(&link);
            let mut dice = Dice::new(seed, &[]);
            let least = as_micros(link.rtt) / 2 - as_micros(link.jitter);
            let (mut now, mut last, mut total, mut first) = (0, i64::MIN, 0, None);
            for (gap, bytes) in writes {
                now += gap;
                let at = line.send(now, bytes, &mut dice);
                prop_assert!(at >= last && at >= now + least);
                total += bytes;
                let begin = *first.get_or_insert(now);
                if let Some(rate) = link.down {
                    // Each write may lose a nanosecond to rounding.
                    let fastest = (total as f64 * 8e6 / rate as f64) as i64 - 1;
                    prop_assert!(at - begin - least >= fastest, "{} {fastest}", at - begin - least);
                }
                last = at;
            }
        }

        #[test]
        fn small_writes_are_as_fast_as_a_large_one(bytes in 1u64..200, rate in 8_000u64..1_000_000_000) {
            let link = link(40, 0, 0.0, Some(rate));
            let (mut small, mut large) = (Line::up(&link), Line::up(&link));
            let mut dice = Dice::new(1, &[]);
            let in_small = (0..1000).map(|_| small.send(0, bytes, &mut dice)).last().unwrap();
            prop_assert!((large.send(0, 1000 * bytes, &mut dice) - in_small).abs() <= 1);
        }

        #[test]
        fn nothing_leaves_before_the_line_opens(link in links(), at in 0i64..1_000_000, seed: u64) {
            let mut dice = Dice::new(seed, &[]);
            let least = as_micros(link.rtt) / 2 - as_micros(link.jitter);
            prop_assert!(Line::up(&link).opening_at(at).send(0, 1, &mut dice) >= at + least);
        }
    }
}
