//! Transports that run at once: connect, barrier, warm-up, window, grace, books.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::proxy::Proxy;
use super::publisher::{Pump, Routes, keep_time};
use super::servers::Servers;
use super::{Context, Progress, assemble, faults, fleet};
use crate::client::{self, Crowd, Setting};
use crate::clock::{Micros, as_micros};
use crate::fault::What;
use crate::ledger::{self, Sums};
use crate::link::Link;
use crate::os;
use crate::outcome::{Delivery, TransportOutcome};
use crate::server::stats::Stats;

/// Everybody has this long to connect.
const BARRIER: Duration = Duration::from_secs(10);
/// Between opening the gate and the start of the warm-up.
const LEAD_US: i64 = 50_000;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);
/// Beyond the longest interval and a round trip, what is on its way has this long to arrive.
const GRACE: Duration = Duration::from_secs(2);
/// An interrupted window ends this far ahead.
const CUT_AHEAD_US: i64 = 5_000;
/// People have this long to hang up.
const HANG_UP: Duration = Duration::from_secs(5);

/// What a group measured.
pub(super) struct Result {
    /// In the group's order.
    pub(super) transports: Vec<(TransportOutcome, Vec<Delivery>, Sums)>,
    /// Where the window ended, microseconds; before the duration when a signal came.
    pub(super) end: i64,
    /// CPU seconds of the load generator over the window.
    pub(super) generator_cpu_s: f64,
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
    pub(super) crowd: Arc<Crowd>,
    /// Before the servers, in their order; only where a fault needs them.
    pub(super) proxies: Vec<Proxy>,
    pub(super) record: faults::Record,
    people: JoinSet<()>,
}

/// Runs some of the scenario's transports at once.
pub(super) async fn run(context: &Context<'_>, group: &[usize]) -> anyhow::Result<Result> {
    let mut members = Vec::new();
    for &index in group {
        members.push(start(context, index).await?);
    }
    barrier(context, &mut members, group).await;
    let begin = context.clock.now() + LEAD_US + context.warmup;
    let step = ledger::series_step(context.duration);
    for member in &members {
        member.servers.sample(begin, begin + context.duration, step).await.context("preparing the window")?;
    }
    let (pumps, publisher_stop, publisher) = open_the_gate(context, &members, begin).await?;
    faults::announce(context, &members);
    let ((end, generator_cpu_s), faults) =
        tokio::join!(window(context, &members, begin), faults::happen(context, &members, begin));
    faults.context("after a fault")?;
    let at_end = stats_of(&members).await;
    grace(context, &members, end).await;
    publisher_stop.cancel();
    let _ = tokio::task::spawn_blocking(move || publisher.join()).await;
    for pump in pumps {
        pump.finish(Duration::from_secs(1)).await;
    }
    let at_last = hang_up(&mut members).await;

    let mut result =
        Result { transports: Vec::new(), end, generator_cpu_s, publish_late_ms: None, poll_late_ms: None };
    for ((member, at_end), at_last) in members.into_iter().zip(at_end).zip(at_last) {
        let pending = if context.options.hurry.is_cancelled() { patience(context, member.index) } else { 0 };
        let ledger = member.crowd.take_ledger();
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

/// How long after its time an event may still reach a client of this transport, microseconds.
fn patience(context: &Context<'_>, index: usize) -> i64 {
    let way = &context.scenario.transports[index].way;
    let interval = way.longest_interval().unwrap_or_default() + way.kept_back();
    let under_way = context.scenario.network.as_ref().map(Link::slack).unwrap_or_default();
    as_micros(interval + under_way + GRACE)
}

async fn start(context: &Context<'_>, index: usize) -> anyhow::Result<Member> {
    let transport = &context.scenario.transports[index];
    let servers = Servers::start(context, index).await?;
    let trips = if context.scenario.tls { 3 } else { 2 };
    let proxied = context.scenario.faults.iter().any(|fault| matches!(fault.what, What::IdleProxy { .. }));
    let proxies =
        if proxied { servers.public().into_iter().map(Proxy::start).collect() } else { Ok(Vec::new()) };
    let proxies: Vec<Proxy> = proxies.context("no port for a proxy")?;
    let addresses =
        if proxied { proxies.iter().map(|proxy| proxy.address).collect() } else { servers.public() };
    let crowd = Arc::new(Crowd::new(Setting {
        way: transport.way.clone(),
        headers: context.scenario.headers,
        servers: fleet::servers(context, index, addresses),
        tls: servers.trust()?,
        clock: context.clock,
        seed: context.scenario.seed,
        warmup: context.warmup,
        duration: context.duration,
        visit: context.scenario.visit,
        patience: patience(context, index),
        plan: context.plan.clone(),
        person: context.person,
        // A fleet's last hop is measured by delivery.
        keep_log: context.options.keep_deliveries || context.between.is_some(),
        moments: Some(forward(context.options.progress.clone(), index)),
        // One round trip for the connection, one for TLS, one for what is asked.
        opening: context.scenario.network.as_ref().map(|link| trips * link.rtt).unwrap_or_default(),
        people_fail: context.scenario.faults.iter().any(|fault| fault.what.share().is_some()),
    }));
    Ok(Member { index, servers, crowd, proxies, record: faults::Record::default(), people: JoinSet::new() })
}

/// A sender of moments that tells progress which transport they are of.
fn forward(progress: mpsc::UnboundedSender<Progress>, index: usize) -> mpsc::UnboundedSender<client::Moment> {
    let (to, mut from) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(moment) = from.recv().await {
            let _ = progress.send(Progress::Moment(index, moment));
        }
    });
    to
}

