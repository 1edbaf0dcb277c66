//! Theory held to virtual time: every scenario of the course, some networks, and crowds too large to write down.

use std::time::{Duration, Instant};

use anynews::outcome::{Outcome, TransportOutcome};
use anynews::scenario::{Inbox, Scenario, Workload, file::Overrides, shipped};
use anynews::units::parse_duration;
use anynews::{sim, theory};

use crate::harness::known;

/// A shipped scenario with settings changed; `periodic=GAP` puts another workload in its place, as
/// `--set` cannot.
fn load(name: &str, set: &[&str]) -> Scenario {
    let (periodic, set): (Vec<&str>, Vec<&str>) = set.iter().partition(|text| text.starts_with("periodic="));
    let set = set.into_iter().map(str::to_owned).collect();
    let mut scenario = shipped::load(name, &Overrides { set, ..Overrides::default() }).unwrap();
    if let Some(gap) = periodic.first() {
        let gap = parse_duration(&gap["periodic=".len()..]).unwrap();
        scenario.workload = Workload::Periodic { gap, inbox: Inbox::Own, payload: None };
    }
    scenario
}

fn formulas(name: &str, set: &[&str]) -> Outcome {
    theory::run(&load(name, set), None).unwrap()
}

/// Whether two figures are within a share of the larger, or within `least`.
fn near(case: &str, one: f64, other: f64, share: f64, least: f64) {
    let reach = (share * one.abs().max(other.abs())).max(least);
    assert!((one - other).abs() <= reach, "{case}: sim {one}, theory {other}, allowed {reach}");
}

fn compare(case: &str, sim: &TransportOutcome, theory: &TransportOutcome) {
    let case = |what: &str| format!("{case}, {}, {what}", sim.label);
    let (requests, deliveries) = (&sim.requests, &sim.deliveries);
    let polls = requests.polls as f64;
    let count_error = 3.0 * f64::from(sim.clients).sqrt() / 2.0;
    near(&case("requests"), requests.total as f64, theory.requests.total as f64, 0.01, count_error.max(2.0));
    near(&case("skipped"), requests.skipped as f64, theory.requests.skipped as f64, 0.01, count_error);
    assert_eq!(sim.waste_ratio.is_some(), theory.waste_ratio.is_some(), "{}", case("waste"));
    if let (Some(one), Some(other)) = (sim.waste_ratio, theory.waste_ratio) {
        near(&case("waste"), one, other, 0.0, 3.0 * (other * (1.0 - other) / polls).sqrt() + 0.002);
    }
    assert_eq!(deliveries.published, theory.deliveries.published, "{}", case("published"));
    assert_eq!(deliveries.expected, theory.deliveries.expected, "{}", case("expected"));
    let missed = (deliveries.expected as f64 - theory.deliveries.delivered as f64).max(1.0);
    let delivered = (deliveries.delivered as f64, theory.deliveries.delivered as f64);
    near(&case("delivered"), delivered.0, delivered.1, 0.0, 3.0 * missed.sqrt());
    let mean = (sim.latency_ms.mean.unwrap(), theory.latency_ms.mean.unwrap());
    // The independent unit: the letter where inboxes are one's own, else the client with its phase.
    let own = deliveries.published == deliveries.expected;
    let units = if own { delivered.0 } else { delivered.0.min(sim.clients.into()) };
    // An even wait has a standard deviation of its length/√12.
    let spread = theory.latency_ms.max.unwrap_or(0.0) - theory.latency_ms.min.unwrap_or(0.0);
    let error = 3.0 * spread / 12f64.sqrt() / units.sqrt();
    near(&case("mean delay"), mean.0, mean.1, 0.03, error.max(5.0));
    if let (Some(one), Some(other)) = (sim.latency_ms.p95, theory.latency_ms.p95) {
        near(&case("p95"), one, other, 0.05, 2.0 * error);
    }
    near(&case("bytes up"), known(sim.bytes.up), known(theory.bytes.up), 0.02, 8.0 * count_error);
    near(&case("bytes down"), known(sim.bytes.down), known(theory.bytes.down), 0.02, 8.0 * count_error);
    near(&case("payload"), sim.bytes.payload as f64, theory.bytes.payload as f64, 0.02, 0.0);
    near(&case("opening"), known(sim.bytes.opening), known(theory.bytes.opening), 0.001, 0.0);
    let wire = (known(sim.bytes.wire_estimate), known(theory.bytes.wire_estimate));
    near(&case("wire estimate"), wire.0, wire.1, 0.02, 8.0 * count_error);
    let opened = (known(sim.connections.opened), known(theory.connections.opened));
    near(&case("connections"), opened.0, opened.1, 0.02, 0.0);
    assert_eq!(sim.connections.handshakes, theory.connections.handshakes, "{}", case("handshakes"));
    assert_eq!(sim.sends.count, theory.sends.count, "{}", case("sends"));
    near(&case("pings"), sim.frames.pings as f64, theory.frames.pings as f64, 0.0, 2.0 * count_error);
    if let (Some(one), Some(other)) = (sim.staleness_ms_mean, theory.staleness_ms_mean) {
        // With losses a handful of time-outs are most of the square; that has a test of its own.
        let rare = theory.latency_ms.max.is_none();
        near(&case("staleness"), one, other, if rare { 0.5 } else { 0.15 }, 0.0);
    }
    if let (Some(one), Some(other)) = (sim.wait_ms_mean, theory.wait_ms_mean) {
        near(&case("wait"), one, other, 0.05, error.max(1.0));
    }
}

