//! The four ways to hear news, their settings, and the one definition of pacing.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::random::{Dice, stream};
use crate::units::{duration_text, optional_duration_text};

/// Time between the comments on an event stream.
pub const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// How somebody polls who was refused a socket: held as long as most proxies allow …
pub const FALLBACK_HOLD: Duration = Duration::from_secs(25);
/// … or, refused that too, so often.
pub const FALLBACK_INTERVAL: Duration = Duration::from_secs(5);
/// Most events that the server takes from a feed at one time for a streaming reader, hence most events
/// of one frame, …
pub const FRAME_EVENTS: usize = 256;
/// … and most bytes of them, unless a single one has more.
pub const FRAME_BYTES: usize = 64 * 1024;

/// Time between a server's pings when nobody says another.
pub const PING: Duration = Duration::from_secs(25);
/// Read buffer of a server's socket when nobody says another, bytes; tungstenite's own is 128 KiB.
pub const READ_BUFFER: usize = 4096;

/// One `[[transport]]` of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transport {
    /// How reports and `--set` address it; unique within a scenario.
    pub label: String,
    /// The way, with its settings.
    #[serde(flatten)]
    pub way: Way,
}

/// How a client learns of events. A closed set: every `match` on it is the checklist for a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Way {
    /// Short polling: a GET every interval.
    Poll {
        /// Time between intended polls.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        interval: Duration,
        /// The interval doubles after each empty answer up to this, and is itself again upon news; none: it
        /// stays the same.
        #[serde(default, with = "optional_duration_text")]
        #[schemars(with = "Option<String>")]
        backoff_max: Option<Duration>,
        /// Whether the TCP connection is kept between polls.
        keep_alive: bool,
        /// Whether polls carry `If-None-Match`, so that "Nope" is a 304.
        conditional: bool,
        /// How long a cache in front of the server keeps an answer, whole seconds; none: no cache.
        #[serde(default, with = "optional_duration_text")]
        #[schemars(with = "Option<String>")]
        shared_cache: Option<Duration>,
        /// The version of HTTP.
        #[serde(default)]
        http: Http,
    },
    /// Long polling: a GET that the server holds until there is news.
    LongPoll {
        /// Longest time the server holds an empty answer back.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        hold: Duration,
    },
    /// Server-sent events: one GET whose answer never ends.
    Sse,
    /// A WebSocket.
    #[serde(rename = "websocket")]
    WebSocket {
        /// Time between the server's pings; zero turns them off.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        ping: Duration,
        /// How long the first event that is due waits for others to share its frame; zero: a frame
        /// for each event.
        #[serde(default, with = "duration_text")]
        #[schemars(with = "String")]
        coalesce: Duration,
        /// Bytes of tungstenite's read buffer on the server, per socket.
        read_buffer: usize,
    },
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Http {
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2 without TLS, by prior knowledge (RFC 9113 §3.3).
    #[serde(rename = "2")]
    Two,
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

    /// Whether it is a WebSocket, on which clients also send.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        matches!(self, Self::WebSocket { .. })
    }

    /// How long the server's side may hold an event back before anybody could have it: in the answer
    /// that a cache keeps, or for others to share a frame.
    #[must_use]
    pub fn kept_back(&self) -> Duration {
        match self {
            Self::Poll { shared_cache, .. } => shared_cache.unwrap_or_default(),
            Self::WebSocket { coalesce, .. } => *coalesce,
            Self::LongPoll { .. } | Self::Sse => Duration::ZERO,
        }
    }

    /// The interval of a short poll.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        match self {
            Self::Poll { interval, .. } => Some(*interval),
            _ => None,
        }
    }

    /// The longest time between two short polls.
    #[must_use]
    pub fn longest_interval(&self) -> Option<Duration> {
        match self {
            Self::Poll { interval, backoff_max, .. } => Some(backoff_max.unwrap_or(*interval)),
            _ => None,
        }
    }
}

/// The seeded share of its hold, ping or comment interval after which a client's first one ends, in
/// [0, 1), so that a crowd's beats do not coincide.
#[must_use]
pub fn first_share(seed: u64, client: u64) -> f64 {
    Dice::new(seed, &[stream::FIRST_HOLD, client]).unit()
}

/// How a short poller paces itself: the interval in force, between the shortest and the longest. The one
/// definition of backing off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    least: i64,
    most: i64,
    now: i64,
}

