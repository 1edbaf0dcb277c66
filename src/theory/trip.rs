//! How long a pushed event is under way, as a distribution, and what that does to those behind it.

use super::law::Law;
use crate::link::Link;

/// Half a round trip, an even jitter around it, and time-outs with the chance that they are needed.
pub(super) struct Trip {
    /// `(share, seconds)`: what a trip takes without jitter, for each number of losses.
    cases: Vec<(f64, f64)>,
    jitter: f64,
}

/// Steps of the numbers below between two corners of their curve.
const STEPS: u32 = 64;
/// Pieces of a law.
const PIECES: u32 = 16;

impl Trip {
    /// The trip of one segment that keeps its line busy for `pace` seconds.
    pub(super) fn new(link: Option<&Link>, pace: f64) -> Self {
        let Some(link) = link else { return Self { cases: vec![(1.0, pace)], jitter: 0.0 } };
        let way = link.rtt.as_secs_f64() / 2.0 + pace;
        let cases = link.delay().repairs().map(|(share, repair)| (share, way + repair as f64 / 1e6));
        Self { cases: cases.collect(), jitter: link.jitter.as_secs_f64() }
    }

    pub(super) fn mean(&self) -> f64 {
        self.beyond(0.0)
    }

    /// Mean time for which a trip L is still under way after `age`: E\[(L − age)⁺\].
    fn beyond(&self, age: f64) -> f64 {
        let jitter = self.jitter;
        let one = |most: f64| match most - age {
            left if left >= jitter => left,
            left if left <= -jitter => 0.0,
            left => (left + jitter).powi(2) / (4.0 * jitter),
        };
        self.cases.iter().map(|&(share, most)| share * one(most)).sum()
    }

    /// Mean age of the oldest event under way, zero when there is none. Of Poisson events those of the
    /// age a are still under way with the chance P(L > a), each by itself, so that none older than a is
    /// with e^(−λ E\[(L − a)⁺\]): the mean age is ∫ (1 − e^(−λ E\[(L − a)⁺\])) da. For a constant L it is
    /// L − (1 − e^(−λL))/λ, for rare news λ E\[L²\]/2.
    pub(super) fn oldest(&self, lambda: f64) -> f64 {
        let corners = self.cases.iter().flat_map(|&(_, most)| [most - self.jitter, most + self.jitter]);
        let mut corners: Vec<f64> = corners.chain([0.0]).map(|at| at.max(0.0)).collect();
        corners.sort_by(f64::total_cmp);
        let some = |age: f64| -libm::expm1(-lambda * self.beyond(age));
        corners.windows(2).map(|pair| integral(pair[0], pair[1], some)).sum()
    }

    /// Mean delay of Poisson events that arrive in their order, as all bytes of a connection do, so
    /// that one which is late holds up those behind it: ∫ (1 − F) dx with the F of
    /// [`Trip::law_in_order`], which is `oldest` + (1 − e^(−λ E\[L\]))/λ.
    pub(super) fn in_order(&self, lambda: f64) -> f64 {
        self.oldest(lambda) - libm::expm1(-lambda * self.mean()) / lambda
    }

    /// The distribution of that delay, without losses: it is at most x where the event's own trip is,
    /// and no older event is still under way by then, F(x) = P(L ≤ x) e^(−λ E\[(L − x)⁺\]).
    pub(super) fn law_in_order(&self, lambda: f64) -> Law {
        let from = self.mean() - self.jitter;
        let point = |i: u32| {
            let share = f64::from(i) / f64::from(PIECES);
            let at = from + 2.0 * self.jitter * share;
            (at, share * libm::exp(-lambda * self.beyond(at)))
        };
        Law::through((0..=PIECES).map(point).collect())
    }

    /// The same where no event can catch up with the one before it.
    pub(super) fn law_apart(&self) -> Law {
        Law::uniform(self.mean() - self.jitter, self.mean() + self.jitter)
    }
}

/// Simpson's rule.
fn integral(from: f64, to: f64, of: impl Fn(f64) -> f64) -> f64 {
    let at = |i: u32| of(from + (to - from) * f64::from(i) / f64::from(STEPS));
    let inner: f64 = (1..STEPS).map(|i| f64::from(2 + 2 * (i % 2)) * at(i)).sum();
    (to - from) * (at(0) + inner + at(STEPS)) / f64::from(3 * STEPS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::random::Dice;

    fn link(rtt_ms: u64, jitter_ms: u64, loss: f64) -> Link {
        let ms = Duration::from_millis;
        Link { rtt: ms(rtt_ms), jitter: ms(jitter_ms), loss, ..Link::PLAIN }
    }

    #[test]
    fn a_constant_trip_has_its_closed_form() {
        let trip = Trip::new(Some(&link(400, 0, 0.0)), 0.003);
        for lambda in [0.02f64, 1.0, 50.0] {
            let exact = 0.203 - (1.0 - (-lambda * 0.203).exp()) / lambda;
            assert!((trip.oldest(lambda) - exact).abs() < 1e-6 * exact.max(1e-3), "{lambda}");
            assert!((trip.in_order(lambda) - 0.203).abs() < 1e-6, "{lambda}");
        }
    }

    #[test]
    fn rare_news_has_half_the_square_of_its_trip() {
        let trip = Trip::new(Some(&link(400, 100, 0.0)), 0.0);
        let square = 0.04 + 0.01 / 3.0;
        assert!((trip.oldest(1e-6) / 1e-6 - square / 2.0).abs() < 1e-6);
        // By hand for a loss of 0.5 of nothing but time-outs of 200 ms.
        let lossy = Trip::new(Some(&link(0, 0, 0.5)), 0.0);
        let chances = [(0.25, 1.0f64), (0.125, 3.0), (0.0625, 7.0), (0.03125, 15.0), (0.015_625, 31.0)];
        let square: f64 =
            chances.iter().chain(&[(0.015_625, 63.0)]).map(|(p, n)| p * (n * 0.2).powi(2)).sum();
        assert!((lossy.oldest(1e-6) / 1e-6 - square / 2.0).abs() < 1e-4, "{square}");
    }

    #[test]
    fn events_played_one_by_one_wait_for_those_before_them() {
        for (link, lambda) in [(link(100, 50, 0.0), 20.0), (link(20, 0, 0.02), 3.0)] {
            let (trip, delay) = (Trip::new(Some(&link), 0.0), link.delay());
            let mut dice = Dice::new(7, &[]);
            let (n, mut at, mut free, mut sum, mut stale) = (500_000, 0.0, 0.0f64, 0.0, 0.0);
            let (mut early, median) = (0, trip.law_in_order(lambda).quantile(0.5));
            for _ in 0..n {
                at += dice.exponential(1.0 / lambda);
                let own = (delay.propagation(dice.bits()) + delay.retransmissions(1, &mut dice)) as f64 / 1e6;
                let clean = free.max(at);
                free = free.max(at + own);
                sum += free - at;
                early += i32::from(free - at <= median);
                stale += ((free - at).powi(2) - (clean - at).powi(2)) / 2.0;
            }
            let (mean, stale) = (sum / f64::from(n), stale / at);
            assert!((trip.in_order(lambda) - mean).abs() < 0.02 * mean, "{} {mean}", trip.in_order(lambda));
            assert!((trip.oldest(lambda) - stale).abs() < 0.06 * stale, "{} {stale}", trip.oldest(lambda));
            if link.loss == 0.0 {
                assert!((f64::from(early) / f64::from(n) - 0.5).abs() < 0.01, "{early}");
            }
        }
    }
}
