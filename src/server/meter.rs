//! What one connection's socket and service tell each other: its phase, its bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Settings;
use super::guest::Guest;
use super::stats::Counters;

/// Payload of a full TCP segment on Ethernet with timestamps, for the wire estimate.
const SEGMENT: u64 = 1448;

/// What a connection is doing, as far as deadlines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Fresh, or in the middle of a head: limited by `Settings::head_timeout`.
    Head,
    /// A request is being answered: the handler has its own limits.
    Busy,
    /// Kept alive between requests: limited by `Settings::idle_keep_alive`.
    Idle,
    /// Speaks WebSocket: pings decide.
    Upgraded,
}

/// What the socket and the service of one connection share.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) counters: Arc<Counters>,
    pub(super) settings: Arc<Settings>,
    // All of this is written by the one task that drives the connection; the atomics are there
    // because socket and service are two owners.
    phase: AtomicU8,
    up: AtomicU64,
    /// `up` when the previous request was finished.
    up_before: AtomicU64,
    /// Requests begun and not ended: several at once on HTTP/2.
    under_way: AtomicU32,
    /// Whether HTTP/2 is spoken.
    frames: AtomicBool,
    /// What the last read left of a segment that filled its buffer.
    unfilled: AtomicU64,
    /// Whether the head written next belongs to `bytes.opening`.
    opening: AtomicBool,
    /// Absent when the connection was turned away.
    guest: Option<Guest>,
    /// Keeps the server's shutdown waiting for this connection.
    _alive: TaskTrackerToken,
}

impl Meter {
    pub(super) fn new(
        counters: Arc<Counters>,
        settings: Arc<Settings>,
        guest: Option<Guest>,
        alive: TaskTrackerToken,
    ) -> Arc<Self> {
        if guest.is_some() {
            let current = counters.current.fetch_add(1, Relaxed) + 1;
            counters.peak.fetch_max(current, Relaxed);
        } else {
            counters.refusing.fetch_add(1, Relaxed);
        }
        Arc::new(Self {
            counters,
            settings,
            phase: AtomicU8::new(Phase::Head as u8),
            up: AtomicU64::new(0),
            up_before: AtomicU64::new(0),
            under_way: AtomicU32::new(0),
            frames: AtomicBool::new(false),
            unfilled: AtomicU64::new(0),
            opening: AtomicBool::new(false),
            guest,
            _alive: alive,
        })
    }

    /// Whether the client may ask once more now.
    pub(super) fn may_ask(&self) -> bool {
        self.guest.as_ref().is_some_and(Guest::may_ask)
    }

    /// A request's head is complete; returns its bytes. On HTTP/2 `frames` carry it, among others.
    pub(super) fn request_begins(&self, frames: bool) -> u64 {
        self.frames.store(frames, Relaxed);
        self.under_way.fetch_add(1, Relaxed);
        self.enter(Phase::Busy);
        self.up.load(Relaxed) - self.up_before.load(Relaxed)
    }

    /// Its answer has left the handler, body and all.
    pub(super) fn request_ends(&self) {
        self.up_before.store(self.up.load(Relaxed), Relaxed);
        if self.under_way.fetch_sub(1, Relaxed) == 1 {
            self.enter(Phase::Idle);
        }
    }

    /// Whether what is read while nothing is under way begins a request's head. Frames of HTTP/2 need not:
    /// acknowledgements and windows come by themselves, and an idle connection stays one.
    pub(super) fn begins_heads(&self) -> bool {
        !self.frames.load(Relaxed)
    }

    /// From here on WebSocket is spoken.
    pub(super) fn upgraded(&self) {
        self.enter(Phase::Upgraded);
    }

    /// Whether nothing was ever read.
    pub(super) fn untouched(&self) -> bool {
        self.up.load(Relaxed) == 0
    }

    /// Whether something was read since the last request was finished.
    pub(super) fn has_begun(&self) -> bool {
        self.up.load(Relaxed) > self.up_before.load(Relaxed)
    }

    /// Whether the bytes written next belong to the head of an answer that opens something.
    pub(super) fn is_opening(&self) -> bool {
        self.opening.load(Relaxed)
    }

    /// So many bytes of that head were written; `complete` when they were the last.
    pub(super) fn opened(&self, bytes: usize, complete: bool) {
        self.counters.opening.fetch_add(bytes as u64, Relaxed);
        self.opening.store(!complete, Relaxed);
    }

    /// The request whose head had `request_head` bytes opens a stream or a socket; the answer's
    /// head is measured as it is written.
    pub(super) fn opens(&self, request_head: u64) {
        self.counters.opening.fetch_add(request_head, Relaxed);
        self.opening.store(true, Relaxed);
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Head,
            1 => Phase::Busy,
            2 => Phase::Idle,
            _ => Phase::Upgraded,
        }
    }

    /// So many bytes of a request were read, decrypted.
    pub(super) fn read(&self, bytes: usize) {
        self.up.fetch_add(bytes as u64, Relaxed);
    }

    /// So many bytes came over the wire; `full` when they filled the buffer, so that more of the same
    /// segment may follow at once.
    pub(super) fn arrived(&self, bytes: usize, full: bool) {
        let bytes = bytes as u64;
        self.counters.up.fetch_add(bytes, Relaxed);
        let before = self.unfilled.load(Relaxed);
        let segments = (before + bytes).div_ceil(SEGMENT) - before.div_ceil(SEGMENT);
        self.counters.segments_up.fetch_add(segments, Relaxed);
        self.unfilled.store(if full { (before + bytes) % SEGMENT } else { 0 }, Relaxed);
    }

    /// So many bytes went over the wire.
    pub(super) fn sent(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.counters.down.fetch_add(bytes, Relaxed);
        self.counters.segments_down.fetch_add(bytes.div_ceil(SEGMENT), Relaxed);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let there = if self.guest.is_some() { &self.counters.current } else { &self.counters.refusing };
        there.fetch_sub(1, Relaxed);
    }
}
