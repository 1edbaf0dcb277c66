//! Servers that share a Redis: what crosses, what survives, and what everybody is told when it does not.

use std::time::Duration;

use anynews::broker::Broker;
use anynews::server::Settings;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Socket, TestServer, answer, soon};
use crate::redis_process::{Redis, wanted};

async fn server(broker: Broker) -> TestServer {
    TestServer::with(Settings { broker, ..Settings::default() }).await
}

async fn two(redis: &Redis, keep: usize) -> (TestServer, TestServer) {
    (server(redis.log(keep).await).await, server(redis.log(keep).await).await)
}

/// Publishes until it is acknowledged, as a publisher with an id may; returns epoch and offset.
async fn publish_surely(server: &TestServer, id: &str) -> (String, u64) {
    let body = json!({"data": id, "id": id});
    soon(async {
        loop {
            let (status, place) = answer(server.post("/topics/t/events", body.to_string())).await;
            if status == 201 || status == 200 {
                return (place["epoch"].as_str().unwrap().to_owned(), place["offset"].as_u64().unwrap());
            }
            assert_eq!(status, 503, "{place}");
            assert!(place["detail"].as_str().unwrap().contains("same id"), "{place}");
        }
    })
    .await
}

/// Reads events until one bears the id `last`; hellos on the way are returned apart.
async fn read_until(socket: &mut Socket, last: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut events, mut hellos) = (Vec::new(), Vec::new());
    loop {
        let frame = socket.json().await;
        match frame.get("hello") {
            Some(hello) => hellos.push(hello.clone()),
            None => events.push(frame),
        }
        if events.last().is_some_and(|event| event["id"] == last) {
            return (events, hellos);
        }
    }
}

#[tokio::test]
async fn any_server_answers_any_position() {
    if !wanted() {
        return;
    }
    let redis = Redis::start();
    let (one, two) = two(&redis, 3).await;
    for n in 1..=5 {
        assert_eq!(one.publish("t", json!({"data": n})).await, n);
    }
    // Servers agree on everything, also on what is gone.
    for server in [&one, &two] {
        let (_, all) = server.ask("/topics/t/events?after=2").await;
        assert_eq!(all["events"].as_array().unwrap().len(), 3, "{all}");
        assert_eq!((&all["first"], &all["offset"], &all["recovered"]), (&json!(3), &json!(5), &json!(true)));
        let (_, gone) = server.ask("/topics/t/events?after=1").await;
        assert_eq!(gone["recovered"], false, "{gone}");
    }
    assert_eq!(one.ask("/topics/t/events?after=2").await, two.ask("/topics/t/events?after=2").await);
    // A position from one server means the same at the other, at once.
    for n in 6..100 {
        let (from, at) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let offset = from.publish("t", json!({"data": n})).await;
        let (_, answer) = at.ask(&format!("/topics/t/events?after={offset}")).await;
        assert_eq!((&answer["offset"], &answer["recovered"]), (&json!(n), &json!(true)), "{answer}");
    }
    // Nothing beyond the head, and no topic that was only asked for.
    let (_, beyond) = two.ask("/topics/t/events?after=1000").await;
    assert_eq!((&beyond["recovered"], &beyond["offset"]), (&json!(false), &json!(99)));
    let (_, unknown) = two.ask("/topics/unknown/events?after=0").await;
    assert_eq!((&unknown["recovered"], &unknown["offset"]), (&json!(true), &json!(0)));
    assert_eq!(redis.command::<i64>(&["HLEN", "test:heads"]).await, 1);
}

#[tokio::test]
async fn an_id_is_published_once_whichever_server_it_comes_to() {
    if !wanted() {
        return;
    }
    let redis = Redis::start();
    let (one, two) = two(&redis, 2).await;
    let post = |server: &TestServer, id: &str| {
        answer(server.post("/topics/t/events", json!({"data": 1, "id": id}).to_string()))
    };
    assert_eq!(post(&one, "a").await.0, 201);
    let (status, place) = post(&two, "a").await;
    assert_eq!((status, &place["offset"]), (200, &json!(1)));
    post(&one, "b").await;
    post(&one, "c").await;
    // While the first is kept: now it is not.
    assert_eq!(post(&two, "a").await.0, 201);
}

