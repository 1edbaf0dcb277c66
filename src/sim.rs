//! The virtual-time engine: the same schedule, pacing and ledger as live, with no socket and no clock.
//!
//! Clients do not meet: what one gets depends on the feed and on its own network alone (and on what a
//! shared cache held, which is found out first). So they are worked off one after another, on every core,
//! and nothing is kept of one when it is done; cost grows with deliveries, and memory with neither clients
//! nor events. Equal seeds give equal bytes.

use std::ops::Range;
use std::thread;

use crate::clock::as_micros;
use crate::ledger::plan::KEPT_EVENTS;
use crate::ledger::{self, Closing, Plan, Sums, person_of, series_step};
use crate::outcome::{self, Delivery, Outcome, TransportOutcome};
use crate::scenario::{Engine, Scenario};
use crate::transport::{Transport, Way};
use crate::workload::{Schedule, Visit, visits};
use crate::{theory, threshold};

mod cache;
mod crowd;
mod feed;
mod hold;
mod legs;
mod part;
mod poll;
mod push;
mod sends;

use crowd::Crowd;
use part::Part;

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The user's guess.
    pub prediction: Option<String>,
    /// Return every delivery too.
    pub keep_deliveries: bool,
    /// Worker threads; 0: one per core. The outcome does not depend on it.
    pub threads: usize,
    /// Work off every poll, one by one. Slower, and the outcome is the same: tests hold it to that.
    pub step_by_step: bool,
}

/// Why a scenario cannot be run in virtual time.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unable(String);

/// What every part of a run shares.
struct World<'a> {
    scenario: &'a Scenario,
    options: &'a Options,
    /// The schedule with every word, or an empty one where inboxes are drawn client by client.
    plan: Plan,
    streamed: bool,
    duration: i64,
    /// Step of the series.
    step: i64,
    warmup: i64,
    person: u32,
}

impl World<'_> {
    /// The visits to a client's seat.
    fn visits(&self, client: u32) -> Vec<Visit> {
        visits(self.scenario.visit, self.scenario.seed, client, -self.warmup, self.duration)
    }
}

