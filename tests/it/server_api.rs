//! Publish, poll, long poll: what the contract says of the HTTP calls.

use anynews::broker::{Broker, Capacity};
use serde_json::{Value, json};

use crate::harness::{TestServer, answer, soon};

fn offsets(answer: &Value) -> Vec<u64> {
    answer["events"].as_array().unwrap().iter().map(|event| event["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_published_event_is_found_once_and_then_nope() {
    let server = TestServer::start().await;
    let (status, before) = server.ask("/topics/room-1/events").await;
    assert_eq!((status, &before["offset"], &before["first"]), (200, &json!(0), &json!(1)));
    let epoch = before["epoch"].as_str().unwrap();

    let body = r#"{"kind":"message","data":{"text":"hi"},"at":1764000000000000}"#;
    let (status, place) = answer(server.post("/topics/room-1/events", body)).await;
    assert_eq!((status, place), (201, json!({"epoch": epoch, "offset": 1})));

    // The epoch learned before the topic existed is the one its first event stands in.
    let (_, found) = server.ask(&format!("/topics/room-1/events?after=0&epoch={epoch}")).await;
    let event = json!({"topic": "room-1", "offset": 1, "at": 1_764_000_000_000_000_i64,
                       "kind": "message", "data": {"text": "hi"}});
    assert_eq!(
        found,
        json!({"epoch": epoch, "offset": 1, "first": 1, "recovered": true, "more": false, "events": [event]})
    );
    let (_, nope) = server.ask(&format!("/topics/room-1/events?after=1&epoch={epoch}")).await;
    assert_eq!((offsets(&nope), &nope["offset"]), (vec![], &json!(1)));
}

#[tokio::test]
async fn a_limit_leaves_more_and_a_gap_is_said() {
    let server = TestServer::with(anynews::server::Settings {
        broker: Broker::memory(Capacity { keep: 3, ..Capacity::default() }),
        ..Default::default()
    })
    .await;
    for n in 0..5 {
        server.publish("t", json!({"data": n})).await;
    }
    let (_, part) = server.ask("/topics/t/events?after=2&limit=2").await;
    assert_eq!((offsets(&part), &part["offset"], &part["more"]), (vec![3, 4], &json!(4), &json!(true)));
    let (_, rest) = server.ask("/topics/t/events?after=4&limit=2").await;
    assert_eq!((offsets(&rest), &rest["offset"], &rest["more"]), (vec![5], &json!(5), &json!(false)));
    for lost in ["after=1", "after=6", "after=4&epoch=other"] {
        // Held or not: a gap is told at once.
        for wait in ["", "&wait=60s"] {
            let (status, gap) = server.ask(&format!("/topics/t/events?{lost}{wait}")).await;
            assert_eq!(status, 200);
            assert_eq!(
                (&gap["recovered"], offsets(&gap), &gap["offset"], &gap["first"]),
                (&json!(false), vec![], &json!(5), &json!(3)),
                "{lost}{wait}"
            );
        }
    }
}

#[tokio::test]
async fn a_retried_publish_is_answered_200_and_published_once() {
    let server = TestServer::start().await;
    let publish = || answer(server.post("/topics/t/events", r#"{"data":1,"id":"a"}"#));
    let (first, again) = (publish().await, publish().await);
    assert_eq!((first.0, again.0), (201, 200));
    assert_eq!(first.1, again.1);
    let (_, all) = server.ask("/topics/t/events?after=0").await;
    assert_eq!(offsets(&all), [1]);
    let events = server.stats().await.events;
    assert_eq!((events.published, events.repeated), (1, 1));
}

#[tokio::test]
async fn own_expired_and_superseded_events_are_not_sent() {
    let server = TestServer::start().await;
    server.publish("t", json!({"data": 1, "from": "7"})).await;
    server.publish("t", json!({"data": 2, "ttl_ms": 1, "at": 1_000})).await;
    server.publish("t", json!({"data": 3, "key": "A"})).await;
    server.publish("t", json!({"data": 4, "key": "A"})).await;
    for (query, expected) in [("", vec![1, 3, 4]), ("&as=7", vec![3, 4]), ("&as=7&conflate=true", vec![4])] {
        let (_, answer) = server.ask(&format!("/topics/t/events?after=0{query}")).await;
        assert_eq!(offsets(&answer), expected, "{query}");
    }
}

#[tokio::test]
async fn a_conditional_poll_is_304_exactly_while_nothing_is_new() {
    let server = TestServer::start().await;
    server.publish("t", json!({"data": 1})).await;
    let first = soon(server.get("/topics/t/events?after=0").send()).await.unwrap();
    let etag = first.headers()["etag"].to_str().unwrap().to_owned();
    let poll = |tag: String| server.get("/topics/t/events?after=1").header("if-none-match", tag);

    for tag in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let same = soon(poll(tag.clone()).send()).await.unwrap();
        assert_eq!(same.status(), 304, "{tag}");
        assert_eq!(same.headers()["etag"], etag.as_str(), "{tag}");
        assert_eq!(same.text().await.unwrap(), "");
    }
    let (held, _) =
        answer(server.get("/topics/t/events?after=1&wait=50ms").header("if-none-match", &etag)).await;
    assert_eq!(held, 304);
    // What the reader stands on is gone: that is news, whatever it has seen.
    for lost in ["after=1&epoch=zzz", "after=7"] {
        let url = format!("/topics/t/events?{lost}");
        let (status, told) = answer(server.get(&url).header("if-none-match", &etag)).await;
        assert_eq!((status, &told["recovered"]), (200, &json!(false)), "{lost}");
    }

    server.publish("t", json!({"data": 2})).await;
    let (status, news) = answer(poll(etag)).await;
    assert_eq!((status, offsets(&news)), (200, vec![2]));
    let stats = server.stats().await;
    assert_eq!((stats.polls, stats.empty), (9, 7));
}

#[tokio::test]
async fn a_long_poll_answers_at_the_first_event_or_when_its_hold_ends() {
    let server = TestServer::start().await;
    let hold = server.get("/topics/t/events?wait=60s&as=7").send();
    let hold = tokio::spawn(hold);
    // A waiting reader makes the topic, so this is the moment it waits.
    server.stats_when(|stats| stats.topics == 1).await;
    server.publish("t", json!({"data": 1, "from": "7"})).await; // its own: goes on waiting
    server.publish("t", json!({"data": 2})).await;
    let text = soon(hold).await.unwrap().unwrap().text().await.unwrap();
    assert_eq!(offsets(&serde_json::from_str(&text).unwrap()), [2]);

    let (status, empty) = server.ask("/topics/t/events?after=2&wait=20ms").await;
    assert_eq!((status, offsets(&empty), &empty["offset"]), (200, vec![], &json!(2)));
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_with_the_right_status() {
    let server = TestServer::start().await;
    let events = "/topics/t/events";
    let cases = [
        (400, server.get("/topics/a%20b/events")),
        (400, server.get("/topics/%ff/events")),
        (400, server.get(&format!("/topics/{}/events", "x".repeat(129)))),
        (400, server.get("/topics/t/events?after=x")),
        (400, server.get("/topics/t/events?after=-1")),
        (400, server.get("/topics/t/events?limit=0")),
        (400, server.get("/topics/t/events?limit=10001")),
        (400, server.get("/topics/t/events?wait=soon")),
        (400, server.get("/topics/t/events?conflate=maybe")),
        (400, server.get("/topics/t/events?as=")),
        (400, server.get("/topics/t/events?after=1&after=2")),
        (400, server.get("/topics/a%20b/stream")),
        (400, server.post(events, "no JSON")),
        (400, server.post(events, "")),
        (400, server.post(events, r#"["message",1,null,null,null,null,null]"#)),
        (400, server.post(events, r#"{"kind":"message"}"#)),
        (400, server.post(events, r#"{"data":1,"id":""}"#)),
        (400, server.post("/topics/a%20b/events", r#"{"data":1}"#)),
        (404, server.get("/nothing")),
        (404, server.get("/control/publish")),
        (405, server.post("/topics/t/stream", "")),
        (413, server.post(events, vec![b' '; 64 * 1024 + 1])),
        (426, server.get("/topics/t/socket")),
    ];
    for (expected, request) in cases {
        let shown = format!("{request:?}");
        let response = soon(request.send()).await.unwrap();
        assert_eq!(response.status(), expected, "{shown}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{shown}");
        let problem: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(expected)));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    }
    assert_eq!(server.stats().await.topics, 0);
}

#[tokio::test]
async fn pages_of_other_origins_and_other_hosts_are_kept_out() {
    let settings = anynews::server::Settings {
        allow_origin: vec!["https://friend.example".to_owned()],
        ..Default::default()
    };
    let server = TestServer::with(settings).await;
    let own = server.url("");
    let post = |origin: &str| server.post("/topics/t/events", r#"{"data":1}"#).header("origin", origin);
    for (origin, expected) in
        [(own.as_str(), 201), ("https://friend.example", 201), ("https://evil.example", 403), ("null", 403)]
    {
        assert_eq!(answer(post(origin)).await.0, expected, "{origin}");
    }
    let upgrade = server
        .get("/topics/t/socket")
        .header("origin", "https://evil.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(answer(upgrade).await.0, 403);

    let read = |origin: &str| server.get("/topics/t/events").header("origin", origin).send();
    let friend = soon(read("https://friend.example")).await.unwrap();
    assert_eq!(friend.headers()["access-control-allow-origin"], "https://friend.example");
    let evil = soon(read("https://evil.example")).await.unwrap();
    assert!(!evil.headers().contains_key("access-control-allow-origin"));

    let preflight = anynews::client::builder(None)
        .build()
        .unwrap()
        .request(reqwest::Method::OPTIONS, server.url("/topics/t/events"))
        .header("origin", "https://friend.example");
    let preflight = soon(preflight.send()).await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-methods"], "GET, HEAD, POST");

    for (host, expected) in [("localhost:1", 200), ("rebound.example", 403)] {
        assert_eq!(answer(server.get("/healthz").header("host", host)).await.0, expected, "{host}");
    }
}
