//! What 1,000 sockets feel of 10,000 hostile and broken requests: their p99 beside that of a quiet run.
//!
//! `cargo bench --bench hostile` runs it. Attackers and clients share this process and this machine, so
//! the figure is an upper bound of what the server alone would do to them.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anynews::clock::Clock;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async;

#[path = "../tests/it/attack.rs"]
mod attack;

use attack::{SlowLoris, TOKEN};

const CLIENTS: usize = 1_000;
const PHASE: Duration = Duration::from_secs(15);
/// Between events; each goes to every client.
const GAP: Duration = Duration::from_millis(100);
const ATTACKS: usize = 10_000;
const ATTACKERS: usize = 16;

fn main() {
    // `cargo test --benches` passes --test: compiling is then all that is asked.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let held = runtime.block_on(run());
    std::process::exit(i32::from(!held));
}

struct Server(Child, SocketAddr);

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_anynews"))
            .args(["serve", "--listen", "127.0.0.1:0", "--token", TOKEN])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).expect("a line");
        let address = line.trim_end().rsplit('/').next().expect("an address").parse().expect("an address");
        Self(child, address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn run() -> bool {
    let server = Server::start();
    let address = server.1;
    let clock = Clock::anchored_now();
    let (to, mut latencies) = mpsc::unbounded_channel();
    for _ in 0..CLIENTS {
        let (mut socket, _) =
            connect_async(format!("ws://{address}/topics/t/socket")).await.expect("a socket");
        let to = to.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let at = message.to_text().ok().and_then(|text| serde_json::from_str::<Value>(text).ok());
                let Some(at) = at.and_then(|event| event["at"].as_i64()) else { continue };
                let _ = to.send(clock.now() - at);
            }
        });
    }
    let quiet = phase(address, clock, &mut latencies).await;
    let (let_in, attacked) = tokio::join!(attack_all(address), phase(address, clock, &mut latencies));
    report(&quiet, &attacked, &let_in)
}

/// Publishes for a while; returns every latency, microseconds, in order.
async fn phase(address: SocketAddr, clock: Clock, latencies: &mut mpsc::UnboundedReceiver<i64>) -> Vec<i64> {
    let http = anynews::client::builder(None).build().expect("a client");
    let events = PHASE.as_micros() / GAP.as_micros();
    let begin = clock.now();
    for n in 0..events {
        let at = begin + i64::try_from(GAP.as_micros() * n).expect("a short run");
        clock.sleep_until(at).await;
        let body = format!(r#"{{"data":"any new messages?","at":{at}}}"#);
        let request = http.post(format!("http://{address}/topics/t/events")).bearer_auth(TOKEN).body(body);
        assert_eq!(request.send().await.expect("an answer").status(), 201);
    }
    let expected = CLIENTS * usize::try_from(events).expect("a short run");
    let mut all = Vec::with_capacity(expected);
    while all.len() < expected {
        match tokio::time::timeout(Duration::from_secs(10), latencies.recv()).await {
            Ok(Some(latency)) => all.push(latency),
            _ => break,
        }
    }
    all.sort_unstable();
    all
}

/// Attacks evenly over the phase; returns what was let in.
async fn attack_all(address: SocketAddr) -> Vec<String> {
    let _loris = SlowLoris::start(address, 200);
    let attacks = Arc::new(attack::all());
    let next = Arc::new(AtomicUsize::new(0));
    let begin = tokio::time::Instant::now();
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|_| {
            let (attacks, next) = (attacks.clone(), next.clone());
            tokio::spawn(async move {
                let mut let_in = Vec::new();
                loop {
                    let n = next.fetch_add(1, Relaxed);
                    if n >= ATTACKS {
                        return let_in;
                    }
                    tokio::time::sleep_until(begin + PHASE.mul_f64(n as f64 / ATTACKS as f64)).await;
                    let_in.extend(attacks[n % attacks.len()].strike(address).await.err());
                }
            })
        })
        .collect();
    let mut let_in = Vec::new();
    for attacker in attackers {
        let_in.extend(attacker.await.expect("an attacker"));
    }
    let_in
}

fn report(quiet: &[i64], attacked: &[i64], let_in: &[String]) -> bool {
    let at = |all: &[i64], share: f64| {
        all.get((all.len() as f64 * share) as usize).map_or(f64::NAN, |&us| us as f64 / 1000.0)
    };
    for (what, all) in [("quiet", quiet), ("attacked", attacked)] {
        println!(
            "       {what:<9} {} deliveries, p50 {:.1} ms, p99 {:.1} ms",
            all.len(),
            at(all, 0.5),
            at(all, 0.99)
        );
    }
    let (before, after) = (at(quiet, 0.99), at(attacked, 0.99));
    let lost = 2 * CLIENTS * (PHASE.as_micros() / GAP.as_micros()) as usize - quiet.len() - attacked.len();
    // Two free cores, built with --release: else the quiet run is no yardstick.
    let fit = before < 100.0;
    let held = fit && after <= (2.0 * before).max(before + 25.0) && lost == 0 && let_in.is_empty();
    println!(
        "{} {ATTACKS} attacks on {CLIENTS} sockets: p99 {:.2} times the quiet one, {:+.1} ms (at most 2 times, or \
         +25 ms); {lost} lost, {} let in",
        match (held, fit) {
            (true, _) => "ok    ",
            (false, true) => "MISSED",
            (false, false) => "VOID (this machine is too busy or the build too slow):",
        },
        after / before,
        after - before,
        let_in.len(),
    );
    held
}