/// Runs a scenario in virtual time.
///
/// # Errors
/// A schedule shared by many that is too large for memory, or several servers.
pub fn run(scenario: &Scenario, options: &Options) -> Result<(Outcome, Vec<Delivery>), Unable> {
    if let Some(why) = scenario.needs_live() {
        return Err(Unable(why.to_owned()));
    }
    let (duration, warmup) = (as_micros(scenario.duration), as_micros(scenario.warmup));
    let (plan, streamed) = plan(scenario)?;
    let person = person_of(&plan, duration);
    let step = series_step(duration);
    let world = World { scenario, options, plan, streamed, duration, step, warmup, person };
    let (mut transports, mut deliveries, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    for transport in &scenario.transports {
        let (outcome, mut rows, closed) = transport_outcome(&world, transport);
        transports.push(outcome);
        deliveries.append(&mut rows);
        sums.push(closed);
    }
    let mut outcome = Outcome {
        schema: outcome::SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: Engine::Sim,
        seed: scenario.seed,
        started_at: None,
        scenario: Scenario { engine: Engine::Sim, ..scenario.clone() },
        prediction: options.prediction.clone(),
        interrupted_at_s: None,
        shard: scenario.shard.map(|shard| ledger::shard(shard, &sums)),
        targets: Vec::new(),
        in_turn: false,
        machine: Some(outcome::Machine::here()),
        generator: None,
        transports,
        thresholds: Vec::new(),
    };
    outcome.thresholds = threshold::evaluate(&scenario.thresholds, &outcome);
    Ok((outcome, deliveries))
}

/// The plan of a scenario, and whether inboxes are drawn one by one instead, because all events together
/// would not fit in memory: then nothing is written down in the plan.
///
/// # Errors
/// A schedule shared by many that is too large for memory.
pub fn plan(scenario: &Scenario) -> Result<(Plan, bool), Unable> {
    let events = scenario.workload.events_per_second(scenario.clients, scenario.duration)
        * (scenario.duration + scenario.warmup).as_secs_f64();
    if events <= KEPT_EVENTS {
        return Ok((Plan::of(scenario), false));
    }
    if scenario.workload.has_own_inboxes() {
        return Ok((Plan::new(Schedule::default()), true));
    }
    Err(Unable(format!(
        "{events:.0} events are too many to keep in memory ({KEPT_EVENTS:.0} fit): \
         use fewer clients, a longer gap or a shorter duration"
    )))
}

fn transport_outcome(world: &World<'_>, transport: &Transport) -> (TransportOutcome, Vec<Delivery>, Sums) {
    let crowd = Crowd::new(world, transport);
    let whole = all_clients(&crowd);
    let closing = Closing {
        fate: whole.fate,
        staleness: whole.staleness,
        connected: world.scenario.people(),
        end: world.duration,
    };
    let mut outcome = whole.book.outcome(&closing);
    outcome.label.clone_from(&transport.label);
    transport.way.kind().clone_into(&mut outcome.kind);
    outcome.connections = whole.connections();
    let cached = matches!(transport.way, Way::Poll { shared_cache: Some(_), .. });
    outcome.requests.origin = cached.then_some(whole.origin);
    outcome.bytes = whole.traffic.bytes(outcome.bytes.payload, outcome.deliveries.delivered);
    outcome.series.bytes = whole.traffic.steps;
    if world.scenario.shard.is_none() {
        // The formulas answer for the whole, which a shard is not.
        outcome.theory = theory::expect(world.scenario, &world.plan, &transport.way);
    }
    // A poll skipped for want of an answer is counted; how long requests take, no machine was asked.
    (outcome.request_ms, outcome.request_ms_uncorrected) = (None, None);
    outcome.person = whole.person.map(|person| person.take());
    let row = |(client, published_us, event, received_us): (u32, i64, u32, i64)| Delivery {
        transport: transport.label.clone(),
        client,
        event,
        published_us,
        received_us,
    };
    let sums = Sums { book: whole.book, closing };
    (outcome, whole.log.into_iter().map(row).collect(), sums)
}

/// Works the clients off in contiguous ranges, one per thread, and adds the parts in their order.
fn all_clients(crowd: &Crowd<'_>) -> Part {
    let clients = crowd.world.scenario.clients;
    let threads = match crowd.world.options.threads {
        0 => thread::available_parallelism().map_or(1, std::num::NonZero::get),
        n => n,
    };
    let threads = (threads as u32).clamp(1, clients.max(1));
    let bound = |i: u32| (u64::from(clients) * u64::from(i) / u64::from(threads)) as u32;
    let ranges: Vec<Range<u32>> = (0..threads).map(|i| bound(i)..bound(i + 1)).collect();
    let mut parts: Vec<Part> = thread::scope(|scope| {
        let work = |range| scope.spawn(move || crowd.work(range));
        let running: Vec<_> = ranges.into_iter().map(work).collect();
        let join =
            |t: thread::ScopedJoinHandle<'_, Part>| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p));
        running.into_iter().map(join).collect()
    });
    let mut whole = crowd.publishing();
    parts.drain(..).for_each(|part| whole.add(part));
    whole
}

/// Whether polling skips ahead from delivery to delivery: every answer is back before the next poll
/// is due, and the interval stays the same.
#[must_use]
pub fn skips_ahead(scenario: &Scenario, way: &Way) -> bool {
    matches!(way, Way::Poll { .. }) && steps_because(scenario, way).is_none()
}

/// Why each poll is worked off, where that cannot be helped: polls are skipped, or what one finds decides
/// when or how the next is answered.
#[must_use]
pub fn steps_because(scenario: &Scenario, way: &Way) -> Option<&'static str> {
    let Way::Poll { interval, backoff_max, keep_alive, shared_cache, .. } = *way else { return None };
    if shared_cache.is_some() {
        return Some("people share a cache, so that one's poll decides another's answer");
    }
    if backoff_max.is_some_and(|longest| longest > interval) {
        return Some("polls back off, so that what one finds decides when the next is due");
    }
    let connects = !keep_alive || scenario.visit.is_some();
    let longest = legs::longest_round_trip(scenario.network.as_ref(), connects);
    let in_time = longest.is_some_and(|longest| longest < as_micros(interval));
    (!in_time).then_some("an answer may take longer than the interval, so that polls are skipped")
}

#[cfg(test)]
mod tests;
