//! Where, along a setting, one transport overtakes another, a share passes a limit, or the adviser
//! changes its mind.

use serde::Serialize;

use super::{Key, Point, Sweep};
use crate::advice::{self, Facts};
use crate::report::advice::name;
use crate::report::compare::Metric;
use crate::report::numbers::percent;
use crate::report::ways::{Kind, Way, list, ways};

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// One has less of a figure than the other, and then more.
    Overtakes {
        /// `bytes`, `requests` or `delay`.
        metric: &'static str,
        /// Label of the one that has less before.
        before: String,
        /// Label of the one that has less after.
        after: String,
    },
    /// The share of empty polls passes a limit.
    Passes {
        /// Label of the poll.
        label: String,
        /// The limit.
        limit: f64,
        /// Whether it rises.
        rises: bool,
    },
    /// The bound on the delay begins or ceases to hold.
    Bound {
        /// Label of the transport.
        label: String,
        /// Whether it holds after.
        holds: bool,
    },
    /// The adviser recommends another transport.
    Choice {
        /// Label of the one before.
        before: String,
        /// Label of the one after.
        after: String,
    },
}

/// One such place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossing {
    /// What happens.
    #[serde(flatten)]
    pub what: What,
    /// The setting along which.
    pub key: String,
    /// The values between which.
    pub between: (String, String),
    /// About where, as a number in the unit of the values (seconds, bytes, things); null where they are
    /// no numbers, or nothing says where between them.
    pub at: Option<f64>,
    /// The other setting and its value, of a grid.
    pub beside: Option<(String, String)>,
}

/// Metrics in which one may overtake another: name, and what the one does that has less.
const METRICS: [(Metric, &str, &str, &str); 3] = [
    (Metric::Bytes, "bytes", "Bytes", "moves fewer"),
    (Metric::Requests, "requests", "Requests after opening", "makes fewer"),
    (Metric::Delay, "delay", "Typical delay", "is faster"),
];

/// Two counts of bytes of one run are not called different below this share.
const LEAST: f64 = 0.001;

/// Every crossing, and everything worth saying, sentence by sentence.
#[must_use]
pub fn findings(sweep: &Sweep) -> (Vec<Crossing>, Vec<String>) {
    let (mut crossings, mut rows) = (Vec::new(), Vec::new());
    let Some(key) = sweep.keys.first() else { return (crossings, Vec::new()) };
    for (beside, points) in sweep.rows() {
        let beside = beside.and_then(|value| Some((sweep.keys.get(1)?.name.clone(), value.to_owned())));
        let line = Line { sweep, key, points: &points, beside: beside.as_ref() };
        let mut said = Vec::new();
        line.advice(&mut crossings, &mut said);
        line.bound(&mut crossings, &mut said);
        line.waste(&mut crossings, &mut said);
        line.overtaking(&mut crossings, &mut said);
        rows.push((beside, said));
    }
    (crossings, merged(&rows))
}

/// The other setting of a row with its value, and what is said of the row.
type Row = (Option<(String, String)>, Vec<String>);

/// What is said of every row, once; what is said of some, with these. Sentences have no full stop yet.
fn merged(rows: &[Row]) -> Vec<String> {
    let mut all: Vec<&String> = Vec::new();
    for sentence in rows.iter().flat_map(|(_, said)| said) {
        if !all.contains(&sentence) {
            all.push(sentence);
        }
    }
    // Those about one thing stay together, in the order of their first mention.
    let topic = |text: &str| text.split(": ").next().unwrap_or_default().to_owned();
    let mut topics: Vec<String> = Vec::new();
    for sentence in &all {
        if !topics.contains(&topic(sentence)) {
            topics.push(topic(sentence));
        }
    }
    all.sort_by_key(|sentence| topics.iter().position(|known| *known == topic(sentence)));
    let with = |sentence: &String| {
        let some: Vec<&(String, String)> =
            rows.iter().filter(|(_, said)| said.contains(sentence)).filter_map(|(b, _)| b.as_ref()).collect();
        match some.first() {
            Some((key, _)) if some.len() < rows.len() => {
                let values: Vec<String> = some.iter().map(|(_, value)| value.clone()).collect();
                format!("{sentence} (with {key} = {}).", list(&values))
            }
            _ => format!("{sentence}."),
        }
    };
    all.into_iter().map(with).collect()
}

