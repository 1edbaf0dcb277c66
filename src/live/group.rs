//! Transports that run at once: connect, barrier, warm-up, window, grace, books.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::people::{Order, People, Tally, patience};
use super::publisher::{Pump, Routes, keep_time};
use super::servers::Servers;
use super::{Context, Progress, assemble, faults, fleet, limits};
use crate::clock::{Micros, as_micros};
use crate::ledger::{self, Sums};
use crate::os;
use crate::outcome::{Delivery, TransportOutcome};
use crate::server::stats::Stats;

/// Everybody has this long to connect.
const BARRIER: Duration = Duration::from_secs(10);
/// Between opening the gate and the start of the warm-up.
const LEAD_US: i64 = 50_000;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);
/// An interrupted window ends this far ahead, so that every client process knows in time.
const CUT_AHEAD_US: i64 = 50_000;

/// What a group measured.
pub(super) struct Result {
    /// In the group's order.
    pub(super) transports: Vec<(TransportOutcome, Vec<Delivery>, Sums)>,
    /// Where the window ended, microseconds; before the duration when a signal came.
    pub(super) end: i64,
    /// CPU seconds of the load generator over the window, client processes included.
    pub(super) generator_cpu_s: f64,
    /// Client processes; zero: the people were in this one.
    pub(super) processes: u32,
    /// Worst lateness of publishing and of polls, ms at p99.
    pub(super) publish_late_ms: Option<f64>,
    /// See above.
    pub(super) poll_late_ms: Option<f64>,
}

/// One transport of a group while it runs.
pub(super) struct Member {
    /// Index into the scenario's transports.
    pub(super) index: usize,
    pub(super) servers: Servers,
    pub(super) people: People,
    pub(super) record: faults::Record,
}

/// Runs some of the scenario's transports at once.
pub(super) async fn run(context: &Context<'_>, group: &[usize]) -> anyhow::Result<Result> {
    let mut members = Vec::new();
    let processes = limits::client_processes(context.scenario, group);
    for (&index, processes) in group.iter().zip(processes) {
        members.push(start(context, index, processes).await?);
    }
    let processes = members.iter().map(|member| member.people.processes()).sum();
    barrier(context, &members, group).await;
    check(&members)?;
    let begin = context.clock.now() + LEAD_US + context.warmup;
    let step = ledger::series_step(context.duration);
    for member in &members {
        member.servers.sample(begin, begin + context.duration, step).await.context("preparing the window")?;
    }
    let (pumps, publisher_stop, publisher) = open_the_gate(context, &members, begin).await?;
    // Also when something fails: the thread would go on to the end of its schedule.
    let publisher_stop = publisher_stop.drop_guard();
    let happening = async { faults::happen(context, &members, begin).await.context("after a fault") };
    let ((end, generator_cpu_s), ()) = tokio::try_join!(window(context, &members, begin), happening)?;
    let at_end = stats_of(&members).await;
    grace(context, &members, end).await;
    drop(publisher_stop);
    let _ = tokio::task::spawn_blocking(move || publisher.join()).await;
    for pump in pumps {
        pump.finish(Duration::from_secs(1)).await;
    }
    let (at_last, cpu_s) = hang_up(&mut members).await?;

    let mut result = Result {
        transports: Vec::new(),
        end,
        generator_cpu_s: generator_cpu_s + cpu_s,
        processes,
        publish_late_ms: None,
        poll_late_ms: None,
    };
    for ((member, at_end), at_last) in members.into_iter().zip(at_end).zip(at_last) {
        let pending =
            if context.options.hurry.is_cancelled() { patience(context.scenario, member.index) } else { 0 };
        let ledger = member.people.crowd().take_ledger();
        let fleet = match fleet::Placed::new(context, member.index) {
            Some(placed) => {
                Some(placed.outcome(&ledger, &member.servers.handed().await, begin, end, pending))
            }
            None => None,
        };
        let mut books = ledger.close(end, pending);
        if let Some(trouble) = &mut books.outcome.trouble {
            trouble.faults = member.record.take();
        }
        let deliveries = deliveries(context, member.index, std::mem::take(&mut books.log));
        books.outcome.fleet = fleet;
        result.publish_late_ms = larger(result.publish_late_ms, books.publish_late_ms);
        result.poll_late_ms = larger(result.poll_late_ms, books.poll_late_ms);
        let measured = assemble::Measured { begin, end, cut: end < context.duration, at_end, at_last };
        let (transport, sums) = assemble::transport(context, member.index, books, measured);
        result.transports.push((transport, deliveries, sums));
        member.servers.stop().await;
    }
    Ok(result)
}

