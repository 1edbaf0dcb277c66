//! Writes the command line's overrides into the tree, before anything is checked.

use super::report::Report;
use super::section::did_you_mean;
use super::tree::{Node, Origin, Table, Value, parse_value};
use super::{Overrides, TOP, transports};

pub(super) fn apply(root: &mut Table, overrides: &Overrides, report: &Report) {
    for (flag, texts) in [("--set", &overrides.set), ("--vary", &overrides.vary)] {
        for text in texts {
            set(root, flag, text, report);
        }
    }
    if let Some(seed) = overrides.seed {
        let origin = Origin::Flag("--seed".to_owned());
        root.put("seed", Node { value: Value::Integer(i128::from(seed)), origin });
    }
    if let Some(engine) = &overrides.engine {
        let origin = Origin::Flag("--engine".to_owned());
        root.put("engine", Node { value: Value::Text(engine.clone()), origin });
    }
    if let Some(duration) = &overrides.duration {
        let origin = Origin::Flag("--duration".to_owned());
        root.put("duration", Node { value: Value::Text(duration.clone()), origin });
    }
}

fn set(root: &mut Table, flag: &str, text: &str, report: &Report) {
    let Some((key, value)) = text.split_once('=') else {
        let message = "has no value; write KEY=VALUE, like poll.interval=1s".to_owned();
        return report.flag(&format!("{flag} {text}"), message);
    };
    let flag = format!("{flag} {}", key.trim());
    let origin = Origin::Flag(flag.clone());
    let node = parse_value(value.trim(), &origin);
    let path: Vec<&str> = key.trim().split('.').map(|part| part.trim_matches(['"', ' '])).collect();
    if path.iter().any(|part| part.is_empty()) {
        let message = "is not a key; write it dotted, like poll.interval or workload.mean_gap".to_owned();
        return report.flag(&flag, message);
    }
    let written = match path.as_slice() {
        [key] => put(root, &[key], node),
        // Flat, as the tree holds it.
        ["threshold", metric @ ..] => put(root, &["threshold", &metric.join(".")], node),
        ["fault", rest @ ..] => match fault(root, rest) {
            Ok((table, rest)) => put(table, rest, node),
            Err(message) => Err(message),
        },
        ["transport" | "claim", ..] => {
            let message = "cannot be addressed so; name a transport by its label, like poll.interval=1s";
            Err(message.to_owned())
        }
        [section @ ("workload" | "network" | "fleet"), rest @ ..] => {
            let path: Vec<&str> = std::iter::once(*section).chain(rest.iter().copied()).collect();
            put(root, &path, node)
        }
        [label, rest @ ..] => {
            let labels: Vec<String> = transports::labels(root).into_iter().flatten().collect();
            match transport(root, label) {
                Some(table) => put(table, rest, node),
                None => Err(unknown(label, &labels)),
            }
        }
        [] => Ok(()),
    };
    if let Err(message) = written {
        report.flag(&flag, message);
    }
}

fn unknown(first: &str, labels: &[String]) -> String {
    let sections = ["workload", "threshold"];
    let known = labels.iter().map(String::as_str).chain(sections).chain(TOP);
    let there = labels.iter().map(String::as_str).chain(sections).collect::<Vec<_>>().join(", ");
    format!(
        "there is no transport \"{first}\"; a dotted key begins with {there}{}",
        did_you_mean(first, known)
    )
}

fn transport<'a>(root: &'a mut Table, label: &str) -> Option<&'a mut Table> {
    let index = transports::labels(root).iter().position(|known| known.as_deref() == Some(label))?;
    let Value::Array(items) = &mut root.get_mut("transport")?.node.value else { return None };
    match &mut items.get_mut(index)?.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// The fault that a path means, and the rest of the path: `fault.1.at`, or `fault.at` where there is one.
fn fault<'a, 'p>(root: &'a mut Table, path: &'p [&'p str]) -> Result<(&'a mut Table, &'p [&'p str]), String> {
    let items = match root.get_mut("fault").map(|entry| &mut entry.node.value) {
        Some(Value::Array(items)) => items.as_mut_slice(),
        _ => &mut [],
    };
    let count = items.len();
    let (number, rest) = match path {
        [number, rest @ ..] if number.parse::<usize>().is_ok() => (number.parse().unwrap_or(0), rest),
        _ if count == 1 => (1, path),
        _ => (0, path),
    };
    let item = usize::checked_sub(number, 1).and_then(|index| items.get_mut(index));
    match item.map(|item| &mut item.value) {
        Some(Value::Table(table)) if !rest.is_empty() => Ok((table, rest)),
        _ => Err(match count {
            0 => "the file has no [[fault]] to change".to_owned(),
            1 => "there is one fault; write its key, like fault.at=5s".to_owned(),
            _ => format!("there are {count} faults; write a number and a key, like fault.1.at=5s"),
        }),
    }
}

/// Writes `node` at the end of `path`, making tables on the way.
fn put(table: &mut Table, path: &[&str], node: Node) -> Result<(), String> {
    match path {
        [] => Ok(()),
        [key] => {
            table.put(key, node);
            Ok(())
        }
        [key, rest @ ..] => {
            if table.get(key).is_none() {
                let value = Value::Table(Table::default());
                table.put(key, Node { value, origin: node.origin.clone() });
            }
            match table.get_mut(key).map(|entry| &mut entry.node.value) {
                Some(Value::Table(inner)) => put(inner, rest, node),
                _ => Err(format!("\"{key}\" is a value, so nothing stands below it")),
            }
        }
    }
}
