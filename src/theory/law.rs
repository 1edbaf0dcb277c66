//! A distribution of delays whose distribution function is linear between points.

/// `(seconds, share at or below)`, both ascending, from share 0 to share 1; two points at the same
/// time are a jump.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Law(Vec<(f64, f64)>);

/// Most buckets of a histogram.
const MOST_BUCKETS: u64 = 1_000;
/// A point of a mixture is kept where it is so much further, in time or in share, than the last.
const LEAST_STEP: f64 = 0.01;

impl Law {
    /// Always the same.
    pub(super) fn constant(at: f64) -> Self {
        Self(vec![(at, 0.0), (at, 1.0)])
    }

    /// U(from, to).
    pub(super) fn uniform(from: f64, to: f64) -> Self {
        Self(vec![(from, 0.0), (to, 1.0)])
    }

    /// Through these points, from share 0 to share 1.
    pub(super) fn through(points: Vec<(f64, f64)>) -> Self {
        Self(points)
    }

    /// The delay of an event that waits for the next of polls every T = `to` − `from`, whose n trips
    /// upwards are moved by U(−j, j) each; the answer's trip is, too. With a₀ and a what the trips of
    /// the poll before and of this one add up to, the wait at the server is even over T + a − a₀, so
    /// the delay exceeds `from` + x for a share E\[(T + Z − x)⁺\]/T, Z the sum of 2n + 1 jitters; near
    /// `from` the share below is E\[(x − b)⁺\]/T, b the answer's. The last comes at `to` + (2n + 1)j.
    /// `None` where those two corners would meet.
    pub(super) fn between_polls(from: f64, to: f64, j: f64, n: u32) -> Option<Self> {
        let (period, jitters) = (to - from, 2 * n + 1);
        if f64::from(jitters + 1) * j > period {
            return None;
        }
        let corner = |jitters: u32| {
            let steps = 8 * jitters;
            (0..=steps).map(move |i| (f64::from(i) / 4.0 - f64::from(jitters), jitters))
        };
        let share = |y: f64, jitters: u32| 2.0 * j / period * excess(jitters, (y + f64::from(jitters)) / 2.0);
        // Below, by symmetry: (x − b)⁺ is to −x what (b − x)⁺ is to x.
        let near = corner(1).map(|(y, one)| (from + y * j, share(-y, one)));
        let far = corner(jitters).map(|(y, all)| (to + y * j, 1.0 - share(y, all)));
        Some(Self(near.chain(far).collect()))
    }

    /// `at` with probability `share`, else U(at, to).
    pub(super) fn jump_then_uniform(at: f64, share: f64, to: f64) -> Self {
        Self(vec![(at, 0.0), (at, share), (to, 1.0)])
    }

    /// `at` with probability `share`, else U(0, at).
    pub(super) fn uniform_then_jump(at: f64, share: f64) -> Self {
        Self(vec![(0.0, 0.0), (at, 1.0 - share), (at, 1.0)])
    }

    /// Each value in proportion to its weight. `None` without weight.
    pub(super) fn of_values(mut values: Vec<(f64, f64)>) -> Option<Self> {
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = values.iter().map(|(_, weight)| weight).sum();
        let mut points = Vec::new();
        let mut reached = 0.0;
        for (value, weight) in values {
            points.push((value, reached));
            reached = (reached + weight / total).min(1.0);
            points.push((value, reached));
        }
        points.last_mut()?.1 = 1.0;
        Some(Self(thinned(points)))
    }

    /// The same, later.
    pub(super) fn moved(self, by: f64) -> Self {
        Self(self.0.into_iter().map(|(at, share)| (at + by, share)).collect())
    }

