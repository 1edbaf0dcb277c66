//! `[network]`: a profile, or numbers of one's own, or a profile with some numbers changed.

use std::time::Duration;

use crate::link::{Link, PROFILES};
use crate::units::parse_rate;

use super::section::{Bounds, Section};
use super::tree::Node;
use crate::scenario::Engine;

const LONGEST_RTT: Duration = Duration::from_secs(60);
/// Below this a single event would take minutes; above, no machine keeps up.
const RATES: Bounds<u64> = Bounds { least: 1_000, most: 1_000_000_000_000 };

/// Nothing gets through where everything is lost.
pub(super) const LOSS: Bounds<f64> = Bounds { least: 0.0, most: 0.99 };

/// Keys of the table.
pub(super) const KEYS: [&str; 7] = ["profile", "rtt", "jitter", "loss", "down", "up", "tls"];

/// Where a key belongs that `[network]` would know.
pub(super) fn belongs(key: &str) -> Option<String> {
    KEYS.contains(&key).then(|| "it belongs to [network]".to_owned())
}

/// The link, none where the file says nothing that plain loopback would not be; and whether over TLS.
pub(super) fn read(top: &mut Section<'_>, engine: Engine) -> (Option<Link>, bool) {
    let Some(mut section) = top.table("network", false) else { return (None, false) };
    let profiles: Vec<(&str, &str)> = PROFILES.iter().map(|name| (*name, *name)).collect();
    let named = section.get("profile").and_then(|_| section.choice("profile", None, &profiles));
    let base = named.and_then(Link::profile).unwrap_or(Link::PLAIN);
    let rtt = section.duration("rtt", Some(base.rtt), Bounds::durations(0, LONGEST_RTT));
    let jitter = section.duration("jitter", Some(base.jitter), Bounds::durations(0, LONGEST_RTT));
    let loss = section.number("loss", Some(base.loss), LOSS);
    let down = rate(&mut section, "down").or(base.down);
    let up = rate(&mut section, "up").or(base.up);
    let link = Link { rtt, jitter, loss, down, up, ..base };
    if jitter > link.most_jitter()
        && let Some(node) = section.get("jitter").or_else(|| section.get("rtt"))
    {
        let most = crate::units::format_duration(link.most_jitter());
        let message = format!(
            "{} is more than half the round trip; write {most} or less, or a longer rtt",
            node.shown()
        );
        section.problem("jitter", &node.origin, message);
    }
    let tls = section.bool("tls", false);
    if tls
        && engine != Engine::Live
        && let Some(node) = section.get("tls")
    {
        let message =
            "TLS is measured on real sockets, so only the live engine has it; write false, or --engine live";
        section.problem("tls", &node.origin, message.to_owned());
    }
    section.finish(super::elsewhere);
    ((link != Link::PLAIN).then_some(link), tls)
}

fn rate(section: &mut Section<'_>, key: &'static str) -> Option<u64> {
    let node: &Node = section.get(key)?;
    section.measured(key, node, |text| {
        let value = parse_rate(text)?;
        super::section::within(
            (RATES.least..=RATES.most).contains(&value),
            value,
            node,
            crate::units::format_rate(RATES.least),
            crate::units::format_rate(RATES.most),
        )
    })
}
