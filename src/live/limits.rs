//! What this machine can carry, asked before anything starts: files, ports, cores, memory for events.

use std::ops::Range;
use std::time::Duration;

use super::Error;
use super::fleet::roams;
use crate::fault::What;
use crate::ledger::Plan;
use crate::os;
use crate::scenario::Scenario;
use crate::transport::{Transport, Way};
use crate::units::format_duration;

/// Files a process needs beside its connections.
const SPARE_FILES: u64 = 150;
/// CPU seconds of a request, client and server together (measured: reqwest 40 µs, server and kernel
/// 60 µs, rounded up).
const REQUEST_S: f64 = 150e-6;
/// The same of a new TCP connection.
const CONNECT_S: f64 = 100e-6;
/// The same of a TLS handshake (measured: 0.4 ms with P-256 on both sides, rounded up).
const TLS_S: f64 = 600e-6;
/// The same of a pushed delivery.
const PUSH_S: f64 = 30e-6;
/// Most events a live run schedules, warm-up included.
const MOST_EVENTS: f64 = 2e6;
/// Seconds a closed connection keeps its port (Linux; RFC 9293 asks for two segment lifetimes).
const TIME_WAIT_S: f64 = 60.0;

/// Connections one client of a transport holds: a sender beside a stream or a held poll needs its own.
fn connections_each(scenario: &Scenario, transport: &Transport) -> u64 {
    let asks = match &scenario.fleet {
        // One to each of the servers that it asks in turn.
        Some(fleet) if roams(fleet, &transport.way) => fleet.servers.into(),
        _ => 1,
    };
    match transport.way {
        Way::WebSocket { .. } => 1,
        Way::Poll { .. } | Way::LongPoll { .. } | Way::Sse => {
            asks + u64::from(scenario.workload.has_writers())
        }
    }
}

/// Most connections that one server of a transport holds, and a few to spare for reconnecting ones.
pub(super) fn connections(scenario: &Scenario, transport: &Transport) -> u64 {
    // Over a network the server still holds a connection when its client has opened the next.
    let closing = match transport.way {
        _ if scenario.visit.is_some() => 2,
        Way::Poll { keep_alive: false, .. } => 1 + u64::from(scenario.network.is_some()),
        _ => 1,
    };
    // Who comes back after a fault may be there before the lost connection is seen to be gone.
    let lost = 1 + u64::from(!scenario.faults.is_empty());
    at_one_server(scenario, transport) * closing * lost + SPARE_FILES / 3
}

/// Connections that people hold to the server where most of them are.
fn at_one_server(scenario: &Scenario, transport: &Transport) -> u64 {
    let all = u64::from(scenario.people());
    let Some(fleet) = &scenario.fleet else { return all * connections_each(scenario, transport) };
    let mut homes = vec![0u64; fleet.servers as usize];
    for client in (0..scenario.clients).filter(|client| scenario.plays(*client)) {
        homes[fleet.of_client(scenario.seed, client) as usize] += 1;
    }
    // After a fault people may turn to any server.
    let most = if scenario.faults.is_empty() { homes.into_iter().max().unwrap_or(0) } else { all };
    let sends = u64::from(scenario.workload.has_writers() && !matches!(transport.way, Way::WebSocket { .. }));
    let asks = if roams(fleet, &transport.way) { all } else { most };
    asks + sends * most
}

/// Refuses a schedule that would not fit in memory.
///
/// # Errors
/// [`Error::TooLarge`], with the number of events and what to change.
pub fn check_events(scenario: &Scenario) -> Result<(), Error> {
    let events = scenario.workload.events_per_second(scenario.clients, scenario.duration)
        * (scenario.duration + scenario.warmup).as_secs_f64();
    if events <= MOST_EVENTS {
        return Ok(());
    }
    Err(Error::TooLarge(format!(
        "{events:.0} events are too many for a live run on one machine ({MOST_EVENTS:.0} fit): \
         use fewer clients, a longer gap or a shorter duration"
    )))
}

