//! One scenario at several values of one or two settings: outcomes side by side along an axis, and where
//! one transport overtakes another.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::advice::{self, Choice, Machine, Need};
use crate::outcome::Outcome;
use crate::scenario::Engine;

use super::{Written, chart, csv, html, remove, replace};

mod crossing;
mod scale;

pub use crossing::{Crossing, What, findings};
pub use scale::{Unit, magnitude};

/// Value of [`Document::schema`].
pub const SCHEMA: &str = "anynews/sweep/1";

/// A setting and the values it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Dotted, as `--set` writes it.
    pub name: String,
    /// In order of size where all are numbers, else as given.
    pub values: Vec<String>,
}

/// One place on the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The value of each key.
    pub values: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What was swept.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// One or two.
    pub keys: Vec<Key>,
    /// In order: the last key moves fastest. Fewer than the grid has when a signal came.
    pub points: Vec<Point>,
    /// Bound on the delay, seconds.
    pub max_delay_s: Option<f64>,
}

/// `sweep.json`, and what `--format json` prints.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// Version of anynews.
    pub version: &'static str,
    /// Name of the scenario.
    pub scenario: &'a str,
    /// The keys with their values.
    pub keys: &'a [Key],
    /// Places on the grid; there are fewer points when a signal came.
    pub planned: usize,
    /// The bound on the delay that was asked for.
    pub max_delay_s: Option<f64>,
    /// What was found.
    pub points: Vec<PointDocument<'a>>,
    /// Where one overtakes another, or a limit is passed.
    pub crossings: Vec<Crossing>,
    /// The same in sentences.
    pub findings: Vec<String>,
}

/// One place on the grid, in the document.
#[derive(Debug, Serialize)]
pub struct PointDocument<'a> {
    /// The value of each key, in the order of the keys.
    pub values: &'a [String],
    /// What the adviser makes of these figures.
    pub choice: Option<Choice>,
    /// The outcome.
    pub outcome: &'a Outcome,
}

impl Key {
    /// Puts the values in order.
    #[must_use]
    pub fn new(name: String, mut values: Vec<String>) -> Self {
        let sizes: Option<Vec<f64>> =
            values.iter().map(|text| magnitude(text).map(|(size, _)| size)).collect();
        if sizes.is_some() {
            let size = |text: &String| magnitude(text).map_or(0.0, |(size, _)| size);
            values.sort_by(|a, b| size(a).total_cmp(&size(b)));
        }
        Self { name, values }
    }

    /// The values as numbers of one unit, where they are.
    #[must_use]
    pub fn numbers(&self) -> Option<(Vec<f64>, Unit)> {
        let sizes: Vec<(f64, Unit)> =
            self.values.iter().map(|text| magnitude(text)).collect::<Option<_>>()?;
        let unit = sizes.first()?.1;
        sizes.iter().all(|(_, other)| *other == unit).then(|| (sizes.iter().map(|(n, _)| *n).collect(), unit))
    }
}

impl Sweep {
    /// The engine of all points; `None` where it is what was varied, or there is no point.
    #[must_use]
    pub fn engine(&self) -> Option<Engine> {
        let first = self.points.first()?.outcome.engine;
        self.points.iter().all(|point| point.outcome.engine == first).then_some(first)
    }

    /// Places on the grid.
    #[must_use]
    pub fn planned(&self) -> usize {
        self.keys.iter().map(|key| key.values.len()).product()
    }

    /// The points along the first key for each value of the second, with that value.
    #[must_use]
    pub fn rows(&self) -> Vec<(Option<&str>, Vec<&Point>)> {
        let (Some(first), second) = (self.keys.first(), self.keys.get(1)) else { return Vec::new() };
        let along = |beside: Option<&str>| {
            let there = |value: &&String| {
                self.points.iter().find(|point| {
                    point.values.first() == Some(*value) && point.values.get(1).map(String::as_str) == beside
                })
            };
            first.values.iter().filter_map(|value| there(&value)).collect::<Vec<&Point>>()
        };
        match second {
            None => vec![(None, along(None))],
            Some(second) => second.values.iter().map(|v| (Some(v.as_str()), along(Some(v)))).collect(),
        }
    }

