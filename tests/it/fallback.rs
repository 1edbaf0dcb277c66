//! Sockets that are refused on the way: people turn to long polls, and from those to polls, without haste.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anynews::client::{self, Crowd, Servers, Setting};
use anynews::clock::Clock;
use anynews::ledger::Plan;
use anynews::scenario::file::{Overrides, read};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{TestServer, soon};

/// Something before the server that answers requests whose head holds one of these words with a status,
/// and counts them; it passes on one request per connection.
struct Wall {
    address: SocketAddr,
    refused: Arc<AtomicUsize>,
}

impl Wall {
    async fn before(server: SocketAddr, words: &'static [&'static str], status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, refused) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = refused.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, server, words, status, count.clone()));
            }
        });
        Self { address, refused }
    }
}

async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    words: &[&str],
    status: u16,
    refused: Arc<AtomicUsize>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).ok()?;
    if words.iter().any(|word| text.contains(word)) {
        refused.fetch_add(1, Relaxed);
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        client.write_all(answer.as_bytes()).await.ok()?;
        return None;
    }
    let mut server = TcpStream::connect(server).await.ok()?;
    server.write_all(text.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).await.ok()?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    None
}

/// One person over WebSocket who reads, and one who writes to them, behind such a wall; what the ledger
/// says, and how often something was refused.
async fn behind(words: &'static [&'static str], status: u16) -> (anynews::outcome::TransportOutcome, usize) {
    let server = TestServer::start().await;
    let wall = Wall::before(server.address(), words, status).await;
    let text = "clients = 1\nduration = \"60s\"\nwarmup = \"0ms\"\n[workload]\nkind = \"periodic\"\ngap = \"1s\"\n\
                [[transport]]\nkind = \"websocket\"\n";
    let scenario = read("t", "t.toml", text, &Overrides::default()).unwrap();
    let plan = Arc::new(Plan::new(scenario.workload.schedule(1, 1, 0, 60_000_000)));
    let clock = Clock::anchored_now();
    let crowd = Arc::new(Crowd::new(Setting {
        way: scenario.transports[0].way.clone(),
        headers: anynews::headers::Headers::Lean,
        servers: Servers::new(vec![wall.address.to_string()], Vec::new(), false),
        tls: None,
        prefix: String::new(),
        token: None,
        clock,
        seed: 1,
        warmup: 0,
        duration: 60_000_000,
        visit: None,
        patience: 0,
        plan: plan.clone(),
        people: 0..1,
        person: 0,
        keep_log: false,
        moments: None,
        opening: Duration::ZERO,
        people_fail: false,
    }));
    crowd.begin(clock.now());
    let person = tokio::spawn(client::live(crowd.clone(), 0));
    soon(crowd.all_ready()).await;
    for event in 0..3 {
        let topic = &plan.schedule.topics[0];
        server.publish(topic, json!({"data": event, "id": Plan::id_of(event)})).await;
    }
    soon(async {
        while crowd.ledger().delivered_so_far() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let present = crowd.ledger().present();
    crowd.stop.cancel();
    soon(person).await.unwrap();
    assert_eq!(present, 1, "somebody who polls is there");
    (crowd.take_ledger().close(1, 0).outcome, wall.refused.load(Relaxed))
}

#[tokio::test]
async fn who_is_refused_a_socket_polls_long() {
    for status in [403, 404, 426] {
        let (outcome, refused) = behind(&["pgrade: websocket"], status).await;
        assert_eq!(outcome.trouble.as_ref().unwrap().fallbacks, 1);
        assert_eq!((refused, outcome.requests.opens), (1, 1), "{status} is an answer");
        assert_eq!((outcome.deliveries.delivered, outcome.deliveries.duplicated), (3, 0));
        assert!(outcome.requests.polls <= 4, "held, not asked again and again: {}", outcome.requests.polls);
    }
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_three_times_and_not_at_once() {
    let begin = std::time::Instant::now();
    let (outcome, refused) = behind(&["pgrade: websocket"], 503).await;
    assert_eq!((refused, outcome.trouble.unwrap().fallbacks), (3, 1));
    // Two pauses: 0.5 to 1 s, then 1 to 2 s.
    assert!(begin.elapsed() >= Duration::from_millis(1500), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn who_is_refused_long_polls_too_polls() {
    let (outcome, refused) = behind(&["pgrade: websocket", "&wait="], 404).await;
    assert_eq!((outcome.trouble.as_ref().unwrap().fallbacks, refused), (1, 2), "each is refused once");
    assert_eq!(outcome.deliveries.delivered, 3);
}
