//! Short polling: "Any new messages?" and the answer, or a long poll's when it comes.

use std::io::Write;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::openapi::Polled;
use super::problem::Problem;
use super::query::{Asked, Rejected, Typed, asked, none_match_holds};
use super::routes::{TOPIC, Topic, topic};
use super::stats::count;
use super::{App, long_poll};
use crate::broker::Answer;
use crate::feed::Room;

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
    let answer = match asked.wait.is_zero() {
        true => look(&app, &topic, &asked),
        false => long_poll::hold(&app, &topic, asked).await?,
    };
    let head = etag(&answer.epoch, answer.replay.head);
    let unchanged = none_match_holds(request.headers(), &head);
    if request.method() == Method::GET {
        count(&app.counters.polls);
        if unchanged || answer.replay.events.is_empty() {
            count(&app.counters.empty);
        }
    }
    if unchanged {
        return Ok((StatusCode::NOT_MODIFIED, headers(&head)).into_response());
    }
    let tag = etag(&answer.epoch, answer.replay.offset);
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((headers(&tag), [kind], body(&answer)).into_response())
}

/// How much one answer holds.
pub(super) fn room(asked: &Asked) -> Room {
    Room { events: asked.limit, bytes: ANSWER }
}

fn look(app: &App, topic: &str, asked: &Asked) -> Answer {
    app.broker.replay(topic, &asked.position, &asked.who, room(asked), app.settings.clock.now())
}

fn etag(epoch: &str, offset: u64) -> String {
    format!("\"{epoch}:{offset}\"")
}

/// A cache may keep the answer, but must ask before it uses it.
fn headers(etag: &str) -> [(HeaderName, HeaderValue); 2] {
    let etag = HeaderValue::from_str(etag).unwrap_or(HeaderValue::from_static("\"\""));
    [(header::ETAG, etag), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))]
}

/// The events were encoded when they were published; here they are only strung together.
fn body(answer: &Answer) -> Vec<u8> {
    let Answer { epoch, replay } = answer;
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
