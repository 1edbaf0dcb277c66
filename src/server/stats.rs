//! What the server counts: atomics while it runs, one JSON document when asked.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::broker::Counts;
use crate::clock::{Clock, Micros, as_micros};
use crate::os;

/// Body of `GET /stats`: figures of the public listener since the start, and of the process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Requests answered, of any kind.
    pub requests: u64,
    /// GETs for events answered, short or long, 304s included.
    pub polls: u64,
    /// Polls answered without an event.
    pub empty: u64,
    /// POSTs of events answered 200 or 201.
    pub publishes: u64,
    /// Upgrades and event-stream subscriptions granted.
    pub opens: u64,
    /// WebSocket handshakes (101s) among them.
    pub handshakes: u64,
    /// Events published on sockets and acknowledged.
    pub socket_publishes: u64,
    /// Messages of clients on sockets.
    pub messages_up: u64,
    /// Messages to clients on sockets: events, greetings and answers, without pings.
    pub messages_down: u64,
    /// Requests answered 401, 403 or 429, and socket messages refused so.
    pub denied: u64,
    /// Readers closed because they were too far behind.
    pub slow_closed: u64,
    /// Requests that a cache in front did not answer itself; 0 without one.
    #[serde(default)]
    pub origin: u64,
    /// TCP connections.
    pub connections: Connections,
    /// What the accepted sockets carried.
    pub bytes: Bytes,
    /// What the broker did, for all listeners.
    pub events: Events,
    /// Topics there are.
    pub topics: u64,
    /// CPU time of the process, microseconds.
    pub cpu_us: i64,
    /// Resident memory of the process now, bytes.
    pub rss_bytes: u64,
    /// Its largest so far.
    pub rss_peak_bytes: u64,
    /// Its size just before the first connection could be accepted.
    pub rss_start_bytes: u64,
    /// First request and answer of the first connection that sent anything; told on the control
    /// listener only.
    pub first_exchange: Option<Exchange>,
    /// Samples of the window last asked for.
    pub window: Vec<Sample>,
}

impl Stats {
    /// Adds the figures of the process that took this one's place. It never saw the samples that were
    /// due before it began; those due while there was neither are as this one left off.
    pub fn followed_by(&mut self, mut later: Self) {
        let (most, peak) = (
            self.connections.peak.max(later.connections.peak),
            self.rss_peak_bytes.max(later.rss_peak_bytes),
        );
        let (rss, rss_start) = (later.rss_bytes, self.rss_start_bytes);
        let current = later.connections.current;
        let last = self.last_sample();
        for (index, sample) in later.window.iter_mut().enumerate() {
            match self.window.get(index) {
                // Sampled late and all at once, before anything was counted.
                Some(known) => sample.at = known.at,
                None => self.window.push(Sample { at: sample.at, ..last }),
            }
        }
        self.add(later);
        (self.connections.peak, self.rss_peak_bytes) = (most, peak);
        (self.rss_bytes, self.rss_start_bytes) = (rss, rss_start);
        self.connections.current = current;
    }

    /// The counters as they are now, as a sample; its time is 0.
    fn last_sample(&self) -> Sample {
        Sample {
            at: 0,
            bytes_up: self.bytes.up,
            bytes_down: self.bytes.down,
            segments_up: self.bytes.segments_up,
            segments_down: self.bytes.segments_down,
            cpu_us: self.cpu_us,
            requests: self.requests,
            origin: self.origin,
        }
    }

    /// Adds the figures of another server of the same fleet: counts, CPU and memory; of exchanges, the
    /// first that there is; sample by sample, where both took as many. A sum of peaks is at least the
    /// peak of the sum.
    pub fn add(&mut self, other: Self) {
        let pairs = [
            (&mut self.requests, other.requests),
            (&mut self.polls, other.polls),
            (&mut self.empty, other.empty),
            (&mut self.publishes, other.publishes),
            (&mut self.opens, other.opens),
            (&mut self.handshakes, other.handshakes),
            (&mut self.socket_publishes, other.socket_publishes),
            (&mut self.messages_up, other.messages_up),
            (&mut self.messages_down, other.messages_down),
            (&mut self.denied, other.denied),
            (&mut self.slow_closed, other.slow_closed),
            (&mut self.origin, other.origin),
            (&mut self.connections.opened, other.connections.opened),
            (&mut self.connections.current, other.connections.current),
            (&mut self.connections.peak, other.connections.peak),
            (&mut self.connections.refused, other.connections.refused),
            (&mut self.bytes.up, other.bytes.up),
            (&mut self.bytes.down, other.bytes.down),
            (&mut self.bytes.opening, other.bytes.opening),
            (&mut self.bytes.segments_up, other.bytes.segments_up),
            (&mut self.bytes.segments_down, other.bytes.segments_down),
            (&mut self.events.published, other.events.published),
            (&mut self.events.repeated, other.events.repeated),
            (&mut self.events.encoded, other.events.encoded),
            (&mut self.events.framed, other.events.framed),
            (&mut self.topics, other.topics),
            (&mut self.rss_bytes, other.rss_bytes),
            (&mut self.rss_peak_bytes, other.rss_peak_bytes),
            (&mut self.rss_start_bytes, other.rss_start_bytes),
        ];
        for (mine, theirs) in pairs {
            *mine += theirs;
        }
        self.cpu_us += other.cpu_us;
        self.first_exchange = self.first_exchange.take().or(other.first_exchange);
        for (mine, theirs) in self.window.iter_mut().zip(&other.window) {
            mine.bytes_up += theirs.bytes_up;
            mine.bytes_down += theirs.bytes_down;
            mine.segments_up += theirs.segments_up;
            mine.segments_down += theirs.segments_down;
            mine.cpu_us += theirs.cpu_us;
            mine.requests += theirs.requests;
            mine.origin += theirs.origin;
        }
    }
}