#[tokio::test]
async fn what_an_event_says_of_itself_crosses_with_it() {
    if !wanted() {
        return;
    }
    let redis = Redis::start();
    let (one, two) = two(&redis, 100).await;
    one.publish("t", json!({"data": "old", "key": "k"})).await;
    one.publish("t", json!({"data": "new", "key": "k", "kind": "price", "from": "me"})).await;
    one.publish("t", json!({"data": "late", "at": 1, "ttl_ms": 1})).await;
    let (_, all) = two.ask("/topics/t/events?after=0&conflate=true").await;
    let events = all["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{all}");
    assert_eq!((&events[0]["data"], &events[0]["kind"]), (&json!("new"), &json!("price")));
    let (_, own) = two.ask("/topics/t/events?after=0&as=me").await;
    assert_eq!(own["events"].as_array().unwrap().len(), 1, "not one's own, not what is over: {own}");
    let stats = (one.stats().await, two.stats().await);
    assert_eq!((stats.0.events.encoded, stats.1.events.encoded), (3, 0), "encoded once in the whole fleet");
}

#[tokio::test]
async fn cut_off_again_and_again_a_server_misses_nothing() {
    if !wanted() {
        return;
    }
    let redis = Redis::start();
    let (one, two) = two(&redis, 10_000).await;
    let (mut at_one, _) = one.socket("/topics/t/socket?after=0").await;
    let (mut at_two, _) = two.socket("/topics/t/socket?after=0").await;
    const N: u64 = 300;
    for n in 1..=N {
        if n % 50 == 0 {
            redis.cut().await;
        }
        let (_, offset) = publish_surely(if n % 3 == 0 { &two } else { &one }, &n.to_string()).await;
        assert_eq!(offset, n, "numbered without a gap");
    }
    for socket in [&mut at_one, &mut at_two] {
        let (events, hellos) = read_until(socket, &N.to_string()).await;
        let offsets: Vec<u64> = events.iter().map(|event| event["offset"].as_u64().unwrap()).collect();
        assert_eq!(offsets, (1..=N).collect::<Vec<_>>(), "each once, in order");
        assert_eq!(hellos, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn five_seconds_without_redis_lose_nothing_that_was_acknowledged() {
    if !wanted() {
        return;
    }
    let mut redis = Redis::start();
    let (one, two) = two(&redis, 100).await;
    let (mut reader, hello) = two.socket("/topics/t/socket").await;
    publish_surely(&one, "before").await;
    redis.kill();
    let refused = answer(one.post("/topics/t/events", r#"{"data":1,"id":"during"}"#)).await;
    assert_eq!(refused.0, 503, "{}", refused.1);
    // Readers are answered from what their server has.
    let (_, kept) = two.ask("/topics/t/events?after=0").await;
    assert_eq!(kept["events"].as_array().unwrap().len(), 1, "{kept}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    redis.start_again(true);
    let (epoch, _) = publish_surely(&one, "during").await;
    assert_eq!(hello["epoch"], epoch, "the same life");
    publish_surely(&two, "after").await;
    let (events, hellos) = read_until(&mut reader, "after").await;
    let ids: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!((ids, hellos.len()), (vec!["before", "during", "after"], 0));
}

#[tokio::test]
async fn lost_data_is_a_new_epoch_and_everybody_is_told() {
    if !wanted() {
        return;
    }
    let mut redis = Redis::start();
    let (one, two) = two(&redis, 100).await;
    let (epoch, _) = publish_surely(&one, "before").await;
    let (mut socket, _) = two.socket("/topics/t/socket?after=0").await;
    assert_eq!(socket.json().await["id"], "before");
    let mut stream = soon(two.get("/topics/t/stream").send()).await.unwrap();
    let held = tokio::spawn(answer(two.get(&format!("/topics/t/events?after=1&epoch={epoch}&wait=20s"))));
    two.stats_when(|stats| stats.connections.current >= 3).await;

    redis.kill();
    redis.start_again(false);
    let hello = socket.json().await["hello"].clone();
    assert_eq!((&hello["recovered"], &hello["offset"]), (&json!(false), &json!(0)), "{hello}");
    let new = hello["epoch"].as_str().unwrap().to_owned();
    assert_ne!(new, epoch);
    let (status, answered) = soon(held).await.unwrap();
    assert_eq!((status, &answered["recovered"]), (200, &json!(false)), "{answered}");
    let (_, polled) = two.ask(&format!("/topics/t/events?after=1&epoch={epoch}")).await;
    assert_eq!((&polled["recovered"], polled["epoch"].as_str()), (&json!(false), Some(new.as_str())));

    // And everything goes on in the new one, for those who stayed too.
    assert_eq!(publish_surely(&one, "after").await, (new.clone(), 1));
    assert_eq!(socket.json().await["id"], "after");
    let mut text = String::new();
    while !text.contains(&format!("id: {new}:1")) {
        text += std::str::from_utf8(&soon(stream.chunk()).await.unwrap().expect("a stream")).unwrap();
    }
    assert_eq!(text.matches("event: hello").count(), 2, "{text}");
    assert!(text.contains("\"recovered\":false"), "{text}");
}

#[tokio::test]
async fn a_log_that_went_back_behind_what_was_delivered_is_a_new_epoch() {
    if !wanted() {
        return;
    }
    let redis = Redis::start();
    let (one, two) = two(&redis, 100).await;
    let (mut reader, hello) = two.socket("/topics/t/socket").await;
    for id in ["1", "2", "3"] {
        publish_surely(&one, id).await;
    }
    read_until(&mut reader, "3").await;
    // As after a crash of the machine: the last acknowledged event is not on the disk. Another one
    // takes its number before the servers are back.
    let _: i64 = redis.command(&["XDEL", "test:log:t", "3-0"]).await;
    let other = r#"{"topic":"t","offset":3,"at":1,"kind":"message","data":"other"}"#;
    let _: () = redis.command(&["XGROUP", "CREATE", "test:log:t", "g", "0"]).await;
    let _: () = redis.command(&["XSETID", "test:log:t", "2-1"]).await;
    let _: String = redis.command(&["XADD", "test:log:t", "3-0", "event", other]).await;
    redis.cut().await;
    let told = reader.json().await["hello"].clone();
    assert_eq!(told["recovered"], false, "{told}");
    assert_ne!(told["epoch"], hello["epoch"]);
    publish_surely(&one, "4").await;
    assert_eq!(reader.json().await["id"], "4");
}

#[tokio::test]
async fn plain_pubsub_passes_on_and_forgets() {
    if !wanted() {
        return;
    }
    let redis = Redis::start();
    let (one, two) = (server(redis.pubsub().await).await, server(redis.pubsub().await).await);
    let (mut at_one, first) = one.socket("/topics/t/socket").await;
    let (mut at_two, second) = two.socket("/topics/t/socket").await;
    assert_ne!(first["epoch"], second["epoch"], "a position is one server's own");
    publish_surely(&one, "a").await;
    for socket in [&mut at_one, &mut at_two] {
        assert_eq!(socket.json().await["id"], "a");
    }
    // Cut off, a server misses what is said meanwhile, and nobody learns of it.
    assert_eq!(redis.cut_and_publish("test:news", "x t {\"data\":1}").await, 0, "nobody was there");
    soon(async {
        while redis.command::<(String, i64)>(&["PUBSUB", "NUMSUB", "test:news"]).await.1 < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    publish_surely(&two, "b").await;
    for socket in [&mut at_one, &mut at_two] {
        let (events, hellos) = read_until(socket, "b").await;
        assert_eq!((events.len(), hellos.len()), (1, 0), "{events:?}");
    }
}

#[tokio::test]
async fn a_topic_that_is_left_and_asked_for_again_is_followed_again() {
    if !wanted() {
        return;
    }
    let redis = Redis::start();
    let (one, two) = two(&redis, 100).await;
    for n in 1..=3 {
        let (mut socket, _) = two.socket("/topics/t/socket").await;
        publish_surely(&one, &n.to_string()).await;
        assert_eq!(socket.json().await["offset"], n);
        socket.send(Message::Close(None)).await;
        while soon(socket.0.next()).await.is_some_and(|message| message.is_ok()) {}
    }
}
