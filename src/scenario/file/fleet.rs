//! `[fleet]`: several servers, and what is between them.

use crate::scenario::fleet::{Between, Fleet, Placement};

use super::section::{Bounds, Section};

/// More server processes than this teach nothing more.
pub(super) const SERVERS: Bounds<u32> = Bounds { least: 1, most: 64 };
const DEFAULT_SERVERS: u32 = 2;

/// Keys of the table.
pub(super) const KEYS: [&str; 4] = ["servers", "placement", "broker", "redis"];

/// What `placement` may be.
pub(super) const PLACEMENTS: [(&str, Placement); 2] =
    [("random", Placement::Random), ("round-robin", Placement::RoundRobin)];
/// What `broker` may be.
pub(super) const BROKERS: [(&str, Between); 4] = [
    ("none", Between::None),
    ("memory", Between::Memory),
    ("redis-pubsub", Between::RedisPubsub),
    ("redis", Between::Redis),
];

/// Where a key belongs that `[fleet]` would know.
pub(super) fn belongs(key: &str) -> Option<String> {
    KEYS.contains(&key).then(|| "it belongs to [fleet]".to_owned())
}

pub(super) fn read(top: &mut Section<'_>) -> Option<Fleet> {
    let mut section = top.table("fleet", false)?;
    let placement = section.choice("placement", Some(Placement::Random), &PLACEMENTS);
    let broker = section.choice("broker", Some(Between::Redis), &BROKERS).unwrap_or(Between::Redis);
    let usual = if broker == Between::Memory { 1 } else { DEFAULT_SERVERS };
    let servers = section.count("servers", Some(usual), SERVERS);
    if broker == Between::Memory
        && servers > 1
        && let Some(node) = section.get("broker")
    {
        let message = format!(
            "\"memory\" is one server's own, and there are {servers}; write servers = 1, or \
             broker = \"none\", \"redis-pubsub\" or \"redis\""
        );
        section.problem("broker", &node.origin, message);
    }
    let redis = redis(&mut section, broker);
    section.finish(super::elsewhere);
    Some(Fleet { servers: servers.max(1), placement: placement.unwrap_or(Placement::Random), broker, redis })
}

fn redis(section: &mut Section<'_>, broker: Between) -> Option<String> {
    let node = section.get("redis")?;
    let right =
        "write an address like \"redis://127.0.0.1:6379\", or leave it out: one is started for the run";
    let message = match node.text() {
        Some(_) if !broker.is_redis() => {
            "means nothing without Redis; write broker = \"redis\" or \"redis-pubsub\"".to_owned()
        }
        Some(url) if url.starts_with("redis://") && url.len() > "redis://".len() => {
            return Some(url.to_owned());
        }
        // What may hold a password is not repeated.
        Some(url) if url.starts_with("rediss://") => format!("TLS to Redis is not built; {right}"),
        _ => format!("is no address; {right}"),
    };
    section.problem("redis", &node.origin, message);
    None
}
