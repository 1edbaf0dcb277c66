//! The people of one transport: in this process, or in as many client processes as its open files ask for.
//!
//! All of them obey the same orders at the same time of the one clock, whichever process they are in, and
//! their ledgers become one when they hang up.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::servers::Servers;
use super::{Context, Progress, limits};
use crate::client::{Crowd, Moment};
use crate::clock::Micros;
use crate::ledger::Part;
use crate::scenario::Scenario;
use crate::scenario::shard::Shard;
use crate::tls::Trust;
use crate::token::Token;
use crate::workload::Trace;

mod apart;
mod here;
pub mod work;

use apart::Apart;
pub(super) use here::{Here, patience};

/// What somebody who holds people has to know of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Brief {
    scenario: Scenario,
    /// The events of a trace, which a scenario does not carry.
    recorded: Option<Trace>,
    /// Index of the transport.
    transport: usize,
    /// Which people, as far as the shard plays them.
    people: Range<u32>,
    /// Which part of the scenario is played; a scenario does not carry it.
    shard: Option<Shard>,
    /// Where the servers are, `host:port` each.
    servers: Vec<String>,
    /// Before the topics of the schedule.
    prefix: String,
    /// Whom these people trust.
    trust: Trust,
    /// What they show who publish.
    token: Option<Token>,
    /// How far away the servers are.
    round_trip: Duration,
    /// Anchor of the run's clock.
    anchor: i64,
    /// The client whose timeline is kept.
    person: u32,
    /// Keep every delivery.
    keep_log: bool,
}

impl Brief {
    /// How many people these are.
    fn size(&self) -> u32 {
        self.people.clone().filter(|client| self.scenario.plays(*client)).count() as u32
    }
}

/// What people are told to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// Connect and learn your positions.
    Connect,
    /// The window starts at this time, traffic a warm-up before it.
    Begin(Micros),
    /// The window ends early, at this time of it, which lies ahead.
    End(i64),
    /// These lose their connections.
    Cut(Vec<u32>),
    /// These stop reading, or begin again.
    Deafen(Vec<u32>, bool),
    /// Proxies close what is silent for so long; none: nothing.
    IdleLimit(Option<Duration>),
    /// Hang up, and hand over what was booked. Only a client process is told so.
    HangUp,
}

/// How far people have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Who know their position.
    pub(super) ready: u32,
    /// Deliveries so far.
    pub(super) delivered: u64,
    /// Answered polls so far.
    pub(super) polls: u64,
    /// Empty ones among them.
    pub(super) empty: u64,
    /// The window is over, everything of it has arrived, and whoever a fault sent away is back.
    settled: bool,
}

/// What a client process says, a line each.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Tally(Tally),
    Moment(Moment),
    /// Its last word: what it booked, and its CPU time over the window, microseconds.
    Done(Box<Part>, u64),
}

/// All people of one transport.
pub(super) struct People {
    here: Here,
    apart: Vec<Apart>,
    size: u32,
}

impl People {
    /// Readies the people of the transport at `index`, in `processes` processes beside this one; zero: here.
    ///
    /// # Errors
    /// No port for a proxy is free, or a client process does not start.
    pub(super) async fn start(
        context: &Context<'_>,
        index: usize,
        servers: &Servers,
        processes: u32,
    ) -> anyhow::Result<Self> {
        let scenario = context.scenario;
        let elsewhere = context.options.elsewhere.as_ref();
        let trust = match elsewhere {
            Some(elsewhere) => elsewhere.trust.clone(),
            None if scenario.tls => Trust::These(servers.certificates()),
            None => Trust::Nobody,
        };
        let brief = |people: Range<u32>| Brief {
            scenario: scenario.clone(),
            recorded: None,
            transport: index,
            people,
            shard: scenario.shard,
            servers: servers.addresses.clone(),
            prefix: context.met.as_ref().map(|met| met.prefix(index)).unwrap_or_default(),
            trust: trust.clone(),
            token: elsewhere.and_then(|elsewhere| elsewhere.token.clone()),
            round_trip: match &context.met {
                Some(met) => met.round_trip,
                None => scenario.network.as_ref().map(|link| link.rtt).unwrap_or_default(),
            },
            anchor: context.clock.anchor(),
            person: context.person,
            // A fleet's last hop is measured by delivery.
            keep_log: context.options.keep_deliveries || context.between.is_some(),
        };
        let progress = context.options.progress.clone();
        let moments = move |moment| drop(progress.send(Progress::Moment(index, moment)));
        let mut apart = Vec::new();
        for people in limits::shares(scenario, processes) {
            let brief = Brief { recorded: Trace::of(&scenario.workload), ..brief(people) };
            apart.push(Apart::start(&context.options.executable, &brief, moments.clone()).await?);
        }
        let left = if apart.is_empty() { 0..scenario.clients } else { 0..0 };
        let here = Here::start(&brief(left), context.plan.clone(), moments)?;
        Ok(Self { here, apart, size: scenario.people() })
    }

    /// The people in this process, maybe none; the schedule's publisher keeps its books with them.
    pub(super) fn crowd(&self) -> &Arc<Crowd> {
        &self.here.crowd
    }

    /// Number of people.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Number of processes beside this one.
    pub(super) fn processes(&self) -> u32 {
        self.apart.len() as u32
    }

    /// Tells everybody.
    pub(super) fn order(&self, order: &Order) {
        self.here.obey(order);
        self.apart.iter().for_each(|apart| apart.order(order));
    }

    /// Returns when everybody knows their position, or a client process is gone.
    pub(super) async fn all_ready(&self) {
        self.here.crowd.all_ready().await;
        for apart in &self.apart {
            apart.all_ready().await;
        }
    }

    /// Whether all client processes are still there.
    ///
    /// # Errors
    /// One is gone.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let there = self.apart.iter().all(Apart::is_there);
        there.then_some(()).context("a client process ended in the middle of the run")
    }

    /// How far everybody has come.
    pub(super) fn tally(&self) -> Tally {
        self.apart.iter().map(Apart::tally).fold(self.here.tally(), |sum, tally| Tally {
            ready: sum.ready + tally.ready,
            delivered: sum.delivered + tally.delivered,
            polls: sum.polls + tally.polls,
            empty: sum.empty + tally.empty,
            settled: false,
        })
    }

    /// Whether nothing is to be waited for any more, in a window that ended at `end`.
    pub(super) fn settled(&self, end: i64) -> bool {
        self.apart.iter().all(|apart| apart.tally().settled) && self.here.settled(end)
    }

    /// Ends everybody. What other processes booked stands then in the ledger of this one; returns their
    /// CPU seconds over the window.
    ///
    /// # Errors
    /// A client process does not hand over what it booked.
    pub(super) async fn hang_up(&mut self) -> anyhow::Result<f64> {
        self.apart.iter().for_each(|apart| apart.order(&Order::HangUp));
        self.here.hang_up().await;
        let mut cpu_us = 0;
        for apart in self.apart.drain(..) {
            let (part, cpu) = apart.done().await?;
            self.here.crowd.ledger().absorb(part).map_err(anyhow::Error::msg)?;
            cpu_us += cpu;
        }
        Ok(cpu_us as f64 / 1e6)
    }
}
