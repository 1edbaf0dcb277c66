//! `anynews handshake`.

use super::{Exit, not_yet};

/// Options of `handshake`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: Args) -> Exit {
    not_yet("handshake")
}
