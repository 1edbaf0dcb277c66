//! The outcomes of all shards of a run become the outcome of the whole: sums are added, and everything
//! else is made from them as in a run of one piece. Nothing is averaged.
//!
//! Null is what parts cannot tell of the whole: a fleet's hops, and the formulas for a recorded trace.

use crate::ledger::Sums;
use crate::outcome::{
    Audit, Bytes, Fleet, Generator, Machine, Outcome, Server, Shard, Target, TransportOutcome, Trouble,
};
use crate::scenario::Workload;
use crate::{sim, theory, threshold};

/// Why outcomes are not the shards of one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// Whether these outcomes are to be merged, not compared.
#[must_use]
pub fn are_shards(outcomes: &[Outcome]) -> bool {
    outcomes.len() > 1 && outcomes.iter().any(|outcome| outcome.shard.is_some())
}

/// Merges all shards of a run, in whatever order they come.
///
/// # Errors
/// They are of different runs, one is missing or there twice, or one was interrupted.
pub fn merge(mut outcomes: Vec<Outcome>) -> Result<Outcome, Unfit> {
    let unfit = |why: String| Err(Unfit(why));
    if outcomes.iter().any(|outcome| outcome.shard.is_none()) {
        return unfit("some of these outcomes are shards and some are whole runs; give the shards of one run, or whole runs to compare".to_owned());
    }
    outcomes.sort_by_key(number);
    check(&outcomes)?;
    let all_sums = outcomes.iter().map(sums).collect::<Result<Vec<_>, _>>()?;
    let mut whole = outcomes[0].clone();
    // Outcomes do not hold the events of a trace.
    let trace = matches!(whole.scenario.workload, Workload::Trace { .. });
    let plan = if trace { None } else { sim::plan(&whole.scenario).ok() };
    for index in 0..whole.transports.len() {
        let parts: Vec<&TransportOutcome> = outcomes.iter().map(|o| &o.transports[index]).collect();
        let sums: Vec<&Sums> = all_sums.iter().map(|sums| &sums[index]).collect();
        let mut merged = transport(&parts, &sums)?;
        if let Some((plan, _)) = &plan {
            let way = &whole.scenario.transports[index].way;
            merged.theory = theory::expect(&whole.scenario, plan, way);
        }
        whole.transports[index] = merged;
    }
    whole.shard = None;
    whole.started_at = outcomes.iter().filter_map(|o| o.started_at.clone()).min();
    whole.in_turn = outcomes.iter().any(|outcome| outcome.in_turn);
    whole.targets = targets(&outcomes);
    whole.generator = generator(&outcomes);
    whole.machine = machine(&outcomes);
    whole.thresholds = threshold::evaluate(&whole.scenario.thresholds, &whole);
    Ok(whole)
}

fn number(outcome: &Outcome) -> u32 {
    outcome.shard.as_ref().map_or(0, |shard| shard.number)
}

fn check(outcomes: &[Outcome]) -> Result<(), Unfit> {
    let first = &outcomes[0];
    let of = first.shard.as_ref().map_or(0, |shard| shard.of);
    for outcome in outcomes {
        let Some(Shard { number, of: their_of, .. }) = &outcome.shard else { continue };
        let differs = |what: &str| {
            let which = self::number(first);
            Err(Unfit(format!(
                "shard {number}/{their_of} is of another run than shard {which}/{of}: its {what} differs"
            )))
        };
        if *their_of != of {
            return differs("number of shards");
        }
        if outcome.engine != first.engine {
            return differs("engine");
        }
        if outcome.version != first.version {
            return differs("version of anynews");
        }
        if outcome.seed != first.seed {
            return differs("seed");
        }
        if serde_json::to_value(&outcome.scenario).ok() != serde_json::to_value(&first.scenario).ok() {
            return differs("scenario");
        }
        if outcome.interrupted_at_s.is_some() || outcome.transports.len() != outcome.scenario.transports.len()
        {
            return Err(Unfit(format!(
                "shard {number}/{of} was interrupted, so its window is another; run it again"
            )));
        }
    }
    let there = |n: u32| outcomes.iter().filter(|outcome| number(outcome) == n).count();
    let list = |which: &dyn Fn(usize) -> bool| -> Option<String> {
        let numbers: Vec<String> =
            (1..=of).filter(|&n| which(there(n))).map(|n| format!("{n}/{of}")).collect();
        (!numbers.is_empty()).then(|| numbers.join(", "))
    };
    if let Some(missing) = list(&|n| n == 0) {
        return Err(Unfit(format!("not all shards of the run are here; missing: {missing}")));
    }
    if let Some(twice) = list(&|n| n > 1) {
        return Err(Unfit(format!("these shards are here more than once: {twice}")));
    }
    Ok(())
}

