//! One log per topic in Redis, and copies in every server that follows it: nothing is missed.
//!
//! Redis numbers the events and says in which epoch; pub/sub carries the news; the kept stream
//! fills whatever a server missed, so that any server answers any position. Readers are served from
//! the copy in this process: Redis is asked when a topic is new here, after a gap or a lost
//! connection, and when a reader knows more than we do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{interval, sleep};

use super::bus::{Bus, Inbox, News};
use super::topic::{Subscription, Topic, read, write};
use super::{Capacity, Counts, Handed, NoRedis, Published, Remote, Stamps, Trouble};
use crate::clock::{Clock, Micros, as_micros};
use crate::event::{Event, Publish};
use crate::feed::{Appended, Feed, Position, Reader, Replay, Room};

mod replica;
mod scripts;

use replica::{Replica, Then};
use scripts::{Draft, EPOCH, HEADS, Scripts, ids_of, log_of, topic_of};

/// A topic that nobody asked for this long is followed no more.
const IDLE: Duration = Duration::from_secs(60);
/// Reading a log again that could not be read.
const AGAIN: Duration = Duration::from_millis(200);

/// Copies of logs in Redis.
#[derive(Debug)]
pub struct Log {
    bus: Bus,
    scripts: Scripts,
    capacity: Capacity,
    clock: Clock,
    stamps: Stamps,
    topics: RwLock<HashMap<Box<str>, Arc<Replica>>>,
    /// Taken for reading to follow a topic, for writing to leave some: else one that is followed
    /// again at once could lose its new subscription with the old one.
    following: tokio::sync::RwLock<()>,
    published: AtomicU64,
    repeated: AtomicU64,
    encoded: Arc<AtomicU64>,
    framed: Arc<AtomicU64>,
}

impl Log {
    pub(super) async fn connect(remote: &Remote, capacity: Capacity) -> Result<Arc<Self>, NoRedis> {
        let (bus, inbox) = Bus::connect(remote).await?;
        let log = Arc::new(Self {
            bus,
            scripts: Scripts::new(),
            capacity,
            clock: remote.clock,
            stamps: Stamps::new(remote.clock, remote.stamped),
            topics: RwLock::default(),
            following: tokio::sync::RwLock::default(),
            published: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            encoded: Arc::default(),
            framed: Arc::default(),
        });
        tokio::spawn(listen(Arc::downgrade(&log), inbox));
        tokio::spawn(forget_idle(Arc::downgrade(&log)));
        let subscribed = log.bus.subscribe(EPOCH).await;
        subscribed.map_err(|error| NoRedis { url: remote.url.clone(), why: error.to_string() })?;
        Ok(log)
    }

    pub(super) async fn publish(
        &self,
        topic: &str,
        publish: Publish,
        now: Micros,
    ) -> Result<Published, Trouble> {
        let event = Event::new(topic, 0, publish, now);
        let (before, after) = event.around_offset();
        let draft = Draft { topic, id: event.id.as_deref(), before: &before, after: &after };
        let added = self.scripts.publish(&self.bus, &draft, self.capacity).await?;
        if added.new {
            self.stamps.acknowledged(draft.id, now);
            self.published.fetch_add(1, Relaxed);
            self.encoded.fetch_add(1, Relaxed);
            // Whoever published here finds the event here, before the news of it has come back.
            if let Some(replica) = self.known(topic) {
                let json = Bytes::from(format!("{before}{}{after}", added.offset));
                if !replica.hear(&added.epoch, json, &self.stamps) {
                    let _ = self.catch_up(&replica).await;
                }
            }
        } else {
            self.repeated.fetch_add(1, Relaxed);
        }
        let appended = Appended { offset: added.offset, new: added.new };
        Ok(Published { epoch: added.epoch.into(), appended })
    }

    pub(super) async fn replay(
        &self,
        topic: &str,
        position: &Position,
        who: &Reader,
        room: Room,
        now: Micros,
    ) -> Result<Replay, Trouble> {
        let replica = self.follow(topic, position).await?;
        let feed = replica.topic.feed();
        Ok(feed.replay(position, who, room, now))
    }

