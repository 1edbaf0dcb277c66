//! Servers that others started: which scenarios they can play, and what they turn out to be.

use std::time::Duration;

use crate::client::{Acquaintance, Strangers};
use crate::clock::Clock;
use crate::event::topic_is_valid;
use crate::fault::What;
use crate::headers::Headers;
use crate::ledger::Plan;
use crate::outcome;
use crate::scenario::Scenario;
use crate::scenario::fleet::{Between, Fleet, Placement};
use crate::target::Target;
use crate::tls::Trust;
use crate::token::Token;
use crate::transport::{PING, READ_BUFFER, Way};

/// Servers that others started, for the people of a run to turn to.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// At least one; all with TLS or all without.
    pub servers: Vec<Target>,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// What the servers want to see of whoever publishes.
    pub token: Option<Token>,
}

/// What they turned out to be.
#[derive(Debug)]
pub(super) struct Met {
    /// `host:port` each.
    pub(super) addresses: Vec<String>,
    /// As outcomes tell it.
    pub(super) seen: Vec<outcome::Target>,
    /// Before all topics of this run.
    pub(super) prefix: String,
    /// The farthest of them.
    pub(super) round_trip: Duration,
    /// What is between them.
    pub(super) between: Between,
}

/// Why a scenario cannot be played at servers that others started, in words.
#[must_use]
pub fn unfit(scenario: &Scenario) -> Option<String> {
    let own = "servers that run starts, which --target does not";
    if scenario.network.is_some() {
        return Some("the network to a --target is a real one; leave out [network], or --target".to_owned());
    }
    if matches!(scenario.headers, Headers::Total(_)) {
        return Some(
            "the heads of answers are the server's own; write headers = \"lean\" or \"browser\"".to_owned(),
        );
    }
    let ours = |what: &What| !matches!(what, What::CutClients { .. } | What::SlowClients { .. });
    if let Some(fault) = scenario.faults.iter().find(|fault| ours(&fault.what)) {
        return Some(format!("{} needs {own}; leave out this [[fault]], or --target", fault.what.kind()));
    }
    scenario.transports.iter().find_map(|transport| {
        let key = setting_of_the_server(&transport.way)?;
        Some(format!("{}: {key} is a setting of {own}; leave it out, or --target", transport.label))
    })
}

/// A key of a transport that only a server can obey, and that differs from what `serve` does unasked.
fn setting_of_the_server(way: &Way) -> Option<&'static str> {
    match way {
        Way::Poll { shared_cache: Some(_), .. } => Some("shared_cache"),
        Way::WebSocket { coalesce, .. } if !coalesce.is_zero() => Some("coalesce"),
        Way::WebSocket { ping, .. } if *ping != PING => Some("ping"),
        Way::WebSocket { read_buffer, .. } if *read_buffer != READ_BUFFER => Some("read_buffer"),
        _ => None,
    }
}

impl Elsewhere {
    /// Whether they speak TLS.
    pub(super) fn tls(&self) -> bool {
        self.servers.iter().any(|target| target.tls)
    }

    /// Gets to know them.
    ///
    /// # Errors
    /// One is not there, is no anynews server, does not let us publish, or does not hear some of the others.
    pub(super) async fn meet(&self, scenario: &Scenario, plan: &Plan) -> anyhow::Result<Met> {
        let clock = Clock::anchored_now();
        let shard = scenario.shard.map_or(0, |shard| shard.number);
        let prefix = format!("run-{:x}-{:x}-{shard}-", clock.now(), std::process::id());
        if let Some(long) =
            plan.schedule.topics.iter().find(|topic| !topic_is_valid(&format!("{prefix}00-{topic}")))
        {
            anyhow::bail!("the topic {long} is too long to be told apart from those of others");
        }
        let addresses: Vec<String> = self.servers.iter().map(|target| target.authority.clone()).collect();
        let servers: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let tls = self.trust.client()?;
        let topic = format!("{prefix}hello");
        let strangers =
            Strangers { servers: &servers, tls, token: self.token.as_ref(), topic: &topic, clock };
        let all = strangers.meet().await.map_err(anyhow::Error::msg)?;
        let seen = self.servers.iter().zip(&all).map(|(target, found)| seen(target, found)).collect();
        let round_trip = all.iter().map(|found| found.round_trip).max().unwrap_or_default();
        Ok(Met { addresses, seen, prefix, round_trip, between: between(&all)? })
    }
}

impl Met {
    /// Before the topics of the transport at `index`.
    pub(super) fn prefix(&self, index: usize) -> String {
        format!("{}{index}-", self.prefix)
    }

