//! The append-only feed of one topic: offsets, epoch, replay, retry ids, time to live, conflation.
//!
//! Pure. It knows no sockets, no readers and no other topic; whoever owns it keeps the lock and
//! wakes those who wait.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;

use crate::clock::Micros;
use crate::event::{Event, Publish};

mod stored;
#[cfg(test)]
mod tests;

pub use stored::Stored;

/// Who reads, as far as it decides what is delivered.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// `?as=`: events from this name are not sent to it.
    pub name: Option<Box<str>>,
    /// `?conflate=true`: only the latest event of each key.
    pub conflate: bool,
}

/// Where a reader asks from.
#[derive(Debug, Clone, Default)]
pub struct Position {
    /// The last offset it has; absent: only what comes from now on.
    pub after: Option<u64>,
    /// The epoch it learned that offset in; absent: it takes whatever epoch there is.
    pub epoch: Option<Box<str>>,
}

/// How much one answer may hold. At least one event always fits.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Events.
    pub events: usize,
    /// Bytes of their JSON.
    pub bytes: usize,
}

/// A streaming reader's place: everything up to it was delivered or passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Offset of the last event behind the reader.
    pub offset: u64,
    bytes: u64,
    /// See [`Feed::renew`].
    life: u32,
}

/// What [`Feed::enter`] answers.
#[derive(Debug, Clone)]
pub struct Entry {
    /// See [`Feed::epoch`].
    pub epoch: Arc<str>,
    /// Where to go on.
    pub cursor: Cursor,
    /// The head as it is now.
    pub head: Cursor,
    /// Offset of the oldest event kept; one past the head when none is.
    pub first: u64,
    /// Whether everything after the asked position is still there.
    pub recovered: bool,
}

/// Events for a streaming reader, and its place after them.
#[derive(Debug)]
pub struct Batch {
    /// What to deliver, in order.
    pub events: Vec<Arc<Stored>>,
    /// Place after delivering them.
    pub cursor: Cursor,
    /// Whether more deliverable events wait.
    pub more: bool,
}

/// Why a streaming reader cannot go on from its place.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// Events after the cursor are gone: the reader was too slow.
    Fallen,
    /// The feed began anew: enter it again by [`Feed::enter_anew`], and tell the reader.
    Renewed,
}

/// Answer to a poll.
#[derive(Debug)]
pub struct Replay {
    /// See [`Feed::epoch`].
    pub epoch: Arc<str>,
    /// Position to ask from next: the last event returned, else the head.
    pub offset: u64,
    /// Offset of the newest event.
    pub head: u64,
    /// See [`Entry::first`].
    pub first: u64,
    /// See [`Entry::recovered`]; without it there are no events.
    pub recovered: bool,
    /// Whether more deliverable events wait.
    pub more: bool,
    /// What to deliver, in order.
    pub events: Vec<Arc<Stored>>,
}

/// What became of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the event; with a known `id`, of the first event that bore it.
    pub offset: u64,
    /// Whether an event was added; false for a repeated `id`.
    pub new: bool,
}

/// The feed of one topic.
#[derive(Debug)]
pub struct Feed {
    epoch: Arc<str>,
    keep: usize,
    events: VecDeque<Arc<Stored>>,
    ids: HashMap<Box<str>, u64>,
    head: u64,
    /// Bytes of JSON ever appended, in whatever epoch.
    bytes: u64,
    /// How often it was renewed.
    life: u32,
    /// Encodings of an event, counted to show that there is one per event whoever reads.
    encodings: Arc<AtomicU64>,
}

impl Feed {
    /// An empty feed that keeps the last `keep` events (at least one) and counts its encodings in
    /// `encodings`.
    #[must_use]
    pub fn new(epoch: Arc<str>, keep: usize, encodings: Arc<AtomicU64>) -> Self {
        let (events, ids) = (VecDeque::new(), HashMap::new());
        Self { epoch, keep: keep.max(1), events, ids, head: 0, bytes: 0, life: 0, encodings }
    }

    /// Names this life of the feed: offsets of another epoch mean nothing here.
    #[must_use]
    pub fn epoch(&self) -> &Arc<str> {
        &self.epoch
    }

