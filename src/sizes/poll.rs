//! The requests and answers of somebody who polls, with what headers, a cache and HTTP/2 make of them.

use std::time::Duration;

use super::http2::{self, Http2};
use super::{DATE, EPOCH, HOST, LARGE, Who, digits, len};
use crate::headers::{Ask, Headers};
use crate::transport::{Http, Way};
use crate::units::format_duration;

/// `connection: close\r\n`.
const CONNECTION_CLOSE: u64 = 19;
/// An answer's body without events and without the digits of its offset.
const EMPTY_BODY: u64 =
    len(r#"{"epoch":"","offset":,"first":1,"recovered":true,"more":false,"events":[]}"#) + EPOCH;

/// Requests and answers of one polling client.
#[derive(Debug)]
pub struct PollSizes {
    request: u64,
    /// What a long poll adds to its request.
    wait: u64,
    conditional: bool,
    keep_alive: bool,
    answer: u64,
    unchanged: u64,
    /// Of an answer that a cache has kept, microseconds.
    longest_age: Option<i64>,
    headers: Headers,
    /// Bytes that the headers add to every request and every answer; an exact total adds by need.
    added: (u64, u64),
    /// Whether heads depend neither on each other, as with a total, nor on HTTP/2: sizes are asked for
    /// millions of times a second.
    plain: bool,
    /// Then: what a request takes but for its position's digits, and how often these stand in it.
    asks: (u64, u64),
    /// Where HTTP/2 is spoken, it says all of this.
    http2: Option<Http2>,
}

impl PollSizes {
    fn new(who: Who, keep_alive: bool, conditional: bool, shared_cache: Option<Duration>) -> Self {
        let close = if keep_alive { 0 } else { CONNECTION_CLOSE };
        let request =
            len("GET /topics//events?as=&limit=10000&after=&epoch= HTTP/1.1\r\naccept: */*\r\n\r\n")
                + who.named()
                + EPOCH
                + HOST
                + close;
        // A cache shares what nobody put a name to.
        let name = shared_cache.map_or(0, |_| len("as=&") + digits(who.client.into()));
        let tag = len("etag: \":\"\r\n") + EPOCH;
        let control = shared_cache
            .map_or(0, |kept| len("max-age=0, s-maxage=") + digits(kept.as_secs()) - len("no-cache"));
        let answer = len(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-cache\r\ncontent-length: \r\n\r\n",
        ) + tag
            + control
            + DATE
            + close;
        let unchanged = len("HTTP/1.1 304 Not Modified\r\ncache-control: no-cache\r\n\r\n")
            + tag
            + control
            + DATE
            + close;
        let longest_age = shared_cache.map(crate::clock::as_micros);
        let added = match who.headers {
            Headers::Total(_) => (0, 0),
            headers => headers.grown(Ask::Poll, keep_alive, 0, 0),
        };
        Self {
            request: request - name,
            wait: 0,
            conditional,
            keep_alive,
            answer,
            unchanged,
            longest_age,
            headers: who.headers,
            added,
            plain: false,
            asks: (0, 0),
            http2: None,
        }
    }

    /// Works out once what does not change.
    fn settled(mut self) -> Self {
        self.plain = self.http2.is_none() && !matches!(self.headers, Headers::Total(_));
        let times = if self.conditional { 2 } else { 1 };
        self.asks = (self.exchange(0, 0).0 - times * digits(0), times);
        self
    }

    /// Of somebody who asks by this way; of those that do not, as if by a kept connection.
    #[must_use]
    pub fn of_poll(who: Who, way: &Way) -> Self {
        let sizes = match *way {
            Way::Poll { interval, keep_alive, conditional, shared_cache, http, .. } => {
                let mut sizes = Self::new(who, keep_alive, conditional, shared_cache);
                sizes.http2 =
                    (http == Http::Two).then(|| Http2::new(who, interval.as_secs_f64(), conditional));
                sizes
            }
            Way::LongPoll { hold } => {
                let mut sizes = Self::new(who, true, false, None);
                sizes.wait = len("&wait=") + len(&format_duration(hold));
                sizes
            }
            Way::Sse | Way::WebSocket { .. } => Self::new(who, true, false, None),
        };
        sizes.settled()
    }

    /// A request from a cursor at `offset`.
    #[inline(always)]
    pub fn request(&self, offset: u64) -> u64 {
        if self.plain {
            return self.asks.0 + self.asks.1 * digits(offset);
        }
        if let Some(http2) = &self.http2 {
            return http2.request(offset);
        }
        self.exchange(offset, 0).0
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
        self.heads(self.without_position(), 0).0
    }

    /// Its answer, which is never a 304.
    #[must_use]
    pub fn first_answer(&self, offset: u64) -> u64 {
        let body = EMPTY_BODY + digits(offset);
        if let Some(http2) = &self.http2 {
            return http2.first_answer(offset, body);
        }
        self.heads(self.without_position(), self.answer + digits(offset) + digits(body)).1 + body
    }

    fn without_position(&self) -> u64 {
        self.request - len("&after=&epoch=") - EPOCH
    }

    /// The heads of a request from a cursor at `offset` and of its answer, whose head takes `answer`
    /// bytes without added lines.
    fn exchange(&self, offset: u64, answer: u64) -> (u64, u64) {
        let tag = if self.conditional { len("if-none-match: \":\"\r\n") + EPOCH + digits(offset) } else { 0 };
        self.heads(self.request + self.wait + digits(offset) + tag, answer)
    }

    /// The heads of an exchange that take so many bytes without added lines.
    fn heads(&self, request: u64, answer: u64) -> (u64, u64) {
        let (request, answer) = (request + self.added.0, answer + self.added.1);
        match self.headers {
            Headers::Total(_) => self.headers.grown(Ask::Poll, self.keep_alive, request, answer),
            _ => (request, answer),
        }
    }

    /// "Nope" to a reader at `from`, whose cursor moves to `to`.
    #[must_use]
    #[inline(always)]
    pub fn nope(&self, from: u64, to: u64) -> u64 {
        if self.plain && self.conditional {
            return self.unchanged + digits(to) + self.added.1;
        }
        if let Some(http2) = self.http2.as_ref().filter(|_| self.conditional) {
            return http2.unchanged(to);
        }
        // The offset stands in the tag, and in a body.
        if self.conditional {
            return self.exchange(from, self.unchanged + digits(to)).1;
        }
        self.news(from, to, 0, 0)
    }

    /// An answer with `events` events of `json` bytes together, for a reader at `from` whose cursor
    /// moves to `to`.
    #[inline(always)]
    pub fn news(&self, from: u64, to: u64, events: u64, json: u64) -> u64 {
        let body = EMPTY_BODY + digits(to) + json + events.saturating_sub(1);
        if self.plain {
            return self.answer + digits(to) + digits(body) + self.added.1 + body;
        }
        if let Some(http2) = &self.http2 {
            return http2.answer(to, body);
        }
        self.exchange(from, self.answer + digits(to) + digits(body)).1 + body
    }

    /// Whether requests say who asks.
    pub fn is_named(&self) -> bool {
        self.longest_age.is_none()
    }

    /// What an answer says more that a cache has kept for so many microseconds; a total has room for it.
    #[inline]
    pub fn age(&self, age: Option<i64>) -> u64 {
        let seconds = |age: i64| age.unsigned_abs() / 1_000_000;
        match self.headers {
            Headers::Total(_) => 0,
            _ => age.map_or(0, |age| len("age: \r\n") + digits(seconds(age))),
        }
    }

    /// The longest exchange of heads.
    pub(super) fn longest(&self) -> (u64, u64) {
        let request = self.exchange(LARGE, 0).0;
        (request, self.answer.max(self.unchanged) + 2 * digits(LARGE) + self.age(self.longest_age))
    }
}
