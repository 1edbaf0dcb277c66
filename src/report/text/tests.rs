//! The terminal's table, as it is printed.

use super::*;
use crate::report::fixture;

#[test]
fn letters_as_a_person_reads_them() {
    insta::assert_snapshot!(summary(&fixture::letters(), Style::Plain));
}

#[test]
fn four_transports_fit_side_by_side() {
    let text = summary(&fixture::in_between(), Style::Plain);
    insta::assert_snapshot!(text);
}

#[test]
fn a_run_that_was_stopped_at_once_says_so() {
    insta::assert_snapshot!(summary(&fixture::empty(), Style::Plain));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let outcome = fixture::letters();
    let coloured = summary(&outcome, Style::Coloured);
    assert!(coloured.contains("\u{1b}[1m"));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), summary(&outcome, Style::Plain));
}

#[test]
fn a_foreign_outcome_cannot_drive_the_terminal() {
    let text = summary(&fixture::hostile(), Style::Plain);
    assert!(!text.contains('\u{1b}'));
}
