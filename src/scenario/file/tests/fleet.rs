//! `[fleet]` as students write it, and what they are told.

use super::*;
use crate::scenario::fleet::{Between, Fleet, Placement};

#[test]
fn a_fleet_has_defaults_and_flags_make_one() {
    assert_eq!(letters(&Overrides::default()).fleet, None);
    let two = Fleet { servers: 2, placement: Placement::Random, broker: Between::None, redis: None };
    assert_eq!(letters(&with(&["fleet.broker=none"])).fleet, Some(two.clone()));
    let four = letters(&with(&["fleet.servers=4", "fleet.placement=round-robin"])).fleet;
    let expected =
        Fleet { servers: 4, placement: Placement::RoundRobin, broker: Between::Redis, redis: None };
    assert_eq!(four, Some(expected));
    let one = letters(&with(&["fleet.broker=memory"])).fleet;
    assert_eq!(one, Some(Fleet { servers: 1, broker: Between::Memory, ..two.clone() }));
    let elsewhere = letters(&with(&["fleet.broker=redis-pubsub", "fleet.redis=redis://host:1"])).fleet;
    let redis = Some("redis://host:1".to_owned());
    assert_eq!(elsewhere, Some(Fleet { broker: Between::RedisPubsub, redis, ..two }));
}

#[test]
fn wrong_fleets_are_named() {
    for (lines, hint) in [
        ("servers = 0", "fleet.servers: 0 will not do; write a whole number from 1 to 64"),
        ("servers = 65", "65 will not do"),
        ("broker = \"kafka\"", "\"kafka\" is not known; write one of \"none\", \"memory\""),
        ("broker = \"redis-pubsb\"", "did you mean \"redis-pubsub\"?"),
        ("broker = \"memory\"\nservers = 2", "fleet.broker: \"memory\" is one server's own, and there are 2"),
        ("placement = \"round\"", "\"random\", \"round-robin\""),
        ("redis = \"127.0.0.1\"", "fleet.redis: is no address; write an address like"),
        ("redis = \"rediss://h\"", "TLS to Redis is not built"),
        ("broker = \"none\"\nredis = \"redis://h\"", "means nothing without Redis"),
        ("server = 2", "fleet.server: is not a key here … did you mean \"servers\"?"),
        ("rtt = \"1s\"", "it belongs to [network]"),
    ] {
        assert_told(&format!("{LETTERS}\n[fleet]\n{lines}\n"), &Overrides::default(), &[hint]);
    }
    let text = format!("{LETTERS}\n[network]\nservers = 2\n");
    assert_told(&text, &Overrides::default(), &["it belongs to [fleet]"]);
}
