//! Whether a delay changed over the window, by a test that knows no shape.

use crate::outcome::TransportOutcome;

/// Medians of thirds of the window that differ by less than this factor are not called a change.
pub const TREND: f64 = 1.5;

/// Steps that a third must have.
const LEAST_STEPS: usize = 6;

/// The course of the delay in three parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thirds {
    /// Typical step of each third, ms.
    pub medians: [f64; 3],
    /// Whether two of them differ beyond noise.
    pub differ: bool,
}

impl Thirds {
    /// How many times the least median the greatest is.
    #[must_use]
    pub fn factor(&self) -> f64 {
        let most = self.medians.into_iter().fold(0.0, f64::max);
        most / self.medians.into_iter().fold(f64::INFINITY, f64::min).max(0.001)
    }
}

/// The thirds of the window by the medians of their steps; `None` where a third has fewer than six
/// steps of at least five deliveries: below that not even ranks in perfect order reach the test's bound.
///
/// Two thirds differ where the rank-sum test (Mann and Whitney 1947) puts them 2.8 standard errors
/// apart (1 in 200 by chance), their medians are a factor of [`TREND`] apart, and by over 10 ms, below
/// which the machine has moods of its own.
#[must_use]
pub fn thirds(t: &TransportOutcome) -> Option<Thirds> {
    let steps = t.series.latency_p50_ms.len();
    let mut parts: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::new());
    for (i, (median, &n)) in t.series.latency_p50_ms.iter().zip(&t.series.delivered).enumerate() {
        parts[i * 3 / steps].extend(median.filter(|_| n >= 5));
    }
    if parts.iter().any(|part| part.len() < LEAST_STEPS) {
        return None;
    }
    parts.iter_mut().for_each(|part| part.sort_by(f64::total_cmp));
    let medians = [0, 1, 2].map(|i| parts[i][parts[i].len() / 2]);
    let differ = [(0, 1), (0, 2), (1, 2)].into_iter().any(|(a, b)| {
        let (low, high) = (medians[a].min(medians[b]), medians[a].max(medians[b]));
        high > low * TREND && high - low > 10.0 && rank_sum(&parts[a], &parts[b]).abs() >= 2.8
    });
    Some(Thirds { medians, differ })
}

/// How many standard errors the ranks of `b` lie above those of `a`; ties count half.
fn rank_sum(a: &[f64], b: &[f64]) -> f64 {
    let wins = b.iter().map(|y| {
        let (below, upto) = (a.partition_point(|x| x < y), a.partition_point(|x| x <= y));
        (below + upto) as f64 / 2.0
    });
    let (n, m) = (a.len() as f64, b.len() as f64);
    (wins.sum::<f64>() - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}
