//! Messages at a fixed gap, each topic at a phase of its own.

use std::time::Duration;

use crate::clock::as_micros;
use crate::scenario::Inbox;

use super::inbox::{Letter, Weigher};
use super::{Schedule, Span, arrivals, inbox};

pub(super) fn schedule(gap: Duration, readers: Inbox, payload: Option<usize>, span: Span) -> Schedule {
    let gap = as_micros(gap);
    inbox::fill(readers, payload, span, |topic| {
        arrivals::periodic(span.seed, u64::from(topic), gap, span.from, span.to).collect()
    })
}

/// See [`crate::scenario::Workload::letters`].
pub(super) fn letters(
    gap: Duration,
    payload: Option<usize>,
    topic: u32,
    span: Span,
    each: impl FnMut(Letter),
) {
    let weigher = Weigher::new(span.seed, topic, payload);
    let gap = as_micros(gap);
    arrivals::periodic(span.seed, topic.into(), gap, span.from, span.to)
        .map(|a| weigher.weigh(a))
        .for_each(each);
}
