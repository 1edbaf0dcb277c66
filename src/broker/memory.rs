//! The broker in this process: a map of topics, each a feed behind a lock and a wake-up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock};

use super::topic::{Subscription, Topic, read, write};
use super::{Capacity, Counts, Published, Trouble, fresh_name};
use crate::clock::Micros;
use crate::event::Publish;
use crate::feed::{Feed, Position, Reader, Replay, Room};

/// Feeds in memory.
#[derive(Debug)]
pub struct Memory {
    /// One for all topics, so that a poll of a topic that does not exist yet can already be told
    /// the epoch in which its first event will stand.
    epoch: Arc<str>,
    capacity: Capacity,
    topics: RwLock<HashMap<Box<str>, Arc<Topic>>>,
    published: AtomicU64,
    repeated: AtomicU64,
    encoded: Arc<AtomicU64>,
    framed: Arc<AtomicU64>,
}

impl Memory {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            epoch: fresh_name().into(),
            capacity,
            topics: RwLock::default(),
            published: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            encoded: Arc::default(),
            framed: Arc::default(),
        }
    }

    pub(super) fn publish(&self, topic: &str, publish: Publish, now: Micros) -> Result<Published, Trouble> {
        let append = |topic: &Arc<Topic>| topic.feed_mut().append(&topic.name, publish, now);
        let (topic, appended) = self.topic_or_new(topic, append)?;
        if appended.new {
            self.published.fetch_add(1, Relaxed);
            topic.wake();
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
    ) -> Replay {
        let known = read(&self.topics).get(topic).cloned();
        match known {
            Some(topic) => topic.feed().replay(position, who, room, now),
            None => self.new_feed().replay(position, who, room, now),
        }
    }

    pub(super) fn subscribe(self: &Arc<Self>, topic: &str) -> Result<Subscription, Trouble> {
        let hold = |topic: &Arc<Topic>| Subscription::new(topic, Some(self.clone()));
        Ok(self.topic_or_new(topic, hold)?.1)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            published: self.published.load(Relaxed),
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
        with: impl FnOnce(&Arc<Topic>) -> T,
    ) -> Result<(Arc<Topic>, T), Trouble> {
        if let Some(topic) = read(&self.topics).get(name) {
            return Ok((topic.clone(), with(topic)));
        }
        let mut topics = write(&self.topics);
        if topics.len() >= self.capacity.topics && !topics.contains_key(name) {
            return Err(Trouble::TooManyTopics(self.capacity.topics));
        }
        let new = || Arc::new(Topic::new(name, self.new_feed(), self.framed.clone()));
        let topic = topics.entry(name.into()).or_insert_with(new);
        Ok((topic.clone(), with(topic)))
    }

    fn new_feed(&self) -> Feed {
        Feed::new(self.epoch.clone(), self.capacity.keep, self.encoded.clone())
    }

    /// Forgets a topic that nobody published to once its last reader has left: reading alone must not
    /// use up the topics.
    pub(super) fn left(&self, topic: &Topic) {
        if topic.feed().head() == 0 {
            let mut topics = write(&self.topics);
            // Once more under the lock that every new reader and publisher needs.
            let unused = topic.readers() == 0 && topic.feed().head() == 0;
            // Two last readers may have met here; the topic of that name may be a new one by now.
            if unused && topics.get(&topic.name).is_some_and(|known| std::ptr::eq(&**known, topic)) {
                topics.remove(&topic.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_leaves_no_topic_behind() {
        let memory = Arc::new(Memory::new(Capacity { keep: 10, topics: 9 }));
        let ask = Position { after: Some(0), epoch: None };
        let room = Room { events: 1, bytes: 1 };
        let answer = memory.replay("t", &ask, &Reader::default(), room, 0);
        assert_eq!((answer.offset, memory.counts().topics), (0, 0));
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
        let memory = Arc::new(Memory::new(Capacity { keep: 1, topics: 3 }));
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
        let memory = Arc::new(Memory::new(Capacity { keep: 10, topics: 9 }));
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
