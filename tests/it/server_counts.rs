//! The counters agree with what a client sees from outside.

use anynews::event::Publish;
use anynews::server::publish_frame;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{TestServer, get, upgrade};

#[tokio::test]
async fn every_byte_of_every_transport_is_counted() {
    let server = TestServer::start().await;
    let mut http = server.raw().await;
    let body = r#"{"data":"hello"}"#;
    http.send(format!(
        "POST /topics/t/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    http.until("offset\":1}").await;
    http.send(get("/topics/t/events?after=0")).await;
    http.until("]}").await;
    let mut socket = server.raw().await;
    socket.send(upgrade("/topics/t/socket?after=0")).await;
    socket.until("\"hello\"}").await;
    // "{}" masked with zeroes: no publish, so an error frame comes back.
    socket.send([0x81, 0x82, 0, 0, 0, 0, b'{', b'}']).await;
    socket.until("\"id\":null}").await;
    let mut stream = server.raw().await;
    stream.send(get("/topics/t/stream?after=0")).await;
    stream.until("\"hello\"}\n\n\r\n").await;

    let stats = server.stats().await;
    let all = [&http, &socket, &stream];
    assert_eq!(stats.bytes.up, all.iter().map(|raw| raw.sent).sum::<u64>());
    assert_eq!(stats.bytes.down, all.iter().map(|raw| raw.received.len() as u64).sum::<u64>());
    assert_eq!((stats.requests, stats.polls, stats.publishes), (4, 1, 1));
    assert_eq!((stats.opens, stats.handshakes), (2, 1));
    assert_eq!((stats.connections.opened, stats.connections.current, stats.connections.peak), (3, 3, 3));

    let head = |received: &[u8]| {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        end as u64 + 4
    };
    let opening = upgrade("/topics/t/socket?after=0").len() as u64
        + head(&socket.received)
        + stream.sent
        + head(&stream.received);
    assert_eq!(stats.bytes.opening, opening);

    let first = stats.first_exchange.unwrap();
    assert!(
        first.request.starts_with("POST /topics/t/events HTTP/1.1\r\n")
            && first.request.ends_with("\r\n\r\n")
    );
    assert_eq!(first.response.as_bytes(), &http.received[..head(&http.received) as usize]);
}

#[tokio::test]
async fn the_head_of_an_upgrade_on_a_used_connection_is_its_own() {
    let server = TestServer::start().await;
    let mut raw = server.raw().await;
    raw.send(get("/healthz")).await;
    raw.until("ok\n").await;
    let before = raw.received.len();
    raw.send(upgrade("/topics/t/socket")).await;
    raw.until("recovered\":true}}").await;
    let answer = String::from_utf8_lossy(&raw.received[before..]).into_owned();
    let head = answer.split_once("\r\n\r\n").unwrap().0.len() + 4;
    let stats = server.stats().await;
    assert_eq!(stats.bytes.opening, (upgrade("/topics/t/socket").len() + head) as u64);
}

#[tokio::test]
async fn an_event_is_encoded_once_for_fifty_readers() {
    let server = TestServer::start().await;
    let (mut sockets, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        sockets.push(server.socket("/topics/t/socket").await.0);
        let mut stream = server.raw().await;
        stream.send(get("/topics/t/stream")).await;
        stream.until("\n\n").await;
        streams.push(stream);
    }
    for n in 1..=4 {
        server.publish("t", json!({"data": format!("n{n}")})).await;
    }
    for socket in &mut sockets {
        for n in 1..=4 {
            assert_eq!(socket.json().await["offset"], n);
        }
    }
    for stream in &mut streams {
        stream.until("\"n4\"").await;
    }
    let events = server.stats().await.events;
    assert_eq!((events.published, events.encoded, events.framed), (4, 4, 4));
}

#[tokio::test]
async fn the_control_listener_publishes_in_bulk_and_is_not_counted() {
    let server = TestServer::start().await;
    let (mut reader, _) = server.socket("/topics/t/socket").await;
    let before = server.stats().await;
    let mut control = server.control_socket("/control/publish").await;
    let publish: Publish = serde_json::from_str(r#"{"data":{"n":1}}"#).unwrap();
    control.send(Message::text(publish_frame([("t", &publish), ("t", &publish), ("u", &publish)]))).await;
    assert_eq!(control.json().await, json!({"acked": 3}));
    control.send(Message::text(r#"[{"topic":"t","data":1},{"topic":"a b","data":1},{"topic":"t"}]"#)).await;
    let partly = control.json().await;
    assert_eq!((&partly["acked"], &partly["error"]["status"]), (&json!(1), &json!(400)));
    for offset in 1..=3 {
        assert_eq!(reader.json().await["offset"], offset);
    }
    let after = server.stats().await;
    assert_eq!((after.requests, after.publishes), (before.requests, 0));
    assert_eq!((after.connections, after.bytes.up), (before.connections, before.bytes.up));
    assert_eq!(after.events.published, 4);
}

#[tokio::test]
async fn a_window_is_sampled_on_the_shared_clock() {
    let settings = anynews::server::Settings::default();
    let clock = settings.clock;
    let server = TestServer::with(settings).await;
    server.ask("/topics/t/events").await;
    let start = clock.now() + 20_000;
    let window = json!({"start": start, "end": start + 50_000, "step_us": 20_000});
    assert_eq!(server.control_post("/control/window", window).await.0, 202);
    let samples = server.stats_when(|stats| stats.window.len() == 4).await.window;
    for (sample, due) in samples.iter().zip([0, 20_000, 40_000, 50_000]) {
        assert!(sample.at >= start + due, "{sample:?}");
    }
    let last = samples.last().unwrap();
    assert!(last.requests == 1 && last.bytes_up > 0 && last.bytes_down > 0 && last.cpu_us > 0);
    let wrong = json!({"start": 2, "end": 1, "step_us": 1});
    assert_eq!(server.control_post("/control/window", wrong).await.0, 400);
}
