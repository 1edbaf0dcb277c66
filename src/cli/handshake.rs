//! `anynews handshake`: one WebSocket in slow motion.

use std::time::Duration;

use super::{Exit, Usage, print};
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
    let target = args.url.as_deref().map(Target::parse).transpose().map_err(Usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let transcript = runtime.block_on(async {
        match &target {
            Some(target) => Ok(record::record(target, PATIENCE).await),
            None => record::record_our_own(PATIENCE).await,
        }
    })?;
    if !transcript.chunks.is_empty() {
        print(&show::render(&transcript))?;
    }
    match transcript.failure {
        None => Ok(0),
        Some(failure) => Err(anyhow::anyhow!(failure)),
    }
}