/// The sums of a shard, by transport.
fn sums(outcome: &Outcome) -> Result<Vec<Sums>, Unfit> {
    let Some(shard) = &outcome.shard else { return Ok(Vec::new()) };
    let read = |value: &serde_json::Value| serde_json::from_value(value.clone());
    let read: Result<Vec<Sums>, _> = shard.sums.iter().map(read).collect();
    match read {
        Ok(sums) if sums.len() == outcome.transports.len() => Ok(sums),
        Ok(_) => Err(Unfit(format!("shard {}/{} lacks the sums of a transport", shard.number, shard.of))),
        Err(error) => {
            Err(Unfit(format!("the sums of shard {}/{} cannot be read: {error}", shard.number, shard.of)))
        }
    }
}

fn transport(parts: &[&TransportOutcome], sums: &[&Sums]) -> Result<TransportOutcome, Unfit> {
    let mut book = sums[0].book.clone();
    let mut closing = sums[0].closing;
    book.without_copies();
    for part in &sums[1..] {
        let mut more = part.book.clone();
        more.without_copies();
        if !book.is_of_one_window_with(&more) {
            return Err(Unfit("the shards' windows differ".to_owned()));
        }
        book.add(&more);
        closing.add(&part.closing);
    }
    let mut whole = book.outcome(&closing);
    let first = parts[0];
    whole.label.clone_from(&first.label);
    whole.kind.clone_from(&first.kind);
    whole.clients = parts.iter().map(|part| part.clients).sum();
    if first.waste_ratio.is_none() && parts.iter().all(|part| part.waste_ratio.is_none()) {
        // Who fell back to polling wastes nothing by the way itself.
        whole.waste_ratio = None;
    }
    if parts.iter().all(|part| part.request_ms.is_none()) {
        (whole.request_ms, whole.request_ms_uncorrected) = (None, None);
    }
    // Unknown where one of them does not know.
    let known = |of: fn(&TransportOutcome) -> Option<u64>| parts.iter().map(|part| of(part)).sum();
    let sum = |of: fn(&TransportOutcome) -> u64| parts.iter().map(|part| of(part)).sum::<u64>();
    whole.requests.origin = known(|t| t.requests.origin);
    whole.connections.opened = known(|t| t.connections.opened);
    whole.connections.handshakes = sum(|t| t.connections.handshakes);
    whole.connections.peak = known(|t| t.connections.peak);
    let delivered = whole.deliveries.delivered;
    let bytes = Bytes {
        up: known(|t| t.bytes.up),
        down: known(|t| t.bytes.down),
        opening: known(|t| t.bytes.opening),
        wire_estimate: known(|t| t.bytes.wire_estimate),
        ..whole.bytes
    };
    whole.bytes = bytes.settled(delivered);
    whole.server = server(parts, delivered);
    whole.fleet = fleet(parts);
    whole.handshake.clone_from(&first.handshake);
    whole.series.bytes = step_sums(parts.iter().map(|part| part.series.bytes.as_slice()));
    whole.audit = audit(parts);
    whole.person.clone_from(&first.person);
    whole.trouble = trouble(parts);
    Ok(whole)
}

/// All servers that others started, as the first shard found them that turned to them.
fn targets(outcomes: &[Outcome]) -> Vec<Target> {
    let mut all: Vec<Target> = Vec::new();
    for target in outcomes.iter().flat_map(|outcome| &outcome.targets) {
        if all.iter().all(|known| known.url != target.url) {
            all.push(target.clone());
        }
    }
    all
}

