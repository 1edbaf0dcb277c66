//! A distribution of times: an HdrHistogram for percentiles, exact count, sum, min and max.

use hdrhistogram::Histogram;

use crate::outcome::Summary;

/// Longest time kept exactly, microseconds (24 h); longer ones saturate.
const MAX_US: u64 = 86_400_000_000;

/// Recorded times in microseconds.
#[derive(Debug, Clone)]
pub struct Distribution {
    histogram: Histogram<u64>,
    sum: u128,
    min: u64,
    max: u64,
}

impl Distribution {
    /// Three significant digits.
    #[must_use]
    pub fn fine() -> Self {
        Self::with_digits(3)
    }

    /// Two significant digits, for the many small ones of a series.
    #[must_use]
    pub fn coarse() -> Self {
        Self::with_digits(2)
    }

    fn with_digits(digits: u8) -> Self {
        // Auto-resizing keeps an empty one small; the bounds are valid by construction.
        let histogram = Histogram::new(digits).expect("1 to 5 digits are valid");
        Self { histogram, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Adds a time; negative ones count as 0.
    pub fn record(&mut self, us: i64) {
        let us = us.max(0).unsigned_abs().min(MAX_US);
        // Resizing cannot fail below MAX_US, and a saturated count is better than a lost run.
        let _ = self.histogram.record(us);
        self.sum += u128::from(us);
        self.min = self.min.min(us);
        self.max = self.max.max(us);
    }

    /// Adds the times of another.
    pub fn add(&mut self, other: &Self) {
        // The other's values are below MAX_US too, so this one can grow to hold them.
        let _ = self.histogram.add(&other.histogram);
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Number of times recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Mean in ms, or `None` when empty.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum as f64 / self.count() as f64 / 1000.0)
    }

    /// Median in ms, or `None` when empty.
    #[must_use]
    pub fn median_ms(&self) -> Option<f64> {
        self.percentile(50.0, 1)
    }

    /// A percentile in ms, or `None` below `needs` samples.
    #[must_use]
    pub fn percentile(&self, percent: f64, needs: u64) -> Option<f64> {
        let us = self.histogram.value_at_percentile(percent).clamp(self.min.min(self.max), self.max);
        (self.count() >= needs).then(|| us as f64 / 1000.0)
    }

    /// The summary of an outcome, with null where samples are too few.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let any = self.count() > 0;
        Summary {
            count: self.count(),
            min: any.then(|| self.min as f64 / 1000.0),
            mean: self.mean_ms(),
            p50: self.percentile(50.0, 1),
            p90: self.percentile(90.0, 10),
            p95: self.percentile(95.0, 20),
            p99: self.percentile(99.0, 100),
            p999: self.percentile(99.9, 1000),
            max: any.then(|| self.max as f64 / 1000.0),
        }
    }

    /// `(upper bound in microseconds, count)` of every bucket that holds something.
    #[must_use]
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        self.histogram
            .iter_recorded()
            .map(|b| (b.value_iterated_to(), b.count_since_last_iteration()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_wait_for_enough_samples() {
        let mut times = Distribution::fine();
        for us in 1..=99 {
            times.record(us * 1000);
        }
        assert_eq!(times.summary().p99, None);
        times.record(100_000);
        let summary = times.summary();
        assert!((summary.p99.unwrap() - 99.0).abs() < 0.1, "{summary:?}");
        assert_eq!((summary.min, summary.max, summary.p999), (Some(1.0), Some(100.0), None));
        assert!((summary.mean.unwrap() - 50.5).abs() < 1e-9);
    }

    #[test]
    fn an_empty_one_is_all_null() {
        assert_eq!(Distribution::fine().summary(), Summary::default());
    }
}
