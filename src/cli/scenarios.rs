//! `anynews scenarios`: the shipped ones listed or shown, and files checked.

use std::fmt::Write as _;

use crate::outcome;
use crate::scenario::Scenario;
use crate::scenario::file::{self, Overrides};
use crate::scenario::shipped::{self, LoadError};

use super::{Exit, USAGE, Usage, print};

/// Options of `scenarios`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// The shipped scenarios, in the order of a course (the default)
    List,
    /// One scenario as TOML, to save and edit
    Show {
        /// Name of a shipped scenario, or a path
        name: String,
    },
    /// Every problem of each file
    Check {
        /// Paths, or names of shipped scenarios
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// JSON Schema of scenario files, for editors and programs that write them
    Schema {
        /// Of outcome.json instead
        #[arg(long)]
        outcome: bool,
    },
}

pub(super) fn run(args: Args) -> Exit {
    let (text, code) = match args.action.unwrap_or(Action::List) {
        Action::List => (list().map_err(usage)?, 0),
        Action::Show { name } => (shipped::text(&name).map_err(usage)?.1, 0),
        Action::Check { files } => check(&files),
        Action::Schema { outcome } => {
            let schema = if outcome { outcome::schema::schema() } else { file::schema::schema() };
            (format!("{schema:#}\n"), 0)
        }
    };
    print(&text)?;
    Ok(code)
}

fn usage(error: LoadError) -> Usage {
    Usage(error.to_string())
}

fn list() -> Result<String, LoadError> {
    let mut out = String::new();
    for shipped in shipped::course() {
        entry(&mut out, &shipped::load(shipped.name, &Overrides::default())?);
    }
    out.push_str("Published results, and where polling wins\n\n");
    for shipped in shipped::published() {
        entry(&mut out, &shipped::load(shipped.name, &Overrides::default())?);
    }
    out.push_str("anynews run letters              runs one\n");
    out.push_str("anynews scenarios show letters   prints its file: save it, change one line, run that\n");
    Ok(out)
}

fn entry(out: &mut String, scenario: &Scenario) {
    let labels: Vec<&str> = scenario.transports.iter().map(|transport| transport.label.as_str()).collect();
    let lesson = scenario.lesson.as_deref().unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}: {}", scenario.name, scenario.title);
    let _ = writeln!(out, "    {lesson}\n    {}\n", labels.join(" · "));
}

/// One line per problem, one "ok" per sound file, and the exit code.
fn check(files: &[String]) -> (String, u8) {
    let mut out = String::new();
    let mut code = 0;
    for file in files {
        let line = match shipped::load(file, &Overrides::default()) {
            Ok(_) => format!("{file}: ok"),
            Err(error) => {
                code = USAGE;
                error.to_string()
            }
        };
        let _ = writeln!(out, "{line}");
    }
    (out, code)
}
