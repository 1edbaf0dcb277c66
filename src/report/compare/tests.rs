//! Comparisons: names, differences, and titles that mind the noise.

use std::time::Duration;

use super::*;
use crate::link::Link;
use crate::report::fixture;
use crate::transport;

fn engine(engine: Engine) -> Outcome {
    let mut outcome = fixture::letters();
    outcome.engine = engine;
    outcome.scenario.engine = engine;
    outcome
}

fn interval(outcome: &mut Outcome, seconds: u64) {
    if let transport::Way::Poll { interval, .. } = &mut outcome.scenario.transports[0].way {
        *interval = Duration::from_secs(seconds);
    }
}

fn names(outcomes: Vec<Outcome>) -> Vec<String> {
    Comparison::new(outcomes).runs.into_iter().map(|run| run.name).collect()
}

#[test]
fn engines_of_one_experiment_are_told_apart_by_their_name_alone() {
    let comparison = Comparison::new(vec![engine(Engine::Live), engine(Engine::Sim), engine(Engine::Theory)]);
    let names: Vec<&str> = comparison.runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["live", "virtual time", "theory"]);
    assert!(comparison.only_engines_differ() && comparison.same_schedule);
    assert_eq!(comparison.differences.len(), 1);
    for metric in Metric::ALL {
        assert!(comparison.title(metric).ends_with("no difference beyond noise"), "{metric:?}");
    }
}

#[test]
fn runs_are_named_by_the_setting_that_differs() {
    let (mut one, mut other) = (fixture::letters(), fixture::letters());
    interval(&mut other, 1);
    assert_eq!(names(vec![one.clone(), other.clone()]), ["poll.interval=5s", "poll.interval=1s"]);
    one.scenario.network = Some(Link { rtt: Duration::from_millis(100), ..Link::PLAIN });
    interval(&mut other, 5);
    assert_eq!(names(vec![one, other]), ["network.rtt=100ms", "no network"]);
    assert_eq!(names(vec![fixture::letters(), fixture::letters()]), ["run #1", "run #2"]);
}

#[test]
fn what_runs_do_not_share_is_no_difference() {
    let comparison = Comparison::new(vec![fixture::letters(), fixture::in_between()]);
    let keys: Vec<&str> = comparison.differences.iter().map(|d| d.key.as_str()).collect();
    assert_eq!(keys, ["scenario", "transports"]);
    let groups = comparison.groups(Metric::Delay);
    let rows: Vec<usize> = groups.iter().map(|group| group.rows.len()).collect();
    assert_eq!(rows, [2, 2, 1, 1], "poll, WebSocket, then those of one run");
}

#[test]
fn a_setting_that_only_one_run_has_is_a_difference() {
    let mut cached = fixture::letters();
    cached.scenario.visit = Some(Duration::from_secs(8));
    if let transport::Way::Poll { shared_cache, .. } = &mut cached.scenario.transports[0].way {
        *shared_cache = Some(Duration::from_secs(5));
    }
    let comparison = Comparison::new(vec![fixture::letters(), cached]);
    let told: Vec<(&str, [&str; 2])> = comparison
        .differences
        .iter()
        .map(|d| (d.key.as_str(), [d.values[0].as_str(), d.values[1].as_str()]))
        .collect();
    assert_eq!(told, [("poll.shared_cache", ["–", "5s"]), ("visit", ["–", "8s"])]);
    assert!(["no poll.shared_cache", "no visit"].contains(&comparison.runs[0].name.as_str()));
}

#[test]
fn a_difference_beyond_noise_is_named_with_both_values() {
    let mut fast = fixture::letters();
    interval(&mut fast, 1);
    let poll = &mut fast.transports[0];
    for ms in poll.samples.iter_mut().flatten() {
        *ms /= 5.0;
    }
    poll.latency_ms.p50 = poll.latency_ms.p50.map(|ms| ms / 5.0);
    (poll.requests.polls, poll.requests.total) = (6_000, 6_000);
    (poll.requests.empty, poll.waste_ratio) = (5_880, Some(0.98));
    let comparison = Comparison::new(vec![fixture::letters(), fast]);
    let titles = Metric::ALL.map(|metric| comparison.title(metric));
    insta::assert_snapshot!(titles.join("\n"));
}

#[test]
fn a_small_difference_inside_the_intervals_is_not_named() {
    let mut other = fixture::letters();
    other.transports[0].waste_ratio = Some(0.885);
    other.transports[0].latency_ms.p50 = other.transports[0].latency_ms.p50.map(|ms| ms * 1.08);
    other.seed = 2;
    let comparison = Comparison::new(vec![fixture::letters(), other]);
    assert!(!comparison.same_schedule);
    for metric in [Metric::Waste, Metric::Delay] {
        assert!(comparison.title(metric).ends_with("no difference beyond noise"), "{metric:?}");
    }
}

#[test]
fn a_comparison_is_one_page_and_its_charts_whatever_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        vec![engine(Engine::Live), engine(Engine::Sim)],
        vec![fixture::letters(), fixture::in_between(), fixture::empty()],
        vec![fixture::letters(), fixture::hostile()],
        vec![fixture::empty(), fixture::empty()],
    ];
    for (case, outcomes) in cases.into_iter().enumerate() {
        let written = write(&Comparison::new(outcomes), dir.path()).unwrap();
        let page = std::fs::read_to_string(&written.html).unwrap();
        assert!(page.ends_with("</html>"), "{case}");
        for forbidden in ["<script", "<img", "<link", "<iframe", "url(", " href=\"h"] {
            assert!(!page.contains(forbidden), "{case}: {forbidden}");
        }
        assert!(!page.contains("NaN"), "{case}");
        let kept = std::fs::read_dir(dir.path().join("charts")).unwrap().count();
        assert_eq!(kept, written.charts.len(), "{case}: no picture of an earlier one stays");
    }
}

#[test]
fn the_terminal_gets_every_value_and_nothing_that_drives_it() {
    use crate::report::text::{self, Style};
    let comparison = Comparison::new(vec![engine(Engine::Live), engine(Engine::Theory)]);
    insta::assert_snapshot!(text::comparison(&comparison, Style::Plain));
    let hostile = Comparison::new(vec![fixture::letters(), fixture::hostile()]);
    assert!(!text::comparison(&hostile, Style::Plain).contains('\u{1b}'));
}
