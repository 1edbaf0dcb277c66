//! The one result every engine returns and every outlet reads: `outcome.json`.
//!
//! What an engine cannot know is `None` (JSON `null`), never a guess. Times are milliseconds unless
//! the name says otherwise; bytes are bytes; the window is [0, duration).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::{Engine, Scenario};

mod fleet;
mod person;
pub mod schema;
mod series;
mod server;
mod trouble;

pub use crate::os::Machine;
pub use fleet::{Fleet, Hops};
pub use person::{Ask, News, Person};
pub use server::{Bytes, Server};
pub use trouble::{Happened, Trouble};

/// Value of [`Outcome::schema`].
pub const SCHEMA: &str = "anynews/outcome/1";
/// Below this many deliveries the latencies themselves are kept.
pub const SAMPLE_LIMIT: u64 = 200;

/// Everything one run measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of anynews.
    pub version: String,
    /// Engine that made it.
    pub engine: Engine,
    /// Seed of the schedule.
    pub seed: u64,
    /// RFC 3339; null without a wall clock.
    pub started_at: Option<String>,
    /// The settings in force, every default filled in.
    pub scenario: Scenario,
    /// What the user guessed before the run.
    pub prediction: Option<String>,
    /// Seconds of the window that were measured when a signal ended the run early.
    #[serde(default)]
    pub interrupted_at_s: Option<f64>,
    /// Which part of the whole this is, when several load machines share a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Servers that others started, to which the people turned; empty: the run started its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// Whether transports ran one after another.
    #[serde(default)]
    pub in_turn: bool,
    /// Where it ran.
    pub machine: Option<Machine>,
    /// How the load side itself did.
    pub generator: Option<Generator>,
    /// One entry per transport, in scenario order.
    pub transports: Vec<TransportOutcome>,
    /// Thresholds with their verdicts.
    pub thresholds: Vec<ThresholdOutcome>,
}

/// One of several load machines' parts of a run; see [`crate::scenario::shard`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Which one, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
    /// The sums of each transport, in the scenario's order, as an exact merge adds them up. For the same
    /// version of anynews to read.
    pub sums: Vec<serde_json::Value>,
}

/// A server that others started, as the run found it. Its bytes, connections, CPU time and memory nobody
/// counted for this run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Where it is.
    pub url: String,
    /// Shortest of some exchanges before the run.
    pub round_trip_ms: f64,
    /// Its clock minus that of the load machine, before the run. Latency does not depend on it: publisher
    /// and readers go by one clock. What has a time to live does.
    pub clock_offset_ms: f64,
    /// The offset is off by at most this: half an exchange.
    pub clock_bound_ms: f64,
}

/// The load generator's own condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Processes that held the people: one, or as many as the open-file limit asked for.
    #[serde(default = "one")]
    pub processes: u32,
    /// CPU seconds of the generator's processes over the window.
    pub cpu_s: f64,
    /// How late publishing was against the schedule, 99th percentile.
    pub publish_late_ms_p99: Option<f64>,
    /// How late polls were sent against the schedule, 99th percentile.
    #[serde(default)]
    pub poll_late_ms_p99: Option<f64>,
    /// True when the load side could not keep its schedule: the numbers then blame it, not the server.
    pub saturated: bool,
}

fn one() -> u32 {
    1
}

/// What one transport did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransportOutcome {
    /// Label of the scenario.
    pub label: String,
    /// `poll`, `long-poll`, `sse` or `websocket`.
    pub kind: String,
    /// People asked for.
    pub clients: u32,
    /// People who were connected and knew their position when the barrier fell.
    pub clients_connected: u32,
    /// Requests.
    pub requests: Requests,
    /// Empty answers / answered polls; null for push.
    pub waste_ratio: Option<f64>,
    /// (Empty answers + pings + pongs + SSE comments) / deliveries.
    pub idle_per_delivery: Option<f64>,
    /// All requests / deliveries.
    pub requests_per_delivery: Option<f64>,
    /// TCP and upgrade counts, whole run.
    pub connections: Connections,
    /// WebSocket frames as clients see them.
    pub frames: Frames,
    /// The delivery ledger.
    pub deliveries: Deliveries,
    /// What clients sent.
    pub sends: Sends,
    /// Intended publish time to event in hand.
    pub latency_ms: Summary,
    /// `[upper bound in microseconds, count]`, ascending; null where only the mean is known.
    pub latency_histogram_us: Option<Vec<(u64, u64)>>,
    /// Latencies in ms, in order of arrival, below [`SAMPLE_LIMIT`] deliveries.
    pub samples: Option<Vec<f64>>,
    /// Mean part of the latency spent waiting for the fetching poll to be sent; null for push.
    pub wait_ms_mean: Option<f64>,
    /// Time average of the age of the oldest undelivered event, 0 when none.
    pub staleness_ms_mean: Option<f64>,
    /// Short polls from the intended send time, skipped ones included.
    pub request_ms: Option<Summary>,
    /// Short polls from the actual send time.
    pub request_ms_uncorrected: Option<Summary>,
    /// Bytes on the server's accepted sockets.
    pub bytes: Bytes,
    /// The server process alone; null where there is none.
    pub server: Option<Server>,
    /// Several servers; null for one.
    pub fleet: Option<Fleet>,
    /// What the formulas expect for the window.
    pub theory: Theory,
    /// The first exchange on the first connection, as it went over the wire.
    pub handshake: Option<Handshake>,
    /// Course over the window; null (here: without steps) where nothing was played through.
    #[serde(with = "series")]
    #[schemars(with = "Option<Series>")]
    pub series: Series,
    /// Whole-run counts of both sides, warm-up and grace included.
    #[serde(default)]
    pub audit: Option<Audit>,
    /// What one person saw, for the timeline.
    #[serde(default)]
    pub person: Option<Person>,
    /// What went wrong, and how people came back; null where nothing did.
    #[serde(default)]
    pub trouble: Option<Trouble>,
}

