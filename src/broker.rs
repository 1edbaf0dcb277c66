//! Topics and their feeds, shared by the four transports: publish, replay, subscribe.
//!
//! The seam between the server and where events live. It knows no connections and no wire format.
//! Readers are always answered from a feed in this process; brokers differ in how it is filled.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::clock::{Clock, Micros};
use crate::event::Publish;
use crate::feed::{Appended, Position, Reader, Replay, Room};
use crate::units::without_password;

mod bus;
mod log;
mod memory;
mod pubsub;
mod stamps;
mod topic;

use log::Log;
use memory::Memory;
use pubsub::PubSub;
use stamps::Stamps;
pub use stamps::{Arrived, Handed, Taken};
pub use topic::Subscription;

/// Where events are kept, and how they come to other servers. A closed set.
#[derive(Debug, Clone)]
pub enum Broker {
    /// Feeds in the memory of this process.
    Memory(Arc<Memory>),
    /// The same, and Redis pub/sub tells the other servers: at most once.
    PubSub(Arc<PubSub>),
    /// One log per topic in Redis, which numbers the events; feeds here follow it and miss nothing.
    Log(Arc<Log>),
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Events of each topic.
    pub keep: usize,
    /// Topics, so that names alone cannot fill the memory.
    pub topics: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { keep: 10_000, topics: 100_000 }
    }
}

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct Remote {
    /// `redis://…`; see the `redis` crate for its parts.
    pub url: String,
    /// Before every key and channel, so that several fleets can share one Redis.
    pub namespace: String,
    /// Stamps the hops.
    pub clock: Clock,
    /// Whether to stamp them.
    pub stamped: bool,
}

/// The offset of a published event, and in which epoch.
#[derive(Debug, Clone)]
pub struct Published {
    /// See [`crate::feed::Feed::epoch`].
    pub epoch: Arc<str>,
    /// Where it stands, and whether it is new.
    pub appended: Appended,
}

/// Why a broker cannot serve now.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There are [`Capacity::topics`] already.
    #[error("there are {0} topics already; use one of them")]
    TooManyTopics(usize),
    /// Redis did not answer in time, or refused.
    #[error("the broker does not answer now; try again, with the same id if you publish")]
    Unreachable,
}

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
#[error("cannot use Redis at {url}: {why}")]
pub struct NoRedis {
    url: String,
    why: String,
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
    /// A broker in memory.
    #[must_use]
    pub fn memory(capacity: Capacity) -> Self {
        Self::Memory(Arc::new(Memory::new(capacity)))
    }

    /// Feeds in memory, and pub/sub between the servers.
    ///
    /// # Errors
    /// Redis cannot be reached, or not be used.
    pub async fn pubsub(remote: &Remote, capacity: Capacity) -> Result<Self, NoRedis> {
        Ok(Self::PubSub(PubSub::connect(remote, capacity).await?))
    }

    /// A log in Redis.
    ///
    /// # Errors
    /// Redis cannot be reached, or not be used.
    pub async fn log(remote: &Remote, capacity: Capacity) -> Result<Self, NoRedis> {
        Ok(Self::Log(Log::connect(remote, capacity).await?))
    }

    /// Adds an event to a topic, making the topic when it is new, and wakes its readers.
    ///
    /// # Errors
    /// [`Trouble`]; when Redis does not answer, the event may have been added all the same.
    pub async fn publish(&self, topic: &str, publish: Publish, now: Micros) -> Result<Published, Trouble> {
        match self {
            Self::Memory(memory) => memory.publish(topic, publish, now),
            Self::PubSub(pubsub) => pubsub.publish(topic, publish, now).await,
            Self::Log(log) => log.publish(topic, publish, now).await,
        }
    }

    /// What a reader gets now. In memory it makes no topic: asking about one that is unknown leaves no
    /// trace.
    ///
    /// # Errors
    /// [`Trouble`], when the feed had to be fetched.
    pub async fn replay(
        &self,
        topic: &str,
        position: &Position,
        who: &Reader,
        room: Room,
        now: Micros,
    ) -> Result<Replay, Trouble> {
        match self {
            Self::Memory(memory) => Ok(memory.replay(topic, position, who, room, now)),
            Self::PubSub(pubsub) => Ok(pubsub.memory().replay(topic, position, who, room, now)),
            Self::Log(log) => log.replay(topic, position, who, room, now).await,
        }
    }

    /// Follows a topic, making it when it is new; the feed is there to be entered at `position`.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn subscribe(&self, topic: &str, position: &Position) -> Result<Subscription, Trouble> {
        match self {
            Self::Memory(memory) => memory.subscribe(topic),
            Self::PubSub(pubsub) => pubsub.memory().subscribe(topic),
            Self::Log(log) => log.subscribe(topic, position).await,
        }
    }

    /// What it counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        match self {
            Self::Memory(memory) => memory.counts(),
            Self::PubSub(pubsub) => pubsub.memory().counts(),
            Self::Log(log) => log.counts(),
        }
    }

    /// When events passed through here; empty unless [`Remote::stamped`].
    #[must_use]
    pub fn handed(&self) -> Handed {
        match self {
            Self::Memory(_) => Handed::default(),
            Self::PubSub(pubsub) => pubsub.handed(),
            Self::Log(log) => log.handed(),
        }
    }
}

/// Removes everything of a namespace.
///
/// # Errors
/// Redis cannot be reached, or not be used.
pub async fn erase(remote: &Remote) -> Result<(), NoRedis> {
    let (bus, _inbox) = bus::Bus::connect(remote).await?;
    let erased = log::erase(&bus).await;
    erased.map_err(|error| NoRedis { url: without_password(&remote.url), why: error.to_string() })
}

/// A name for one life of a feed, or of a server. The standard library's own source of random keys;
/// 32 bits tell two lives apart.
fn fresh_name() -> String {
    let random = RandomState::new().hash_one(std::process::id());
    format!("{:08x}", random >> 32)
}
