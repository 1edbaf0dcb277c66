//! What the server does not put up with.

use std::time::{Duration, Instant};

use anynews::server::Settings;
use serde_json::json;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Raw, TestServer, get, soon, upgrade};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn headers_that_never_end_are_cut_off_while_an_idle_connection_lives() {
    let server = TestServer::with(Settings { head_timeout: SHORT, ..Default::default() }).await;
    let mut idle = server.raw().await;
    idle.send(get("/healthz")).await;
    idle.until("ok\n").await;

    let began = Instant::now();
    let mut silent = server.raw().await;
    let mut slow = server.raw().await;
    slow.send("GET /healthz HTTP/1.1\r\nHost: local").await;
    // On a connection that was kept alive, the time runs from the first byte of the next request.
    let mut second = server.raw().await;
    second.send(get("/healthz")).await;
    second.until("ok\n").await;
    second.send("GET /hea").await;
    // Time counts for the whole head, not from byte to byte.
    let mut dripping = server.raw().await;
    let drip = async {
        loop {
            dripping.send("G").await;
            tokio::time::sleep(SHORT / 6).await;
            if let Ok(count) = dripping.stream.try_read(&mut [0; 12])
                && count > 0
            {
                return;
            }
        }
    };
    soon(drip).await;
    assert_eq!(silent.rest().await, "");
    for mut connection in [slow, second] {
        let end = connection.rest().await;
        assert!(end.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{end}");
    }
    assert!(began.elapsed() >= SHORT);

    idle.send(get("/healthz")).await;
    assert!(idle.until("ok\n").await.starts_with("HTTP/1.1 200"));
}

/// An acknowledgement of settings that comes after an answer is no head that never ends.
#[tokio::test]
async fn an_idle_connection_of_http_2_lives_and_a_304_claims_no_length() {
    let server = TestServer::with(Settings { head_timeout: SHORT, ..Default::default() }).await;
    server.publish("t", json!({"kind": "message", "data": 1})).await;
    let client = anynews::client::builder(None).http2_prior_knowledge().build().unwrap();
    let url = server.url("/topics/t/events?after=0");
    let first = client.get(&url).send().await.unwrap();
    assert_eq!(first.version(), reqwest::Version::HTTP_2);
    let tag = first.headers()["etag"].clone();
    first.bytes().await.unwrap();
    // It is the time without a word that matters.
    tokio::time::sleep(3 * SHORT).await;
    let again = client.get(&url).header("if-none-match", tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.headers().get("content-length")), (304, None));
    assert_eq!(server.stats().await.connections.opened, 2, "the publisher's and this one");
}

#[tokio::test]
async fn an_idle_connection_ends_at_its_own_limit() {
    let server = TestServer::with(Settings { idle_keep_alive: SHORT, ..Default::default() }).await;
    let mut idle = server.raw().await;
    for _ in 0..3 {
        idle.send(get("/healthz")).await;
        idle.until("ok\n").await;
    }
    let began = Instant::now();
    assert_eq!(idle.rest().await, "");
    let took = began.elapsed();
    assert!(took >= SHORT / 2 && took < Settings::default().head_timeout, "{took:?}");
}

