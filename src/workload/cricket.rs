//! One writer, many readers: a cricket match, ball by ball. Teams and results are invented.

use std::time::Duration;

use crate::clock::as_micros;
use crate::random::{Dice, stream};

use super::{Planned, Schedule, Span, arrivals};

struct Team {
    name: &'static str,
    /// In batting order; the last five bowl.
    players: [&'static str; 11],
}

const TEAMS: [Team; 2] = [
    Team {
        name: "Lions",
        players: [
            "Sharma", "Gill", "Iyer", "Patel", "Nair", "Das", "Jadhav", "Khan", "Rao", "Yadav", "Singh",
        ],
    },
    Team {
        name: "Sharks",
        players: [
            "Smith", "Taylor", "Root", "Brown", "Green", "Carey", "Wood", "Jones", "Clarke", "Hill", "Stone",
        ],
    },
];

const BEFORE: [&str; 6] = [
    "The openers walk out.",
    "The fielders take their places.",
    "The umpires are on their way.",
    "The captains shake hands after the toss.",
    "The covers come off.",
    "The groundsman sweeps the pitch.",
];

/// What a ball can bring, per thousand, roughly as in a twenty-over match.
const CHANCES: [(u64, Ball); 8] = [
    (340, Ball::Runs(0)),
    (370, Ball::Runs(1)),
    (70, Ball::Runs(2)),
    (5, Ball::Runs(3)),
    (105, Ball::Runs(4)),
    (45, Ball::Runs(6)),
    (20, Ball::Wide),
    (45, Ball::Wicket),
];

#[derive(Debug, Clone, Copy)]
enum Ball {
    Runs(u32),
    /// One run, and the ball is bowled again.
    Wide,
    Wicket,
}

impl Ball {
    fn draw(dice: &mut Dice) -> Self {
        let mut left = dice.below(CHANCES.iter().map(|(chance, _)| chance).sum());
        for (chance, ball) in CHANCES {
            if left < chance {
                return ball;
            }
            left -= chance;
        }
        Self::Runs(0)
    }

    fn runs(self) -> u32 {
        match self {
            Self::Runs(runs) => runs,
            Self::Wide => 1,
            Self::Wicket => 0,
        }
    }

    fn words(self, dice: &mut Dice) -> (&'static str, &'static str) {
        match self {
            Self::Runs(0) => {
                ("no run", *dice.pick(&["straight to cover", "left alone", "beaten outside off"]))
            }
            Self::Runs(1) => ("1 run", *dice.pick(&["nudged to leg", "pushed to long-on", "a quick single"])),
            Self::Runs(2) => ("2 runs", *dice.pick(&["into the gap", "a misfield, and they come back"])),
            Self::Runs(4) => {
                ("FOUR", *dice.pick(&["through the covers", "past third man", "one bounce and over"]))
            }
            Self::Runs(6) => ("SIX", *dice.pick(&["into the crowd", "over long-on", "out of the ground"])),
            Self::Runs(_) => ("3 runs", "the throw is slow, they take three"),
            Self::Wide => ("wide", "down the leg side"),
            Self::Wicket => {
                ("OUT", *dice.pick(&["bowled him!", "caught behind", "leg before", "caught in the deep"]))
            }
        }
    }
}

/// Pauses of a real match, in gaps: further ones after an over and after a wicket, and all of the
/// break between innings. With a ball every 32 s an over takes 4 minutes and a match three hours.
const AFTER_OVER: i64 = 1;
const AFTER_WICKET: i64 = 2;
const BREAK: i64 = 30;

/// The match so far. After an innings comes a line that sums it up, then the next innings, for ever,
/// so that the news never stops.
struct Match {
    dice: Dice,
    overs: u32,
    batting: usize,
    target: Option<u32>,
    total: u32,
    wickets: u32,
    /// Balls of this innings that count, six to an over.
    balls: u32,
    striker: usize,
    partner: usize,
    /// Gaps until the next ball, were there pauses.
    gaps: i64,
}

impl Match {
    fn new(seed: u64, overs: u32) -> Self {
        let mut dice = Dice::new(seed, &[stream::CONTENT, 0]);
        let batting = usize::from(dice.below(2) == 1);
        Self {
            dice,
            overs,
            batting,
            target: None,
            total: 0,
            wickets: 0,
            balls: 0,
            striker: 0,
            partner: 1,
            gaps: 1,
        }
    }

