//! Several servers in words: what is between them, what had to cross, what that cost.

use crate::outcome::{Fleet, Outcome, Summary};

use super::numbers::{self, count, percent};
use super::ways::{Kind, Way, list, ways};

/// One piece of the way from A to B.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody on the way: a name, and a remark that may be empty.
    Place(&'static str, String),
    /// From one to the next: how long it took; empty where it is told at a place.
    Hop(String),
    /// Nothing leads on.
    Gap(String),
}

/// What there is to say of a fleet, for a terminal and a page alike; nothing of one server.
#[must_use]
pub fn sentences(outcome: &Outcome) -> Vec<String> {
    let all = ways(outcome);
    let fleets: Vec<(&Way<'_>, &Fleet)> =
        all.iter().filter_map(|way| Some((way, way.t.fleet.as_ref()?))).collect();
    let Some((_, fleet)) = fleets.first().filter(|(_, fleet)| fleet.servers > 1) else { return Vec::new() };
    let mut said = vec![between(fleet)];
    said.extend(crossed(&fleets));
    if let Some((way, fleet)) = measured(&fleets) {
        said.extend(added(way, fleet));
    }
    said.extend(polls(&fleets));
    said
}

fn between(fleet: &Fleet) -> String {
    let servers = count(fleet.servers.into());
    match fleet.broker.as_str() {
        "none" => format!(
            "Between the {servers} servers there is nothing: each knows only what was published to itself."
        ),
        "redis-pubsub" => format!(
            "The {servers} servers talk by Redis pub/sub, which passes on and keeps nothing: at most once. \
             What is published while a server is cut off never reaches its people."
        ),
        "redis" => format!(
            "The {servers} servers share a log in Redis, and pub/sub carries the news: a server that \
             missed some reads them there, so that nothing is lost."
        ),
        _ => format!("There are {servers} servers."),
    }
}

/// How much of what had to cross arrived.
fn crossed(fleets: &[(&Way<'_>, &Fleet)]) -> Option<String> {
    let owed: Vec<_> = fleets.iter().filter(|(_, fleet)| fleet.cross_server_expected > 0).collect();
    let first = owed.first()?;
    let share = |fleet: &Fleet| fleet.cross_server_lost as f64 / fleet.cross_server_expected as f64;
    if owed.iter().all(|(_, fleet)| fleet.cross_server_lost == 0) {
        let n = count(owed.iter().map(|(_, fleet)| fleet.cross_server_expected).sum());
        return Some(format!("All {n} deliveries that had to cross from server to server did."));
    }
    let same = owed.iter().all(|(_, fleet)| {
        (fleet.cross_server_lost, fleet.cross_server_expected)
            == (first.1.cross_server_lost, first.1.cross_server_expected)
    });
    let of = |(way, fleet): &(&Way<'_>, &Fleet)| {
        let (lost, expected) = (count(fleet.cross_server_lost), count(fleet.cross_server_expected));
        let by = if same { "each way".to_owned() } else { way.name.clone() };
        format!("{lost} of {expected} ({}) by {by}", percent(share(fleet)))
    };
    let parts: Vec<String> =
        owed.iter().take(if same { 1 } else { owed.len() }).map(|pair| of(pair)).collect();
    Some(format!(
        "Of the deliveries that had to cross from server to server, these were lost: {}.",
        list(&parts)
    ))
}

/// The way whose hops say most: one that is told at once.
fn measured<'a>(fleets: &[(&'a Way<'a>, &'a Fleet)]) -> Option<(&'a Way<'a>, &'a Fleet)> {
    let hops = fleets.iter().filter(|(_, fleet)| fleet.hops_ms.is_some());
    hops.max_by_key(|(way, _)| (!way.kind.asks(), way.kind == Kind::WebSocket)).copied()
}

