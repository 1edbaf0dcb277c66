//! Carries out a scenario's faults, each at its time, on every transport that runs.

use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;

use super::group::Member;
use super::people::Order;
use super::{Context, Progress};
use crate::clock::Micros;
use crate::fault::{Fault, What, picked};
use crate::os;
use crate::outcome::Happened;

/// What was done to one transport so far.
#[derive(Debug, Default)]
pub(super) struct Record(Mutex<Vec<Happened>>);

impl Record {
    fn begin(&self, fault: usize, from_s: f64, people: Option<u32>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Happened { fault, from_s, until_s: None, people });
    }

    fn end(&self, fault: usize, until_s: f64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(happened) = all.iter_mut().find(|happened| happened.fault == fault) {
            happened.until_s = Some(until_s);
        }
    }

    /// In order of time.
    pub(super) fn take(&self) -> Vec<Happened> {
        let mut all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
        all
    }
}

/// Why this machine cannot carry out the scenario's faults, in words.
pub(super) fn impossible(faults: &[Fault]) -> Option<String> {
    let needs = |what: &What| matches!(what, What::StallServer { .. } | What::DrainServer { .. });
    let fault = faults.iter().find(|fault| needs(&fault.what) && !os::CAN_TELL)?;
    Some(format!("{} needs the signals of Unix, which this system does not have", fault.what.kind()))
}

/// One fault on its way.
struct Now<'a> {
    context: &'a Context<'a>,
    members: &'a [Member],
    begin: Micros,
    number: usize,
    fault: &'a Fault,
}

/// Carries out all faults; returns when the last is over, or what can be undone is undone after a signal.
/// `begin` is the start of the window, Unix microseconds.
///
/// # Errors
/// What was ended does not start again.
pub(super) async fn happen(context: &Context<'_>, members: &[Member], begin: Micros) -> anyhow::Result<()> {
    let faults = context.scenario.faults.iter().enumerate();
    let all = faults.map(|(number, fault)| Now { context, members, begin, number, fault }.happen());
    join_all(all).await.into_iter().collect()
}

impl Now<'_> {
    async fn happen(self) -> anyhow::Result<()> {
        let (from, until) = self.fault.span();
        if !self.reaches(from).await {
            return Ok(());
        }
        match &self.fault.what {
            What::StallServer { server } => self.stall(*server, until).await,
            What::KillServer { server } => {
                let server = *server;
                self.record(None);
                self.each_server(server, async |server| server.kill().await).await;
                self.back(server, until).await?;
            }
            What::DrainServer { server, .. } => {
                let server = *server;
                self.record(None);
                self.each_server(server, async |server| server.drain().await).await;
                self.back(server, until).await?;
            }
            What::RestartBroker { keep_data } => self.restart_broker(*keep_data, until).await?,
            What::CutClients { share } => {
                let people = self.people(*share);
                let number = people.len() as u32;
                self.order(&Order::Cut(people));
                self.record(Some(number));
            }
            What::SlowClients { share } => {
                let people = self.people(*share);
                self.order(&Order::Deafen(people.clone(), true));
                self.record(Some(people.len() as u32));
                self.reaches(until).await;
                self.order(&Order::Deafen(people, false));
            }
            What::IdleProxy { idle } => {
                self.order(&Order::IdleLimit(Some(*idle)));
                self.record(None);
                self.reaches(until).await;
                self.order(&Order::IdleLimit(None));
            }
        }
        let now = self.now_s();
        self.members.iter().for_each(|member| member.record.end(self.number, now));
        Ok(())
    }

    /// Waits until a time of the window, in microseconds; false when a signal came first.
    async fn reaches(&self, at: i64) -> bool {
        tokio::select! {
            () = self.context.clock.sleep_until(self.begin + at) => true,
            () = self.context.options.interrupt.cancelled() => false,
        }
    }

    fn now_s(&self) -> f64 {
        (self.context.clock.now() - self.begin) as f64 / 1e6
    }

    fn record(&self, people: Option<u32>) {
        let _ = self.context.options.progress.send(Progress::Fault(self.fault.what.kind()));
        let now = self.now_s();
        self.members.iter().for_each(|member| member.record.begin(self.number, now, people));
    }

    fn people(&self, share: f64) -> Vec<u32> {
        picked(self.context.scenario.seed, self.number, share, self.context.scenario.clients)
    }

    fn order(&self, order: &Order) {
        self.members.iter().for_each(|member| member.people.order(order));
    }

    /// Does the same to one server of each transport, at once.
    async fn each_server(&self, number: u32, act: impl AsyncFn(&super::child::ServerProcess)) {
        let servers = self.members.iter().filter_map(|member| member.servers.number(number));
        join_all(servers.map(|server| act(server))).await;
    }

    async fn stall(&self, server: u32, until: i64) {
        self.record(None);
        self.each_server(server, async |server| server.tell(os::Tell::Pause).await).await;
        // It goes on after a signal, too: a process that stands still would not see the end of the run.
        self.reaches(until).await;
        self.each_server(server, async |server| server.tell(os::Tell::Resume).await).await;
    }

    /// Starts a server again at its time; not after a signal, when the run is over anyway.
    async fn back(&self, number: u32, until: i64) -> anyhow::Result<()> {
        if !self.reaches(until).await {
            return Ok(());
        }
        let step = crate::ledger::series_step(self.context.duration);
        let end = self.begin + self.context.duration;
        for member in self.members {
            let Some(server) = member.servers.number(number) else { continue };
            server.start_again(self.context, member.index).await?;
            server.sample(self.begin, end, step).await?;
        }
        Ok(())
    }

    async fn restart_broker(&self, keep_data: bool, until: i64) -> anyhow::Result<()> {
        let Some(broker) = self.context.between.as_ref().and_then(super::Between::own) else { return Ok(()) };
        self.record(None);
        broker.kill().await;
        if self.reaches(until).await {
            broker.start_again(keep_data).await?;
        }
        Ok(())
    }
}
