//! `[[fault]]` as students write it.

use std::time::Duration;

use super::{LETTERS, assert_told, told, with};
use crate::fault::{Fault, What};
use crate::scenario::file::{Overrides, read};

fn letters(faults: &str) -> String {
    format!("{LETTERS}{faults}")
}

fn faults(text: &str, overrides: &Overrides) -> Vec<Fault> {
    read("t", "t.toml", text, overrides).unwrap_or_else(|problems| panic!("{problems}")).faults
}

const TWO: &str = "[[fault]]\nat = \"5s\"\nkind = \"stall-server\"\nfor = \"1.4s\"\n\
                   [[fault]]\nat = \"10s\"\nkind = \"slow-clients\"\nshare = 0.25\n";

#[test]
fn faults_are_read_with_their_defaults() {
    let found = faults(&letters(TWO), &Overrides::default());
    let seconds = Duration::from_secs;
    let stall =
        Fault { at: seconds(5), lasts: Duration::from_millis(1400), what: What::StallServer { server: 1 } };
    let slow = Fault { at: seconds(10), lasts: seconds(10), what: What::SlowClients { share: 0.25 } };
    assert_eq!(found, [stall, slow]);
}

#[test]
fn a_fault_is_addressed_by_its_number_or_alone() {
    let found = faults(&letters(TWO), &with(&["fault.1.for=2s", "fault.2.share=1"]));
    assert_eq!((found[0].lasts, found[1].what.share()), (Duration::from_secs(2), Some(1.0)));
    let one = "[[fault]]\nat = \"5s\"\nkind = \"cut-clients\"\nshare = 0.5\n";
    let found = faults(&letters(one), &with(&["fault.at=3s"]));
    assert_eq!(found[0].at, Duration::from_secs(3));
    assert_told(&letters(TWO), &with(&["fault.at=3s"]), &["--set fault.at: there are 2 faults"]);
    assert_told(&letters(one), &with(&["fault.1=3s"]), &["--set fault.1: there is one fault"]);
    assert_told(LETTERS, &with(&["fault.1.at=3s"]), &["--set fault.1.at: … no [[fault]]"]);
}

#[test]
fn every_wrong_key_of_a_fault_is_named() {
    let cases = [
        ("kind = \"cut-clients\"\nshare = 0.5", &["fault.at: is missing"][..]),
        ("at = \"5s\"\nkind = \"cut-clients\"", &["fault.share: is missing"]),
        ("at = \"5s\"\nkind = \"cut-clients\"\nshare = 0", &["fault.share: 0 will not do"]),
        ("at = \"5s\"\nkind = \"cut-clients\"\nshare = 1.5", &["fault.share: 1.5 will not do"]),
        (
            "at = \"20s\"\nkind = \"cut-clients\"\nshare = 1",
            &["fault.at: \"20s\" is out of range … (the window)"],
        ),
        ("at = \"5s\"\nkind = \"stall-server\"", &["fault.for: is missing"]),
        (
            "at = \"15s\"\nkind = \"stall-server\"\nfor = \"6s\"",
            &["fault.for: … to 5s (what is left of the window)"],
        ),
        (
            "at = \"5s\"\nkind = \"stall-server\"\nfor = \"1s\"\nserver = 2",
            &["fault.server: 2 … there is one server"],
        ),
        (
            "at = \"5s\"\nkind = \"stall-server\"\nfor = \"1s\"\nshare = 0.5",
            &[
                "fault.share: … belongs to kind = \"cut-clients\"; kind = \"stall-server\" takes at, for, server",
            ],
        ),
        ("at = \"5s\"\nkind = \"cut-client\"\nshare = 0.5", &["fault.kind: … did you mean \"cut-clients\"?"]),
        ("at = \"5s\"\nkind = \"idle-proxy\"", &["fault.idle: is missing"]),
        ("at = \"5s\"\nkind = \"idle-proxy\"\nidle = 5", &["fault.idle: \"5\" has no unit … "]),
        ("at = \"5s\"\nkind = \"drain-server\"\nfor = \"1s\"", &["fault.kind: … servers = 2 or more"]),
        ("at = \"5s\"\nkind = \"restart-broker\"\nfor = \"1s\"", &["fault.kind: … broker = \"redis\""]),
        ("at = \"5s\"\nkind = \"cut-clients\"\nshare = 1\ncolour = 1", &["fault.colour: is not a key here"]),
    ];
    for (fault, expected) in cases {
        assert_told(&letters(&format!("[[fault]]\n{fault}\n")), &Overrides::default(), expected);
    }
    assert_told(
        &letters("[fault]\nat = \"5s\"\n"),
        &Overrides::default(),
        &["fault: is one table … [[fault]]"],
    );
}

#[test]
fn a_new_process_is_not_trusted_over_tls() {
    let secure = "[network]\ntls = true\n[[fault]]\nat = \"5s\"\nfor = \"1s\"\nkind = \"kill-server\"\n";
    assert_told(&letters(secure), &Overrides::default(), &["fault.kind: … a certificate of its own"]);
}

#[test]
fn one_thing_breaks_once_at_a_time() {
    let two = |first: &str, second: &str| letters(&format!("[[fault]]\n{first}\n[[fault]]\n{second}\n"));
    let stall = "at = \"5s\"\nfor = \"5s\"\nkind = \"stall-server\"";
    let kill = "at = \"9s\"\nfor = \"1s\"\nkind = \"kill-server\"";
    let told = &["fault.2.at: it begins before fault 1 of the same thing is over"];
    assert_told(&two(stall, kill), &Overrides::default(), told);
    let cut = "at = \"9s\"\nkind = \"cut-clients\"\nshare = 1";
    assert_eq!(faults(&two(stall, cut), &Overrides::default()).len(), 2);
    assert_eq!(faults(&two(cut, cut), &Overrides::default()).len(), 2);
}

#[test]
fn a_key_of_a_fault_elsewhere_is_told_where_it_belongs() {
    let text = letters("[network]\nidle = \"5s\"\n");
    assert_told(
        &text,
        &Overrides::default(),
        &["network.idle: is not a key here; it belongs to a [[fault]]"],
    );
}

#[test]
fn people_who_come_and_go_meet_no_faults() {
    let cut = "[[fault]]\nat = \"1s\"\nkind = \"cut-clients\"\nshare = 0.5\n";
    assert!(read("t", "t.toml", &letters(cut), &Overrides::default()).is_ok());
    let lines = told(&format!("visit = \"30s\"\n{}", letters(cut)), &Overrides::default());
    assert!(lines.len() == 1 && lines[0].contains(" fault: ") && lines[0].contains("visit"), "{lines:#?}");
    let pace =
        letters(cut).replace("interval = \"5s\"", "interval = \"5s\"\nhttp = \"2\"\nbackoff_max = \"9s\"");
    assert!(read("t", "t.toml", &pace, &Overrides::default()).is_ok());
}