    /// U(0, span) for a span drawn in proportion to weight · span, moved by `shift`: the age at which
    /// an even poll phase finds news that stays for `span`. F(x) = Σ wᵢ min(x, spanᵢ) / Σ wᵢ spanᵢ.
    /// `None` without weight.
    pub(super) fn of_spans(mut spans: Vec<(f64, f64)>, shift: f64) -> Option<Self> {
        spans.retain(|&(span, weight)| span > 0.0 && weight > 0.0);
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = spans.iter().map(|(span, weight)| span * weight).sum();
        let mut left: f64 = spans.iter().map(|(_, weight)| weight).sum();
        let mut points = vec![(shift, 0.0)];
        let (mut at, mut reached) = (0.0, 0.0);
        for (span, weight) in spans {
            if span > at {
                reached += (span - at) * left;
                points.push((span + shift, (reached / total).min(1.0)));
                at = span;
            }
            left -= weight;
        }
        let last = points.len() - 1;
        points[last].1 = 1.0;
        (last > 0).then(|| Self(thinned(points)))
    }

    /// The delay within which a share of the deliveries comes.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut before = self.0[0];
        for &(at, reached) in &self.0[1..] {
            if reached >= share {
                let part = (share - before.1) / (reached - before.1).max(f64::MIN_POSITIVE);
                return before.0 + (at - before.0) * part.clamp(0.0, 1.0);
            }
            before = (at, reached);
        }
        before.0
    }

    /// So many delays, `(upper bound in microseconds, count)`: of a thousand equal shares, or of as many
    /// as there are delays, each rounded so that the sum holds.
    pub(super) fn histogram(&self, count: u64) -> Vec<(u64, u64)> {
        let shares = count.min(MOST_BUCKETS);
        let upto = |i: u64| (u128::from(count) * u128::from(i) / u128::from(shares)) as u64;
        let mut buckets: Vec<(u64, u64)> = Vec::new();
        for i in 1..=shares {
            let bound = (self.quantile(i as f64 / shares as f64).max(0.0) * 1e6).round() as u64;
            let n = upto(i) - upto(i - 1);
            match buckets.last_mut() {
                Some((same, sum)) if *same == bound => *sum += n,
                _ => buckets.push((bound, n)),
            }
        }
        buckets
    }

    pub(super) fn least(&self) -> f64 {
        self.0[0].0
    }

    pub(super) fn most(&self) -> f64 {
        self.0[self.0.len() - 1].0
    }

    /// The points in milliseconds.
    pub(super) fn in_ms(&self) -> Vec<(f64, f64)> {
        self.0.iter().map(|&(at, share)| (at * 1000.0, share)).collect()
    }

    /// Σ (share of a piece) · (its middle).
    #[cfg(test)]
    pub(super) fn mean(&self) -> f64 {
        self.0.windows(2).map(|w| (w[1].1 - w[0].1) * (w[0].0 + w[1].0) / 2.0).sum()
    }
}

/// E\[(S − z)⁺\] for the sum S of n draws from U(0, 1): Σ (−1)ᵏ C(n, k) ((n − z − k)⁺)ⁿ⁺¹/(n + 1)!, the
/// integral of the Irwin–Hall distribution.
fn excess(n: u32, z: f64) -> f64 {
    let (mut sum, mut weight) = (0.0, 1.0);
    for k in 0..=n {
        let left = (f64::from(n) - z - f64::from(k)).max(0.0);
        sum += weight * left.powi(n.cast_signed() + 1);
        weight *= -f64::from(n - k) / f64::from(k + 1);
    }
    (1..=n + 1).fold(sum, |sum, i| sum / f64::from(i)).max(0.0)
}

