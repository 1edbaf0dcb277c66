//! What a network does to the server's connections: when bytes arrive, and that all of them do.
//!
//! Lower bounds are exact, because nothing may be early. Upper ones are wide, because machines are
//! busy.

use std::time::{Duration, Instant};

use anynews::link::Link;
use anynews::server::Settings;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{TestServer, get, soon, upgrade};

const RTT: Duration = Duration::from_millis(100);

async fn behind(network: &str) -> TestServer {
    let link: Link = network.parse().unwrap();
    TestServer::with(Settings { link: Some(link), seed: Some(1), ..Settings::default() }).await
}

/// An event put on the feed at once, whatever the network.
async fn publish(server: &TestServer, data: serde_json::Value) -> Instant {
    let mut control = server.control_socket("/control/publish").await;
    let begin = Instant::now();
    control.send(Message::text(json!([{"topic": "t", "data": data}]).to_string())).await;
    begin
}

#[tokio::test]
async fn a_new_connection_costs_two_round_trips_and_a_kept_one_one() {
    let server = behind("rtt=100ms").await;
    let begin = Instant::now();
    let mut raw = server.raw().await;
    raw.send(get("/healthz")).await;
    raw.until("ok\n").await;
    let fresh = begin.elapsed();
    assert!(fresh >= 2 * RTT, "{fresh:?}");

    let mut kept = Vec::new();
    for _ in 0..5 {
        let begin = Instant::now();
        raw.send(get("/healthz")).await;
        raw.until("ok\n").await;
        kept.push(begin.elapsed());
    }
    assert!(kept.iter().all(|took| *took >= RTT), "{kept:?}");
    kept.sort();
    assert!(kept[0] < 2 * RTT, "a kept connection opens nothing: {kept:?}");
}

#[tokio::test]
async fn pushed_events_take_half_a_round_trip_on_a_socket_and_on_a_stream() {
    let server = behind("rtt=200ms").await;
    let (mut socket, _) = server.socket("/topics/t/socket").await;
    let mut stream = server.raw().await;
    stream.send(get("/topics/t/stream")).await;
    stream.until("\n\n").await;
    let mut held = server.raw().await;
    held.send(get("/topics/t/events?after=0&wait=20s")).await;
    // It has arrived once it is counted; the upgrade and the stream were requests too.
    server.stats_when(|stats| stats.bytes.up > stream.sent + held.sent).await;

    let mut took = Vec::new();
    for n in 1..=5 {
        let begin = publish(&server, json!(n)).await;
        assert_eq!(socket.json().await["data"], n);
        took.push(begin.elapsed());
        stream.until("\n\n").await;
    }
    assert!(took.iter().all(|took| *took >= RTT), "{took:?}");
    took.sort();
    assert!(took[0] < 2 * RTT, "one way only: {took:?}");
    held.until("\"data\":1").await;
}

