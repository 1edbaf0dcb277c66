//! `[[claim]]`: what a source published and the run is to reproduce.

use crate::claim::{self, Claim};

use super::section::{Bounds, Section};
use super::tree::{Node, Value};

/// Keys of each table.
pub(super) const KEYS: [&str; 5] = ["source", "says", "metric", "value", "why"];
/// Published figures are never negative, and none is this large.
pub(super) const VALUES: Bounds<f64> = Bounds { least: 0.0, most: 1e18 };

pub(super) fn read(top: &mut Section<'_>, labels: &[&str]) -> Vec<Claim> {
    let right = "a [[claim]] table for each, in double brackets";
    let items = match top.get("claim") {
        None => return Vec::new(),
        Some(Node { value: Value::Array(items), .. }) => items,
        Some(node) => {
            top.problem("claim", &node.origin, format!("{} will not do; write {right}", node.shown()));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let Value::Table(table) = &item.value else {
            top.problem("claim", &item.origin, format!("{} is not a table; write {right}", item.shown()));
            continue;
        };
        let section = top.inner(&format!("claim {}", n + 1), &item.origin, table);
        found.extend(one(section, labels));
    }
    found
}

/// Arithmetic on metrics.
pub(super) fn metric(section: &mut Section<'_>, key: &'static str, labels: &[&str]) -> Option<String> {
    let metric = section.line(key)?;
    if let Some(node) = section.get(key)
        && let Err(message) = claim::check(&metric, labels)
    {
        section.problem(key, &node.origin, message);
    }
    Some(metric)
}

fn one(mut section: Section<'_>, labels: &[&str]) -> Option<Claim> {
    let mut text = |key: &'static str, right: &str| {
        if section.get(key).is_none() {
            section.missing(key, &format!("{key} = \"{right}\""));
        }
        section.line(key)
    };
    let source = text("source", "AUTHORS YEAR");
    let says = text("says", "WHAT IT SAYS");
    text("metric", "LABEL.waste_ratio");
    let why = text("why", "WHY OURS DIFFERS");
    let metric = metric(&mut section, "metric", labels);
    let value = section.get("value").is_some().then(|| section.number("value", None, VALUES));
    section.finish(super::elsewhere);
    Some(Claim { source: source?, says: says?, metric: metric?, value, why: why? })
}
