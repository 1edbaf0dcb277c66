//! The broker in this process: a map of topics, each a feed behind a lock and a wake-up.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use super::{Answer, Counts, Published, TooManyTopics};
use crate::clock::Micros;
use crate::event::Publish;
use crate::feed::{Batch, Cursor, Entry, Fallen, Feed, Position, Reader, Replay, Room, Stored};

/// Feeds in memory.
#[derive(Debug)]
pub struct Memory {
    /// One for all topics, so that a poll of a topic that does not exist yet can already be told
    /// the epoch in which its first event will stand.
    epoch: Arc<str>,
    keep: usize,
    /// Most topics, so that names alone cannot fill the memory.
    most: usize,
    // Standard locks, not Tokio's: nothing awaits while holding one, and what is done under them
    // is short.
    topics: RwLock<HashMap<Box<str>, Arc<Topic>>>,
    published: AtomicU64,
    repeated: AtomicU64,
    encoded: Arc<AtomicU64>,
    framed: AtomicU64,
}

#[derive(Debug)]
struct Topic {
    name: Box<str>,
    feed: RwLock<Feed>,
    /// Wakes whoever waits for an event. Carries no value: readers look at the feed.
    wake: watch::Sender<()>,
    /// Subscriptions there are. Grows only under a lock of the map.
    readers: AtomicUsize,
}

impl Memory {
    pub(super) fn new(keep: usize, most: usize) -> Self {
        // The standard library's own source of random keys; 32 bits tell two lives apart.
        let random = RandomState::new().hash_one(std::process::id());
        Self {
            epoch: format!("{:08x}", random >> 32).into(),
            keep,
            most,
            topics: RwLock::default(),
            published: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            encoded: Arc::default(),
            framed: AtomicU64::new(0),
        }
    }

    pub(super) fn publish(
        &self,
        topic: &str,
        publish: Publish,
        now: Micros,
    ) -> Result<Published, TooManyTopics> {
        let append = |topic: &Topic| write(&topic.feed).append(&topic.name, publish, now);
        let (topic, appended) = self.topic_or_new(topic, append)?;
        // After the locks are free, or every reader woken would run into them.
        if appended.new {
            self.published.fetch_add(1, Relaxed);
            topic.wake.send_replace(());
        } else {
            self.repeated.fetch_add(1, Relaxed);
        }
        Ok(Published { epoch: self.epoch.clone(), appended })
    }

    pub(super) fn replay(
        &self,
        topic: &str,
        position: &Position,
        who: &Reader,
        room: Room,
        now: Micros,
    ) -> Answer {
        let known = read(&self.topics).get(topic).cloned();
        let replay = match known {
            Some(topic) => read(&topic.feed).replay(position, who, room, now),
            None => self.new_feed().replay(position, who, room, now),
        };
        Answer { epoch: self.epoch.clone(), replay }
    }

    pub(super) fn subscribe(self: &Arc<Self>, topic: &str) -> Result<Subscription, TooManyTopics> {
        let (topic, wake) = self.topic_or_new(topic, |topic| {
            topic.readers.fetch_add(1, Relaxed);
            topic.wake.subscribe()
        })?;
        Ok(Subscription { memory: self.clone(), topic, wake })
    }

    pub(super) fn counts(&self) -> Counts {
        let published = self.published.load(Relaxed);
        Counts {
            published,
            repeated: self.repeated.load(Relaxed),
            encoded: self.encoded.load(Relaxed),
            framed: self.framed.load(Relaxed),
            topics: read(&self.topics).len() as u64,
        }
    }

    /// The topic, and what `with` makes of it under a lock of the map, so that the topic cannot be
    /// forgotten meanwhile.
    fn topic_or_new<T>(
        &self,
        name: &str,
        with: impl FnOnce(&Topic) -> T,
    ) -> Result<(Arc<Topic>, T), TooManyTopics> {
        if let Some(topic) = read(&self.topics).get(name) {
            return Ok((topic.clone(), with(topic)));
        }
        let mut topics = write(&self.topics);
        if topics.len() >= self.most && !topics.contains_key(name) {
            return Err(TooManyTopics(self.most));
        }
        let topic = topics.entry(name.into()).or_insert_with(|| Arc::new(self.new_topic(name)));
        Ok((topic.clone(), with(topic)))
    }

    fn new_topic(&self, name: &str) -> Topic {
        Topic {
            name: name.into(),
            feed: RwLock::new(self.new_feed()),
            wake: watch::Sender::new(()),
            readers: AtomicUsize::new(0),
        }
    }

    fn new_feed(&self) -> Feed {
        Feed::new(self.epoch.clone(), self.keep, self.encoded.clone())
    }

    /// Counts a reader out, and forgets a topic that nobody published to once its last reader
    /// leaves: reading alone must not use up the topics.
    fn leave(&self, topic: &Topic) {
        let last = topic.readers.fetch_sub(1, Relaxed) == 1;
        if last && read(&topic.feed).head() == 0 {
            let mut topics = write(&self.topics);
            // Once more under the lock that every new reader and publisher needs.
            let unused = topic.readers.load(Relaxed) == 0 && read(&topic.feed).head() == 0;
            // Two last readers may have met here; the topic of that name may be a new one by now.
            if unused && topics.get(&topic.name).is_some_and(|known| std::ptr::eq(&**known, topic)) {
                topics.remove(&topic.name);
            }
        }
    }
}

