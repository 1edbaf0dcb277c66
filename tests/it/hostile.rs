//! Ten thousand hostile and broken requests, while two hundred clients go on as if nothing were.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anynews::server::Stats;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::attack::{self, SlowLoris, TOKEN};
use crate::harness::soon;
use crate::program::one_at_a_time;

/// Readers of each transport.
const EACH: usize = 50;
const ATTACKS: usize = 10_000;
/// How many attack at once.
const ATTACKERS: usize = 32;
/// What the server may grow by: every attacker's largest message several times over, and the crowd.
const GROWTH: u64 = 64 * 1024 * 1024;

struct Server {
    child: Child,
    public: SocketAddr,
    control: SocketAddr,
    http: reqwest::Client,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_anynews"))
            .args(["serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--token", TOKEN])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(out));
        let mut address = |prefix: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(prefix).unwrap().parse().unwrap()
        };
        let public = address("listening on http://");
        let control = address("control on http://");
        Self { child, public, control, http: anynews::client::builder(None).build().unwrap() }
    }

    async fn stats(&self) -> Stats {
        let answer = soon(self.http.get(format!("http://{}/stats", self.control)).send()).await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn stats_when(&self, ready: impl Fn(&Stats) -> bool) -> Stats {
        soon(async {
            loop {
                let stats = self.stats().await;
                if ready(&stats) {
                    return stats;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    async fn publish(&self, n: u64) {
        let request = self.http.post(format!("http://{}/topics/t/events", self.control)).bearer_auth(TOKEN);
        let answer = soon(request.body(format!(r#"{{"data":{n}}}"#)).send()).await.unwrap();
        assert_eq!(answer.status(), 201);
    }

    /// Ends it; returns what it wrote to standard error.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut errors = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut errors).unwrap();
        errors
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads `topic` until the event whose data is −1; returns every offset in the order it came.
async fn reader(address: SocketAddr, kind: usize, ready: Arc<AtomicUsize>) -> Vec<u64> {
    match kind {
        0 => socket(address, &ready).await,
        1 => stream(address, &ready).await,
        2 => poll(address, &ready, "&wait=5s").await,
        _ => poll(address, &ready, "").await,
    }
}

fn is_last(event: &Value) -> bool {
    event["data"] == -1
}

async fn socket(address: SocketAddr, ready: &AtomicUsize) -> Vec<u64> {
    let url = format!("ws://{address}/topics/t/socket?after=0");
    let (mut socket, _) = connect_async(url).await.unwrap();
    let mut offsets = Vec::new();
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.unwrap() else { continue };
        let event: Value = serde_json::from_str(&text).unwrap();
        match event["offset"].as_u64() {
            None => drop(ready.fetch_add(1, Relaxed)), // the greeting
            Some(offset) => offsets.push(offset),
        }
        if is_last(&event) {
            break;
        }
    }
    offsets
}

async fn stream(address: SocketAddr, ready: &AtomicUsize) -> Vec<u64> {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = "GET /topics/t/stream?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut connection, head.as_bytes()).await.unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(BufReader::new(connection.take(u64::MAX)));
    let mut offsets = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line == "event: hello" {
            ready.fetch_add(1, Relaxed);
        }
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let event: Value = serde_json::from_str(data).unwrap();
        if event["topic"].is_string() {
            offsets.push(event["offset"].as_u64().unwrap());
        }
        if is_last(&event) {
            break;
        }
    }
    offsets
}

async fn poll(address: SocketAddr, ready: &AtomicUsize, wait: &str) -> Vec<u64> {
    let http = anynews::client::builder(None).build().unwrap();
    let (mut after, mut offsets) = (0, Vec::new());
    ready.fetch_add(1, Relaxed);
    loop {
        let url = format!("http://{address}/topics/t/events?after={after}{wait}");
        let answer = http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let events = answer["events"].as_array().unwrap();
        offsets.extend(events.iter().map(|event| event["offset"].as_u64().unwrap()));
        after = answer["offset"].as_u64().unwrap();
        if events.iter().any(is_last) {
            return offsets;
        }
        if wait.is_empty() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

async fn attack_all(address: SocketAddr) -> Vec<String> {
    let attacks = Arc::new(attack::all());
    let next = Arc::new(AtomicUsize::new(0));
    let attackers = (0..ATTACKERS).map(|_| {
        let (attacks, next) = (attacks.clone(), next.clone());
        tokio::spawn(async move {
            let mut let_in = Vec::new();
            loop {
                let n = next.fetch_add(1, Relaxed);
                if n >= ATTACKS {
                    return let_in;
                }
                let_in.extend(attacks[n % attacks.len()].strike(address).await.err());
            }
        })
    });
    let mut let_in = Vec::new();
    for attacker in attackers.collect::<Vec<_>>() {
        let_in.extend(attacker.await.unwrap());
    }
    let_in
}

#[test]
fn ten_thousand_attacks_let_nothing_in_and_lose_nothing() {
    let _alone = one_at_a_time();
    tokio::runtime::Runtime::new().unwrap().block_on(withstand());
}

async fn withstand() {
    let server = Server::start();
    let ready = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> =
        (0..4 * EACH).map(|n| tokio::spawn(reader(server.public, n % 4, ready.clone()))).collect();
    soon(async {
        while ready.load(Relaxed) < readers.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let before = server.stats().await;

    let loris = SlowLoris::start(server.public, 200);
    let mut attack = std::pin::pin!(attack_all(server.public));
    let mut published = 0;
    let let_in = loop {
        tokio::select! {
            let_in = &mut attack => break let_in,
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                published += 1;
                server.publish(published).await;
            }
        }
    };
    drop(loris);
    let mut by_name = let_in.clone();
    by_name.sort();
    by_name.dedup();
    assert!(let_in.is_empty(), "{} of {ATTACKS}:\n{}", let_in.len(), by_name.join("\n"));
    let after = server.stats().await;
    // The attackers' connections end; the crowd's stay.
    server.stats_when(|stats| stats.connections.current <= before.connections.current).await;

    published += 1;
    let last = server.http.post(format!("http://{}/topics/t/events", server.control)).bearer_auth(TOKEN);
    assert_eq!(soon(last.body(r#"{"data":-1}"#).send()).await.unwrap().status(), 201);
    let expected: Vec<u64> = (1..=published).collect();
    for (n, reader) in readers.into_iter().enumerate() {
        let offsets = soon(reader).await.unwrap();
        assert_eq!(offsets, expected, "reader {n}: something lost, twice or out of order");
    }
    assert_eq!((after.events.published + 1, after.topics), (published, 1), "something was let in");
    let growth = after.rss_peak_bytes - before.rss_bytes;
    assert!(growth < GROWTH, "the server grew by {growth} bytes");
    assert!(after.denied > ATTACKS as u64 / 20, "{} were denied", after.denied);
    let errors = server.end();
    assert_eq!(errors, "", "a panic, or anything else worth a word");
}
