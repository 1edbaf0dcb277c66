//! What Redis does in one step: the Lua scripts, and their answers as types.

use redis::Script;

use crate::broker::bus::Bus;
use crate::broker::{Capacity, Trouble, fresh_name};

/// Most events read at one time.
const PAGE: usize = 500;

/// The key of the epoch, and the channel on which servers tell one another of a new one.
pub(super) const EPOCH: &str = "epoch";
/// The key of the topics' newest offsets.
pub(super) const HEADS: &str = "heads";

/// The scripts. Redis keeps them by their digest; after a restart they are sent again.
#[derive(Debug)]
pub(super) struct Scripts {
    publish: Script,
    read: Script,
    renew: Script,
}

/// What became of a publish.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) epoch: String,
    pub(super) offset: u64,
    pub(super) new: bool,
}

/// A piece of a log.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) epoch: String,
    pub(super) head: u64,
    /// Events as JSON, in order.
    pub(super) events: Vec<Vec<u8>>,
}

/// An event without its offset.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) topic: &'a str,
    pub(super) id: Option<&'a str>,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            publish: Script::new(include_str!("publish.lua")),
            read: Script::new(include_str!("read.lua")),
            renew: Script::new(include_str!("renew.lua")),
        }
    }

    pub(super) async fn publish(
        &self,
        bus: &Bus,
        draft: &Draft<'_>,
        capacity: Capacity,
    ) -> Result<Added, Trouble> {
        let topic = draft.topic;
        let mut script = self.publish.prepare_invoke();
        for key in [EPOCH, HEADS, &log_of(topic), &ids_of(topic)] {
            script.key(bus.key(key));
        }
        script
            .arg(fresh_name())
            .arg(topic)
            .arg(capacity.topics)
            .arg(capacity.keep)
            .arg(draft.id.unwrap_or_default());
        script.arg(draft.before).arg(draft.after).arg(bus.key(&log_of(topic)));
        let mut connection = bus.connection();
        let answer = bus.answer(script.invoke_async::<(String, i64, i64)>(&mut connection)).await?;
        let (epoch, offset, new) = answer;
        let offset = u64::try_from(offset).map_err(|_| Trouble::TooManyTopics(capacity.topics))?;
        Ok(Added { epoch, offset, new: new == 1 })
    }

    /// Reads on from `from` (0 and 1: from the beginning), which is part of the page.
    pub(super) async fn read(&self, bus: &Bus, topic: &str, epoch: &str, from: u64) -> Result<Page, Trouble> {
        let mut script = self.read.prepare_invoke();
        for key in [EPOCH, HEADS, &log_of(topic)] {
            script.key(bus.key(key));
        }
        script.arg(fresh_name()).arg(topic).arg(epoch).arg(from).arg(PAGE);
        let mut connection = bus.connection();
        let answer = bus.answer(script.invoke_async::<(String, u64, Vec<Vec<u8>>)>(&mut connection)).await?;
        let (epoch, head, events) = answer;
        Ok(Page { epoch, head, events })
    }

    /// Ends `epoch` for everybody.
    pub(super) async fn renew(&self, bus: &Bus, epoch: &str) -> Result<(), Trouble> {
        let mut script = self.renew.prepare_invoke();
        script.key(bus.key(EPOCH)).key(bus.key(HEADS)).arg(fresh_name()).arg(epoch);
        let mut connection = bus.connection();
        bus.answer(script.invoke_async::<i64>(&mut connection)).await.map(drop)
    }
}

/// The key of a topic's log, and the channel on which it is told of.
pub(super) fn log_of(topic: &str) -> String {
    format!("log:{topic}")
}

/// The key of the ids in a topic's log.
pub(super) fn ids_of(topic: &str) -> String {
    format!("ids:{topic}")
}

/// The topic of a channel.
pub(super) fn topic_of(channel: &str) -> Option<&str> {
    channel.strip_prefix("log:")
}
