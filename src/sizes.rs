//! How long messages are on the wire: the heads and bodies of our own client and server, summed
//! by rule instead of written out, for the engines that open no socket. Bytes, all of them.
//! `engines_agree` holds them to the bytes of live runs.

use crate::headers::{Ask, Headers, LEAST_FILL};
use crate::scenario::{Scenario, Workload};
use crate::transport::Way;
use crate::wire::header_size;
use crate::workload::Planned;

mod http2;
mod poll;

pub use poll::PollSizes;

/// An empty ping of the server.
pub const PING: u64 = 2;
/// The masked pong of a client.
pub const PONG: u64 = 6;
/// A client's close frame without a reason, masked. It is gone when the server could answer.
pub const CLOSE: u64 = 6;
/// `:\n\n` in a chunk of its own.
pub const COMMENT: u64 = 8;
/// About what an acknowledgement takes; for its time on a slow line only.
pub const ACK: u64 = 40;

/// An epoch is eight hex digits.
const EPOCH: u64 = 8;
/// `host: 127.0.0.1:45433\r\n`.
const HOST: u64 = 23;
/// `date: Tue, 24 Nov 2026 03:30:13 GMT\r\n`.
const DATE: u64 = 37;

/// An offset, or a length, with as many digits as any of ours.
const LARGE: u64 = 9_999_999;

const fn len(text: &str) -> u64 {
    text.len() as u64
}

/// Decimal digits of `n`. Small numbers, the usual ones, take two comparisons.
#[inline]
pub fn digits(n: u64) -> u64 {
    match n {
        0..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        _ => u64::from(n.ilog10()) + 1,
    }
}

fn hex_digits(n: u64) -> u64 {
    u64::from(n.checked_ilog2().unwrap_or(0)) / 4 + 1
}

/// Digits of a retry id where events are too many to be numbered here.
#[must_use]
pub fn hex_digits_of_a_large_schedule() -> u64 {
    hex_digits(1 << 28)
}

/// Digits of a Unix time in microseconds, until the year 2286.
const AT: u64 = 16;

/// An event as JSON.
#[must_use]
pub fn event(planned: &Planned, topic: u64, offset: u64, index: u32) -> u64 {
    let optional = planned.ttl_ms.map_or(0, |ms| len(",\"ttl_ms\":") + digits(ms))
        + planned.key.as_ref().map_or(0, |key| len(",\"key\":\"\"") + len(key))
        + planned.author.map_or(0, |author| len(",\"from\":\"\"") + digits(author.into()));
    envelope(topic, offset, len(&planned.kind), hex_digits(index.into())) + len(&planned.data) + optional
}

/// A letter's event as JSON.
#[must_use]
pub fn letter(topic: u64, offset: u64, payload: u64, id: u64) -> u64 {
    envelope(topic, offset, len("message"), id) + payload
}

fn envelope(topic: u64, offset: u64, kind: u64, id: u64) -> u64 {
    len(r#"{"topic":"","offset":,"at":,"kind":"","data":,"id":""}"#) + topic + digits(offset) + AT + kind + id
}

/// Who talks to the server, as far as the sizes of messages depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    /// Bytes of the topic's name.
    pub topic: u64,
    /// The client's number.
    pub client: u32,
    /// Whether it wants the latest of each key only.
    pub conflates: bool,
    /// What its heads carry besides.
    pub headers: Headers,
}

impl Who {
    /// Bytes that its names add to a request's first line.
    fn named(&self) -> u64 {
        self.topic + digits(self.client.into()) + flag(self.conflates)
    }
}

fn flag(conflates: bool) -> u64 {
    if conflates { len("&conflate=true") } else { 0 }
}

/// The bytes of an upgrade or subscription.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// Of the request.
    pub up: u64,
    /// Of the answer.
    pub down: u64,
}

/// The heads of an upgrade or subscription.
#[must_use]
pub fn opening(who: Who, socket: bool) -> Opening {
    let (request, answer) = opening_heads(who, socket);
    let ask = if socket { Ask::Socket } else { Ask::Stream };
    let (up, down) = who.headers.grown(ask, true, request, answer);
    Opening { up, down }
}

