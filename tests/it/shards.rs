//! A run dealt out to several load machines, as it is typed, and its parts merged by `report`.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::program::{anynews, one_at_a_time};

fn outcome(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Plays all shards of a run at `engine`, merges them, and returns each outcome and the merged one.
fn merged(directory: &Path, of: u32, run: &[&str]) -> (Vec<Value>, Value) {
    let mut files = Vec::new();
    for number in 1..=of {
        let (shard, out) = (format!("{number}/{of}"), format!("shard-{number}"));
        let arguments = [run, &["--quiet", "--shard", &shard, "--out", &out]].concat();
        let ended = anynews(directory, &arguments).exits(0);
        assert!(ended.stdout.contains(&format!("shard {shard}")), "{}", ended.stdout);
        files.push(format!("{out}/outcome.json"));
    }
    let report: Vec<&str> = std::iter::once("report").chain(files.iter().map(String::as_str)).collect();
    anynews(directory, &report).exits(0);
    let parts = files.iter().map(|file| outcome(&directory.join(file))).collect();
    assert!(directory.join("reports/merged/report.html").exists());
    (parts, outcome(&directory.join("reports/merged/outcome.json")))
}

#[test]
fn shards_in_virtual_time_add_up_and_a_missing_one_is_named() {
    let directory = tempdir().unwrap();
    let run = ["run", "chat", "--engine", "sim", "--duration", "20s"];
    let (parts, whole) = merged(directory.path(), 2, &run);
    anynews(directory.path(), &[&run[..], &["--quiet"]].concat()).exits(0);
    let one_piece = outcome(&directory.path().join("reports/chat/outcome.json"));
    for (merged, single) in
        whole["transports"].as_array().unwrap().iter().zip(one_piece["transports"].as_array().unwrap())
    {
        for key in ["requests", "deliveries", "latency_ms", "bytes", "theory", "sends", "staleness_ms_mean"] {
            assert_eq!(merged[key], single[key], "{key}");
        }
    }
    assert!(parts[0]["shard"]["of"] == 2 && whole["shard"].is_null());
    let again = ["report", "shard-1/outcome.json", "reports/chat/outcome.json"];
    anynews(directory.path(), &again).exits(2).says(&["some are whole runs"]);
    let run = ["run", "chat", "--engine", "sim", "--quiet", "--shard", "1/3", "--out", "third"];
    anynews(directory.path(), &run).exits(0);
    let mixed = ["report", "shard-1/outcome.json", "third/outcome.json"];
    anynews(directory.path(), &mixed).exits(2).says(&["is of another run"]);
}

#[test]
fn shards_over_real_sockets_add_up() {
    let _alone = one_at_a_time();
    let directory = tempdir().unwrap();
    let set = ["--set", "clients=20", "--set", "poll.interval=500ms", "--set", "workload.mean_gap=1s"];
    let run = [&["run", "letters", "--duration", "3s"][..], &set].concat();
    let (parts, whole) = merged(directory.path(), 2, &run);
    for (index, transport) in whole["transports"].as_array().unwrap().iter().enumerate() {
        for pointer in
            ["/clients", "/requests/total", "/deliveries/expected", "/bytes/down", "/latency_ms/count"]
        {
            let of =
                |outcome: &Value| outcome["transports"][index].pointer(pointer).unwrap().as_u64().unwrap();
            assert!(of(&whole) > 0 && of(&whole) == parts.iter().map(of).sum::<u64>(), "{pointer}");
        }
        assert_eq!((&transport["clients"], &transport["deliveries"]["lost"]), (&20.into(), &0.into()));
        assert!(transport["theory"]["requests_total"].is_number());
    }
}

#[test]
fn what_cannot_be_dealt_out_is_refused() {
    let directory = tempdir().unwrap();
    let refused = |more: &[&str], words: &[&str]| {
        anynews(directory.path(), &[&["run"], more].concat()).exits(2).says(words);
    };
    refused(&["letters", "--shard", "4/3"], &["like 3/10"]);
    refused(&["letters", "--engine", "theory", "--shard", "1/2"], &["formulas", "--engine sim"]);
    refused(&["frozen-server", "--shard", "1/2"], &["[[fault]]", "leave out"]);
    refused(&["cricket-cached", "--shard", "1/2"], &["shared_cache"]);
    refused(&["letters", "--set", "clients=2", "--shard", "3/3"], &["has nobody", "at most 2 shards"]);
}
