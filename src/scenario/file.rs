//! What a scenario file says, turned into what it means, with every problem named at once.
//!
//! The text becomes a tree whose values know their lines (`tree`); command-line overrides are
//! written into that tree (`set`); then one walk checks it and builds the [`Scenario`].

use std::fmt;
use std::time::Duration;

use crate::claim::{self, Claim};
use crate::threshold::{self, Threshold};
use crate::transport::Transport;
use crate::units::format_duration;

use super::{Engine, Scenario};
use report::Report;
use section::{Bounds, Section};
use tree::{Table, Value};

mod claims;
mod faults;
mod fleet;
mod headers;
mod network;
mod report;
pub mod schema;
mod section;
mod set;
mod trace;
mod transports;
mod tree;
mod workload;

/// What the command line changes in a scenario before it is checked.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `KEY=VALUE`, dotted; a transport is addressed by its label: `poll.interval=1s`.
    pub set: Vec<String>,
    /// The same of one point of a sweep: `KEY=VALUE`, named `--vary` in messages.
    pub vary: Vec<String>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--engine`, as written.
    pub engine: Option<String>,
    /// `--duration`, as written.
    pub duration: Option<String>,
    /// Labels of the transports to keep; empty: all.
    pub only: Vec<String>,
}

/// One thing wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as the user named it.
    pub file: String,
    /// Line in the file, from 1; none for what is missing at the top or came from the command line.
    pub line: Option<usize>,
    /// `workload.mean_gap`, `poll.interval`, or `--set poll.interval`; empty for broken syntax.
    pub key: String,
    /// What is wrong; what would be right; did you mean.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything wrong with a scenario, in order of lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Keys of the top of a file.
const TOP: [&str; 18] = [
    "title",
    "predict",
    "answer",
    "lesson",
    "seed",
    "duration",
    "warmup",
    "clients",
    "headers",
    "engine",
    "visit",
    "workload",
    "transport",
    "network",
    "fleet",
    "fault",
    "threshold",
    "claim",
];
/// People per transport that any engine could be asked for.
const MOST_CLIENTS: u32 = 10_000_000;
const DEFAULT_DURATION: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(86_400);
/// The default warm-up is never longer than this …
const LONGEST_WARMUP: Duration = Duration::from_secs(10);
/// … and this without short polls.
const PUSH_WARMUP: Duration = Duration::from_secs(1);

/// Reads a scenario.
///
/// `name` names the report directory and is the default title; `file` is how the user named the
/// file, for messages. Required are `clients`, a `[workload]` with its kind and gap, and one
/// `[[transport]]` or more. Defaults at the top: `title` the name, `seed` 1, `headers` lean, `duration` 20 s, `warmup`
/// the longest short-poll interval, at most 10 s (1 s without short polls). Of workloads: `inbox` own,
/// no `payload`, `typing_before` 0 ms (never), `receipts` false, 20 `overs`, 20 `symbols`, `conflate`
/// false, `quiet` 0.05, `pauses` false, `settle` 10 min. Of transports: `label` the kind (poll-2, poll-3 … when repeated), `keep_alive` true,
/// `conditional` false, no `backoff_max`, no `shared_cache`, `http` 1.1, `hold` 25 s, `ping` 25 s (0 ms:
/// none), `read_buffer` 4 KiB. Of a fleet: 2 `servers` (1 with memory), `placement` random, `broker` redis.
/// Of faults: `server` 1, `keep_data` and `spread` true, `for` of slow clients and of an idle proxy the rest
/// of the window.
///
/// # Errors
/// Every problem of the text and the overrides, at once.
pub fn read(name: &str, file: &str, text: &str, overrides: &Overrides) -> Result<Scenario, Problems> {
    let report = Report::new(file);
    let mut root = tree::parse(text, &report);
    set::apply(&mut root, overrides, &report);
    let scenario = top(name, &root, overrides, &report);
    report.finish(scenario)
}

fn top(name: &str, root: &Table, overrides: &Overrides, report: &Report) -> Scenario {
    let mut top = Section::top(root, report);
    let title = top.line("title").unwrap_or_else(|| name.to_owned());
    let predict = top.line("predict");
    let lesson = top.line("lesson");
    let seed = top.seed("seed", 1);
    let duration = top.duration("duration", Some(DEFAULT_DURATION), Bounds::durations(100, DAY));
    let clients = top.count("clients", None, Bounds { least: 1, most: MOST_CLIENTS });
    let written_warmup = top.get("warmup").is_some();
    let warmup = top.duration("warmup", Some(Duration::ZERO), Bounds::durations(0, DAY));
    let engines = [("live", Engine::Live), ("sim", Engine::Sim), ("theory", Engine::Theory)];
    let engine = top.choice("engine", Some(Engine::Live), &engines).unwrap_or(Engine::Live);
    let headers = headers::read(&mut top);
    let visit = top.optional_duration("visit", Bounds::durations(100, DAY));
    let (network, tls) = network::read(&mut top, engine);
    let fleet = fleet::read(&mut top);
    let faults = faults::read(&mut top, faults::Around::new(duration, tls, fleet.as_ref()));
    let transports = transports::read(&mut top);
    let labels: Vec<&str> = transports.iter().map(|transport| transport.label.as_str()).collect();
    let thresholds = thresholds(&mut top, &labels);
    let claims = claims::read(&mut top, &labels);
    let answer = claims::metric(&mut top, "answer", &labels);
    let workload = match top.table("workload", true) {
        Some(section) => workload::read(section, clients),
        None => workload::placeholder(),
    };
    top.finish(elsewhere);
    let kept = Kept { transports, thresholds, claims, answer };
    let Kept { transports, thresholds, claims, answer } = only(&overrides.only, kept, report);
    let warmup = if written_warmup { warmup } else { default_warmup(&transports) };
    let scenario = Scenario {
        name: name.to_owned(),
        title,
        predict,
        answer,
        lesson,
        seed,
        duration,
        warmup,
        clients,
        visit,
        headers,
        engine,
        workload,
        network,
        tls,
        fleet,
        transports,
        faults,
        thresholds,
        claims,
        shard: None,
    };
    headers::check(&scenario, root, report);
    faults::check(&scenario, root, report);
    scenario
}

/// The table of the file that knows `key`.
fn elsewhere(key: &str) -> Option<String> {
    let tables = [workload::belongs, transports::belongs, network::belongs, fleet::belongs, faults::belongs];
    tables.into_iter().find_map(|belongs| belongs(key))
}

fn default_warmup(transports: &[Transport]) -> Duration {
    let longest = transports.iter().filter_map(|transport| transport.way.longest_interval()).max();
    longest.map_or(PUSH_WARMUP, |interval| interval.min(LONGEST_WARMUP))
}

/// The table was made flat when it was read, so each entry is one metric.
fn thresholds(top: &mut Section<'_>, labels: &[&str]) -> Vec<Threshold> {
    let Some(section) = top.table("threshold", false) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in section.entries() {
        if let Err(message) = threshold::check_metric(&entry.key, labels) {
            section.problem(&entry.key, &entry.origin, message);
            continue;
        }
        let expressions = match &entry.node.value {
            Value::Array(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.node),
        };
        for node in expressions {
            let checked = match node.text() {
                Some(text) => threshold::check_expression(&entry.key, text).map(|()| text),
                None => Err(format!(
                    "{} is not a condition; write it in quotes, like [\"p(99)<50\"] or [\"value>0.8\"]",
                    node.shown()
                )),
            };
            match checked {
                Ok(text) => {
                    found.push(Threshold { metric: entry.key.clone(), expression: text.to_owned() });
                }
                Err(message) => section.problem(&entry.key, &node.origin, message),
            }
        }
    }
    found
}

/// What `--only` chooses from.
struct Kept {
    transports: Vec<Transport>,
    thresholds: Vec<Threshold>,
    claims: Vec<Claim>,
    answer: Option<String>,
}

/// Keeps the transports that `--only` names, and the thresholds, claims and answer on them alone.
fn only(wanted: &[String], mut all: Kept, report: &Report) -> Kept {
    if wanted.is_empty() {
        return all;
    }
    let labels: Vec<&str> = all.transports.iter().map(|transport| transport.label.as_str()).collect();
    for label in wanted {
        if !labels.contains(&label.as_str()) {
            let hint = section::did_you_mean(label, labels.iter().copied());
            let message = format!("there is no transport \"{label}\"; there are {}{hint}", labels.join(", "));
            report.flag("--only", message);
        }
    }
    let kept = |label: &str| wanted.iter().any(|name| name == label);
    all.thresholds.retain(|t| kept(threshold::label_of(&t.metric)));
    all.claims.retain(|claim| claim::labels(&claim.metric).all(kept));
    all.answer = all.answer.filter(|answer| claim::labels(answer).all(kept));
    all.transports.retain(|t| kept(&t.label));
    all
}

#[cfg(test)]
mod tests;
