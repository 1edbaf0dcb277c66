//! `anynews clients`: some of the people of a run, when one process may not open files for all of them.

use super::Exit;
use crate::live::people;
use crate::os;

/// Options of `clients`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Parent: end with it
    #[arg(long)]
    child_of: u32,
}

pub(super) fn run(args: &Args) -> Exit {
    os::die_with_parent(args.child_of);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(people::work::work())?;
    // People who did not hang up in time end with the process.
    runtime.shutdown_background();
    Ok(0)
}
