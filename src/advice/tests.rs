//! The rules, each with figures that it decides; and where scenarios turn.

use super::facts::Text;
use super::*;
use crate::scenario::file::Overrides;
use crate::scenario::shipped;

/// A thousand people, a message a minute each; a poll every 5 s, of which most is for nothing.
fn figures() -> Vec<Facts> {
    let one = |kind: &str, polls: f64, waste: Option<f64>, p99: f64| Facts {
        label: kind.to_owned(),
        kind: kind.to_owned(),
        interval: (kind == "poll").then_some(Text(Duration::from_secs(5))),
        requests_per_s: polls,
        polls_per_s: polls,
        sends_per_s: 0.0,
        opens_per_s: 0.0,
        origin_per_s: None,
        waste_ratio: waste,
        delay_ms_mean: Some(p99 / 2.0),
        delay_ms_p99: Some(p99),
        latest_ms: None,
        bytes_up_per_s: polls * 120.0,
        bytes_down_per_s: polls * 250.0 + 17.0 * 150.0,
        opening_bytes: if kind == "poll" { 0.0 } else { 400.0 },
        connections: 1_000.0,
        deliveries_per_s: 17.0,
        frames_per_s: if kind == "poll" { 0.0 } else { 17.0 },
        beats_per_s: 0.0,
    };
    vec![
        one("poll", 200.0, Some(0.92), 4_950.0),
        one("sse", 0.0, None, 1.0),
        one("websocket", 0.0, None, 1.0),
    ]
}

fn within(bound_s: f64) -> Need {
    Need { max_delay_s: Some(bound_s), ..Need::default() }
}

fn judged(figures: &[Facts], need: Need) -> (String, Reason) {
    let choice = judge(figures, &need, &Machine::assumed()).unwrap();
    (choice.winner, choice.reason)
}

#[test]
fn a_bound_that_only_one_keeps_decides() {
    let (winner, reason) = judged(&figures(), within(1.0));
    assert_eq!(winner, "sse");
    assert_eq!(reason, Reason::Bound { bound_ms: 1_000.0, other_ms: 4_950.0 });
    let (winner, reason) = judged(&figures(), within(0.0005));
    assert_eq!((winner.as_str(), matches!(reason, Reason::NothingHolds { .. })), ("sse", true));
}

#[test]
fn one_answer_for_all_is_polled_for_whatever_else() {
    let mut all = figures();
    let need = Need { cacheable: true, ..within(10.0) };
    all[0].behind_a_cache();
    let (winner, reason) = judged(&all, need);
    assert_eq!(winner, "poll");
    assert_eq!(reason, Reason::Cache { origin_per_s: 0.2, requests_per_s: 200.0 });
    // Answers of any age up to 5 s and waits up to 5 s: the mean is 5 s more than none of both.
    assert_eq!(all[0].delay_ms_mean, Some(4_950.0 / 2.0 + 2_500.0));
}

#[test]
fn short_visits_do_not_pay_for_an_opening() {
    let visits = |seconds: f64| {
        let need = Need { visit_s: Some(seconds), ..within(5.0) };
        let all: Vec<Facts> =
            figures().into_iter().map(|facts| facts.with_visits(seconds, 1_000.0)).collect();
        judged(&all, need).0
    };
    assert_eq!(visits(4.0), "poll");
    assert_eq!(visits(60.0), "sse");
}

#[test]
fn visitors_ask_on_arrival() {
    let [poll, _, socket] =
        &figures().into_iter().map(|f| f.with_visits(5.0, 1_000.0)).collect::<Vec<_>>()[..]
    else {
        panic!("three transports")
    };
    // 200 arrive a second; a stay as long as an interval has 1/(1 − 1/e) = 1.58 polls.
    assert!((poll.polls_per_s - 316.4).abs() < 0.1, "{}", poll.polls_per_s);
    // Of the 116 that are not the first ones 92 in 100 are for nothing.
    assert!((poll.waste_ratio.unwrap() - 0.92 * 116.4 / 316.4).abs() < 1e-3);
    assert_eq!(socket.opens_per_s, 200.0);
    assert_eq!(socket.bytes_per_s(), 17.0 * 150.0 + 200.0 * 400.0);
}

#[test]
fn the_share_of_empty_polls_decides_at_its_ends_and_the_cost_between() {
    let with = |waste: f64, times: f64| {
        let mut all: Vec<Facts> = figures().into_iter().map(|facts| facts.times(times)).collect();
        all[0].waste_ratio = Some(waste);
        judged(&all, within(5.0))
    };
    assert_eq!(with(0.92, 1.0), ("sse".to_owned(), Reason::Rare { waste_ratio: 0.92 }));
    assert_eq!(with(0.03, 1.0), ("poll".to_owned(), Reason::Frequent { waste_ratio: 0.03 }));
    assert!(matches!(with(0.3, 1.0), (winner, Reason::Cheap { .. }) if winner == "poll"));
    // 5,000 polls a second are an eighth of two cores, and a tenth is what simplicity may cost.
    assert!(matches!(with(0.3, 25.0), (winner, Reason::Dear { .. }) if winner == "sse"));
    assert!(matches!(with(0.03, 120.0), (winner, Reason::Unaffordable { .. }) if winner == "sse"));
}

