//! `[[transport]]`: the ways compared, and the labels they are addressed by.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::transport::{Http, PING, READ_BUFFER, Transport, Way};

use super::section::{Bounds, Section};
use super::tree::{Node, Table, Value, clean};
use super::{DAY, TOP};

/// Kinds, each with its keys.
pub(super) const KINDS: [(&str, &[&str]); 4] = [
    ("poll", &["interval", "keep_alive", "conditional", "backoff_max", "shared_cache", "http"]),
    ("long-poll", &["hold"]),
    ("sse", &[]),
    ("websocket", &["ping", "coalesce", "read_buffer"]),
];
const DEFAULT_HOLD: Duration = Duration::from_secs(25);
/// Longer waits than this are polling by other means.
const COALESCE: Bounds<Duration> = Bounds { least: Duration::ZERO, most: Duration::from_secs(10) };
const SHARED_CACHE: Bounds<Duration> =
    Bounds { least: Duration::from_secs(1), most: Duration::from_secs(3600) };
pub(super) const LONGEST_LABEL: usize = 32;
/// More ways than this cannot be told apart in a chart.
pub(super) const MOST_TRANSPORTS: usize = 16;

/// Where a key belongs that a `[[transport]]` would know.
pub(super) fn belongs(key: &str) -> Option<String> {
    let kind = KINDS.iter().find(|(_, keys)| keys.contains(&key))?.0;
    Some(format!("it belongs to a [[transport]] with kind = \"{kind}\""))
}

/// The label of each transport, written or by default; `None` where neither is text.
pub(super) fn labels(root: &Table) -> Vec<Option<String>> {
    let Some(Value::Array(items)) = root.get("transport").map(|entry| &entry.node.value) else {
        return Vec::new();
    };
    let written: Vec<&str> = items
        .iter()
        .filter_map(|item| match &item.value {
            Value::Table(table) => table.get("label").and_then(|entry| entry.node.text()),
            _ => None,
        })
        .collect();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    items
        .iter()
        .map(|item| {
            let Value::Table(table) = &item.value else { return None };
            let text = |key| table.get(key).and_then(|entry| entry.node.text());
            if let Some(label) = text("label") {
                return Some(label.to_owned());
            }
            let kind = text("kind")?;
            let count = seen.entry(kind).or_insert(0);
            // A number that another transport was given by hand is passed over.
            loop {
                *count += 1;
                let label = if *count == 1 { kind.to_owned() } else { format!("{kind}-{count}") };
                if *count == 1 || !written.contains(&label.as_str()) {
                    return Some(label);
                }
            }
        })
        .collect()
}

pub(super) fn read(top: &mut Section<'_>) -> Vec<Transport> {
    let right = "a [[transport]] table for each way, like kind = \"poll\" and interval = \"5s\"";
    let labels = labels(top.whole());
    let items = match top.get("transport") {
        None => {
            top.missing("transport", right);
            return Vec::new();
        }
        Some(Node { value: Value::Array(items), origin }) => {
            if items.is_empty() || items.len() > MOST_TRANSPORTS {
                let message =
                    format!("{} transports will not do; write 1 to {MOST_TRANSPORTS} of them", items.len());
                top.problem("transport", origin, message);
            }
            items
        }
        Some(node) => {
            let message = format!("is one table; write {right}, in double brackets");
            top.problem("transport", &node.origin, message);
            return Vec::new();
        }
    };
    let mut found: Vec<Transport> = Vec::new();
    for (n, (item, label)) in items.iter().zip(labels).enumerate() {
        let place = label.as_deref().map_or_else(|| format!("transport {}", n + 1), clean);
        let Value::Table(table) = &item.value else {
            top.problem("transport", &item.origin, format!("{} is not a table; write {right}", item.shown()));
            continue;
        };
        let mut section = top.inner(&place, &item.origin, table);
        check_label(&mut section, label.as_deref(), &found);
        if let (Some(way), Some(label)) = (way(section, clients_write(top.whole())), label) {
            found.push(Transport { label, way });
        }
    }
    found
}

/// Whether clients write events themselves in the workload of the file.
fn clients_write(root: &Table) -> bool {
    let Some(Value::Table(workload)) = root.get("workload").map(|entry| &entry.node.value) else {
        return false;
    };
    let kind = workload.get("kind").and_then(|entry| entry.node.text());
    matches!(kind, Some("chat" | "game"))
}