#[test]
fn the_formulas_are_within_the_noise_of_virtual_time() {
    let described = |name: &str| {
        let scenario = load(name, &[]);
        // No formula describes visits to a cached page.
        scenario.needs_live().is_none() && scenario.visit.is_none()
    };
    let any_engine = shipped::course().iter().filter(|shipped| described(shipped.name));
    let plain: Vec<(&str, &[&str])> = any_engine.map(|shipped| (shipped.name, &[][..])).collect();
    let changed: [(&str, &[&str]); 14] = [
        ("letters", &["warmup=1s"]),
        ("letters", &["network.rtt=100ms", "network.jitter=20ms"]),
        ("letters", &["periodic=12s"]),
        ("letters", &["workload.inbox=shared", "workload.mean_gap=200ms", "poll.interval=500ms"]),
        ("letters", &["poll.interval=200ms", "network.rtt=500ms"]),
        ("in-between", &["network.rtt=400ms"]),
        ("in-between", &["network.profile=3g"]),
        ("in-between", &["network.profile=wifi"]),
        ("in-between", &["workload.mean_gap=1s", "network.rtt=100ms"]),
        ("in-between", &["periodic=3s", "network.rtt=100ms", "long-poll.hold=1s"]),
        ("chat", &["network.rtt=100ms"]),
        ("cricket", &["network.rtt=100ms"]),
        ("ticker", &["network.rtt=100ms"]),
        ("connection-per-poll", &["network.rtt=100ms"]),
    ];
    for (name, set) in plain.into_iter().chain(changed) {
        let mut scenario = load(name, set);
        // Whole lives take as long as they take; a minute of them will do.
        scenario.duration = scenario.duration.min(Duration::from_secs(60));
        let virtually = sim::run(&scenario, &sim::Options::default()).unwrap().0;
        let theory = theory::run(&scenario, None).unwrap();
        for (one, other) in virtually.transports.iter().zip(&theory.transports) {
            compare(&format!("{name} {set:?}"), one, other);
        }
    }
}

/// One transport of a scenario by both engines: sim, theory.
fn both(mut scenario: Scenario, label: &str) -> (TransportOutcome, TransportOutcome) {
    scenario.transports.retain(|transport| transport.label == label);
    let virtually = sim::run(&scenario, &sim::Options::default()).unwrap().0;
    let theory = theory::run(&scenario, None).unwrap();
    assert!(theory.machine.is_some() && theory.machine == virtually.machine);
    let only = |outcome: Outcome| outcome.transports.into_iter().next().unwrap();
    (only(virtually), only(theory))
}

#[test]
fn a_connection_per_poll_is_opened_before_the_poll_waits() {
    let settings = ["poll.keep_alive=false", "poll.conditional=true", "network.rtt=50ms"];
    let (sim, theory) = both(load("letters", &settings), "poll");
    let way = |t: &TransportOutcome| t.latency_ms.mean.unwrap() - t.wait_ms_mean.unwrap();
    // Two round trips, but for news that comes while a poll is on its way.
    assert!((way(&theory) - 99.4).abs() < 0.1, "{}", way(&theory));
    near("way", way(&sim), way(&theory), 0.0, 2.0);

    let settings = ["poll.keep_alive=false", "poll.interval=10ms", "network.rtt=60ms", "clients=50"];
    let mut scenario = load("letters", &settings);
    let gap = Duration::from_millis(20);
    scenario.workload = Workload::Periodic { gap, inbox: Inbox::Shared, payload: None };
    scenario.duration = Duration::from_secs(5);
    let (sim, theory) = both(scenario, "poll");
    near("wait", sim.wait_ms_mean.unwrap(), theory.wait_ms_mean.unwrap(), 0.1, 0.0);
}

