//! What a scenario means, after every check: past this type nothing revalidates.
//!
//! The TOML side, with every problem named by file, line and key, is [`mod@file`].

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claim::Claim;
use crate::fault::Fault;
use crate::headers::Headers;
use crate::link::Link;
use crate::threshold::Threshold;
use crate::transport::{Http, Transport, Way};
use crate::units::{duration_text, optional_duration_text};
use crate::workload::Trace;

pub mod file;
pub mod fleet;
mod pace;
mod plain;
pub mod shard;
pub mod shipped;

use fleet::Fleet;
use shard::Shard;

/// A whole experiment: who listens, to what, by which ways, for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scenario {
    /// The file's stem or the shipped name; names the report directory.
    pub name: String,
    /// Headline.
    pub title: String,
    /// Question asked on a terminal before the run.
    pub predict: Option<String>,
    /// What answers that question: arithmetic on metrics, as in [`Claim::metric`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What the run teaches, in one sentence.
    pub lesson: Option<String>,
    /// Seed of every random draw.
    pub seed: u64,
    /// The measured window [0, duration).
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub duration: Duration,
    /// Traffic before the window that is not counted.
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub warmup: Duration,
    /// People at one time, per transport.
    pub clients: u32,
    /// Mean stay of people, who come and go; none: all stay.
    #[serde(default, with = "optional_duration_text")]
    #[schemars(with = "Option<String>")]
    pub visit: Option<Duration>,
    /// What the heads of requests and answers carry beside what they need, on every transport alike.
    #[serde(default)]
    pub headers: Headers,
    /// Engine asked for by the file.
    pub engine: Engine,
    /// Who publishes what, when.
    pub workload: Workload,
    /// The network between clients and server; none: plain loopback.
    #[serde(default)]
    pub network: Option<Link>,
    /// Whether everything goes over TLS; the file's `[network] tls`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
    /// Several servers, and what is between them; none: one server.
    #[serde(default)]
    pub fleet: Option<Fleet>,
    /// The ways compared, in file order; labels are unique.
    #[serde(rename = "transport")]
    pub transports: Vec<Transport>,
    /// What goes wrong on purpose, in file order.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
    /// Conditions that make the run fail with exit code 99.
    #[serde(default, rename = "threshold")]
    pub thresholds: Vec<Threshold>,
    /// Published figures that the run is to reproduce.
    #[serde(default, rename = "claim")]
    pub claims: Vec<Claim>,
    /// Whom of its people this program plays; none: everybody. Outcomes say it beside the scenario.
    #[serde(skip)]
    pub shard: Option<Shard>,
}

impl Scenario {
    /// What of it only real servers can show, in words; none where every engine will do.
    #[must_use]
    pub fn needs_live(&self) -> Option<&'static str> {
        if !self.faults.is_empty() {
            return Some(
                "[[fault]] breaks real processes and connections, which only --engine live has; \
                 run it so, or leave [[fault]] out",
            );
        }
        if self.fleet.is_some() {
            return Some(
                "[fleet] is about real servers and what is between them, which only --engine live has; \
                 run it so, or leave [fleet] out",
            );
        }
        let cached = |way: &Way| matches!(way, Way::Poll { shared_cache: Some(_), http: Http::Two, .. });
        self.transports.iter().any(|transport| cached(&transport.way)).then_some(
            "how long answers of a shared_cache are over http = \"2\" is known to --engine live only; \
             run it so, or leave http or shared_cache out",
        )
    }
}

/// Which engine turns a scenario into an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Real sockets on this machine.
    Live,
    /// Virtual time.
    Sim,
    /// Closed form.
    Theory,
}

/// Who reads which topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Inbox {
    /// A topic for each client.
    Own,
    /// One topic for all.
    Shared,
}

/// Who publishes what, when: the settings of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Workload {
    /// Messages at random: a Poisson process on each topic.
    Poisson {
        /// Mean time between messages to one topic.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        mean_gap: Duration,
        /// Topics per client.
        inbox: Inbox,
        /// Exact size of `data` as JSON, bytes; absent: a short human message.
        payload: Option<usize>,
    },
    /// Messages at a fixed gap, each topic with a seeded phase.
    Periodic {
        /// Time between messages to one topic.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        gap: Duration,
        /// Topics per client.
        inbox: Inbox,
        /// Exact size of `data` as JSON, bytes; absent: a short human message.
        payload: Option<usize>,
    },
    /// Rooms of people who write to each other.
    Chat {
        /// People per room; divides `clients`.
        members: u32,
        /// Mean time between messages in one room.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        gap_per_room: Duration,
        /// "Rahul is typing…" this long before his message, and its time to live; zero: never.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        typing_before: Duration,
        /// Whether a reader acknowledges each message with a "read" event.
        receipts: bool,
        /// Fewer messages while people sleep; none: the same at all hours.
        #[serde(default)]
        night: Option<Night>,
    },
    /// One writer, many readers: a cricket innings, ball by ball.
    Cricket {
        /// Time between balls.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        gap_per_ball: Duration,
        /// Overs in the innings.
        overs: u32,
        /// Whether play pauses between overs, after a wicket and between innings, each a fixed
        /// number of gaps (`workload::cricket`).
        #[serde(default)]
        pauses: bool,
    },
    /// One market, many symbols: random walks of prices.
    Ticker {
        /// Number of symbols.
        symbols: u32,
        /// Time between updates of the whole market.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        gap: Duration,
        /// Keep only the latest price per symbol.
        conflate: bool,
        /// More updates at the start of the window, when the market opens.
        #[serde(default)]
        opening: Option<Opening>,
    },
    /// Matches of players whose every move goes to all other players.
    Game {
        /// Players per match; divides `clients`.
        players: u32,
        /// Time between one player's moves.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        tick: Duration,
    },
    /// Recorded events, replayed. Clients read the topics in turn, in the order in which topics first
    /// appear in the file.
    Trace {
        /// The path as the scenario file writes it, relative to that file.
        file: String,
        /// Events in the file.
        events: u64,
        /// `sha1:` and the digest of the file's bytes in hexadecimal.
        digest: String,
        /// The events. Not written with the scenario: one read back from JSON has none.
        #[serde(skip)]
        recorded: Arc<Trace>,
    },
}

/// Hours in which people mostly sleep. The window begins in the morning, when they are over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Night {
    /// As written: `23:00-07:00`.
    pub hours: String,
    /// Its length, below 24 h.
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub length: Duration,
    /// Share of the day's messages that are also written at night, 0 to 1.
    pub quiet: f64,
}

/// A market that opens at the start of the window: then `burst` times as many updates, and ever fewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Opening {
    /// Updates at the start, as a multiple of the usual ones.
    pub burst: f64,
    /// After this long the excess has fallen to 1/e = 37 %.
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub settle: Duration,
}

/// The one of `known` that `written` was probably meant to be.
fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison costs the product of the lengths, and no key is this long.
    let folded: String = written.chars().take(64).collect::<String>().to_lowercase();
    known
        .map(|word| (strsim::damerau_levenshtein(&folded, &word.to_lowercase()), word))
        // One slip in a short word, two or three in a longer one.
        .filter(|(slips, word)| *slips <= (word.chars().count() / 3).clamp(1, 3))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}
