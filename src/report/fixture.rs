//! Outcomes for tests, with the numbers a run of the shipped scenarios gives.

use std::time::Duration;

use crate::outcome::{
    Ask, Bytes, Connections, Deliveries, Frames, Generator, Handshake, Machine, News, Outcome, Person,
    Requests, SCHEMA, Sends, Series, Server, Summary, Theory, ThresholdOutcome, TransportOutcome,
};
use crate::random::Dice;
use crate::scenario::{Engine, Inbox, Scenario, Workload};
use crate::transport::{Http, Transport, Way};

const PEOPLE: u32 = 300;
const SECONDS: u64 = 20;

/// Polls every 5 s beside WebSocket, 126 messages.
pub fn letters() -> Outcome {
    outcome("letters", "Letters: any new messages?", &["poll", "websocket"], 126)
}

/// The same with long polling and SSE, 642 messages.
pub fn in_between() -> Outcome {
    outcome("in-between", "Between letters and a phone call", &["poll", "long-poll", "sse", "websocket"], 642)
}

/// Interrupted before anything happened: nulls and noughts everywhere.
pub fn empty() -> Outcome {
    let mut outcome = letters();
    outcome.interrupted_at_s = Some(0.3);
    outcome.started_at = None;
    outcome.machine = None;
    outcome.generator = None;
    outcome.prediction = None;
    outcome.thresholds.clear();
    for t in &mut outcome.transports {
        *t = TransportOutcome { theory: Theory::default(), clients_connected: 0, ..bare(&t.label, &t.kind) };
    }
    outcome
}

/// Every text field tries to break out of the page or to drive the terminal.
pub fn hostile() -> Outcome {
    const EVIL: &str =
        "<script>alert('x')</script>\"'><img src=http://evil.example/ onerror=alert(1)>]]>&\u{1b}[2J";
    let mut outcome = letters();
    let evil = || EVIL.to_owned();
    outcome.version = evil();
    outcome.started_at = Some(evil());
    outcome.prediction = Some(evil());
    outcome.scenario.name = evil();
    outcome.scenario.title = evil();
    outcome.scenario.lesson = Some(evil());
    outcome.scenario.predict = Some(evil());
    let machine = outcome.machine.as_mut().unwrap();
    (machine.os, machine.cpu) = (evil(), evil());
    for (i, t) in outcome.transports.iter_mut().enumerate() {
        t.label = format!("{i}{EVIL}");
        outcome.scenario.transports[i].label.clone_from(&t.label);
        t.handshake = Some(Handshake { request: evil(), response: evil() });
        t.person.as_mut().unwrap().news[0].text = evil();
    }
    outcome.transports[1].kind = evil();
    outcome.thresholds[0].metric = evil();
    outcome.thresholds[0].reason = Some(evil());
    outcome
}

fn outcome(name: &str, title: &str, kinds: &[&str], messages: u64) -> Outcome {
    Outcome {
        schema: SCHEMA.to_owned(),
        version: "0.1.0".to_owned(),
        engine: Engine::Live,
        seed: 1,
        started_at: Some("2026-02-01T09:30:00Z".to_owned()),
        scenario: scenario(name, title, kinds),
        prediction: Some("50".to_owned()),
        interrupted_at_s: None,
        shard: None,
        targets: Vec::new(),
        in_turn: false,
        machine: Some(Machine {
            os: "Linux 6.1".to_owned(),
            cpu: "Example CPU at 2.4 GHz".to_owned(),
            cores: 2,
            memory_bytes: 8 << 30,
        }),
        generator: Some(Generator {
            processes: 1,
            cpu_s: 1.9,
            publish_late_ms_p99: Some(1.4),
            poll_late_ms_p99: Some(2.1),
            saturated: false,
        }),
        transports: kinds.iter().map(|kind| transport(kind, messages)).collect(),
        thresholds: vec![ThresholdOutcome {
            metric: "poll.waste_ratio".to_owned(),
            expression: "value>0.8".to_owned(),
            actual: Some(0.9008),
            passed: true,
            reason: None,
        }],
    }
}

