//! Advice in words, as it is printed.

use std::io::Write as _;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::advice::Question;
use crate::report::text::Style;
use crate::report::{fixture, verdict};
use crate::scenario::file::Overrides;
use crate::scenario::shipped;
use crate::tls;

fn about(name: &str) -> Situation {
    let scenario = shipped::load(name, &Overrides::default()).unwrap();
    Situation::of(&scenario, Need::default(), Machine::assumed())
}

fn asked() -> Question {
    Question {
        clients: 1_000_000,
        gap: Duration::from_secs(5),
        max_delay: Duration::from_secs(10),
        payload: None,
        rtt: Some(Duration::from_millis(60)),
        visit: Some(Duration::from_secs(30)),
        cacheable: true,
        two_way: false,
    }
}

#[test]
fn letters_as_a_person_reads_them() {
    insta::assert_snapshot!(text(&about("letters").advise().unwrap(), Style::Plain));
}

#[test]
fn a_million_who_read_the_same() {
    insta::assert_snapshot!(text(
        &asked().situation(Machine::assumed()).unwrap().advise().unwrap(),
        Style::Plain
    ));
}

#[test]
fn chat_as_an_answer() {
    insta::assert_snapshot!(interview(&about("chat").advise().unwrap(), Style::Plain));
}

#[test]
fn the_list_has_a_number_and_a_command_in_every_line() {
    insta::assert_snapshot!(list(Style::Plain));
    for rule in rules() {
        assert!(rule.number.contains(|c: char| c.is_ascii_digit()), "{rule:?}");
        assert!(rule.show.starts_with("anynews "), "{rule:?}");
    }
}

#[test]
fn nothing_is_wider_than_a_terminal() {
    let two_way = Question { two_way: true, cacheable: false, ..asked() };
    let urgent = Question { max_delay: Duration::from_millis(20), cacheable: false, ..asked() };
    let asked = [asked(), two_way, urgent].map(|question| question.situation(Machine::assumed()).unwrap());
    let shipped = ["letters", "chat", "cricket", "ticker", "game"].map(about);
    for situation in asked.into_iter().chain(shipped) {
        let advice = situation.advise().unwrap();
        for line in
            [text(&advice, Style::Plain), interview(&advice, Style::Plain)].iter().flat_map(|t| t.lines())
        {
            assert!(line.width() <= 80, "{}: {line}", advice.scenario.title);
        }
    }
    assert!(list(Style::Plain).lines().all(|line| line.width() <= 80));
}

/// What data of a few lengths take over TLS as ours are set up, and the handshake before them, bytes.
fn over_tls(lengths: &[usize]) -> (Vec<usize>, usize) {
    let (server, certificate) = tls::server().unwrap();
    let client = tls::client([certificate]).unwrap();
    let mut client = rustls::ClientConnection::new(client, "localhost".try_into().unwrap()).unwrap();
    let mut server = rustls::ServerConnection::new(server).unwrap();
    let mut handshake = 0;
    while client.is_handshaking() || server.is_handshaking() {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        server.read_tls(&mut &up[..]).unwrap();
        server.process_new_packets().unwrap();
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
        client.read_tls(&mut &down[..]).unwrap();
        client.process_new_packets().unwrap();
        handshake += up.len() + down.len();
    }
    let record = |&length: &usize| {
        let mut bytes = Vec::new();
        server.writer().write_all(&vec![b'x'; length]).unwrap();
        server.write_tls(&mut bytes).unwrap();
        bytes.len()
    };
    (lengths.iter().map(record).collect(), handshake)
}

#[test]
fn what_tls_adds_is_what_it_takes_on_the_wire() {
    let (plain, mut secret) = (about("letters"), about("letters"));
    secret.scenario.tls = true;
    let [plain, secret] = [plain, secret].map(|situation| situation.advise().unwrap());
    let [silent, said] = [&plain, &secret].map(|advice| text(advice, Style::Plain).replace('\n', " "));
    assert!(!silent.contains("TLS"), "{silent}");
    // "Bytes and cores are those without TLS, …
    assert!(said.contains("Bytes and cores are those without TLS, which adds"), "{said}");
    assert_eq!(plain.transports, secret.transports);
    // … which adds 22 bytes to each record …
    let each = said.split("which adds ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let each: usize = each.parse().unwrap();
    let lengths = [1, 100, 16_000];
    let (records, handshake) = over_tls(&lengths);
    assert_eq!(records, lengths.map(|length| length + each));
    // By RFC 8446 §5.2: a header of 5 bytes, 1 of type, the 16 of an AEAD tag.
    assert_eq!(each, 5 + 1 + 16);
    // … and a handshake to each connection": the second's is no shorter, but for a signature's digits.
    let again = over_tls(&lengths).1;
    assert!(said.contains("and a handshake to each connection"), "{said}");
    assert!(handshake > 700 && handshake.abs_diff(again) < 20, "{handshake} {again}");
}

#[test]
fn every_report_says_where_its_own_result_turns() {
    insta::assert_snapshot!(verdict::reverse(&fixture::letters()).points.join("\n"));
    insta::assert_snapshot!(verdict::reverse(&fixture::in_between()).points.join("\n"));
    assert!(!verdict::reverse(&fixture::empty()).points.is_empty());
    assert!(!verdict::reverse(&fixture::hostile()).points.is_empty());
    let mut stalled = fixture::letters();
    let what = crate::fault::What::StallServer { server: 1 };
    let (at, lasts) = (std::time::Duration::ZERO, std::time::Duration::from_secs(1));
    stalled.scenario.faults = vec![crate::fault::Fault { at, lasts, what }];
    let reverse = verdict::reverse(&stalled);
    assert!(
        !reverse.advised && reverse.points[0].starts_with("The adviser does not judge runs with faults.")
    );
}
