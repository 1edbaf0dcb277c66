//! `[[fault]]`: what goes wrong on purpose, each kind with its keys, within the window.

use std::time::Duration;

use crate::fault::{Fault, What};
use crate::scenario::Scenario;
use crate::scenario::fleet::Fleet;

use super::report::Report;
use super::section::{Bounds, Section, within};
use super::tree::{Node, Table, Value};
use super::{DAY, fleet, format_duration};

/// Kinds, each with its keys.
pub(super) const KINDS: [(&str, &[&str]); 7] = [
    ("stall-server", &["for", "server"]),
    ("kill-server", &["for", "server"]),
    ("drain-server", &["for", "server", "spread"]),
    ("restart-broker", &["for", "keep_data"]),
    ("cut-clients", &["share"]),
    ("slow-clients", &["for", "share"]),
    ("idle-proxy", &["for", "idle"]),
];
/// More cannot be told apart in a chart.
pub(super) const MOST_FAULTS: usize = 16;
/// Below this nobody is picked; 0 is no share.
pub(super) const SHARE: Bounds<f64> = Bounds { least: 0.0001, most: 1.0 };
const SHORTEST_MS: u64 = 10;

/// What of the rest of the file decides which faults there can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) duration: Duration,
    /// Server processes.
    pub(super) servers: u32,
    /// Whether the broker is a process of its own that `run` starts.
    pub(super) own_broker: bool,
    /// Whether a server has a certificate.
    pub(super) tls: bool,
}

impl Around {
    pub(super) fn new(duration: Duration, tls: bool, fleet: Option<&Fleet>) -> Self {
        Self {
            duration,
            tls,
            servers: fleet.map_or(1, |fleet| fleet.servers),
            own_broker: fleet.is_some_and(|fleet| fleet.broker.is_redis() && fleet.redis.is_none()),
        }
    }
}

/// Reports faults among people who come and go: of somebody who is away nobody could say whether they were
/// lost or have left.
pub(super) fn check(scenario: &Scenario, root: &Table, report: &Report) {
    let Some(entry) = root.get("fault").filter(|_| !scenario.faults.is_empty() && scenario.visit.is_some())
    else {
        return;
    };
    let message = "[[fault]] will not do with visit: of somebody who is away nobody could say whether they \
                   were lost or have left; leave out visit or every [[fault]]";
    report.problem("fault", &entry.origin, message.to_owned());
}

/// Where a key belongs that a `[[fault]]` would know. A stray `server` may as well be `[fleet]`'s.
pub(super) fn belongs(key: &str) -> Option<String> {
    let known = key == "at" || KINDS.iter().any(|(_, keys)| keys.contains(&key) && key != "server");
    known.then(|| "it belongs to a [[fault]]".to_owned())
}

pub(super) fn read(top: &mut Section<'_>, around: Around) -> Vec<Fault> {
    let right = "a [[fault]] table for each, like at = \"10s\", kind = \"stall-server\" and for = \"1s\"";
    let (items, origin) = match top.get("fault") {
        None => return Vec::new(),
        Some(Node { value: Value::Array(items), origin }) => (items, origin),
        Some(node) => {
            let message = format!("is one table; write {right}, in double brackets");
            top.problem("fault", &node.origin, message);
            return Vec::new();
        }
    };
    if items.len() > MOST_FAULTS {
        let message = format!("{} faults will not do; write {MOST_FAULTS} at most", items.len());
        top.problem("fault", origin, message);
    }
    let mut found: Vec<Fault> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let place = if items.len() == 1 { "fault".to_owned() } else { format!("fault.{}", n + 1) };
        let Value::Table(table) = &item.value else {
            top.problem("fault", &item.origin, format!("{} is not a table; write {right}", item.shown()));
            continue;
        };
        let mut section = top.inner(&place, &item.origin, table);
        let Some(fault) = one(&mut section, around) else {
            section.finish(|_| None);
            continue;
        };
        if let Some(other) = found.iter().position(|other| at_odds(other, &fault))
            && let Some(node) = section.get("at")
        {
            let message =
                format!("it begins before fault {} of the same thing is over; write a later time", other + 1);
            section.problem("at", &node.origin, message);
        }
        let kind = fault.what.kind();
        section.finish(|key| {
            let (other, _) = KINDS.iter().find(|(_, keys)| keys.contains(&key))?;
            let known = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
            Some(format!(
                "it belongs to kind = \"{other}\"; kind = \"{kind}\" takes at, {}",
                known.join(", ")
            ))
        });
        found.push(fault);
    }
    found
}

