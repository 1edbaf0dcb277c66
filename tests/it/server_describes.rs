//! What the server says of itself: metrics in Prometheus' text format, and the OpenAPI description.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{TestServer, answer, soon};

/// The samples of a page in the text format 0.0.4, held to its rules: HELP, then TYPE, then samples.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let (mut helped, mut typed) = (String::new(), String::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty(), "{line}");
            helped = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, helped);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(kind == "counter" || kind == "gauge", "{line}");
            typed = name.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            assert_eq!(name, typed, "a sample stands under its type");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "{line}");
        }
    }
    assert!(page.ends_with('\n'));
    samples
}

#[tokio::test]
async fn metrics_are_prometheus_text_and_agree_with_the_counters() {
    let server = TestServer::start().await;
    let (mut socket, _) = server.socket("/topics/t/socket").await;
    socket.say(json!({"data": 1, "id": "a"})).await;
    socket.json().await;
    socket.json().await; // the acknowledgement and the event
    server.publish("t", json!({"data": 2})).await;
    server.ask("/topics/t/events?after=0").await;
    server.ask("/topics/t/events").await;
    let response = soon(server.get("/metrics").send()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4");
    let samples = samples(&response.text().await.unwrap());
    for (series, value) in [
        ("http_reqs_total", 4.0), // the upgrade, the POST and two polls; this one is not answered yet
        ("ws_sessions_total", 1.0),
        ("ws_msgs_sent_total", 1.0),
        ("ws_msgs_received_total", 4.0), // a greeting, an acknowledgement, two events
        ("anynews_polls_total{answer=\"events\"}", 1.0),
        ("anynews_polls_total{answer=\"empty\"}", 1.0),
        ("anynews_publishes_total{way=\"post\"}", 1.0),
        ("anynews_publishes_total{way=\"socket\"}", 1.0),
        ("anynews_events_published_total", 2.0),
        ("anynews_topics", 1.0),
        ("anynews_connections", 2.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}\n{samples:#?}");
    }
    assert!(samples["data_sent_total"] > 500.0 && samples["data_received_total"] > 500.0);
    assert!(samples["process_resident_memory_bytes"] > 1e6);
}

async fn described(server: &TestServer) -> Value {
    let (status, description) = server.ask("/openapi.json").await;
    assert_eq!(status, 200);
    description
}

/// Every `$ref` below a value.
fn references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            into.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[tokio::test]
async fn the_description_is_whole_and_every_call_in_it_answers() {
    let server = TestServer::start().await;
    let description = described(&server).await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut named = Vec::new();
    references(&description, &mut named);
    assert!(named.len() > 10);
    for name in named {
        assert!(description.pointer(name.trim_start_matches('#')).is_some(), "{name} leads nowhere");
    }

    let mut calls = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            calls.push(format!("{method} {path}"));
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let in_path = operation["parameters"].as_array().into_iter().flatten();
            let in_path = in_path.filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{path}");
            let path = path.replace("{topic}", "t");
            let request = match method.as_str() {
                "post" => server.post(&path, r#"{"data":1}"#),
                _ => server.get(&path),
            };
            let status = soon(request.send()).await.unwrap().status().as_u16().to_string();
            // A plain GET of the socket is told to upgrade.
            let told = operation["responses"].as_object().unwrap();
            let range = format!("{}XX", &status[..1]);
            assert!(told.contains_key(&status) || told.contains_key(&range), "{method} {path}: {status}");
            assert!(!["404", "405", "500"].contains(&status.as_str()), "{method} {path}: {status}");
        }
    }
    calls.sort();
    assert_eq!(
        calls,
        [
            "get /healthz",
            "get /metrics",
            "get /openapi.json",
            "get /stats",
            "get /topics/{topic}/events",
            "get /topics/{topic}/socket",
            "get /topics/{topic}/stream",
            "post /topics/{topic}/events",
        ]
    );
}

#[tokio::test]
async fn real_answers_fit_the_schemas_of_the_description() {
    let server = TestServer::start().await;
    let description = described(&server).await;
    let fits = |name: &str, value: &Value| {
        let schema = json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": description["components"],
        });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?} in {value}");
        assert!(!validator.is_valid(&json!(["no object"])), "{name} lets everything through");
    };
    let body = json!({"data": {"text": "hi"}, "id": "a", "key": "k", "from": "me", "ttl_ms": 60_000});
    fits("Publish", &body);
    let (_, place) = answer(server.post("/topics/t/events", body.to_string())).await;
    fits("Place", &place);
    let (_, polled) = server.ask("/topics/t/events?after=0").await;
    fits("Polled", &polled);
    fits("Event", &polled["events"][0]);
    let (_, problem) = server.ask("/topics/t/events?after=x").await;
    fits("Problem", &problem);
    let (_, stats) = server.ask("/stats").await;
    fits("Stats", &stats);
}