#[test]
fn who_talks_back_or_hears_much_gets_a_socket() {
    let mut all = figures();
    all.iter_mut().for_each(|facts| facts.sends_per_s = 10.0);
    assert_eq!(judged(&all, within(5.0)), ("websocket".to_owned(), Reason::TwoWay { sends_per_s: 10.0 }));
    let mut all = figures();
    all.iter_mut().for_each(|facts| facts.deliveries_per_s = 20_000.0);
    assert_eq!(judged(&all, within(1.0)).0, "websocket");
}

#[test]
fn nothing_is_weighed_without_two_sides_or_without_news() {
    assert_eq!(judge(&figures()[..1], &within(5.0), &Machine::assumed()), None);
    assert_eq!(judge(&figures()[1..], &within(5.0), &Machine::assumed()), None);
    let mut silent = figures();
    silent.iter_mut().for_each(|facts| facts.deliveries_per_s = 0.0);
    assert_eq!(judge(&silent, &within(5.0), &Machine::assumed()), None);
}

fn advice(name: &str, set: &[&str], need: Need) -> Advice {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    let scenario = shipped::load(name, &Overrides { set, ..Overrides::default() }).unwrap();
    Situation::of(&scenario, need, Machine::assumed()).advise().unwrap()
}

fn turns(advice: &Advice, axis: Axis) -> Vec<f64> {
    let choice = |flip: &&Flip| flip.axis == axis && matches!(flip.turn, Turn::Choice { .. });
    advice.flips.iter().filter(choice).map(|flip| flip.at).collect()
}

#[test]
fn letters_turn_where_the_exponential_is_one_half() {
    let letters = advice("letters", &[], Need::default());
    assert_eq!(letters.choice.as_ref().unwrap().winner, "sse");
    // e^(−5/gap) = ½ and e^(−T/47.5) = ½.
    let ln_2 = std::f64::consts::LN_2;
    for (axis, expected) in [(Axis::Gap, 5.0 / ln_2), (Axis::Interval, 47.5 * ln_2)] {
        let found = turns(&letters, axis);
        assert_eq!(found.len(), 1, "{axis:?}: {found:?}");
        assert!((found[0] - expected).abs() < 0.01 * expected, "{axis:?}: {found:?}, {expected}");
    }
}

fn visits(seconds: f64) -> Need {
    Need { visit_s: Some(seconds), ..Need::default() }
}

/// What is reckoned afterwards where no formula describes visits, held to the formulas where they do.
#[test]
fn visits_reckoned_afterwards_are_near_those_of_the_formulas() {
    // Long enough for how traffic starts to count for little.
    let long = &["duration=1h", "warmup=1m", "clients=30"];
    let staying = advice("letters", long, Need::default());
    for stay in [6.0, 20.0, 120.0] {
        let visited = advice("letters", long, visits(stay));
        for kind in ["poll", "sse", "websocket"] {
            let formula = &visited.of_kind(kind).unwrap().facts;
            let after = staying.of_kind(kind).unwrap().facts.clone().with_visits(stay, 30.0);
            let pairs = [
                ("requests", formula.requests_per_s, after.requests_per_s, 0.02),
                ("opens", formula.opens_per_s, after.opens_per_s, 0.001),
                ("opening", formula.opening_bytes, after.opening_bytes, 0.001),
                ("waste", formula.waste_ratio.unwrap_or(0.0), after.waste_ratio.unwrap_or(0.0), 0.02),
                // It leaves out the hello, a third of what a stream says to who comes.
                ("bytes", formula.bytes_per_s(), after.bytes_per_s(), 0.35),
            ];
            for (what, formula, after, share) in pairs {
                let near = (formula - after).abs() <= share * formula;
                assert!(near, "{kind}, {stay} s, {what}: {formula} {after}");
            }
        }
    }
}

#[test]
fn visits_are_those_of_the_scenario_where_none_are_asked_for() {
    let own = advice("letters", &["visit=60s"], Need::default());
    let asked = advice("letters", &[], visits(60.0));
    assert_eq!((own.need, &own.transports), (asked.need, &asked.transports));
    let long_poll = &asked.of_kind("long-poll").unwrap().facts;
    // Five people a second come, and each asks at once.
    let sse = &asked.of_kind("sse").unwrap().facts;
    assert_eq!((sse.opens_per_s, sse.connections), (5.0, 300.0));
    assert!(long_poll.polls_per_s > 5.0 && long_poll.opens_per_s == 0.0, "{long_poll:?}");
    // A cached page, prices and people who write: no formula, and yet figures.
    for (name, need) in [("http-wins", Need::default()), ("ticker", visits(60.0)), ("chat", visits(60.0))] {
        let advice = advice(name, &[], need);
        assert!(advice.unknown.is_empty() && advice.choice.is_some(), "{name}: {:?}", advice.unknown);
        assert!(advice.transports.iter().all(|row| row.facts.requests_per_s > 0.0), "{name}");
    }
}