    /// The scenario as these servers play it.
    pub(super) fn played(&self, scenario: &Scenario, tls: bool) -> Scenario {
        let servers = self.addresses.len() as u32;
        let placement = scenario.fleet.as_ref().map_or(Placement::Random, |fleet| fleet.placement);
        let fleet = Fleet { servers, placement, broker: self.between, redis: None };
        Scenario { fleet: (servers > 1).then_some(fleet), tls, ..scenario.clone() }
    }

    /// What was found, as a line of progress.
    pub(super) fn told(&self) -> String {
        let names: Vec<&str> = self.seen.iter().map(|seen| seen.url.as_str()).collect();
        let what = match self.between {
            _ if names.len() == 1 => "",
            Between::Redis => ", which share one log",
            Between::RedisPubsub => ", which tell each other and keep no common log",
            Between::Memory | Between::None => {
                ", which do not hear each other: what has to cross will be lost"
            }
        };
        format!("servers elsewhere: {}{what}", names.join(", "))
    }
}

fn seen(target: &Target, found: &Acquaintance) -> outcome::Target {
    let scheme = if target.tls { "https" } else { "http" };
    let ms = |us: i64| us as f64 / 1000.0;
    outcome::Target {
        url: format!("{scheme}://{}", target.authority),
        round_trip_ms: found.round_trip.as_secs_f64() * 1000.0,
        clock_offset_ms: ms(found.clock_offset),
        clock_bound_ms: ms(found.clock_bound),
    }
}

/// What must be between servers that were heard, or not, by each other.
fn between(all: &[Acquaintance]) -> anyhow::Result<Between> {
    let number = all.len();
    let pairs = || {
        (0..number)
            .flat_map(|one| (0..number).map(move |other| (one, other)))
            .filter(|(one, other)| one != other)
    };
    let heard = pairs().filter(|(one, other)| all[*one].hears[*other]).count();
    let one_epoch = all.windows(2).all(|two| two[0].epoch == two[1].epoch);
    match heard {
        _ if number == 1 => Ok(Between::Memory),
        0 => Ok(Between::None),
        all if all < pairs().count() => {
            anyhow::bail!("some of these servers hear each other and some do not; give those of one --broker")
        }
        _ if one_epoch => Ok(Between::Redis),
        _ => Ok(Between::RedisPubsub),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::file::Overrides;
    use crate::scenario::shipped;

    #[test]
    fn what_only_servers_of_ours_can_do_is_refused() {
        let why = |name: &str, set: &[&str]| {
            let set = set.iter().map(|set| (*set).to_owned()).collect();
            unfit(&shipped::load(name, &Overrides { set, ..Overrides::default() }).unwrap())
                .unwrap_or_default()
        };
        for fits in [
            "letters",
            "chat",
            "cricket",
            "game",
            "in-between",
            "two-servers",
            "slow-reader",
            "reconnect-storm",
        ] {
            assert_eq!(why(fits, &[]), "", "{fits}");
        }
        assert!(why("frozen-server", &[]).contains("stall-server"));
        assert!(why("quarter-second", &[]).contains("[network]"));
        assert!(why("letters", &["headers=900B"]).contains("headers = \"lean\""));
        assert!(why("letters", &["poll.shared_cache=5s"]).contains("poll: shared_cache"));
        assert!(why("letters", &["websocket.coalesce=20ms"]).contains("coalesce"));
        assert!(why("letters", &["websocket.ping=5s"]).contains("ping"));
        assert!(why("letters", &["websocket.read_buffer=1KiB"]).contains("read_buffer"));
    }

    fn found(epoch: &str, hears: &[bool]) -> Acquaintance {
        let (round_trip, clock_offset, clock_bound) = (Duration::ZERO, 0, 0);
        Acquaintance { epoch: epoch.to_owned(), hears: hears.to_vec(), round_trip, clock_offset, clock_bound }
    }

    #[test]
    fn what_is_between_servers_shows_in_what_they_hear() {
        let of = |all: &[Acquaintance]| between(all).map_err(|error| error.to_string());
        assert_eq!(of(&[found("a", &[true])]), Ok(Between::Memory));
        assert_eq!(of(&[found("a", &[true, false]), found("b", &[false, true])]), Ok(Between::None));
        assert_eq!(of(&[found("a", &[true; 2]), found("b", &[true; 2])]), Ok(Between::RedisPubsub));
        assert_eq!(of(&[found("a", &[true; 2]), found("a", &[true; 2])]), Ok(Between::Redis));
        assert!(of(&[found("a", &[true, true]), found("a", &[false, true])]).is_err());
    }
}
