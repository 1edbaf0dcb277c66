//! How long polls are over HTTP/2: frames, and heads that HPACK compresses as our two libraries do it.
//!
//! Both encoders are h2's. It never puts a path, a length or a tag into the table that the two sides
//! share, so these are written out each time, by Huffman's code; everything else is, the first time, and
//! is one byte from then on. A date is new once a second. The table holds 4 KiB, so about every sixtieth
//! new date pushes the others out and they are written out again: a third of a byte each, left out.

use super::{EPOCH, Who, digits};
use crate::wire::huffman::{bits, string};

/// Length, type, flags and stream (RFC 9113 §4.1).
const FRAME: u64 = 9;
/// Bits of a decimal digit and of a hexadecimal one, on average.
const DIGIT: f64 = 5.7;
const HEX: f64 = 5.625;
/// Bits of a character of a topic's name: small letters, digits and a hyphen.
pub(super) const NAME: f64 = 6.0;
/// What the connection itself takes (captured), as it is written: (up, down). Up: the preface, SETTINGS,
/// WINDOW_UPDATE, and what `:authority` and `accept` take in full; an acknowledgement; GOAWAY at the end.
/// Down: SETTINGS; WINDOW_UPDATE, an acknowledgement, and `cache-control` and `content-type` in full.
pub(super) const CONNECTION: [(u64, u64); 3] =
    [(24 + 33 + 13 + 16, 33), (FRAME, 13 + FRAME + 7 + 12), (FRAME + 8, 0)];

/// Of one polling client.
#[derive(Debug)]
pub(super) struct Http2 {
    /// Bits of the path without a position.
    path: f64,
    /// Bytes of a new date, and of one that is new as often as the polls' seconds are.
    new_date: u64,
    date: u64,
    conditional: bool,
}

impl Http2 {
    /// `interval` in seconds.
    pub(super) fn new(who: Who, interval: f64, conditional: bool) -> Self {
        let path = bits("/topics//events?as=&limit=10000") as f64
            + NAME * who.topic as f64
            + DIGIT * digits(who.client.into()) as f64
            + if who.conflates { bits("&conflate=true") as f64 } else { 0.0 };
        let new_date = 1 + string(bits("Tue, 24 Nov 2026 03:30:13 GMT"));
        let date = (1.0 + (new_date - 1) as f64 * interval.min(1.0)).round() as u64;
        Self { path, new_date, date, conditional }
    }

    /// The request of somebody without a position.
    pub(super) fn first_request(&self) -> u64 {
        self.head(self.path)
    }

    pub(super) fn request(&self, offset: u64) -> u64 {
        let position = bits("&after=&epoch=") as f64 + HEX * EPOCH as f64 + DIGIT * digits(offset) as f64;
        self.head(self.path + position) + if self.conditional { tag(offset) } else { 0 }
    }

    /// Method, scheme, authority and `accept` are a byte each, and so is the path's name.
    fn head(&self, path: f64) -> u64 {
        FRAME + 4 + 1 + string(path as u64)
    }

    /// Status, `cache-control`, the tag and the date.
    pub(super) fn unchanged(&self, offset: u64) -> u64 {
        FRAME + 2 + tag(offset) + self.date
    }

    /// The first answer on a connection.
    pub(super) fn first_answer(&self, offset: u64, body: u64) -> u64 {
        self.answer(offset, body) + self.new_date - self.date
    }

    /// The same with `content-type`, `content-length` and a body, in one frame.
    pub(super) fn answer(&self, offset: u64, body: u64) -> u64 {
        let length = 2 + string((DIGIT * digits(body) as f64) as u64);
        FRAME + 3 + tag(offset) + length + self.date + FRAME + body
    }
}

/// A tag with the index of its name, which is beyond what one byte holds.
fn tag(offset: u64) -> u64 {
    2 + string((bits("\":\"") as f64 + HEX * EPOCH as f64 + DIGIT * digits(offset) as f64) as u64)
}
