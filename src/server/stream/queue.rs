//! Bytes under way in one direction of a connection, in order, each with the time at which it is due.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes};

/// Bytes under way in one direction: what a kernel's buffers hold, or what a line with a rate carries
/// in a round trip if that is more, within reason.
const UNDER_WAY: (usize, usize) = (256 * 1024, 16 * 1024 * 1024);

/// What is under way in one direction, in order.
#[derive(Debug)]
pub(super) struct Queue {
    chunks: VecDeque<Chunk>,
    pub(super) bytes: usize,
    most: usize,
}

#[derive(Debug)]
struct Chunk {
    /// Microseconds from the origin.
    due: i64,
    /// Nothing is the end of this direction.
    bytes: Bytes,
}

impl Queue {
    pub(super) fn new(rate: Option<u64>, round_trip: Duration) -> Self {
        let carries = rate.map_or(0.0, |rate| rate as f64 / 8.0 * round_trip.as_secs_f64());
        let most = (carries as usize).clamp(UNDER_WAY.0, UNDER_WAY.1);
        Self { chunks: VecDeque::new(), bytes: 0, most }
    }

    pub(super) fn room(&self) -> usize {
        self.most.saturating_sub(self.bytes)
    }

    pub(super) fn push(&mut self, due: i64, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.chunks.push_back(Chunk { due, bytes: Bytes::copy_from_slice(bytes) });
    }

    /// What is first, if it is due.
    pub(super) fn ripe(&self, now: i64) -> Option<&[u8]> {
        self.chunks.front().filter(|chunk| chunk.due <= now).map(|chunk| &*chunk.bytes)
    }

    pub(super) fn due(&self) -> Option<i64> {
        self.chunks.front().map(|chunk| chunk.due)
    }

    /// When all of it is through.
    pub(super) fn last_due(&self) -> Option<i64> {
        self.chunks.back().map(|chunk| chunk.due)
    }

    /// The first `count` bytes are through.
    pub(super) fn pass(&mut self, count: usize) {
        self.bytes -= count;
        if let Some(chunk) = self.chunks.front_mut() {
            chunk.bytes.advance(count);
            if chunk.bytes.is_empty() {
                self.chunks.pop_front();
            }
        }
        if self.chunks.is_empty() {
            self.clear();
        }
    }

    /// Gives the memory back too: ten thousand idle connections keep none.
    pub(super) fn clear(&mut self) {
        (self.chunks, self.bytes) = (VecDeque::new(), 0);
    }
}
