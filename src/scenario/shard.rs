//! One of several load machines: whom of a scenario's people it plays.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Scenario, Workload};
use crate::transport::Way;

/// Part `number` of `of`, from 1.
///
/// Every shard plans the whole schedule and numbers everybody alike, so that a person does the same at
/// the same time in whichever shard; it plays its own people only. People who write to each other are
/// in one shard. A feed that others write and people of several shards read is published anew in each
/// of them: publisher and readers are on one machine and one clock, so that latency is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(n, of)| Some((n.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("`{text}` is no shard; write which one of how many, from 1, like 3/10")),
        }
    }
}

impl Scenario {
    /// Whether a client is played here.
    #[must_use]
    #[inline]
    pub fn plays(&self, client: u32) -> bool {
        self.shard.is_none_or(|shard| self.shard_of(client, shard.of) == shard.number)
    }

    /// The shard of a client, from 1: groups of people who write to each other are dealt out in turn.
    #[must_use]
    pub fn shard_of(&self, client: u32, of: u32) -> u32 {
        client / self.group() % of + 1
    }

    /// How many people are played here.
    #[must_use]
    pub fn people(&self) -> u32 {
        let Some(Shard { number, of }) = self.shard else { return self.clients };
        let groups = self.clients / self.group();
        // Of so many groups, those with the numbers number − 1, number − 1 + of, …
        (groups + of).saturating_sub(number) / of * self.group()
    }

    /// People who stay together: those of a room or a match.
    fn group(&self) -> u32 {
        match self.workload {
            Workload::Chat { members, .. } => members.max(1),
            Workload::Game { players, .. } => players.max(1),
            Workload::Poisson { .. }
            | Workload::Periodic { .. }
            | Workload::Cricket { .. }
            | Workload::Ticker { .. }
            | Workload::Trace { .. } => 1,
        }
    }

    /// Why this scenario cannot be played in this many parts, in words.
    #[must_use]
    pub fn unfit_for_its_shard(&self) -> Option<String> {
        let Shard { number, of } = self.shard?;
        if self.people() == 0 {
            let groups = self.clients / self.group();
            return Some(format!(
                "shard {number}/{of} has nobody: there are {groups} groups of people to deal out; \
                 use at most {groups} shards"
            ));
        }
        if !self.faults.is_empty() {
            return Some(
                "[[fault]] happens in one run, not in shards; leave out --shard or [[fault]]".to_owned(),
            );
        }
        let cached = |way: &Way| matches!(way, Way::Poll { shared_cache: Some(_), .. });
        let cached = self.transports.iter().any(|transport| cached(&transport.way));
        (cached && !self.workload.has_own_inboxes() && !self.workload.clients_send()).then(|| {
            "what a shared_cache saves depends on all who share a feed, and shards do not; \
             leave out --shard or shared_cache"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::shipped;

    #[test]
    fn a_shard_is_one_of_so_many() {
        assert_eq!("3/10".parse(), Ok(Shard { number: 3, of: 10 }));
        for bad in ["", "3", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/3"] {
            assert!(bad.parse::<Shard>().unwrap_err().contains("like 3/10"), "{bad}");
        }
    }

    #[test]
    fn everybody_is_played_once_and_rooms_stay_together() {
        for name in ["letters", "chat", "cricket", "game"] {
            let mut scenario = shipped::load(name, &Default::default()).unwrap();
            for of in [1, 2, 3, 7] {
                let mut played = vec![0; scenario.clients as usize];
                for number in 1..=of {
                    scenario.shard = Some(Shard { number, of });
                    let mine: Vec<u32> = (0..scenario.clients).filter(|&c| scenario.plays(c)).collect();
                    assert_eq!(mine.len(), scenario.people() as usize, "{name} {number}/{of}");
                    mine.iter().for_each(|&client| played[client as usize] += 1);
                }
                assert!(played.iter().all(|n| *n == 1), "{name} {of}");
                let group = scenario.group();
                let first = |client: u32| scenario.shard_of(client - client % group, of);
                assert!((0..scenario.clients).all(|c| scenario.shard_of(c, of) == first(c)));
            }
        }
    }
}
