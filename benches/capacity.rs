//! What one server carries: memory per idle socket, four crowds at once, one encoding per event.
//!
//! `cargo bench` runs it. Every figure stands beside another of the same run, or is a plain count,
//! because absolute speed says more about a machine than about a program.

use std::path::PathBuf;

use anynews::live::{self, Options};
use anynews::outcome::{Outcome, TransportOutcome};
use anynews::scenario::file::{self, Overrides};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const IDLE: &str = r#"
title = "Idle sockets"
duration = "3s"
warmup = "1s"
clients = 10000
[workload]
kind = "poisson"
mean_gap = "10m"
[[transport]]
kind = "websocket"
label = "buffer-4KiB"
read_buffer = "4KiB"
[[transport]]
kind = "websocket"
label = "buffer-128KiB"
read_buffer = "128KiB"
"#;

const CROWDS: &str = r#"
title = "Four crowds"
duration = "20s"
clients = 2000
[workload]
kind = "poisson"
mean_gap = "20s"
[[transport]]
kind = "poll"
interval = "2s"
[[transport]]
kind = "long-poll"
[[transport]]
kind = "sse"
[[transport]]
kind = "websocket"
"#;

const FAN_OUT: &str = r#"
title = "One writer, many readers"
duration = "10s"
clients = 1000
[workload]
kind = "periodic"
gap = "200ms"
inbox = "shared"
[[transport]]
kind = "websocket"
[[transport]]
kind = "sse"
"#;

fn main() {
    // `cargo test --benches` passes --test: compiling is then all that is asked.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let held = [
        memory(&runtime.block_on(run(IDLE, true))),
        crowds(&runtime.block_on(run(CROWDS, false))),
        fan_out(&runtime.block_on(run(FAN_OUT, false))),
    ];
    let failed = held.iter().filter(|held| !**held).count();
    println!("{} held, {failed} missed", held.len() - failed);
    std::process::exit(i32::from(failed > 0));
}

async fn run(text: &str, in_turn: bool) -> Outcome {
    let scenario = file::read("bench", "bench.toml", text, &Overrides::default()).expect("a valid scenario");
    let (progress, _) = mpsc::unbounded_channel();
    let options = Options {
        elsewhere: None,
        executable: PathBuf::from(env!("CARGO_BIN_EXE_anynews")),
        in_turn,
        keep_deliveries: false,
        prediction: None,
        progress,
        interrupt: CancellationToken::new(),
        hurry: CancellationToken::new(),
    };
    live::run(&scenario, &options).await.expect("a run").0
}

fn verdict(what: &str, held: bool) -> bool {
    println!("{} {what}", if held { "ok    " } else { "MISSED" });
    held
}

fn memory(outcome: &Outcome) -> bool {
    let per =
        |t: &TransportOutcome| t.server.as_ref().and_then(|s| s.rss_bytes_per_connection).unwrap_or(f64::NAN);
    let (lean, fat) = (per(&outcome.transports[0]), per(&outcome.transports[1]));
    let connected = outcome.transports[0].clients_connected;
    verdict(
        &format!(
            "{connected} idle sockets: {lean:.0} B each of server memory (at most 8,192); \
             tungstenite's default read buffer: {fat:.0} B each, {:.1} times as much",
            fat / lean
        ),
        connected == 10_000 && lean <= 8192.0,
    )
}

fn crowds(outcome: &Outcome) -> bool {
    let skipped: u64 = outcome.transports.iter().map(|t| t.requests.skipped).sum();
    let lost: u64 = outcome.transports.iter().map(|t| t.deliveries.lost).sum();
    let polls = outcome.transports[0].requests.polls;
    let generator = outcome.generator.as_ref().expect("a live run");
    for t in &outcome.transports {
        let cpu = t.server.as_ref().map_or(f64::NAN, |s| s.cpu_s);
        println!(
            "       {:<10} {} of {} delivered, p50 {:.1} ms, p99 {:.1} ms, server CPU {cpu:.2} s",
            t.label,
            t.deliveries.delivered,
            t.deliveries.expected,
            t.latency_ms.p50.unwrap_or(f64::NAN),
            t.latency_ms.p99.unwrap_or(f64::NAN),
        );
    }
    verdict(
        &format!(
            "4 × 2,000 clients at 2 s: {skipped} of {polls} polls skipped, {lost} lost, polls late {:.1} ms at p99",
            generator.poll_late_ms_p99.unwrap_or(f64::NAN)
        ),
        skipped == 0 && lost == 0 && !generator.saturated,
    )
}

fn fan_out(outcome: &Outcome) -> bool {
    let mut held = true;
    for t in &outcome.transports {
        let audit = t.audit.as_ref().expect("a live run");
        let per_event = audit.events_encoded as f64 / audit.events_published.max(1) as f64;
        held &= verdict(
            &format!(
                "{}: {} events to 1,000 readers, {} encoded ({per_event:.2} per event, {:.4} per delivery)",
                t.label,
                audit.events_published,
                audit.events_encoded,
                audit.events_encoded as f64 / t.deliveries.delivered.max(1) as f64
            ),
            audit.events_encoded == audit.events_published && t.deliveries.lost == 0,
        );
    }
    held
}