fn scenario(name: &str, title: &str, kinds: &[&str]) -> Scenario {
    let way = |kind: &str| match kind {
        "poll" => Way::Poll {
            interval: Duration::from_secs(5),
            backoff_max: None,
            keep_alive: true,
            conditional: false,
            shared_cache: None,
            http: Http::One,
        },
        "long-poll" => Way::LongPoll { hold: Duration::from_secs(25) },
        "sse" => Way::Sse,
        _ => Way::WebSocket { ping: Duration::from_secs(25), coalesce: Duration::ZERO, read_buffer: 4096 },
    };
    Scenario {
        name: name.to_owned(),
        title: title.to_owned(),
        predict: Some("Of 100 asks, how many get “Nope”?".to_owned()),
        answer: None,
        lesson: Some("Nine asks in ten bring nothing.".to_owned()),
        seed: 1,
        duration: Duration::from_secs(SECONDS),
        warmup: Duration::from_secs(5),
        clients: PEOPLE,
        visit: None,
        headers: crate::headers::Headers::Lean,
        engine: Engine::Live,
        workload: Workload::Poisson {
            mean_gap: Duration::from_millis(47_500),
            inbox: Inbox::Own,
            payload: None,
        },
        network: None,
        tls: false,
        fleet: None,
        transports: kinds
            .iter()
            .map(|kind| Transport { label: (*kind).to_owned(), way: way(kind) })
            .collect(),
        faults: Vec::new(),
        thresholds: Vec::new(),
        claims: Vec::new(),
        shard: None,
    }
}

