//! The server processes of one transport: one, or a fleet of which the figures add up.

use std::net::SocketAddr;

use super::Context;
use super::child::ServerProcess;
use crate::broker::Handed;
use crate::server::stats::Stats;
use crate::transport::Transport;

/// The servers of one transport. Dropping them ends those that were started for it.
pub(super) struct Servers {
    /// Empty where others started them: nothing is to be asked or done but what anybody may.
    processes: Vec<ServerProcess>,
    /// What clients talk to, `host:port` each.
    pub(super) addresses: Vec<String>,
}

impl Servers {
    /// Starts the servers of the transport at `index`, unless others did.
    ///
    /// # Errors
    /// A process could not be started, or did not say where it listens.
    pub(super) async fn start(context: &Context<'_>, index: usize) -> anyhow::Result<Self> {
        if let Some(met) = &context.met {
            return Ok(Self { processes: Vec::new(), addresses: met.addresses.clone() });
        }
        let transport: &Transport = &context.scenario.transports[index];
        let number = context.scenario.fleet.as_ref().map_or(1, |fleet| fleet.servers);
        let mut processes = Vec::new();
        for number in 1..=number {
            processes.push(ServerProcess::start(context, transport, index, number).await?);
        }
        let addresses = processes.iter().map(|process| process.public.to_string()).collect();
        Ok(Self { processes, addresses })
    }

    /// The server of this number, from 1.
    pub(super) fn number(&self, number: u32) -> Option<&ServerProcess> {
        self.processes.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// What people trust, DER; none where they speak no TLS.
    pub(super) fn certificates(&self) -> Vec<Vec<u8>> {
        self.processes.iter().filter_map(|process| Some(process.certificate.as_ref()?.to_vec())).collect()
    }

    /// What the schedule's publisher talks to; none where others started them.
    pub(super) fn control(&self) -> impl Iterator<Item = SocketAddr> {
        self.processes.iter().map(|process| process.control)
    }

    /// See [`ServerProcess::sample`].
    ///
    /// # Errors
    /// A server did not answer.
    pub(super) async fn sample(&self, start: i64, end: i64, step_us: i64) -> anyhow::Result<()> {
        for process in &self.processes {
            process.sample(start, end, step_us).await?;
        }
        Ok(())
    }

    /// The counters of those that answer, summed; none when none does.
    pub(super) async fn stats(&self) -> Option<Stats> {
        let mut sum: Option<Stats> = None;
        for process in &self.processes {
            let Ok(stats) = process.stats().await else { continue };
            match &mut sum {
                Some(sum) => sum.add(stats),
                None => sum = Some(stats),
            }
        }
        sum
    }

    /// When events passed through each server, in the servers' order.
    pub(super) async fn handed(&self) -> Vec<Handed> {
        let mut all = Vec::new();
        for process in &self.processes {
            all.push(process.handed().await.unwrap_or_default());
        }
        all
    }

    /// Ends all of them.
    pub(super) async fn stop(self) {
        for process in self.processes {
            process.stop().await;
        }
    }
}
