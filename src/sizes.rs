//! How long messages are on the wire: the lean heads and bodies of our own client and server, summed
//! by rule instead of written out, for the engines that open no socket. Bytes, all of them.
//! `engines_agree` holds them to the bytes of live runs.

use crate::transport::{Http, Way};
use crate::units::format_duration;
use crate::wire::header_size;
use crate::workload::Planned;

mod http2;

use http2::Http2;

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
/// `connection: close\r\n`.
const CONNECTION_CLOSE: u64 = 19;

/// An answer's body without events and without the digits of its offset.
const EMPTY_BODY: u64 =
    len(r#"{"epoch":"","offset":,"first":1,"recovered":true,"more":false,"events":[]}"#) + EPOCH;

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

/// Requests and answers of one polling client.
#[derive(Debug)]
pub struct PollSizes {
    request: u64,
    /// What a long poll adds to its request.
    wait: u64,
    conditional: bool,
    answer: u64,
    unchanged: u64,
    /// Where HTTP/2 is spoken, it says all of this.
    http2: Option<Http2>,
}

impl PollSizes {
    fn new(topic: u64, client: u32, conflates: bool, keep_alive: bool, conditional: bool) -> Self {
        let close = if keep_alive { 0 } else { CONNECTION_CLOSE };
        let request =
            len("GET /topics//events?as=&limit=10000&after=&epoch= HTTP/1.1\r\naccept: */*\r\n\r\n")
                + topic
                + digits(client.into())
                + flag(conflates)
                + EPOCH
                + HOST
                + close;
        let tag = len("etag: \":\"\r\n") + EPOCH;
        let answer = len(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-cache\r\ncontent-length: \r\n\r\n",
        ) + tag
            + DATE
            + close;
        let unchanged =
            len("HTTP/1.1 304 Not Modified\r\ncache-control: no-cache\r\n\r\n") + tag + DATE + close;
        Self { request, wait: 0, conditional, answer, unchanged, http2: None }
    }

    /// Of a client with this number reading a topic with a name this long, by a way that asks.
    #[must_use]
    pub fn of_poll(topic: u64, client: u32, conflates: bool, way: &Way) -> Self {
        match way {
            Way::Poll { interval, keep_alive, conditional, http, .. } => {
                let mut sizes = Self::new(topic, client, conflates, *keep_alive, *conditional);
                sizes.http2 = (*http == Http::Two)
                    .then(|| Http2::new(topic, client, conflates, interval.as_secs_f64(), *conditional));
                sizes
            }
            Way::LongPoll { hold } => {
                let mut sizes = Self::new(topic, client, conflates, true, false);
                sizes.wait = len("&wait=") + len(&format_duration(*hold));
                sizes
            }
            Way::Sse | Way::WebSocket { .. } => Self::new(topic, client, conflates, true, false),
        }
    }

    /// A request from a cursor at `offset`.
    #[inline]
    pub fn request(&self, offset: u64) -> u64 {
        if let Some(http2) = &self.http2 {
            return http2.request(offset);
        }
        let tag = if self.conditional { len("if-none-match: \":\"\r\n") + EPOCH + digits(offset) } else { 0 };
        self.request + self.wait + digits(offset) + tag
    }

    /// Bytes that so many characters of a topic's name take in a request.
    #[must_use]
    pub fn name(&self, characters: f64) -> f64 {
        self.http2.as_ref().map_or(characters, |_| http2::NAME / 8.0 * characters)
    }

    /// What a new connection takes besides its requests and answers, piece by piece: (up, down).
    #[must_use]
    pub fn connection(&self) -> &'static [(u64, u64)] {
        self.http2.as_ref().map_or(&[], |_| &http2::CONNECTION)
    }

    /// The request that asks where the feed stands: without a position, hence without a tag.
    #[must_use]
    pub fn first_request(&self) -> u64 {
        if let Some(http2) = &self.http2 {
            return http2.first_request();
        }
        self.request - len("&after=&epoch=") - EPOCH
    }

    /// Its answer, which is never a 304.
    #[must_use]
    pub fn first_answer(&self, offset: u64) -> u64 {
        if let Some(http2) = &self.http2 {
            return http2.first_answer(offset, EMPTY_BODY + digits(offset));
        }
        self.answer + EMPTY_BODY + 2 + 2 * digits(offset)
    }

    /// "Nope".
    #[must_use]
    #[inline]
    pub fn nope(&self, offset: u64) -> u64 {
        if let Some(http2) = &self.http2 {
            return match self.conditional {
                true => http2.unchanged(offset),
                false => http2.answer(offset, EMPTY_BODY + digits(offset)),
            };
        }
        let base = if self.conditional { self.unchanged } else { self.answer + EMPTY_BODY + 2 };
        // The offset stands in the tag and in the body; the body's own length has two digits.
        base + digits(offset) * if self.conditional { 1 } else { 2 }
    }

    /// An answer with `events` events of `json` bytes together.
    #[inline]
    pub fn news(&self, offset: u64, events: u64, json: u64) -> u64 {
        let body = EMPTY_BODY + digits(offset) + json + events.saturating_sub(1);
        if let Some(http2) = &self.http2 {
            return http2.answer(offset, body);
        }
        self.answer + digits(offset) + digits(body) + body
    }
}

