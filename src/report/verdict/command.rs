//! The command that runs an experiment again.

use crate::outcome::Outcome;
use crate::report::{lessons, numbers};
use crate::scenario::file::{self, Overrides};
use crate::scenario::{Engine, Scenario, Workload, shipped};

/// The command that runs the same experiment again: of a shipped scenario what differs from its file,
/// else every setting that `--set` may have changed.
#[must_use]
pub fn command(outcome: &Outcome) -> String {
    let file = shipped::find(&outcome.scenario.name)
        .and_then(|shipped| file::read(shipped.name, shipped.name, shipped.text, &Overrides::default()).ok());
    let known = file.map_or_else(|| vec!["--engine live".to_owned()], |file| options(&file, file.seed));
    let mut words = vec!["anynews run".to_owned(), shell_word(&outcome.scenario.name)];
    let mut scenario = outcome.scenario.clone();
    if !outcome.targets.is_empty() {
        let urls: Vec<&str> = outcome.targets.iter().map(|target| target.url.as_str()).collect();
        words.push(format!("--target {}", shell_word(&urls.join(","))));
        // What the targets are is theirs to say.
        (scenario.fleet, scenario.tls) = (None, false);
    }
    words.extend(options(&scenario, outcome.seed).into_iter().filter(|word| !known.contains(word)));
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

/// The word as a POSIX shell reads it back, quoted only where it must be.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
