//! A distribution of times: HdrHistogram's buckets for percentiles, exact count, sum, min and max.
//!
//! Virtual time records hundreds of millions of times, so recording is an index and an addition; the
//! library's histogram is built from the counts when percentiles are asked for.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::exact;
use crate::outcome::Summary;

/// Longest time kept exactly, microseconds (24 h); longer ones saturate.
const MAX_US: u64 = 86_400_000_000;

/// Recorded times in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Distribution {
    /// By bucket.
    #[serde(with = "exact::sparse")]
    counts: Vec<u64>,
    digits: u8,
    /// Half the sub-buckets that HdrHistogram has at this many digits, as a power of two.
    half: u32,
    #[serde(with = "exact::large")]
    sum: u128,
    min: u64,
    max: u64,
}

impl Distribution {
    /// Three significant digits.
    #[must_use]
    pub fn fine() -> Self {
        Self::with(3, 10)
    }

    /// Two significant digits, for the many small ones of a series.
    #[must_use]
    pub fn coarse() -> Self {
        Self::with(2, 7)
    }

    fn with(digits: u8, half: u32) -> Self {
        Self { counts: Vec::new(), digits, half, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Bucket of a time: one per microsecond below `2·2^half`, then `2^half` per doubling.
    #[inline]
    fn bucket(&self, us: u64) -> usize {
        let shift = (us >> self.half | 1).ilog2();
        ((u64::from(shift) << self.half) + (us >> shift)) as usize
    }

    /// Smallest time of a bucket.
    fn lowest(&self, bucket: usize) -> u64 {
        let bucket = bucket as u64;
        let shift = (bucket >> self.half).saturating_sub(1);
        (bucket - (shift << self.half)) << shift
    }

    /// Adds a time; negative ones count as 0.
    #[inline]
    pub fn record(&mut self, us: i64) {
        let us = us.max(0).unsigned_abs().min(MAX_US);
        let bucket = self.bucket(us);
        self.count_in(bucket);
        self.sum += u128::from(us);
        self.min = self.min.min(us);
        self.max = self.max.max(us);
    }

    /// The same for percentiles only: without mean, smallest and largest, and cheaper.
    #[inline]
    pub fn record_roughly(&mut self, us: i64) {
        self.count_in(self.bucket(us.max(0).unsigned_abs().min(MAX_US)));
    }

    #[inline]
    fn count_in(&mut self, bucket: usize) {
        match self.counts.get_mut(bucket) {
            Some(n) => *n += 1,
            None => self.grow(bucket),
        }
    }

    #[cold]
    fn grow(&mut self, bucket: usize) {
        self.counts.resize(bucket + 1, 0);
        self.counts[bucket] = 1;
    }

    /// Adds the times of another of the same digits.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.digits, other.digits);
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    fn histogram(&self) -> Histogram<u64> {
        // Auto-resizing; the digits are valid by construction.
        let mut histogram = Histogram::new(self.digits).expect("1 to 5 digits are valid");
        for (bucket, &n) in self.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            // Resizing cannot fail below MAX_US.
            let _ = histogram.record_n(self.lowest(bucket), n);
        }
        histogram
    }

    /// Number of times recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
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
        (self.count() >= needs).then(|| self.ms_at(&self.histogram(), percent))
    }

    fn ms_at(&self, histogram: &Histogram<u64>, percent: f64) -> f64 {
        let us = histogram.value_at_percentile(percent);
        // A bucket's upper bound can lie beyond the largest time.
        (if self.min <= self.max { us.clamp(self.min, self.max) } else { us }) as f64 / 1000.0
    }

    /// The summary of an outcome, with null where samples are too few.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let histogram = self.histogram();
        let count = self.count();
        let any = count > 0;
        let (min, max) = (self.min as f64 / 1000.0, self.max as f64 / 1000.0);
        Summary {
            count,
            min: any.then_some(min),
            mean: self.mean_ms(),
            max: any.then_some(max),
            ..Summary::default()
        }
        .with_percentiles(|percent| Some(self.ms_at(&histogram, percent)))
    }

    /// `(upper bound in microseconds, count)` of every bucket that holds something.
    #[must_use]
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        let filled = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        filled.map(|(bucket, &n)| (self.lowest(bucket + 1) - 1, n)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn the_buckets_are_the_librarys(times in proptest::collection::vec(0u64..MAX_US, 1..50), small in proptest::collection::vec(0u64..5000, 1..50)) {
            for mut ours in [Distribution::fine(), Distribution::coarse()] {
                let mut theirs = Histogram::<u64>::new(ours.digits).unwrap();
                for us in times.iter().chain(&small) {
                    ours.record(us.cast_signed());
                    theirs.record(*us).unwrap();
                }
                let expected: Vec<_> =
                    theirs.iter_recorded().map(|b| (b.value_iterated_to(), b.count_since_last_iteration())).collect();
                prop_assert_eq!(ours.buckets(), expected);
                prop_assert_eq!(ours.histogram().value_at_percentile(90.0), theirs.value_at_percentile(90.0));
            }
        }
    }

    #[test]
    fn an_empty_one_is_all_null() {
        assert_eq!(Distribution::fine().summary(), Summary::default());
    }
}