fn bare(label: &str, kind: &str) -> TransportOutcome {
    TransportOutcome {
        label: label.to_owned(),
        kind: kind.to_owned(),
        clients: PEOPLE,
        clients_connected: PEOPLE,
        requests: Requests::default(),
        waste_ratio: None,
        idle_per_delivery: None,
        requests_per_delivery: None,
        connections: Connections::default(),
        frames: Frames::default(),
        deliveries: Deliveries::default(),
        sends: Sends::default(),
        latency_ms: Summary::default(),
        latency_histogram_us: Some(Vec::new()),
        samples: None,
        wait_ms_mean: None,
        staleness_ms_mean: None,
        request_ms: None,
        request_ms_uncorrected: None,
        bytes: Bytes::default(),
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

fn transport(kind: &str, messages: u64) -> TransportOutcome {
    let mut t = bare(kind, kind);
    let mut dice = Dice::new(1, &[kind.len() as u64]);
    let latencies: Vec<f64> = (0..messages).map(|_| latency(kind, &mut dice)).collect();
    t.latency_ms = summary(&latencies);
    t.latency_histogram_us = Some(histogram(&latencies));
    t.samples = (messages < 200).then(|| latencies.clone());
    t.deliveries =
        Deliveries { published: messages, expected: messages, delivered: messages, ..Deliveries::default() };
    t.connections = Connections { opened: Some(300), handshakes: 0, reconnects: 0, peak: Some(300) };
    t.server = Some(Server { cpu_s: 0.031, rss_peak_bytes: 14 << 20, ..Server::default() });
    t.person = Some(person(kind));
    t.handshake = Some(handshake(kind));
    match kind {
        "poll" => poll(&mut t, messages),
        "long-poll" => long_poll(&mut t, messages),
        _ => push(&mut t, kind, messages),
    }
    t.series = series(&t, &latencies);
    t
}

fn latency(kind: &str, dice: &mut Dice) -> f64 {
    match kind {
        "poll" => dice.unit().mul_add(5_000.0, 1.2),
        "long-poll" => 0.7 + dice.exponential(0.5),
        _ => 0.5 + dice.exponential(0.35),
    }
}

fn poll(t: &mut TransportOutcome, messages: u64) {
    t.requests = Requests { total: 1_200, polls: 1_200, empty: 1_081, ..Requests::default() };
    t.waste_ratio = Some(1_081.0 / 1_200.0);
    t.idle_per_delivery = Some(1_081.0 / messages as f64);
    t.requests_per_delivery = Some(1_200.0 / messages as f64);
    t.wait_ms_mean = t.latency_ms.mean.map(|mean| mean - 1.3);
    t.bytes = Bytes {
        up: Some(157_200),
        down: Some(198_720),
        payload: messages * 40,
        wire_estimate: Some(452_000),
        ..Bytes::default()
    };
    t.theory = Theory {
        waste_ratio: Some(0.9001),
        latency_mean_ms: Some(2_500.0),
        requests_total: Some(1_200.0),
        latency_law: vec![(0.0, 0.0), (5_000.0, 1.0)],
    };
    t.server = Some(Server { cpu_s: 0.42, rss_peak_bytes: 22 << 20, ..Server::default() });
}

fn long_poll(t: &mut TransportOutcome, messages: u64) {
    t.requests = Requests { total: 842, polls: 842, empty: 208, ..Requests::default() };
    t.waste_ratio = Some(208.0 / 842.0);
    t.idle_per_delivery = Some(208.0 / messages as f64);
    t.wait_ms_mean = Some(0.04);
    t.bytes = Bytes {
        up: Some(117_000),
        down: Some(190_000),
        payload: messages * 40,
        wire_estimate: Some(374_000),
        ..Bytes::default()
    };
    t.server = Some(Server { cpu_s: 0.21, rss_peak_bytes: 24 << 20, ..Server::default() });
}

fn push(t: &mut TransportOutcome, kind: &str, messages: u64) {
    t.requests = Requests { total: 300, opens: 300, ..Requests::default() };
    t.idle_per_delivery = Some(480.0 / messages as f64);
    t.bytes = Bytes {
        up: Some(1_440),
        down: Some(messages * 132 + 480),
        payload: messages * 40,
        opening: Some(112_800),
        wire_estimate: Some(messages * 172 + 20_000),
        ..Bytes::default()
    };
    if kind == "websocket" {
        t.connections.handshakes = 300;
        t.frames = Frames { sent: 0, received: messages, pings: 480, comments: 0 };
    } else {
        t.frames.comments = 400;
    }
    t.theory = Theory {
        waste_ratio: None,
        latency_mean_ms: Some(0.0),
        requests_total: Some(300.0),
        latency_law: vec![(0.0, 0.0), (0.0, 1.0)],
    };
}

fn series(t: &TransportOutcome, latencies: &[f64]) -> Series {
    let steps = SECONDS as usize;
    let part = |total: u64, i: usize| total * (i as u64 + 1) / SECONDS - total * i as u64 / SECONDS;
    let chunk = latencies.len().div_ceil(steps);
    let median = |i: usize| {
        let mut values: Vec<f64> = latencies.iter().skip(i * chunk).take(chunk).copied().collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Series {
        step_s: 1.0,
        requests: (0..steps).map(|i| part(t.requests.polls, i)).collect(),
        empty: (0..steps).map(|i| part(t.requests.empty, i)).collect(),
        delivered: (0..steps).map(|i| part(t.deliveries.delivered, i)).collect(),
        bytes: (0..steps).map(|i| part(t.bytes.both_ways().unwrap_or(0), i)).collect(),
        latency_p50_ms: (0..steps).map(median).collect(),
    }
}

fn person(kind: &str) -> Person {
    let written = [(7_200.0, "Priya: “Coming?”"), (16_050.0, "Rahul: “On my way, bring the umbrella”")];
    let polls = [400.0, 5_400.0, 10_400.0, 15_400.0];
    let asks = match kind {
        "poll" => {
            let ask = |&at: &f64| Ask { at_ms: at, answered_ms: at + 1.1, events: u32::from(at == 10_400.0) };
            polls.iter().map(ask).collect()
        }
        "long-poll" => vec![
            Ask { at_ms: 2_000.0, answered_ms: 7_201.1, events: 1 },
            Ask { at_ms: 7_201.2, answered_ms: 16_051.1, events: 1 },
        ],
        _ => Vec::new(),
    };
    let news = written.iter().map(|&(published_ms, text)| {
        let received_ms = if kind == "poll" {
            if published_ms < 10_000.0 { 10_401.1 } else { 20_401.1 }
        } else {
            published_ms + 1.1
        };
        News { published_ms, received_ms, text: text.to_owned() }
    });
    let news: Vec<News> = news.collect();
    Person {
        client: 17,
        asked: asks.len() as u64,
        nope: asks.iter().filter(|ask| ask.events == 0).count() as u64,
        received: news.len() as u64,
        asks,
        news,
    }
}

fn handshake(kind: &str) -> Handshake {
    let (request, response) = if kind == "websocket" {
        (
            "GET /topics/inbox-17/socket?after=0 HTTP/1.1\r\nHost: 127.0.0.1:41233\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        )
    } else {
        (
            "GET /topics/inbox-17/events?after=0 HTTP/1.1\r\nhost: 127.0.0.1:41232\r\naccept: */*\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 87\r\n\r\n",
        )
    };
    Handshake { request: request.to_owned(), response: response.to_owned() }
}

fn summary(latencies: &[f64]) -> Summary {
    let mut sorted = latencies.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let at = |share: f64, needed: usize| {
        let rank = ((share * n as f64).ceil() as usize).clamp(1, n.max(1)) - 1;
        (n >= needed).then(|| sorted[rank])
    };
    Summary {
        count: n as u64,
        min: at(0.0, 1),
        mean: Some(sorted.iter().sum::<f64>() / n as f64),
        p50: at(0.5, 1),
        p90: at(0.9, 1),
        p95: at(0.95, 1),
        p99: at(0.99, 100),
        p999: at(0.999, 1_000),
        max: at(1.0, 1),
    }
}

fn histogram(latencies: &[f64]) -> Vec<(u64, u64)> {
    let mut bins = std::collections::BTreeMap::new();
    for &ms in latencies {
        *bins.entry((ms * 1000.0).ceil() as u64).or_insert(0) += 1;
    }
    bins.into_iter().collect()
}
