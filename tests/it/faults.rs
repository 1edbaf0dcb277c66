//! Faults on real processes: what a design promises to survive it survives, and what it cannot, it says.

use std::path::Path;

use anynews::scenario::file::Overrides;
use anynews::scenario::shipped;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{Running, anynews, are_gone, one_at_a_time};

/// A scenario of `workload`, `transports` and whatever else, run to its end.
fn run(file: &str) -> Value {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), file).unwrap();
    let arguments = ["run", "s.toml", "--no-report", "--format", "json", "-q"];
    serde_json::from_str(&anynews(folder.path(), &arguments).exits(0).stdout).unwrap()
}

const HEAD: &str = "clients = 20\nduration = \"5s\"\n";
const LETTERS: &str = "[workload]\nkind = \"poisson\"\nmean_gap = \"500ms\"\n";
const CHAT: &str = "[workload]\nkind = \"chat\"\nmembers = 2\ngap_per_room = \"500ms\"\n";
const ALL: &str = "[[transport]]\nkind = \"poll\"\ninterval = \"300ms\"\n[[transport]]\nkind = \"long-poll\"\nhold = \"2s\"\n\
                   [[transport]]\nkind = \"sse\"\n[[transport]]\nkind = \"websocket\"\n";

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

fn transports(outcome: &Value) -> &[Value] {
    outcome["transports"].as_array().unwrap()
}

/// Everybody is back, and everything came once.
#[track_caller]
fn survived(transport: &Value) {
    let label = &transport["label"];
    let d = &transport["deliveries"];
    assert!(n(&d["delivered"]) > 20, "{label}: {d}");
    let bad = ["lost", "duplicated", "reordered"].map(|fate| n(&d[fate]));
    assert_eq!(bad, [0; 3], "{label}: {d} {}", transport["trouble"]);
    assert_eq!(n(&transport["trouble"]["unrecovered"]), 0, "{label}");
    all_are_back(transport);
}

#[track_caller]
fn all_are_back(transport: &Value) {
    let trouble = &transport["trouble"];
    assert_eq!(trouble["clients_at_end"], transport["clients"], "{}: {trouble}", transport["label"]);
    assert!(trouble["faults"][0]["until_s"].is_number(), "{trouble}");
}

#[track_caller]
fn is_push(transport: &Value) -> bool {
    matches!(transport["kind"].as_str().unwrap(), "sse" | "websocket")
}

#[test]
fn a_frozen_server_makes_people_wait_and_loses_nothing() {
    let _alone = one_at_a_time();
    let fault = "[[fault]]\nat = \"2s\"\nkind = \"stall-server\"\nfor = \"1400ms\"\n";
    let outcome = run(&format!("{HEAD}{CHAT}{ALL}{fault}"));
    for transport in transports(&outcome) {
        survived(transport);
        assert_eq!(transport["connections"]["reconnects"], 0, "no connection broke");
        let most = transport["latency_ms"]["max"].as_f64().unwrap();
        assert!(most > 1000.0, "a stall counts in full: {most}");
    }
    let poll = &transports(&outcome)[0];
    let p90 = |which: &str| poll[which]["p90"].as_f64().unwrap();
    assert!(n(&poll["requests"]["skipped"]) > 0);
    assert!(p90("request_ms") > p90("request_ms_uncorrected"), "coordinated omission hides the stall");
}

#[test]
fn people_whose_connections_are_cut_come_back_and_miss_nothing() {
    let _alone = one_at_a_time();
    let fault = "[[fault]]\nat = \"1s\"\nkind = \"cut-clients\"\nshare = 0.2\n\
                 [[fault]]\nat = \"2500ms\"\nkind = \"cut-clients\"\nshare = 1\n";
    let outcome = run(&format!("{HEAD}{CHAT}{ALL}{fault}"));
    for transport in transports(&outcome) {
        survived(transport);
        let people: Vec<u64> =
            transport["trouble"]["faults"].as_array().unwrap().iter().map(|f| n(&f["people"])).collect();
        assert_eq!(people, [4, 20]);
        let again = if is_push(transport) { 24 } else { 0 };
        assert_eq!(n(&transport["connections"]["reconnects"]), again, "{}", transport["label"]);
        // Each cut costs a connection, whatever the way.
        assert!(n(&transport["connections"]["opened"]) >= 20 + 24, "{}", transport["connections"]);
    }
}

#[test]
fn a_killed_server_forgets_and_tells_everybody() {
    let _alone = one_at_a_time();
    let fault = "[[fault]]\nat = \"1500ms\"\nkind = \"kill-server\"\nfor = \"500ms\"\n";
    let outcome = run(&format!("{HEAD}{LETTERS}{ALL}{fault}"));
    for transport in transports(&outcome) {
        all_are_back(transport);
        assert_eq!(
            n(&transport["trouble"]["unrecovered"]),
            20,
            "{}: a new epoch for each",
            transport["label"]
        );
        let d = &transport["deliveries"];
        let fates = ["delivered", "lost", "superseded", "expired"].iter().map(|f| n(&d[f])).sum::<u64>();
        assert_eq!((n(&d["expected"]), n(&d["duplicated"])), (fates, 0), "{d}");
        // What came after they were back was heard.
        let late: Vec<u64> = transport["series"]["delivered"].as_array().unwrap().iter().map(n).collect();
        assert!(late[late.len() - 3..].iter().sum::<u64>() > 0, "{late:?}");
    }
}

