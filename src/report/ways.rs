//! The transports of an outcome as a reader meets them: name, picture, setting, and a kind for the eye.

use crate::outcome::{Outcome, TransportOutcome};
use crate::transport::{Http, Way as Setting};

use super::numbers;

/// The four kinds, as far as an outcome's text names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Short polling.
    Poll,
    /// Long polling.
    LongPoll,
    /// Server-sent events.
    Sse,
    /// WebSocket.
    WebSocket,
    /// A kind of a later version.
    Other,
}

impl Kind {
    /// Reads an outcome's `kind`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "poll" => Self::Poll,
            "long-poll" => Self::LongPoll,
            "sse" => Self::Sse,
            "websocket" => Self::WebSocket,
            _ => Self::Other,
        }
    }

    /// The kind in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Poll => "polling",
            Self::LongPoll => "long polling",
            Self::Sse => "SSE",
            Self::WebSocket => "WebSocket",
            Self::Other => "transport",
        }
    }

    /// The everyday picture of it.
    #[must_use]
    pub fn picture(self) -> &'static str {
        match self {
            Self::Poll => "letters",
            Self::LongPoll => "patient letters",
            Self::Sse => "radio",
            Self::WebSocket => "phone call",
            Self::Other => "",
        }
    }

    /// Whether the server speaks without being asked.
    #[must_use]
    pub fn is_push(self) -> bool {
        matches!(self, Self::Sse | Self::WebSocket)
    }

    /// Whether the client asks for news.
    #[must_use]
    pub fn asks(self) -> bool {
        matches!(self, Self::Poll | Self::LongPoll)
    }
}

/// One transport with everything words and charts need to name it.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    /// Its figures.
    pub t: &'a TransportOutcome,
    /// Its kind.
    pub kind: Kind,
    /// How many of the same kind come before it; chooses the shade.
    pub repeat: usize,
    /// `polling`, or the label where the scenario gave one.
    pub name: String,
    /// `every 5 s`; empty where there is nothing to say.
    pub setting: String,
}

impl Way<'_> {
    /// The name at the beginning of a sentence.
    #[must_use]
    pub fn capital(&self) -> String {
        capital(&self.name)
    }

    /// `polling every 5 s`.
    #[must_use]
    pub fn full(&self) -> String {
        if self.setting.is_empty() { self.name.clone() } else { format!("{} {}", self.name, self.setting) }
    }
}

/// The text with its first letter in upper case.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The transports in the outcome's order.
#[must_use]
pub fn ways(outcome: &Outcome) -> Vec<Way<'_>> {
    let mut all: Vec<Way<'_>> = Vec::new();
    for t in &outcome.transports {
        let kind = Kind::of(&t.kind);
        let repeat = all.iter().filter(|way| way.kind == kind).count();
        let name =
            if t.label == t.kind && kind != Kind::Other { kind.name().to_owned() } else { t.label.clone() };
        all.push(Way { t, kind, repeat, name, setting: setting(outcome, &t.label) });
    }
    all
}

fn setting(outcome: &Outcome, label: &str) -> String {
    let found = outcome.scenario.transports.iter().find(|transport| transport.label == label);
    match found.map(|transport| &transport.way) {
        Some(Setting::Poll { interval, backoff_max, keep_alive, conditional, shared_cache, http }) => {
            let mut text = format!("every {}", numbers::duration(*interval));
            if let Some(longest) = backoff_max.filter(|longest| longest > interval) {
                text.push_str(&format!(" to {}", numbers::duration(longest)));
            }
            if *http == Http::Two {
                text.push_str(", HTTP/2");
            }
            if !keep_alive {
                text.push_str(", a connection each");
            }
            if *conditional {
                text.push_str(", conditional");
            }
            if let Some(kept) = shared_cache {
                text.push_str(&format!(", cached for {}", numbers::duration(*kept)));
            }
            text
        }
        Some(Setting::LongPoll { hold }) => format!("held up to {}", numbers::duration(*hold)),
        Some(Setting::WebSocket { coalesce, .. }) if !coalesce.is_zero() => {
            format!("frames shared for {}", numbers::duration(*coalesce))
        }
        Some(Setting::Sse | Setting::WebSocket { .. }) | None => String::new(),
    }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