#[test]
fn short_visits_turn_letters_round() {
    // Over a few minutes, and where so little is delivered that no percentile is told.
    let (long, short): (&[&str], &[&str]) = (&["duration=5m", "warmup=1m"], &["clients=100"]);
    for (set, need) in [(long, Need::default()), (long, visits(60.0)), (short, Need::default())] {
        let found = turns(&advice("letters", set, need), Axis::Visit);
        assert_eq!(found.len(), 1, "{set:?}: {found:?}");
        let kind = |factor: f64| advice("letters", set, visits(found[0] * factor)).choice.unwrap().kind;
        assert_eq!((kind(0.95).as_str(), kind(1.05).as_str()), ("poll", "sse"), "{set:?}: {found:?}");
    }
}

#[test]
fn a_bound_sets_the_interval_and_an_own_one_the_bound() {
    let own = advice("letters", &[], Need::default());
    assert_eq!((own.need.max_delay_s, own.need.assumed), (Some(5.0), true));
    let given = advice("letters", &["network.rtt=200ms"], within(2.0));
    let poll = given.of_kind("poll").unwrap();
    assert_eq!(poll.facts.interval, Some(Text(Duration::from_millis(1_900))));
    assert_eq!((poll.holds, given.transports.len()), (Some(true), 4));
}

#[test]
fn a_question_is_a_sound_scenario_whatever_is_asked() {
    let question = Question {
        clients: 1_000_000,
        gap: Duration::from_millis(333),
        max_delay: Duration::from_millis(777),
        payload: Some(64),
        rtt: Some(Duration::from_millis(60)),
        visit: Some(Duration::from_secs(30)),
        cacheable: false,
        two_way: false,
    };
    for question in [
        question.clone(),
        Question { cacheable: true, ..question.clone() },
        Question { two_way: true, payload: None, ..question.clone() },
        Question {
            max_delay: Duration::from_millis(1),
            gap: Duration::from_secs(86_400),
            ..question.clone()
        },
        Question { clients: 1, rtt: None, visit: None, ..question },
    ] {
        let advice = question.situation(Machine::assumed()).unwrap().advise().unwrap();
        assert!(advice.transports.len() + advice.unknown.len() == 4, "{question:?}");
        for row in &advice.transports {
            let shares = [row.facts.requests_per_s, row.facts.bytes_per_s(), row.server.machine_share];
            assert!(shares.iter().all(|n| n.is_finite() && *n >= 0.0), "{question:?}: {row:?}");
        }
    }
    let beyond = Question {
        payload: Some(1),
        ..Question {
            clients: 1,
            gap: Duration::ZERO,
            max_delay: Duration::ZERO,
            payload: None,
            rtt: None,
            visit: None,
            cacheable: false,
            two_way: false,
        }
    };
    assert!(beyond.situation(Machine::assumed()).is_err(), "no message is one byte long");
}

#[test]
fn figures_grow_with_the_people() {
    let many = advice("letters", &["clients=3000"], Need::default());
    let few = advice("letters", &[], Need::default());
    let (many, few) = (many.of_kind("poll").unwrap(), few.of_kind("poll").unwrap());
    assert!((many.facts.requests_per_s / few.facts.requests_per_s - 10.0).abs() < 1e-9);
    assert!((many.facts.waste_ratio.unwrap() - few.facts.waste_ratio.unwrap()).abs() < 1e-9);
}

#[test]
fn a_recording_that_is_not_at_hand_gets_no_advice() {
    let mut scenario = shipped::load("letters", &Overrides::default()).unwrap();
    scenario.workload = crate::scenario::Workload::Trace {
        file: "a.jsonl".to_owned(),
        events: 3,
        digest: String::new(),
        recorded: std::sync::Arc::default(),
    };
    let situation = Situation::of(&scenario, Need::default(), Machine::assumed());
    assert!(situation.advise().unwrap_err().to_string().contains("recording"));
}

#[test]
fn a_calibration_is_read_as_it_was_written_and_nonsense_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("below").join("calibration.json");
    let machine = Machine { origin: "here".to_owned(), ..Machine::assumed() };
    machine.write(&file).unwrap();
    assert_eq!(Machine::read(&file).unwrap(), machine);
    Machine { cores: 0.0, ..machine }.write(&file).unwrap();
    assert!(Machine::read(&file).unwrap_err().to_string().contains("calibrate again"));
    std::fs::write(&file, "{}").unwrap();
    assert!(Machine::read(&file).unwrap_err().to_string().contains("no calibration"));
}
