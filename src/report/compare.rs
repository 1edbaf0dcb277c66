//! Several outcomes side by side: what differs in their settings, and what in their results beyond noise.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::outcome::Outcome;
use crate::scenario::Engine;

use super::ways::{Kind, Way, ways};
use super::{Written, chart, html, measure, noise, remove, replace};

mod difference;
mod metric;

pub use difference::Difference;
pub use metric::{Estimate, Metric};

/// Outcomes under names that tell them apart.
#[derive(Debug)]
pub struct Comparison {
    /// In the order in which they were given.
    pub runs: Vec<Run>,
    /// The settings that are not the same in all.
    pub differences: Vec<Difference>,
    /// Whether all hear the same news: then what they owe is no source of noise.
    pub same_schedule: bool,
}

/// One of the outcomes.
#[derive(Debug)]
pub struct Run {
    /// `live`, `chat, virtual time`, `poll.interval=1s`: as short as tells it apart.
    pub name: String,
    /// Its figures.
    pub outcome: Outcome,
}

/// The estimates of one metric for one transport: run and value.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The label of the transport, and what it is called.
    pub label: String,
    /// For people.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// How many transports of its kind come before.
    pub repeat: usize,
    /// Index of the run, and what it says.
    pub rows: Vec<(usize, Estimate)>,
}

impl Comparison {
    /// Names the outcomes and finds what differs.
    #[must_use]
    pub fn new(outcomes: Vec<Outcome>) -> Self {
        let differences = difference::between(&outcomes);
        let names = difference::names(&outcomes, &differences);
        let schedules: Vec<Value> = outcomes.iter().map(difference::schedule).collect();
        let same_schedule = schedules.windows(2).all(|pair| pair[0] == pair[1]);
        let runs = names.into_iter().zip(outcomes).map(|(name, outcome)| Run { name, outcome }).collect();
        Self { runs, differences, same_schedule }
    }

    /// Whether only the engine differs, so that the results must agree.
    #[must_use]
    pub fn only_engines_differ(&self) -> bool {
        self.differences.iter().all(|difference| difference.key == "engine")
    }

    /// The transports in order of their first appearance, each with every run that has the metric.
    #[must_use]
    pub fn groups(&self, metric: Metric) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, run) in self.runs.iter().enumerate() {
            for way in ways(&run.outcome) {
                let Some(estimate) = metric.of(&run.outcome, &way, self.same_schedule) else { continue };
                match groups.iter_mut().find(|group| group.label == way.t.label && group.kind == way.kind) {
                    Some(group) => group.rows.push((index, estimate)),
                    None => groups.push(Group {
                        label: way.t.label.clone(),
                        name: way.name.clone(),
                        kind: way.kind,
                        repeat: way.repeat,
                        rows: vec![(index, estimate)],
                    }),
                }
            }
        }
        groups
    }

    /// What a metric's chart shows, guarded against noise.
    #[must_use]
    pub fn title(&self, metric: Metric) -> String {
        let groups = self.groups(metric);
        let compared: Vec<&Group> = groups.iter().filter(|group| group.rows.len() > 1).collect();
        if compared.is_empty() {
            return format!("{}: no transport is in two of these runs", metric.heading());
        }
        let apart = |group: &&Group| Some((metric.widest(group)?, (*group).clone()));
        let most = compared
            .iter()
            .filter_map(apart)
            .max_by(|a, b| metric.ratio(&a.0).total_cmp(&metric.ratio(&b.0)));
        match most {
            None => format!("{}: no difference beyond noise", metric.heading()),
            Some(((low, high), group)) => format!(
                "{} by {}: {} ({}) against {} ({})",
                metric.heading(),
                group.name,
                metric.text(low.1.value),
                self.runs[low.0].name,
                metric.text(high.1.value),
                self.runs[high.0].name,
            ),
        }
    }

    /// What the runs are, in a sentence.
    #[must_use]
    pub fn subject(&self) -> String {
        let mut titles: Vec<&str> = self.runs.iter().map(|run| run.outcome.scenario.title.as_str()).collect();
        titles.dedup();
        match &titles[..] {
            [only] => (*only).to_owned(),
            _ => format!("{} runs compared", self.runs.len()),
        }
    }
}

/// `this machine`, `virtual time`, `theory`.
#[must_use]
pub fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Live => "live",
        Engine::Sim => "virtual time",
        Engine::Theory => "theory",
    }
}

/// Writes `report.html` and `charts/*.png` of a comparison into `dir`, making it if need be.
///
/// # Errors
/// The directory or a file cannot be written, named in the message.
pub fn write(comparison: &Comparison, dir: &Path) -> anyhow::Result<Written> {
    let charts_dir = dir.join("charts");
    std::fs::create_dir_all(&charts_dir).with_context(|| format!("cannot make {}", charts_dir.display()))?;
    let entries = chart::comparison(comparison);
    let html_path = dir.join("report.html");
    replace(&html_path, html::comparison(comparison, &entries)?.as_bytes())?;
    let mut charts: Vec<PathBuf> = Vec::new();
    for figure in entries.iter().filter_map(chart::Entry::figure) {
        let path = charts_dir.join(format!("{}.png", figure.slug));
        chart::png(figure, &path)?;
        charts.push(path);
    }
    let slugs = Metric::ALL.map(Metric::slug);
    remove(&charts_dir, slugs.iter().chain(&chart::SLUGS).copied(), &charts)?;
    Ok(Written { outcome: None, html: html_path, charts })
}

#[cfg(test)]
mod tests;
