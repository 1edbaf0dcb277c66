//! A distribution of delays whose distribution function is linear between points.

/// `(seconds, share at or below)`, both ascending, from share 0 to share 1; two points at the same
/// time are a jump.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Law(Vec<(f64, f64)>);

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

    /// U(from, to) and an independent U(−j, j), 2j ≤ to − from: the corners are parabolas, of which
    /// the middle is kept; nowhere is it more than j/16(to − from) off.
    pub(super) fn uniform_with_jitter(from: f64, to: f64, j: f64) -> Self {
        let share = j / (to - from);
        let corner = [(from - j, 0.0), (from, share / 4.0), (from + j, share)];
        let far = [(to - j, 1.0 - share), (to, 1.0 - share / 4.0), (to + j, 1.0)];
        Self(corner.into_iter().chain(far).collect())
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
    fn jitter_rounds_the_corners() {
        let law = Law::uniform_with_jitter(0.05, 2.05, 0.03);
        assert!((law.mean() - 1.05).abs() < 1e-12 && (law.quantile(0.5) - 1.05).abs() < 1e-12);
        assert!((law.least() - 0.02).abs() < 1e-12 && (law.most() - 2.08).abs() < 1e-12);
        // By draws: the share below `from`.
        let mut dice = crate::random::Dice::new(1, &[]);
        let n = 200_000;
        let below = (0..n).filter(|_| dice.unit() * 2.0 + (dice.unit() - 0.5) * 0.06 <= 0.0).count();
        let share = 0.03 / 2.0 / 4.0;
        assert!((below as f64 / f64::from(n) - share).abs() < 4.0 * (share / f64::from(n)).sqrt());
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
