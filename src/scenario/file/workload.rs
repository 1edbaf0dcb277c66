//! `[workload]`: who publishes what, when.

use std::time::Duration;

use crate::scenario::{Inbox, Night, Opening, Workload};
use crate::workload::MIN_PAYLOAD;

use super::section::{Bounds, Section};
use super::{DAY, trace};

/// Kinds, each with its keys.
pub(super) const KINDS: [(&str, &[&str]); 7] = [
    ("poisson", &["mean_gap", "inbox", "payload"]),
    ("periodic", &["gap", "inbox", "payload"]),
    ("chat", &["members", "gap_per_room", "typing_before", "receipts", "night", "quiet"]),
    ("cricket", &["gap_per_ball", "overs", "pauses"]),
    ("ticker", &["symbols", "gap", "conflate", "burst", "settle"]),
    ("game", &["players", "tick"]),
    ("trace", &["file"]),
];
/// What fits into a message of 64 KiB beside its envelope.
const MOST_PAYLOAD: usize = 60 * 1024;
pub(super) const GROUPS: Bounds<u32> = Bounds { least: 2, most: 10_000 };
pub(super) const OVERS: Bounds<u32> = Bounds { least: 1, most: 1_000 };
pub(super) const SYMBOLS: Bounds<u32> = Bounds { least: 1, most: 10_000 };
pub(super) const QUIET: Bounds<f64> = Bounds { least: 0.0, most: 1.0 };
pub(super) const BURST: Bounds<f64> = Bounds { least: 1.0, most: 1_000.0 };
const DEFAULT_QUIET: f64 = 0.05;
const DEFAULT_SETTLE: Duration = Duration::from_secs(600);

/// What stands in for a workload that is missing or wrong.
pub(super) fn placeholder() -> Workload {
    Workload::Cricket { gap_per_ball: DAY, overs: 1, pauses: false }
}

/// Where a key belongs that `[workload]` would know.
pub(super) fn belongs(key: &str) -> Option<String> {
    let kind = KINDS.iter().find(|(_, keys)| keys.contains(&key))?.0;
    Some(format!("it belongs to [workload] with kind = \"{kind}\""))
}

/// `clients` is 0 when the file has none that would do.
pub(super) fn read(mut section: Section<'_>, clients: u32) -> Workload {
    let Some(kind) = section.kind(&KINDS) else {
        section.finish(|_| None);
        return placeholder();
    };
    let gaps = Bounds::durations(1, DAY);
    let workload = match kind {
        "poisson" => {
            let mean_gap = section.duration("mean_gap", None, gaps);
            Workload::Poisson { mean_gap, inbox: inbox(&mut section), payload: payload(&mut section) }
        }
        "periodic" => {
            let gap = section.duration("gap", None, gaps);
            Workload::Periodic { gap, inbox: inbox(&mut section), payload: payload(&mut section) }
        }
        "chat" => Workload::Chat {
            members: group(&mut section, "members", "rooms", clients),
            gap_per_room: section.duration("gap_per_room", None, gaps),
            typing_before: section.duration(
                "typing_before",
                Some(Duration::ZERO),
                Bounds::durations(0, Duration::from_secs(60)),
            ),
            receipts: section.bool("receipts", false),
            night: night(&mut section),
        },
        "cricket" => Workload::Cricket {
            gap_per_ball: section.duration("gap_per_ball", None, gaps),
            overs: section.count("overs", Some(20), OVERS),
            pauses: section.bool("pauses", false),
        },
        "ticker" => Workload::Ticker {
            symbols: section.count("symbols", Some(20), SYMBOLS),
            gap: section.duration("gap", None, gaps),
            conflate: section.bool("conflate", false),
            opening: opening(&mut section),
        },
        "game" => Workload::Game {
            players: group(&mut section, "players", "matches", clients),
            tick: section.duration("tick", None, gaps),
        },
        _ => trace::read(&mut section, clients).unwrap_or_else(placeholder),
    };
    section.finish(|key| {
        let (other, _) = KINDS.iter().find(|(_, keys)| keys.contains(&key))?;
        let known = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
        Some(format!("it belongs to kind = \"{other}\"; kind = \"{kind}\" takes {}", known.join(", ")))
    });
    workload
}

fn inbox(section: &mut Section<'_>) -> Inbox {
    let options = [("own", Inbox::Own), ("shared", Inbox::Shared)];
    section.choice("inbox", Some(Inbox::Own), &options).unwrap_or(Inbox::Own)
}

fn payload(section: &mut Section<'_>) -> Option<usize> {
    section.size("payload", Bounds { least: MIN_PAYLOAD, most: MOST_PAYLOAD })
}

/// The hours of sleep, and how quiet they are.
fn night(section: &mut Section<'_>) -> Option<Night> {
    let quiet = section.number("quiet", Some(DEFAULT_QUIET), QUIET);
    let Some(node) = section.get("night") else {
        section.needs("quiet", "night");
        return None;
    };
    let Some((hours, length)) = node.text().and_then(|text| Some((text, length_of_night(text)?))) else {
        let message = format!("{} will not do; write hours like \"23:00-07:00\"", node.shown());
        section.problem("night", &node.origin, message);
        return None;
    };
    Some(Night { hours: hours.to_owned(), length, quiet })
}

/// `23:00-07:00` is eight hours; two equal times are none, for it could be no night or all day.
fn length_of_night(text: &str) -> Option<Duration> {
    let clock = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let number = |digits: &str, below: u64| {
            let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|n| plain && *n < below)
        };
        Some(number(hours, 24)? * 60 + number(minutes, 60)?)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (clock(from)?, clock(to)?);
    let minutes = (to + 24 * 60 - from) % (24 * 60);
    (minutes > 0).then(|| Duration::from_secs(minutes * 60))
}

/// How much more there is when the market opens, and for how long.
fn opening(section: &mut Section<'_>) -> Option<Opening> {
    let settles = Bounds::durations(1, DAY);
    let settle = section.duration("settle", Some(DEFAULT_SETTLE), settles);
    if section.get("burst").is_none() {
        section.needs("settle", "burst");
        return None;
    }
    let burst = section.number("burst", None, BURST);
    Some(Opening { burst, settle })
}

/// People per room or match, which must divide the people there are.
fn group(section: &mut Section<'_>, key: &'static str, groups: &str, clients: u32) -> u32 {
    let size = section.count(key, None, GROUPS);
    if size > 0
        && !clients.is_multiple_of(size)
        && let Some(node) = section.get(key)
    {
        let below = clients / size * size;
        let fits =
            if below == 0 { size.to_string() } else { format!("{below} or {}", below.saturating_add(size)) };
        let message =
            format!("{clients} clients do not make whole {groups} of {size}; write clients = {fits}");
        section.problem(key, &node.origin, message);
    }
    size
}
