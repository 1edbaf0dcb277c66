//! A client process at work: it reads orders line by line, and says how far its people have come.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::sync::mpsc;

use super::{Brief, Here, Order, Said, Tally};
use crate::clock::{Clock, Micros, as_micros};
use crate::ledger::Plan;
use crate::os;
use crate::scenario::Workload;

/// How often it says how far its people have come.
const TICK: Duration = Duration::from_millis(50);

/// Holds people for a run in another process, as that says on standard input. Returns when they have hung
/// up, or when standard input ended.
///
/// # Errors
/// The parent says what cannot be understood, or hears nothing any more.
pub async fn work() -> anyhow::Result<()> {
    let _ = os::raise_open_files();
    let mut lines = lines_of_stdin()?;
    let first = lines.recv().await.context("nobody said what to do")?;
    let mut brief: Brief = serde_json::from_str(&first)?;
    if let (Workload::Trace { recorded, .. }, Some(trace)) =
        (&mut brief.scenario.workload, brief.recorded.take())
    {
        *recorded = Arc::new(trace);
    }
    brief.scenario.shard = brief.shard;
    let plan = Arc::new(Plan::of(&brief.scenario));
    let here = Here::start(&brief, plan, |moment| drop(say(&Said::Moment(moment))))?;
    let (clock, end) = (Clock::from_anchor(brief.anchor), as_micros(brief.scenario.duration));
    let mut worker = Worker { here, clock, begin: None, end, cpu_at_begin: None, cpu: None };
    worker.tell()?;
    loop {
        tokio::select! {
            line = lines.recv() => {
                // However the parent ended, its people end too.
                let Some(line) = line else { return Ok(()) };
                match serde_json::from_str(&line)? {
                    Order::HangUp => break,
                    order => worker.obey(&order),
                }
            }
            () = tokio::time::sleep(TICK) => worker.tell()?,
        }
    }
    worker.here.hang_up().await;
    let part = worker.here.crowd.take_ledger().into_part(brief.people);
    let cpu_us = as_micros(worker.cpu.unwrap_or_default()).unsigned_abs();
    say(&Said::Done(Box::new(part), cpu_us))
}

struct Worker {
    here: Here,
    clock: Clock,
    /// Start of the window, when it is known.
    begin: Option<Micros>,
    /// Its length, microseconds.
    end: i64,
    cpu_at_begin: Option<Duration>,
    /// CPU time over the window, when that is over.
    cpu: Option<Duration>,
}

impl Worker {
    fn obey(&mut self, order: &Order) {
        match order {
            Order::Begin(begin) => self.begin = Some(*begin),
            Order::End(end) => self.end = self.end.min(*end),
            _ => {}
        }
        self.here.obey(order);
    }

    /// Says how far its people have come.
    fn tell(&mut self) -> anyhow::Result<()> {
        let now = self.begin.map_or(i64::MIN, |begin| self.clock.now() - begin);
        if now >= 0 {
            let at_begin = *self.cpu_at_begin.get_or_insert_with(os::cpu_time);
            if now >= self.end {
                self.cpu.get_or_insert_with(|| os::cpu_time().saturating_sub(at_begin));
            }
        }
        let settled = now >= self.end && self.here.settled(self.end);
        say(&Said::Tally(Tally { settled, ..self.here.tally() }))
    }
}

/// A line to the parent.
fn say(what: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

/// The lines of standard input, until it ends.
fn lines_of_stdin() -> std::io::Result<mpsc::UnboundedReceiver<String>> {
    let (to, lines) = mpsc::unbounded_channel();
    // A thread of its own: Tokio's stdin would hold up the end of the runtime.
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}