/// A reader's hold on a topic: wakes it, and reads on from its cursor.
#[derive(Debug)]
pub struct Subscription {
    memory: Arc<Memory>,
    topic: Arc<Topic>,
    wake: watch::Receiver<()>,
}

impl Subscription {
    /// The epoch of the topic's feed.
    #[must_use]
    pub fn epoch(&self) -> &Arc<str> {
        &self.memory.epoch
    }

    /// See [`Feed::enter`].
    #[must_use]
    pub fn enter(&self, position: &Position) -> Entry {
        read(&self.topic.feed).enter(position)
    }

    /// See [`Feed::next`].
    ///
    /// # Errors
    /// [`Fallen`] when an event after the cursor is no longer kept.
    pub fn next(&mut self, cursor: Cursor, who: &Reader, room: Room, now: Micros) -> Result<Batch, Fallen> {
        // Marked as seen before looking: an event that arrives in between wakes once for nothing.
        // The other way round it would be marked as seen without having been looked at, and the
        // reader would sleep on it.
        self.wake.mark_unchanged();
        read(&self.topic.feed).next(cursor, who, room, now)
    }

    /// See [`Feed::replay`].
    #[must_use]
    pub fn replay(&mut self, position: &Position, who: &Reader, room: Room, now: Micros) -> Replay {
        self.wake.mark_unchanged(); // before looking, as in `next`
        read(&self.topic.feed).replay(position, who, room, now)
    }

    /// Bytes between `cursor` and the head, as far as they came after `joined`.
    ///
    /// A reader that asked for much history is not slow because it has yet to get it.
    #[must_use]
    pub fn behind_since(&self, cursor: Cursor, joined: Cursor) -> u64 {
        let place = if cursor.offset < joined.offset { joined } else { cursor };
        read(&self.topic.feed).behind(place)
    }

    /// Name of the topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic.name
    }

    /// Returns once something was published after the last [`Subscription::next`] or
    /// [`Subscription::replay`]; at once when that is so already. Safe to drop and call again.
    pub async fn changed(&mut self) {
        // The sender lives in the topic that this subscription holds, so it cannot be gone.
        let _ = self.wake.changed().await;
    }

    /// An event as a frame of server-sent events.
    #[must_use]
    pub fn sse(&self, event: &Stored) -> bytes::Bytes {
        let (frame, built) = event.sse(&self.memory.epoch);
        if built {
            self.memory.framed.fetch_add(1, Relaxed);
        }
        frame
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.memory.leave(&self.topic);
    }
}

// A lock is poisoned when a holder panicked; a feed is whole between any two of its statements that
// can, so the data stays usable.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_leaves_no_topic_behind() {
        let memory = Arc::new(Memory::new(10, 9));
        let ask = Position { after: Some(0), epoch: None };
        let room = Room { events: 1, bytes: 1 };
        let answer = memory.replay("t", &ask, &Reader::default(), room, 0);
        assert_eq!((answer.replay.offset, memory.counts().topics), (0, 0));
        let (one, two) = (memory.subscribe("t").unwrap(), memory.subscribe("t").unwrap());
        drop(one);
        assert_eq!(memory.counts().topics, 1);
        drop(two);
        assert_eq!(memory.counts().topics, 0);

        let reader = memory.subscribe("t").unwrap();
        memory.publish("t", serde_json::from_str(r#"{"data":1}"#).unwrap(), 0).unwrap();
        drop(reader);
        assert_eq!(memory.counts().topics, 1, "a topic with events stays");
    }

    #[test]
    fn topics_are_capped() {
        let memory = Arc::new(Memory::new(1, 3));
        let publish = |name: &str| memory.publish(name, serde_json::from_str(r#"{"data":1}"#).unwrap(), 0);
        for n in 0..3 {
            publish(&n.to_string()).unwrap();
        }
        assert!(publish("one-more").is_err());
        assert!(memory.subscribe("one-more").is_err());
        assert!(publish("2").is_ok());
    }

    #[tokio::test]
    async fn an_event_published_before_waiting_is_not_slept_on() {
        let memory = Arc::new(Memory::new(10, 9));
        let mut reader = memory.subscribe("t").unwrap();
        let cursor = reader.enter(&Position::default()).cursor;
        let room = Room { events: 9, bytes: 999 };
        assert!(reader.next(cursor, &Reader::default(), room, 0).unwrap().events.is_empty());
        memory.publish("t", serde_json::from_str(r#"{"data":1}"#).unwrap(), 0).unwrap();
        reader.changed().await; // hangs if the wake-up was lost
        let batch = reader.next(cursor, &Reader::default(), room, 0).unwrap();
        assert_eq!((batch.events.len(), reader.behind_since(batch.cursor, cursor)), (1, 0));
    }
}