/// Points along one key.
struct Line<'a> {
    sweep: &'a Sweep,
    key: &'a Key,
    points: &'a [&'a Point],
    beside: Option<&'a (String, String)>,
}

impl Line<'_> {
    fn crossing(&self, what: What, i: usize, j: usize, at: Option<f64>) -> Crossing {
        let value = |i: usize| self.points[i].values[0].clone();
        let between = (value(i), value(j));
        Crossing { what, key: self.key.name.clone(), between, at, beside: self.beside.cloned() }
    }

    /// The value of the key at a point, as a number.
    fn at(&self, i: usize) -> Option<f64> {
        self.key.numbers()?;
        super::magnitude(&self.points[i].values[0]).map(|(size, _)| size)
    }

    /// Where a figure that goes from `one` to `other`, of different signs, is nought, on a logarithmic
    /// axis where that is possible.
    fn nought(&self, i: usize, j: usize, one: f64, other: f64) -> Option<f64> {
        let (from, to) = (self.at(i)?, self.at(j)?);
        let part = (one / (one - other)).clamp(0.0, 1.0);
        part.is_finite().then(|| {
            if from > 0.0 && to > 0.0 { from * (to / from).powf(part) } else { from + (to - from) * part }
        })
    }

    /// `at about 33 s`, after a comma or a space.
    fn about(&self, joint: &str, at: Option<f64>) -> String {
        let unit = self.key.numbers().map(|(_, unit)| unit);
        match (at, unit) {
            (Some(at), Some(unit)) => format!("{joint}at about {}", unit.say(at)),
            _ => String::new(),
        }
    }

    fn advice(&self, crossings: &mut Vec<Crossing>, said: &mut Vec<String>) {
        let choices: Vec<Option<(String, String)>> = self
            .points
            .iter()
            .map(|point| self.sweep.choice(point).map(|choice| (choice.winner, choice.kind)))
            .collect();
        let key = &self.key.name;
        let mut changed = false;
        for (i, pair) in choices.windows(2).enumerate() {
            let [Some((before, was)), Some((after, is))] = pair else { continue };
            if was == is {
                continue;
            }
            changed = true;
            let what = What::Choice { before: before.clone(), after: after.clone() };
            let crossing = self.crossing(what, i, i + 1, None);
            let (low, high) = &crossing.between;
            said.push(format!(
                "Advice: {} up to {key} = {low}, {} from {high} on",
                name(before, was),
                name(after, is)
            ));
            crossings.push(crossing);
        }
        if let (false, Some(Some((label, kind)))) = (changed, choices.first())
            && choices.iter().all(Option::is_some)
        {
            said.push(format!("Advice: {} at every value", name(label, kind)));
        }
    }

    fn bound(&self, crossings: &mut Vec<Crossing>, said: &mut Vec<String>) {
        let Some(bound) = self.sweep.max_delay_s else { return };
        let holds = |point: &Point| -> Vec<(String, Option<bool>)> {
            Facts::of(&point.outcome).into_iter().map(|f| (f.label.clone(), f.holds(bound))).collect()
        };
        let all: Vec<_> = self.points.iter().map(|point| holds(point)).collect();
        for (i, pair) in all.windows(2).enumerate() {
            for (label, was) in &pair[0] {
                let is = pair[1].iter().find(|(other, _)| other == label).and_then(|(_, is)| *is);
                let (Some(was), Some(is)) = (*was, is) else { continue };
                if was != is {
                    let what = What::Bound { label: label.clone(), holds: is };
                    let crossing = self.crossing(what, i, i + 1, None);
                    let verb = if is { "keeps the bound from" } else { "keeps the bound only below" };
                    said.push(format!("Delay: {label} {verb} {} = {}", self.key.name, crossing.between.1));
                    crossings.push(crossing);
                }
            }
        }
    }

    fn waste(&self, crossings: &mut Vec<Crossing>, said: &mut Vec<String>) {
        let Some(first) = self.points.first() else { return };
        for way in ways(&first.outcome).iter().filter(|way| way.kind == Kind::Poll) {
            let share = |i: usize| {
                let all = &self.points[i].outcome.transports;
                all.iter().find(|t| t.label == way.t.label).and_then(|t| t.waste_ratio)
            };
            for limit in [advice::HALF, advice::ALMOST_ALL] {
                for i in 1..self.points.len() {
                    let (Some(one), Some(other)) = (share(i - 1), share(i)) else { continue };
                    if (one > limit) == (other > limit) {
                        continue;
                    }
                    let at = self.nought(i - 1, i, one - limit, other - limit);
                    let rises = other > one;
                    let what = What::Passes { label: way.t.label.clone(), limit, rises };
                    let crossing = self.crossing(what, i - 1, i, at);
                    let verb = if rises { "rises above" } else { "falls below" };
                    let (low, high) = &crossing.between;
                    said.push(format!(
                        "“Nope”: by {} it {verb} {} between {} = {low} and {high}{}",
                        way.name,
                        percent(limit),
                        self.key.name,
                        self.about(", ", at)
                    ));
                    crossings.push(crossing);
                }
            }
        }
    }

    fn overtaking(&self, crossings: &mut Vec<Crossing>, said: &mut Vec<String>) {
        let Some(first) = self.points.first() else { return };
        let all = ways(&first.outcome);
        for poll in all.iter().filter(|way| way.kind == Kind::Poll) {
            for push in all.iter().filter(|way| way.kind != Kind::Poll) {
                for metric in METRICS {
                    self.pair(poll, push, metric, crossings, said);
                }
            }
        }
    }

    fn pair(
        &self,
        one: &Way<'_>,
        two: &Way<'_>,
        (metric, id, heading, verb): (Metric, &'static str, &str, &str),
        crossings: &mut Vec<Crossing>,
        said: &mut Vec<String>,
    ) {
        // The logarithm of the ratio where the two differ beyond noise.
        let apart: Vec<Option<f64>> =
            self.points.iter().map(|point| ratio(point, one, two, metric)).collect();
        let known: Vec<(usize, f64)> =
            apart.iter().enumerate().filter_map(|(i, ratio)| Some((i, (*ratio)?))).collect();
        let mut crossed = false;
        for pair in known.windows(2) {
            let ((i, before), (j, after)) = (pair[0], pair[1]);
            if (before > 0.0) == (after > 0.0) {
                continue;
            }
            crossed = true;
            let at = self.nought(i, j, before, after);
            let (less, more) = if before < 0.0 { (one, two) } else { (two, one) };
            let what =
                What::Overtakes { metric: id, before: less.t.label.clone(), after: more.t.label.clone() };
            let crossing = self.crossing(what, i, j, at);
            let (low, high) = &crossing.between;
            said.push(format!(
                "{heading}: {} {verb} up to {} = {low}, {} from {high} on; they cross{}",
                less.name,
                self.key.name,
                more.name,
                self.about(" ", at)
            ));
            crossings.push(crossing);
        }
        if let (false, Some((_, first))) = (crossed, known.first())
            && known.len() == apart.len()
        {
            let (less, more) = if *first < 0.0 { (one, two) } else { (two, one) };
            let (less, more) = (&less.name, &more.name);
            said.push(format!("{heading}: {less} {verb} than {more} at every value"));
        }
    }
}