    fn innings_over(&self) -> bool {
        self.wickets >= 10
            || self.balls >= self.overs * 6
            || self.target.is_some_and(|target| self.total >= target)
    }

    fn next(&mut self) -> (&'static str, String) {
        self.gaps = 1;
        if self.innings_over() { ("summary", self.sum_up()) } else { ("ball", self.ball()) }
    }

    fn ball(&mut self) -> String {
        let (over, ball_of_over) = (self.balls / 6, self.balls % 6 + 1);
        let batter = player(self.batting, self.striker);
        let bowler = player(1 - self.batting, 6 + over as usize % 5);
        let ball = Ball::draw(&mut self.dice);
        let (what, text) = ball.words(&mut self.dice);
        self.total += ball.runs();
        match ball {
            Ball::Wide => {}
            Ball::Wicket => {
                self.wickets += 1;
                self.gaps += AFTER_WICKET;
                self.striker = self.wickets as usize + 1;
            }
            Ball::Runs(runs) if runs % 2 == 1 => self.change_ends(),
            Ball::Runs(_) => {}
        }
        if !matches!(ball, Ball::Wide) {
            self.balls += 1;
            if self.balls.is_multiple_of(6) {
                self.change_ends();
                self.gaps += AFTER_OVER;
            }
        }
        format!(
            r#"{{"over":"{over}.{ball_of_over}","bowler":"{bowler}","batter":"{batter}","runs":{},"what":"{what}","score":"{}/{}","text":"{text}"}}"#,
            ball.runs(),
            self.total,
            self.wickets
        )
    }

    fn change_ends(&mut self) {
        std::mem::swap(&mut self.striker, &mut self.partner);
    }

    /// Ends the innings in words and begins the next one.
    fn sum_up(&mut self) -> String {
        let (batting, bowling) = (team(self.batting), team(1 - self.batting));
        let score = format!(
            "{batting} {}/{} after {}.{} overs",
            self.total,
            self.wickets,
            self.balls / 6,
            self.balls % 6
        );
        let (text, target) = match self.target {
            None => (format!("{score}. {bowling} need {} to win.", self.total + 1), Some(self.total + 1)),
            Some(target) if self.total >= target => {
                (format!("{score}. {batting} win! A new match begins."), None)
            }
            Some(target) if self.total + 1 == target => {
                (format!("{score}. A tie! A new match begins."), None)
            }
            Some(_) => (format!("{score}. {bowling} win! A new match begins."), None),
        };
        self.gaps = BREAK;
        self.target = target;
        self.batting = 1 - self.batting;
        (self.total, self.wickets, self.balls, self.striker, self.partner) = (0, 0, 0, 0, 1);
        format!(r#"{{"text":"{text}"}}"#)
    }
}

fn team(index: usize) -> &'static str {
    TEAMS.get(index).map_or("", |team| team.name)
}

fn player(team: usize, index: usize) -> &'static str {
    TEAMS.get(team).and_then(|team| team.players.get(index)).copied().unwrap_or("the last man")
}

