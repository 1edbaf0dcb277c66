//! What the server's side took: bytes on its sockets, CPU time and memory of its processes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes on the accepted sockets of the server, over the window; null but for `payload` where the servers
/// are not ours, whose sockets nobody counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bytes {
    /// Client to server.
    pub up: Option<u64>,
    /// Server to client.
    pub down: Option<u64>,
    /// `data` of distinct deliveries and client sends, as JSON.
    pub payload: u64,
    /// up + down − payload.
    pub overhead: Option<i64>,
    /// Heads of upgrades and subscriptions, whole run.
    pub opening: Option<u64>,
    /// overhead / deliveries.
    pub overhead_per_delivery: Option<f64>,
    /// up + down plus 40 B per segment of at most 1,448 B in each direction; bare ACKs not counted.
    pub wire_estimate: Option<u64>,
}

impl Bytes {
    /// The same with what follows from up, down and payload.
    #[must_use]
    pub fn settled(self, delivered: u64) -> Self {
        let overhead = self.both_ways().map(|both| both as i64 - self.payload as i64);
        let each = |overhead: i64| (delivered > 0).then(|| overhead as f64 / delivered as f64);
        Self { overhead, overhead_per_delivery: overhead.and_then(each), ..self }
    }

    /// Up and down.
    #[must_use]
    pub fn both_ways(&self) -> Option<u64> {
        Some(self.up?.saturating_add(self.down?))
    }
}

/// The server process alone, over the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// User and system time.
    pub cpu_s: f64,
    /// Null below 0.2 s of CPU.
    pub cpu_us_per_delivery: Option<f64>,
    /// Peak resident set.
    pub rss_peak_bytes: u64,
    /// (peak − before connecting) / peak connections; null below 1,000 connections.
    pub rss_bytes_per_connection: Option<f64>,
}

impl Server {
    /// Below this much CPU a figure per delivery is noise.
    const LEAST_CPU_S: f64 = 0.2;

    /// See [`Server::cpu_us_per_delivery`].
    #[must_use]
    pub fn cpu_per_delivery(cpu_s: f64, delivered: u64) -> Option<f64> {
        (cpu_s >= Self::LEAST_CPU_S && delivered > 0).then(|| cpu_s * 1e6 / delivered as f64)
    }
}