/// Whether one thing would break twice at a time.
fn at_odds(a: &Fault, b: &Fault) -> bool {
    let same = match (a.what.server(), b.what.server()) {
        (Some(one), Some(other)) => one == other,
        _ => a.what.kind() == b.what.kind() && !matches!(a.what, What::CutClients { .. }),
    };
    same && a.at < b.until() && b.at < a.until()
}

fn one(section: &mut Section<'_>, around: Around) -> Option<Fault> {
    let last = around.duration.saturating_sub(Duration::from_millis(SHORTEST_MS));
    let at = moment(section, "at", last, "the window");
    let kind = section.kind(&KINDS)?;
    if around.tls && matches!(kind, "kill-server" | "drain-server") {
        impossible(
            section,
            "the process that takes the place has a certificate of its own, which nobody trusts; leave \
             tls = true out",
        );
    }
    let left = around.duration.saturating_sub(at);
    let lasts = match kind {
        "cut-clients" => Duration::ZERO,
        "slow-clients" | "idle-proxy" if section.get("for").is_none() => left,
        _ => moment(section, "for", left, "what is left of the window"),
    };
    let what = match kind {
        "stall-server" => What::StallServer { server: server(section, around) },
        "kill-server" => What::KillServer { server: server(section, around) },
        "drain-server" => {
            if around.servers < 2 {
                impossible(
                    section,
                    "a drained server sends its people to the others, and there are none; \
                     write [fleet] with servers = 2 or more",
                );
            }
            What::DrainServer { server: server(section, around), spread: section.bool("spread", true) }
        }
        "restart-broker" => {
            if !around.own_broker {
                impossible(
                    section,
                    "only a broker that is a process of this run can be restarted; write [fleet] with \
                     broker = \"redis\" or \"redis-pubsub\", and no redis = \"…\"",
                );
            }
            What::RestartBroker { keep_data: section.bool("keep_data", true) }
        }
        "cut-clients" => What::CutClients { share: section.number("share", None, SHARE) },
        "slow-clients" => What::SlowClients { share: section.number("share", None, SHARE) },
        _ => What::IdleProxy { idle: section.duration("idle", None, Bounds::durations(SHORTEST_MS, DAY)) },
    };
    Some(Fault { at, lasts, what })
}

fn impossible(section: &mut Section<'_>, message: &str) {
    if let Some(node) = section.get("kind") {
        section.problem("kind", &node.origin, message.to_owned());
    }
}

/// A duration that ends within `most`, which is called `of`.
fn moment(section: &mut Section<'_>, key: &'static str, most: Duration, of: &str) -> Duration {
    let least = Duration::from_millis(if key == "at" { 0 } else { SHORTEST_MS });
    let (from, to) = (format_duration(least), format_duration(most.max(least)));
    let Some(node) = section.get(key) else {
        section.missing(key, &format!("{key} = \"DURATION\", from {from} to {to}"));
        return Duration::ZERO;
    };
    let value = section.measured(key, node, |text| {
        let value = crate::units::parse_duration(text)?;
        within((least..=most.max(least)).contains(&value), value, node, &from, format!("{to} ({of})"))
    });
    value.unwrap_or(Duration::ZERO)
}

fn server(section: &mut Section<'_>, around: Around) -> u32 {
    let number = section.count("server", Some(1), fleet::SERVERS);
    if number > around.servers
        && let Some(node) = section.get("server")
    {
        let there = if around.servers == 1 {
            "there is one server".to_owned()
        } else {
            format!("there are {} servers", around.servers)
        };
        section.problem(
            "server",
            &node.origin,
            format!("{number} is out of range; {there}, numbered from 1"),
        );
    }
    number
}
