//! The charts: each is one definition, a list of shapes, which plotters draws to PNG and to SVG, in
//! light and dark. What is drawn where is decided here and below; colours only when it is painted.

use std::path::Path;

use anyhow::Context as _;

use crate::outcome::Outcome;

use super::ways::{Way, ways};

mod axis;
mod bars;
mod comeback;
mod compare;
mod course;
mod font;
mod heat;
mod key;
mod latency;
mod memory;
mod paint;
mod person;
mod shape;
mod swept;
pub mod theme;

pub use shape::{Frame, Ink, Picture, Shape};
pub use theme::Theme;

/// Every picture a report may hold, in the order of the page.
pub const SLUGS: [&str; 8] = ["person", "waste", "latency", "split", "bytes", "memory", "time", "reconnects"];

/// Every picture a sweep may have.
pub const SWEEP_SLUGS: [&str; 5] = ["trade-off", "sweep-bytes", "heat-waste", "heat-bytes", "heat-delay"];

/// A chart with all that is said about it.
pub struct Figure<'a> {
    /// File stem, and anchor in the page.
    pub slug: &'static str,
    /// The finding.
    pub title: String,
    /// Alternative text: chart, data, finding.
    pub alt: String,
    /// How to read it.
    pub caption: String,
    /// The data behind it.
    pub table: Table,
    draw: Draw<'a>,
}

type Draw<'a> = Box<dyn Fn(&Frame) -> Picture + 'a>;

/// A table: heads, then rows of as many cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Column heads.
    pub heads: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

/// A place for a chart in a report.
pub enum Entry<'a> {
    /// It is drawn.
    Drawn(Figure<'a>),
    /// There is nothing to draw, and why.
    Missing {
        /// File stem it would have had.
        slug: &'static str,
        /// The reason, a sentence.
        why: String,
    },
}

impl<'a> Entry<'a> {
    /// The chart, where there is one.
    #[must_use]
    pub fn figure(&self) -> Option<&Figure<'a>> {
        match self {
            Self::Drawn(figure) => Some(figure),
            Self::Missing { .. } => None,
        }
    }
}

impl Figure<'_> {
    /// The picture for one width; it chooses its own height.
    #[must_use]
    pub fn picture(&self, frame: &Frame) -> Picture {
        (self.draw)(frame)
    }
}

/// The charts of an outcome, in the order of the page.
#[must_use]
pub fn entries(outcome: &Outcome) -> Vec<Entry<'_>> {
    let all = ways(outcome);
    let mut entries = vec![
        person::entry(outcome, &all),
        bars::waste(outcome, &all),
        latency::entry(outcome, &all),
        bars::split(outcome, &all),
        course::bytes(outcome, &all),
    ];
    entries.extend(memory::entry(outcome, &all));
    entries.push(course::delay(outcome, &all));
    entries.extend(comeback::entry(outcome, &all));
    entries
}

/// The charts of a comparison, in the order of its page.
#[must_use]
pub fn comparison(comparison: &super::compare::Comparison) -> Vec<Entry<'_>> {
    compare::entries(comparison)
}

/// The charts of a sweep: along one setting, or over two.
#[must_use]
pub fn swept(sweep: &super::sweep::Sweep) -> Vec<Entry<'_>> {
    if sweep.keys.len() < 2 {
        return vec![swept::trade_off(sweep), swept::bytes_along(sweep)];
    }
    let mut all = vec![swept::trade_off(sweep)];
    all.extend(heat::entries(sweep));
    all
}

/// The heat maps of a sweep as text: the finding, and the cells row by row, nothing where none is known.
#[must_use]
pub fn heat_maps(sweep: &super::sweep::Sweep) -> Vec<(String, Vec<Vec<Option<String>>>)> {
    heat::Map::ALL.into_iter().filter_map(|map| heat::written(sweep, map)).collect()
}

/// The figures of every point and transport of a sweep.
#[must_use]
pub fn sweep_table(sweep: &super::sweep::Sweep) -> Table {
    swept::table(sweep)
}

/// Writes a figure with its title as a PNG for a projector: light, two pixels per point.
///
/// # Errors
/// The file cannot be written.
pub fn png(figure: &Figure<'_>, path: &Path) -> anyhow::Result<()> {
    let frame = Frame::wide();
    let titled = paint::with_title(&figure.title, &frame, figure.picture(&frame));
    paint::png(&titled, &Theme::LIGHT, path).with_context(|| format!("cannot draw {}", path.display()))
}

/// A figure as an SVG element with a `title` for screen readers.
///
/// # Errors
/// The backend's own; none is known for text.
pub fn svg(figure: &Figure<'_>, frame: &Frame, theme: &Theme) -> anyhow::Result<String> {
    paint::svg(&figure.picture(frame), theme, &figure.alt)
        .with_context(|| format!("cannot draw the chart {}", figure.slug))
}

/// The names of the ways in a sentence.
fn names(all: &[Way<'_>]) -> String {
    super::ways::list(&all.iter().map(|way| way.name.clone()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
