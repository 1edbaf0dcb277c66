//! Short polling: "Any new messages?" and the answer, or a long poll's when it comes.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::openapi::Polled;
use super::problem::Problem;
use super::query::{Asked, Rejected, Typed, asked, none_match_holds};
use super::routes::{TOPIC, Topic, topic};
use super::{App, long_poll};
use crate::feed::{Replay, Room};

/// Most bytes of events in one answer; what is beyond waits, and `more` says so. Without it one
/// request could ask for ten thousand of the largest messages at once.
const ANSWER: usize = 4 * 1024 * 1024;

/// "Any new messages?": answered at once, or with `wait` at the first event.
#[utoipa::path(
    get, path = "/topics/{topic}/events",
    params(("topic" = String, Path, description = TOPIC), Typed, ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = Polled, headers(("etag" = String, description = "The position"))),
        (status = 304, description = "Nothing since the etag in If-None-Match"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    path: Topic,
    query: Rejected,
    request: Request,
) -> Result<Response, Problem> {
    let topic = topic(path)?;
    let asked = asked(&topic, query)?;
    let short = asked.wait.is_zero();
    let answer = match short {
        true => look(&app, &topic, &asked).await?,
        false => long_poll::hold(&app, &topic, asked).await?,
    };
    let head = etag(&answer.epoch, answer.head);
    // What the reader has may be of a feed that is gone: that must be said.
    let unchanged = answer.recovered && none_match_holds(request.headers(), &head);
    // What was waited for is news for one.
    let shared = app.settings.shared_cache.filter(|_| short);
    let mut response = if unchanged {
        (StatusCode::NOT_MODIFIED, headers(&head, shared)).into_response()
    } else {
        let tag = etag(&answer.epoch, answer.offset);
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        (headers(&tag, shared), [kind], body(&answer)).into_response()
    };
    if request.method() == Method::GET {
        let empty = unchanged || answer.events.is_empty();
        response.extensions_mut().insert(Answered { empty });
    }
    Ok(response)
}

/// Marks the answer to a poll, so that it is counted whoever gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    /// Whether it brings no event.
    pub(super) empty: bool,
}

/// How much one answer holds.
pub(super) fn room(asked: &Asked) -> Room {
    Room { events: asked.limit, bytes: ANSWER }
}

async fn look(app: &App, topic: &str, asked: &Asked) -> Result<Replay, Problem> {
    let now = app.settings.clock.now();
    Ok(app.broker.replay(topic, &asked.position, &asked.who, room(asked), now).await?)
}

fn etag(epoch: &str, offset: u64) -> String {
    format!("\"{epoch}:{offset}\"")
}

/// A cache may keep the answer, but must ask before it uses it, unless it is a shared one that may pass
/// it on for a while.
fn headers(etag: &str, shared: Option<Duration>) -> [(HeaderName, HeaderValue); 2] {
    let etag = HeaderValue::from_str(etag).unwrap_or(HeaderValue::from_static("\"\""));
    let control = match shared {
        None => HeaderValue::from_static("no-cache"),
        Some(kept) => HeaderValue::from_str(&format!("max-age=0, s-maxage={}", kept.as_secs()))
            .unwrap_or(HeaderValue::from_static("no-cache")),
    };
    [(header::ETAG, etag), (header::CACHE_CONTROL, control)]
}

/// The events were encoded when they were published; here they are only strung together.
fn body(replay: &Replay) -> Vec<u8> {
    let epoch = &replay.epoch;
    let events: usize = replay.events.iter().map(|event| event.json.len() + 1).sum();
    let mut body = Vec::with_capacity(events + 128);
    let (offset, first, recovered, more) = (replay.offset, replay.first, replay.recovered, replay.more);
    // Writing to memory cannot fail.
    let _ = write!(
        body,
        r#"{{"epoch":"{epoch}","offset":{offset},"first":{first},"recovered":{recovered},"more":{more},"events":["#
    );
    for (index, event) in replay.events.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&event.json);
    }
    body.extend_from_slice(b"]}");
    body
}
