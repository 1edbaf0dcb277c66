//! What goes wrong on purpose, when, and for whom: the vocabulary of `[[fault]]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::as_micros;
use crate::random::{Dice, stream};
use crate::units::duration_text;

/// One `[[fault]]` of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// When it begins, from the start of the measured window.
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub at: Duration,
    /// How long it lasts; zero where it is over at once. It ends within the window.
    #[serde(rename = "for", with = "duration_text")]
    #[schemars(with = "String")]
    pub lasts: Duration,
    /// What happens.
    #[serde(flatten)]
    pub what: What,
}

/// What happens. A closed set: every `match` on it is the checklist for a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// A server process stands still (SIGSTOP) and goes on as if nothing had been (SIGCONT).
    StallServer {
        /// Which, from 1.
        server: u32,
    },
    /// A server process is ended without warning (SIGKILL) and started again on its address.
    KillServer {
        /// Which, from 1.
        server: u32,
    },
    /// A server is asked to end (SIGTERM), sends its people away, and is started again.
    DrainServer {
        /// Which, from 1.
        server: u32,
        /// Whether its people are sent away one after another rather than all at once.
        spread: bool,
    },
    /// The broker is ended and started again.
    RestartBroker {
        /// Whether it comes back with what it held.
        keep_data: bool,
    },
    /// Connections of some people break.
    CutClients {
        /// Share of the people, above 0, at most 1.
        share: f64,
    },
    /// Some people stop reading.
    SlowClients {
        /// Share of the people, above 0, at most 1.
        share: f64,
    },
    /// A proxy between people and servers closes connections that carry nothing for a time.
    IdleProxy {
        /// That time.
        #[serde(with = "duration_text")]
        #[schemars(with = "String")]
        idle: Duration,
    },
}

impl What {
    /// The kind as scenario files and outcomes write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::StallServer { .. } => "stall-server",
            Self::KillServer { .. } => "kill-server",
            Self::DrainServer { .. } => "drain-server",
            Self::RestartBroker { .. } => "restart-broker",
            Self::CutClients { .. } => "cut-clients",
            Self::SlowClients { .. } => "slow-clients",
            Self::IdleProxy { .. } => "idle-proxy",
        }
    }

    /// The server it happens to, from 1.
    #[must_use]
    pub fn server(&self) -> Option<u32> {
        match self {
            Self::StallServer { server } | Self::KillServer { server } | Self::DrainServer { server, .. } => {
                Some(*server)
            }
            Self::RestartBroker { .. }
            | Self::CutClients { .. }
            | Self::SlowClients { .. }
            | Self::IdleProxy { .. } => None,
        }
    }

    /// The share of the people it picks out, where it does not meet all alike.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        match self {
            Self::CutClients { share } | Self::SlowClients { share } => Some(*share),
            Self::StallServer { .. }
            | Self::KillServer { .. }
            | Self::DrainServer { .. }
            | Self::RestartBroker { .. }
            | Self::IdleProxy { .. } => None,
        }
    }
}

impl Fault {
    /// When it is over.
    #[must_use]
    pub fn until(&self) -> Duration {
        self.at + self.lasts
    }

    /// Beginning and end in microseconds from the start of the window.
    #[must_use]
    pub fn span(&self) -> (i64, i64) {
        (as_micros(self.at), as_micros(self.until()))
    }
}

/// The people that the fault of this number (in the file's order, from 0) picks out: exactly the share
/// of them, rounded and at least one, drawn from the seed, in order.
#[must_use]
pub fn picked(seed: u64, fault: usize, share: f64, clients: u32) -> Vec<u32> {
    let dice = Dice::new(seed, &[stream::FAULT, fault as u64]);
    let mut drawn: Vec<(u64, u32)> =
        (0..clients).map(|client| (dice.then(client.into()).nth(0), client)).collect();
    drawn.sort_unstable();
    let count = (f64::from(clients) * share).round().max(1.0) as usize;
    let mut people: Vec<u32> = drawn.into_iter().take(count).map(|(_, client)| client).collect();
    people.sort_unstable();
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_seeded_and_different_for_each_fault() {
        let people = picked(1, 0, 0.2, 50);
        assert_eq!(people.len(), 10);
        assert!(people.is_sorted() && people.iter().all(|client| *client < 50));
        assert_eq!(people, picked(1, 0, 0.2, 50));
        assert_ne!(people, picked(1, 1, 0.2, 50));
        assert_ne!(people, picked(2, 0, 0.2, 50));
        assert_eq!(picked(1, 0, 0.001, 50).len(), 1, "at least one");
        assert_eq!(picked(1, 0, 1.0, 50), (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn a_fault_is_written_as_a_file_writes_it() {
        let fault = Fault {
            at: Duration::from_secs(10),
            lasts: Duration::from_millis(1400),
            what: What::StallServer { server: 1 },
        };
        let json = serde_json::to_value(&fault).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"at": "10s", "for": "1.4s", "kind": "stall-server", "server": 1})
        );
        assert_eq!(serde_json::from_value::<Fault>(json).unwrap(), fault);
    }
}
