//! `anynews report`: draws a report again from an outcome.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Exit, Usage, print};
use crate::report;

/// Options of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The outcome.json of a run
    #[arg(required = true, value_name = "OUTCOME.json")]
    outcomes: Vec<PathBuf>,
    /// Directory to write to [default: the outcome's own]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Open the report in a browser
    #[arg(long)]
    open: bool,
}

pub(super) fn run(args: Args) -> Exit {
    let [path] = &args.outcomes[..] else {
        return Err(Usage("comparing outcomes is not built yet; give one outcome.json".to_owned()).into());
    };
    let outcome = report::read(path)?;
    // The parent of a bare file name is empty, which means the present directory.
    let own = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = report::write(&outcome, args.out.as_deref().unwrap_or(own))?;
    print(&report::text::summary(&outcome, report::text::Style::Coloured))?;
    print(&format!("Report: {}\n", written.html.display()))?;
    if args.open {
        open::that_detached(&written.html)
            .with_context(|| format!("cannot open {}", written.html.display()))?;
    }
    Ok(0)
}
