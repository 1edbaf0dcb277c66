//! What this machine can carry, asked before anything starts: files, ports, cores, memory for events.

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

/// Connections that all clients of a transport hold, and a few to spare for reconnecting ones.
pub(super) fn connections(scenario: &Scenario, transport: &Transport) -> u64 {
    // Over a network the server still holds a connection when its client has opened the next.
    let closing = match transport.way {
        _ if scenario.visit.is_some() => 2,
        Way::Poll { keep_alive: false, .. } => 1 + u64::from(scenario.network.is_some()),
        _ => 1,
    };
    // Who comes back after a fault may be there before the lost connection is seen to be gone.
    let lost = 1 + u64::from(!scenario.faults.is_empty());
    u64::from(scenario.people()) * connections_each(scenario, transport) * closing * lost + SPARE_FILES / 3
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

/// Refuses more clients than the open-file limit allows, in this process or in one server.
///
/// # Errors
/// [`Error::TooLarge`], saying how many clients would fit.
pub fn check_files(scenario: &Scenario, group: &[usize]) -> Result<(), Error> {
    let Some(limit) = os::raise_open_files() else { return Ok(()) };
    // A proxy holds both ends of a connection beside its client's.
    let proxied = scenario.faults.iter().any(|fault| matches!(fault.what, What::IdleProxy { .. }));
    let files = if proxied { 3 } else { 1 };
    let files_of = |&i: &usize| files * connections_each(scenario, &scenario.transports[i]);
    let each: u64 = group.iter().map(files_of).sum();
    let room = limit.saturating_sub(SPARE_FILES);
    if u64::from(scenario.people()) * each <= room {
        return Ok(());
    }
    let fit = room / each.max(1);
    let in_turn = group.iter().map(files_of).max();
    let turn = room / in_turn.unwrap_or(1).max(1);
    let hint = if group.len() > 1 { format!(" ({turn} with --in-turn)") } else { String::new() };
    Err(Error::TooLarge(format!(
        "{} clients need {} connections at once in the load generator, and this machine allows a process \
         {limit} open files: at most {fit} clients fit{hint}; try --set clients={fit} or --only fewer transports",
        scenario.people(),
        u64::from(scenario.people()) * each,
    )))
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