impl Pace {
    /// Begins with `interval` (as `longest`; see [`Way::Poll`]), in microseconds of whole ones.
    #[must_use]
    pub fn new(interval: Duration, longest: Option<Duration>) -> Self {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4);
        let least = micros(interval);
        Self { least, most: longest.map_or(least, micros).max(least), now: least }
    }

    /// The shortest interval, microseconds.
    #[must_use]
    pub fn least(&self) -> i64 {
        self.least
    }

    /// Whether the interval changes.
    #[must_use]
    pub fn backs_off(&self) -> bool {
        self.most > self.least
    }

    /// An answer came, with news or without.
    pub fn heard(&mut self, news: bool) {
        self.now = if news { self.least } else { self.now.saturating_mul(2).min(self.most) };
    }

    /// See [`next_poll`].
    #[must_use]
    pub fn next(&self, intended: i64, answered: i64) -> Next {
        next_poll(intended, answered, self.now)
    }
}

/// How long somebody waits before the `attempt`-th try (from 0) to come back: 1 s doubling to 5 s,
/// shortened by up to half at random, so that a crowd that was lost together does not return together.
#[must_use]
pub fn retry_after(seed: u64, client: u32, attempt: u32) -> Duration {
    let full = (1u64 << attempt.min(3)).min(5) as f64;
    let jitter = Dice::new(seed, &[stream::RECONNECT, client.into(), attempt.into()]).unit();
    Duration::from_secs_f64(full * (1.0 - 0.5 * jitter))
}

/// When to poll next, and what passed meanwhile: the one definition of pacing on an absolute schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The next intended time, microseconds.
    pub at: i64,
    /// Time between intended polls.
    pub interval: i64,
    /// Intended times that passed while the answer was outstanding; the first is one interval after
    /// the poll's own.
    pub skipped: i64,
}

/// The poll intended at `intended` was answered at `answered`: when is the next one due?
///
/// Polls stay on the grid `intended + k·interval` (microseconds), so that a slow answer never shifts
/// the schedule; grid times at or before `answered` are skipped, not piled up.
#[must_use]
pub fn next_poll(intended: i64, answered: i64, interval: i64) -> Next {
    let skipped = ((answered - intended).max(0)) / interval;
    Next { at: intended + (skipped + 1) * interval, interval, skipped }
}

/// The first intended poll at or after `from` of a client whose phase is `phase` (microseconds).
#[must_use]
pub fn first_poll(from: i64, phase: i64, interval: i64) -> i64 {
    phase + (from - phase + interval - 1).div_euclid(interval) * interval
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_comes_back_spread_out_and_ever_more_slowly() {
        for (attempt, longest) in [(0, 1.0), (1, 2.0), (2, 4.0), (3, 5.0), (40, 5.0)] {
            let pauses = (0..1000).map(|client| retry_after(1, client, attempt).as_secs_f64());
            let (mut least, mut most) = (f64::MAX, 0.0f64);
            for pause in pauses {
                (least, most) = (least.min(pause), most.max(pause));
            }
            assert!(least >= longest / 2.0 && most <= longest, "{attempt}: {least} to {most}");
            assert!(most - least > 0.48 * longest, "{attempt}: {least} to {most}");
        }
    }

    #[test]
    fn a_slow_answer_skips_and_keeps_the_grid() {
        let next = |at, skipped| Next { at, interval: 50, skipped };
        assert_eq!(next_poll(100, 120, 50), next(150, 0));
        assert_eq!(next_poll(100, 150, 50), next(200, 1));
        assert_eq!(next_poll(100, 275, 50), next(300, 3));
    }

    #[test]
    fn the_interval_doubles_while_nothing_comes_and_no_further_than_it_may() {
        let mut pace = Pace::new(Duration::from_micros(50), Some(Duration::from_micros(180)));
        let mut intervals = Vec::new();
        for news in [false, false, false, true, false] {
            pace.heard(news);
            intervals.push(pace.next(0, 0).at);
        }
        assert_eq!(intervals, [100, 180, 180, 50, 100]);
        let mut even = Pace::new(Duration::from_micros(50), None);
        even.heard(false);
        assert_eq!((even.next(0, 0).at, even.backs_off()), (50, false));
    }

    #[test]
    fn the_first_poll_lies_within_one_interval() {
        for (from, phase) in [(-100, 30), (-100, 0), (-50, 0), (0, 49), (-130, 20)] {
            let first = first_poll(from, phase, 50);
            assert!(
                (from..from + 50).contains(&first) && (first - phase) % 50 == 0,
                "{from} {phase} {first}"
            );
        }
    }
}