#[test]
fn an_idle_proxy_closes_who_is_silent_and_pings_keep_a_socket() {
    let _alone = one_at_a_time();
    let ways = "[[transport]]\nlabel = \"pings\"\nkind = \"websocket\"\nping = \"300ms\"\n\
                [[transport]]\nlabel = \"silent\"\nkind = \"websocket\"\nping = \"0ms\"\n";
    let slow = LETTERS.replace("500ms", "2s");
    let fault = "[[fault]]\nat = \"0s\"\nkind = \"idle-proxy\"\nidle = \"1s\"\n";
    let outcome = run(&format!("{HEAD}{slow}{ways}{fault}"));
    let [pings, silent] = transports(&outcome) else { panic!("two") };
    for transport in [pings, silent] {
        survived(transport);
    }
    assert_eq!(pings["connections"]["reconnects"], 0);
    assert!(n(&silent["connections"]["reconnects"]) > 10, "{}", silent["connections"]);
}

#[test]
fn a_slow_reader_is_closed_and_the_rest_feel_nothing() {
    let _alone = one_at_a_time();
    let shared = "[workload]\nkind = \"periodic\"\ngap = \"20ms\"\ninbox = \"shared\"\npayload = \"40KiB\"\n";
    let fault = "[[fault]]\nat = \"500ms\"\nkind = \"slow-clients\"\nshare = 0.25\nfor = \"4s\"\n";
    let head = "clients = 4\nduration = \"6s\"\n";
    let outcome = run(&format!("{head}{shared}[[transport]]\nkind = \"websocket\"\n{fault}"));
    let socket = &transports(&outcome)[0];
    survived(socket);
    let trouble = &socket["trouble"];
    assert_eq!((n(&trouble["closed_slow"]), n(&trouble["faults"][0]["people"])), (1, 1), "{trouble}");
    assert_eq!(socket["connections"]["reconnects"], 1);
    let untouched = trouble["untouched_latency_ms"]["p95"].as_f64().unwrap();
    let worst = socket["latency_ms"]["max"].as_f64().unwrap();
    assert!(untouched < worst / 2.0 && worst > 2000.0, "{untouched} and {worst}");
}

#[test]
fn with_a_log_in_redis_a_server_may_die_or_be_drained() {
    if !crate::redis_process::wanted() {
        return;
    }
    let _alone = one_at_a_time();
    let fleet = "[fleet]\nservers = 3\nplacement = \"round-robin\"\nbroker = \"redis\"\n";
    for kind in ["kill-server", "drain-server"] {
        let fault = format!("[[fault]]\nat = \"1500ms\"\nkind = \"{kind}\"\nfor = \"1500ms\"\nserver = 2\n");
        let outcome = run(&format!("{HEAD}{CHAT}{fleet}{ALL}{fault}"));
        for transport in transports(&outcome) {
            survived(transport);
            if is_push(transport) {
                assert_eq!(n(&transport["connections"]["reconnects"]), 7, "{kind}: those at server 2");
            }
        }
    }
}

#[test]
fn redis_may_restart_and_what_it_forgets_is_a_new_epoch() {
    if !crate::redis_process::wanted() {
        return;
    }
    let _alone = one_at_a_time();
    let fleet = "[fleet]\nservers = 2\nbroker = \"redis\"\n";
    let fault = "[[fault]]\nat = \"1500ms\"\nkind = \"restart-broker\"\nfor = \"1s\"\n";
    let kept = run(&format!("{HEAD}{CHAT}{fleet}{ALL}{fault}"));
    transports(&kept).iter().for_each(survived);
    let forgot = run(&format!("{HEAD}{CHAT}{fleet}{ALL}{fault}keep_data = false\n"));
    for transport in transports(&forgot) {
        all_are_back(transport);
        assert!(n(&transport["trouble"]["unrecovered"]) > 0, "{}", transport["label"]);
        assert_eq!(transport["deliveries"]["duplicated"], 0, "{}", transport["label"]);
    }
}

/// A run that a signal ends in the middle of a fault leaves nothing behind.
#[test]
fn a_signal_during_a_fault_leaves_no_process_behind() {
    let _alone = one_at_a_time();
    let folder = tempdir().unwrap();
    for kind in ["stall-server", "kill-server"] {
        let fault = format!("[[fault]]\nat = \"0s\"\nkind = \"{kind}\"\nfor = \"15s\"\n");
        let file = format!(
            "clients = 5\nduration = \"20s\"\nwarmup = \"0ms\"\n{LETTERS}[[transport]]\nkind = \"sse\"\n{fault}"
        );
        std::fs::write(folder.path().join("s.toml"), file).unwrap();
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::KILL, -1)] {
            interrupt(folder.path(), signal, code);
        }
    }
}

fn interrupt(folder: &Path, signal: Signal, code: i32) {
    let mut running = Running::start(folder, &["run", "s.toml", "--no-report"]);
    running.hears("-server");
    let servers = running.children();
    running.signal(signal);
    let ended = running.end();
    if signal != Signal::KILL {
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    }
    are_gone(&servers);
}

#[test]
fn only_live_runs_break_things_and_say_so() {
    let folder = tempdir().unwrap();
    for engine in ["sim", "theory"] {
        anynews(folder.path(), &["run", "frozen-server", "--engine", engine])
            .exits(2)
            .says(&["[[fault]]", "--engine live"]);
    }
    let name = "reconnect-storm";
    let scenario = shipped::load(name, &Overrides::default()).unwrap();
    assert_eq!(scenario.faults.len(), 1);
    anynews(folder.path(), &["run", name, "--set", "fault.share=2"])
        .exits(2)
        .says(&["--set fault.share", "0.0001 to 1"]);
}