/// The points without those that lie close to others; each that is left is on the curve.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let most = points[points.len() - 1].0;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, &(at, share)) in points.iter().enumerate() {
        let far = |&(before, reached): &(f64, f64)| {
            share - reached >= LEAST_STEP || at - before >= LEAST_STEP * most
        };
        if index + 1 == points.len() || kept.last().is_none_or(far) {
            kept.push((at, share));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_an_even_wait_lie_on_a_line() {
        let law = Law::uniform(0.05, 5.05);
        for (share, at) in [(0.0, 0.05), (0.5, 2.55), (0.9, 4.55), (1.0, 5.05)] {
            assert!((law.quantile(share) - at).abs() < 1e-12, "{share}");
        }
        assert_eq!(Law::constant(0.2).quantile(0.5), 0.2);
        assert_eq!(Law::jump_then_uniform(1.0, 0.6, 3.0).quantile(0.5), 1.0);
        assert!((Law::jump_then_uniform(1.0, 0.6, 3.0).quantile(0.8) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn polls_with_jitter_played_one_by_one_have_their_law() {
        let (period, d, j) = (2.0, 0.1, 0.05);
        for (trips, n) in [(1u32, 400_000u32), (3, 300_000)] {
            let law = Law::between_polls(d, d + period, j, trips).unwrap();
            assert!((law.least() - (d - j)).abs() < 1e-12);
            assert!((law.most() - (d + period + f64::from(2 * trips + 1) * j)).abs() < 1e-12);
            // The variance of the period, of all trips of two polls, over twice its mean.
            let irregular = f64::from(trips) * j * j / 3.0 / period;
            assert!((law.mean() - (d + period / 2.0 + irregular)).abs() < 1e-4, "{}", law.mean());
            let mut dice = crate::random::Dice::new(1, &[trips.into()]);
            let mut way = |n: u32| (0..n).map(|_| j * (2.0 * dice.unit() - 1.0)).sum::<f64>();
            let polls: Vec<(f64, f64)> =
                (0..=n).map(|i| (f64::from(i) * period + way(trips), d + way(1))).collect();
            let mut events = crate::random::Dice::new(2, &[]);
            let mut delay = || {
                let event = period * (0.5 + f64::from(n - 1) * events.unit());
                let (at, home) = polls[polls.partition_point(|poll| poll.0 < event)];
                at + home - event
            };
            let mut delays: Vec<f64> = (0..n).map(|_| delay()).collect();
            delays.sort_by(f64::total_cmp);
            for share in [0.01, 0.5, 0.95, 0.99, 0.999] {
                let seen = delays[(share * delays.len() as f64) as usize];
                assert!(
                    (law.quantile(share) - seen).abs() < 0.008,
                    "{share}: {} {seen}",
                    law.quantile(share)
                );
            }
            assert!(*delays.last().unwrap() <= law.most() && delays[0] >= law.least());
        }
        assert_eq!(Law::between_polls(0.1, 0.3, 0.1, 1), None);
    }

    #[test]
    fn a_histogram_counts_every_delay_once() {
        let law = Law::jump_then_uniform(1.0, 0.6, 3.0);
        for count in [0, 1, 7, 999, 1_000, 123_457] {
            let buckets = law.histogram(count);
            assert_eq!(buckets.iter().map(|(_, n)| n).sum::<u64>(), count);
            assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0), "{buckets:?}");
            assert!(buckets.last().is_none_or(|&(bound, _)| bound == 3_000_000), "{buckets:?}");
        }
        assert_eq!(law.histogram(1_000)[0], (1_000_000, 600));
    }

    #[test]
    fn equal_spans_are_one_even_wait_and_mixtures_have_their_mean() {
        let one = Law::of_spans(vec![(5.0, 1.0), (5.0, 3.0)], 0.1).unwrap();
        assert_eq!(one, Law::uniform(0.1, 5.1));
        // Spans 1 and 3 of equal weight: found 1 : 3, so the mean is (1·0.5 + 3·1.5)/4.
        let two = Law::of_spans(vec![(3.0, 1.0), (1.0, 1.0)], 0.0).unwrap();
        assert!((two.mean() - 1.25).abs() < 1e-12, "{two:?}");
        assert_eq!(Law::of_spans(vec![(0.0, 1.0)], 0.0), None);
        let many: Vec<_> = (1..=1000).map(|i| (f64::from(i), 1.0)).collect();
        let exact: f64 =
            many.iter().map(|(s, _)| s * s / 2.0).sum::<f64>() / many.iter().map(|(s, _)| s).sum::<f64>();
        assert!((Law::of_spans(many, 0.0).unwrap().mean() - exact).abs() < 0.01 * exact);
    }
}
