//! Thresholds against an outcome.

use super::*;
use crate::outcome::*;
use crate::scenario::{Engine, Scenario, file};

fn scenario() -> Scenario {
    let text = "clients = 2\nworkload = { kind = \"poisson\", mean_gap = \"1s\" }\n\
                transport = [{ kind = \"poll\", interval = \"1s\" }, { kind = \"websocket\" }]";
    file::read("t", "t.toml", text, &file::Overrides::default()).expect("a sound scenario")
}

fn transport(label: &str, samples: u64) -> TransportOutcome {
    let summary = Summary {
        count: samples,
        min: Some(1.0),
        mean: Some(2.0),
        p50: Some(2.0),
        p90: Some(3.0),
        p95: Some(4.0),
        p99: (samples >= 100).then_some(5.0),
        p999: (samples >= 1000).then_some(6.0),
        max: Some(7.0),
    };
    let poll = label == "poll";
    TransportOutcome {
        label: label.to_owned(),
        kind: label.to_owned(),
        clients: 2,
        clients_connected: 2,
        requests: Requests { total: 12, polls: if poll { 12 } else { 0 }, ..Requests::default() },
        waste_ratio: poll.then_some(0.9),
        idle_per_delivery: None,
        requests_per_delivery: None,
        connections: Connections::default(),
        frames: Frames { received: 5, ..Frames::default() },
        deliveries: Deliveries::default(),
        sends: Sends::default(),
        latency_ms: summary,
        latency_histogram_us: Some((1..=samples).map(|n| (n * 1000, 1)).collect()),
        samples: None,
        wait_ms_mean: None,
        staleness_ms_mean: None,
        request_ms: None,
        request_ms_uncorrected: None,
        // Of the other way nobody counted them.
        bytes: Bytes { up: poll.then_some(1), down: poll.then_some(1), ..Bytes::default() },
        server: None,
        fleet: None,
        theory: Theory::default(),
        handshake: None,
        series: Series::default(),
        audit: None,
        person: None,
        trouble: None,
    }
}

fn outcome(samples: u64) -> Outcome {
    Outcome {
        schema: SCHEMA.to_owned(),
        version: String::new(),
        engine: Engine::Live,
        seed: 1,
        started_at: None,
        scenario: scenario(),
        prediction: None,
        interrupted_at_s: None,
        shard: None,
        targets: Vec::new(),
        in_turn: false,
        machine: None,
        generator: None,
        transports: vec![transport("poll", samples), transport("websocket", samples)],
        thresholds: Vec::new(),
    }
}

fn verdict(metric: &str, expression: &str, samples: u64) -> ThresholdOutcome {
    check_metric(metric, &["poll", "websocket"]).unwrap();
    check_expression(metric, expression).unwrap();
    let threshold = Threshold { metric: metric.to_owned(), expression: expression.to_owned() };
    evaluate(&[threshold], &outcome(samples)).remove(0)
}

#[test]
fn a_condition_holds_or_fails_on_its_number() {
    for (metric, expression, actual, passed) in [
        ("poll.waste_ratio", "value>0.8", 0.9, true),
        ("poll.waste_ratio", "value>0.95", 0.9, false),
        ("websocket.latency_ms", "p(99)<50", 5.0, true),
        ("websocket.latency_ms", "p(95)<4", 4.0, false),
        ("websocket.latency_ms", "med<=2", 2.0, true),
        ("websocket.latency_ms", "avg<=2", 2.0, true),
        ("websocket.latency_ms", "count>100", 200.0, true),
        ("websocket.latency_ms", "p(75)<=150", 150.0, true),
        ("websocket.latency_ms", "p(100)<=200", 200.0, true),
        ("websocket.latency_ms", "p(0)<2", 1.0, true),
        ("websocket.latency_ms.p90", "value<4", 3.0, true),
        ("websocket.deliveries.lost", "count==0", 0.0, true),
        ("websocket.deliveries.lost", "value==0", 0.0, true),
        ("poll.http_reqs", "count>=12", 12.0, true),
        ("websocket.ws_msgs_received", "count>4", 5.0, true),
    ] {
        let said = verdict(metric, expression, 200);
        assert_eq!((said.actual, said.passed), (Some(actual), passed), "{metric} {expression}");
        assert_eq!(said.reason, None);
    }
}

#[test]
fn null_fails_and_says_why() {
    for (metric, expression, reason) in [
        ("websocket.latency_ms", "p(99)<50", "null: fewer than 100 samples"),
        ("websocket.latency_ms", "p(99.9)<50", "null: fewer than 1000 samples"),
        ("websocket.latency_ms", "p(99.5)<50", "null: fewer than 200 samples"),
        ("websocket.waste_ratio", "value<1", "null: it never polls"),
        ("poll.requests_per_delivery", "value<1", "null: nothing was delivered"),
        ("poll.http_req_duration", "p(95)<1", "null: not measured here"),
        ("poll.server.cpu_s", "value<1", "null: not measured here"),
        ("websocket.data_received", "count>0", "null: no server of this run counted it"),
    ] {
        let said = verdict(metric, expression, 60);
        assert_eq!((said.actual, said.passed), (None, false), "{metric} {expression}");
        assert_eq!(said.reason.as_deref(), Some(reason));
    }
}

#[test]
fn what_is_not_measured_is_refused_before_the_run() {
    for (metric, hint) in [
        ("waste_ratio", "like \"poll.waste_ratio\""),
        ("pol.waste_ratio", "did you mean \"poll\""),
        ("poll.wast_ratio", "did you mean \"waste_ratio\""),
        ("poll.lost", "did you mean \"deliveries.lost\""),
        ("poll.latency", "did you mean \"latency_ms\""),
    ] {
        let said = check_metric(metric, &["poll", "websocket"]).unwrap_err();
        assert!(said.contains(hint), "{metric}: {said}");
    }
    for (metric, expression, hint) in [
        ("poll.waste_ratio", "p(99)<1", "write value"),
        ("poll.deliveries.lost", "avg<1", "write count"),
        ("poll.latency_ms", "value<1", "distribution"),
        ("poll.request_ms", "p(75)<1", "not kept"),
    ] {
        let said = check_expression(metric, expression).unwrap_err();
        assert!(said.contains(hint), "{metric} {expression}: {said}");
    }
}

#[test]
fn every_metric_is_a_path_of_the_outcome() {
    let mut full = transport("poll", 2_000);
    full.server = Some(Server::default());
    full.audit = Some(Audit::default());
    full.sends.ack_ms = Some(Summary::default());
    full.request_ms = Some(Summary::default());
    full.request_ms_uncorrected = Some(Summary::default());
    full.fleet = Some(Fleet {
        servers: 2,
        broker: "redis".to_owned(),
        hops_ms: Some(Hops { to_reader: Some(Summary::default()), ..Hops::default() }),
        cross_server_expected: 0,
        cross_server_lost: 0,
        polls_roam: false,
    });
    let json = serde_json::to_value(&full).unwrap();
    for name in metrics::names() {
        let Some(path) = metrics::find(name).map(|metric| metric.path()) else { panic!("{name}") };
        let found = path.split('.').try_fold(&json, |value, step| value.get(step));
        assert!(found.is_some(), "{path} is not in the outcome");
    }
}
