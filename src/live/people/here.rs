//! People in this process: their crowd, the proxies before their servers, a task each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Brief, Order, Tally};
use crate::client::{self, Crowd, Moment, Setting};
use crate::clock::{Clock, as_micros};
use crate::fault::{What, picked};
use crate::ledger::Plan;
use crate::link::Link;
use crate::live::fleet;
use crate::live::proxy::Proxy;
use crate::scenario::Scenario;

/// Beyond the longest interval and a round trip, what is on its way has this long to arrive.
const GRACE: Duration = Duration::from_secs(2);
/// People have this long to hang up.
const HANG_UP: Duration = Duration::from_secs(5);

/// People in this process.
pub(in crate::live) struct Here {
    pub(super) crowd: Arc<Crowd>,
    /// Before the servers, in their order; only where a fault needs them.
    proxies: Vec<Proxy>,
    people: Mutex<JoinSet<()>>,
    faulty: bool,
}

impl Here {
    /// Readies them; `moments` is told what the person of the transcript sees.
    ///
    /// # Errors
    /// No port for a proxy is free, or a certificate is none.
    pub(super) fn start(
        brief: &Brief,
        plan: Arc<Plan>,
        moments: impl Fn(Moment) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let scenario = &brief.scenario;
        let proxies = proxies(brief).context("no port for a proxy")?;
        let addresses = if proxies.is_empty() {
            brief.servers.clone()
        } else {
            proxies.iter().map(|proxy| proxy.address.to_string()).collect()
        };
        let trips = if scenario.tls { 3 } else { 2 };
        let crowd = Crowd::new(Setting {
            way: scenario.transports[brief.transport].way.clone(),
            headers: scenario.headers,
            servers: fleet::servers(scenario, brief.transport, addresses),
            tls: brief.trust.client()?,
            prefix: brief.prefix.clone(),
            token: brief.token.clone(),
            clock: Clock::from_anchor(brief.anchor),
            seed: scenario.seed,
            warmup: as_micros(scenario.warmup),
            duration: as_micros(scenario.duration),
            visit: scenario.visit,
            patience: patience(scenario, brief.transport),
            plan,
            people: brief.people.clone(),
            person: brief.person,
            keep_log: brief.keep_log,
            moments: Some(forward(moments)),
            // One round trip for the connection, one for TLS, one for what is asked.
            opening: trips * brief.round_trip,
            people_fail: scenario.faults.iter().any(|fault| fault.what.share().is_some()),
        });
        // The ledger has to know whom faults will pick out.
        for (number, fault) in scenario.faults.iter().enumerate() {
            let Some(share) = fault.what.share() else { continue };
            crowd.ledger().touch(&picked(scenario.seed, number, share, scenario.clients));
        }
        let faulty = !scenario.faults.is_empty();
        Ok(Self { crowd: Arc::new(crowd), proxies, people: Mutex::default(), faulty })
    }

    pub(super) fn obey(&self, order: &Order) {
        let crowd = &self.crowd;
        match order {
            Order::Connect => {
                let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
                for person in crowd.people() {
                    people.spawn(client::live(crowd.clone(), person));
                }
            }
            Order::Begin(start) => crowd.begin(*start),
            Order::End(end) => crowd.ledger().cut(*end),
            Order::Cut(people) => crowd.cut(people),
            Order::Deafen(people, deaf) => crowd.deafen(people, *deaf),
            Order::IdleLimit(idle) => {
                for proxy in &self.proxies {
                    proxy.idle.send_replace(*idle);
                }
            }
            Order::HangUp => crowd.stop.cancel(),
        }
    }

    pub(super) fn tally(&self) -> Tally {
        let ready = self.crowd.ready();
        let ledger = self.crowd.ledger();
        let (polls, empty) = ledger.polls_so_far();
        Tally { ready, delivered: ledger.delivered_so_far(), polls, empty, settled: false }
    }

    pub(super) fn settled(&self, end: i64) -> bool {
        let ledger = self.crowd.ledger();
        // After a fault the question is also whether everybody came back.
        let away = self.faulty && ledger.present() < self.crowd.size();
        !away && ledger.fates(end, 0).lost == 0
    }

    pub(super) async fn hang_up(&mut self) {
        self.crowd.stop.cancel();
        let people = self.people.get_mut().unwrap_or_else(PoisonError::into_inner);
        let all = async { while people.join_next().await.is_some() {} };
        if tokio::time::timeout(HANG_UP, all).await.is_err() {
            people.abort_all();
        }
    }
}

/// How long after its time an event may still reach a client of this transport, microseconds.
pub(in crate::live) fn patience(scenario: &Scenario, index: usize) -> i64 {
    let way = &scenario.transports[index].way;
    let interval = way.longest_interval().unwrap_or_default() + way.kept_back();
    let under_way = scenario.network.as_ref().map(Link::slack).unwrap_or_default();
    as_micros(interval + under_way + GRACE)
}

/// One before each server, where a fault needs them and somebody would use them.
fn proxies(brief: &Brief) -> std::io::Result<Vec<Proxy>> {
    let faults = &brief.scenario.faults;
    let proxied = faults.iter().any(|fault| matches!(fault.what, What::IdleProxy { .. }));
    if !proxied || brief.people.is_empty() {
        return Ok(Vec::new());
    }
    let address = |server: &String| server.parse().map_err(std::io::Error::other);
    brief.servers.iter().map(|server| Proxy::start(address(server)?)).collect()
}

fn forward(moments: impl Fn(Moment) + Send + 'static) -> mpsc::UnboundedSender<Moment> {
    let (to, mut from) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(moment) = from.recv().await {
            moments(moment);
        }
    });
    to
}
