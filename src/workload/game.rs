//! Matches of players who run about a field; every move goes to all other players.

use std::fmt::Write as _;
use std::time::Duration;

use crate::clock::as_micros;
use crate::random::{Dice, stream};

use super::{Planned, Schedule, Span, arrivals, people};

/// The field, in tenths of a metre.
const WIDTH: i64 = 1_000;
const HEIGHT: i64 = 600;

/// One player's run: a straight line that the edges of the field reflect, so that where they are at
/// any tick follows from the tick alone.
struct Runner {
    name: String,
    start: (i64, i64),
    speed: (i64, i64),
}

impl Runner {
    fn new(seed: u64, client: u32, member: u32) -> Self {
        let mut dice = Dice::new(seed, &[stream::CONTENT, u64::from(client)]);
        let mut within = |n: i64| dice.below(n.unsigned_abs()).cast_signed();
        let start = (within(2 * WIDTH), within(2 * HEIGHT));
        let speed = (within(13) - 6, within(9) + 1);
        Self { name: people::name(member as usize), start, speed }
    }

    fn data(&self, tick: i64) -> String {
        let x = reflect(self.start.0 + self.speed.0 * tick, WIDTH);
        let y = reflect(self.start.1 + self.speed.1 * tick, HEIGHT);
        let mut json = String::with_capacity(48);
        // Writing to a String cannot fail.
        let _ = write!(
            json,
            r#"{{"player":"{}","x":{}.{},"y":{}.{}}}"#,
            self.name,
            x / 10,
            x % 10,
            y / 10,
            y % 10
        );
        json
    }
}

/// A position on a line folded into [0, size].
fn reflect(position: i64, size: i64) -> i64 {
    let folded = position.rem_euclid(2 * size);
    folded.min(2 * size - folded)
}

pub(super) fn schedule(players: u32, tick: Duration, span: Span) -> Schedule {
    let players = players.max(1);
    let matches = span.clients / players;
    let topics = (1..=matches).map(|n| format!("match-{n}")).collect();
    let reads = (0..matches * players).map(|client| client / players).collect();
    let tick = as_micros(tick);
    let mut events = Vec::new();
    for client in 0..matches * players {
        let runner = Runner::new(span.seed, client, client % players);
        let moves = arrivals::periodic(span.seed, u64::from(client), tick, span.from, span.to);
        events.extend(moves.map(|arrival| Planned {
            at: arrival.at,
            topic: client / players,
            author: Some(client),
            kind: "move".into(),
            ttl_ms: None,
            key: Some(runner.name.clone()),
            data: runner.data(arrival.index),
        }));
    }
    Schedule::sorted(topics, reads, events)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nobody_leaves_the_field_or_jumps(seed: u64, tick in -1_000_000i64..1_000_000) {
            let runner = Runner::new(seed, 1, 1);
            let at = |tick| {
                let data: serde_json::Value = serde_json::from_str(&runner.data(tick)).unwrap();
                (data["x"].as_f64().unwrap(), data["y"].as_f64().unwrap())
            };
            let ((x, y), (next_x, next_y)) = (at(tick), at(tick + 1));
            prop_assert!((0.0..=100.0).contains(&x) && (0.0..=60.0).contains(&y));
            prop_assert!((x - next_x).abs() <= 0.61 && (y - next_y).abs() <= 0.91);
        }
    }
}
