//! `anynews handshake`: one WebSocket in slow motion.

use std::time::Duration;

use super::{Exit, Usage, not_yet};
use crate::handshake::{Target, record, show};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Options of `handshake`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server, as ws://host:port/path; without it, a server of our own
    url: Option<String>,
}

pub(super) fn run(args: Args) -> Exit {
    let Some(url) = args.url else { return not_yet("handshake") };
    let target = Target::parse(&url).map_err(Usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let transcript = runtime.block_on(record::record(&target, PATIENCE));
    if !transcript.chunks.is_empty() {
        anstream::print!("{}", show::render(&transcript));
    }
    match transcript.failure {
        None => Ok(0),
        Some(failure) => Err(anyhow::anyhow!(failure)),
    }
}
