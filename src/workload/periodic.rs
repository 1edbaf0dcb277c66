//! Messages at a fixed gap, each topic at a phase of its own.

use std::time::Duration;

use crate::clock::as_micros;
use crate::scenario::Inbox;

use super::{Schedule, Span, arrivals, inbox};

pub(super) fn schedule(gap: Duration, readers: Inbox, payload: Option<usize>, span: Span) -> Schedule {
    let gap = as_micros(gap);
    inbox::fill(readers, payload, span, |topic| {
        arrivals::periodic(span.seed, u64::from(topic), gap, span.from, span.to).collect()
    })
}