/// The way whose path is drawn, with its steps.
#[must_use]
pub fn path<'a>(all: &'a [Way<'a>]) -> Option<(&'a Way<'a>, Vec<Step>)> {
    let fleets: Vec<(&Way<'_>, &Fleet)> =
        all.iter().filter_map(|way| Some((way, way.t.fleet.as_ref()?))).collect();
    let (way, fleet) = measured(&fleets).or_else(|| fleets.last().copied())?;
    let place = |name, remark: &str| Step::Place(name, remark.to_owned());
    let mut steps = vec![place("A", "")];
    if let Some(hops) = &fleet.hops_ms {
        steps.push(Step::Hop(median(&hops.to_server)));
        steps.push(place("server 1", &format!("Redis has answered after {}", median(&hops.to_redis))));
        steps.push(Step::Hop(String::new()));
        steps.push(place("Redis", &format!("{} from server 1 to server 2", median(&hops.to_other_server))));
        steps.push(Step::Hop(String::new()));
        steps.push(place("server 2", ""));
        let waits = "waits for the next ask";
        steps.push(Step::Hop(hops.to_reader.as_ref().map_or_else(|| waits.to_owned(), median)));
    } else if fleet.servers > 1 {
        let (lost, expected) = (count(fleet.cross_server_lost), count(fleet.cross_server_expected));
        steps.extend([Step::Hop(String::new()), place("server 1", "")]);
        steps.push(Step::Gap(format!("nothing: {lost} of {expected} lost")));
        steps.extend([place("server 2", ""), Step::Hop(String::new())]);
    } else {
        steps.extend([Step::Hop(String::new()), place("server 1", ""), Step::Hop(String::new())]);
    }
    steps.push(place("B", ""));
    Some((way, steps))
}

/// Hops are short: below a millisecond in microseconds.
fn ms(value: f64) -> String {
    if value < 0.9995 { format!("{:.0}\u{a0}µs", value * 1000.0) } else { numbers::ms(value) }
}

fn median(hop: &Summary) -> String {
    hop.p50.map_or_else(|| "–".to_owned(), ms)
}

fn added(way: &Way<'_>, fleet: &Fleet) -> Option<String> {
    let hops = fleet.hops_ms.as_ref()?;
    let (half, total) = (hops.to_other_server.p50?, hops.total.p50?);
    let most = hops.to_other_server.p99.map_or_else(
        || format!(", with too few ({}) for a 99th percentile", count(hops.to_other_server.count)),
        |p99| format!(", 99 in 100 less than {}", ms(p99)),
    );
    Some(format!(
        "From one server’s hand through Redis into the other’s feed half of them took less than {}{most}: \
         that is what crossing adds, of {} from A to B by {}.",
        ms(half),
        ms(total),
        way.name
    ))
}

fn polls(fleets: &[(&Way<'_>, &Fleet)]) -> Option<String> {
    let (_, fleet) = fleets.iter().find(|(way, _)| way.kind.asks())?;
    Some(if fleet.polls_roam {
        "Each poll went to the next server in turn and found the same feed there: behind such a balancer \
         nobody has to stay with one server."
            .to_owned()
    } else {
        "Polls stayed with one server each: a position in its feed means nothing to the others.".to_owned()
    })
}

/// Heads and rows of the hops of all ways, in milliseconds: median and 99th percentile.
#[must_use]
pub fn table(all: &[Way<'_>]) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let measured: Vec<_> =
        all.iter().filter_map(|w| Some((w, w.t.fleet.as_ref()?.hops_ms.as_ref()?))).collect();
    if measured.is_empty() {
        return None;
    }
    let cell = |hop: Option<&Summary>| {
        let of = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), ms);
        hop.map_or_else(|| "–".to_owned(), |hop| format!("{} / {}", of(hop.p50), of(hop.p99)))
    };
    let mut heads = vec!["Hop (half / 99 in 100 within)".to_owned()];
    heads.extend(measured.iter().map(|(way, _)| way.name.clone()));
    let row = |name: &str, of: &dyn Fn(&crate::outcome::Hops) -> Option<Summary>| {
        let cells = measured.iter().map(|(_, hops)| cell(of(hops).as_ref()));
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let rows = vec![
        row("A → server 1", &|h| Some(h.to_server.clone())),
        row("server 1 → Redis → server 1: the answer", &|h| Some(h.to_redis.clone())),
        row("server 1 → Redis → server 2", &|h| Some(h.to_other_server.clone())),
        row("server 2 → B", &|h| h.to_reader.clone()),
        row("A → B", &|h| Some(h.total.clone())),
    ];
    Some((heads, rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Hops;
    use crate::report::fixture;

    fn with(broker: &str, lost: u64, hops_ms: Option<Hops>) -> Outcome {
        let mut outcome = fixture::in_between();
        for t in &mut outcome.transports {
            let polls_roam = broker == "redis" && t.kind.contains("poll");
            let fleet = Fleet {
                servers: 2,
                broker: broker.to_owned(),
                hops_ms: hops_ms.clone(),
                cross_server_expected: 642,
                cross_server_lost: lost,
                polls_roam,
            };
            t.fleet = Some(fleet);
        }
        outcome
    }

    #[test]
    fn one_server_is_not_worth_a_word() {
        assert_eq!(sentences(&fixture::letters()), Vec::<String>::new());
        assert!(path(&ways(&fixture::letters())).is_none());
    }

    #[test]
    fn it_says_what_was_lost_and_why() {
        let said = sentences(&with("none", 642, None)).join("\n");
        assert!(said.contains("there is nothing") && said.contains("642 of 642 (100"), "{said}");
        let outcome = with("none", 642, None);
        let ways = ways(&outcome);
        let (_, steps) = path(&ways).unwrap();
        assert!(steps.contains(&Step::Gap("nothing: 642 of 642 lost".to_owned())), "{steps:?}");
    }

    #[test]
    fn it_says_what_crossing_adds() {
        let hop = |p50, p99| Summary { count: 642, p50: Some(p50), p99, ..Summary::default() };
        let hops = Hops {
            to_server: hop(0.3, Some(0.9)),
            to_redis: hop(0.2, Some(0.8)),
            to_other_server: hop(0.25, Some(1.1)),
            to_reader: Some(hop(0.1, None)),
            total: hop(0.7, Some(2.0)),
        };
        let outcome = with("redis", 0, Some(hops));
        let said = sentences(&outcome).join("\n").replace('\u{a0}', " ");
        for part in [
            "a log in Redis",
            "All 2,568 deliveries",
            "250 µs, 99 in 100 less than 1.1 ms",
            "by WebSocket",
            "the next server in turn",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        let rows = table(&ways(&outcome)).unwrap().1;
        assert_eq!(rows[3][4].replace('\u{a0}', " "), "100 µs / –");
    }
}
