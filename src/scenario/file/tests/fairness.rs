//! `headers`, `shared_cache` and `coalesce`: what they may be, and what the rest is told.

use super::*;
use crate::headers::Headers;

#[test]
fn heads_are_lean_a_browsers_or_a_size() {
    let headers = |set: &[&str]| letters(&with(set)).headers;
    assert_eq!(headers(&[]), Headers::Lean);
    assert_eq!(headers(&["headers=browser"]), Headers::Browser);
    assert_eq!(headers(&["headers=871B"]), Headers::Total(871));
    for (line, told) in [
        (
            "headers = \"chrome\"",
            "t.toml:1: headers: \"chrome\" is not known; write \"lean\", \"browser\" or a size",
        ),
        ("headers = 871", "t.toml:1: headers: \"871\" has no unit … did you mean \"871B\"?"),
        ("headers = \"1MiB\"", "t.toml:1: headers: \"1MiB\" is more than a server takes; 16KiB is the most"),
        ("headers = true", "t.toml:1: headers: true is not text"),
        ("headers = \"2B\"", "t.toml:1: headers: \"2B\" is below the natural size: … or more"),
    ] {
        assert_told(&format!("{line}\n{LETTERS}"), &Overrides::default(), &[told]);
    }
}

/// The size that a file with too small a total is told to write.
fn natural(set: &[&str]) -> String {
    let lines = told(&format!("headers = \"2B\"\n{LETTERS}"), &with(set));
    lines[0].rsplit('"').nth(1).unwrap().to_owned()
}

#[test]
fn the_natural_size_is_enough_and_a_byte_less_is_not() {
    let size = natural(&[]);
    let bytes: u64 = size.trim_end_matches('B').parse().unwrap();
    assert!((300..500).contains(&bytes), "{size}");
    assert_eq!(letters(&with(&[&format!("headers={size}")])).headers, Headers::Total(bytes));
    let less = with(&[&format!("headers={}B", bytes - 1)]);
    assert_told(LETTERS, &less, &["t.toml: --set headers: … is below the natural size"]);
    // It is of the transports that run.
    let only = Overrides { only: vec!["poll".to_owned()], ..less };
    assert!(read("t", "t.toml", LETTERS, &only).is_ok());
    assert!(natural(&["clients=1000000"]) > size, "longer names");
}

#[test]
fn heads_are_lean_where_http_2_compresses_them() {
    for headers in ["headers=browser", "headers=871B"] {
        let set = with(&[headers, "poll.http=2"]);
        let told = "t.toml: --set headers: … will not do with http = \"2\" (poll.http), which compresses heads: \
                    … leave out one of the two";
        assert_told(LETTERS, &set, &[told]);
    }
    assert_eq!(letters(&with(&["headers=lean", "poll.http=2"])).headers, Headers::Lean);
}

#[test]
fn what_a_cache_holds_is_not_always_known_without_sockets() {
    let why = letters(&with(&["poll.shared_cache=5s", "poll.http=2"])).needs_live().unwrap();
    assert!(why.contains("http") && why.contains("shared_cache") && why.contains("--engine live"), "{why}");
    let set = ["poll.shared_cache=5s", "poll.backoff_max=20s", "visit=2s"];
    assert_eq!(letters(&with(&set)).needs_live(), None);
}

#[test]
fn caches_count_in_whole_seconds_and_share_what_all_read() {
    let kept = |set: &str| letters(&with(&[set])).transports[0].way.kept_back();
    assert_eq!(kept("poll.shared_cache=5s"), Duration::from_secs(5));
    assert_eq!(kept("poll.interval=2s"), Duration::ZERO);
    for (set, told) in [
        ("poll.shared_cache=1500ms", "\"1500ms\" will not do; caches count in whole seconds"),
        ("poll.shared_cache=0s", "out of range; write something from 1s to 1h"),
        ("websocket.shared_cache=5s", "it belongs to kind = \"poll\""),
        ("poll.coalesce=5ms", "it belongs to kind = \"websocket\""),
        ("websocket.coalesce=11s", "out of range; write something from 0ms to 10s"),
    ] {
        assert_told(LETTERS, &with(&[set]), &[told]);
    }
    let chat = "clients = 4\nworkload = { kind = \"chat\", members = 4, gap_per_room = \"5s\" }\n\
                transport = [{ kind = \"poll\", interval = \"1s\", shared_cache = \"5s\" }]\n";
    assert_told(
        chat,
        &Overrides::default(),
        &["t.toml:3: poll.shared_cache: means nothing where clients write"],
    );
}