    pub(super) async fn subscribe(&self, topic: &str, position: &Position) -> Result<Subscription, Trouble> {
        // Asked for a moment ago, so that it is not forgotten before the reader is counted.
        Ok(Subscription::new(&self.follow(topic, position).await?.topic, None))
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

    pub(super) fn handed(&self) -> Handed {
        self.stamps.handed()
    }

    fn known(&self, topic: &str) -> Option<Arc<Replica>> {
        read(&self.topics).get(topic).cloned()
    }

    /// The copy of a topic, whole as far as anybody can have heard who asks at `position`.
    async fn follow(&self, topic: &str, position: &Position) -> Result<Arc<Replica>, Trouble> {
        let replica = self.known_or_new(topic)?;
        if !replica.is_ready() {
            let _following = self.following.read().await;
            if !replica.is_ready() {
                // In this order, or what comes between would be missed.
                self.bus.subscribe(&log_of(topic)).await?;
                self.catch_up(&replica).await?;
                replica.ready.store(true, Relaxed);
            }
        }
        // A position from another server may be ahead of the news on its way here.
        if !replica.topic.feed().reaches(position) {
            self.catch_up(&replica).await?;
        }
        Ok(replica)
    }

    fn known_or_new(&self, topic: &str) -> Result<Arc<Replica>, Trouble> {
        let now = self.clock.now();
        if let Some(replica) = read(&self.topics).get(topic) {
            replica.asked.store(now, Relaxed);
            return Ok(replica.clone());
        }
        let mut topics = write(&self.topics);
        if topics.len() >= self.capacity.topics && !topics.contains_key(topic) {
            return Err(Trouble::TooManyTopics(self.capacity.topics));
        }
        let new = || {
            // No epoch is empty, so that the first page begins one.
            let feed = Feed::new("".into(), self.capacity.keep, self.encoded.clone());
            Arc::new(Replica::new(Topic::new(topic, feed, self.framed.clone()), now))
        };
        Ok(topics.entry(topic.into()).or_insert_with(new).clone())
    }

    /// Reads what the log has beyond the copy. Several who want it at one time share one reading.
    async fn catch_up(&self, replica: &Replica) -> Result<(), Trouble> {
        replica.stale.store(true, Relaxed);
        let _reading = replica.reading.lock().await;
        if !replica.stale.swap(false, Relaxed) {
            return Ok(());
        }
        let read = self.read_on(replica).await;
        if read.is_err() {
            replica.stale.store(true, Relaxed);
        }
        read
    }

    async fn read_on(&self, replica: &Replica) -> Result<(), Trouble> {
        loop {
            let (epoch, head) = replica.place();
            let page = self.scripts.read(&self.bus, &replica.topic.name, &epoch, head).await?;
            match replica.take(&page, head, &self.stamps) {
                Then::More => {}
                Then::Done => return Ok(()),
                Then::Diverged => self.scripts.renew(&self.bus, &epoch).await?,
            }
        }
    }

    fn hear(self: Arc<Self>, topic: &str, payload: Vec<u8>) {
        let Some(replica) = self.known(topic) else { return };
        let Some(space) = payload.iter().position(|&byte| byte == b' ') else { return };
        let payload = Bytes::from(payload);
        let Ok(epoch) = std::str::from_utf8(&payload[..space]) else { return };
        if !replica.hear(epoch, payload.slice(space + 1..), &self.stamps) {
            tokio::spawn(make_whole(Arc::downgrade(&self), replica));
        }
    }

    /// Leaves topics without readers.
    async fn leave_idle(&self) {
        let _following = self.following.write().await;
        let since = self.clock.now() - as_micros(IDLE);
        let idle = |replica: &Replica| replica.topic.readers() == 0 && replica.asked.load(Relaxed) < since;
        let mut left = Vec::new();
        write(&self.topics).retain(|name, replica| {
            let stays = !idle(replica);
            if !stays {
                left.push(log_of(name));
            }
            stays
        });
        for channel in left {
            // Without an answer the news goes on coming, and finds no copy.
            let _ = self.bus.unsubscribe(&channel).await;
        }
    }
}

/// Removes the logs of a namespace.
pub(super) async fn erase(bus: &Bus) -> Result<(), Trouble> {
    let mut connection = bus.connection();
    let mut command = redis::cmd("HKEYS");
    command.arg(bus.key(HEADS));
    let topics = bus.answer(command.query_async::<Vec<String>>(&mut connection)).await?;
    let logs = topics.into_iter().flat_map(|topic| [log_of(&topic), ids_of(&topic)]);
    let keys: Vec<String> =
        logs.chain([EPOCH.to_owned(), HEADS.to_owned()]).map(|key| bus.key(&key)).collect();
    let mut command = redis::cmd("DEL");
    command.arg(keys);
    bus.answer(command.query_async::<i64>(&mut connection)).await.map(drop)
}

/// Reads a log until it could be read.
async fn make_whole(log: Weak<Log>, replica: Arc<Replica>) {
    while let Some(log) = log.upgrade() {
        if log.catch_up(&replica).await.is_ok() {
            return;
        }
        drop(log);
        sleep(AGAIN).await;
    }
}

async fn listen(log: Weak<Log>, mut inbox: Inbox) {
    while let Some(news) = inbox.next().await {
        let Some(log) = log.upgrade() else { return };
        match news {
            News::Message { channel, .. } if channel == EPOCH => {
                for replica in read(&log.topics).values() {
                    tokio::spawn(make_whole(Arc::downgrade(&log), replica.clone()));
                }
            }
            News::Message { channel, payload } => {
                if let Some(topic) = topic_of(&channel) {
                    log.hear(topic, payload);
                }
            }
            // The first time whoever follows it reads the log; each further time the connection was
            // lost, and with it whatever was said meanwhile.
            News::Listening { channel } => {
                let replica = topic_of(&channel).and_then(|topic| log.known(topic));
                if let Some(replica) = replica.filter(|replica| replica.is_ready()) {
                    tokio::spawn(make_whole(Arc::downgrade(&log), replica));
                }
            }
        }
    }
}

async fn forget_idle(log: Weak<Log>) {
    let mut round = interval(IDLE / 4);
    loop {
        round.tick().await;
        let Some(log) = log.upgrade() else { return };
        log.leave_idle().await;
    }
}
