//! `anynews with-parent`: what `run` starts Redis by, so that it never outlives the run.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Context as _;

use super::Exit;
use crate::os;

/// Options of `with-parent`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Parent: end with it
    #[arg(long)]
    child_of: u32,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

pub(super) fn run(args: &Args) -> Exit {
    let (program, arguments) = args.program.split_first().context("no program")?;
    let mut command = Command::new(program);
    command.args(arguments);
    os::become_tied(command, args.child_of).with_context(|| format!("cannot start {}", program.display()))?;
    Ok(0)
}
