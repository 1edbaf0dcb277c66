//! What to use: a judgement over the figures of an outcome, and where that judgement turns round.
//!
//! No formula of traffic or delay lives here. Figures come from [`crate::theory`] or from a run; this
//! module weighs them, and knows what they cost a server ([`machine`]). What it says in words is the
//! business of `report`.

use std::time::Duration;

use serde::Serialize;

use crate::outcome::Outcome;
use crate::scenario::Scenario;
use crate::theory;
use crate::transport::Way;

mod facts;
mod flips;
mod judge;
pub mod machine;
mod question;

pub use facts::Facts;
pub use flips::{Axis, Flip, Turn};
pub use judge::{ALMOST_ALL, CHEAP, Choice, HALF, MANY, Reason, judge};
pub use machine::{Limit, Load, Machine};
pub use question::{Question, four_ways};

/// Value of [`Advice::schema`].
pub const SCHEMA: &str = "anynews/advice/1";

/// Events of a table's schedule; larger ones are sampled.
const EVENTS: f64 = 500_000.0;

/// What somebody needs, beside what the scenario says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Need {
    /// Longest that 99 of 100 messages may take, seconds; none: any delay will do.
    pub max_delay_s: Option<f64>,
    /// Whether that is only what the scenario's own poll lets news wait.
    pub assumed: bool,
    /// Whether all may be given the same answer, a little old, by a cache.
    pub cacheable: bool,
    /// Mean length of a visit, seconds; none: the scenario's own, else people stay.
    pub visit_s: Option<f64>,
}

/// One transport of the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its figures.
    #[serde(flatten)]
    pub facts: Facts,
    /// What they cost the server.
    pub server: Load,
    /// Whether the delay bound holds; null where no formula says, or none was asked for.
    pub holds: Option<bool>,
}

/// The whole answer.
#[derive(Debug, Clone, Serialize)]
pub struct Advice {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// The settings the figures are of.
    pub scenario: Scenario,
    /// What was asked for.
    pub need: Need,
    /// Constants of the server, and where they come from.
    pub machine: Machine,
    /// Poll, long poll, SSE, WebSocket.
    pub transports: Vec<Row>,
    /// Those that no formula describes: label and reason.
    pub unknown: Vec<(String, String)>,
    /// What to use, and why; null where nothing can be compared.
    pub choice: Option<Choice>,
    /// Where it turns round.
    pub flips: Vec<Flip>,
}

/// Why there is no advice.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unable(String);

/// A scenario, what is needed of it, and where it would run.
#[derive(Debug, Clone)]
pub struct Situation {
    /// The settings.
    pub scenario: Scenario,
    /// The needs.
    pub need: Need,
    /// The server.
    pub machine: Machine,
    /// Whether the figures are those of all schedules and not of the seed's own.
    pub averaged: bool,
}

impl Situation {
    /// Advice about a scenario as it stands: its own transports, the others with their defaults, and the
    /// poll's interval as long as the bound allows. Without a bound, what its shortest poll lets news
    /// wait is taken for one.
    #[must_use]
    pub fn of(scenario: &Scenario, mut need: Need, machine: Machine) -> Self {
        let mut scenario = scenario.clone();
        need.visit_s = need.visit_s.or(stay(&scenario));
        scenario.transports = four_ways(&scenario.transports);
        let trip = trips(&scenario);
        let own = scenario.transports.iter().find_map(|transport| longest_wait(&transport.way));
        if let (None, Some(own)) = (need.max_delay_s, own) {
            need.max_delay_s = Some(own.as_secs_f64() + trip);
            need.assumed = true;
        }
        if let Some(bound) = need.max_delay_s.filter(|_| need.cacheable || !need.assumed) {
            let longest = longest_interval(bound, trip);
            // Half for the age of the cache's answer, half for the wait.
            set_interval(&mut scenario, if need.cacheable { longest / 2 } else { longest });
        }
        Self { scenario, need, machine, averaged: false }
    }

    /// The figures, and the labels of those that no formula describes.
    fn facts(&self, kinds: &[&str], events: f64) -> (Vec<Facts>, Vec<(String, String)>) {
        let (mut light, scale) = flips::light(&self.scenario, events);
        light.transports.retain(|t| kinds.is_empty() || kinds.contains(&t.way.kind()));
        light.visit = self.need.visit_s.map(Duration::from_secs_f64);
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        match self.expected(&light) {
            Ok(all) => found = all,
            // One that no formula describes must not hide the others.
            Err(_) => {
                for transport in &light.transports {
                    match self.or_nearly(Scenario { transports: vec![transport.clone()], ..light.clone() }) {
                        Ok(one) => found.extend(one),
                        Err(why) => unknown.push((transport.label.clone(), why.to_string())),
                    }
                }
            }
        }
        found = found.into_iter().map(|facts| facts.times(scale)).collect();
        if self.need.cacheable {
            found.iter_mut().for_each(|facts| facts.behind_a_cache());
        }
        (found, unknown)
    }

