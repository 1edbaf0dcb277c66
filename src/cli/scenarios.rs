//! `anynews scenarios`.

use super::{Exit, not_yet};

/// Options of `scenarios`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: Args) -> Exit {
    not_yet("scenarios")
}