/// Refuses more connections to one server than a process may have open, or than there are ports for.
/// What servers that others started may open is not known here.
///
/// # Errors
/// [`Error::TooLarge`], saying how many clients would fit.
pub fn check_files(scenario: &Scenario, servers_are_ours: bool) -> Result<(), Error> {
    let limit = os::raise_open_files().filter(|_| servers_are_ours);
    let files = limit.map_or(u64::MAX, |limit| limit.saturating_sub(SPARE_FILES));
    // All connections to one server have its address and port in common.
    let ports = u64::from(os::ephemeral_ports()) * 8 / 10;
    let room = files.min(ports);
    // Where transports share a server, they share its port as well.
    let all: u64 = scenario.transports.iter().map(|transport| connections(scenario, transport)).sum();
    for transport in &scenario.transports {
        let needed = if servers_are_ours { connections(scenario, transport) } else { all };
        if needed <= room {
            continue;
        }
        let why = if files <= ports {
            format!("this machine allows a process {} open files", limit.unwrap_or(u64::MAX))
        } else {
            format!("this machine has about {ports} ports for them")
        };
        let fit = (f64::from(scenario.people()) * room as f64 / needed as f64) as u64;
        return Err(Error::TooLarge(format!(
            "{}: {} clients need {needed} connections to one server, and {why}: about {fit} clients fit; more \
             [fleet] servers would carry more, and --engine sim has no such limit; or try --set clients={fit}",
            transport.label,
            scenario.people(),
        )));
    }
    Ok(())
}

/// How many client processes each transport of a group needs beside this one; all zero: none, because
/// this one may open as many files as all of them together need.
#[must_use]
pub fn client_processes(scenario: &Scenario, group: &[usize]) -> Vec<u32> {
    let room = os::raise_open_files().map_or(u64::MAX, |limit| limit.saturating_sub(SPARE_FILES));
    let files: Vec<u64> = group.iter().map(|&i| files_of(scenario, &scenario.transports[i])).collect();
    processes_for(scenario.people(), &files, room)
}

/// Files that one client of a transport has open.
fn files_of(scenario: &Scenario, transport: &Transport) -> u64 {
    // A proxy holds both ends of a connection beside its client's.
    let proxied = scenario.faults.iter().any(|fault| matches!(fault.what, What::IdleProxy { .. }));
    connections_each(scenario, transport) * if proxied { 3 } else { 1 }
}

/// See [`client_processes`]; by transport, the files that one client has open.
fn processes_for(clients: u32, files: &[u64], room: u64) -> Vec<u32> {
    let all = u64::from(clients);
    if files.iter().sum::<u64>() * all <= room {
        return vec![0; files.len()];
    }
    // If one transport's people are apart all are, so that they have the same to share.
    let needed = |each: &u64| all.div_ceil((room / each.max(&1)).max(1));
    files.iter().map(|each| u32::try_from(needed(each)).unwrap_or(u32::MAX)).collect()
}

/// Ranges of clients that hold the same number, but for one, of those who are played here.
pub(super) fn shares(scenario: &Scenario, shares: u32) -> Vec<Range<u32>> {
    let played: Vec<u32> = (0..scenario.clients).filter(|client| scenario.plays(*client)).collect();
    let cut = |share: u32| played.len() * share as usize / shares as usize;
    let first = |share: u32| played.get(cut(share)).copied().unwrap_or(scenario.clients);
    (0..shares).map(|share| first(share)..first(share + 1)).collect()
}

/// Refuses a rate of new connections whose closed ones would use up the machine's ports.
///
/// # Errors
/// [`Error::TooLarge`], saying which interval would do.
pub fn check_ports(scenario: &Scenario) -> Result<(), Error> {
    let ports = os::ephemeral_ports() as f64 * 0.8;
    let total = (scenario.duration + scenario.warmup).as_secs_f64() + 10.0;
    let clients = f64::from(scenario.people());
    let visits = scenario.visit.map_or(0.0, |stay| clients / stay.as_secs_f64());
    let arriving = visits * scenario.transports.len() as f64 * total.min(TIME_WAIT_S);
    if arriving > ports {
        return Err(Error::TooLarge(format!(
            "people who come and go leave {arriving:.0} ports in TIME_WAIT, and this machine has about {ports:.0} \
             for them; longer visits, fewer clients or fewer transports would do"
        )));
    }
    for transport in &scenario.transports {
        let Way::Poll { interval, keep_alive: false, .. } = transport.way else { continue };
        let rate = clients / interval.as_secs_f64();
        let waiting = rate * total.min(TIME_WAIT_S);
        if waiting > ports {
            let longest_ms = clients * total.min(TIME_WAIT_S) / ports * 1000.0;
            let longest = format_duration(Duration::from_millis(longest_ms.ceil() as u64));
            return Err(Error::TooLarge(format!(
                "{}: {rate:.0} new connections a second leave {waiting:.0} ports in TIME_WAIT, and this machine \
                 has about {ports:.0} for them; an interval of {longest} or more, fewer clients, or \
                 keep_alive = true would do",
                transport.label
            )));
        }
    }
    Ok(())
}

