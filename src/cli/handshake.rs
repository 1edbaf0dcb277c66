//! `anynews handshake`: one WebSocket in slow motion.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::ClientConfig;

use super::{Exit, Usage, print};
use crate::handshake::{Target, record, show};
use crate::tls;

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
        (Some(Target { tls: true, .. }), None) => tls::visitor()?,
        (_, None) => tls::nobody(),
        (_, Some(text)) => trusting(text)?,
    };
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

fn trusting(text: &str) -> anyhow::Result<Arc<ClientConfig>> {
    let wrong = || Usage("--trust takes what `anynews serve --tls` prints after \"certificate\"".to_owned());
    let certificate = BASE64.decode(text).map_err(|_| wrong())?;
    tls::client([certificate.into()]).map_err(|_| wrong().into())
}
