//! `run --target`: the people of a scenario turn to servers that others started.

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::foreign::Serve;
use crate::program::{anynews, anynews_with, anynews_with_files, one_at_a_time};
use crate::redis_process::{self, Redis};

/// Four ways, people who write, two to a room.
const FOUR: &str = r#"
title = "Four ways"
duration = "2s"
warmup = "500ms"
clients = 12
[workload]
kind = "chat"
members = 2
gap_per_room = "400ms"
typing_before = "100ms"
[[transport]]
kind = "poll"
interval = "300ms"
[[transport]]
kind = "long-poll"
[[transport]]
kind = "sse"
[[transport]]
kind = "websocket"
"#;

/// A feed that others write, and many read.
const CRICKET: &str = r#"
title = "A match"
duration = "2s"
warmup = "200ms"
clients = 150
[workload]
kind = "cricket"
gap_per_ball = "200ms"
overs = 2
[[transport]]
kind = "poll"
interval = "1s"
[[transport]]
kind = "websocket"
"#;

const JSON: [&str; 6] = ["run", "s.toml", "--no-report", "--format", "json", "-q"];

fn folder(text: &str) -> TempDir {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), text).unwrap();
    folder
}

/// The outcome of a run against these targets.
fn outcome(text: &str, targets: &str, more: &[&str]) -> Value {
    let folder = folder(text);
    let arguments = [&JSON[..], &["--target", targets], more].concat();
    serde_json::from_str(&anynews(folder.path(), &arguments).exits(0).stdout).unwrap()
}

/// Everything of every transport arrived once; returns the transports.
#[track_caller]
fn all_arrived(outcome: &Value) -> &[Value] {
    let transports = outcome["transports"].as_array().unwrap();
    for t in transports {
        let d = &t["deliveries"];
        let label = &t["label"];
        assert!(d["delivered"].as_u64() > Some(0), "{label}: {d}");
        assert_eq!((d["lost"].as_u64(), d["duplicated"].as_u64()), (Some(0), Some(0)), "{label}: {d}");
        assert_eq!(
            (&t["clients_connected"], &t["requests"]["failed"]),
            (&t["clients"], &0.into()),
            "{label}"
        );
    }
    transports
}

#[test]
fn what_cannot_be_counted_at_a_server_of_others_is_null_and_the_rest_is_whole() {
    let _alone = one_at_a_time();
    let serve = Serve::start();
    let outcome = outcome(FOUR, &serve.http, &[]);
    for t in all_arrived(&outcome) {
        for null in ["/bytes/up", "/bytes/down", "/bytes/overhead", "/bytes/opening", "/bytes/wire_estimate"]
        {
            assert_eq!(t.pointer(null), Some(&Value::Null), "{null}");
        }
        for null in ["/connections/opened", "/connections/peak", "/server", "/fleet", "/audit"] {
            assert_eq!(t.pointer(null), Some(&Value::Null), "{null}");
        }
        let handshakes = if t["kind"] == "websocket" { 12 } else { 0 };
        assert_eq!(t["connections"]["handshakes"], handshakes);
        assert!(t["bytes"]["payload"].as_u64() > Some(0) && t["sends"]["count"].as_u64() > Some(0));
        assert!(t["theory"]["latency_mean_ms"].is_number() && t["latency_ms"]["mean"].is_number());
    }
    let met = &outcome["targets"][0];
    assert_eq!(met["url"], serve.http.as_str());
    let ms = |key: &str| met[key].as_f64().unwrap();
    assert!(ms("round_trip_ms") > 0.0);
    // One machine, one clock: what is off is within what the exchange allows.
    assert!(ms("clock_offset_ms").abs() <= ms("clock_bound_ms") + 0.01, "{met}");
}

#[test]
fn one_run_does_not_hear_another_at_the_same_server_and_both_are_reported() {
    let _alone = one_at_a_time();
    let serve = Serve::start();
    let folder = folder(CRICKET);
    for _ in 0..2 {
        let ended = anynews(folder.path(), &["run", "s.toml", "--target", &serve.http]).exits(0);
        let ended = ended.says(&["servers elsewhere: http://127.0.0.1:"]);
        assert!(ended.stdout.contains(&serve.http), "{}", ended.stdout);
        for silent in ["bytes per message", "connections", "server CPU", "half your round trip"] {
            assert!(!ended.stdout.contains(silent), "{silent}: {}", ended.stdout);
        }
        let json = std::fs::read(folder.path().join("reports/s/outcome.json")).unwrap();
        all_arrived(&serde_json::from_slice(&json).unwrap());
    }
    let page = std::fs::read_to_string(folder.path().join("reports/s/report.html")).unwrap();
    assert!(
        page.contains("a server that was running already") && page.contains("--target http://127.0.0.1:")
    );
    assert!(
        !folder.path().join("reports/s/charts/bytes.png").exists(),
        "no chart of bytes that nobody counted"
    );
}