/// Cores that all transports together are predicted to keep busy.
#[must_use]
pub fn predicted_cores(scenario: &Scenario, plan: &Plan) -> f64 {
    scenario.transports.iter().map(|transport| cores_of(scenario, plan, transport)).sum()
}

fn cores_of(scenario: &Scenario, plan: &Plan, transport: &Transport) -> f64 {
    let seconds = (scenario.duration + scenario.warmup).as_secs_f64();
    let mut readers = vec![0u64; plan.by_topic.len()];
    for (_, &topic) in (0..).zip(&plan.schedule.reads).filter(|(client, _)| plan.plays(*client)) {
        readers[topic as usize] += 1;
    }
    let pairs: u64 = plan.by_topic.iter().zip(&readers).map(|(events, n)| events.len() as u64 * n).sum();
    let deliveries = pairs as f64 / seconds;
    let writers = (0..).zip(&plan.by_author).filter(|(client, _)| plan.plays(*client));
    let sent = writers.map(|(_, own)| own.len()).sum::<usize>() as f64 / seconds;
    let clients = f64::from(scenario.people());
    let visits = scenario.visit.map_or(0.0, |stay| clients / stay.as_secs_f64()) * (REQUEST_S + CONNECT_S);
    let talk = match transport.way {
        Way::Poll { interval, keep_alive, .. } => {
            let connect = CONNECT_S + if scenario.tls { TLS_S } else { 0.0 };
            let request = REQUEST_S + if keep_alive { 0.0 } else { connect };
            clients / interval.as_secs_f64() * request + sent * REQUEST_S + deliveries * PUSH_S / 10.0
        }
        Way::LongPoll { .. } => deliveries * (REQUEST_S + PUSH_S) + sent * REQUEST_S,
        Way::Sse => deliveries * PUSH_S + sent * REQUEST_S,
        Way::WebSocket { .. } => (deliveries + sent) * PUSH_S,
    };
    visits + talk
}

/// Half of this machine.
#[must_use]
pub fn most_cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64) / 2.0
}

/// Says why transports run in turn.
#[must_use]
pub fn why_in_turn(load: f64) -> String {
    format!(
        "all transports at once would keep about {load:.1} cores busy, over half of this machine: \
         they run one after another"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::file::Overrides;
    use crate::scenario::shard::Shard;
    use crate::scenario::shipped;

    #[test]
    fn people_are_spread_over_as_many_processes_as_their_files_ask_for() {
        assert_eq!(processes_for(100, &[1, 1], 200), [0, 0]);
        assert_eq!(processes_for(101, &[1, 1], 200), [1, 1]);
        assert_eq!(processes_for(300, &[1, 2], 106), [3, 6]);
        let mut scenario = shipped::load("chat", &Overrides::default()).unwrap();
        scenario.clients = 300;
        assert_eq!(shares(&scenario, 0), []);
        assert_eq!(shares(&scenario, 3), [0..100, 100..200, 200..300]);
        // Whose rooms are dealt out in turn, too.
        scenario.shard = Some(Shard { number: 2, of: 3 });
        for n in 1..9 {
            let parts = shares(&scenario, n);
            let played = |part: &Range<u32>| part.clone().filter(|client| scenario.plays(*client)).count();
            let most = scenario.people().div_ceil(n) as usize;
            assert!(parts.iter().all(|part| (most - 1..=most).contains(&played(part))), "{n}: {parts:?}");
            assert_eq!(parts.iter().map(played).sum::<usize>(), scenario.people() as usize);
        }
    }
}
