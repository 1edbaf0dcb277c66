//! Whom the server lets do what: tokens, hosts, limits by address and by topic.

use anynews::broker::{Broker, Capacity};
use std::num::NonZeroU32;

use anynews::server::Settings;
use anynews::token::Token;
use serde_json::json;

use crate::harness::{TestServer, answer, get, soon, upgrade};

const EVENTS: &str = "/topics/t/events";

async fn with_token() -> TestServer {
    TestServer::with(Settings { token: Some("s3cret".parse::<Token>().unwrap()), ..Default::default() }).await
}

#[tokio::test]
async fn publishing_needs_the_token_and_reading_does_not() {
    let server = with_token().await;
    let post = || server.post(EVENTS, r#"{"data":1}"#);
    for (shown, status) in
        [(None, 401), (Some("Bearer guess"), 401), (Some("Basic s3cret"), 401), (Some("Bearer s3cret"), 201)]
    {
        let request = shown.map_or_else(post, |shown| post().header("authorization", shown));
        let response = soon(request.send()).await.unwrap();
        assert_eq!(response.status(), status, "{shown:?}");
        if status == 401 {
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
    }
    let (status, found) = server.ask("/topics/t/events?after=0").await;
    assert_eq!((status, found["offset"].as_u64()), (200, Some(1)), "only the right one went in");
}

#[tokio::test]
async fn the_token_of_one_client_is_told_to_no_other() {
    let server = with_token().await;
    let post = server.post(EVENTS, r#"{"data":1}"#).header("authorization", "Bearer s3cret");
    assert_eq!(answer(post).await.0, 201);
    for path in ["/stats", "/metrics", "/openapi.json", "/topics/t/events?after=0"] {
        let text = soon(server.get(path).send()).await.unwrap().text().await.unwrap();
        assert!(!text.contains("s3cret"), "{path}: {text}");
    }
}

#[tokio::test]
async fn on_a_socket_the_token_is_shown_by_header_or_by_message() {
    let server = with_token().await;
    let (mut page, _) = server.socket("/topics/t/socket?as=me").await;
    page.say(json!({"data": 1, "id": "a"})).await;
    let refused = page.json().await;
    assert_eq!((&refused["error"]["status"], &refused["id"]), (&json!(401), &json!("a")));
    page.say(json!({"token": "s3cret"})).await;
    assert_eq!(page.json().await, json!({"authorized": true}));
    page.say(json!({"data": 1, "id": "a"})).await;
    assert_eq!(page.json().await, json!({"ack": {"offset": 1, "id": "a"}}));

    let (mut guesser, _) = server.socket("/topics/t/socket").await;
    guesser.say(json!({"token": "guess"})).await;
    assert_eq!(guesser.close_code().await, 3500);

    for (token, expected) in [("guess", "HTTP/1.1 401"), ("s3cret", "HTTP/1.1 101")] {
        let mut raw = server.raw().await;
        let head = upgrade("/topics/t/socket").replace("\r\n\r\n", "\r\nAuthorization: Bearer ");
        raw.send(format!("{head}{token}\r\n\r\n")).await;
        assert!(raw.until("\r\n\r\n").await.starts_with(expected), "{token}");
    }
    assert_eq!(server.stats().await.events.published, 1);
}

#[tokio::test]
async fn a_request_names_one_host_that_is_served() {
    let server =
        TestServer::with(Settings { allow_host: vec!["news.example".into()], ..Default::default() }).await;
    let port = server.address().port();
    let cases = [
        ("HTTP/1.1\r\nHost: news.example\r\n", "200"),
        ("HTTP/1.1\r\nHost: NEWS.example:99\r\n", "200"),
        ("HTTP/1.1\r\nHost: 127.0.0.1\r\n", "200"),
        ("HTTP/1.1\r\nHost: [::1]:80\r\n", "200"),
        ("HTTP/1.0\r\n", "200"),
        ("HTTP/1.1\r\nHost: evil.example\r\n", "403"),
        ("HTTP/1.1\r\nHost: news.example.evil.example\r\n", "403"),
        ("HTTP/1.1\r\nHost: 192.0.2.1\r\n", "403"),
        ("HTTP/1.1\r\n", "400"),
        ("HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", "400"),
        ("HTTP/1.1\r\nHost: \u{e9}vil.example\r\n", "400"),
    ];
    for (rest, status) in cases {
        let mut raw = server.raw().await;
        raw.send(format!("GET /healthz {rest}Connection: close\r\n\r\n")).await;
        let answer = raw.rest().await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{rest:?} at {port}: {answer}");
    }
    // Rebinding: the page's own name in both headers.
    let mut page = server.raw().await;
    page.send(
        upgrade("/topics/t/socket").replace("localhost", "evil.example\r\nOrigin: http://evil.example"),
    )
    .await;
    assert!(page.until("\r\n\r\n").await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn one_address_holds_only_so_many_connections() {
    let settings = Settings { max_per_address: 2, limit_loopback: true, ..Default::default() };
    let server = TestServer::with(settings).await;
    let mut held = [server.raw().await, server.raw().await];
    for connection in &mut held {
        connection.send(get("/healthz")).await;
        connection.until("ok\n").await;
    }
    let answer = server.raw().await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("all 2"), "{answer}");
    drop(held);
    soon(async {
        loop {
            // Until the server has seen them go.
            let mut next = server.raw().await;
            next.send(get("/healthz")).await;
            if next.rest_or("ok\n").await.contains("200") {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn one_address_asks_only_so_often_by_request_and_by_message() {
    let settings = Settings { max_rate: NonZeroU32::MIN, limit_loopback: true, ..Default::default() };
    let server = TestServer::with(settings).await;
    // The upgrade, and one message: twice the rate may come at once.
    let (mut socket, _) = server.socket("/topics/t/socket").await;
    socket.say(json!({"data": 1, "id": "a"})).await;
    assert_eq!(socket.json().await["ack"]["offset"], 1);
    socket.say(json!({"data": 1, "id": "b"})).await;
    // Its own event comes too, in either order with the refusal.
    let (one, other) = (socket.json().await, socket.json().await);
    let refusal = if one["error"].is_object() { one } else { other };
    assert_eq!((&refusal["error"]["status"], &refusal["id"]), (&json!(429), &json!("b")));
    let response = soon(server.get("/healthz").send()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
}

#[tokio::test]
async fn topics_are_capped_for_publishers_and_readers() {
    let server = TestServer::with(Settings {
        broker: Broker::memory(Capacity { topics: 2, ..Capacity::default() }),
        ..Settings::default()
    })
    .await;
    server.publish("a", json!({"data": 1})).await;
    server.publish("b", json!({"data": 1})).await;
    for request in [
        server.post("/topics/c/events", r#"{"data":1}"#),
        server.get("/topics/c/stream"),
        server.get("/topics/c/events?wait=1s"),
    ] {
        assert_eq!(answer(request).await.0, 503);
    }
    server.publish("a", json!({"data": 2})).await;
    assert_eq!(server.ask("/topics/c/events").await.0, 200, "a poll leaves nothing behind");
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message_with_one_limit() {
    let server = TestServer::with(Settings { max_message: 1000, ..Default::default() }).await;
    let fragment = |first: u8, bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[first, 0x80 | 126, length[0], length[1], 0, 0, 0, 0], bytes].concat()
    };
    let mut socket = server.raw().await;
    socket.send(upgrade("/topics/t/socket?as=me")).await;
    socket.until("recovered\":true}}").await;
    // Text, a ping in between as RFC 6455 §5.4 allows, the last continuation.
    socket.send(fragment(0x01, br#"{"data""#)).await;
    socket.send([0x89, 0x80, 0, 0, 0, 0]).await;
    socket.send(fragment(0x80, b":1}")).await;
    socket.until("\"ack\":{\"offset\":1").await;

    let from = socket.received.len();
    socket.send(fragment(0x01, &[b' '; 600])).await;
    socket.send(fragment(0x00, &[b' '; 600])).await;
    socket.rest().await;
    let close = &socket.received[from..];
    let at = close.iter().position(|byte| *byte == 0x88).unwrap();
    assert_eq!(close[at + 2..at + 4], u16::to_be_bytes(1009));
}

#[tokio::test]
async fn a_frame_that_promises_the_world_costs_nothing() {
    let server = TestServer::start().await;
    let (mut bystander, _) = server.socket("/topics/t/socket").await;
    let mut liar = server.raw().await;
    liar.send(upgrade("/topics/t/socket")).await;
    liar.until("recovered\":true}}").await;
    let from = liar.received.len();
    liar.send([&[0x81, 0xff][..], &u64::to_be_bytes(1 << 62), &[0; 4]].concat()).await;
    liar.rest().await;
    assert_eq!(liar.received[from + 2..from + 4], u16::to_be_bytes(1009));
    server.publish("t", json!({"data": 1})).await;
    assert_eq!(bystander.json().await["offset"], 1);
}
