//! The course of a run: sums per step of the window, by intended time.

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::series_step;

/// Per-step series, by intended time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Steps {
    pub(super) step_us: i64,
    pub(super) requests: Vec<u64>,
    pub(super) empty: Vec<u64>,
    pub(super) latency: Vec<Distribution>,
}

impl Steps {
    pub(super) fn new(duration: i64) -> Self {
        let step_us = series_step(duration);
        let n = usize::try_from((duration + step_us - 1) / step_us).unwrap_or(1).max(1);
        let latency = (0..n).map(|_| Distribution::coarse()).collect();
        Self { step_us, requests: vec![0; n], empty: vec![0; n], latency }
    }

    pub(super) fn index(&self, at: i64) -> usize {
        usize::try_from(at / self.step_us).unwrap_or(0).min(self.requests.len() - 1)
    }

    /// How many of the steps begin before `end`.
    pub(super) fn begun(&self, end: i64) -> usize {
        let begun = (end + self.step_us - 1).div_euclid(self.step_us);
        usize::try_from(begun).unwrap_or(0).min(self.requests.len())
    }

    /// Where a step ends; the last takes whatever is left.
    pub(super) fn end_of(&self, step: usize) -> i64 {
        let last = step + 1 == self.requests.len();
        if last { i64::MAX } else { (step as i64 + 1) * self.step_us }
    }

    pub(super) fn add(&mut self, other: &Self) {
        let add = |mine: &mut [u64], theirs: &[u64]| mine.iter_mut().zip(theirs).for_each(|(m, t)| *m += t);
        add(&mut self.requests, &other.requests);
        add(&mut self.empty, &other.empty);
        self.latency.iter_mut().zip(&other.latency).for_each(|(mine, theirs)| mine.add(theirs));
    }
}

/// Finds the steps of times that never go back, without a division each.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepCursor {
    pub(super) step: usize,
    pub(super) end: i64,
}
