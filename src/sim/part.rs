//! What a range of clients adds up to. Parts of one crowd add up in the order of their clients.

use super::World;
use super::feed::{Feed, Item, NONE};
use crate::ledger::{Book, Delivered, Fate, PersonLog, Staleness};
use crate::outcome::{self, Connections};
use crate::transport::Way;
use crate::wire;
use crate::workload::describe;

/// Sums over some clients of one transport.
pub(super) struct Part {
    pub(super) book: Book,
    pub(super) traffic: Traffic,
    pub(super) fate: Fate,
    /// Twice the integral, µs²; see [`Staleness`].
    pub(super) staleness: u128,
    /// TCP connections opened and, at most, held at once.
    pub(super) opened: u64,
    pub(super) held: u64,
    pub(super) handshakes: u64,
    /// Polls that a shared cache passed on.
    pub(super) origin: u64,
    pub(super) person: Option<PersonLog>,
    /// (client, published, event, received) of every counted delivery, when asked for.
    pub(super) log: Vec<(u32, i64, u32, i64)>,
    keep_log: bool,
    /// Scratch: for each key, the last index of the batch at hand that carries it.
    latest: Vec<usize>,
}

/// Bytes of the counted part of a run, by the sizes that the live engine's messages have.
#[derive(Debug, Clone)]
pub(super) struct Traffic {
    up: u64,
    down: u64,
    segments: u64,
    opening: u64,
    pub(super) steps: Vec<u64>,
}

impl Traffic {
    /// `n` messages of the same size, in the step of the series.
    #[inline]
    pub(super) fn up(&mut self, step: usize, bytes: u64, n: u64) {
        self.up += bytes * n;
        self.count(step, bytes, n);
    }

    /// The same from the server.
    #[inline]
    pub(super) fn down(&mut self, step: usize, bytes: u64, n: u64) {
        self.down += bytes * n;
        self.count(step, bytes, n);
    }

    /// `n` requests and their answers.
    #[inline]
    pub(super) fn exchange(&mut self, step: usize, up: u64, down: u64, n: u64) {
        self.up += up * n;
        self.down += down * n;
        // Nearly all fit one segment each.
        let segments =
            if up.max(down) <= wire::SEGMENT { 2 } else { wire::segments(up) + wire::segments(down) };
        self.segments += segments * n;
        self.steps[step] += (up + down) * n;
    }

    /// `vain` requests answered by `nope` bytes each, and one more by `answer` bytes.
    #[inline]
    pub(super) fn exchanges(&mut self, step: usize, up: u64, nope: u64, vain: u64, answer: u64) {
        let (ups, downs) = (up * (vain + 1), nope * vain + answer);
        self.up += ups;
        self.down += downs;
        // Nearly always a request and an empty answer fit one segment each.
        let (asked, told) =
            if up.max(nope) <= wire::SEGMENT { (1, 1) } else { (wire::segments(up), wire::segments(nope)) };
        self.segments += asked * (vain + 1) + told * vain + wire::segments(answer);
        self.steps[step] += ups + downs;
    }

    #[inline]
    fn count(&mut self, step: usize, bytes: u64, n: u64) {
        self.segments += wire::segments(bytes) * n;
        self.steps[step] += bytes * n;
    }

    /// Heads of an upgrade or subscription.
    pub(super) fn opening(&mut self, bytes: u64) {
        self.opening += bytes;
    }

    fn add(&mut self, other: &Self) {
        self.up += other.up;
        self.down += other.down;
        self.segments += other.segments;
        self.opening += other.opening;
        self.steps.iter_mut().zip(&other.steps).for_each(|(mine, theirs)| *mine += theirs);
    }

    pub(super) fn bytes(&self, payload: u64, delivered: u64) -> outcome::Bytes {
        outcome::Bytes {
            up: Some(self.up),
            down: Some(self.down),
            payload,
            opening: Some(self.opening),
            wire_estimate: Some(wire::wire_estimate(self.up + self.down, self.segments)),
            ..outcome::Bytes::default()
        }
        .settled(delivered)
    }
}

/// One batch of events on its way to one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    pub(super) client: u32,
    /// When the server takes it from the feed.
    pub(super) taken: i64,
    /// When it is in hand.
    pub(super) in_hand: i64,
    /// When the poll that fetches it was sent; `None` for push.
    pub(super) poll_sent: Option<i64>,
    /// What was published before is owed only if it comes: the reader has a position from before it knew it.
    pub(super) owed_since: i64,
}

impl Part {
    pub(super) fn new(world: &World<'_>, way: &Way) -> Self {
        let book = Book::new(world.duration, matches!(way, Way::LongPoll { .. }));
        let traffic = Traffic { up: 0, down: 0, segments: 0, opening: 0, steps: vec![0; book.steps()] };
        Self {
            book,
            traffic,
            fate: Fate::default(),
            staleness: 0,
            opened: 0,
            held: 0,
            handshakes: 0,
            origin: 0,
            person: None,
            log: Vec::new(),
            keep_log: world.options.keep_deliveries,
            latest: Vec::new(),
        }
    }

