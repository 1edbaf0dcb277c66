//! Topics and their feeds, shared by the four transports: publish, replay, subscribe.
//!
//! The seam between the server and where events live. It knows no connections and no wire format.

use std::sync::Arc;

use crate::clock::Micros;
use crate::event::Publish;
use crate::feed::{Appended, Position, Reader, Replay, Room};

mod memory;

use memory::Memory;
pub use memory::Subscription;

/// Where events are kept. A closed set; today the memory of this process.
#[derive(Debug, Clone)]
pub enum Broker {
    /// Feeds in the memory of this process.
    Memory(Arc<Memory>),
}

/// The offset of a published event, and in which epoch.
#[derive(Debug, Clone)]
pub struct Published {
    /// See [`crate::feed::Feed::epoch`].
    pub epoch: Arc<str>,
    /// Where it stands, and whether it is new.
    pub appended: Appended,
}

/// There are so many topics already, and no more are allowed.
#[derive(Debug, thiserror::Error)]
#[error("there are {0} topics already; use one of them")]
pub struct TooManyTopics(pub usize);

/// A replay, and in which epoch.
#[derive(Debug)]
pub struct Answer {
    /// See [`crate::feed::Feed::epoch`].
    pub epoch: Arc<str>,
    /// What there is.
    pub replay: Replay,
}

/// What a broker counted since it was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Events added.
    pub published: u64,
    /// Publishes answered with the offset of an earlier event of the same `id`.
    pub repeated: u64,
    /// Encodings of an event to JSON.
    pub encoded: u64,
    /// Frames built for server-sent events.
    pub framed: u64,
    /// Topics there are.
    pub topics: u64,
}

impl Broker {
    /// A broker in memory that keeps `keep` events of each of at most `topics` topics.
    #[must_use]
    pub fn memory(keep: usize, topics: usize) -> Self {
        Self::Memory(Arc::new(Memory::new(keep, topics)))
    }

    /// Adds an event to a topic, making the topic when it is new, and wakes its readers.
    ///
    /// # Errors
    /// [`TooManyTopics`] when the topic would be one too many.
    pub async fn publish(
        &self,
        topic: &str,
        publish: Publish,
        now: Micros,
    ) -> Result<Published, TooManyTopics> {
        match self {
            Self::Memory(memory) => memory.publish(topic, publish, now),
        }
    }

    /// What a reader gets now. Makes no topic: asking about one that is unknown leaves no trace.
    #[must_use]
    pub fn replay(&self, topic: &str, position: &Position, who: &Reader, room: Room, now: Micros) -> Answer {
        match self {
            Self::Memory(memory) => memory.replay(topic, position, who, room, now),
        }
    }

    /// Follows a topic, making it when it is new.
    ///
    /// # Errors
    /// [`TooManyTopics`] when the topic would be one too many.
    pub fn subscribe(&self, topic: &str) -> Result<Subscription, TooManyTopics> {
        match self {
            Self::Memory(memory) => memory.subscribe(topic),
        }
    }

    /// What it counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        match self {
            Self::Memory(memory) => memory.counts(),
        }
    }
}
