//! The guards: what may be said of which numbers.

use super::*;
use crate::report::fixture;
use crate::scenario::file::Overrides;
use crate::scenario::shipped;

#[test]
fn letters_are_judged_with_theory_and_n() {
    let verdict = verdict(&fixture::letters());
    insta::assert_snapshot!(verdict.sentences.join("\n"));
    assert!(verdict.warnings.is_empty(), "{:?}", verdict.warnings);
    let (command, effect) = verdict.attempt.unwrap();
    assert_eq!(command, "anynews run letters --set poll.interval=1s");
    assert_eq!(effect, "less wait, more “Nope”");
}

#[test]
fn few_polls_are_no_share() {
    let mut outcome = fixture::letters();
    outcome.transports[0].requests.polls = 12;
    outcome.transports[0].requests.empty = 11;
    let said = &verdict(&outcome).sentences[0];
    assert!(said.contains("too few") && !said.contains('%'), "{said}");
}

#[test]
fn few_deliveries_are_no_comparison() {
    let mut outcome = fixture::letters();
    outcome.transports[0].latency_ms.count = 7;
    let said = &verdict(&outcome).sentences[1];
    assert!(said.contains("too few to say"), "{said}");
}

#[test]
fn a_difference_inside_the_noise_is_called_so() {
    let mut outcome = fixture::letters();
    let poll = outcome.transports[0].clone();
    outcome.transports[1].latency_ms = poll.latency_ms;
    outcome.transports[1].samples = poll.samples;
    outcome.transports[1].latency_histogram_us = poll.latency_histogram_us;
    let said = &verdict(&outcome).sentences[1];
    assert!(said.contains("inside the noise"), "{said}");
}

#[test]
fn a_share_beyond_three_errors_is_not_said_to_agree() {
    let mut outcome = fixture::letters();
    outcome.transports[0].waste_ratio = Some(0.80);
    assert!(verdict(&outcome).sentences[0].contains("chance alone does not explain"));
}

#[test]
fn faults_come_before_chance_and_none_is_no_share_to_agree_with() {
    let mut outcome = fixture::letters();
    outcome.transports[0].waste_ratio = Some(0.80);
    let what = crate::fault::What::StallServer { server: 1 };
    let (at, lasts) = (std::time::Duration::ZERO, std::time::Duration::from_secs(1));
    outcome.scenario.faults = vec![crate::fault::Fault { at, lasts, what }];
    assert!(verdict(&outcome).sentences[0].contains("the faults of this run explain first"));
    assert!(noise::outside(&outcome).contains("faults"));
    let poll = &mut outcome.transports[0];
    (poll.requests.empty, poll.waste_ratio, poll.theory.waste_ratio) = (0, Some(0.0), Some(0.0));
    let said = &verdict(&outcome).sentences[0];
    assert!(
        said.starts_with("Every one of 1,200 asks by polling found news, and theory expects the same"),
        "{said}"
    );
}

#[test]
fn a_shared_inbox_with_little_news_is_not_judged() {
    let mut outcome = fixture::letters();
    if let crate::scenario::Workload::Poisson { inbox, .. } = &mut outcome.scenario.workload {
        *inbox = crate::scenario::Inbox::Shared;
    }
    let said = &verdict(&outcome).sentences[0];
    assert!(said.contains("theory expects") && !said.contains('±'), "{said}");
}

#[test]
fn what_is_computed_is_expected_and_not_measured() {
    let mut outcome = fixture::letters();
    outcome.engine = crate::scenario::Engine::Theory;
    for t in &mut outcome.transports {
        (t.samples, t.series) = (None, crate::outcome::Series::default());
    }
    let said = verdict(&outcome);
    assert!(said.sentences[0].contains("theory expects 1,081 to find nothing"), "{:?}", said.sentences);
    assert!(said.sentences[1].contains("took longer than"), "{:?}", said.sentences);
    assert!(said.conditions.ends_with("computed, not measured."), "{}", said.conditions);
    for t in &mut outcome.transports {
        t.latency_ms.p50 = None;
    }
    let means = &verdict(&outcome).sentences[1];
    assert!(means.starts_with("The mean delay is 2.") && means.contains("no formula says"), "{means}");
}

#[test]
fn all_that_went_wrong_is_named() {
    let mut outcome = fixture::letters();
    outcome.generator.as_mut().unwrap().saturated = true;
    outcome.interrupted_at_s = Some(7.5);
    outcome.transports[0].clients_connected = 299;
    outcome.transports[0].deliveries.lost = 2;
    outcome.transports[0].requests.skipped = 3;
    insta::assert_snapshot!(verdict(&outcome).warnings.join("\n"));
}

#[test]
fn without_anything_nothing_is_concluded() {
    let verdict = verdict(&fixture::empty());
    insta::assert_snapshot!(verdict.sentences.join("\n"));
}

