//! How people came back: streams and sockets opened again, step by step. A storm is a spike, a drain a
//! plateau.

use std::time::Duration;

use crate::outcome::Outcome;

use super::super::faults;
use super::super::numbers::{count, duration};
use super::super::titles;
use super::super::ways::{Way, list};
use super::axis::Scale;
use super::course::{self, Course};
use super::{Entry, Figure, names};

/// The least that the upright axis reaches, so that its steps are whole numbers.
const LEAST: f64 = 5.0;

/// One way's people coming back.
struct Return<'a> {
    way: Way<'a>,
    /// Per step of the series.
    steps: &'a [u64],
}

impl Return<'_> {
    fn all(&self) -> u64 {
        self.steps.iter().sum()
    }

    fn busiest(&self) -> u64 {
        self.steps.iter().copied().max().unwrap_or(0)
    }
}

/// The chart; nothing of a run in which nobody had to come back.
pub fn entry<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Option<Entry<'a>> {
    let returns: Vec<Return<'a>> = all
        .iter()
        .filter_map(|way| Some(Return { way: way.clone(), steps: &way.t.trouble.as_ref()?.reconnects }))
        .filter(|back| back.all() > 0)
        .collect();
    let title = title(&returns)?;
    let courses: Vec<Course<'a>> = returns.iter().map(|back| of(back, outcome)).collect();
    let most = returns.iter().map(Return::busiest).max().unwrap_or(0) as f64;
    let marks = faults::marks(outcome);
    let step = step(&returns[0].way);
    let each = |value: f64| count(value.round() as u64);
    let returning: Vec<Way<'a>> = courses.iter().map(|course| course.way.clone()).collect();
    Some(Entry::Drawn(Figure {
        slug: "reconnects",
        alt: titles::alt("Lines over time", &format!("reconnects by {}", names(&returning)), outcome, &title),
        title,
        caption: format!(
            "Streams and sockets that stood again within each {step}. What counts for the servers is the highest \
             point: so many handshakes they had to bear at one time.{}",
            course::marked(outcome)
        ),
        table: course::over_time(&courses, "From", each),
        draw: Box::new(move |frame| {
            let label = format!("reconnects within {step}");
            course::picture(
                frame,
                &courses,
                Scale::from_zero((most * 1.05).max(LEAST)),
                (&label, &each),
                &marks,
            )
        }),
    }))
}

fn step(way: &Way<'_>) -> String {
    duration(Duration::try_from_secs_f64(way.t.series.step_s).unwrap_or_default())
}

fn of<'a>(back: &Return<'a>, outcome: &Outcome) -> Course<'a> {
    let step = back.way.t.series.step_s;
    let end = super::super::measure::window_s(outcome);
    let points = back.steps.iter().enumerate().map(|(i, &n)| (i as f64 * step, n as f64));
    let lines = vec![format!("{} in all", count(back.all())), format!("at most {}", count(back.busiest()))];
    Course { way: back.way.clone(), points: points.filter(|(from, _)| *from < end).collect(), lines }
}

/// “A storm: 187 of 200 reconnects by WebSocket within 1 s”, or a trickle, where no step saw half of them.
fn title(returns: &[Return<'_>]) -> Option<String> {
    let share = |back: &Return<'_>| back.busiest() as f64 / back.all() as f64;
    let worst = returns.iter().max_by(|a, b| share(a).total_cmp(&share(b)))?;
    let (busiest, all) = (count(worst.busiest()), count(worst.all()));
    let (name, step) = (&worst.way.name, step(&worst.way));
    if let (true, [_, _, ..]) = (returns.iter().all(|back| back.all() == 1), returns) {
        let names: Vec<String> = returns.iter().map(|back| back.way.name.clone()).collect();
        return Some(format!("One connection each had to be opened again, by {}", list(&names)));
    }
    Some(match worst.all() {
        1 => format!("One connection had to be opened again, by {name}"),
        _ if share(worst) >= 0.5 => {
            format!("A storm: {busiest} of {all} reconnects by {name} within {step}")
        }
        _ => format!("A trickle: at most {busiest} of {all} reconnects by {name} within {step}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Trouble;
    use crate::report::fixture;
    use crate::report::ways::ways;

    fn drawn(reconnects: &[u64]) -> Option<(String, Vec<Vec<String>>)> {
        let mut outcome = fixture::letters();
        let trouble = Trouble { reconnects: reconnects.to_vec(), ..Trouble::default() };
        outcome.transports[1].trouble = Some(trouble);
        let entry = entry(&outcome, &ways(&outcome))?;
        entry.figure().map(|figure| (figure.title.clone(), figure.table.rows.clone()))
    }

    #[test]
    fn a_storm_is_told_from_a_trickle_and_nothing_from_both() {
        assert_eq!(drawn(&[0; 20]), None);
        let (title, rows) = drawn(&[0, 0, 150, 40, 10]).unwrap();
        assert_eq!(title, "A storm: 150 of 200 reconnects by WebSocket within 1\u{a0}s");
        assert_eq!(rows[2], ["2 s", "150"]);
        let (title, _) = drawn(&[0, 34, 33, 33, 33, 33, 34]).unwrap();
        assert_eq!(title, "A trickle: at most 34 of 200 reconnects by WebSocket within 1\u{a0}s");
        assert_eq!(drawn(&[1]).unwrap().0, "One connection had to be opened again, by WebSocket");
        let mut outcome = fixture::letters();
        for t in &mut outcome.transports {
            t.trouble = Some(Trouble { reconnects: vec![0, 1], ..Trouble::default() });
        }
        let both = entry(&outcome, &ways(&outcome)).unwrap();
        let said = "One connection each had to be opened again, by polling and WebSocket";
        assert_eq!(both.figure().unwrap().title, said);
    }
}
