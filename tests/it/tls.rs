//! TLS on every transport: what is counted, who is trusted, and that nothing is said in the clear.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anynews::outcome::Outcome;
use anynews::server::Settings;
use anynews::tls;
use rustls::pki_types::ServerName;

use crate::foreign::Serve;
use crate::harness::TestServer;
use crate::program::{anynews, one_at_a_time};

/// A server over TLS, and what its clients have to trust.
async fn server(settings: Settings) -> (TestServer, tls::Certificate) {
    let (config, certificate) = tls::server().unwrap();
    (TestServer::with(Settings { tls: Some(config), ..settings }).await, certificate)
}

/// A connection that counts what goes over the wire.
struct Counting {
    stream: TcpStream,
    up: u64,
    down: u64,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.down += count as u64;
        Ok(count)
    }
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.stream.write(bytes)?;
        self.up += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_on_the_wire_is_counted_and_heads_are_measured_unencrypted() {
    let (server, certificate) = server(Settings::default()).await;
    let address = server.address();
    let head = "GET /topics/t/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let talk = move || {
        let config = tls::client([certificate]).unwrap();
        let connection = rustls::ClientConnection::new(config, ServerName::try_from("localhost").unwrap());
        let wire = Counting { stream: TcpStream::connect(address).unwrap(), up: 0, down: 0 };
        let mut tls = rustls::StreamOwned::new(connection.unwrap(), wire);
        tls.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        while !answer.contains("hello") {
            let mut buffer = [0; 4096];
            let count = tls.read(&mut buffer).unwrap();
            answer.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        (answer, tls)
    };
    let (answer, tls) = tokio::task::spawn_blocking(talk).await.unwrap();
    let bytes = server.stats_when(|stats| stats.bytes.down >= tls.sock.down).await.bytes;
    assert_eq!((bytes.up, bytes.down), (tls.sock.up, tls.sock.down));
    assert!(
        bytes.up > head.len() as u64 + 200 && bytes.down > answer.len() as u64 + 400,
        "a handshake is in it"
    );
    let answer_head = answer.split_inclusive("\r\n\r\n").next().unwrap();
    assert_eq!(bytes.opening, (head.len() + answer_head.len()) as u64);
    let recorded = server.stats().await.first_exchange.unwrap();
    assert_eq!((recorded.request.as_str(), recorded.response.as_str()), (head, answer_head));
}

#[tokio::test]
async fn who_speaks_no_tls_or_never_ends_its_handshake_is_cut_off() {
    let settings = Settings { head_timeout: Duration::from_millis(300), ..Default::default() };
    let (server, _) = server(settings).await;
    let mut plain = server.raw().await;
    plain.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    // A TLS alert, and nothing of HTTP.
    assert!(!plain.rest().await.contains("HTTP"));
    let mut silent = server.raw().await;
    silent.send([0x16, 0x03, 0x01]).await;
    assert!(silent.rest().await.is_empty());
    assert_eq!(server.stats_when(|stats| stats.connections.current == 0).await.requests, 0);
}

#[tokio::test]
async fn a_certificate_of_another_run_is_not_trusted() {
    let (server, own) = server(Settings::default()).await;
    let (_, other) = tls::server().unwrap();
    let ask = |certificate| {
        let http = anynews::client::builder(Some(&tls::client([certificate]).unwrap())).build().unwrap();
        http.get(format!("https://{}/healthz", server.address())).send()
    };
    assert_eq!(ask(own).await.unwrap().status(), 200);
    assert!(ask(other).await.is_err());
}

#[test]
fn a_run_over_tls_loses_nothing_and_costs_more_bytes() {
    let _alone = one_at_a_time();
    let directory = tempfile::tempdir().unwrap();
    let run = |tls: &str| -> Outcome {
        let scenario = format!(
            r#"
            clients = 8
            duration = "2s"
            warmup = "500ms"
            [workload]
            kind = "chat"
            members = 4
            gap_per_room = "250ms"
            [[transport]]
            kind = "poll"
            interval = "500ms"
            [[transport]]
            kind = "poll"
            label = "closing"
            interval = "500ms"
            keep_alive = false
            [[transport]]
            kind = "long-poll"
            [[transport]]
            kind = "sse"
            [[transport]]
            kind = "websocket"
            [network]
            tls = {tls}
            "#
        );
        std::fs::write(directory.path().join("tls.toml"), scenario).unwrap();
        let ended = anynews(directory.path(), &["run", "tls.toml", "--format", "json", "--no-report", "-q"]);
        serde_json::from_str(&ended.exits(0).stdout).unwrap()
    };
    let (plain, secret) = (run("false"), run("true"));
    for (before, after) in plain.transports.iter().zip(&secret.transports) {
        let label = &after.label;
        assert_eq!((after.deliveries.lost, after.deliveries.duplicated), (0, 0), "{label}");
        assert!(after.deliveries.delivered > 0 && after.clients_connected == 8, "{label}");
        let bytes = |t: &anynews::outcome::TransportOutcome| t.bytes.both_ways().unwrap();
        assert!(bytes(after) > bytes(before), "{label}: {} {}", bytes(after), bytes(before));
        assert!(after.handshake.as_ref().unwrap().request.starts_with("GET "), "{label}");
    }
    let down = |t: usize| secret.transports[t].bytes.down.unwrap();
    let polls = secret.transports[1].requests.polls;
    let each = (down(1) - down(0)) / polls;
    assert!((500..3000).contains(&each), "{each} bytes of each closing poll are a handshake");
}

#[test]
fn a_handshake_over_tls_is_shown_once_its_certificate_is_trusted() {
    let (serve, certificate) = Serve::over_tls();
    let url = format!("{}/topics/lesson/socket?as=you", serve.http.replacen("https", "wss", 1));
    let here = std::env::temp_dir();
    let ended = anynews(&here, &["handshake", &url, "--trust", &certificate]).exits(0);
    for word in ["TLS 1.3", "GET /topics/lesson/socket?as=you HTTP/1.1", "the server speaks unasked"] {
        assert!(ended.stdout.contains(word), "{word}\n{}", ended.stdout);
    }
    anynews(&here, &["handshake", &url]).exits(1).says(&["TLS handshake failed", "--trust"]);
    anynews(&here, &["handshake", &url, "--trust", "no"]).exits(2).says(&["certificate"]);
}