fn deliveries(context: &Context<'_>, index: usize, log: Vec<(u32, u32, i64)>) -> Vec<Delivery> {
    let label = &context.scenario.transports[index].label;
    let row = |(client, event, received_us): (u32, u32, i64)| {
        let published_us = context.plan.schedule.events[event as usize].at;
        Delivery { transport: label.clone(), client, event, published_us, received_us }
    };
    log.into_iter().map(row).collect()
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.into_iter().chain(b).reduce(f64::max)
}

async fn start(context: &Context<'_>, index: usize, processes: u32) -> anyhow::Result<Member> {
    let servers = Servers::start(context, index).await?;
    let people = People::start(context, index, &servers, processes).await?;
    Ok(Member { index, servers, people, record: faults::Record::default() })
}

/// Lets everybody connect and learn their position, for ten seconds at most.
async fn barrier(context: &Context<'_>, members: &[Member], group: &[usize]) {
    let tell = |progress| drop(context.options.progress.send(progress));
    tell(Progress::Connecting(group.to_vec()));
    members.iter().for_each(|member| member.people.order(&Order::Connect));
    let all_ready = async {
        for member in members {
            member.people.all_ready().await;
        }
    };
    let all: u32 = members.iter().map(|member| member.people.size()).sum();
    let ready = || Progress::Ready(members.iter().map(|member| member.people.tally().ready).sum(), all);
    let telling = async {
        loop {
            tokio::time::sleep(TICK).await;
            tell(ready());
        }
    };
    tokio::select! {
        () = all_ready => {}
        () = telling => {}
        () = tokio::time::sleep(BARRIER) => {}
        () = context.options.interrupt.cancelled() => {}
    }
    tell(ready());
}

/// Whether all client processes are still there.
fn check(members: &[Member]) -> anyhow::Result<()> {
    members.iter().try_for_each(|member| member.people.check())
}

type Publishing = (Vec<Pump>, CancellationToken, std::thread::JoinHandle<()>);

async fn open_the_gate(
    context: &Context<'_>,
    members: &[Member],
    begin: Micros,
) -> anyhow::Result<Publishing> {
    let (mut pumps, mut senders) = (Vec::new(), Vec::new());
    for member in members {
        let of_member = pumps_of(member, begin).await?;
        senders.push(of_member.iter().map(|pump| pump.events.clone()).collect());
        pumps.extend(of_member);
        member.people.order(&Order::Begin(begin));
    }
    let _ = context.options.progress.send(Progress::WarmUp(context.warmup));
    let stop = CancellationToken::new();
    let to = Routes { senders, server: Box::new(fleet::publisher(context)) };
    let thread = keep_time(context.plan.clone(), context.clock, begin, to, stop.clone());
    Ok((pumps, stop, thread))
}