/// Sums by step.
fn step_sums<'a>(all: impl Iterator<Item = &'a [u64]>) -> Vec<u64> {
    let mut sums = Vec::new();
    for steps in all {
        sums.resize(sums.len().max(steps.len()), 0);
        sums.iter_mut().zip(steps).for_each(|(sum, n)| *sum += n);
    }
    sums
}

/// All server processes of all shards.
fn server(parts: &[&TransportOutcome], delivered: u64) -> Option<Server> {
    let all: Vec<&Server> = parts.iter().map(|part| part.server.as_ref()).collect::<Option<_>>()?;
    let cpu_s: f64 = all.iter().map(|server| server.cpu_s).sum();
    Some(Server {
        cpu_s,
        cpu_us_per_delivery: Server::cpu_per_delivery(cpu_s, delivered),
        rss_peak_bytes: all.iter().map(|server| server.rss_peak_bytes).sum(),
        rss_bytes_per_connection: None,
    })
}

fn fleet(parts: &[&TransportOutcome]) -> Option<Fleet> {
    let all: Vec<&Fleet> = parts.iter().map(|part| part.fleet.as_ref()).collect::<Option<_>>()?;
    Some(Fleet {
        hops_ms: None,
        cross_server_expected: all.iter().map(|fleet| fleet.cross_server_expected).sum(),
        cross_server_lost: all.iter().map(|fleet| fleet.cross_server_lost).sum(),
        ..all[0].clone()
    })
}

fn audit(parts: &[&TransportOutcome]) -> Option<Audit> {
    let all: Vec<&Audit> = parts.iter().map(|part| part.audit.as_ref()).collect::<Option<_>>()?;
    let sum = |of: fn(&Audit) -> u64| all.iter().map(|audit| of(audit)).sum();
    Some(Audit {
        requests_client: sum(|a| a.requests_client),
        requests_server: sum(|a| a.requests_server),
        bytes_up: sum(|a| a.bytes_up),
        bytes_down: sum(|a| a.bytes_down),
        events_published: sum(|a| a.events_published),
        events_encoded: sum(|a| a.events_encoded),
    })
}

/// Shards have no faults, but their people may still have lost a connection.
fn trouble(parts: &[&TransportOutcome]) -> Option<Trouble> {
    if parts.iter().all(|part| part.trouble.is_none()) {
        return None;
    }
    let all = || parts.iter().filter_map(|part| part.trouble.as_ref());
    let quiet = parts.iter().filter(|part| part.trouble.is_none()).map(|part| part.clients_connected);
    Some(Trouble {
        faults: Vec::new(),
        unrecovered: all().map(|trouble| trouble.unrecovered).sum(),
        fallbacks: all().map(|trouble| trouble.fallbacks).sum(),
        closed_slow: all().map(|trouble| trouble.closed_slow).sum(),
        clients_at_end: all().map(|trouble| trouble.clients_at_end).chain(quiet).sum(),
        reconnects: step_sums(all().map(|trouble| trouble.reconnects.as_slice())),
        untouched_latency_ms: None,
    })
}

/// The worst of the load machines, and the CPU time of all.
fn generator(outcomes: &[Outcome]) -> Option<Generator> {
    let all: Vec<&Generator> = outcomes.iter().map(|o| o.generator.as_ref()).collect::<Option<_>>()?;
    let worst = |of: fn(&Generator) -> Option<f64>| all.iter().filter_map(|g| of(g)).reduce(f64::max);
    Some(Generator {
        processes: all.iter().map(|generator| generator.processes).sum(),
        cpu_s: all.iter().map(|generator| generator.cpu_s).sum(),
        publish_late_ms_p99: worst(|g| g.publish_late_ms_p99),
        poll_late_ms_p99: worst(|g| g.poll_late_ms_p99),
        saturated: all.iter().any(|generator| generator.saturated),
    })
}

/// The machine, where all were alike.
fn machine(outcomes: &[Outcome]) -> Option<Machine> {
    let first = outcomes[0].machine.clone();
    outcomes.iter().all(|outcome| outcome.machine == first).then_some(first).flatten()
}

#[cfg(test)]
mod tests;