fn flag(conflates: bool) -> u64 {
    if conflates { len("&conflate=true") } else { 0 }
}

/// The heads of an upgrade or subscription.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// Of the request.
    pub up: u64,
    /// Of the answer.
    pub down: u64,
}

/// The heads of an upgrade or subscription.
#[must_use]
pub fn opening(topic: u64, client: u32, conflates: bool, socket: bool) -> Opening {
    let asked = topic + digits(client.into()) + flag(conflates) + HOST;
    if socket {
        Opening {
            up: asked
                + len("GET /topics//socket?as= HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: 0123456789012345678901==\r\n\r\n"),
            down: DATE
                + len("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-accept: 012345678901234567890123456=\r\n\r\n"),
        }
    } else {
        Opening {
            up: asked + len("GET /topics//stream?as= HTTP/1.1\r\naccept: text/event-stream\r\n\r\n"),
            down: DATE
                + len("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\
                       transfer-encoding: chunked\r\n\r\n"),
        }
    }
}

/// What a stream or socket says first, to a reader who begins at `offset`.
#[must_use]
pub fn hello(offset: u64, socket: bool) -> u64 {
    let told = len(r#"{"epoch":"","offset":,"first":1,"recovered":true}"#) + EPOCH + digits(offset);
    if socket {
        let hello = told + len(r#"{"hello":}"#);
        return header_size(hello, false) as u64 + hello;
    }
    let frame = told + len("retry: 1000\nid: :\nevent: hello\ndata: \n\n") + EPOCH + digits(offset);
    frame + hex_digits(frame) + len("\r\n\r\n")
}

/// An event of `json` bytes and a kind whose name has `kind`, pushed by a frame or in a chunk of an
/// event stream.
#[must_use]
pub fn pushed(json: u64, kind: u64, socket: bool) -> u64 {
    if socket {
        return header_size(json, false) as u64 + json;
    }
    // The offset's digits are in the envelope already; the id line repeats them, give or take one.
    let frame = len("id: :\nevent: \ndata: \n\n") + EPOCH + 3 + kind + json;
    frame + hex_digits(frame) + len("\r\n\r\n")
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

/// A client's own event and its acknowledgement: (up, down).
#[must_use]
pub fn send(planned: &Planned, index: u32, author: u32, topic: u64, by_frame: bool) -> (u64, u64) {
    let body = body(planned, index);
    if by_frame {
        let ack = len(r#"{"ack":{"offset":,"id":""}}"#) + 3 + hex_digits(index.into());
        return (header_size(body, true) as u64 + body, header_size(ack, false) as u64 + ack);
    }
    let body = body + len(",\"from\":\"\"") + digits(author.into());
    let head = len(
        "POST /topics//events HTTP/1.1\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: \r\n\r\n",
    ) + topic
        + HOST
        + digits(body);
    let answer = len("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 33\r\n\r\n")
        + DATE
        + len(r#"{"epoch":"","offset":}"#)
        + EPOCH
        + 3;
    (head + body, answer)
}
