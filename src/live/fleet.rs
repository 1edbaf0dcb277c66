//! What a fleet did: which deliveries had to cross from server to server, and the hops of each event.

use std::collections::HashMap;

use super::Context;
use crate::broker::Handed;
use crate::client;
use crate::ledger::distribution::Distribution;
use crate::ledger::{Ledger, Plan};
use crate::outcome::{self, Hops};
use crate::scenario::Scenario;
use crate::scenario::fleet::Fleet;
use crate::transport::Way;

/// Who is at which server in one transport's run.
pub(super) struct Placed<'a> {
    fleet: &'a Fleet,
    plan: &'a Plan,
    seed: u64,
    roam: bool,
}

impl<'a> Placed<'a> {
    /// None where the scenario has one server and no fleet.
    pub(super) fn new(context: &'a Context<'_>, index: usize) -> Option<Self> {
        let fleet = context.scenario.fleet.as_ref()?;
        let roam = roams(fleet, &context.scenario.transports[index].way);
        Some(Self { fleet, plan: &context.plan, seed: context.scenario.seed, roam })
    }

    fn reader(&self, client: u32) -> u32 {
        self.fleet.of_client(self.seed, client)
    }

    /// Where an event is published: at its author's own server, if it has one.
    fn publisher(&self, event: u32) -> u32 {
        let author = self.plan.schedule.events[event as usize].author;
        author.map_or_else(|| self.fleet.of_event(self.seed, event), |author| self.reader(author))
    }

    /// Whether a delivery has to cross. A reader who asks at all servers is at none.
    fn crosses(&self, client: u32, event: u32) -> bool {
        self.roam || self.reader(client) != self.publisher(event)
    }

    /// The outcome of one transport, from its ledger at `end` and what its servers stamped; the window
    /// began at `begin`, Unix microseconds.
    pub(super) fn outcome(
        &self,
        ledger: &Ledger,
        handed: &[Handed],
        begin: i64,
        end: i64,
        pending: i64,
    ) -> outcome::Fleet {
        let fate = ledger.fates_where(end, pending, |client, event| self.crosses(client, event));
        outcome::Fleet {
            servers: self.fleet.servers,
            broker: self.fleet.broker.name().to_owned(),
            hops_ms: (self.fleet.broker.is_redis() && !handed.is_empty())
                .then(|| self.hops(ledger.log(), handed, begin)),
            cross_server_expected: fate.expected,
            cross_server_lost: fate.lost,
            polls_roam: self.roam,
        }
    }

    fn hops(&self, log: &[(u32, u32, i64)], handed: &[Handed], begin: i64) -> Hops {
        let mut hops = [(); 5].map(|()| Distribution::fine());
        let [to_server, to_redis, to_other_server, to_reader, total] = &mut hops;
        let mut received = HashMap::new();
        let counted = |id: &str| {
            let event = self.plan.event_of(id)?;
            let at = self.plan.schedule.events[event as usize].at;
            (0..i64::MAX).contains(&at).then_some((event, begin + at))
        };
        for taken in handed.iter().flat_map(|handed| &handed.taken) {
            let Some((event, at)) = counted(&taken.id) else { continue };
            to_server.record(taken.received - at);
            to_redis.record(taken.acknowledged - taken.received);
            received.insert(event, taken.received);
        }
        let mut seen = HashMap::new();
        for (server, handed) in handed.iter().enumerate() {
            for arrived in &handed.arrived {
                let Some((event, _)) = counted(&arrived.id) else { continue };
                let first = seen.insert((event, server), arrived.seen).is_none();
                if let Some(received) = received.get(&event).filter(|_| first)
                    && self.publisher(event) as usize != server
                {
                    to_other_server.record(arrived.seen - received);
                }
            }
        }
        for &(client, event, arrival) in log.iter().filter(|(client, event, _)| self.crosses(*client, *event))
        {
            total.record(arrival - self.plan.schedule.events[event as usize].at);
            if let Some(seen) = seen.get(&(event, self.reader(client) as usize)) {
                to_reader.record(begin + arrival - seen);
            }
        }
        let [to_server, to_redis, to_other_server, to_reader, total] = hops.map(|hop| hop.summary());
        let to_reader = (!self.roam).then_some(to_reader);
        Hops { to_server, to_redis, to_other_server, to_reader, total }
    }
}

/// Whether each poll may go to another server: where positions mean the same at all of them.
pub(super) fn roams(fleet: &Fleet, way: &Way) -> bool {
    way.asks() && fleet.broker.shares_positions()
}

/// The server, by index, that the schedule's publisher hands an event to.
pub(super) fn publisher(context: &Context<'_>) -> impl Fn(u32) -> usize + Send + 'static {
    let (fleet, seed) = (context.scenario.fleet.clone(), context.scenario.seed);
    move |event| fleet.as_ref().map_or(0, |fleet| fleet.of_event(seed, event) as usize)
}

/// The addresses of a transport's servers, and who is where.
pub(super) fn servers(scenario: &Scenario, index: usize, addresses: Vec<String>) -> client::Servers {
    let Some(fleet) = &scenario.fleet else { return client::Servers::new(addresses, Vec::new(), false) };
    let homes = (0..scenario.clients).map(|client| fleet.of_client(scenario.seed, client)).collect();
    let roam = roams(fleet, &scenario.transports[index].way);
    client::Servers::new(addresses, homes, roam).alike(fleet.broker.shares_positions())
}
