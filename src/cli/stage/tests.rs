//! The screen of a run in progress, as plain lines: what it says, and that it fits.

use super::{Moment, Progress, Saw, Stage};
use crate::scenario::file::Overrides;
use crate::scenario::shipped;

fn stage() -> Stage {
    Stage::new(&shipped::load("letters", &Overrides::default()).unwrap())
}

fn moment(at: i64, saw: Saw) -> Moment {
    Moment { at, saw }
}

fn priya(waited: i64) -> Saw {
    Saw::News { text: "Priya: “Coming?”".into(), waited }
}

#[test]
fn one_persons_transcript_stands_beside_the_bar() {
    let mut stage = stage();
    let mut polled = |at, saw| stage.take(Progress::Moment(0, moment(at, saw)));
    polled(-4_600_000, Saw::Nope);
    polled(400_000, Saw::Nope);
    polled(5_400_000, Saw::Nope);
    polled(10_400_000, priya(3_200_000));
    stage.take(Progress::Moment(1, moment(i64::MIN, Saw::Opened)));
    stage.take(Progress::Moment(1, moment(7_200_000, priya(900))));
    stage.take(Progress::Tick { transport: 0, at: 17_000_000, delivered: 30, polls: 1000, empty: 900 });
    stage.take(Progress::Tick { transport: 1, at: 17_000_000, delivered: 30, polls: 0, empty: 0 });
    insta::assert_snapshot!(stage.render(79).join("\n"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut stage = stage();
    let long = Saw::News { text: "x".repeat(300), waited: 1 };
    stage.take(Progress::Moment(0, moment(0, long)));
    for width in [20, 40, 79, 120] {
        assert!(stage.render(width).iter().all(|line| console::measure_text_width(line) <= width), "{width}");
    }
}

#[test]
fn plain_progress_speaks_at_every_change_and_then_every_five_seconds() {
    let mut stage = stage();
    let mut said = |progress| {
        stage.take(progress);
        stage.spoken.take()
    };
    let tick = |at| Progress::Tick { transport: 0, at, delivered: 0, polls: 0, empty: 0 };
    assert!(said(Progress::Connecting(vec![0, 1])).unwrap().contains("poll, websocket"));
    assert!(said(tick(0)).unwrap().starts_with("measuring"));
    assert_eq!(said(tick(1_000_000)), None);
    assert!(said(tick(5_000_000)).unwrap().starts_with("5 s"));
}

#[test]
fn the_question_stands_under_who_how_long_and_where() {
    let mut scenario = shipped::load("letters", &Overrides::default()).unwrap();
    (scenario.clients, scenario.engine) = (1, crate::scenario::Engine::Sim);
    assert_eq!(super::title(&scenario), "Letters: any new messages? · 1 person · 20 s · virtual time");
}
