//! One event as a feed keeps it: its bytes, and what decides who gets it.

use std::sync::OnceLock;

use bytes::Bytes;

use super::Reader;
use crate::clock::Micros;
use crate::event::Event;

/// An event as the feed keeps it: encoded once, shared by every reader.
#[derive(Debug)]
pub struct Stored {
    /// Position in the feed, from 1.
    pub offset: u64,
    /// The event as one line of JSON (UTF-8, no line break), as every transport sends it.
    pub json: Bytes,
    at: Micros,
    kind: Box<str>,
    pub(super) id: Option<Box<str>>,
    ttl_ms: Option<u64>,
    pub(super) key: Option<Box<str>>,
    from: Option<Box<str>>,
    /// Bytes of the feed up to and with this event, so that a reader's backlog is a subtraction.
    pub(super) end: u64,
    sse: OnceLock<Bytes>,
}

impl Stored {
    /// `json` is `event` encoded; `end` are the bytes of the feed up to and with it.
    pub(super) fn new(event: Event, json: Bytes, end: u64) -> Self {
        Self {
            offset: event.offset,
            json,
            at: event.at,
            kind: event.kind.into_boxed_str(),
            id: event.id.map(String::into_boxed_str),
            ttl_ms: event.ttl_ms,
            key: event.key.map(String::into_boxed_str),
            from: event.from.map(String::into_boxed_str),
            end,
            sse: OnceLock::new(),
        }
    }

    /// The event as a frame of server-sent events, built for the first reader who needs it. The
    /// flag says whether this call built it.
    pub fn sse(&self, epoch: &str) -> (Bytes, bool) {
        let mut built = false;
        let frame = self.sse.get_or_init(|| {
            built = true;
            let head = format!("id: {epoch}:{}\nevent: {}\ndata: ", self.offset, self.kind);
            let mut frame = Vec::with_capacity(head.len() + self.json.len() + 2);
            frame.extend_from_slice(head.as_bytes());
            frame.extend_from_slice(&self.json);
            frame.extend_from_slice(b"\n\n");
            Bytes::from(frame)
        });
        (frame.clone(), built)
    }

    fn expired(&self, now: Micros) -> bool {
        self.ttl_ms.is_some_and(|ttl| {
            let ttl = i64::try_from(ttl).unwrap_or(i64::MAX).saturating_mul(1000);
            now > self.at.saturating_add(ttl)
        })
    }

    pub(super) fn for_reader(&self, who: &Reader, now: Micros) -> bool {
        let own = who.name.is_some() && who.name == self.from;
        !own && !self.expired(now)
    }
}
