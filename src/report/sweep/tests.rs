//! Sweeps: order, crossings, and what is written.

use super::*;
use crate::report::text::Style;
use crate::report::{measure, text};
use crate::scenario::file::Overrides;
use crate::scenario::shipped;
use crate::theory;

fn swept(name: &str, set: &[&str], keys: &[(&str, &[&str])]) -> Sweep {
    let keys: Vec<Key> = keys
        .iter()
        .map(|(key, values)| Key::new((*key).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
        .collect();
    let places = keys.iter().fold(vec![Vec::<String>::new()], |places, key| {
        let with = |place: &Vec<String>| {
            let place = place.clone();
            key.values.iter().map(move |value| [place.clone(), vec![value.clone()]].concat())
        };
        places.iter().flat_map(with).collect()
    });
    let point = |values: Vec<String>| {
        let vary = keys.iter().zip(&values).map(|(key, value)| format!("{}={value}", key.name)).collect();
        let set = set.iter().map(|text| (*text).to_owned()).collect();
        let scenario = shipped::load(name, &Overrides { set, vary, ..Overrides::default() }).unwrap();
        Point { values, outcome: theory::run(&scenario, None).unwrap() }
    };
    Sweep { points: places.into_iter().map(point).collect(), keys, max_delay_s: None }
}

fn gaps() -> Sweep {
    let gaps: &[&str] = &["20ms", "50ms", "200ms", "2s", "5s", "10s", "1m"];
    swept("letters", &["duration=1m", "warmup=10s", "clients=20"], &[("workload.mean_gap", gaps)])
}

fn grid() -> Sweep {
    let keys: [(&str, &[&str]); 2] =
        [("workload.mean_gap", &["100ms", "2s", "50s"]), ("poll.interval", &["1s", "5s"])];
    swept("letters", &["duration=1m", "warmup=10s", "clients=20"], &keys)
}

#[test]
fn crossings_are_located_and_named() {
    let sweep = gaps();
    let (crossings, said) = findings(&sweep);
    insta::assert_snapshot!(said.join("\n"));
    let half = crossings
        .iter()
        .find(|crossing| matches!(crossing.what, What::Passes { limit, .. } if limit == advice::HALF))
        .unwrap();
    // 5 s / ln 2.
    assert!((half.at.unwrap() - 7.21).abs() < 0.3, "{half:?}");
    assert_eq!(half.between, ("5s".to_owned(), "10s".to_owned()));
    let bytes = crossings.iter().find(|c| matches!(c.what, What::Overtakes { metric: "bytes", .. })).unwrap();
    assert!((0.03..0.2).contains(&bytes.at.unwrap()), "{bytes:?}");
}

#[test]
fn a_sweep_as_a_person_reads_it() {
    insta::assert_snapshot!(text::sweep(&gaps(), Style::Plain));
    insta::assert_snapshot!(text::sweep(&grid(), Style::Plain));
}

#[test]
fn a_bound_is_passed_where_the_interval_is() {
    let mut sweep = swept("letters", &[], &[("poll.interval", &["1s", "2s", "5s"])]);
    sweep.max_delay_s = Some(3.0);
    let (crossings, _) = findings(&sweep);
    let bound = crossings.iter().find(|c| matches!(c.what, What::Bound { holds: false, .. })).unwrap();
    assert_eq!(bound.between, ("2s".to_owned(), "5s".to_owned()));
}

#[test]
fn values_that_are_no_numbers_are_not_interpolated() {
    let sweep = swept("letters", &["warmup=5s"], &[("poll.conditional", &["false", "true"])]);
    assert_eq!(sweep.keys[0].numbers(), None);
    assert!(findings(&sweep).0.iter().all(|crossing| crossing.at.is_none()));
}

#[test]
fn a_directory_holds_the_page_the_pictures_the_rows_and_each_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let old = directory.path().join("points").join("workload.mean_gap=9s");
    std::fs::create_dir_all(&old).unwrap();
    std::fs::write(old.join("outcome.json"), "{}").unwrap();
    for (sweep, charts) in [(gaps(), 2), (grid(), 4)] {
        let written = write(&sweep, directory.path()).unwrap();
        assert_eq!(written.charts.len(), charts);
        let page = std::fs::read_to_string(&written.html).unwrap();
        assert!(page.ends_with("</html>"));
        for forbidden in ["<script", "<img", "<link", "<iframe", "url(", " href=\"h"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        let rows = std::fs::read_to_string(directory.path().join("sweep.csv")).unwrap();
        let columns: Vec<usize> = rows.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(columns.len(), 1 + 2 * sweep.points.len());
        assert!(columns.iter().all(|n| *n == columns[0]), "{rows}");
        let points = std::fs::read_dir(directory.path().join("points")).unwrap().count();
        assert_eq!(points, sweep.points.len());
        let text = std::fs::read_to_string(directory.path().join("sweep.json")).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], SCHEMA);
        assert_eq!(document["points"].as_array().unwrap().len(), sweep.points.len());
        assert_eq!(document["points"][0]["outcome"]["schema"], crate::outcome::SCHEMA);
    }
    let own =
        directory.path().join("points").join("workload.mean_gap=2s,poll.interval=5s").join("outcome.json");
    assert!(measure::bytes_per_message(&crate::report::read(&own).unwrap()[0].transports[0]).is_some());
}

#[test]
fn a_sweep_that_was_stopped_says_so() {
    let mut sweep = grid();
    sweep.points.truncate(3);
    let directory = tempfile::tempdir().unwrap();
    let page = std::fs::read_to_string(write(&sweep, directory.path()).unwrap().html).unwrap();
    assert!(page.contains("3 of 6 points were measured"));
    assert!(text::sweep(&sweep, Style::Plain).contains("3 of 6 points"));
}
