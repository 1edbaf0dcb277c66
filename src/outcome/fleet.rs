//! Several servers: what had to cross from one to another, how it went, and how long each hop took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Summary;

/// Several servers; null where the scenario has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fleet {
    /// Number of servers.
    pub servers: u32,
    /// Broker between them: `none`, `memory`, `redis-pubsub` or `redis`.
    pub broker: String,
    /// How long the hops took; null where nothing goes through Redis.
    #[serde(default)]
    pub hops_ms: Option<Hops>,
    /// Expected deliveries whose event was published at another server than the reader's. Where each
    /// poll goes to the next server, all of them.
    #[serde(default)]
    pub cross_server_expected: u64,
    /// Those of them that were lost.
    #[serde(default)]
    pub cross_server_lost: u64,
    /// Whether each poll went to the next server in turn.
    #[serde(default)]
    pub polls_roam: bool,
}

/// The way of an event from its publisher A by server 1 and server 2 to its reader B, on the host's
/// one clock. `to_server + to_other_server + to_reader = total`, for each delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hops {
    /// A → server 1: the intended publish time to the event in the server's hand. Per event.
    pub to_server: Summary,
    /// Server 1 → Redis → server 1: until Redis has answered that it has the event. Per event.
    pub to_redis: Summary,
    /// Server 1 → Redis → server 2: from one server's hand into the other's feed, which is what
    /// crossing adds. Per event and server.
    pub to_other_server: Summary,
    /// Server 2 → B: from the feed to the event in hand, per delivery; null where polls go to all
    /// servers.
    pub to_reader: Option<Summary>,
    /// A → B, per delivery that crossed.
    pub total: Summary,
}
