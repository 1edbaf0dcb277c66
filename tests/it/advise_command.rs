//! `anynews advise` as it is typed.

use anynews::report::advice::rules;
use anynews::report::text::Style;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::anynews;

#[test]
fn bare_it_prints_when_to_use_what() {
    let directory = tempdir().unwrap();
    let text = anynews(directory.path(), &["advise"]).exits(0).stdout;
    assert_eq!(text, anynews::report::advice::list(Style::Plain));
    for rule in rules() {
        let words: Vec<&str> = rule.show.split_whitespace().skip(1).collect();
        assert_eq!(anynews::cli::check(words.iter().copied()), Ok(()), "{}", rule.show);
        // What the adviser itself is told to be asked, it answers.
        if words[0] == "advise" {
            anynews(directory.path(), &words).exits(0);
        }
    }
    let rules: Value =
        serde_json::from_str(&anynews(directory.path(), &["advise", "--format", "json"]).exits(0).stdout)
            .unwrap();
    assert!(rules.as_array().unwrap().len() >= 12);
}

#[test]
fn a_question_and_a_scenario_are_answered_in_text_and_as_a_document() {
    let directory = tempdir().unwrap();
    let asked = ["advise", "--clients", "10000", "--gap", "1m", "--max-delay", "2s"];
    let text = anynews(directory.path(), &asked).exits(0).stdout;
    assert!(text.contains("Use SSE") && text.contains("Where it turns round"), "{text}");
    let json = [&asked[..], &["--format", "json"]].concat();
    let document: Value = serde_json::from_str(&anynews(directory.path(), &json).exits(0).stdout).unwrap();
    assert_eq!(document["schema"], "anynews/advice/1");
    assert_eq!(document["choice"]["winner"], "sse");
    let poll = &document["transports"][0];
    assert_eq!(poll["label"], "poll");
    assert!((poll["requests_per_s"].as_f64().unwrap() - 5_000.0).abs() < 0.01);
    assert!((poll["waste_ratio"].as_f64().unwrap() - (-2.0f64 / 60.0).exp()).abs() < 1e-6);
    let two_way = [&asked[..], &["--two-way"]].concat();
    assert!(anynews(directory.path(), &two_way).exits(0).stdout.contains("Use WebSocket"));
    let cached = ["advise", "cricket", "--cacheable"];
    assert!(anynews(directory.path(), &cached).exits(0).stdout.contains("Use polling"));
    let interview = ["advise", "letters", "--interview", "--format", "json"];
    let document: Value =
        serde_json::from_str(&anynews(directory.path(), &interview).exits(0).stdout).unwrap();
    assert_eq!(document["interview"].as_array().unwrap().len(), 7);
    let example = anynews(directory.path(), &["advise", "--interview"]).exits(0).says(&["An example"]);
    assert!(example.stdout.contains("What would change my mind"));
}

#[test]
fn what_cannot_be_answered_is_named() {
    let directory = tempdir().unwrap();
    let question = ["--clients", "3", "--gap", "1s", "--max-delay", "1s"];
    let with = |more: &[&'static str]| [&question[..], more].concat();
    let cases: [(Vec<&str>, &[&str]); 11] = [
        (vec!["--clients", "3"], &["--gap and --max-delay"]),
        (
            vec!["--clients", "3", "--gap", "1x", "--max-delay", "0ms"],
            &["--gap: \"1x\"", "--max-delay: is out of range"],
        ),
        (with(&["--two-way"]), &["even number"]),
        (with(&["--rtt", "1m"]), &["--rtt: is over 10s"]),
        (with(&["--payload", "3B"]), &["payload"]),
        (with(&["--set", "clients=3"]), &["--set changes a scenario"]),
        (vec!["letters", "--clients", "3"], &["cannot be used"]),
        (vec!["letters", "--cacheable"], &["everybody hears something else"]),
        (vec!["leters"], &["did you mean \"letters\"?"]),
        (vec!["--visit", "3s"], &["--visit says nothing alone"]),
        (vec!["--calibrate", "letters"], &["cannot be used"]),
    ];
    for (arguments, said) in cases {
        let arguments = [&["advise"][..], &arguments].concat();
        anynews(directory.path(), &arguments).exits(2).says(said);
    }
}
