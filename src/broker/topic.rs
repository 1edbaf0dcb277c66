//! One topic in this process: its feed behind a lock, a wake-up, and readers who hold on to it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use super::memory::Memory;
use crate::clock::Micros;
use crate::feed::{Batch, Cursor, Entry, Feed, Lost, Position, Reader, Replay, Room, Stored};

/// A topic.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: Box<str>,
    // Standard locks, not Tokio's: nothing awaits while holding one, and what is done under them
    // is short.
    feed: RwLock<Feed>,
    /// Wakes whoever waits for an event. Carries no value: readers look at the feed.
    wake: watch::Sender<()>,
    /// Subscriptions there are.
    readers: AtomicUsize,
    /// Frames built, of all topics.
    framed: Arc<AtomicU64>,
}

impl Topic {
    pub(super) fn new(name: &str, feed: Feed, framed: Arc<AtomicU64>) -> Self {
        let (wake, readers) = (watch::Sender::new(()), AtomicUsize::new(0));
        Self { name: name.into(), feed: RwLock::new(feed), wake, readers, framed }
    }

    pub(super) fn feed(&self) -> RwLockReadGuard<'_, Feed> {
        read(&self.feed)
    }

    pub(super) fn feed_mut(&self) -> RwLockWriteGuard<'_, Feed> {
        write(&self.feed)
    }

    /// To be called after the lock of the feed is free, or every reader woken would run into it.
    pub(super) fn wake(&self) {
        self.wake.send_replace(());
    }

    pub(super) fn readers(&self) -> usize {
        self.readers.load(Relaxed)
    }
}

/// A reader's hold on a topic: wakes it, and reads on from its cursor.
#[derive(Debug)]
pub struct Subscription {
    topic: Arc<Topic>,
    wake: watch::Receiver<()>,
    /// Whom to tell when the last reader has left.
    home: Option<Arc<Memory>>,
}

impl Subscription {
    /// To be made under a lock that keeps the topic from being forgotten meanwhile.
    pub(super) fn new(topic: &Arc<Topic>, home: Option<Arc<Memory>>) -> Self {
        topic.readers.fetch_add(1, Relaxed);
        Self { topic: topic.clone(), wake: topic.wake.subscribe(), home }
    }

    /// See [`Feed::enter`].
    #[must_use]
    pub fn enter(&self, position: &Position) -> Entry {
        self.topic.feed().enter(position)
    }

    /// See [`Feed::enter_anew`].
    #[must_use]
    pub fn enter_anew(&self) -> Entry {
        self.topic.feed().enter_anew()
    }

    /// See [`Feed::next`].
    ///
    /// # Errors
    /// [`Lost`], when the reader cannot go on from its cursor.
    pub fn next(&mut self, cursor: Cursor, who: &Reader, room: Room, now: Micros) -> Result<Batch, Lost> {
        // Marked as seen before looking: an event that arrives in between wakes once for nothing.
        // The other way round it would be marked as seen without having been looked at, and the
        // reader would sleep on it.
        self.wake.mark_unchanged();
        self.topic.feed().next(cursor, who, room, now)
    }

    /// See [`Feed::replay`].
    #[must_use]
    pub fn replay(&mut self, position: &Position, who: &Reader, room: Room, now: Micros) -> Replay {
        self.wake.mark_unchanged(); // before looking, as in `next`
        self.topic.feed().replay(position, who, room, now)
    }

    /// Bytes between `cursor` and the head, as far as they came after `joined`.
    ///
    /// A reader that asked for much history is not slow because it has yet to get it.
    #[must_use]
    pub fn behind_since(&self, cursor: Cursor, joined: Cursor) -> u64 {
        let place = if cursor.offset < joined.offset { joined } else { cursor };
        self.topic.feed().behind(place)
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
    pub fn sse(&self, epoch: &str, event: &Stored) -> bytes::Bytes {
        let (frame, built) = event.sse(epoch);
        if built {
            self.topic.framed.fetch_add(1, Relaxed);
        }
        frame
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let last = self.topic.readers.fetch_sub(1, Relaxed) == 1;
        if let Some(home) = self.home.as_ref().filter(|_| last) {
            home.left(&self.topic);
        }
    }
}

// A lock is poisoned when a holder panicked; a feed is whole between any two of its statements that
// can, so the data stays usable.
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