fn check_label(section: &mut Section<'_>, label: Option<&str>, before: &[Transport]) {
    let written = section.get("label");
    let origin = written.or_else(|| section.get("kind")).map(|node| &node.origin);
    let Some(origin) = origin else { return };
    if let Some(node) = written.filter(|node| node.text().is_none()) {
        return section.problem("label", origin, format!("{} is not text; write it in quotes", node.shown()));
    }
    let Some(label) = label else { return };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if written.is_some() && !((1..=LONGEST_LABEL).contains(&label.len()) && label.chars().all(allowed)) {
        let message =
            format!("\"{}\" will not do; write 1 to {LONGEST_LABEL} of A-Z a-z 0-9 _ -", clean(label));
        section.problem("label", origin, message);
    } else if TOP.contains(&label) {
        let message =
            format!("\"{label}\" is a key of the file, so --set could not tell them apart; choose another");
        section.problem("label", origin, message);
    } else if before.iter().any(|other| other.label == label) {
        let message = format!("\"{label}\" is taken by a transport above; choose another");
        section.problem("label", origin, message);
    }
}

fn way(mut section: Section<'_>, clients_write: bool) -> Option<Way> {
    let Some(kind) = section.kind(&KINDS) else {
        section.finish(|_| None);
        return None;
    };
    let way = match kind {
        "poll" => poll(&mut section, clients_write),
        "long-poll" => {
            let bounds = Bounds::durations(100, Duration::from_secs(240));
            Way::LongPoll { hold: section.duration("hold", Some(DEFAULT_HOLD), bounds) }
        }
        "websocket" => web_socket(&mut section),
        _ => Way::Sse,
    };
    section.finish(|key| {
        let (other, _) = KINDS.iter().find(|(_, keys)| keys.contains(&key))?;
        let known = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
        let takes = if known.is_empty() { "no key of its own".to_owned() } else { known.join(", ") };
        Some(format!("it belongs to kind = \"{other}\"; kind = \"{kind}\" takes {takes}"))
    });
    Some(way)
}

fn poll(section: &mut Section<'_>, clients_write: bool) -> Way {
    let interval = section.duration("interval", None, Bounds::durations(1, DAY));
    let keep_alive = section.bool("keep_alive", true);
    let conditional = section.bool("conditional", false);
    let backoff_max = section.optional_duration("backoff_max", Bounds { least: interval, most: DAY });
    let shared_cache = shared_cache(section, clients_write);
    let http = http(section);
    if http == Http::Two
        && !keep_alive
        && let Some(node) = section.get("keep_alive")
    {
        let message = "will not do with http = \"2\", whose connections are made to be kept; leave it out";
        section.problem("keep_alive", &node.origin, format!("{} {message}", node.shown()));
    }
    Way::Poll { interval, backoff_max, keep_alive, conditional, shared_cache, http }
}

/// A version is a word, and a number as a command line writes it.
fn http(section: &mut Section<'_>) -> Http {
    match section.get("http").map(|node| &node.value) {
        Some(Value::Integer(2)) => Http::Two,
        Some(Value::Float(1.1)) => Http::One,
        _ => section
            .choice("http", Some(Http::One), &[("1.1", Http::One), ("2", Http::Two)])
            .unwrap_or_default(),
    }
}

/// A cache counts in whole seconds (RFC 9111, section 1.2.2), and shares what is the same for all.
fn shared_cache(section: &mut Section<'_>, clients_write: bool) -> Option<Duration> {
    let kept = section.optional_duration("shared_cache", SHARED_CACHE)?;
    let node = section.get("shared_cache")?;
    let wrong = |message| section.problem("shared_cache", &node.origin, message);
    if kept.subsec_nanos() > 0 {
        wrong(format!("{} will not do; caches count in whole seconds, like \"5s\"", node.shown()));
    }
    if clients_write {
        wrong(
            "means nothing where clients write: each one's answer leaves out its own events, so no two \
             share one; leave it out, or choose a workload that all read alike"
                .to_owned(),
        );
    }
    Some(kept)
}

fn web_socket(section: &mut Section<'_>) -> Way {
    let bounds = Bounds::durations(0, Duration::from_secs(240));
    let ping = section.duration("ping", Some(PING), bounds);
    let coalesce = section.duration("coalesce", Some(Duration::ZERO), COALESCE);
    let sizes = Bounds { least: 128, most: 1 << 20 };
    let read_buffer = section.size("read_buffer", sizes).unwrap_or(READ_BUFFER);
    Way::WebSocket { ping, coalesce, read_buffer }
}
