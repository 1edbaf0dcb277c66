//! One WebSocket opened in slow motion: recorded as bytes, then shown line by line and bit by bit.
//!
//! [`record`] does the talking and keeps what went over the wire; [`show`] is pure and never talks.

use std::time::Duration;

use crate::target::Target;

pub mod record;
pub mod show;
mod split;

/// Who sent some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This program.
    Client,
    /// The other end.
    Server,
}

/// Bytes that one read or write moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Who sent them.
    pub side: Side,
    /// Time since the TCP connection stood.
    pub at: Duration,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
}

/// Everything that is known of one handshake, whether it went well or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The address asked for.
    pub url: String,
    /// What went over the wire, in order; over TLS, what was in it.
    pub chunks: Vec<Chunk>,
    /// Which TLS that was, and how long its handshake took; none: there was none.
    pub tls: Option<(String, Duration)>,
    /// How news was brought about that this client did not ask for, as a sentence.
    pub aside: Option<String>,
    /// Whether that is known: the server's last event answers nothing this client sent.
    pub unasked: bool,
    /// Why it ended early, as a sentence without a full stop.
    pub failure: Option<String>,
}

/// The path for publishing, if this is the socket of a topic of `anynews serve`.
fn events_path(target: &Target) -> Option<String> {
    let path = target.path.split('?').next()?;
    let topic = path.strip_prefix("/topics/")?.strip_suffix("/socket")?;
    crate::event::topic_is_valid(topic).then(|| format!("/topics/{topic}/events"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_socket_of_a_topic_has_a_path_for_publishing() {
        let events = |path: &str| {
            events_path(&Target { authority: "a:1".to_owned(), path: path.to_owned(), tls: false })
        };
        assert_eq!(events("/topics/room-1/socket?as=you"), Some("/topics/room-1/events".to_owned()));
        assert_eq!(events("/topics//socket"), None);
        assert_eq!(events("/socket"), None);
    }
}