    /// Offset of the newest event; 0 before the first.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    fn first(&self) -> u64 {
        self.events.front().map_or(self.head + 1, |event| event.offset)
    }

    /// Adds an event, unless its `id` is kept already, and encodes it: the only place that does.
    ///
    /// `now` stands in for an absent `at`.
    pub fn append(&mut self, topic: &str, publish: Publish, now: Micros) -> Appended {
        if let Some(&offset) = publish.id.as_deref().and_then(|id| self.ids.get(id)) {
            return Appended { offset, new: false };
        }
        let event = Event::new(topic, self.head + 1, publish, now);
        self.encodings.fetch_add(1, Relaxed);
        let json = Bytes::from(event.json().into_bytes().into_boxed_slice());
        self.push(event, json);
        Appended { offset: self.head, new: true }
    }

    /// Adds an event that was numbered and encoded elsewhere; false, and nothing added, unless it is
    /// the next one.
    pub fn adopt(&mut self, event: Event, json: Bytes) -> bool {
        let next = event.offset == self.head + 1;
        if next {
            self.push(event, json);
        }
        next
    }

    fn push(&mut self, event: Event, json: Bytes) {
        self.head = event.offset;
        self.bytes += json.len() as u64;
        if let Some(id) = event.id.as_deref() {
            self.ids.insert(id.into(), self.head);
        }
        self.events.push_back(Arc::new(Stored::new(event, json, self.bytes)));
        self.forget_oldest();
    }

    /// Passes over events that nobody has any more, up to and with `head`.
    pub fn skip_to(&mut self, head: u64) {
        self.events.clear();
        self.ids.clear();
        self.head = head;
    }

    /// Begins anew in another epoch: earlier events and offsets mean nothing any more.
    pub fn renew(&mut self, epoch: Arc<str>) {
        self.skip_to(0);
        self.epoch = epoch;
        self.life += 1;
    }

    /// The event at `offset`, while it is kept.
    #[must_use]
    pub fn get(&self, offset: u64) -> Option<&Arc<Stored>> {
        let index = offset.checked_sub(self.first())?;
        self.events.get(usize::try_from(index).ok()?)
    }

    /// Whether `position` is of this epoch and not beyond the head.
    #[must_use]
    pub fn reaches(&self, position: &Position) -> bool {
        self.is_of(position) && position.after.is_none_or(|after| after <= self.head)
    }

    fn is_of(&self, position: &Position) -> bool {
        position.epoch.as_deref().is_none_or(|epoch| epoch == &*self.epoch)
    }

    fn forget_oldest(&mut self) {
        while self.events.len() > self.keep {
            let gone = self.events.pop_front();
            if let Some(id) = gone.as_ref().and_then(|event| event.id.as_deref()) {
                self.ids.remove(id);
            }
        }
    }

    /// Finds a reader's place.
    ///
    /// An epoch other than this one, a position whose next event is gone, or one beyond the head
    /// cannot be resumed without a gap: then `recovered` is false and the place is the head.
    #[must_use]
    pub fn enter(&self, position: &Position) -> Entry {
        let first = self.first();
        let head = self.cursor_at_head();
        let (recovered, cursor) = match position.after {
            _ if !self.is_of(position) => (false, head),
            None => (true, head),
            Some(after) if after.saturating_add(1) < first || after > self.head => (false, head),
            Some(after) => (true, self.cursor_at(after)),
        };
        Entry { epoch: self.epoch.clone(), cursor, head, first, recovered }
    }

    /// The place of a reader who was there when the feed began anew: it has seen nothing of this
    /// epoch, so that it gets all there is.
    #[must_use]
    pub fn enter_anew(&self) -> Entry {
        let first = self.first();
        let cursor = self.cursor_at(first - 1);
        Entry { epoch: self.epoch.clone(), cursor, head: self.cursor_at_head(), first, recovered: false }
    }

    fn cursor_at_head(&self) -> Cursor {
        Cursor { offset: self.head, bytes: self.bytes, life: self.life }
    }

    /// The cursor behind `after`, which lies in `first - 1 ..= head`.
    fn cursor_at(&self, after: u64) -> Cursor {
        let next = self.events.get(self.index_after(after));
        let bytes = next.map_or(self.bytes, |event| event.end - event.json.len() as u64);
        Cursor { offset: after, bytes, life: self.life }
    }

    /// Index in `events` of the event after `after`.
    fn index_after(&self, after: u64) -> usize {
        usize::try_from((after + 1).saturating_sub(self.first())).unwrap_or(usize::MAX)
    }

    /// Bytes of JSON between `cursor` and the head.
    #[must_use]
    pub fn behind(&self, cursor: Cursor) -> u64 {
        self.bytes - cursor.bytes
    }

    /// The next events for a streaming reader.
    ///
    /// # Errors
    /// [`Lost::Fallen`] when an event after `cursor` is no longer kept, [`Lost::Renewed`] when it is of
    /// an earlier epoch.
    pub fn next(&self, cursor: Cursor, who: &Reader, room: Room, now: Micros) -> Result<Batch, Lost> {
        if cursor.life != self.life {
            return Err(Lost::Renewed);
        }
        if cursor.offset + 1 < self.first() {
            return Err(Lost::Fallen);
        }
        let (events, more) = self.scan(cursor.offset, who, room, now);
        // With more to come the cursor stops at the last event taken; otherwise it also passes
        // over what was filtered behind it.
        let cursor = match events.last() {
            Some(last) if more => Cursor { offset: last.offset, bytes: last.end, ..cursor },
            _ => self.cursor_at_head(),
        };
        Ok(Batch { events, cursor, more })
    }

    /// Answers a poll.
    #[must_use]
    pub fn replay(&self, position: &Position, who: &Reader, room: Room, now: Micros) -> Replay {
        let Entry { epoch, cursor, first, recovered, .. } = self.enter(position);
        let (events, more) = self.scan(cursor.offset, who, room, now);
        let offset = events.last().map_or(self.head, |event| event.offset);
        Replay { epoch, offset, head: self.head, first, recovered, more, events }
    }

    /// What `who` gets of the events after `after`, as much as there is room for, and whether more
    /// waits.
    fn scan(&self, after: u64, who: &Reader, room: Room, now: Micros) -> (Vec<Arc<Stored>>, bool) {
        let pending = self.events.range(self.index_after(after).min(self.events.len())..);
        let deliverable = pending.filter(|event| event.for_reader(who, now));
        if who.conflate {
            // Newest first, so that the first of a key to be seen is the one to keep. What the
            // reader would not be sent anyway must not supersede what it would.
            let mut seen = HashSet::new();
            let mut latest: Vec<_> = deliverable
                .rev()
                .filter(|event| event.key.as_deref().is_none_or(|key| seen.insert(key)))
                .collect();
            latest.reverse();
            fill(latest.into_iter(), room)
        } else {
            fill(deliverable, room)
        }
    }
}

fn fill<'a>(events: impl Iterator<Item = &'a Arc<Stored>>, room: Room) -> (Vec<Arc<Stored>>, bool) {
    let mut taken = Vec::new();
    let mut bytes = 0;
    for event in events {
        bytes += event.json.len();
        let full = taken.len() >= room.events || bytes > room.bytes;
        if full && !taken.is_empty() {
            return (taken, true);
        }
        taken.push(Arc::clone(event));
    }
    (taken, false)
}