#[test]
fn the_command_repeats_the_run_and_is_safe_to_paste() {
    let mut outcome = fixture::letters();
    assert_eq!(command(&outcome), "anynews run letters", "the shipped file says all the rest");
    outcome.seed = 7;
    outcome.scenario.clients = 50;
    outcome.scenario.engine = Engine::Sim;
    assert_eq!(command(&outcome), "anynews run letters --seed 7 --set clients=50 --engine sim");
    outcome = fixture::letters();
    outcome.scenario.name = "mine".to_owned();
    assert_eq!(
        command(&outcome),
        "anynews run mine.toml --seed 1 --duration 20s --set clients=300 --set workload.mean_gap=47500ms \
         --set poll.interval=5s"
    );
    let said = command(&fixture::hostile());
    assert!(said.starts_with("anynews run '<script>"), "{said}");
}

/// Read back, the command is the same experiment.
#[test]
fn the_command_holds_whatever_was_set() {
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("letters", &["headers=browser", "poll.conditional=true", "warmup=9s", "workload.payload=200B"], &[]),
        ("letters", &["poll.keep_alive=false", "workload.inbox=shared", "visit=2s"], &["poll"]),
        ("letters", &["poll.backoff_max=40s", "websocket.ping=3s", "websocket.coalesce=20ms"], &[]),
        ("in-between", &["long-poll.hold=7s", "headers=871B"], &["long-poll", "sse"]),
        ("chat", &["workload.members=5", "workload.receipts=true", "workload.typing_before=500ms"], &[]),
    ];
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    for (name, set, only) in cases {
        let overrides = Overrides { set: texts(set), only: texts(only), ..Overrides::default() };
        let scenario = shipped::load(name, &overrides).unwrap();
        let mut outcome = fixture::letters();
        (outcome.seed, outcome.scenario) = (scenario.seed, scenario.clone());
        let said = command(&outcome);
        let mut again = Overrides::default();
        let mut words = said.split(' ').skip(3);
        while let (Some(option), Some(value)) = (words.next(), words.next()) {
            match option {
                "--set" => again.set.push(value.to_owned()),
                "--only" => again.only = value.split(',').map(str::to_owned).collect(),
                _ => panic!("{said}"),
            }
        }
        assert_eq!(shipped::load(name, &again).unwrap(), scenario, "{said}");
    }
}

#[test]
fn the_guess_stands_beside_the_measurement() {
    assert_eq!(guess(&fixture::letters()).unwrap(), "You guessed 50; measured: 90 in 100.");
    let mut outcome = fixture::letters();
    outcome.scenario.answer = Some("poll.requests.polls / clients".to_owned());
    assert_eq!(guess(&outcome).unwrap(), "You guessed 50; measured: 4.");
    outcome.scenario.answer = Some("poll.fleet.cross_server_lost".to_owned());
    assert!(guess(&outcome).unwrap().starts_with("You guessed 50; not measured here (null: "));
    outcome.prediction = Some("  ".to_owned());
    assert_eq!(guess(&outcome), None);
}

#[test]
fn a_generator_that_fell_behind_is_blamed_before_chance() {
    let mut outcome = fixture::letters();
    outcome.transports[0].waste_ratio = Some(0.80);
    outcome.generator.as_mut().unwrap().saturated = true;
    let said = &verdict(&outcome).sentences[0];
    assert!(said.contains("the load generator fell behind") && !said.contains("chance"), "{said}");
}

#[test]
fn one_transport_is_not_compared() {
    let mut outcome = fixture::letters();
    outcome.transports.truncate(1);
    outcome.transports[0].latency_ms.count = 16;
    let said = &verdict(&outcome).sentences[1];
    assert_eq!(said, "Only 16 messages arrived by polling: too few to say how long they take.");
}

#[test]
fn less_nope_than_none_is_not_suggested() {
    let mut outcome = fixture::letters();
    outcome.transports[0].waste_ratio = Some(0.0);
    let (command, effect) = verdict(&outcome).attempt.unwrap();
    assert!(command.ends_with("poll.interval=1s"), "{command}");
    assert_eq!(effect, "less wait, more asks: does “Nope” come back?");
}

#[test]
fn texts_name_the_window_that_was_measured() {
    let mut outcome = fixture::letters();
    outcome.interrupted_at_s = Some(7.5);
    outcome.scenario.clients = 1;
    assert!(
        verdict(&outcome)
            .conditions
            .starts_with("1 person per transport, a window of 7.5\u{a0}s of 20\u{a0}s")
    );
    assert!(crate::report::text::headline(&outcome).contains("· 1 person · 7.5 s of 20 s ·"));
    let told = lessons::scenario(&outcome);
    assert!(told.contains("was to be 20\u{a0}s and was interrupted after 7.5\u{a0}s"), "{told}");
}
