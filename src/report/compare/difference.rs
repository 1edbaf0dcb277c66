//! What differs between the settings of several outcomes, and names made of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::outcome::Outcome;

use super::engine_name;

/// A setting that is not the same in all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As `--set` writes it, with `engine`, `scenario` and `seed` besides.
    pub key: String,
    /// One value per run; `–` where a run has no such setting.
    pub values: Vec<String>,
}

/// Keys that change no result.
const WORDS: [&str; 4] = ["title", "predict", "lesson", "threshold"];

/// What stands for a setting that a run does not have.
const NONE: &str = "–";

/// Every setting that is not the same in all, scenario and engine first. Of a transport that a run does not
/// have nothing differs; elsewhere having no such setting is a difference.
#[must_use]
pub(super) fn between(outcomes: &[Outcome]) -> Vec<Difference> {
    let all: Vec<BTreeMap<String, String>> = outcomes.iter().map(settings).collect();
    let mut keys: Vec<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    keys.sort_by_key(|key| (rank(key), key.as_str()));
    keys.dedup();
    keys.into_iter()
        .filter_map(|key| {
            let of =
                |run: &BTreeMap<String, String>| run.get(key).cloned().unwrap_or_else(|| NONE.to_owned());
            let values: Vec<String> = all.iter().map(of).collect();
            let label = key.split('.').next().unwrap_or_default();
            let of_a_transport = outcomes.iter().any(|o| has(o, label));
            let counts =
                |(run, value): &(&Outcome, &String)| *value != NONE || !of_a_transport || has(run, label);
            let mut there = outcomes.iter().zip(&values).filter(counts).map(|(_, value)| value);
            let first = there.next();
            there
                .any(|value| Some(value) != first)
                .then(|| Difference { key: key.clone(), values: values.clone() })
        })
        .collect()
}

/// Whether a run has a transport of this label.
fn has(outcome: &Outcome, label: &str) -> bool {
    outcome.scenario.transports.iter().any(|transport| transport.label == label)
}

fn rank(key: &str) -> u8 {
    match key {
        "scenario" => 0,
        "engine" => 1,
        "seed" => 2,
        _ => 3,
    }
}

/// The settings of one outcome by their dotted keys.
fn settings(outcome: &Outcome) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    let scenario = serde_json::to_value(&outcome.scenario).unwrap_or(Value::Null);
    for (key, value) in scenario.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("name" | "engine" | "seed", _) => {}
            (key, _) if WORDS.contains(&key) => {}
            ("transport", Value::Array(transports)) => {
                let labels = transports.iter().filter_map(|transport| transport.get("label")?.as_str());
                flat.insert("transports".to_owned(), labels.collect::<Vec<_>>().join(", "));
                for transport in transports {
                    let label = transport.get("label").and_then(Value::as_str).unwrap_or("transport");
                    flatten(label, transport, &mut flat);
                    flat.remove(&format!("{label}.label"));
                    if flat.get(&format!("{label}.kind")).is_some_and(|kind| kind == label) {
                        flat.remove(&format!("{label}.kind"));
                    }
                }
            }
            (key, value) => flatten(key, value, &mut flat),
        }
    }
    // A network without jitter or loss is like one that does not mention them.
    flat.retain(|key, value| {
        !(key.starts_with("network.") && ["0ms", "0s", "0.0", "0"].contains(&value.as_str()))
    });
    flat.insert("scenario".to_owned(), outcome.scenario.name.clone());
    flat.insert("engine".to_owned(), engine_name(outcome.engine).to_owned());
    flat.insert("seed".to_owned(), outcome.seed.to_string());
    flat
}

fn flatten(key: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| flatten(&format!("{key}.{name}"), value, into));
        }
        Value::String(text) => {
            into.insert(key.to_owned(), text.clone());
        }
        other => {
            into.insert(key.to_owned(), other.to_string());
        }
    }
}

/// Everything that decides which news comes when.
pub(super) fn schedule(outcome: &Outcome) -> Value {
    let scenario = &outcome.scenario;
    serde_json::json!([
        scenario.workload,
        outcome.seed,
        scenario.clients,
        scenario.duration.as_micros() as u64,
    ])
}

/// For each run what tells it from the others, in as few words as will do.
pub(super) fn names(outcomes: &[Outcome], differences: &[Difference]) -> Vec<String> {
    let mut names = vec![String::new(); outcomes.len()];
    // Scenario and engine go to all, whichever of them differs.
    let bare = |difference: &&Difference| rank(&difference.key) < 2;
    for difference in differences.iter().filter(bare) {
        names.iter_mut().zip(&difference.values).for_each(|(name, value)| extend(name, value));
    }
    let mut left: Vec<&Difference> = differences.iter().filter(|difference| !bare(difference)).collect();
    while let Some((together, best)) = best_key(&names, &left) {
        for &run in &together {
            extend(&mut names[run], &told(left[best], run));
        }
        left.remove(best);
    }
    for i in 0..names.len() {
        // Two runs of the same settings, on two days perhaps.
        let same = names.iter().filter(|name| **name == names[i]).count();
        if same > 1 || names[i].is_empty() {
            let name = if names[i].is_empty() { "run" } else { names[i].as_str() };
            let number = (1..).map(|n| format!("{name} #{n}")).find(|text| !names.contains(text));
            names[i] = number.unwrap_or_default();
        }
    }
    names
}

/// Some runs that still have the same name, and the setting that parts most of them.
fn best_key(names: &[String], left: &[&Difference]) -> Option<(Vec<usize>, usize)> {
    for name in names {
        let together: Vec<usize> = (0..names.len()).filter(|&i| names[i] == *name).collect();
        let parts = |difference: &Difference| {
            let mut values: Vec<&String> = together.iter().map(|&run| &difference.values[run]).collect();
            values.sort();
            values.dedup();
            values.len()
        };
        let most = (0..left.len()).rev().max_by_key(|&i| parts(left[i]));
        if let Some(best) = most.filter(|&i| parts(left[i]) > 1) {
            return Some((together, best));
        }
    }
    None
}

fn told(difference: &Difference, run: usize) -> String {
    let (key, value) = (&difference.key, &difference.values[run]);
    if value == NONE {
        let whole = key.split('.').next().filter(|part| ["network", "fleet"].contains(part));
        return format!("no {}", whole.unwrap_or(key));
    }
    format!("{key}={value}")
}

fn extend(name: &mut String, part: &str) {
    if !name.is_empty() {
        name.push_str(", ");
    }
    name.push_str(part);
}