/// One for each of a transport's servers.
async fn pumps_of(member: &Member, begin: Micros) -> anyhow::Result<Vec<Pump>> {
    let crowd = member.people.crowd();
    let controls: Vec<_> = member.servers.control().collect();
    if controls.is_empty() {
        return (0..member.servers.addresses.len()).map(|own| Pump::by_post(own, crowd.clone())).collect();
    }
    let mut pumps = Vec::new();
    for own in 0..controls.len() {
        // Where all servers share one feed, another one will do while this one is away.
        let mut usable = controls[own..].to_vec();
        if crowd.servers.are_alike() {
            usable.extend(&controls[..own]);
        } else {
            usable.truncate(1);
        }
        pumps.push(Pump::connect(usable, crowd.clone(), begin).await?);
    }
    Ok(pumps)
}

/// Waits for the end of the window or a signal; returns where it ended and the generator's CPU.
async fn window(context: &Context<'_>, members: &[Member], begin: Micros) -> anyhow::Result<(i64, f64)> {
    let interrupted = context.options.interrupt.cancelled();
    tokio::pin!(interrupted);
    let mut cpu_at_start = os::cpu_time();
    let mut started = false;
    loop {
        let now = context.clock.now() - begin;
        if now >= 0 && !started {
            (started, cpu_at_start) = (true, os::cpu_time());
        }
        if now >= context.duration {
            break;
        }
        check(members)?;
        tell_ticks(context, members, now);
        let next = if started { now + as_micros(TICK) } else { (now + as_micros(TICK)).min(0) };
        tokio::select! {
            () = context.clock.sleep_until(begin + next.min(context.duration)) => {}
            () = &mut interrupted => {
                let end = cut(context, members, begin).await;
                return Ok((end, os::cpu_time().saturating_sub(cpu_at_start).as_secs_f64()));
            }
        }
    }
    let end = (context.clock.now() - begin).clamp(0, context.duration);
    Ok((end, os::cpu_time().saturating_sub(cpu_at_start).as_secs_f64()))
}

/// Ends the window a moment from now, so that nothing beyond its end is booked yet. What was published
/// before has the usual grace to arrive: a window cut short is a shorter window, not a worse one.
async fn cut(context: &Context<'_>, members: &[Member], begin: Micros) -> i64 {
    let now = context.clock.now() - begin;
    let end = if now < 0 { 0 } else { (now + CUT_AHEAD_US).min(context.duration) };
    for member in members {
        member.people.order(&Order::End(end));
    }
    // Before the window nothing is counted, so there is nothing to wait for.
    if now >= 0 {
        context.clock.sleep_until(begin + end).await;
    }
    end
}

fn tell_ticks(context: &Context<'_>, members: &[Member], at: i64) {
    for member in members {
        let Tally { delivered, polls, empty, .. } = member.people.tally();
        let tick = Progress::Tick { transport: member.index, at, delivered, polls, empty };
        let _ = context.options.progress.send(tick);
    }
}

async fn stats_of(members: &[Member]) -> Vec<Option<Stats>> {
    let mut all = Vec::new();
    for member in members {
        all.push(member.servers.stats().await);
    }
    all
}

/// Waits for what was published in the window and is still on its way. A second signal ends it.
async fn grace(context: &Context<'_>, members: &[Member], end: i64) {
    let _ = context.options.progress.send(Progress::Grace);
    let longest = members.iter().map(|m| patience(context.scenario, m.index)).max().unwrap_or(0);
    let until = context.clock.now() + longest;
    let mut waiting: Vec<&Member> = members.iter().collect();
    while !waiting.is_empty() && context.clock.now() < until && !context.options.hurry.is_cancelled() {
        waiting.retain(|member| !member.people.settled(end));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
            () = context.options.hurry.cancelled() => {}
        }
    }
}

/// Ends every person of the group, then reads the last counters; also the CPU seconds of client processes.
async fn hang_up(members: &mut [Member]) -> anyhow::Result<(Vec<Option<Stats>>, f64)> {
    let mut cpu_s = 0.0;
    for cpu in join_all(members.iter_mut().map(|member| member.people.hang_up())).await {
        cpu_s += cpu?;
    }
    Ok((stats_of(members).await, cpu_s))
}