#[tokio::test]
async fn a_held_poll_and_a_stream_outlive_the_limits_for_heads_and_idling() {
    let settings =
        Settings { head_timeout: SHORT, idle_keep_alive: SHORT, comment: SHORT * 3, ..Default::default() };
    let server = TestServer::with(settings).await;
    let (_, empty) = server.ask("/topics/t/events?wait=900ms").await;
    assert_eq!(empty["events"], json!([]));
    let mut stream = server.raw().await;
    stream.send(get("/topics/t/stream")).await;
    stream.until("hello").await;
    stream.until(":\n\n").await;
    stream.until(":\n\n").await;
    server.publish("t", json!({"data": 1})).await;
    stream.until("\"data\":1").await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_answered_408() {
    let server = TestServer::with(Settings { body_timeout: SHORT, ..Default::default() }).await;
    let mut slow = server.raw().await;
    slow.send("POST /topics/t/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{\"da").await;
    assert!(slow.rest().await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn a_body_of_unsaid_length_is_cut_at_the_limit() {
    let server = TestServer::with(Settings { max_message: 1000, ..Default::default() }).await;
    let mut large = server.raw().await;
    large
        .send("POST /topics/t/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    large.send(format!("7d0\r\n{}\r\n0\r\n\r\n", "x".repeat(2000))).await;
    assert!(large.until("}").await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_request_that_is_no_http_is_answered_400() {
    let server = TestServer::start().await;
    let mut broken = server.raw().await;
    broken.send("What is new?\r\n\r\n").await;
    assert!(broken.rest().await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn an_oversized_message_closes_the_socket_with_1009() {
    let server = TestServer::start().await;
    let (mut socket, _) = server.socket("/topics/t/socket").await;
    socket.send(Message::text("x".repeat(64 * 1024 + 1))).await;
    assert_eq!(socket.close_code().await, 1009);
}

#[tokio::test]
async fn a_key_that_is_no_nonce_opens_no_socket() {
    let server = TestServer::start().await;
    let mut raw = server.raw().await;
    raw.send(upgrade("/topics/t/socket").replace("dGhlIHNhbXBsZSBub25jZQ==", "bad")).await;
    assert!(raw.until("}").await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn broken_frames_close_the_socket_with_the_code_for_it() {
    let server = TestServer::start().await;
    let mask = [0, 0, 0, 0];
    let cases: [(&str, Vec<u8>, u16); 3] = [
        ("a reserved opcode", [&[0x83, 0x80][..], &mask].concat(), 1002),
        ("no mask", vec![0x81, 0x01, b'x'], 1002),
        ("no UTF-8", [&[0x81, 0x81][..], &mask, &[0xff]].concat(), 1007),
    ];
    for (what, frame, code) in cases {
        let mut socket = server.raw().await;
        socket.send(upgrade("/topics/t/socket")).await;
        socket.until("recovered\":true}}").await;
        let from = socket.received.len();
        socket.send(frame).await;
        socket.rest().await;
        let close = &socket.received[from..];
        assert_eq!((close[0], &close[2..4]), (0x88, &u16::to_be_bytes(code)[..]), "{what}");
    }
}

#[tokio::test]
async fn a_socket_that_answers_no_ping_is_closed() {
    let server = TestServer::with(Settings { ping: SHORT, pong_timeout: SHORT, ..Default::default() }).await;
    // A raw client does not know what a ping is.
    let mut deaf = server.raw().await;
    deaf.send(upgrade("/topics/t/socket")).await;
    deaf.until("recovered\":true}}").await;
    let from = deaf.received.len();
    deaf.rest().await;
    assert_eq!(&deaf.received[from..from + 2], [0x89, 0], "one ping");
    assert_eq!(&deaf.received[from + 4..from + 6], u16::to_be_bytes(3012));
    // One that answers is pinged on and on.
    let (mut alive, _) = server.socket("/topics/t/socket").await;
    for _ in 0..4 {
        let message = soon(futures_util::StreamExt::next(&mut alive.0)).await.unwrap().unwrap();
        assert!(message.is_ping(), "{message:?}");
    }
}

/// A reader with a small receive buffer, so that little is under way when it stops reading.
async fn reluctant(server: &TestServer) -> Raw {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(server.address()).await.unwrap();
    Raw { stream, sent: 0, received: Vec::new() }
}

#[tokio::test]
async fn a_socket_too_far_behind_is_closed_with_3008() {
    let server = TestServer::with(Settings { queue: 100_000, ..Default::default() }).await;
    let mut slow = reluctant(&server).await;
    slow.send(upgrade("/topics/t/socket")).await;
    slow.until("recovered\":true}}").await;
    let (mut quick, _) = server.socket("/topics/t/socket").await;
    // The kernel takes some megabytes before anything is stuck.
    let mut published = 0;
    while server.stats().await.slow_closed == 0 {
        published = server.publish("t", json!({"data": "x".repeat(60_000)})).await;
        assert_eq!(quick.json().await["offset"], published);
        assert!(published < 1000, "never too slow");
    }
    slow.rest().await;
    let close = &slow.received[slow.received.len() - 8..];
    assert_eq!(close, [&[0x88, 6][..], &u16::to_be_bytes(3008), b"slow"].concat());
    assert!((slow.received.len() as u64) < published * 60_000, "it did not get everything");
    // Nobody else suffers.
    let next = server.publish("t", json!({"data": 1})).await;
    assert_eq!(quick.json().await["offset"], next);
}

#[tokio::test]
async fn much_history_does_not_make_a_reader_slow() {
    let server = TestServer::with(Settings { queue: 100_000, ..Default::default() }).await;
    for _ in 0..200 {
        server.publish("t", json!({"data": "x".repeat(60_000)})).await;
    }
    let (mut socket, _) = server.socket("/topics/t/socket?after=0").await;
    for offset in 1..=200 {
        assert_eq!(socket.json().await["offset"], offset);
    }
}

#[tokio::test]
async fn a_stream_too_far_behind_is_ended_with_a_comment() {
    let server = TestServer::with(Settings { queue: 100_000, ..Default::default() }).await;
    let mut slow = reluctant(&server).await;
    slow.send(get("/topics/t/stream")).await;
    slow.until("\n\n").await;
    for _ in 0..200 {
        server.publish("t", json!({"data": "x".repeat(60_000)})).await;
    }
    assert!(slow.until(": too far behind").await.len() < 200 * 60_000);
    assert_eq!(server.stats().await.slow_closed, 1);
}

#[tokio::test]
async fn an_answer_nobody_reads_is_given_up() {
    let server = TestServer::with(Settings { write_stall: SHORT, ..Default::default() }).await;
    for _ in 0..60 {
        server.publish("t", json!({"data": "x".repeat(60_000)})).await;
    }
    let mut never = reluctant(&server).await;
    for _ in 0..4 {
        never.send(get("/topics/t/events?after=0")).await;
    }
    server.stats_when(|stats| stats.polls > 0).await;
    server.stats_when(|stats| stats.connections.current == 1).await; // the publisher's
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_503() {
    let server = TestServer::with(Settings { max_connections: 2, ..Default::default() }).await;
    let mut kept = [server.raw().await, server.raw().await];
    for connection in &mut kept {
        connection.send(get("/healthz")).await;
        connection.until("ok\n").await;
    }
    let mut third = server.raw().await;
    let answer = third.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && answer.contains("all 2"),
        "{answer}"
    );
    drop(third);
    drop(kept);
    let stats = server.stats_when(|stats| stats.connections.current == 0).await;
    assert_eq!((stats.connections.opened, stats.connections.refused), (2, 1));
    let mut next = server.raw().await;
    next.send(get("/healthz")).await;
    next.until("ok\n").await;
}
