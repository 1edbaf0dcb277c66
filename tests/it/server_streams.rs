//! SSE and WebSocket: what the contract says of the two that push, and how they end.

use std::time::{Duration, Instant};

use anynews::server::Settings;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::harness::{TestServer, get, soon};

#[tokio::test]
async fn a_socket_greets_replays_delivers_and_acknowledges() {
    let server = TestServer::start().await;
    server.publish("t", json!({"data": 1})).await;
    server.publish("t", json!({"data": 2})).await;

    let (mut now, hello) = server.socket("/topics/t/socket?as=7").await;
    assert_eq!(
        (&hello["offset"], &hello["first"], &hello["recovered"]),
        (&json!(2), &json!(1), &json!(true))
    );
    let epoch = hello["epoch"].as_str().unwrap();
    let (mut later, hello) = server.socket(&format!("/topics/t/socket?after=1&epoch={epoch}")).await;
    assert_eq!((&hello["offset"], &hello["recovered"]), (&json!(1), &json!(true)));
    assert_eq!(later.json().await["offset"], 2);
    let (mut lost, hello) = server.socket("/topics/t/socket?after=1&epoch=other").await;
    assert_eq!((&hello["offset"], &hello["recovered"]), (&json!(2), &json!(false)));

    now.say(json!({"data": "hi", "id": "m1"})).await;
    assert_eq!(now.json().await, json!({"ack": {"offset": 3, "id": "m1"}}));
    for reader in [&mut later, &mut lost] {
        let event = reader.json().await;
        assert_eq!(
            (&event["offset"], &event["from"], &event["data"]),
            (&json!(3), &json!("7"), &json!("hi"))
        );
    }
    // Its own event did not come back to the author: the next thing it hears is a later one.
    server.publish("t", json!({"data": 4})).await;
    assert_eq!(now.json().await["offset"], 4);
}

#[tokio::test]
async fn a_refused_publish_names_its_id_and_the_socket_stays_open() {
    let server = TestServer::start().await;
    let (mut socket, _) = server.socket("/topics/t/socket").await;
    socket.say(json!({"id": "m1"})).await;
    let refused = socket.json().await;
    assert_eq!((&refused["error"]["status"], &refused["id"]), (&json!(400), &json!("m1")));
    socket.send(Message::binary(vec![1, 2])).await;
    assert_eq!(socket.json().await["error"]["status"], 400);
    socket.say(json!({"data": 1})).await;
    assert_eq!(socket.json().await, json!({"ack": {"offset": 1, "id": null}}));
    assert_eq!(server.stats().await.socket_publishes, 1);
}

#[tokio::test]
async fn a_stream_opens_with_hello_and_comes_back_where_it_was() {
    let server = TestServer::start().await;
    server.publish("t", json!({"data": 1})).await;
    let mut stream = server.raw().await;
    stream.send(get("/topics/t/stream?after=0")).await;
    let text = stream.until("\"data\":1}\n\n").await;
    assert!(text.contains("content-type: text/event-stream") && text.contains("cache-control: no-store"));
    let (_, events) = text.split_once("\r\n\r\n").unwrap();
    let epoch = server.ask("/topics/t/events").await.1["epoch"].as_str().unwrap().to_owned();
    let hello = format!(
        "retry: 1000\nid: {epoch}:0\nevent: hello\ndata: {{\"epoch\":\"{epoch}\",\"offset\":0,\"first\":1,\"recovered\":true}}\n\n"
    );
    assert!(events.contains(&hello), "{events}");
    assert!(
        events.contains(&format!("id: {epoch}:1\nevent: message\ndata: {{\"topic\":\"t\",\"offset\":1,"))
    );
    assert_eq!(text.matches("retry:").count(), 1);

    server.publish("t", json!({"data": 2})).await;
    stream.until("\"data\":2}\n\n").await;
    drop(stream);
    // A browser comes back with the address of its first request and the id it saw last.
    server.publish("t", json!({"data": 3})).await;
    let mut back = server.raw().await;
    back.send(format!(
        "GET /topics/t/stream?after=0 HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {epoch}:2\r\n\r\n"
    ))
    .await;
    let text = back.until("\"data\":3}\n\n").await;
    assert!(
        text.contains("\"offset\":2,\"first\":1,\"recovered\":true}") && !text.contains("\"data\":2}"),
        "{text}"
    );

    let mut foreign = server.raw().await;
    foreign.send("GET /topics/t/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: other:2\r\n\r\n").await;
    assert!(foreign.until("\n\n").await.contains("\"offset\":3,\"first\":1,\"recovered\":false}"));
}

#[tokio::test]
async fn the_end_of_the_server_is_told_to_everyone() {
    let server = TestServer::start().await;
    let (mut socket, _) = server.socket("/topics/t/socket").await;
    let mut stream = server.raw().await;
    stream.send(get("/topics/t/stream")).await;
    stream.until("\n\n").await;
    let held = tokio::spawn(server.get("/topics/held/events?wait=60s").send());
    server.stats_when(|stats| stats.topics == 2).await;
    let mut idle = server.raw().await;
    idle.send(get("/healthz")).await;
    idle.until("ok\n").await;

    server.stop();
    assert_eq!(socket.close_code().await, 1001);
    assert!(soon(socket.0.next()).await.is_none_or(|end| end.is_err()));
    assert!(stream.rest().await.ends_with("0\r\n\r\n"), "the last chunk, so a whole answer");
    let held = soon(held).await.unwrap().unwrap();
    assert_eq!(held.status(), 200);
    assert!(held.text().await.unwrap().ends_with("\"events\":[]}"));
    assert_eq!(idle.rest().await, "");
    server.stopped().await;
}

/// Twenty sockets of a server that ends: their close codes, and when each came, in order.
async fn sent_away(settings: Settings) -> (Vec<u16>, Vec<Duration>) {
    let server = TestServer::with(settings).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(server.socket("/topics/t/socket").await.0);
    }
    let begin = Instant::now();
    server.stop();
    let codes = sockets.iter_mut().map(|socket| async move { (socket.close_code().await, begin.elapsed()) });
    let (codes, mut times): (Vec<_>, Vec<_>) = join_all(codes).await.into_iter().unzip();
    times.sort();
    server.stopped().await;
    (codes, times)
}

#[tokio::test]
async fn a_drain_sends_people_away_one_after_another_or_at_once() {
    let drain = Duration::from_secs(2);
    let spread = Settings { drain, at_once: CancellationToken::new(), ..Settings::default() };
    let (codes, times) = sent_away(spread).await;
    assert_eq!(codes, [1012; 20], "come back");
    // Evenly over 1.8 s: never more than a few in any tenth of it, and everybody within the drain.
    assert!(times[19] <= drain && times[19] >= drain / 2, "{times:?}");
    assert!(times.windows(6).all(|few| few[5] - few[0] >= drain / 10), "{times:?}");

    let (codes, times) = sent_away(Settings { drain, ..Settings::default() }).await;
    assert_eq!(codes, [1001; 20], "nobody takes its place");
    assert!(times[19] < drain / 2, "{times:?}");
}
