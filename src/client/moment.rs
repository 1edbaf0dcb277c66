//! What one person of a crowd sees, for the transcript on the terminal.

use serde::{Deserialize, Serialize};

/// Something one person saw, for the transcript on the terminal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moment {
    /// Microseconds from the start of the window.
    pub at: i64,
    /// What was seen.
    pub saw: Saw,
}

/// What a person saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Saw {
    /// The stream or socket stands.
    Opened,
    /// A poll without news.
    Nope,
    /// An event, and how long after its time, microseconds.
    News {
        /// As a person would say it.
        text: String,
        /// Latency in microseconds.
        waited: i64,
    },
}