    /// Adds the part of the clients that follow.
    pub(super) fn add(&mut self, other: Self) {
        self.book.add(&other.book);
        self.traffic.add(&other.traffic);
        self.fate.expected += other.fate.expected;
        self.fate.lost += other.fate.lost;
        self.fate.superseded += other.fate.superseded;
        self.fate.expired += other.fate.expired;
        self.staleness += other.staleness;
        self.opened += other.opened;
        self.held += other.held;
        self.handshakes += other.handshakes;
        self.origin += other.origin;
        self.person = self.person.take().or(other.person);
        self.log.extend(other.log);
    }

    /// TCP connections and handshakes.
    pub(super) fn connections(&self) -> Connections {
        let (opened, peak) = (Some(self.opened), Some(self.held));
        Connections { opened, handshakes: self.handshakes, reconnects: 0, peak }
    }

    /// Decides, as the server would at `taken`, what of `items` goes to `client`; returns how many and
    /// their JSON bytes. [`Part::chosen`] and [`Part::hand_over`] go by the last decision.
    #[inline(always)]
    pub(super) fn choose(&mut self, feed: &Feed, items: &[Item], client: u32, taken: i64) -> (u64, u64) {
        if feed.plain {
            return (items.len() as u64, items.iter().map(|item| u64::from(item.json)).sum());
        }
        if feed.keys > 0 {
            self.latest.clear();
            self.latest.resize(feed.keys, usize::MAX);
            for (index, item) in items.iter().enumerate() {
                if item.key != NONE && item.dies >= taken && item.author != client {
                    self.latest[item.key as usize] = index;
                }
            }
        }
        self.chosen(feed, items, client, taken)
            .fold((0, 0), |(n, json), (_, item)| (n + 1, json + u64::from(item.json)))
    }

    /// What goes, with its place among `items`, by the last [`Part::choose`] of the same arguments.
    pub(super) fn chosen<'i>(
        &self,
        feed: &Feed,
        items: &'i [Item],
        client: u32,
        taken: i64,
    ) -> impl Iterator<Item = (usize, &'i Item)> {
        let goes = move |(index, item): &(usize, &Item)| {
            item.author != client && item.dies >= taken && self.is_latest(feed, *index, item)
        };
        items.iter().enumerate().filter(goes)
    }

    fn is_latest(&self, feed: &Feed, index: usize, item: &Item) -> bool {
        feed.keys == 0 || item.key == NONE || self.latest[item.key as usize] == index
    }

    /// Books what becomes of `items`, by the last [`Part::choose`]: deliveries, fates, staleness.
    #[inline(always)]
    pub(super) fn hand_over(
        &mut self,
        world: &World<'_>,
        feed: &Feed,
        items: &[Item],
        batch: Batch,
        stale: &mut Staleness,
    ) {
        if !feed.plain {
            return self.hand_over_chosen(world, feed, items, batch, stale);
        }
        let in_window = batch.in_hand.min(world.duration);
        for item in items {
            stale.missed(item.at, in_window);
            if let Some(step) = item.step {
                self.fate.expected += 1;
                self.deliver(world, item, step, batch);
            }
        }
    }

    /// The same where not everything goes to everybody.
    fn hand_over_chosen(
        &mut self,
        world: &World<'_>,
        feed: &Feed,
        items: &[Item],
        batch: Batch,
        stale: &mut Staleness,
    ) {
        let in_window = batch.in_hand.min(world.duration);
        for (index, item) in items.iter().enumerate().filter(|(_, item)| item.author != batch.client) {
            let alive = item.dies >= batch.taken;
            let goes = alive && self.is_latest(feed, index, item);
            if !goes && item.at < batch.owed_since {
                continue;
            }
            stale.missed(item.at, if goes { in_window } else { in_window.min(item.dies) });
            if let Some(step) = item.step {
                self.fate.expected += 1;
                if goes {
                    self.deliver(world, item, step, batch);
                } else if alive {
                    self.fate.superseded += 1;
                } else {
                    self.fate.expired += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn deliver(&mut self, world: &World<'_>, item: &Item, step: u32, batch: Batch) {
        let Batch { client, in_hand, poll_sent, .. } = batch;
        let payload = u64::from(item.payload);
        self.book.delivered_in(
            step as usize,
            &Delivered { published: item.at, at: in_hand, poll_sent, payload, in_order: true },
        );
        if self.keep_log || client == world.person {
            self.remember(world, item, batch);
        }
    }

    #[cold]
    fn remember(&mut self, world: &World<'_>, item: &Item, batch: Batch) {
        let Batch { client, in_hand, .. } = batch;
        if self.keep_log {
            self.log.push((client, item.at, item.planned, in_hand));
        }
        if let Some(person) = &mut self.person {
            let planned = world.plan.schedule.events.get(item.planned as usize);
            person.received(client, item.at, in_hand, || {
                planned.map_or_else(|| "a message".to_owned(), |p| describe(&p.kind, &p.data))
            });
        }
    }
}
