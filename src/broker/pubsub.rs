//! The plain design: a feed in each server, and pub/sub tells the others. At most once.
//!
//! Redis keeps nothing. What is published while a server is cut off never reaches its readers, and
//! nobody learns of it. Each server numbers what it hears by itself, so a position in the feed of one
//! server means nothing to another (each has an epoch of its own): readers who poll must stay with
//! theirs.

use std::sync::{Arc, Weak};

use super::bus::{Bus, Inbox, News};
use super::memory::Memory;
use super::{Capacity, Handed, NoRedis, Published, Remote, Stamps, Trouble, fresh_name};
use crate::clock::{Clock, Micros};
use crate::event::{Publish, topic_is_valid};

/// All servers of a fleet listen here, to everything.
const CHANNEL: &str = "news";

/// Feeds in memory, told of by Redis.
#[derive(Debug)]
pub struct PubSub {
    memory: Arc<Memory>,
    bus: Bus,
    /// Tells this server's own messages, which come back to it, from those of others.
    own: String,
    clock: Clock,
    stamps: Stamps,
}

impl PubSub {
    pub(super) async fn connect(remote: &Remote, capacity: Capacity) -> Result<Arc<Self>, NoRedis> {
        let (bus, inbox) = Bus::connect(remote).await?;
        let stamps = Stamps::new(remote.clock, remote.stamped);
        let memory = Arc::new(Memory::new(capacity));
        let new = Arc::new(Self { memory, bus, own: fresh_name(), clock: remote.clock, stamps });
        tokio::spawn(listen(Arc::downgrade(&new), inbox));
        let subscribed = new.bus.subscribe(CHANNEL).await;
        subscribed.map_err(|error| NoRedis { url: remote.url.clone(), why: error.to_string() })?;
        Ok(new)
    }

    pub(super) fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    pub(super) fn handed(&self) -> Handed {
        self.stamps.handed()
    }

    /// Tells the others first: what they could not be told of is refused here, too.
    pub(super) async fn publish(
        &self,
        topic: &str,
        mut publish: Publish,
        now: Micros,
    ) -> Result<Published, Trouble> {
        publish.at.get_or_insert(now);
        let body = serde_json::to_string(&publish).unwrap_or_default();
        let message = format!("{} {topic} {body}", self.own);
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.bus.key(CHANNEL)).arg(message);
        let mut connection = self.bus.connection();
        self.bus.answer(command.query_async::<i64>(&mut connection)).await?;
        self.stamps.acknowledged(publish.id.as_deref(), now);
        self.memory.publish(topic, publish, now)
    }

    fn hear(&self, payload: &[u8]) {
        let Some((topic, publish)) = parse(payload, &self.own) else { return };
        let id = publish.id.clone();
        if self.memory.publish(topic, publish, self.clock.now()).is_ok_and(|published| published.appended.new)
        {
            self.stamps.seen(id.as_deref());
        }
    }
}

/// What another server published; none for `own` messages and for what is none.
fn parse<'a>(payload: &'a [u8], own: &str) -> Option<(&'a str, Publish)> {
    let text = std::str::from_utf8(payload).ok()?;
    let (from, rest) = text.split_once(' ')?;
    let (topic, body) = rest.split_once(' ')?;
    let wanted = from != own && topic_is_valid(topic);
    let publish: Publish = serde_json::from_str(body).ok().filter(|_| wanted)?;
    publish.check().is_ok().then_some((topic, publish))
}

async fn listen(broker: Weak<PubSub>, mut inbox: Inbox) {
    while let Some(news) = inbox.next().await {
        let Some(broker) = broker.upgrade() else { return };
        match news {
            News::Message { payload, .. } => broker.hear(&payload),
            // It came back, and what was said meanwhile is lost: that is the design.
            News::Listening { .. } => {}
        }
    }
}
