//! Report directories: what is written, what is left alone, and what is refused.

use super::*;
use crate::outcome::Target;

/// Where reports of tests go: a temporary directory, or the one named by `ANYNEWS_PREVIEW`, to look at.
fn somewhere() -> (PathBuf, Option<tempfile::TempDir>) {
    match std::env::var_os("ANYNEWS_PREVIEW") {
        Some(dir) => (dir.into(), None),
        None => {
            let dir = tempfile::tempdir().unwrap();
            (dir.path().to_owned(), Some(dir))
        }
    }
}

#[test]
fn reports_are_whole_whatever_was_measured() {
    let (dir, _guard) = somewhere();
    let valid = jsonschema::draft202012::new(&crate::outcome::schema::schema()).unwrap();
    let cases = [
        ("letters", fixture::letters(), 6),
        ("in-between", fixture::in_between(), 6),
        ("empty", fixture::empty(), 0),
        ("hostile", fixture::hostile(), 6),
    ];
    for (name, outcome, charts) in cases {
        let written = write(&outcome, &dir.join(name)).unwrap();
        assert_eq!(written.charts.len(), charts, "{name}");
        for path in &written.charts {
            assert!(fs::read(path).unwrap().starts_with(b"\x89PNG"), "{}", path.display());
        }
        assert!(fs::read_to_string(&written.html).unwrap().ends_with("</html>"));
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(written.outcome.unwrap()).unwrap()).unwrap();
        assert_eq!(json["schema"], SCHEMA);
        assert!(valid.is_valid(&json), "{name}: {:?}", valid.validate(&json).err());
    }
}

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = fixture::empty();
    let written = write(&outcome, dir.path()).unwrap();
    assert_eq!(read(&written.outcome.unwrap()).unwrap(), [outcome]);
}

#[test]
fn pictures_of_an_earlier_report_go_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let charts = dir.path().join("charts");
    fs::create_dir_all(&charts).unwrap();
    fs::write(charts.join("waste.png"), "old").unwrap();
    fs::write(charts.join("holiday.png"), "mine").unwrap();
    write(&fixture::empty(), dir.path()).unwrap();
    assert!(!charts.join("waste.png").exists());
    assert!(charts.join("holiday.png").exists());
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "no temporary file stays: {names:?}");
}

#[test]
fn measurements_are_kept_when_the_pictures_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("report.html")).unwrap();
    let error = write(&fixture::letters(), dir.path()).unwrap_err();
    assert!(format!("{error:#}").contains("report.html"), "{error:#}");
    assert!(dir.path().join("outcome.json").exists());
}

#[test]
fn what_is_no_outcome_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.json");
    let refused = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        format!("{:#}", read(&path).unwrap_err())
    };
    let cases: [(&[u8], &str); 5] = [
        (b"\xff\xfe", "is not JSON"),
        (b"{", "is not JSON"),
        (b"{}", "is not an outcome"),
        (br#"{"schema":"anynews/outcome/9"}"#, "is of schema"),
        (br#"{"schema":"anynews/outcome/1"}"#, "is not a whole outcome"),
    ];
    for (content, said) in cases {
        let error = refused(content);
        assert!(error.contains(said) && error.contains("x.json"), "{error}");
    }
    let missing = format!("{:#}", read(&dir.path().join("none.json")).unwrap_err());
    assert!(missing.contains("none.json"), "{missing}");
}

#[test]
fn a_run_on_a_network_does_not_speak_of_loopback() {
    let dir = tempfile::tempdir().unwrap();
    let mut outcome = fixture::letters();
    outcome.scenario.network = crate::link::Link::profile("satellite");
    let written = write(&outcome, dir.path()).unwrap();
    let page = fs::read_to_string(written.html).unwrap();
    for text in [page, text::summary(&outcome, text::Style::Plain)] {
        assert!(text.replace('\u{a0}', " ").contains("satellite: 20 ms round trip, 2.5 % lost"));
        assert!(!text.contains("oopback") && !text.contains("half your round trip"));
    }
}

#[test]
fn a_run_at_servers_of_others_says_where_they_are_and_claims_no_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut outcome = fixture::letters();
    let target = |url: &str, clock_offset_ms| Target {
        url: url.to_owned(),
        round_trip_ms: 40.0,
        clock_offset_ms,
        clock_bound_ms: 20.0,
    };
    outcome.targets = vec![target("http://a:1", 15.0), target("http://b:2", -3_000.0)];
    for t in &mut outcome.transports {
        t.bytes = crate::outcome::Bytes { payload: t.bytes.payload, ..Default::default() };
        (t.connections.opened, t.connections.peak, t.server) = (None, None, None);
        t.series.bytes.clear();
    }
    let written = write(&outcome, dir.path()).unwrap();
    let page = fs::read_to_string(written.html).unwrap().replace('\u{a0}', " ");
    for said in [
        "servers that were running already (http://a:1 and http://b:2), 40 ms there and back",
        "http://a:1, 40 ms there and back, its clock is ours (± 20 ms)",
        "its clock 3.0 s behind (± 20 ms)",
        "The clock of http://b:2 is 3.0 s behind ours",
        "no server of this run counted them",
        "--target http://a:1,http://b:2",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("The clock of http://a:1"));
    for unsaid in ["oopback", "accepted sockets", "many bytes"] {
        assert!(!page.contains(unsaid), "{unsaid}");
    }
    assert!(text::summary(&outcome, text::Style::Plain).contains("2 servers elsewhere"));
}

#[test]
fn an_outcome_without_transports_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outcome.json");
    let mut outcome = fixture::letters();
    outcome.transports.clear();
    fs::write(&path, serde_json::to_string(&outcome).unwrap()).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("outcome.json: \"transports\" is empty"), "{error}");
}

#[test]
fn the_experiment_says_that_people_come_and_go() {
    let mut outcome = fixture::letters();
    assert!(!lessons::scenario(&outcome).contains("come and go"));
    outcome.scenario.visit = Some(std::time::Duration::from_secs(8));
    assert!(lessons::scenario(&outcome).contains(" They come and go: each stays 8\u{a0}s on average,"));
}