/// TCP connections of the public listener.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connections {
    /// Accepted and served.
    pub opened: u64,
    /// Open now.
    pub current: u64,
    /// Most at one time.
    pub peak: u64,
    /// Turned away with 503 because there were too many.
    pub refused: u64,
}

/// Bytes of the public listener, up is client to server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bytes {
    /// Read from the sockets.
    pub up: u64,
    /// Written to them.
    pub down: u64,
    /// Heads of granted upgrades and subscriptions, both ways; part of `up` and `down`.
    pub opening: u64,
    /// TCP segments of 1,448 bytes that the reads would have filled, rounded up per call.
    pub segments_up: u64,
    /// The same for writes.
    pub segments_down: u64,
}

/// What happened to events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// Added to a feed.
    pub published: u64,
    /// Published again with an `id` that was kept.
    pub repeated: u64,
    /// Encoded to JSON: once each, whoever reads.
    pub encoded: u64,
    /// Built into a frame of server-sent events: at most once each.
    pub framed: u64,
}

/// The heads of a request and its answer, as they went over the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exchange {
    /// Request line and headers, with the empty line.
    pub request: String,
    /// Status line and headers, with the empty line.
    pub response: String,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sample {
    /// When they were read, Unix microseconds on the run's clock.
    pub at: Micros,
    /// See [`Bytes::up`].
    pub bytes_up: u64,
    /// See [`Bytes::down`].
    pub bytes_down: u64,
    /// See [`Bytes::segments_up`].
    pub segments_up: u64,
    /// See [`Bytes::segments_down`].
    pub segments_down: u64,
    /// See [`Stats::cpu_us`].
    pub cpu_us: i64,
    /// See [`Stats::requests`].
    pub requests: u64,
    /// See [`Stats::origin`].
    #[serde(default)]
    pub origin: u64,
}

/// The running counts of one listener. Each is independent of the others, so relaxed order will do.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) polls: AtomicU64,
    pub(super) empty: AtomicU64,
    pub(super) publishes: AtomicU64,
    pub(super) opens: AtomicU64,
    pub(super) handshakes: AtomicU64,
    pub(super) socket_publishes: AtomicU64,
    pub(super) messages_up: AtomicU64,
    pub(super) messages_down: AtomicU64,
    pub(super) denied: AtomicU64,
    pub(super) slow_closed: AtomicU64,
    pub(super) origin: AtomicU64,
    pub(super) opened: AtomicU64,
    pub(super) current: AtomicU64,
    pub(super) peak: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Connections that are just being told that there is no room.
    pub(super) refusing: AtomicU64,
    pub(super) up: AtomicU64,
    pub(super) down: AtomicU64,
    pub(super) opening: AtomicU64,
    pub(super) segments_up: AtomicU64,
    pub(super) segments_down: AtomicU64,
    pub(super) rss_start: AtomicU64,
    /// Whether a connection has taken it on itself to record its first exchange.
    pub(super) recording: AtomicBool,
    pub(super) first_exchange: Mutex<Option<Exchange>>,
    pub(super) window: Mutex<Vec<Sample>>,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counters {
    /// Reads the counters.
    pub(super) fn sample(&self, clock: Clock) -> Sample {
        Sample {
            at: clock.now(),
            bytes_up: self.up.load(Relaxed),
            bytes_down: self.down.load(Relaxed),
            segments_up: self.segments_up.load(Relaxed),
            segments_down: self.segments_down.load(Relaxed),
            cpu_us: as_micros(os::cpu_time()),
            requests: self.requests.load(Relaxed),
            origin: self.origin.load(Relaxed),
        }
    }

    /// The whole document.
    pub(super) fn stats(&self, broker: Counts) -> Stats {
        let n = |counter: &AtomicU64| counter.load(Relaxed);
        Stats {
            requests: n(&self.requests),
            polls: n(&self.polls),
            empty: n(&self.empty),
            publishes: n(&self.publishes),
            opens: n(&self.opens),
            handshakes: n(&self.handshakes),
            socket_publishes: n(&self.socket_publishes),
            messages_up: n(&self.messages_up),
            messages_down: n(&self.messages_down),
            denied: n(&self.denied),
            slow_closed: n(&self.slow_closed),
            origin: n(&self.origin),
            connections: Connections {
                opened: n(&self.opened),
                current: n(&self.current),
                peak: n(&self.peak),
                refused: n(&self.refused),
            },
            bytes: Bytes {
                up: n(&self.up),
                down: n(&self.down),
                opening: n(&self.opening),
                segments_up: n(&self.segments_up),
                segments_down: n(&self.segments_down),
            },
            events: Events {
                published: broker.published,
                repeated: broker.repeated,
                encoded: broker.encoded,
                framed: broker.framed,
            },
            topics: broker.topics,
            cpu_us: as_micros(os::cpu_time()),
            rss_bytes: os::resident_bytes(),
            rss_peak_bytes: os::resident_peak_bytes(),
            rss_start_bytes: n(&self.rss_start),
            first_exchange: self.first_exchange.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            window: self.window.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