fn ratio(point: &Point, one: &Way<'_>, two: &Way<'_>, metric: Metric) -> Option<f64> {
    let all = ways(&point.outcome);
    let of = |label: &str| {
        let way = all.iter().find(|way| way.t.label == label)?;
        metric.of(&point.outcome, way, true)
    };
    if metric == Metric::Bytes {
        // All bytes, not those of a message: where only the latest counts, the two deliver not equally many.
        let bytes = |label: &str| {
            let way = all.iter().find(|way| way.t.label == label)?;
            way.t.bytes.both_ways().map(|bytes| bytes as f64).filter(|bytes| *bytes > 0.0)
        };
        let ratio = (bytes(&one.t.label)? / bytes(&two.t.label)?).ln();
        return (ratio.abs() > LEAST).then_some(ratio);
    }
    if metric == Metric::Requests {
        // Openings are of the whole run: one before the window would be set against the window's polls.
        let after = |label: &str| {
            let requests = &all.iter().find(|way| way.t.label == label)?.t.requests;
            Some(requests.total.saturating_sub(requests.opens) as f64)
        };
        let (a, b) = (after(&one.t.label)?, after(&two.t.label)?);
        let apart = (a - b).abs() > (0.01 * a.max(b)).max(2.0);
        return apart.then(|| (a.max(1.0) / b.max(1.0)).ln());
    }
    let (a, b) = (of(&one.t.label)?, of(&two.t.label)?);
    metric.differ(&a, &b).then(|| (a.value.max(1e-3) / b.value.max(1e-3)).ln())
}