#[tokio::test]
async fn a_rate_stretches_what_is_long() {
    let server = behind("down=1Mbit/s,up=1Mbit/s").await;
    let long = "x".repeat(20_000);
    for _ in 0..10 {
        publish(&server, json!(long)).await;
    }
    server.stats_when(|stats| stats.events.published == 10).await;
    let mut raw = server.raw().await;
    let begin = Instant::now();
    raw.send(get("/topics/t/events?after=0")).await;
    raw.until("HTTP/1.1 200").await;
    let first = begin.elapsed();
    raw.until("]}").await;
    let took = begin.elapsed();
    // 200,000 bytes at 125,000 a second.
    assert!(took >= Duration::from_millis(1_600), "{took:?}");
    assert!(first < took / 2, "bit by bit, not all at the end: {first:?} of {took:?}");

    let body = format!(r#"{{"data":"{}"}}"#, "y".repeat(50_000));
    let begin = Instant::now();
    raw.send(format!(
        "POST /topics/up/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    raw.until("offset\":1}").await;
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(400), "{took:?}");
}

#[tokio::test]
async fn a_lost_segment_is_late_and_holds_up_all_that_follows() {
    let server = behind("rtt=20ms,loss=0.3").await;
    let (mut socket, _) = server.socket("/topics/t/socket").await;
    let reader = tokio::spawn(async move {
        let mut arrivals = Vec::new();
        for n in 0..60 {
            assert_eq!(socket.json().await["data"], n, "in order");
            arrivals.push(Instant::now());
        }
        arrivals
    });
    let mut control = server.control_socket("/control/publish").await;
    let mut begins = Vec::new();
    for n in 0..60 {
        begins.push(Instant::now());
        control.send(Message::text(json!([{"topic": "t", "data": n}]).to_string())).await;
        control.json().await;
        // Apart, so that each is a segment of its own.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let arrivals = soon(reader).await.unwrap();
    let took: Vec<Duration> = arrivals.iter().zip(&begins).map(|(end, begin)| *end - *begin).collect();
    assert!(took.iter().all(|took| *took >= Duration::from_millis(10)), "{took:?}");
    assert!(took.iter().any(|took| *took >= Duration::from_millis(200)), "18 of 60 are lost: {took:?}");
    // Sent 5 ms apart, and there together: the second waited for the first.
    let ms = Duration::from_millis;
    let held = (1..60).filter(|&n| took[n - 1] >= ms(100) && arrivals[n] - arrivals[n - 1] < ms(3)).count();
    assert!(held >= 3, "{held} {took:?}");
}

#[tokio::test]
async fn jitter_reorders_nothing_and_every_byte_is_counted_once() {
    let server = behind("rtt=20ms,jitter=10ms,loss=0.01,down=8Mbit/s,up=8Mbit/s").await;
    let mut http = server.raw().await;
    let mut sent = Vec::new();
    for n in 0..30 {
        let data = format!("{n}-{}", "z".repeat(n * 60));
        let body = format!(r#"{{"data":"{data}"}}"#);
        // All at once, so that requests overtake one another if they can.
        http.send(format!(
            "POST /topics/t/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
        sent.push(data);
    }
    http.until("offset\":30}").await;
    let mut socket = server.raw().await;
    socket.send(upgrade("/topics/t/socket?after=0")).await;
    socket.until(&format!("\"{}\"", sent[29])).await;
    let mut reader = server.raw().await;
    reader.send(get("/topics/t/events?after=0&limit=100")).await;
    reader.until("]}").await;
    let text = String::from_utf8_lossy(&reader.received).into_owned();
    let answer: serde_json::Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    let got: Vec<&str> =
        answer["events"].as_array().unwrap().iter().map(|event| event["data"].as_str().unwrap()).collect();
    assert_eq!(got, sent);

    let all = [&http, &socket, &reader];
    let stats = server.stats().await;
    assert_eq!(stats.bytes.up, all.iter().map(|raw| raw.sent).sum::<u64>());
    assert!(socket.received.ends_with(b"}"), "no part of a frame more");
    assert_eq!(stats.bytes.down, all.iter().map(|raw| raw.received.len() as u64).sum::<u64>());
}

#[tokio::test]
async fn the_end_of_a_connection_comes_after_all_that_was_sent_before_it() {
    let server = behind("rtt=200ms,down=200kbit/s").await;
    publish(&server, json!("x".repeat(5_000))).await;
    server.stats_when(|stats| stats.events.published == 1).await;
    let mut raw = server.raw().await;
    let request = get("/topics/t/events?after=0").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let begin = Instant::now();
    raw.send(request).await;
    let answer = raw.rest().await;
    let took = begin.elapsed();
    assert!(answer.ends_with("]}"), "{}", &answer[answer.len() - 30..]);
    // Opening, request, 5,000 bytes at 25,000 a second, answer.
    assert!(took >= Duration::from_millis(200 + 100 + 200 + 100), "{took:?}");

    // Our own end takes its time too.
    let mut raw = server.raw().await;
    raw.send(get("/healthz")).await;
    raw.until("ok\n").await;
    let before = server.stats().await.connections.current;
    let begin = Instant::now();
    drop(raw);
    server.stats_when(|stats| stats.connections.current < before).await;
    assert!(begin.elapsed() >= RTT, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_server_that_stops_waits_for_what_is_under_way() {
    let server = behind("rtt=200ms,down=200kbit/s").await;
    publish(&server, json!("x".repeat(10_000))).await;
    server.stats_when(|stats| stats.events.published == 1).await;
    let mut raw = server.raw().await;
    raw.send(get("/topics/t/events?after=0")).await;
    server.stats_when(|stats| stats.bytes.down > 10_000).await;
    server.stop();
    let answer = raw.rest().await;
    assert!(answer.ends_with("]}"), "{}", answer.len());
    server.stopped().await;
}

#[tokio::test]
async fn the_control_listener_is_near() {
    let server = behind("rtt=20s").await;
    // Thousands of round trips in the patience of one test.
    for _ in 0..10 {
        assert_eq!(server.stats().await.connections.opened, 0);
    }
}

#[tokio::test]
async fn the_limit_for_headers_is_the_servers_and_begins_when_it_knows_the_client() {
    let link: Link = "rtt=400ms".parse().unwrap();
    let limit = Duration::from_millis(300);
    let server =
        TestServer::with(Settings { link: Some(link), head_timeout: limit, ..Settings::default() }).await;
    let mut quick = server.raw().await;
    quick.send(get("/healthz")).await;
    quick.until("ok\n").await;
    let begin = Instant::now();
    let mut slow = server.raw().await;
    slow.send("GET /healthz HTTP/1.1\r\n").await;
    let answer = slow.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // There at 1.5 round trips, the limit, and half a round trip back.
    assert!(begin.elapsed() >= Duration::from_millis(600 + 300 + 200), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_still_closed_behind_a_network() {
    let link: Link = "rtt=20ms".parse().unwrap();
    let server =
        TestServer::with(Settings { link: Some(link), queue: 64 * 1024, ..Settings::default() }).await;
    let mut slow = server.raw().await;
    slow.send(upgrade("/topics/t/socket")).await;
    slow.until("\"hello\"").await;
    let long = "x".repeat(60_000);
    let mut sent = 0;
    // Beyond what the kernel's buffers and ours hold.
    while server.stats().await.slow_closed == 0 {
        publish(&server, json!(long)).await;
        sent += 1;
        assert!(sent < 2_000, "120 MB and nobody minds");
    }
}

#[tokio::test]
async fn idle_connections_wake_nobody() {
    let server = behind("rtt=30ms,jitter=10ms,down=9Mbit/s,up=9Mbit/s").await;
    let mut sockets = Vec::new();
    for _ in 0..60 {
        sockets.push(server.raw().await);
    }
    for socket in &mut sockets {
        socket.send(upgrade("/topics/t/socket")).await;
    }
    for socket in &mut sockets {
        socket.until("\"hello\"").await;
    }
    // What is still on its way has arrived by then; pings come after seconds.
    let metrics = tokio::runtime::Handle::current().metrics();
    let mut woken = u64::MAX;
    for _ in 0..50 {
        let before = metrics.worker_park_count(0);
        tokio::time::sleep(Duration::from_millis(100)).await;
        woken = woken.min(metrics.worker_park_count(0) - before);
        if woken < 10 {
            break;
        }
    }
    // The test itself, and what else the runtime does.
    assert!(woken < 10, "{woken} wake-ups by 60 idle connections in 100 ms");
}