    /// What the adviser makes of the figures of a point.
    #[must_use]
    pub fn choice(&self, point: &Point) -> Option<Choice> {
        let need = Need { max_delay_s: self.max_delay_s, ..Need::default() };
        advice::choice(&point.outcome, need, &Machine::assumed())
    }

    /// The name and title of what was swept.
    #[must_use]
    pub fn subject(&self) -> (&str, &str) {
        let scenario = self.points.first().map(|point| &point.outcome.scenario);
        scenario.map_or(("", ""), |scenario| (&scenario.name, &scenario.title))
    }

    /// `poll.interval × workload.mean_gap`.
    #[must_use]
    pub fn varied(&self) -> String {
        self.keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>().join(" × ")
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Document<'_> {
        let (crossings, findings) = findings(self);
        Document {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            scenario: self.subject().0,
            keys: &self.keys,
            planned: self.planned(),
            max_delay_s: self.max_delay_s,
            points: self
                .points
                .iter()
                .map(|point| PointDocument {
                    values: &point.values,
                    choice: self.choice(point),
                    outcome: &point.outcome,
                })
                .collect(),
            crossings,
            findings,
        }
    }
}

/// Removes outcomes of an earlier sweep into the same directory, which would pass for points of this one.
fn forget(points_dir: &Path, sweep: &Sweep) {
    let kept: Vec<String> = sweep.points.iter().map(|point| folder(sweep, point)).collect();
    for entry in std::fs::read_dir(points_dir).into_iter().flatten().flatten() {
        if !kept.iter().any(|name| entry.file_name().to_str() == Some(name)) {
            // Whatever else lies there is the user's, and keeps its folder.
            let _ = std::fs::remove_file(entry.path().join("outcome.json"));
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

/// The folder of a point within `points/`: `poll.interval=5s`, made of letters any file system takes.
#[must_use]
pub fn folder(sweep: &Sweep, point: &Point) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-=".contains(c) { c } else { '_' };
    let pair = |(key, value): (&Key, &String)| format!("{}={value}", key.name);
    let name = sweep.keys.iter().zip(&point.values).map(pair).collect::<Vec<_>>().join(",");
    name.chars().map(|c| if c == ',' { c } else { plain(c) }).collect()
}

/// Writes `sweep.json`, `sweep.csv`, `points/*/outcome.json`, `report.html` and `charts/*.png` into `dir`, making it if need be.
///
/// # Errors
/// The directory or a file cannot be written, named in the message.
pub fn write(sweep: &Sweep, dir: &Path) -> anyhow::Result<Written> {
    let charts_dir = dir.join("charts");
    std::fs::create_dir_all(&charts_dir).with_context(|| format!("cannot make {}", charts_dir.display()))?;
    // The measurements first, so that no later trouble can lose them.
    let document =
        serde_json::to_string_pretty(&sweep.document()).context("cannot write the sweep as JSON")?;
    let json = dir.join("sweep.json");
    replace(&json, format!("{document}\n").as_bytes())?;
    replace(&dir.join("sweep.csv"), csv::sweep(sweep).as_bytes())?;
    let points_dir = dir.join("points");
    forget(&points_dir, sweep);
    for point in &sweep.points {
        let own = points_dir.join(folder(sweep, point));
        std::fs::create_dir_all(&own).with_context(|| format!("cannot make {}", own.display()))?;
        let outcome = serde_json::to_string_pretty(&point.outcome).context("cannot write an outcome")?;
        replace(&own.join("outcome.json"), format!("{outcome}\n").as_bytes())?;
    }
    let entries = chart::swept(sweep);
    let page = dir.join("report.html");
    replace(&page, html::sweep(sweep, &entries)?.as_bytes())?;
    let mut charts = Vec::new();
    for figure in entries.iter().filter_map(chart::Entry::figure) {
        let path = charts_dir.join(format!("{}.png", figure.slug));
        chart::png(figure, &path)?;
        charts.push(path);
    }
    remove(&charts_dir, chart::SWEEP_SLUGS.into_iter(), &charts)?;
    Ok(Written { outcome: Some(json), html: page, charts })
}

#[cfg(test)]
mod tests;