pub(super) fn schedule(gap_per_ball: Duration, overs: u32, pauses: bool, span: Span) -> Schedule {
    let gap = as_micros(gap_per_ball);
    let event = |at, (kind, data): (&'static str, String)| Planned {
        at,
        topic: 0,
        author: None,
        kind: kind.into(),
        ttl_ms: None,
        key: None,
        data,
    };
    let preview = |index: i64| {
        let line = (index.unsigned_abs() as usize - 1) % BEFORE.len();
        ("preview", format!(r#"{{"text":"{}"}}"#, BEFORE.get(line).copied().unwrap_or_default()))
    };
    let mut events: Vec<Planned> = arrivals::periodic(span.seed, 0, gap, span.from, 0)
        .take_while(|arrival| arrival.index < 0)
        .map(|arrival| event(arrival.at, preview(arrival.index)))
        .collect();
    let mut play = Match::new(span.seed, overs);
    let mut at = arrivals::periodic(span.seed, 0, gap, 0, gap.max(1)).next().map_or(0, |first| first.at);
    while at < span.to {
        events.push(event(at, play.next()));
        at += gap.max(1) * if pauses { play.gaps } else { 1 };
    }
    events.retain(|event| (span.from..span.to).contains(&event.at));
    Schedule::sorted(vec!["cricket".to_owned()], vec![0; span.clients as usize], events)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Follows the published balls and checks every score against the runs before it.
    fn check_play(events: &[Planned], overs: u64) -> Result<u32, TestCaseError> {
        let (mut total, mut wickets, mut balls, mut innings) = (0, 0, 0, 0);
        for event in events {
            let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            if event.kind == "summary" {
                let all_out = wickets == 10 || balls == overs * 6;
                prop_assert!(all_out || innings % 2 == 1, "innings {innings} ended early: {data}");
                (total, wickets, balls, innings) = (0, 0, 0, innings + 1);
                continue;
            }
            prop_assert_eq!(data["over"].as_str().unwrap(), format!("{}.{}", balls / 6, balls % 6 + 1));
            total += data["runs"].as_u64().unwrap();
            wickets += u64::from(data["what"] == "OUT");
            balls += u64::from(data["what"] != "wide");
            prop_assert_eq!(data["score"].as_str().unwrap(), format!("{total}/{wickets}"));
            prop_assert!(wickets <= 10 && balls <= overs * 6);
            prop_assert!(data["batter"] != data["bowler"]);
        }
        Ok(innings)
    }

    proptest! {
        #[test]
        fn the_score_is_the_sum_of_the_runs(seed: u64, overs in 1u32..25) {
            let span = Span { clients: 1, seed, from: 0, to: 2_000_000 };
            let schedule = schedule(Duration::from_millis(1), overs, false, span);
            prop_assert_eq!(schedule.events.len(), 2_000);
            let innings = check_play(&schedule.events, u64::from(overs))?;
            prop_assert!(innings >= 3, "{innings} innings in 2,000 balls");
        }
    }

    #[test]
    fn the_warm_up_is_the_players_walking_out() {
        let span = Span { clients: 1, seed: 1, from: -20_000_000, to: 4_000_000 };
        let schedule = schedule(Duration::from_secs(4), 20, false, span);
        let kinds: Vec<_> = schedule.events.iter().map(|event| event.kind.as_ref()).collect();
        assert_eq!(kinds, ["preview", "preview", "preview", "preview", "preview", "ball"]);
        assert!(schedule.events[4].data.contains("openers"));
    }

    #[test]
    fn a_match_with_pauses_takes_three_hours_and_has_the_same_balls() {
        for seed in 0..20 {
            let span = Span { clients: 1, seed, from: 0, to: 12 * 3_600_000_000 };
            let gap = Duration::from_secs(32);
            let (with, without) = (schedule(gap, 20, true, span), schedule(gap, 20, false, span));
            assert!(with.events.iter().zip(&without.events).all(|(a, b)| a.data == b.data));
            let mut ends = with.events.iter().filter(|event| event.kind == "summary").map(|event| event.at);
            let (first, second) = (ends.next().unwrap(), ends.next().unwrap());
            let minutes = (second - with.events[0].at) / 60_000_000;
            // The second side may be all out, or win, long before its 20 overs are over.
            assert!((100..230).contains(&minutes), "{minutes} minutes");
            let next = with.events.iter().find(|event| event.at > first).unwrap();
            assert_eq!(next.at - first, BREAK * 32_000_000);
        }
    }
}
