//! The four ways to hear news, their settings, and the one definition of pacing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::random::{Dice, stream};
use crate::units::duration_text;

/// One `[[transport]]` of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transport {
    /// How reports and `--set` address it; unique within a scenario.
    pub label: String,
    /// The way, with its settings.
    #[serde(flatten)]
    pub way: Way,
}

/// How a client learns of events. A closed set: every `match` on it is the checklist for a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Way {
    /// Short polling: a GET every interval.
    Poll {
        /// Time between intended polls.
        #[serde(with = "duration_text")]
        interval: Duration,
        /// Whether the TCP connection is kept between polls.
        keep_alive: bool,
        /// Whether polls carry `If-None-Match`, so that "Nope" is a 304.
        conditional: bool,
    },
    /// Long polling: a GET that the server holds until there is news.
    LongPoll {
        /// Longest time the server holds an empty answer back.
        #[serde(with = "duration_text")]
        hold: Duration,
    },
    /// Server-sent events: one GET whose answer never ends.
    Sse,
    /// A WebSocket.
    #[serde(rename = "websocket")]
    WebSocket {
        /// Time between the server's pings; zero turns them off.
        #[serde(with = "duration_text")]
        ping: Duration,
        /// Bytes of tungstenite's read buffer on the server, per socket.
        read_buffer: usize,
    },
}

impl Way {
    /// The kind as scenario files and outcomes write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Poll { .. } => "poll",
            Self::LongPoll { .. } => "long-poll",
            Self::Sse => "sse",
            Self::WebSocket { .. } => "websocket",
        }
    }

    /// Whether the client asks again and again, so that "waste" means something.
    #[must_use]
    pub fn asks(&self) -> bool {
        matches!(self, Self::Poll { .. } | Self::LongPoll { .. })
    }

    /// The interval of a short poll.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        match self {
            Self::Poll { interval, .. } => Some(*interval),
            _ => None,
        }
    }
}

/// The share, uniform in [0, 1), of its period after which a client's first hold ends or its first
/// ping or comment is due, so that clients who came together do not stay together.
#[must_use]
pub fn first_share(seed: u64, client: u64) -> f64 {
    Dice::new(seed, &[stream::FIRST_HOLD, client]).unit()
}
