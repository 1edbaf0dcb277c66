//! What one client of a run saw, for the timeline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One client's asks and deliveries, for the timeline; the same client in every transport.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// Index of the client.
    pub client: u32,
    /// The first polls in the window, at most 400.
    pub asks: Vec<Ask>,
    /// The first deliveries of the window, at most 400.
    pub news: Vec<News>,
    /// All polls in the window, kept above or not.
    #[serde(default)]
    pub asked: u64,
    /// Those of them that found nothing.
    #[serde(default)]
    pub nope: u64,
    /// All deliveries of the window, kept above or not.
    #[serde(default)]
    pub received: u64,
}

impl Person {
    /// Asked, “Nope”, and received in the whole window; an older outcome knows only what it kept.
    #[must_use]
    pub fn totals(&self) -> (u64, u64, u64) {
        let nope = self.asks.iter().filter(|ask| ask.events == 0).count() as u64;
        let (asks, news) = (self.asks.len() as u64, self.news.len() as u64);
        (self.asked.max(asks), self.nope.max(nope), self.received.max(news))
    }

    /// Milliseconds into the window up to which everything was kept; `None` where that is all of it.
    #[must_use]
    pub fn kept_until_ms(&self) -> Option<f64> {
        let cut = |all: u64, kept: usize| all > kept as u64;
        let asks = self.asks.last().filter(|_| cut(self.asked, self.asks.len())).map(|ask| ask.at_ms);
        let news = self.news.last().filter(|_| cut(self.received, self.news.len())).map(|n| n.published_ms);
        asks.into_iter().chain(news).reduce(f64::min)
    }
}

/// One poll of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ask {
    /// When it was sent, ms from the start of the window.
    pub at_ms: f64,
    /// When the answer was in hand.
    pub answered_ms: f64,
    /// Events in the answer; 0 is "Nope".
    pub events: u32,
}

/// One delivery of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct News {
    /// Intended publish time, ms from the start of the window.
    pub published_ms: f64,
    /// When the client had it in hand.
    pub received_ms: f64,
    /// The event as a person would say it.
    pub text: String,
}
