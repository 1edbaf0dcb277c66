//! Books of parts of a crowd add up, whether threads or load machines made them.

use serde::{Deserialize, Serialize};

use super::{Book, Closing};
use crate::outcome::{self, SAMPLE_LIMIT};
use crate::scenario::shard::Shard;

impl Closing {
    /// Adds what another part of the same crowd adds to its book.
    pub fn add(&mut self, other: &Self) {
        let (mine, theirs) = (&mut self.fate, &other.fate);
        mine.expected += theirs.expected;
        mine.lost += theirs.lost;
        mine.superseded += theirs.superseded;
        mine.expired += theirs.expired;
        self.staleness += other.staleness;
        self.connected += other.connected;
    }
}

/// The books of one transport in one shard, to be added to those of the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sums {
    /// What was counted.
    pub book: Book,
    /// What closing added.
    pub closing: Closing,
}

/// A shard as its outcome says it, with the sums of each transport.
#[must_use]
pub fn shard(shard: Shard, sums: &[Sums]) -> outcome::Shard {
    // Numbers, text and lists: this cannot fail.
    let json = |sums: &Sums| serde_json::to_value(sums).unwrap_or_default();
    outcome::Shard { number: shard.number, of: shard.of, sums: sums.iter().map(json).collect() }
}

impl Book {
    /// Leaves what is counted elsewhere out, so that the books of all shards add up.
    pub fn without_copies(&mut self) {
        self.published -= std::mem::take(&mut self.copied);
    }

    /// Whether the two are of the same window, so that they can be added up.
    #[must_use]
    pub fn is_of_one_window_with(&self, other: &Self) -> bool {
        (self.duration, self.long, self.steps()) == (other.duration, other.long, other.steps())
    }

    /// Adds the book of another part of the same crowd, which comes after this one.
    ///
    /// # Panics
    /// When the two are of different windows.
    pub fn add(&mut self, other: &Self) {
        assert_eq!((self.duration, self.long), (other.duration, other.long), "books of one window");
        let (mine, theirs) = (&mut self.requests, &other.requests);
        mine.polls += theirs.polls;
        mine.sends += theirs.sends;
        mine.opens += theirs.opens;
        mine.empty += theirs.empty;
        mine.failed += theirs.failed;
        mine.skipped += theirs.skipped;
        let (mine, theirs) = (&mut self.frames, &other.frames);
        mine.sent += theirs.sent;
        mine.received += theirs.received;
        mine.pings += theirs.pings;
        mine.comments += theirs.comments;
        self.granted += other.granted;
        self.reconnects += other.reconnects;
        self.answers += other.answers;
        self.answered_whole_run += other.answered_whole_run;
        self.published += other.published;
        self.copied += other.copied;
        self.sends += other.sends;
        self.delivered += other.delivered;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.payload += other.payload;
        self.wait_us += other.wait_us;
        let room = (SAMPLE_LIMIT as usize + 1).saturating_sub(self.samples.len());
        self.samples.extend(other.samples.iter().take(room));
        for (mine, theirs) in [
            (&mut self.latency, &other.latency),
            (&mut self.acks, &other.acks),
            (&mut self.corrected, &other.corrected),
            (&mut self.uncorrected, &other.uncorrected),
            (&mut self.poll_late, &other.poll_late),
            (&mut self.publish_late, &other.publish_late),
        ] {
            mine.add(theirs);
        }
        self.steps.add(&other.steps);
    }
}
