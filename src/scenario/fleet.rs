//! Several servers: how many, who is where, and what is between them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::random::{Dice, stream};
use crate::units::without_password;

/// `[fleet]` of a scenario. Servers are counted from 0 here, and from 1 wherever people read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fleet {
    /// Server processes, per transport.
    pub servers: u32,
    /// Which server a client connects to, and which one a publisher.
    pub placement: Placement,
    /// What carries an event from one server to the others.
    pub broker: Between,
    /// Redis to use; none: one is started for the run. Written without its password.
    #[serde(serialize_with = "shown")]
    pub redis: Option<String>,
}

/// Who is where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Each at a server drawn from the seed.
    Random,
    /// In turn: the first at server 1, the second at server 2 …
    RoundRobin,
}

/// What is between the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// Nothing: each keeps what is published to it.
    None,
    /// There is one server.
    Memory,
    /// Redis pub/sub: at most once.
    RedisPubsub,
    /// Redis pub/sub and a kept stream: nothing lost.
    Redis,
}

impl Placement {
    /// As scenario files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::RoundRobin => "round-robin",
        }
    }
}

impl Between {
    /// As scenario files and outcomes write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Memory => "memory",
            Self::RedisPubsub => "redis-pubsub",
            Self::Redis => "redis",
        }
    }

    /// Whether events go through Redis.
    #[must_use]
    pub fn is_redis(self) -> bool {
        matches!(self, Self::RedisPubsub | Self::Redis)
    }

    /// Whether a position in the feed of one server means the same at all others, so that who asks
    /// may be sent to any of them.
    #[must_use]
    pub fn shares_positions(self) -> bool {
        matches!(self, Self::Redis)
    }
}

impl Fleet {
    /// The server of a client.
    #[must_use]
    pub fn of_client(&self, seed: u64, client: u32) -> u32 {
        self.place(seed, stream::PLACEMENT, client)
    }

    /// The server to which an event is published that no client writes.
    #[must_use]
    pub fn of_event(&self, seed: u64, event: u32) -> u32 {
        self.place(seed, stream::PUBLISHER, event)
    }

    fn place(&self, seed: u64, purpose: u64, number: u32) -> u32 {
        match self.placement {
            Placement::RoundRobin => number % self.servers,
            Placement::Random => {
                let server = Dice::new(seed, &[purpose, number.into()]).below(self.servers.into());
                u32::try_from(server).unwrap_or(0)
            }
        }
    }
}

fn shown<S: Serializer>(url: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    url.as_deref().map(without_password).serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_placement_fills_the_servers_about_evenly_and_repeats() {
        let fleet = Fleet { servers: 4, placement: Placement::Random, broker: Between::Redis, redis: None };
        let mut each = [0; 4];
        for client in 0..4000 {
            let server = fleet.of_client(7, client);
            assert_eq!(server, fleet.of_client(7, client));
            each[server as usize] += 1;
        }
        assert!(each.iter().all(|n| (900..1100).contains(n)), "{each:?}");
        let round = Fleet { placement: Placement::RoundRobin, ..fleet };
        assert_eq!([0, 1, 2, 3, 4].map(|client| round.of_client(7, client)), [0, 1, 2, 3, 0]);
    }

    #[test]
    fn a_password_stays_out_of_outcomes() {
        let redis = Some("redis://me:secret@host".to_owned());
        let fleet = Fleet { servers: 1, placement: Placement::Random, broker: Between::Redis, redis };
        assert!(!serde_json::to_string(&fleet).unwrap().contains("secret"));
    }
}
