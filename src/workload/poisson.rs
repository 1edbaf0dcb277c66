//! Messages at random: the memoryless process that e^(−λT) is about.

use std::time::Duration;

use crate::clock::as_micros;
use crate::scenario::Inbox;

use super::inbox::{Letter, Weigher};
use super::{Schedule, Span, arrivals, inbox};

pub(super) fn schedule(mean_gap: Duration, readers: Inbox, payload: Option<usize>, span: Span) -> Schedule {
    let mean = as_micros(mean_gap) as f64;
    inbox::fill(readers, payload, span, |topic| {
        arrivals::poisson(span.seed, u64::from(topic), mean, span.from, span.to)
    })
}

/// See [`crate::scenario::Workload::letters`].
pub(super) fn letters(
    mean_gap: Duration,
    payload: Option<usize>,
    topic: u32,
    span: Span,
    mut each: impl FnMut(Letter),
) {
    let weigher = Weigher::new(span.seed, topic, payload);
    let mean = as_micros(mean_gap) as f64;
    arrivals::each_poisson(span.seed, topic.into(), mean, span.from, span.to, |arrival| {
        each(weigher.weigh(arrival))
    });
}
