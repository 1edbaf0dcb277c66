//! What messages and connections cost the server: constants that are measured, and what they add up to.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Facts;

/// One server machine: what each kind of work costs it, and how much of it there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Where the figures come from.
    pub origin: String,
    /// Cores.
    pub cores: f64,
    /// Bytes of memory.
    pub memory_bytes: f64,
    /// CPU of a short poll or a POST, µs.
    pub request_us: f64,
    /// CPU of a long poll, µs.
    pub held_us: f64,
    /// CPU of an event on an event stream, µs.
    pub event_us: f64,
    /// CPU of a WebSocket frame, either way, µs.
    pub frame_us: f64,
    /// Memory of an idle connection that short polls keep, bytes.
    pub poll_bytes: f64,
    /// Memory of a held poll, bytes.
    pub held_bytes: f64,
    /// Memory of an idle event stream, bytes.
    pub stream_bytes: f64,
    /// Memory of an idle WebSocket, bytes.
    pub socket_bytes: f64,
}

/// What one transport costs the server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// Cores kept busy.
    pub cpu_cores: f64,
    /// Memory of its connections.
    pub memory_bytes: f64,
    /// Share of one machine: the larger of its shares of CPU and of memory, as a planner counts machines
    /// (the dominant share of Ghodsi et al. 2011).
    pub machine_share: f64,
    /// Which of the two that is.
    pub limit: Limit,
}

/// What runs out first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// CPU time.
    Cpu,
    /// Memory.
    Memory,
}

impl Machine {
    /// What a release build of `advise --calibrate` measured on 2 quiet cores of a cloud server (AMD EPYC),
    /// rounded means of three runs: CPU of small messages without TLS, memory with 1,500 connections. A
    /// figure per connection falls with their number: with 10,000 an idle WebSocket takes 7.7 kB. The 8 GiB
    /// are assumed. Every sentence that rests on them names them, and `advise --calibrate` replaces them.
    #[must_use]
    pub fn assumed() -> Self {
        Self {
            origin: "default constants, measured on 2 cores of a cloud server; \
                     `anynews advise --calibrate` measures yours"
                .to_owned(),
            cores: 2.0,
            memory_bytes: 8.0 * 1024.0 * 1024.0 * 1024.0,
            request_us: 50.0,
            held_us: 38.0,
            event_us: 15.0,
            frame_us: 15.0,
            poll_bytes: 23_000.0,
            held_bytes: 27_000.0,
            stream_bytes: 25_000.0,
            socket_bytes: 10_000.0,
        }
    }

    /// Reads what an earlier calibration wrote.
    ///
    /// # Errors
    /// The file cannot be read, or is not such a file; the message names it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let machine: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is no calibration; remove it or calibrate again", path.display()))?;
        let figures = [
            machine.cores,
            machine.memory_bytes,
            machine.request_us,
            machine.held_us,
            machine.event_us,
            machine.frame_us,
            machine.poll_bytes,
            machine.held_bytes,
            machine.stream_bytes,
            machine.socket_bytes,
        ];
        anyhow::ensure!(
            figures.iter().all(|figure| figure.is_finite() && *figure > 0.0),
            "{} holds a figure that is not above zero; calibrate again",
            path.display()
        );
        Ok(machine)
    }

    /// Writes it, making the folder if need be.
    ///
    /// # Errors
    /// The file cannot be written; the message names it.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let text = serde_json::to_string_pretty(self).context("a calibration is plain numbers")? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// What a transport's figures cost. The publisher's own requests are left out: they are the same for
    /// all. Behind a cache only what reaches the server counts, and the cache keeps the connections.
    #[must_use]
    pub fn load(&self, facts: &Facts) -> Load {
        let posts = if facts.kind == "websocket" { 0.0 } else { facts.sends_per_s } + facts.opens_per_s;
        let (asked, each, connection) = match facts.kind.as_str() {
            "poll" => (facts.origin_per_s.unwrap_or(facts.polls_per_s), self.request_us, self.poll_bytes),
            "long-poll" => (facts.polls_per_s, self.held_us, self.held_bytes),
            "sse" => (facts.frames_per_s + facts.beats_per_s, self.event_us, self.stream_bytes),
            _ => (facts.frames_per_s + facts.beats_per_s, self.frame_us, self.socket_bytes),
        };
        let cpu_cores = (asked * each + posts * self.request_us) / 1e6;
        let memory_bytes = if facts.origin_per_s.is_some() { 0.0 } else { facts.connections * connection };
        let (cpu, memory) = (cpu_cores / self.cores, memory_bytes / self.memory_bytes);
        let (machine_share, limit) = if cpu >= memory { (cpu, Limit::Cpu) } else { (memory, Limit::Memory) };
        Load { cpu_cores, memory_bytes, machine_share, limit }
    }
}
