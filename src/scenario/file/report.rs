//! Collects the problems of one file while the walk goes on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use super::tree::{Origin, clean};
use super::{Problem, Problems, Scenario};

/// Shared by every part of the walk.
pub(super) struct Report {
    file: String,
    found: RefCell<Found>,
}

#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
    /// Lines that are no TOML. What recovery makes of them is not judged a second time.
    broken: BTreeSet<usize>,
}

impl Report {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: RefCell::default() }
    }

    /// A line that is no TOML.
    pub(super) fn syntax(&self, line: usize, key: &str, message: String) {
        if self.found.borrow_mut().broken.insert(line) {
            self.push(Some(line), key, message);
        }
    }

    /// A wrong key or value. Nothing that `--set` wrote stands in the file, so it is named instead.
    pub(super) fn problem(&self, key: &str, origin: &Origin, message: String) {
        match origin {
            Origin::Flag(flag) => self.push(None, flag, message),
            Origin::Top => self.push(None, key, message),
            Origin::Line(line) => {
                let broken = self.found.borrow().broken.contains(line);
                if !broken {
                    self.push(Some(*line), key, message);
                }
            }
        }
    }

    /// A key that is not there, in a part that begins at `origin`. Where a line could not be read it
    /// may have been that one.
    pub(super) fn missing(&self, key: &str, origin: &Origin, message: String) {
        let unsure = !self.found.borrow().broken.is_empty();
        if !unsure {
            self.problem(key, origin, message);
        }
    }

    /// A wrong flag.
    pub(super) fn flag(&self, flag: &str, message: String) {
        self.push(None, flag, message);
    }

    /// Something wrong in a file that the scenario names.
    pub(super) fn in_file(&self, path: &Path, line: usize, message: &str) {
        let file = clean(&path.to_string_lossy());
        // It may quote the file, whose names have any length and any characters.
        let message = message.chars().take(300).map(|c| if c.is_control() { '·' } else { c }).collect();
        let problem = Problem { file, line: Some(line), key: String::new(), message };
        self.found.borrow_mut().problems.push(problem);
    }

    /// Where the file lies.
    pub(super) fn folder(&self) -> &Path {
        Path::new(&self.file).parent().unwrap_or(Path::new(""))
    }

    fn push(&self, line: Option<usize>, key: &str, message: String) {
        let problem = Problem { file: self.file.clone(), line, key: key.to_owned(), message };
        self.found.borrow_mut().problems.push(problem);
    }

    /// The scenario when nothing was wrong with it.
    pub(super) fn finish(self, scenario: Scenario) -> Result<Scenario, Problems> {
        let mut problems = self.found.into_inner().problems;
        if problems.is_empty() {
            return Ok(scenario);
        }
        let own = self.file;
        problems.sort_by_key(|problem| (problem.file != own, problem.line));
        problems.dedup();
        Err(Problems(problems))
    }
}