/// What a stream or socket says first, to a reader who begins at `offset`.
#[must_use]
pub fn hello(offset: u64, socket: bool) -> u64 {
    let told = len(r#"{"epoch":"","offset":,"first":1,"recovered":true}"#) + EPOCH + digits(offset);
    if socket {
        return framed(told + len(r#"{"hello":}"#));
    }
    let frame = told + len("retry: 1000\nid: :\nevent: hello\ndata: \n\n") + EPOCH + digits(offset);
    frame + hex_digits(frame) + len("\r\n\r\n")
}

/// The same one by one, without added lines.
fn opening_heads(who: Who, socket: bool) -> (u64, u64) {
    let (request, answer) = if socket {
        (
            len("GET /topics//socket?as= HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: 0123456789012345678901==\r\n\r\n"),
            len("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-accept: 012345678901234567890123456=\r\n\r\n"),
        )
    } else {
        (
            len("GET /topics//stream?as= HTTP/1.1\r\naccept: text/event-stream\r\n\r\n"),
            len("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\
                 transfer-encoding: chunked\r\n\r\n"),
        )
    };
    (request + who.named() + HOST, answer + DATE)
}

/// Event `offset` of a feed, of `json` bytes and a kind whose name has `kind`, pushed by a frame or in
/// a chunk of an event stream.
#[must_use]
pub fn pushed(json: u64, kind: u64, offset: u64, socket: bool) -> u64 {
    if socket {
        return framed(json);
    }
    let frame = len("id: :\nevent: \ndata: \n\n") + EPOCH + digits(offset) + kind + json;
    frame + hex_digits(frame) + len("\r\n\r\n")
}

/// A frame of so many events with so many bytes of JSON together, an array of them.
#[must_use]
pub fn shared_frame(events: u64, json: u64) -> u64 {
    framed(json + events.saturating_sub(1) + 2)
}

/// A server's frame around so many bytes.
fn framed(payload: u64) -> u64 {
    header_size(payload, false) as u64 + payload
}

/// A publish body, without `from`.
#[must_use]
pub fn body(planned: &Planned, index: u32) -> u64 {
    len(r#"{"kind":"","data":,"at":,"id":""}"#)
        + len(&planned.kind)
        + len(&planned.data)
        + AT
        + hex_digits(index.into())
        + planned.ttl_ms.map_or(0, |ms| len(",\"ttl_ms\":") + digits(ms))
        + planned.key.as_ref().map_or(0, |key| len(",\"key\":\"\"") + len(key))
}

/// A client's own event, which becomes event `offset` of its feed, and the acknowledgement: (up, down).
#[must_use]
pub fn send(planned: &Planned, index: u32, who: Who, offset: u64, by_frame: bool) -> (u64, u64) {
    let body = body(planned, index);
    if by_frame {
        let ack = len(r#"{"ack":{"offset":,"id":""}}"#) + digits(offset) + hex_digits(index.into());
        return (header_size(body, true) as u64 + body, framed(ack));
    }
    let body = body + len(",\"from\":\"\"") + digits(who.client.into());
    let place = len(r#"{"epoch":"","offset":}"#) + EPOCH + digits(offset);
    let (request, answer) = post_heads(who.topic, body, place);
    let (request, answer) = who.headers.grown(Ask::Send, true, request, answer);
    (request + body, answer + place)
}

/// The heads of a POST with a body of so many bytes, and of its answer with so many.
fn post_heads(topic: u64, body: u64, place: u64) -> (u64, u64) {
    let head = len(
        "POST /topics//events HTTP/1.1\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: \r\n\r\n",
    ) + topic
        + HOST
        + digits(body);
    let answer = len("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: \r\n\r\n")
        + DATE
        + digits(place);
    (head, answer)
}

/// The most that both heads of one exchange can take in a scenario, without added lines and with the
/// shortest line that fills them up: no exact total may be less.
#[must_use]
pub fn natural(scenario: &Scenario) -> u64 {
    let clients = scenario.clients;
    let who = Who {
        topic: scenario.workload.longest_topic(clients),
        client: clients.saturating_sub(1),
        conflates: matches!(scenario.workload, Workload::Ticker { conflate: true, .. }),
        headers: Headers::Lean,
    };
    // Who comes back after a loss says from where.
    let back = len("&after=&epoch=") + digits(LARGE) + EPOCH;
    let opening = |socket| {
        let (request, answer) = opening_heads(who, socket);
        (request + back, answer)
    };
    let ways = scenario.transports.iter().map(|transport| match transport.way {
        Way::Poll { .. } | Way::LongPoll { .. } => PollSizes::of_poll(who, &transport.way).longest(),
        Way::Sse => opening(false),
        Way::WebSocket { .. } => opening(true),
    });
    let posts = scenario.workload.clients_send() && scenario.transports.iter().any(|t| !t.way.is_socket());
    let post = posts.then(|| post_heads(who.topic, LARGE, LARGE));
    ways.chain(post).map(|(request, answer)| request + answer).max().unwrap_or(0) + LEAST_FILL
}
