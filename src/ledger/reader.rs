//! One client's side of the ledger: which events it has, and how stale its view was.

use serde::{Deserialize, Serialize};

/// ∫ age of the oldest undelivered event dt over the window, event by event in order.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Staleness {
    clean_at: i64,
    /// Twice the integral, µs².
    pub twice: u128,
}

impl Staleness {
    /// An event published at `at` was the oldest one missing until `until` (both µs in the window).
    #[inline]
    pub fn missed(&mut self, at: i64, until: i64) {
        let from = self.clean_at.max(at);
        if until > from {
            let (a, b) = ((from - at).unsigned_abs(), (until - at).unsigned_abs());
            // b² − a²
            self.twice += u128::from(b - a) * u128::from(b + a);
            self.clean_at = until;
        }
    }
}

/// When an event with this time to live is no longer missed, microseconds.
#[must_use]
pub fn dies_at(at: i64, ttl_ms: Option<u64>) -> i64 {
    ttl_ms.map_or(i64::MAX, |ms| at + i64::try_from(ms).unwrap_or(i64::MAX / 2000) * 1000)
}

/// A time in which a client is owed what is published: from its first position to the end of a visit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) since: i64,
    /// `i64::MAX` while it stays.
    pub(super) until: i64,
    /// What is published from here on may still be under way, or wait for a poll, at `until`: it had no
    /// chance yet.
    pub(super) no_chance: i64,
}

/// What one client has of its topic.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reader {
    /// In order of time; none until it knows its position.
    pub(super) spans: Vec<Span>,
    got: Vec<u64>,
    /// (spans by then, ordinal) of what was published before its reader knew the position: that was fixed by
    /// the server, or kept by a cache, before the answer with it came. Whoever had the seat before has
    /// nothing of it.
    early: Vec<(usize, u32)>,
    highest_offset: u64,
    /// Ordinals below this are settled for staleness.
    settled: u32,
    pub(super) staleness: Staleness,
}

impl Reader {
    pub(super) fn new(events: usize) -> Self {
        Self {
            spans: Vec::new(),
            got: vec![0; events.div_ceil(64)],
            early: Vec::new(),
            highest_offset: 0,
            settled: 0,
            staleness: Staleness::default(),
        }
    }

    /// Whether it knows its position now, and has not left.
    pub(super) fn reads(&self) -> bool {
        self.spans.last().is_some_and(|span| span.until == i64::MAX)
    }

    /// It knows its position from `at` on.
    pub(super) fn begins(&mut self, at: i64) {
        if !self.reads() {
            self.spans.push(Span { since: at, until: i64::MAX, no_chance: i64::MAX });
            // Whoever had the seat before has nothing to do with the order of what comes now.
            self.forget_offset();
        }
    }

    /// It leaves at `at`, when what is younger than `pending` may still be on its way.
    pub(super) fn ends(&mut self, at: i64, pending: i64) {
        if let Some(span) = self.spans.last_mut() {
            (span.until, span.no_chance) = (at, at - pending);
        }
    }

    /// Marks an event published at `at` as delivered; false when it had been.
    pub(super) fn take(&mut self, ordinal: u32, at: i64) -> bool {
        if self.is_early(at) {
            let pair = (self.spans.len(), ordinal);
            let fresh = !self.early.contains(&pair);
            self.early.extend(fresh.then_some(pair));
            return fresh;
        }
        let (word, bit) = (ordinal as usize / 64, 1u64 << (ordinal % 64));
        let fresh = self.got[word] & bit == 0;
        self.got[word] |= bit;
        fresh
    }

    /// Whether an event was published before the reader knew its position.
    pub(super) fn is_early(&self, at: i64) -> bool {
        self.spans.last().is_some_and(|span| at < span.since)
    }

    /// The last early arrival does not count.
    pub(super) fn forget_early(&mut self) {
        self.early.pop();
    }

    /// Ordinals of what came although it was [`Reader::is_early`]; one for each who got it on this seat.
    pub(super) fn early(&self) -> impl Iterator<Item = u32> {
        self.early.iter().map(|&(_, ordinal)| ordinal)
    }

    pub(super) fn has(&self, ordinal: u32) -> bool {
        self.got[ordinal as usize / 64] & (1u64 << (ordinal % 64)) != 0
    }

    /// Whether it is owed an event of others published at `at`: from when it knew its position in a visit.
    pub(super) fn owed(&self, ordinal: u32, at: i64) -> bool {
        self.has(ordinal) || self.spans.iter().rev().any(|span| span.since <= at && at < span.until)
    }

    /// Whether `offset` is beyond every earlier arrival; remembers it.
    pub(super) fn in_order(&mut self, offset: u64) -> bool {
        let later = offset > self.highest_offset;
        self.highest_offset = self.highest_offset.max(offset);
        later
    }

    /// Takes the next arrival as in order: the feed is another one.
    pub(super) fn forget_offset(&mut self) {
        self.highest_offset = 0;
    }

    /// Integrates the age of the oldest undelivered event up to `now`, when `ordinal` arrives or the
    /// client leaves.
    ///
    /// `owed` gives (publish time, time to live in ms) of an event this client reads, `None` for its
    /// own. Events up to `ordinal` that never came end their age here, or when their time to live ran out.
    pub(super) fn settle(
        &mut self,
        ordinal: u32,
        now: i64,
        duration: i64,
        owed: impl Fn(u32) -> Option<(i64, Option<u64>)>,
    ) {
        let now = now.min(duration);
        for o in self.settled..=ordinal {
            let Some((at, ttl_ms)) = owed(o) else { continue };
            if !self.owed(o, at) {
                continue;
            }
            let ttl_ms = ttl_ms.filter(|_| !self.has(o));
            self.staleness.missed(at, now.min(dies_at(at, ttl_ms)));
        }
        self.settled = self.settled.max(ordinal + 1);
    }
}
