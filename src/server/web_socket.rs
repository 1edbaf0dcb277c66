//! WebSocket: events out, publishes in, and the pings that tell a quiet reader from a dead one.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::SinkExt;
use serde::Serialize;
use tokio::time::{Sleep, sleep, timeout};
use tokio_tungstenite::tungstenite::Error as WireError;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::App;
use super::meter::Meter;
use super::problem::Problem;
use super::query::{Rejected, Typed, asked};
use super::routes::{TOPIC, Topic, topic};
use super::stats::count;
use super::token::may_publish;
use crate::broker::Subscription;
use crate::feed::{Batch, Cursor, Entry, Lost, Reader, Room};
use crate::transport::{FRAME_BYTES, FRAME_EVENTS};

mod frames;
pub(super) mod incoming;
pub(super) mod upgrade;

use frames::{Frames, send};
use upgrade::{key_is_sound, limited, not_an_upgrade};

use incoming::Heard;

/// Most events taken from the feed at one time by a streaming reader.
pub(super) const BATCH: Room = Room { events: FRAME_EVENTS, bytes: FRAME_BYTES };
/// Just enough to see whether there is anything.
const GLIMPSE: Room = Room { events: 1, bytes: 0 };

/// How long a closing frame may take to get out, behind whatever is stuck before it.
const CLOSING: Duration = Duration::from_secs(5);
/// Longer than any server lives: the time of the next ping when there is none.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Close code of a reader too far behind; it may come back (Centrifugo's number).
const SLOW: u16 = 3008;
/// Close code of a reader that answered no ping (Centrifugo's number).
const NO_PONG: u16 = 3012;
/// Close code of a client that showed a wrong token; it should not come back (Centrifugo's number).
const WRONG_TOKEN: u16 = 3500;

/// What a streaming reader is told first.
#[derive(Debug, Serialize)]
pub(super) struct Hello<'a> {
    epoch: &'a str,
    offset: u64,
    first: u64,
    recovered: bool,
}

impl<'a> Hello<'a> {
    pub(super) fn new(entry: &'a Entry) -> Self {
        Self {
            epoch: &entry.epoch,
            offset: entry.cursor.offset,
            first: entry.first,
            recovered: entry.recovered,
        }
    }
}

#[derive(Serialize)]
struct Greeting<'a> {
    hello: Hello<'a>,
}

fn greeting(entry: &Entry) -> String {
    serde_json::to_string(&Greeting { hello: Hello::new(entry) }).unwrap_or_default()
}

