//! Server-sent events: one answer that does not end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use tokio::time::{Instant, Sleep, sleep};

use super::App;
use super::problem::{Problem, no_store};
use super::query::{Rejected, Typed, asked, last_event_id};
use super::routes::{TOPIC, Topic, topic};
use super::stats::count;
use super::web_socket::{BATCH, Hello};
use crate::broker::Subscription;
use crate::feed::{Cursor, Entry, Lost, Reader};

/// By it the connection knows that an answer is a subscription.
pub(super) const CONTENT_TYPE: &str = "text/event-stream";

/// How long a browser waits before it comes back, milliseconds.
const RETRY_MS: u32 = 1000;

struct Stream {
    app: Arc<App>,
    subscription: Subscription,
    epoch: Arc<str>,
    who: Reader,
    cursor: Cursor,
    /// The head when the reader came: it is not behind for what was there before it.
    joined: Cursor,
    comment: Pin<Box<Sleep>>,
    ended: bool,
    /// When it is sent away, once that is known.
    turn: Option<Instant>,
}

/// Server-sent events: `hello`, then every event as it comes.
#[utoipa::path(
    get, path = "/topics/{topic}/stream",
    params(("topic" = String, Path, description = TOPIC), Typed, ("Last-Event-ID" = Option<String>, Header)),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    path: Topic,
    query: Rejected,
    request: Request,
) -> Result<Response, Problem> {
    let topic = topic(path)?;
    let mut asked = asked(&topic, query)?;
    if let Some(position) = last_event_id(request.headers()) {
        asked.position = position;
    }
    let subscription = app.broker.subscribe(&topic, &asked.position).await?;
    let entry = subscription.enter(&asked.position);
    let hello = hello(&entry);
    let first = app.first_share(asked.who.name.as_deref(), app.settings.comment);
    let stream = Stream {
        app,
        subscription,
        who: asked.who,
        epoch: entry.epoch,
        cursor: entry.cursor,
        joined: entry.head,
        comment: Box::pin(sleep(first)),
        ended: false,
        turn: None,
    };
    let rest = unfold((Some(hello), stream), |(hello, mut stream)| async move {
        let chunk = match hello {
            Some(hello) => Some(hello),
            None => stream.next().await,
        };
        chunk.map(|chunk| (Ok::<_, Infallible>(chunk), (None, stream)))
    });
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    Ok(([kind, no_store()], Body::from_stream(rest)).into_response())
}

/// The first event carries an id too, so that a browser cut off before any other comes back to
/// where it was and not to whatever is new then.
fn hello(entry: &Entry) -> Bytes {
    let (epoch, offset) = (&entry.epoch, entry.cursor.offset);
    let data = serde_json::to_string(&Hello::new(entry)).unwrap_or_default();
    format!("retry: {RETRY_MS}\nid: {epoch}:{offset}\nevent: hello\ndata: {data}\n\n").into()
}

impl Stream {
    /// What to send next; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.ended {
                return None;
            }
            let now = self.app.settings.clock.now();
            let behind = self.subscription.behind_since(self.cursor, self.joined);
            let batch = match self.subscription.next(self.cursor, &self.who, BATCH, now) {
                Ok(batch) if behind <= self.app.settings.queue => batch,
                Err(Lost::Renewed) => {
                    // What was kept is gone: said in the stream, where the reader is.
                    let entry = self.subscription.enter_anew();
                    let hello = hello(&entry);
                    (self.epoch, self.cursor, self.joined) = (entry.epoch, entry.cursor, entry.head);
                    return Some(hello);
                }
                Ok(_) | Err(Lost::Fallen) => {
                    count(&self.app.counters.slow_closed);
                    self.ended = true;
                    return Some(Bytes::from_static(b": too far behind, come back\n\n"));
                }
            };
            self.cursor = batch.cursor;
            match batch.events.as_slice() {
                [] => {}
                // The usual case: the very bytes that all readers share.
                [only] => return Some(self.subscription.sse(&self.epoch, only)),
                several => {
                    let frames: Vec<_> =
                        several.iter().map(|event| self.subscription.sse(&self.epoch, event)).collect();
                    return Some(frames.concat().into());
                }
            }
            tokio::select! {
                biased;
                () = self.app.sent_away(&mut self.turn) => return None,
                () = self.subscription.changed() => {}
                () = &mut self.comment => {
                    let next = self.comment.deadline() + self.app.settings.comment;
                    self.comment.as_mut().reset(next);
                    return Some(Bytes::from_static(b":\n\n"));
                }
            }
        }
    }
}
