//! What is written to a socket in one go, and how.

use std::sync::Arc;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use bytes::{BufMut, BytesMut};
use futures_util::SinkExt;

use crate::feed::Stored;

/// What is written in one go.
pub(super) enum Frames<'a> {
    One(Message),
    Events(&'a [Arc<Stored>]),
    /// All in one frame.
    Shared(&'a [Arc<Stored>]),
}

impl Frames<'_> {
    /// How many are messages, as an application sees them.
    pub(super) fn messages(&self) -> u64 {
        match self {
            Self::One(message) => u64::from(matches!(message, Message::Text(_))),
            Self::Events(events) => events.len() as u64,
            Self::Shared(_) => 1,
        }
    }
}

/// Feeds all frames, then flushes once.
pub(super) async fn send(socket: &mut WebSocket, frames: Frames<'_>) -> Result<(), axum::Error> {
    match frames {
        Frames::One(message) => socket.feed(message).await?,
        Frames::Shared(events) => socket.feed(Message::Text(array(events))).await?,
        Frames::Events(events) => {
            for event in events {
                // The bytes are shared with all readers; only their being UTF-8 is looked at again.
                let text = Utf8Bytes::try_from(event.json.clone()).unwrap_or_default();
                socket.feed(Message::Text(text)).await?;
            }
        }
    }
    socket.flush().await
}

/// Events as one JSON array.
fn array(events: &[Arc<Stored>]) -> Utf8Bytes {
    let size: usize = events.iter().map(|event| event.json.len() + 1).sum();
    let mut text = BytesMut::with_capacity(size + 1);
    for event in events {
        text.put_u8(if text.is_empty() { b'[' } else { b',' });
        text.put_slice(&event.json);
    }
    text.put_u8(b']');
    Utf8Bytes::try_from(text.freeze()).unwrap_or_default()
}
