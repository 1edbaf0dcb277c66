//! `[network]` as students write it, and what they are told.

use super::*;
use crate::link::Link;

fn network(lines: &str, set: &[&str]) -> Option<Link> {
    let text = format!("{LETTERS}\n[network]\n{lines}\n");
    read("t", "t.toml", &text, &with(set)).unwrap_or_else(|problems| panic!("{problems}")).network
}

#[test]
fn a_profile_is_a_start_that_keys_change() {
    assert_eq!(letters(&Overrides::default()).network, None);
    assert_eq!(network("tls = false", &[]), None, "nothing that loopback is not");
    let changed = network("profile = \"slow-4g\"\nloss = 0.01\nup = \"1Mbit/s\"", &["network.jitter=20ms"]);
    let expected = Link {
        loss: 0.01,
        up: Some(1_000_000),
        jitter: Duration::from_millis(20),
        ..Link::profile("slow-4g").unwrap()
    };
    assert_eq!(changed, Some(expected));
}

#[test]
fn flags_make_the_table_that_the_file_lacks() {
    let link = letters(&with(&["network.rtt=100ms"])).network.unwrap();
    assert_eq!(link, Link { rtt: Duration::from_millis(100), ..Link::PLAIN });
    assert_eq!(letters(&with(&["network.profile=3g"])).network, Link::profile("3g"));
}

#[test]
fn tls_is_for_the_live_engine() {
    assert!(letters(&with(&["network.tls=true"])).tls);
    assert_eq!(network("tls = true", &[]), None, "not slower than loopback by itself");
    for engine in ["sim", "theory"] {
        let overrides = Overrides { engine: Some(engine.to_owned()), ..with(&["network.tls=true"]) };
        assert_told(LETTERS, &overrides, &["network.tls: TLS is measured on real sockets … --engine live"]);
    }
}

#[test]
fn wrong_numbers_are_named() {
    for (lines, hint) in [
        ("profile = \"fast4g\"", "\"fast4g\" is not known … did you mean \"fast-4g\"?"),
        ("loss = 1.5", "network.loss: 1.5 will not do; write a number from 0 to 0.99"),
        ("loss = 1", "1 will not do"),
        ("loss = -0.1", "-0.1 will not do"),
        ("loss = nan", "NaN will not do"),
        ("loss = \"0.1\"", "without quotes"),
        (
            "rtt = \"100ms\"\njitter = \"51ms\"",
            "network.jitter: \"51ms\" is more than half … write 50ms or less",
        ),
        ("jitter = \"1ms\"", "write 0ms or less, or a longer rtt"),
        ("rtt = \"2m\"", "network.rtt: \"2m\" is out of range"),
        (
            "down = \"0Mbit/s\"",
            "network.down: \"0Mbit/s\" is out of range; write something from 1kbit/s to 1000Gbit/s",
        ),
        ("up = \"9Mbps\"", "did you mean \"9Mbit/s\"?"),
        ("up = 9", "network.up: \"9\" has no unit"),
        ("tls = \"yes\"", "write true or false, without quotes"),
        ("los = 0.1", "network.los: is not a key here … did you mean \"loss\"?"),
        ("interval = \"1s\"", "it belongs to a [[transport]]"),
    ] {
        assert_told(&format!("{LETTERS}\n[network]\n{lines}\n"), &Overrides::default(), &[hint]);
    }
    let profile_with_less = with(&["network.profile=fast-4g", "network.jitter=40ms"]);
    assert_told(LETTERS, &profile_with_less, &["--set network.jitter: \"40ms\" is more than half"]);
    assert_told(
        &format!("rtt = \"1s\"\n{LETTERS}"),
        &Overrides::default(),
        &["rtt: is not a key here; it belongs to [network]"],
    );
    assert_told(&format!("network = 3\n{LETTERS}"), &Overrides::default(), &["network: 3 is not a table"]);
}