/// WebSocket: a greeting, then one event per text frame; a client publishes by sending what it would
/// POST, and shows the token as a header or as `{"token":"…"}`.
#[utoipa::path(
    get, path = "/topics/{topic}/socket",
    params(("topic" = String, Path, description = TOPIC), Typed), security((), ("token" = [])),
    responses(
        (status = 101, description = "WebSocket from here on"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn socket(
    State(app): State<Arc<App>>,
    path: Topic,
    query: Rejected,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let topic = topic(path)?;
    let asked = asked(&topic, query)?;
    let upgrade = upgrade.map_err(|rejection| not_an_upgrade(request.method(), &rejection))?;
    key_is_sound(request.headers())?;
    let may_publish = may_publish(app.settings.token.as_ref(), request.headers())?;
    let meter = request.extensions().get::<Arc<Meter>>().cloned();
    let subscription = app.broker.subscribe(&topic, &asked.position).await?;
    let entry = subscription.enter(&asked.position);
    let greeting = greeting(&entry);

    let upgrade = limited(upgrade, &app);
    let alive = app.tasks.token();
    Ok(upgrade.on_upgrade(move |socket| {
        let who = asked.who;
        let (cursor, joined) = (entry.cursor, entry.head);
        let peer = Peer { app, socket, subscription, who, cursor, joined, may_publish, meter, _alive: alive };
        // On the heap, because a future keeps room for its arguments twice.
        Box::new(peer).run(greeting)
    }))
}

/// Why a conversation ends.
enum End {
    /// The other side is gone: nothing to say any more.
    Gone,
    /// Say why.
    Close(u16, &'static str),
}

/// One reader on its socket. Its future is what a connection costs: nothing is kept in it that can
/// be looked up.
struct Peer {
    app: Arc<App>,
    socket: WebSocket,
    subscription: Subscription,
    who: Reader,
    cursor: Cursor,
    /// The head when the reader came: it is not behind for what was there before it.
    joined: Cursor,
    /// Whether it showed the token, or none is needed.
    may_publish: bool,
    /// Of its connection: knows how often its address asks.
    meter: Option<Arc<Meter>>,
    _alive: TaskTrackerToken,
}

impl Peer {
    async fn run(mut self: Box<Self>, greeting: String) {
        let end = match self.write(Frames::One(Message::text(greeting))).await {
            Ok(()) => self.talk().await,
            Err(end) => end,
        };
        if let End::Close(code, reason) = end {
            Box::pin(self.close(code, reason)).await;
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) {
        if code == SLOW {
            count(&self.app.counters.slow_closed);
        }
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        // Dropping the socket afterwards lets it linger for the answer.
        let _ = timeout(CLOSING, self.socket.send(Message::Close(Some(frame)))).await;
    }

    async fn talk(&mut self) -> End {
        let app = self.app.clone();
        let mut turn = None;
        let mut sent_away = pin!(app.sent_away(&mut turn));
        let mut pulse = pin!(sleep(self.first_ping()));
        let mut unanswered = false;
        // While an event waits for others to share its frame, until when. On the heap, because most
        // sockets never have one.
        let mut window: Option<Pin<Box<Sleep>>> = None;
        // What was there before the reader came need not wait.
        let mut due = true;
        // What is done now and then has its room on the heap, while it is done.
        loop {
            if (due || self.look(&mut window))
                && let Err(end) = Box::pin(self.deliver()).await
            {
                return end;
            }
            due = app.settings.coalesce.is_zero();
            tokio::select! {
                () = self.subscription.changed(), if window.is_none() => {}
                () = over(&mut window) => (window, due) = (None, true),
                message = self.socket.recv() => {
                    // Whatever it says, it lives.
                    if std::mem::take(&mut unanswered) {
                        let pinged = pulse.deadline() - app.settings.pong_timeout;
                        pulse.as_mut().reset(pinged + app.settings.ping);
                    }
                    if let Err(end) = Box::pin(self.heard(message)).await {
                        return end;
                    }
                }
                () = &mut pulse => {
                    if unanswered {
                        return End::Close(NO_PONG, "no pong");
                    }
                    unanswered = true;
                    if let Err(end) = Box::pin(self.ping(pulse.as_mut())).await {
                        return end;
                    }
                }
                () = &mut sent_away => {
                    // Before the farewell, what waited for others to share its frame.
                    if window.is_some() && let Err(end) = Box::pin(self.deliver()).await {
                        return end;
                    }
                    return self.farewell();
                }
            }
        }
    }

    fn farewell(&self) -> End {
        let (code, reason) = self.app.farewell();
        End::Close(code, reason)
    }

    /// Opens a window when the first event for this reader is there; passes over what is not for it.
    /// True where there is no place to go on from, which `deliver` deals with at once.
    fn look(&mut self, window: &mut Option<Pin<Box<Sleep>>>) -> bool {
        if window.is_some() {
            return false;
        }
        let now = self.app.settings.clock.now();
        let Ok(batch) = self.subscription.next(self.cursor, &self.who, GLIMPSE, now) else { return true };
        if batch.events.is_empty() {
            self.cursor = batch.cursor;
        } else {
            *window = Some(Box::pin(sleep(self.app.settings.coalesce)));
        }
        false
    }

    fn first_ping(&self) -> Duration {
        let ping = self.app.settings.ping;
        if ping.is_zero() { NEVER } else { self.app.first_share(self.who.name.as_deref(), ping) }
    }

    async fn ping(&mut self, pulse: Pin<&mut Sleep>) -> Result<(), End> {
        let pong_due = pulse.deadline() + self.app.settings.pong_timeout;
        pulse.reset(pong_due);
        self.write(Frames::One(Message::Ping(Bytes::new()))).await
    }

    /// Sends everything up to the head.
    async fn deliver(&mut self) -> Result<(), End> {
        loop {
            let now = self.app.settings.clock.now();
            let batch = match self.subscription.next(self.cursor, &self.who, BATCH, now) {
                Ok(batch) => batch,
                Err(Lost::Fallen) => return Err(End::Close(SLOW, "slow")),
                Err(Lost::Renewed) => Box::pin(self.begin_anew()).await?,
            };
            if !batch.events.is_empty() {
                let shared = !self.app.settings.coalesce.is_zero();
                let events = &batch.events;
                self.write(if shared { Frames::Shared(events) } else { Frames::Events(events) }).await?;
            }
            // Only now: what is stuck in `write` counts as not delivered.
            self.cursor = batch.cursor;
            if !batch.more {
                return Ok(());
            }
        }
    }

    /// What was kept is gone: said on the socket, where the reader is.
    async fn begin_anew(&mut self) -> Result<Batch, End> {
        let entry = self.subscription.enter_anew();
        (self.cursor, self.joined) = (entry.cursor, entry.head);
        self.write(Frames::One(Message::text(greeting(&entry)))).await?;
        Ok(Batch { events: Vec::new(), cursor: entry.cursor, more: true })
    }

    /// Feeds all frames, then flushes once. While the socket takes nothing, keeps an eye on how far
    /// behind its reader falls.
    async fn write(&mut self, frames: Frames<'_>) -> Result<(), End> {
        let Self { app, socket, subscription, cursor, joined, .. } = self;
        app.counters.messages_down.fetch_add(frames.messages(), Relaxed);
        let mut send = pin!(send(socket, frames));
        // Nearly always the kernel takes it all at once. The watch over a socket that is stuck is
        // made only then, or every idle connection would have room for it.
        if let Poll::Ready(sent) = poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx))).await {
            return sent.map_err(|_| End::Gone);
        }
        let (cursor, joined) = (*cursor, *joined);
        let farewell = app.farewell();
        Box::pin(async move {
            tokio::select! {
                biased;
                sent = send => sent.map_err(|_| End::Gone),
                () = too_far_behind(subscription, cursor, joined, app.settings.queue) => Err(End::Close(SLOW, "slow")),
                () = app.shutdown.cancelled() => Err(End::Close(farewell.0, farewell.1)),
                () = sleep(app.settings.pong_timeout) => Err(End::Gone),
            }
        })
        .await
    }

    /// Answers one message of the client.
    async fn heard(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let heard = match message {
            None => return Err(End::Gone),
            Some(Err(error)) => return Err(broken(error)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()), // answered by the library
            Some(Ok(Message::Close(_))) => {
                // The library has queued the answer.
                let _ = timeout(CLOSING, self.socket.flush()).await;
                return Err(End::Gone);
            }
            Some(Ok(Message::Text(text))) => Heard::of(text.as_str()),
            Some(Ok(Message::Binary(_))) => Heard::binary(),
        };
        let answer = self.answer(heard).await?;
        self.write(Frames::One(Message::text(answer))).await
    }
}

/// Waits for the end of a window; for ever where none is open.
async fn over(window: &mut Option<Pin<Box<Sleep>>>) {
    match window {
        Some(window) => window.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn too_far_behind(subscription: &mut Subscription, cursor: Cursor, joined: Cursor, queue: u64) {
    while subscription.behind_since(cursor, joined) <= queue {
        subscription.changed().await;
    }
}

/// What to tell a client whose frames cannot be read (RFC 6455 §7.4.1).
pub(super) fn close_code_of(error: axum::Error) -> Option<u16> {
    let error = error.into_inner().downcast::<WireError>().ok()?;
    match *error {
        WireError::Capacity(_) => Some(close_code::SIZE),
        WireError::Utf8(_) => Some(close_code::INVALID),
        // Without a closing handshake the other side is simply gone.
        WireError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => None,
        WireError::Protocol(_) => Some(close_code::PROTOCOL),
        _ => None,
    }
}

fn broken(error: axum::Error) -> End {
    match close_code_of(error) {
        Some(close_code::SIZE) => End::Close(close_code::SIZE, "the message is too large"),
        Some(close_code::INVALID) => End::Close(close_code::INVALID, "the text is not UTF-8"),
        Some(code) => End::Close(code, "the frame is broken"),
        None => End::Gone,
    }
}
