//! `anynews handshake`: one WebSocket in slow motion.

use std::time::Duration;

use super::elsewhere::trusting;
use super::{Exit, Usage, print};
use crate::handshake::{record, show};
use crate::target::Target;
use crate::tls::{self, Trust};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Options of `handshake`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server, as ws://host:port/path or wss://…; without it, a server of our own
    url: Option<String>,
    /// For wss://, trust this certificate only, as `serve --tls` prints it
    #[arg(long, value_name = "CERTIFICATE", requires = "url")]
    trust: Option<String>,
}

pub(super) fn run(args: Args) -> Exit {
    let target = args.url.as_deref().map(Target::parse).transpose().map_err(Usage)?;
    let trust = match (&target, &args.trust) {
        (Some(Target { tls: true, .. }), None) => Trust::Machine,
        (_, None) => Trust::Nobody,
        (_, Some(text)) => trusting([text])?,
    };
    let trust = trust.client()?.unwrap_or_else(tls::nobody);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let transcript = runtime.block_on(async {
        match &target {
            Some(target) => Ok(record::record(target, &trust, PATIENCE).await),
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
