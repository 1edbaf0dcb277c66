//! Outlets that show an outcome: a table in the terminal, a page, charts. They see nothing else of a run.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::outcome::{Outcome, SCHEMA};

pub mod advice;
pub mod chart;
pub mod claims;
pub mod compare;
pub mod csv;
pub mod faults;
#[cfg(test)]
mod fixture;
pub mod fleet;
pub mod html;
pub mod lessons;
pub mod measure;
pub mod noise;
pub mod numbers;
pub mod sweep;
pub mod text;
pub mod titles;
pub mod verdict;
pub mod ways;

/// What [`write`] put where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The outcome document; a comparison has none of its own.
    pub outcome: Option<PathBuf>,
    /// The page.
    pub html: PathBuf,
    /// The pictures, in the order of the page.
    pub charts: Vec<PathBuf>,
}

/// Writes `outcome.json`, `report.html` and `charts/*.png` into `dir`, making it if need be.
///
/// The measurements come first, so that no later trouble can lose them. Pictures of an earlier report
/// in the same directory that this one does not draw are removed.
///
/// # Errors
/// The directory or a file cannot be written, named in the message.
pub fn write(outcome: &Outcome, dir: &Path) -> anyhow::Result<Written> {
    let charts_dir = dir.join("charts");
    fs::create_dir_all(&charts_dir).with_context(|| format!("cannot make {}", charts_dir.display()))?;

    let outcome_path = dir.join("outcome.json");
    let mut json = serde_json::to_string_pretty(outcome).context("cannot write the outcome as JSON")?;
    json.push('\n');
    replace(&outcome_path, json.as_bytes())?;

    let entries = chart::entries(outcome);
    let html_path = dir.join("report.html");
    replace(&html_path, html::page(outcome, &entries, &json)?.as_bytes())?;

    let mut charts = Vec::new();
    for figure in entries.iter().filter_map(chart::Entry::figure) {
        let path = charts_dir.join(format!("{}.png", figure.slug));
        chart::png(figure, &path)?;
        charts.push(path);
    }
    remove(&charts_dir, chart::SLUGS.into_iter(), &charts)?;
    Ok(Written { outcome: Some(outcome_path), html: html_path, charts })
}

/// Reads an outcome document, or the array of them that `run` prints for several scenarios.
///
/// # Errors
/// The file is missing or unreadable, is no JSON, is of another schema, or lacks a field; the message
/// names the file.
pub fn read(path: &Path) -> anyhow::Result<Vec<Outcome>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.display();
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).with_context(|| format!("{name} is not JSON"))?;
    match value {
        serde_json::Value::Array(several) => {
            if several.is_empty() {
                bail!("{name} holds no outcome");
            }
            several.into_iter().map(|value| one(value, path)).collect()
        }
        value => Ok(vec![one(value, path)?]),
    }
}

fn one(value: serde_json::Value, path: &Path) -> anyhow::Result<Outcome> {
    let name = path.display();
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) => bail!("{name} is of schema {other:?}; this version reads {SCHEMA:?}"),
        None => bail!("{name} is not an outcome: it has no \"schema\": {SCHEMA:?}"),
    }
    serde_json::from_value(value).with_context(|| format!("{name} is not a whole outcome"))
}

/// Writes beside the target and renames, so that a reader sees the old file or the new one.
fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Removes only pictures this program can have drawn; anything else in the folder is the user's.
fn remove(dir: &Path, slugs: impl Iterator<Item = &'static str>, kept: &[PathBuf]) -> anyhow::Result<()> {
    for slug in slugs {
        let path = dir.join(format!("{slug}.png"));
        if !kept.contains(&path) && path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