#[test]
fn pushed_news_is_stale_for_the_square_of_its_trip() {
    let cases: [(&[&str], f64); 3] = [
        (&["network.profile=satellite", "workload.mean_gap=1s", "clients=2000"], 0.2),
        (&["network.profile=3g", "network.jitter=100ms", "workload.mean_gap=5s", "clients=1000"], 0.06),
        // Here late events hold up others.
        (&["network.rtt=400ms", "network.jitter=200ms", "workload.mean_gap=200ms", "clients=50"], 0.05),
    ];
    for (settings, share) in cases {
        let (sim, theory) = both(load("letters", settings), "websocket");
        let stale = (sim.staleness_ms_mean.unwrap(), theory.staleness_ms_mean.unwrap());
        near(&format!("{settings:?} staleness"), stale.0, stale.1, share, 0.0);
        let mean = (sim.latency_ms.mean.unwrap(), theory.latency_ms.mean.unwrap());
        near(&format!("{settings:?} mean delay"), mean.0, mean.1, share / 2.0, 0.0);
        if let (Some(one), Some(other)) = (sim.latency_ms.p99, theory.latency_ms.p99) {
            near(&format!("{settings:?} p99"), one, other, 0.03, 0.0);
        }
    }
}

#[test]
fn jitter_reaches_as_far_as_three_trips() {
    let settings = ["network.rtt=100ms", "network.jitter=20ms", "workload.mean_gap=5s", "clients=20000"];
    let (sim, theory) = both(load("letters", &settings), "poll");
    let (one, other) = (&sim.latency_ms, &theory.latency_ms);
    // T + d + 3j: the fetching poll's jitter both ways, and that of the poll before.
    assert!((other.max.unwrap() - 5_110.0).abs() < 1e-6, "{other:?}");
    assert!(one.max.unwrap() <= 5_110.0 && one.max.unwrap() > 5_090.0, "{one:?}");
    // The histogram of virtual time is 4 ms fine here.
    near("p99", one.p99.unwrap(), other.p99.unwrap(), 0.0, 8.0);
    near("p999", one.p999.unwrap(), other.p999.unwrap(), 0.0, 8.0);
}

#[test]
fn ten_million_inboxes_are_answered_at_once() {
    let begun = Instant::now();
    let many = ["clients=10000000", "duration=1h", "network.rtt=100ms"];
    let outcome = formulas("in-between", &many);
    let gap = Duration::from_secs(20);
    assert!(begun.elapsed() < gap, "{:?}", begun.elapsed());
    let poll = &outcome.transports[0];
    assert!((poll.waste_ratio.unwrap() - (-5.0f64 / 47.5).exp()).abs() < 1e-9);
    assert!((poll.latency_ms.mean.unwrap() - 2_550.0).abs() < 1e-6);
    assert_eq!(poll.requests.polls, 7_200_000_000);
    let long = outcome.transports[1].requests.polls as f64 / 1e7;
    // One cycle of 2d + a(1 − b)/λ after another.
    let (a, b) = ((-0.1f64 / 47.5).exp(), (-10.0f64 / 47.5).exp());
    let cycles = 3600.0 / (0.1 + a * (1.0 - b) * 47.5);
    assert!((long - cycles).abs() < 0.005 * cycles, "{long} {cycles}");
}

#[test]
fn averaged_inboxes_are_those_that_are_written_down() {
    for kind in [&["workload.mean_gap=30s"][..], &["periodic=30s"]] {
        let of = |clients: &'static str| formulas("in-between", &[&[clients], kind].concat());
        // 5 and 20 seconds of 100,000 inboxes are 83,000 events, those of 500,000 too many.
        let (written, averaged) = (of("clients=100000"), of("clients=500000"));
        for (one, other) in written.transports.iter().zip(&averaged.transports) {
            let five = |n: u64| n as f64 * 5.0;
            let case = |what: &str| format!("{kind:?}, {}, {what}", one.label);
            let pairs = [
                ("requests", one.requests.total, other.requests.total),
                ("empty", one.requests.empty, other.requests.empty),
                ("owed", one.deliveries.expected, other.deliveries.expected),
                ("bytes up", one.bytes.up.unwrap(), other.bytes.up.unwrap()),
                ("bytes down", one.bytes.down.unwrap(), other.bytes.down.unwrap()),
            ];
            for (what, one, other) in pairs {
                // Names and numbers of a larger crowd have more digits.
                near(&case(what), five(one), other as f64, 0.04, 0.0);
            }
            let delay = |t: &TransportOutcome| t.latency_ms.mean.unwrap();
            near(&case("mean delay"), delay(one), delay(other), 0.01, 0.01);
        }
    }
}

#[test]
fn what_no_formula_describes_is_refused() {
    let refused = |name, set: &[&str]| theory::run(&load(name, set), None).unwrap_err().to_string();
    let jumpy = refused("letters", &["poll.interval=100ms", "network.rtt=100ms", "network.jitter=10ms"]);
    assert!(jumpy.contains("poll") && jumpy.contains("chance"), "{jumpy}");
    let piled = refused("game", &["network.rtt=300ms"]);
    assert!(piled.contains("without end"), "{piled}");
    let large = refused("ticker", &["duration=24h", "workload.gap=1ms"]);
    assert!(large.contains("too many"), "{large}");
}
