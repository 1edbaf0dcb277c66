//! A topic's feed in this server as a copy of its log in Redis: what fits on, what is missing, and
//! what shows that the log is another than before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use bytes::Bytes;

use super::scripts::Page;
use crate::broker::Stamps;
use crate::broker::topic::Topic;
use crate::clock::Micros;
use crate::event::Event;

/// A topic that this server follows.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) topic: Arc<Topic>,
    /// Held while the log is read.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// Whether the log is known to hold more, or to be another.
    pub(super) stale: AtomicBool,
    /// Whether it was read once: before that nobody is answered.
    pub(super) ready: AtomicBool,
    /// When a reader last asked.
    pub(super) asked: AtomicI64,
}

/// What to do after a page of the log was taken in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Read on.
    More,
    /// The copy is whole.
    Done,
    /// The log forgot events that were handed out: its epoch has to end.
    Diverged,
}

impl Replica {
    pub(super) fn new(topic: Topic, now: Micros) -> Self {
        Self {
            topic: Arc::new(topic),
            reading: tokio::sync::Mutex::default(),
            stale: AtomicBool::new(true),
            ready: AtomicBool::new(false),
            asked: AtomicI64::new(now),
        }
    }

    /// The epoch and offset to read from: the newest event is asked for once more, to see that it is
    /// still the same.
    pub(super) fn place(&self) -> (Arc<str>, u64) {
        let feed = self.topic.feed();
        (feed.epoch().clone(), feed.head())
    }

    /// Takes in a page that was read from `from`.
    pub(super) fn take(&self, page: &Page, from: u64, stamps: &Stamps) -> Then {
        let mut feed = self.topic.feed_mut();
        if *page.epoch != **feed.epoch() {
            feed.renew(page.epoch.as_str().into());
        } else if page.head < from {
            return Then::Diverged;
        }
        for json in &page.events {
            let Some(event) = parse(json) else { continue };
            let next = feed.head() + 1;
            if event.offset < next {
                // The last one we had, or one whose news came while the page was under way.
                if feed.get(event.offset).is_some_and(|ours| ours.json != json.as_slice()) {
                    return Then::Diverged;
                }
                continue;
            }
            if event.offset > next {
                feed.skip_to(event.offset - 1);
            }
            stamps.seen(event.id.as_deref());
            feed.adopt(event, Bytes::copy_from_slice(json));
        }
        let then = if page.events.is_empty() || feed.head() >= page.head { Then::Done } else { Then::More };
        drop(feed);
        self.topic.wake();
        then
    }

    /// Takes in one event of `epoch`; false when it does not fit on.
    pub(super) fn hear(&self, epoch: &str, json: Bytes, stamps: &Stamps) -> bool {
        let Some(event) = parse(&json) else { return true };
        let mut feed = self.topic.feed_mut();
        if **feed.epoch() != *epoch {
            return false;
        }
        let (offset, next) = (event.offset, feed.head() + 1);
        if offset == next {
            stamps.seen(event.id.as_deref());
            feed.adopt(event, json);
            drop(feed);
            self.topic.wake();
        }
        offset <= next
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }
}

fn parse(json: &[u8]) -> Option<Event> {
    serde_json::from_slice(json).ok()
}
