//! Messages at random: the memoryless process that e^(−λT) is about.

use std::time::Duration;

use crate::clock::as_micros;
use crate::scenario::Inbox;

use super::{Schedule, Span, arrivals, inbox};

pub(super) fn schedule(mean_gap: Duration, readers: Inbox, payload: Option<usize>, span: Span) -> Schedule {
    let mean = as_micros(mean_gap) as f64;
    inbox::fill(readers, payload, span, |topic| {
        arrivals::poisson(span.seed, u64::from(topic), mean, span.from, span.to)
    })
}
