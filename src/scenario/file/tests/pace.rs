//! `visit`, `backoff_max` and `http` as students write them, and what they are told.

use super::*;

#[test]
fn how_long_people_stay_and_how_they_poll() {
    let set = ["visit=30s", "poll.backoff_max=1m", "poll.http=2"];
    let scenario = letters(&with(&set));
    assert_eq!(scenario.visit, Some(Duration::from_secs(30)));
    let Way::Poll { backoff_max, http, .. } = scenario.transports[0].way else { panic!() };
    assert_eq!((backoff_max, http), (Some(Duration::from_secs(60)), Http::Two));
    // The default warm-up follows the longest interval, up to its own limit.
    assert_eq!(scenario.warmup, Duration::from_secs(10));
    let plain = letters(&Overrides::default());
    assert_eq!(plain.visit, None);
    // Both forms come back from an outcome, and an older one has neither key.
    for scenario in [scenario, plain] {
        let mut json = serde_json::to_value(&scenario).unwrap();
        assert_eq!(serde_json::from_value::<Scenario>(json.clone()).unwrap(), scenario);
        if scenario.visit.is_none() {
            json.as_object_mut().unwrap().remove("visit");
            let poll = json["transport"][0].as_object_mut().unwrap();
            poll.remove("backoff_max");
            poll.remove("http");
            assert_eq!(serde_json::from_value::<Scenario>(json).unwrap(), scenario);
        }
    }
}

#[test]
fn wrong_visits_and_paces_are_told_what_would_be_right() {
    let short = ["visit=50ms", "poll.backoff_max=4s", "poll.http=3"];
    let lines = told(LETTERS, &with(&short));
    let all = lines.join("\n");
    for words in ["something from 100ms to 24h", "something from 5s to 24h", "one of \"1.1\", \"2\""] {
        assert!(all.contains(words), "{words}: {all}");
    }
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let closing = edited("interval = \"5s\"", "interval = \"5s\"\nhttp = \"2\"\nkeep_alive = false");
    assert_told(
        &closing,
        &Overrides::default(),
        &["poll.keep_alive: false will not do with http = \"2\" … leave it out"],
    );
    let elsewhere =
        edited("kind     = \"websocket\"", "kind = \"websocket\"\nbackoff_max = \"9s\"\nvisit = \"1m\"");
    let parts = ["backoff_max … kind = \"poll\"", "visit … top of the file"];
    assert_told(&elsewhere, &Overrides::default(), &parts);
}
