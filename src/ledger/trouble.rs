//! The ledger's page on trouble: who is connected, who came back and when, who was spared.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use crate::outcome;

/// Kept beside the book, which counts the same whether or not anything goes wrong.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Trouble {
    present: Vec<bool>,
    touched: Vec<bool>,
    untouched: Distribution,
    pub(super) unrecovered: u64,
    pub(super) fallbacks: u64,
    pub(super) reconnects: Vec<u64>,
}

impl Trouble {
    pub(super) fn new(clients: usize, steps: usize) -> Self {
        Self {
            present: vec![false; clients],
            touched: Vec::new(),
            untouched: Distribution::fine(),
            unrecovered: 0,
            fallbacks: 0,
            reconnects: vec![0; steps],
        }
    }

    pub(super) fn set_present(&mut self, client: u32, present: bool) {
        if let Some(known) = self.present.get_mut(client as usize) {
            *known = present;
        }
    }

    pub(super) fn present(&self) -> u32 {
        self.present.iter().filter(|present| **present).count() as u32
    }

    pub(super) fn touch(&mut self, people: &[u32]) {
        self.touched.resize(self.present.len(), false);
        for &client in people {
            if let Some(touched) = self.touched.get_mut(client as usize) {
                *touched = true;
            }
        }
    }

    pub(super) fn delivered(&mut self, client: u32, latency: i64) {
        if self.touched.get(client as usize) == Some(&false) {
            self.untouched.record(latency.max(0));
        }
    }

    /// Adds what another process booked of these people.
    pub(super) fn add(&mut self, other: &Self, people: Range<u32>) {
        people.for_each(|client| self.set_present(client, other.present.get(client as usize) == Some(&true)));
        self.untouched.add(&other.untouched);
        self.unrecovered += other.unrecovered;
        self.fallbacks += other.fallbacks;
        self.reconnects.iter_mut().zip(&other.reconnects).for_each(|(mine, theirs)| *mine += theirs);
    }

    pub(super) fn outcome(self) -> outcome::Trouble {
        outcome::Trouble {
            faults: Vec::new(),
            unrecovered: self.unrecovered,
            fallbacks: self.fallbacks,
            closed_slow: 0,
            clients_at_end: self.present(),
            reconnects: self.reconnects,
            untouched_latency_ms: (!self.touched.is_empty()).then(|| self.untouched.summary()),
        }
    }
}