#[test]
fn shards_turn_to_a_server_over_tls_that_wants_a_token() {
    let _alone = one_at_a_time();
    let (serve, mut said) = Serve::with(&["--tls", "--token", "s3cret"]);
    let certificate = said.next().unwrap().unwrap().replace("certificate ", "");
    let folder = folder(FOUR);
    let run = ["run", "s.toml", "-q", "--target", &serve.http, "--trust", &certificate];
    for shard in ["1/2", "2/2"] {
        let arguments = [&run[..], &["--shard", shard, "--out", &shard[..1]]].concat();
        anynews_with(folder.path(), &arguments, &[("ANYNEWS_TOKEN", "s3cret")]).exits(0);
    }
    let merged = ["report", "1/outcome.json", "2/outcome.json", "--out", "whole"];
    anynews(folder.path(), &merged).exits(0);
    let whole: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("whole/outcome.json")).unwrap()).unwrap();
    for t in all_arrived(&whole) {
        assert_eq!((&t["clients"], &t["bytes"]["up"]), (&12.into(), &Value::Null));
    }
    assert_eq!(
        (&whole["targets"][0]["url"], &whole["targets"][1]),
        (&serve.http.as_str().into(), &Value::Null)
    );
    assert!(!serde_json::to_string(&whole).unwrap().contains("s3cret"));

    let wrong = [&run[..], &["--token", "other"]].concat();
    anynews(folder.path(), &wrong).exits(1).says(&["token", "ANYNEWS_TOKEN"]);
    anynews(folder.path(), &run).exits(1).says(&["token"]);
    let strange = ["run", "s.toml", "-q", "--target", &serve.http];
    anynews(folder.path(), &strange).exits(1).says(&["cannot reach https://127.0.0.1", "certificate"]);
}

#[test]
fn what_is_between_servers_of_others_is_found_out() {
    if !redis_process::wanted() {
        return;
    }
    let _alone = one_at_a_time();
    let redis = Redis::start();
    let url = redis.url();
    for (options, broker) in [
        (&[][..], "none"),
        (&["--broker", "redis-pubsub", "--redis", &url][..], "redis-pubsub"),
        (&["--broker", "redis", "--redis", &url][..], "redis"),
    ] {
        let ((one, _), (two, _)) = (Serve::with(options), Serve::with(options));
        let outcome = outcome(FOUR, &format!("{},{}", one.http, two.http), &[]);
        for t in outcome["transports"].as_array().unwrap() {
            let (fleet, lost) = (&t["fleet"], t["deliveries"]["lost"].as_u64().unwrap());
            assert_eq!((&fleet["servers"], &fleet["broker"]), (&2.into(), &broker.into()));
            assert_eq!(fleet["hops_ms"], Value::Null);
            let crossing = fleet["cross_server_expected"].as_u64().unwrap();
            assert!(crossing > 0, "{fleet}");
            let expected = if broker == "none" { crossing } else { 0 };
            // Hints that expire on the way are no loss.
            assert!(lost <= expected && (lost > 0) == (expected > 0), "{broker}: {lost} of {crossing}");
        }
    }
}

#[test]
fn several_client_processes_turn_to_one_server() {
    let _alone = one_at_a_time();
    let serve = Serve::start();
    let folder = folder(CRICKET);
    let arguments = [&JSON[..], &["--target", &serve.http]].concat();
    let ended = anynews_with_files(folder.path(), 300, &arguments).exits(0);
    let outcome: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(outcome["generator"]["processes"].as_u64() >= Some(2), "{}", outcome["generator"]);
    all_arrived(&outcome);
}

#[test]
fn targets_that_cannot_be_are_refused() {
    let folder = folder(FOUR);
    let run = |name: &str, more: &[&str]| anynews(folder.path(), &[&["run", name, "-q"], more].concat());
    let at = "http://127.0.0.1:9";
    let refused: [(&str, &[&str], &str); 11] = [
        ("s.toml", &["--target", "nowhere"], "`nowhere` is no address"),
        ("s.toml", &["--target", "ftp://a"], "use http://, https://"),
        ("s.toml", &["--target", "http://a/b"], "has a path"),
        ("s.toml", &["--target", "http://a,http://a"], "is there twice"),
        ("s.toml", &["--target", "http://a,https://b"], "give those of one kind"),
        ("s.toml", &["--target", at, "--trust", "AAAA"], "--trust is for https://"),
        ("s.toml", &["--target", "https://a", "--trust", "?"], "--trust takes what"),
        ("s.toml", &["--trust", "AAAA"], "--target"),
        ("s.toml", &["--target", at, "--engine", "sim"], "--engine live only"),
        ("frozen-server", &["--target", at], "stall-server needs servers that run starts"),
        ("quarter-second", &["--target", at], "leave out [network]"),
    ];
    for (name, more, why) in refused {
        run(name, more).exits(2).says(&[why]);
    }
    run("s.toml", &["--target", at]).exits(1).says(&["cannot reach http://127.0.0.1:9", "refused"]);
    assert!(!folder.path().join("reports/s/outcome.json").exists());
}
