//! What a fuzzer may throw at the server without sockets: the parameters of a call, and a frame's text.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::problem::Problem;
use super::query::{Asked, asked, last_event_id, none_match_holds};
use super::web_socket::incoming::Heard;
use crate::feed::{Feed, Position, Room};

/// Reads a call's parameters as the handlers do, and a feed with what they ask for.
///
/// # Panics
/// The parameters were let through though no answer to them can be right, or the refusal is none.
pub fn parameters(topic: &str, query: &str, headers: [&[u8]; 2]) {
    let mut map = HeaderMap::new();
    for (name, value) in ["last-event-id", "if-none-match"].into_iter().zip(headers) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            map.insert(HeaderName::from_static(name), value);
        }
    }
    none_match_holds(&map, "\"e:3\"");
    if let Some(position) = last_event_id(&map) {
        read(&position, &Asked::default());
    }
    let Ok(uri) = Uri::builder().path_and_query(format!("/?{query}")).build() else { return };
    match asked(topic, Query::try_from_uri(&uri)) {
        Ok(asked) => {
            assert!(crate::event::topic_is_valid(topic), "{topic:?}");
            assert!((1..=10_000).contains(&asked.limit), "{asked:?}");
            read(&asked.position, &asked);
        }
        Err(problem) => is_the_clients_fault(&problem),
    }
}

fn read(position: &Position, asked: &Asked) {
    let mut feed = Feed::new("e".into(), 3, Arc::new(AtomicU64::new(0)));
    for n in 0..5 {
        let publish = serde_json::from_str(&format!(r#"{{"data":{n},"key":"k"}}"#)).expect("a publish");
        feed.append("t", publish, n);
    }
    let room = Room { events: asked.limit.max(1), bytes: 1000 };
    let replay = feed.replay(position, &asked.who, room, 9);
    assert!(replay.recovered || replay.events.is_empty(), "{position:?}: a partial replay");
    assert!(replay.offset <= replay.head, "{position:?}: {replay:?}");
    assert!(replay.events.len() <= room.events, "{replay:?}");
}

/// Reads one text frame of a client.
///
/// # Panics
/// It was taken for a publish that must not be published, or the refusal is none.
pub fn text_frame(text: &str) {
    match Heard::of(text) {
        Heard::Publish(publish) => assert_eq!(publish.check(), Ok(())),
        Heard::Wrong(problem, _) => is_the_clients_fault(&problem),
        Heard::Token(_) => {}
    }
}

fn is_the_clients_fault(problem: &Problem) {
    let shown = serde_json::to_value(problem).expect("a problem is JSON");
    assert!((400..500).contains(&shown["status"].as_u64().unwrap_or(0)), "{shown}");
    assert!(shown["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{shown}");
}
