//! Reads the keys of one table by type and range, and names those it does not know.
//!
//! A reader whose value is missing or wrong reports it and returns a stand-in, so that the walk goes
//! on to the next problem; a scenario with a problem is never built.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use crate::units::{parse_duration, parse_size};

use super::report::Report;
use super::tree::{Entry, Node, Origin, Table, Value, clean};
use super::{TOP, format_duration};

/// Characters of a text for people.
pub(super) const LONGEST_LINE: usize = 300;

/// Inclusive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds<T> {
    pub least: T,
    pub most: T,
}

impl Bounds<Duration> {
    pub(super) fn durations(least_ms: u64, most: Duration) -> Self {
        Self { least: Duration::from_millis(least_ms), most }
    }
}

pub(super) struct Section<'a> {
    /// How the part is addressed: `workload`, or a transport's label; empty at the top.
    place: String,
    origin: &'a Origin,
    table: &'a Table,
    report: &'a Report,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn top(table: &'a Table, report: &'a Report) -> Self {
        Self { place: String::new(), origin: &Origin::Top, table, report, asked: Vec::new() }
    }

    /// A table within this one.
    pub(super) fn inner(&self, place: &str, origin: &'a Origin, table: &'a Table) -> Self {
        Section { place: place.to_owned(), origin, table, report: self.report, asked: Vec::new() }
    }

    pub(super) fn whole(&self) -> &'a Table {
        self.table
    }

    pub(super) fn entries(&self) -> &'a [Entry] {
        &self.table.entries
    }

    /// The value of `key`, which this part knows.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key).map(|entry| &entry.node)
    }

    /// Which of these kinds, each with its keys, `kind` names. Where it names none, that is reported, and
    /// the kind whose keys are there is returned, so that their values are checked all the same.
    pub(super) fn kind(&mut self, kinds: &[(&'static str, &[&'static str])]) -> Option<&'static str> {
        let names: Vec<(&str, &'static str)> = kinds.iter().map(|(kind, _)| (*kind, *kind)).collect();
        if let Some(kind) = self.choice("kind", None, &names) {
            return Some(kind);
        }
        let mut meant = None;
        for (kind, keys) in kinds {
            // Any key of any kind may be meant, and is no mistake of its own.
            let there = keys.iter().filter(|key| self.get(key).is_some()).count();
            let complete = required(kind).iter().all(|key| self.table.get(key).is_some());
            if complete && there > meant.map_or(0, |(most, _)| most) {
                meant = Some((there, *kind));
            }
        }
        meant.map(|(_, kind)| kind)
    }

    /// Reports something wrong with the value of `key`.
    pub(super) fn problem(&self, key: &str, origin: &Origin, message: String) {
        self.report.problem(&self.path(key), origin, message);
    }

    /// Reports something wrong in a file that this part names.
    pub(super) fn problem_in(&self, path: &Path, line: usize, message: &str) {
        self.report.in_file(path, line, message);
    }

    /// Where the scenario file lies.
    pub(super) fn folder(&self) -> &'a Path {
        self.report.folder()
    }

    /// Reports that `key` is not there.
    pub(super) fn missing(&self, key: &str, right: &str) {
        self.report.missing(&self.path(key), self.origin, format!("is missing; write {right}"));
    }

    fn path(&self, key: &str) -> String {
        if self.place.is_empty() { clean(key) } else { format!("{}.{}", self.place, clean(key)) }
    }

    /// A table of this name.
    pub(super) fn table(&mut self, key: &'static str, required: bool) -> Option<Section<'a>> {
        match self.get(key) {
            None if required => {
                self.missing(key, &format!("a [{key}] table"));
                None
            }
            None => None,
            Some(Node { value: Value::Table(table), origin }) => Some(self.inner(key, origin, table)),
            Some(node) => {
                let message = format!("{} is not a table; write [{key}] on a line of its own", node.shown());
                self.problem(key, &node.origin, message);
                None
            }
        }
    }

    /// One line of text for people.
    pub(super) fn line(&mut self, key: &'static str) -> Option<String> {
        let node = self.get(key)?;
        match node.text() {
            Some(text) if text.chars().any(char::is_control) || text.chars().count() > LONGEST_LINE => {
                let message = format!("must be one line of at most {LONGEST_LINE} characters");
                self.problem(key, &node.origin, message);
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.problem(key, &node.origin, format!("{} is not text; write it in quotes", node.shown()));
                None
            }
        }
    }

    pub(super) fn bool(&mut self, key: &'static str, default: bool) -> bool {
        match self.get(key) {
            None => default,
            Some(Node { value: Value::Bool(is), .. }) => *is,
            Some(node) => {
                let message = format!("{} is neither; write true or false, without quotes", node.shown());
                self.problem(key, &node.origin, message);
                default
            }
        }
    }

    /// A whole number; 0 stands in for one that is missing or wrong.
    pub(super) fn count(&mut self, key: &'static str, default: Option<u32>, bounds: Bounds<u32>) -> u32 {
        let right = format!("a whole number from {} to {}", grouped(bounds.least), grouped(bounds.most));
        let Some(node) = self.get(key) else {
            if default.is_none() {
                self.missing(key, &format!("{key} = NUMBER, {right}"));
            }
            return default.unwrap_or(0);
        };
        let number = match node.value {
            Value::Integer(number) => u32::try_from(number).ok(),
            _ => None,
        };
        match number {
            Some(number) if (bounds.least..=bounds.most).contains(&number) => number,
            _ => {
                let quotes = if node.text().is_some() { ", without quotes" } else { "" };
                self.problem(
                    key,
                    &node.origin,
                    format!("{} will not do; write {right}{quotes}", node.shown()),
                );
                0
            }
        }
    }

    /// Any number; the least stands in for one that is missing or wrong.
    pub(super) fn number(&mut self, key: &'static str, default: Option<f64>, bounds: Bounds<f64>) -> f64 {
        let right = format!("a number from {} to {}", bounds.least, bounds.most);
        let Some(node) = self.get(key) else {
            if default.is_none() {
                self.missing(key, &format!("{key} = NUMBER, {right}"));
            }
            return default.unwrap_or(bounds.least);
        };
        let number = match node.value {
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => f64::NAN,
        };
        if (bounds.least..=bounds.most).contains(&number) {
            return number;
        }
        let quotes = if node.text().is_some() { ", without quotes" } else { "" };
        self.problem(key, &node.origin, format!("{} will not do; write {right}{quotes}", node.shown()));
        bounds.least
    }

    /// Reports `key` when it is there, though it means nothing without `other`, which is not.
    pub(super) fn needs(&mut self, key: &'static str, other: &str) {
        if let Some(node) = self.get(key) {
            self.problem(key, &node.origin, format!("means nothing without {other}; write that, too"));
        }
    }

    pub(super) fn seed(&mut self, key: &'static str, default: u64) -> u64 {
        let Some(node) = self.get(key) else { return default };
        let number = match node.value {
            Value::Integer(number) => u64::try_from(number).ok(),
            _ => None,
        };
        number.unwrap_or_else(|| {
            let message = format!("{} is not a seed; write a whole number from 0 on", node.shown());
            self.problem(key, &node.origin, message);
            default
        })
    }

    pub(super) fn duration(
        &mut self,
        key: &'static str,
        default: Option<Duration>,
        bounds: Bounds<Duration>,
    ) -> Duration {
        let (least, most) = (format_duration(bounds.least), format_duration(bounds.most));
        let Some(node) = self.get(key) else {
            if default.is_none() {
                self.missing(key, &format!("{key} = \"DURATION\", from {least} to {most}"));
            }
            return default.unwrap_or(bounds.least);
        };
        self.measured(key, node, |text| {
            let value = parse_duration(text)?;
            let range = bounds.least..=bounds.most;
            within(range.contains(&value), value, node, &least, &most)
        })
        .unwrap_or(bounds.least)
    }

    /// A duration whose absence means something else.
    pub(super) fn optional_duration(
        &mut self,
        key: &'static str,
        bounds: Bounds<Duration>,
    ) -> Option<Duration> {
        self.get(key).map(|_| self.duration(key, None, bounds))
    }

    /// Bytes.
    pub(super) fn size(&mut self, key: &'static str, bounds: Bounds<usize>) -> Option<usize> {
        let node = self.get(key)?;
        self.measured(key, node, |text| {
            let value = usize::try_from(parse_size(text)?).unwrap_or(usize::MAX);
            let range = bounds.least..=bounds.most;
            let shown = |bytes: usize| crate::units::format_size(bytes as u64);
            within(range.contains(&value), value, node, shown(bounds.least), shown(bounds.most))
        })
    }

    /// A number with a unit. A bare number is told which unit it lacks.
    pub(super) fn measured<T>(
        &self,
        key: &'static str,
        node: &Node,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = match (&node.value, node.text()) {
            (_, Some(text)) => read(&clean(text)),
            (Value::Integer(_) | Value::Float(_), None) => match read(&node.shown()) {
                Err(message) => Err(message),
                Ok(_) => Err(format!("{} is not in quotes", node.shown())),
            },
            _ => Err(format!("{} is not text; write a number and a unit in quotes", node.shown())),
        };
        read.map_err(|message| self.problem(key, &node.origin, message)).ok()
    }

    /// One of a few words; `None` (and a problem) when it is another or missing without default.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        default: Option<T>,
        options: &[(&'static str, T)],
    ) -> Option<T> {
        let words: Vec<String> = options.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let right = format!("one of {}", words.join(", "));
        let Some(node) = self.get(key) else {
            if default.is_none() {
                self.missing(key, &format!("{key} = {right}"));
            }
            return default;
        };
        let chosen = node.text().and_then(|text| options.iter().find(|(word, _)| *word == text));
        if chosen.is_none() {
            let hint = match node.text() {
                Some(text) => did_you_mean(text, options.iter().map(|(word, _)| *word)),
                None => ", in quotes".to_owned(),
            };
            self.problem(key, &node.origin, format!("{} is not known; write {right}{hint}", node.shown()));
        }
        chosen.map(|(_, value)| *value)
    }

    /// Reports every key that nothing asked for. `elsewhere` says where a key belongs that would be
    /// right in another place.
    pub(super) fn finish(self, elsewhere: impl Fn(&str) -> Option<String>) {
        for entry in &self.table.entries {
            let key = entry.key.as_str();
            if self.asked.contains(&key) {
                continue;
            }
            let place = if !self.place.is_empty() && TOP.contains(&key) {
                Some("it belongs at the top of the file, above the first [table]".to_owned())
            } else {
                elsewhere(key)
            };
            let right = place.unwrap_or_else(|| {
                let hint = did_you_mean(key, self.asked.iter().copied());
                format!("the keys here are {}{hint}", self.asked.join(", "))
            });
            self.problem(key, &entry.origin, format!("is not a key here; {right}"));
        }
    }
}

pub(super) fn within<T>(
    inside: bool,
    value: T,
    node: &Node,
    least: impl Display,
    most: impl Display,
) -> Result<T, String> {
    if inside {
        Ok(value)
    } else {
        Err(format!("{} is out of range; write something from {least} to {most}", node.shown()))
    }
}

fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `; did you mean "poll"?` when one of `known` is near, else nothing.
pub(super) fn did_you_mean<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> String {
    crate::scenario::nearest(written, known)
        .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

/// Keys that a kind cannot do without, and keys that mean nothing without another.
pub(super) fn required(kind: &str) -> &'static [&'static str] {
    match kind {
        "poll" => &["interval"],
        "poisson" => &["mean_gap"],
        "periodic" | "ticker" => &["gap"],
        "chat" => &["members", "gap_per_room"],
        "cricket" => &["gap_per_ball"],
        "game" => &["players", "tick"],
        "trace" => &["file"],
        "stall-server" | "kill-server" | "drain-server" | "restart-broker" => &["at", "for"],
        "cut-clients" | "slow-clients" => &["at", "share"],
        "idle-proxy" => &["at", "idle"],
        _ => &[],
    }
}
