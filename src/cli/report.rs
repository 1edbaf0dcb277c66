//! `anynews report`: draws a report again from an outcome, or compares several.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Exit, Usage, print};
use crate::merge;
use crate::outcome::Outcome;
use crate::report;
use crate::report::compare::{self, Comparison};

/// Options of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The outcome.json of a run; all shards of a run are merged, others compared
    #[arg(required = true, value_name = "OUTCOME.json")]
    outcomes: Vec<PathBuf>,
    /// Print what others published beside what the runs say, as Markdown, and write nothing
    #[arg(long, conflicts_with_all = ["out", "open"])]
    claims: bool,
    /// Directory to write to [default: the outcome's own; reports/compare for several]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Open the report in a browser
    #[arg(long)]
    open: bool,
}

pub(super) fn run(args: Args) -> Exit {
    refuse_repetitions(&args.outcomes)?;
    let read = |path: &PathBuf| report::read(path).map_err(|error| Usage(format!("{error:#}")));
    let read = args.outcomes.iter().map(read).collect::<Result<Vec<_>, Usage>>()?;
    let mut outcomes: Vec<Outcome> = read.into_iter().flatten().collect();
    if args.claims {
        return claims(&outcomes);
    }
    let merges = merge::are_shards(&outcomes);
    if merges {
        let whole = merge::merge(outcomes).map_err(|error| Usage(error.to_string()))?;
        outcomes = vec![whole];
    }
    let written = match (&mut outcomes[..], &args.outcomes[..]) {
        ([outcome], _) if merges => {
            let dir = args.out.as_deref().unwrap_or(Path::new("reports/merged"));
            let written = report::write(outcome, dir)?;
            print(&report::text::summary(outcome, report::text::Style::Coloured))?;
            written
        }
        ([outcome], [path]) => {
            // The parent of a bare file name is empty, which means the present directory.
            let own = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let written = report::write(outcome, args.out.as_deref().unwrap_or(own))?;
            print(&report::text::summary(outcome, report::text::Style::Coloured))?;
            written
        }
        _ => {
            let comparison = Comparison::new(outcomes);
            let dir = args.out.as_deref().unwrap_or(Path::new("reports/compare"));
            let written = compare::write(&comparison, dir)?;
            print(&report::text::comparison(&comparison, report::text::Style::Coloured))?;
            written
        }
    };
    print(&format!("Report: {}\n", written.html.display()))?;
    if args.open {
        open::that_detached(&written.html)
            .with_context(|| format!("cannot open {}", written.html.display()))?;
    }
    Ok(0)
}

fn claims(outcomes: &[Outcome]) -> Exit {
    if outcomes.iter().all(|outcome| outcome.scenario.claims.is_empty()) {
        let right = "run one of those that do, like `anynews run pull-grid`";
        return Err(Usage(format!("no scenario of these outcomes has a [[claim]]; {right}")).into());
    }
    print(&report::claims::markdown(outcomes))?;
    Ok(0)
}

/// A file compared with itself would agree with itself, and say nothing.
fn refuse_repetitions(paths: &[PathBuf]) -> Result<(), Usage> {
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    for (index, path) in paths.iter().enumerate() {
        if paths[..index].iter().any(|earlier| real(earlier) == real(path)) {
            return Err(Usage(format!("{} is given twice; compare it with another run", path.display())));
        }
    }
    Ok(())
}