    fn expected(&self, scenario: &Scenario) -> Result<Vec<Facts>, theory::Unable> {
        let outcome = if self.averaged { theory::on_average(scenario) } else { theory::run(scenario, None) };
        outcome.map(|outcome| Facts::of(&outcome))
    }

    /// The same, with visits reckoned in afterwards where they are all that the formulas do not describe.
    fn or_nearly(&self, mut scenario: Scenario) -> Result<Vec<Facts>, theory::Unable> {
        let expected = self.expected(&scenario);
        let Some(stay) = stay(&scenario).filter(|_| expected.is_err()) else { return expected };
        scenario.visit = None;
        let people = f64::from(scenario.clients);
        let visited = |facts: Facts| facts.with_visits(stay, people);
        Ok(self.expected(&scenario)?.into_iter().map(visited).collect())
    }

    /// The figures of all transports, and nothing more.
    #[must_use]
    pub fn figures(&self) -> Vec<Facts> {
        self.facts(&[], EVENTS).0
    }

    /// The whole answer.
    ///
    /// # Errors
    /// The scenario's recording is not at hand, or no transport can be described.
    pub fn advise(&self) -> Result<Advice, Unable> {
        if is_a_recording_without_events(&self.scenario) {
            let why = "the recording itself is needed, and an outcome does not hold it";
            return Err(Unable(why.to_owned()));
        }
        let (facts, unknown) = self.facts(&[], EVENTS);
        if facts.is_empty() {
            let why = unknown.into_iter().next().map_or_else(String::new, |(_, why)| why);
            return Err(Unable(why));
        }
        let choice = judge(&facts, &self.need, &self.machine);
        let flips = if choice.is_some() { flips::all(self) } else { Vec::new() };
        let row = |facts: Facts| Row {
            server: self.machine.load(&facts),
            holds: self.need.max_delay_s.and_then(|bound| facts.holds(bound)),
            facts,
        };
        Ok(Advice {
            schema: SCHEMA,
            scenario: self.scenario.clone(),
            need: self.need,
            machine: self.machine.clone(),
            transports: facts.into_iter().map(row).collect(),
            unknown,
            choice,
            flips,
        })
    }
}

impl Advice {
    /// The transport of the recommendation.
    #[must_use]
    pub fn chosen(&self) -> Option<&Row> {
        let choice = self.choice.as_ref()?;
        self.transports.iter().find(|row| row.facts.label == choice.winner)
    }

    /// The first transport of a kind.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> Option<&Row> {
        self.transports.iter().find(|row| row.facts.kind == kind)
    }
}

/// What the figures of a run say, by the same rules; a bound that is not given is what the run's own
/// poll lets news wait.
#[must_use]
pub fn choice(outcome: &Outcome, mut need: Need, machine: &Machine) -> Option<Choice> {
    let facts = Facts::of(outcome);
    need.visit_s = need.visit_s.or(stay(&outcome.scenario));
    if need.max_delay_s.is_none() {
        let poll = outcome.scenario.transports.iter().find_map(|t| longest_wait(&t.way))?;
        need.max_delay_s = Some(poll.as_secs_f64() + trips(&outcome.scenario));
    }
    judge(&facts, &need, machine)
}

/// The choice between figures that are at hand, for people who come and go as `need` says.
#[must_use]
pub fn choice_of(all: &[Facts], need: &Need) -> Option<Choice> {
    judge(all, need, &Machine::assumed())
}

/// The longest interval whose polls keep a bound: every message waits for less than one.
#[must_use]
pub fn longest_interval(bound_s: f64, trip_s: f64) -> Duration {
    const LEAST: f64 = 0.001;
    Duration::from_secs_f64((bound_s - trip_s).clamp(LEAST, 86_400.0))
}

/// Mean time an event is under way in the scenario's network, seconds: one trip, or two where clients
/// write.
#[must_use]
pub fn trips(scenario: &Scenario) -> f64 {
    let trip = scenario.network.as_ref().map_or(0.0, |link| link.mean_one_way() / 1e6);
    if scenario.workload.has_writers() { 2.0 * trip } else { trip }
}

/// Mean stay of a scenario's people, seconds.
fn stay(scenario: &Scenario) -> Option<f64> {
    scenario.visit.map(|stay| stay.as_secs_f64())
}

/// The longest that a short poll lets news wait: its interval, and the age of its cache's answer.
fn longest_wait(way: &Way) -> Option<Duration> {
    match way {
        Way::Poll { interval, shared_cache, .. } => Some(*interval + shared_cache.unwrap_or_default()),
        _ => None,
    }
}

fn set_interval(scenario: &mut Scenario, to: Duration) {
    for transport in &mut scenario.transports {
        if let Way::Poll { interval, .. } = &mut transport.way {
            *interval = to;
        }
    }
}

fn is_a_recording_without_events(scenario: &Scenario) -> bool {
    use crate::scenario::Workload;
    matches!(&scenario.workload, Workload::Trace { events, recorded, .. } if *events > 0 && recorded.events.is_empty())
}

#[cfg(test)]
mod tests;
