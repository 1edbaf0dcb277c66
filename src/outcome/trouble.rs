//! What went wrong in a run, on purpose or not, and how people came back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Summary;

/// How one transport came through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    /// The scenario's faults as they were carried out, in order of time.
    pub faults: Vec<Happened>,
    /// Times that somebody came back and was told that the feed could not be gone on with
    /// (`recovered: false`): what lay between is lost, and said to be.
    pub unrecovered: u64,
    /// People who turned to polling because no socket was to be had.
    pub fallbacks: u64,
    /// Readers the servers closed because they were too far behind (3008).
    pub closed_slow: u64,
    /// People who were connected when all was over.
    pub clients_at_end: u32,
    /// Streams and sockets that stood again, per step of the series.
    pub reconnects: Vec<u64>,
    /// Latency of the people whom no fault picked out; null where faults meet all alike.
    pub untouched_latency_ms: Option<Summary>,
}

/// A fault that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Happened {
    /// Which of the scenario's faults, from 0.
    pub fault: usize,
    /// When it began, seconds from the start of the window.
    pub from_s: f64,
    /// When it was over; for a server or a broker, when it was there again. Null when the run ended first.
    pub until_s: Option<f64>,
    /// People picked out; null where it meets all alike.
    pub people: Option<u32>,
}
