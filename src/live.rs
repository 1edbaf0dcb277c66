//! The live engine: real sockets, a server process per transport, one clock, one schedule for all.
//!
//! It never prints: what happens meanwhile goes to whoever holds the other end of
//! [`Options::progress`].

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::Moment;
use crate::clock::{Clock, Micros, as_micros};
use crate::ledger::{self, Plan};
use crate::outcome::{self, Delivery, Outcome};
use crate::scenario::{Engine, Scenario};
use crate::threshold;

mod assemble;
mod between;
mod child;
mod faults;
mod fleet;
mod group;
pub mod limits;
pub mod people;
mod proxy;
mod publisher;
mod redis;
mod servers;
mod target;

use between::Between;
use target::Met;
pub use target::{Elsewhere, unfit};

/// How to run.
#[derive(Debug)]
pub struct Options {
    /// The anynews binary, which the server processes are started from.
    pub executable: PathBuf,
    /// Servers that others started; none: the run starts its own.
    pub elsewhere: Option<Elsewhere>,
    /// Transports one after another; also chosen by itself when the predicted load is too high.
    pub in_turn: bool,
    /// Return every delivery too.
    pub keep_deliveries: bool,
    /// The user's guess.
    pub prediction: Option<String>,
    /// Receives what happens meanwhile.
    pub progress: mpsc::UnboundedSender<Progress>,
    /// Ends the window early; what was measured is returned, after the grace that every window has.
    pub interrupt: CancellationToken,
    /// Ends the grace too.
    pub hurry: CancellationToken,
}

/// What happens during a run.
#[derive(Debug, Clone)]
pub enum Progress {
    /// The servers are elsewhere: what they turned out to be.
    Elsewhere(String),
    /// Transports will run one after another, because of this.
    InTurn(String),
    /// The open-file limit asks for so many client processes.
    Split(u32),
    /// These transports (indices into the scenario's) start to connect.
    Connecting(Vec<usize>),
    /// So many of so many people know their position.
    Ready(u32, u32),
    /// The warm-up began; the window follows after this many microseconds.
    WarmUp(i64),
    /// One person of a transport saw something.
    Moment(usize, Moment),
    /// Counters of a transport at a time (microseconds from the start of the window).
    Tick {
        /// Index of the transport.
        transport: usize,
        /// When.
        at: i64,
        /// Deliveries so far.
        delivered: u64,
        /// Answered polls so far.
        polls: u64,
        /// Empty ones among them.
        empty: u64,
    },
    /// A fault begins: its kind.
    Fault(&'static str),
    /// The window is over; waiting for what is still on its way.
    Grace,
}

/// Why a live run could not start or finish.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine cannot carry this scenario, or lacks what it needs.
    #[error("{0}")]
    TooLarge(String),
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Everything the parts of one run share.
struct Context<'a> {
    scenario: &'a Scenario,
    options: &'a Options,
    plan: Arc<Plan>,
    clock: Clock,
    duration: i64,
    warmup: i64,
    /// The client whose timeline is kept.
    person: u32,
    /// What servers of ours talk by, if they do.
    between: Option<Between>,
    /// Servers that others started.
    met: Option<Met>,
}

/// Runs a scenario over real sockets.
///
/// Must be called on a thread that lives as long as the run, by `block_on` and not in a spawned
/// task: on Linux the kernel ends a server process when the thread that started it ends.
///
/// # Errors
/// The scenario is too large for this machine, or a server process could not be started.
pub async fn run(scenario: &Scenario, options: &Options) -> Result<(Outcome, Vec<Delivery>), Error> {
    limits::check_events(scenario)?;
    let plan = Arc::new(Plan::of(scenario));
    let met = match &options.elsewhere {
        Some(elsewhere) => Some(elsewhere.meet(scenario, &plan).await?),
        None => None,
    };
    let played = met.as_ref().map(|met| {
        let _ = options.progress.send(Progress::Elsewhere(met.told()));
        met.played(scenario, options.elsewhere.as_ref().is_some_and(Elsewhere::tls))
    });
    let scenario = played.as_ref().unwrap_or(scenario);
    let (duration, warmup) = (as_micros(scenario.duration), as_micros(scenario.warmup));
    limits::check_files(scenario, met.is_none())?;
    let all: Vec<usize> = (0..scenario.transports.len()).collect();
    let load = limits::predicted_cores(scenario, &plan);
    let in_turn = options.in_turn || load > limits::most_cores();
    if in_turn && !options.in_turn && all.len() > 1 {
        let _ = options.progress.send(Progress::InTurn(limits::why_in_turn(load)));
    }
    let groups = if in_turn { all.iter().map(|&i| vec![i]).collect() } else { vec![all] };
    limits::check_ports(scenario)?;
    let apart: u32 = groups.iter().flat_map(|group| limits::client_processes(scenario, group)).sum();
    if apart > 0 {
        let _ = options.progress.send(Progress::Split(apart));
    }
    if let Some(why) = faults::impossible(&scenario.faults) {
        return Err(Error::TooLarge(why));
    }

    let between = match &met {
        Some(_) => None,
        None => Between::start(scenario, &options.executable).await?,
    };
    let clock = Clock::anchored_now();
    let started_at = timestamp(clock.now());
    let person = ledger::person_of(&plan, duration);
    let mut context = Context { scenario, options, plan, clock, duration, warmup, person, between, met };
    let mut results = Vec::new();
    for group in &groups {
        results.push(group::run(&context, group).await?);
        if options.interrupt.is_cancelled() {
            break;
        }
    }
    if let Some(between) = context.between.take() {
        between.stop(scenario.transports.len()).await;
    }
    Ok(outcome(&context, started_at, in_turn, results))
}

/// RFC 3339 in UTC, to the millisecond.
fn timestamp(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| String::new(), |t| format!("{t:.3}"))
}

fn outcome(
    context: &Context<'_>,
    started_at: String,
    in_turn: bool,
    groups: Vec<group::Result>,
) -> (Outcome, Vec<Delivery>) {
    let generator = assemble::generator(&groups);
    let ended = groups.last().map_or(0, |g| g.end);
    let interrupted = context.options.interrupt.is_cancelled();
    let (mut transports, mut deliveries, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    for (transport, mut rows, closed) in groups.into_iter().flat_map(|group| group.transports) {
        transports.push(transport);
        deliveries.append(&mut rows);
        sums.push(closed);
    }
    let mut outcome = Outcome {
        schema: outcome::SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: Engine::Live,
        seed: context.scenario.seed,
        started_at: Some(started_at),
        scenario: context.scenario.clone(),
        prediction: context.options.prediction.clone(),
        interrupted_at_s: interrupted.then(|| ended as f64 / 1e6),
        shard: context.scenario.shard.map(|shard| ledger::shard(shard, &sums)),
        targets: context.met.as_ref().map(|met| met.seen.clone()).unwrap_or_default(),
        in_turn,
        machine: Some(outcome::Machine::here()),
        generator: Some(generator),
        transports,
        thresholds: Vec::new(),
    };
    outcome.thresholds = threshold::evaluate(&context.scenario.thresholds, &outcome);
    (outcome, deliveries)
}
