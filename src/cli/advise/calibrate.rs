//! `advise --calibrate`: what requests, frames and connections cost a server on this machine.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::advice::Machine;
use crate::cli::{Usage, say};
use crate::live;
use crate::outcome::{Outcome, TransportOutcome};
use crate::scenario::file::{self, Overrides};

/// Idle connections, for their memory: 1,000 at least, so that it is known.
const IDLE: &str = r#"
duration = "1s"
warmup = "0ms"
clients = 1500
[workload]
kind = "poisson"
mean_gap = "1h"
[[transport]]
kind = "poll"
interval = "1s"
[[transport]]
kind = "long-poll"
[[transport]]
kind = "sse"
[[transport]]
kind = "websocket"
"#;

/// Requests: many asks, hardly any news; and held ones, answered ten times a second.
const ASKING: &str = r#"
duration = "5s"
warmup = "1s"
clients = 200
[workload]
kind = "periodic"
gap = "100ms"
inbox = "shared"
[[transport]]
kind = "poll"
interval = "100ms"
[[transport]]
kind = "long-poll"
"#;

/// Pushed events: as many as a small crowd takes.
const PUSHING: &str = r#"
duration = "5s"
warmup = "1s"
clients = 100
[workload]
kind = "periodic"
gap = "10ms"
inbox = "shared"
[[transport]]
kind = "sse"
[[transport]]
kind = "websocket"
"#;

/// Where a calibration is kept: `calibration.json` in the user's cache folder.
pub(super) fn file() -> Option<PathBuf> {
    crate::os::cache_folder().map(|folder| folder.join("calibration.json"))
}

/// Measures, writes [`file`] and returns the constants.
pub(super) fn run(quiet: bool) -> anyhow::Result<Machine> {
    let file = file().ok_or_else(|| {
        Usage("--calibrate finds no folder to keep its result in; set XDG_CACHE_HOME or HOME".to_owned())
    })?;
    let progress = |text: &str| {
        if !quiet {
            say(text);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    progress("1 of 3: memory of idle connections …");
    let idle = runtime.block_on(measure(IDLE))?;
    progress("2 of 3: CPU of requests …");
    let asking = runtime.block_on(measure(ASKING))?;
    progress("3 of 3: CPU of pushed events …");
    let pushing = runtime.block_on(measure(PUSHING))?;
    let machine = derived(&idle, &asking, &pushing)?;
    machine.write(&file)?;
    progress(&format!("Kept in {}", file.display()));
    Ok(machine)
}

async fn measure(text: &str) -> anyhow::Result<Outcome> {
    let scenario = file::read("calibrate", "calibrate", text, &Overrides::default())?;
    let (progress, _unheard) = mpsc::unbounded_channel();
    let options = live::Options {
        executable: std::env::current_exe()?,
        elsewhere: None,
        in_turn: true,
        prediction: None,
        keep_deliveries: false,
        progress,
        interrupt: CancellationToken::new(),
        hurry: CancellationToken::new(),
    };
    Ok(live::run(&scenario, &options).await?.0)
}

fn derived(idle: &Outcome, asking: &Outcome, pushing: &Outcome) -> anyhow::Result<Machine> {
    let about = idle.machine.as_ref().context("a live run describes its machine")?;
    let memory = |i: usize| {
        let server = idle.transports[i].server.as_ref();
        server.and_then(|server| server.rss_bytes_per_connection).unwrap_or(0.0).max(512.0)
    };
    let cost = |t: &TransportOutcome, n: u64| {
        let cpu_s = t.server.as_ref().map_or(0.0, |server| server.cpu_s);
        anyhow::ensure!(cpu_s > 0.0 && n > 0, "{}: nothing was measured; is the machine busy?", t.label);
        Ok(cpu_s * 1e6 / n as f64)
    };
    let (ask, push) = (&asking.transports, &pushing.transports);
    Ok(Machine {
        origin: format!(
            "measured by `advise --calibrate` on {} cores, {}, {}",
            about.cores,
            about.cpu,
            idle.started_at.as_deref().unwrap_or("date unknown").get(..10).unwrap_or("date unknown")
        ),
        cores: about.cores as f64,
        memory_bytes: about.memory_bytes as f64,
        request_us: cost(&ask[0], ask[0].requests.polls)?,
        held_us: cost(&ask[1], ask[1].requests.polls)?,
        event_us: cost(&push[0], push[0].deliveries.delivered)?,
        frame_us: cost(&push[1], push[1].deliveries.delivered)?,
        poll_bytes: memory(0),
        held_bytes: memory(1),
        stream_bytes: memory(2),
        socket_bytes: memory(3),
    })
}
