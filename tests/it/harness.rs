//! A server on a free port that ends with its test, and small clients to talk to it.

use std::net::SocketAddr;
use std::time::Duration;

use anynews::server::{self, Settings, Stats};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

/// Longest any single step of a test may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits, but not for ever.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("nothing happened in time")
}

/// A count that every engine knows that has servers of its own.
pub fn known(count: Option<u64>) -> f64 {
    count.expect("counted") as f64
}

pub struct TestServer {
    public: SocketAddr,
    control: SocketAddr,
    stop: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    http: reqwest::Client,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (public, control) = (server::bind(any).unwrap(), server::bind(any).unwrap());
        let (public_address, control_address) = (public.local_addr().unwrap(), control.local_addr().unwrap());
        let stop = CancellationToken::new();
        let running = tokio::spawn(server::run(public, Some(control), settings, stop.clone()));
        let http = anynews::client::builder(None).build().unwrap();
        Self { public: public_address, control: control_address, stop, running: Some(running), http }
    }

    pub fn address(&self) -> SocketAddr {
        self.public
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.public)
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(self.url(path))
    }

    pub fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.http.post(self.url(path)).body(body)
    }

    /// GETs and returns status and JSON.
    pub async fn ask(&self, path: &str) -> (u16, Value) {
        answer(self.get(path)).await
    }

    /// Publishes and returns the offset.
    pub async fn publish(&self, topic: &str, body: Value) -> u64 {
        let (status, place) = answer(self.post(&format!("/topics/{topic}/events"), body.to_string())).await;
        assert!(status == 201 || status == 200, "{status} {place}");
        place["offset"].as_u64().unwrap()
    }

    /// The counters, asked on the control listener so that asking changes none of them.
    pub async fn stats(&self) -> Stats {
        let url = format!("http://{}/stats", self.control);
        serde_json::from_str(&soon(self.http.get(url).send()).await.unwrap().text().await.unwrap()).unwrap()
    }

    /// The counters once they are as expected.
    pub async fn stats_when(&self, ready: impl Fn(&Stats) -> bool) -> Stats {
        soon(async {
            loop {
                let stats = self.stats().await;
                if ready(&stats) {
                    return stats;
                }
                // A pause, because asking takes the time the server needs.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await
    }

    pub async fn control_post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.http.post(format!("http://{}{path}", self.control)).body(body.to_string())).await
    }

    pub async fn control_socket(&self, path: &str) -> Socket {
        Socket::open(&format!("ws://{}{path}", self.control)).await
    }

    /// Opens a socket and returns it with its greeting.
    pub async fn socket(&self, path: &str) -> (Socket, Value) {
        let mut socket = Socket::open(&format!("ws://{}{path}", self.public)).await;
        let hello = socket.json().await;
        (socket, hello["hello"].clone())
    }

    pub async fn raw(&self) -> Raw {
        Raw { stream: TcpStream::connect(self.public).await.unwrap(), sent: 0, received: Vec::new() }
    }

    /// Begins the graceful end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until `run` has returned.
    pub async fn stopped(mut self) {
        soon(self.running.take().unwrap()).await.unwrap().unwrap();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = soon(request.send()).await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| json!(text)))
}

/// A WebSocket client.
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(url: &str) -> Self {
        Self(soon(connect_async(url)).await.unwrap().0)
    }

    pub async fn send(&mut self, message: Message) {
        soon(self.0.send(message)).await.unwrap();
    }

    pub async fn say(&mut self, body: Value) {
        self.send(Message::text(body.to_string())).await;
    }

    /// The next text frame as JSON, passing over pings.
    pub async fn json(&mut self) -> Value {
        loop {
            match soon(self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code of the closing frame, passing over all before it.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = soon(self.0.next()).await.expect("a closing frame").unwrap() {
                return frame.unwrap().code.into();
            }
        }
    }
}

/// A client that speaks bytes and counts them.
pub struct Raw {
    pub stream: TcpStream,
    pub sent: u64,
    pub received: Vec<u8>,
}

impl Raw {
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.stream.write_all(bytes).await.unwrap();
        self.sent += bytes.len() as u64;
    }

    /// Reads until what comes contains `end`; returns what came.
    pub async fn until(&mut self, end: &str) -> String {
        let from = self.received.len();
        let mut searched = from;
        loop {
            let tail = &self.received[searched..];
            if tail.windows(end.len()).any(|window| window == end.as_bytes()) {
                return String::from_utf8_lossy(&self.received[from..]).into_owned();
            }
            searched = self.received.len().saturating_sub(end.len()).max(from);
            assert!(self.more().await > 0, "closed before {end:?}");
        }
    }

    /// Reads until the server closes; returns what came.
    pub async fn rest(&mut self) -> String {
        let from = self.received.len();
        while self.more().await > 0 {}
        String::from_utf8_lossy(&self.received[from..]).into_owned()
    }

    /// Reads until `end` has come or the server closes; returns what came.
    pub async fn rest_or(&mut self, end: &str) -> String {
        let from = self.received.len();
        loop {
            let text = String::from_utf8_lossy(&self.received[from..]).into_owned();
            if text.contains(end) || self.more().await == 0 {
                return text;
            }
        }
    }

    async fn more(&mut self) -> usize {
        soon(self.stream.read_buf(&mut self.received)).await.unwrap()
    }
}

/// A GET without a body, as a raw client writes it.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// An upgrade, as a raw client writes it.
pub fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}
