//! The command that runs an experiment again.

use crate::outcome::Outcome;
use crate::report::{lessons, numbers};
use crate::scenario::file::{self, Overrides};
use crate::scenario::{Engine, Inbox, Scenario, Workload, shipped};
use crate::transport::{Http, Way};

/// What names the scenario on a command line: a shipped one by its name, else the file of that name.
pub(super) fn word(outcome: &Outcome) -> String {
    let name = &outcome.scenario.name;
    shell_word(&if shipped::find(name).is_some() { name.clone() } else { format!("{name}.toml") })
}

/// The command that runs the same experiment again: of a shipped scenario what differs from its file,
/// else the settings that are changed most.
#[must_use]
pub fn command(outcome: &Outcome) -> String {
    let file = shipped::find(&outcome.scenario.name)
        .and_then(|shipped| file::read(shipped.name, shipped.name, shipped.text, &Overrides::default()).ok());
    let known = match &file {
        Some(file) => [options(file, file.seed), details(file)].concat(),
        None => vec!["--engine live".to_owned()],
    };
    let mut words = vec!["anynews run".to_owned(), word(outcome)];
    let mut scenario = outcome.scenario.clone();
    if !outcome.targets.is_empty() {
        let urls: Vec<&str> = outcome.targets.iter().map(|target| target.url.as_str()).collect();
        words.push(format!("--target {}", shell_word(&urls.join(","))));
        // What the targets are is theirs to say.
        (scenario.fleet, scenario.tls) = (None, false);
    }
    let mut said = options(&scenario, outcome.seed);
    if let Some(file) = &file {
        said.extend(details(&scenario));
        said.extend(only(file, &scenario));
    }
    words.extend(said.into_iter().filter(|word| !known.contains(word)));
    if outcome.in_turn {
        words.push("--in-turn".to_owned());
    }
    words.join(" ")
}

fn options(scenario: &Scenario, seed: u64) -> Vec<String> {
    let mut words = vec![format!("--seed {seed}")];
    words.push(format!("--duration {}", numbers::option(scenario.duration)));
    let mut set = |text: String| words.push(format!("--set {}", shell_word(&text)));
    set(format!("clients={}", scenario.clients));
    if let Some((key, gap)) = scenario.workload.gap() {
        set(format!("workload.{key}={}", numbers::option(gap)));
    }
    if let Some(fleet) = &scenario.fleet {
        set(format!("fleet.servers={}", fleet.servers));
        set(format!("fleet.placement={}", fleet.placement.name()));
        set(format!("fleet.broker={}", fleet.broker.name()));
    }
    for transport in &scenario.transports {
        if let Some(interval) = transport.way.interval() {
            set(format!("{}.interval={}", transport.label, numbers::option(interval)));
        }
    }
    if let Workload::Ticker { conflate, .. } = scenario.workload {
        set(format!("workload.conflate={conflate}"));
    }
    for setting in scenario.network.iter().flat_map(lessons::settings) {
        words.push(format!("--set {}", shell_word(&format!("network.{setting}"))));
    }
    if scenario.tls {
        words.push("--set network.tls=true".to_owned());
    }
    let engine = match scenario.engine {
        Engine::Live => "live",
        Engine::Sim => "sim",
        Engine::Theory => "theory",
    };
    words.push(format!("--engine {engine}"));
    words
}

/// What else `--set` can have changed of a shipped scenario.
fn details(scenario: &Scenario) -> Vec<String> {
    let mut words = Vec::new();
    let mut set = |text: String| words.push(format!("--set {}", shell_word(&text)));
    set(format!("headers={}", scenario.headers));
    set(format!("warmup={}", numbers::option(scenario.warmup)));
    if let Some(visit) = scenario.visit {
        set(format!("visit={}", numbers::option(visit)));
    }
    match &scenario.workload {
        Workload::Poisson { inbox, payload, .. } | Workload::Periodic { inbox, payload, .. } => {
            set(format!("workload.inbox={}", if *inbox == Inbox::Own { "own" } else { "shared" }));
            if let Some(bytes) = payload {
                set(format!("workload.payload={bytes}B"));
            }
        }
        Workload::Chat { members, typing_before, receipts, .. } => {
            set(format!("workload.members={members}"));
            set(format!("workload.typing_before={}", numbers::option(*typing_before)));
            set(format!("workload.receipts={receipts}"));
        }
        Workload::Cricket { overs, pauses, .. } => {
            set(format!("workload.overs={overs}"));
            set(format!("workload.pauses={pauses}"));
        }
        Workload::Ticker { symbols, .. } => set(format!("workload.symbols={symbols}")),
        Workload::Game { players, .. } => set(format!("workload.players={players}")),
        Workload::Trace { .. } => {}
    }
    for transport in &scenario.transports {
        for (key, value) in of_transport(&transport.way) {
            set(format!("{}.{key}={value}", transport.label));
        }
    }
    words
}

fn of_transport(way: &Way) -> Vec<(&'static str, String)> {
    match way {
        Way::Poll { backoff_max, keep_alive, conditional, shared_cache, http, .. } => {
            let mut settings = vec![
                ("keep_alive", keep_alive.to_string()),
                ("conditional", conditional.to_string()),
                ("http", if *http == Http::Two { "2" } else { "1.1" }.to_owned()),
            ];
            settings.extend(backoff_max.map(|longest| ("backoff_max", numbers::option(longest))));
            settings.extend(shared_cache.map(|kept| ("shared_cache", numbers::option(kept))));
            settings
        }
        Way::LongPoll { hold } => vec![("hold", numbers::option(*hold))],
        Way::Sse => Vec::new(),
        Way::WebSocket { ping, coalesce, read_buffer } => vec![
            ("ping", numbers::option(*ping)),
            ("coalesce", numbers::option(*coalesce)),
            ("read_buffer", format!("{read_buffer}B")),
        ],
    }
}

/// `--only`, where transports of the file were left out.
fn only(file: &Scenario, scenario: &Scenario) -> Option<String> {
    let labels: Vec<&str> = scenario.transports.iter().map(|transport| transport.label.as_str()).collect();
    let fewer = labels.len() < file.transports.len();
    fewer.then(|| format!("--only {}", shell_word(&labels.join(","))))
}

/// The word as a POSIX shell reads it back, quoted only where it must be.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