/// Requests in the window; `opens` over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// polls + sends + opens.
    pub total: u64,
    /// GETs for events.
    pub polls: u64,
    /// POSTs of clients.
    pub sends: u64,
    /// Upgrades and subscriptions.
    pub opens: u64,
    /// Polls answered without an event.
    pub empty: u64,
    /// Requests without a valid answer.
    pub failed: u64,
    /// Intended poll times that passed while an answer was outstanding.
    pub skipped: u64,
    /// Requests that reached the origin behind a cache; null without one.
    pub origin: Option<u64>,
}

/// Connections over the whole run. Only servers of ours say how many there were.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// TCP connections the server accepted.
    pub opened: Option<u64>,
    /// 101 answers.
    pub handshakes: u64,
    /// Streams or sockets opened again after a loss.
    pub reconnects: u64,
    /// Most at one time.
    pub peak: Option<u64>,
}

/// WebSocket frames, clients' view.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Frames {
    /// Data frames sent by clients.
    pub sent: u64,
    /// Data frames received by clients.
    pub received: u64,
    /// Pings and pongs.
    pub pings: u64,
    /// SSE comments received.
    #[serde(default)]
    pub comments: u64,
}

/// Exactly-once accounting of client × event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deliveries {
    /// Counted events published.
    pub published: u64,
    /// Counted events × their readers, authors excluded.
    pub expected: u64,
    /// Distinct (client, event) pairs delivered.
    pub delivered: u64,
    /// expected − delivered − superseded − expired.
    pub lost: u64,
    /// Arrivals of a pair that had arrived.
    pub duplicated: u64,
    /// Arrivals behind a later event of the same topic.
    pub reordered: u64,
    /// Undelivered under `conflate`, a later event of the key delivered.
    pub superseded: u64,
    /// Undelivered with a time to live.
    pub expired: u64,
}

/// What clients sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sends {
    /// Events sent by clients in the window.
    pub count: u64,
    /// Intended send time to the server's acknowledgement.
    pub ack_ms: Option<Summary>,
}

/// A distribution. Percentiles without enough samples (p99 below 100, p999 below 1,000) are null;
/// [`Summary::with_percentiles`] keeps the rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Samples.
    pub count: u64,
    /// Smallest.
    pub min: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile; null below 100 samples.
    pub p99: Option<f64>,
    /// 99.9th percentile; null below 1,000 samples.
    pub p999: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
}

impl Summary {
    /// The percentiles that so many samples carry: p90 and p95 need 10 and 20, so that one sample lies
    /// beyond them, as p99 and p999 do.
    #[must_use]
    pub fn with_percentiles(self, at: impl Fn(f64) -> Option<f64>) -> Self {
        let at = |percent, needs| if self.count >= needs { at(percent) } else { None };
        let (p50, p90, p95) = (at(50.0, 1), at(90.0, 10), at(95.0, 20));
        let (p99, p999) = (at(99.0, 100), at(99.9, 1000));
        Self { p50, p90, p95, p99, p999, ..self }
    }
}

/// Expectations for the window; null where no formula is due.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Theory {
    /// Share of empty polls.
    pub waste_ratio: Option<f64>,
    /// Mean delivery latency.
    pub latency_mean_ms: Option<f64>,
    /// Requests in the window.
    pub requests_total: Option<f64>,
    /// The distribution of delivery latency: `[ms, share at or below]` from share 0 to share 1, linear
    /// between the points, two at one time a jump; empty where it is not known.
    #[serde(default)]
    pub latency_law: Vec<(f64, f64)>,
}

/// Bytes of one exchange, as text (Latin-1 for what is not UTF-8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Handshake {
    /// Client → server.
    pub request: String,
    /// Server → client, head only.
    pub response: String,
}

/// Course over the window; entry i covers [i·step, (i+1)·step).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Step in seconds.
    pub step_s: f64,
    /// Requests by intended send time.
    pub requests: Vec<u64>,
    /// Empty polls among them.
    pub empty: Vec<u64>,
    /// Deliveries by intended publish time.
    pub delivered: Vec<u64>,
    /// Bytes both ways on the server's sockets.
    pub bytes: Vec<u64>,
    /// Median latency of those deliveries; null where there were none.
    pub latency_p50_ms: Vec<Option<f64>>,
}

/// Whole-run counts, warm-up and grace included: the two sides must agree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Requests the clients had answered.
    pub requests_client: u64,
    /// Requests the server answered on its public listener.
    pub requests_server: u64,
    /// Bytes the server read, whole run.
    pub bytes_up: u64,
    /// Bytes the server wrote, whole run.
    pub bytes_down: u64,
    /// Events the server added to its feeds, whole run.
    #[serde(default)]
    pub events_published: u64,
    /// Events the server encoded to JSON: once each, whoever reads.
    #[serde(default)]
    pub events_encoded: u64,
}

/// One delivery of the window, a row of `deliveries.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Label of the transport.
    pub transport: String,
    /// Index of the client.
    pub client: u32,
    /// Index of the event in the schedule.
    pub event: u32,
    /// Intended publish time, microseconds from the start of the window.
    pub published_us: i64,
    /// When the client had it in hand.
    pub received_us: i64,
}

/// A threshold's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdOutcome {
    /// `LABEL.metric`.
    pub metric: String,
    /// As written.
    pub expression: String,
    /// Null when the metric is; the threshold then fails.
    pub actual: Option<f64>,
    /// Whether it held.
    pub passed: bool,
    /// Why a null failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
