//! The event schedule: the same seeded events for every transport and every engine.
//!
//! Times are microseconds relative to the start of the measured window. Events in [0, duration)
//! depend on the seed alone, never on the warm-up or on the transports.

/// One event that will be published at an intended time.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Intended publish time, microseconds from the start of the window; negative in the warm-up.
    pub at: i64,
    /// Index into [`Schedule::topics`].
    pub topic: u32,
    /// The client that sends it, or `None` for an outside publisher.
    pub author: Option<u32>,
    /// Event kind.
    pub kind: &'static str,
    /// Time to live after `at`, milliseconds.
    pub ttl_ms: Option<u64>,
    /// Conflation key.
    pub key: Option<String>,
    /// Payload as JSON text.
    pub data: String,
}

/// Everything that will be published in one run, in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    /// Topic names.
    pub topics: Vec<String>,
    /// For each client, the topic it reads (an index into `topics`).
    pub reads: Vec<u32>,
    /// Planned events, sorted by `at`; ties keep a fixed order.
    pub events: Vec<Planned>,
    /// Whether readers ask for only the latest event per key.
    pub conflate: bool,
}