/// Lets everybody connect and learn their position, for ten seconds at most.
async fn barrier(context: &Context<'_>, members: &mut [Member], group: &[usize]) {
    let tell = |progress| drop(context.options.progress.send(progress));
    tell(Progress::Connecting(group.to_vec()));
    for member in members.iter_mut() {
        for person in member.crowd.people() {
            member.people.spawn(client::live(member.crowd.clone(), person));
        }
    }
    let all_ready = async {
        for member in members.iter() {
            member.crowd.all_ready().await;
        }
    };
    let telling = async {
        loop {
            tokio::time::sleep(TICK).await;
            tell(Progress::Ready(members.iter().map(|m| m.crowd.ready()).sum(), sum_of_sizes(members)));
        }
    };
    tokio::select! {
        () = all_ready => {}
        () = telling => {}
        () = tokio::time::sleep(BARRIER) => {}
        () = context.options.interrupt.cancelled() => {}
    }
    tell(Progress::Ready(members.iter().map(|m| m.crowd.ready()).sum(), sum_of_sizes(members)));
}

fn sum_of_sizes(members: &[Member]) -> u32 {
    members.iter().map(|m| m.crowd.size()).sum()
}

type Publishing = (Vec<Pump>, CancellationToken, std::thread::JoinHandle<()>);

async fn open_the_gate(
    context: &Context<'_>,
    members: &[Member],
    begin: Micros,
) -> anyhow::Result<Publishing> {
    let (mut pumps, mut senders) = (Vec::new(), Vec::new());
    for member in members {
        let mut routes = Vec::new();
        let controls: Vec<_> = member.servers.control().collect();
        for own in 0..controls.len() {
            // Where all servers share one feed, another one will do while this one is away.
            let mut usable = controls[own..].to_vec();
            if member.crowd.servers.are_alike() {
                usable.extend(&controls[..own]);
            } else {
                usable.truncate(1);
            }
            let pump = Pump::connect(usable, member.crowd.clone(), begin).await?;
            routes.push(pump.events.clone());
            pumps.push(pump);
        }
        senders.push(routes);
        member.crowd.begin(begin);
    }
    let _ = context.options.progress.send(Progress::WarmUp(context.warmup));
    let stop = CancellationToken::new();
    let to = Routes { senders, server: Box::new(fleet::publisher(context)) };
    let thread = keep_time(context.plan.clone(), context.clock, begin, to, stop.clone());
    Ok((pumps, stop, thread))
}

/// Waits for the end of the window or a signal; returns where it ended and the generator's CPU.
async fn window(context: &Context<'_>, members: &[Member], begin: Micros) -> (i64, f64) {
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
        tell_ticks(context, members, now);
        let next = if started { now + as_micros(TICK) } else { (now + as_micros(TICK)).min(0) };
        tokio::select! {
            () = context.clock.sleep_until(begin + next.min(context.duration)) => {}
            () = &mut interrupted => {
                let end = cut(context, members, begin).await;
                return (end, os::cpu_time().saturating_sub(cpu_at_start).as_secs_f64());
            }
        }
    }
    let end = (context.clock.now() - begin).clamp(0, context.duration);
    (end, os::cpu_time().saturating_sub(cpu_at_start).as_secs_f64())
}

/// Ends the window a moment from now, so that nothing beyond its end is booked yet. What was published
/// before has the usual grace to arrive: a window cut short is a shorter window, not a worse one.
async fn cut(context: &Context<'_>, members: &[Member], begin: Micros) -> i64 {
    let end = (context.clock.now() - begin + CUT_AHEAD_US).clamp(0, context.duration);
    for member in members {
        member.crowd.ledger().cut(end);
    }
    context.clock.sleep_until(begin + end).await;
    end
}

fn tell_ticks(context: &Context<'_>, members: &[Member], at: i64) {
    for member in members {
        let (delivered, (polls, empty)) = {
            let ledger = member.crowd.ledger();
            (ledger.delivered_so_far(), ledger.polls_so_far())
        };
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
    let longest = members.iter().map(|m| patience(context, m.index)).max().unwrap_or(0);
    let until = context.clock.now() + longest;
    let mut waiting: Vec<&Member> = members.iter().collect();
    while !waiting.is_empty() && context.clock.now() < until && !context.options.hurry.is_cancelled() {
        waiting.retain(|member| {
            let ledger = member.crowd.ledger();
            // After a fault the question is also whether everybody came back.
            let away = !context.scenario.faults.is_empty() && ledger.present() < member.crowd.size();
            away || ledger.fates(end, 0).lost > 0
        });
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
            () = context.options.hurry.cancelled() => {}
        }
    }
}

/// Ends every person of the group, then reads the last counters.
async fn hang_up(members: &mut [Member]) -> Vec<Option<Stats>> {
    for member in members.iter() {
        member.crowd.stop.cancel();
    }
    for member in members.iter_mut() {
        let all = async { while member.people.join_next().await.is_some() {} };
        if tokio::time::timeout(HANG_UP, all).await.is_err() {
            member.people.abort_all();
        }
    }
    stats_of(members).await
}
