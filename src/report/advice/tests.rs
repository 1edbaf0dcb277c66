//! Advice in words, as it is printed.

use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::advice::Question;
use crate::report::text::Style;
use crate::report::{fixture, verdict};
use crate::scenario::file::Overrides;
use crate::scenario::shipped;

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

#[test]
fn every_report_says_where_its_own_result_turns() {
    insta::assert_snapshot!(verdict::reverse(&fixture::letters()).join("\n"));
    insta::assert_snapshot!(verdict::reverse(&fixture::in_between()).join("\n"));
    assert!(!verdict::reverse(&fixture::empty()).is_empty());
    assert!(!verdict::reverse(&fixture::hostile()).is_empty());
}
