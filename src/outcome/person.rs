//! What one client of a run saw, for the timeline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One client's asks and deliveries, for the timeline; the same client in every transport.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// Index of the client.
    pub client: u32,
    /// Polls in the window, at most 400.
    pub asks: Vec<Ask>,
    /// Deliveries of the window, at most 400.
    pub news: Vec<News>,
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
