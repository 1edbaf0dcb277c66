//! Servers that others started, as they are given on the command line: where, whom to trust, what to show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Usage;
use crate::live::Elsewhere;
use crate::target::Target;
use crate::tls::{self, Trust};
use crate::token::Token;

/// Options of a command that turns to servers that others started.
#[derive(Debug, clap::Args)]
pub(super) struct Given {
    /// Servers that are running already (`anynews serve`), instead of new ones, like
    /// http://10.0.0.7:8080,http://10.0.0.8:8080
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    target: Vec<String>,
    /// For https:// targets, trust these certificates only, as `serve --tls` prints them
    #[arg(long, value_name = "CERTIFICATE", value_delimiter = ',', requires = "target")]
    trust: Vec<String>,
    /// Secret that the targets want to see of whoever publishes; other users of this machine see what is
    /// typed here, so prefer the environment
    #[arg(long, value_name = "SECRET", env = "ANYNEWS_TOKEN", hide_env_values = true)]
    token: Option<Token>,
}

impl Given {
    /// The servers; none: the command starts its own.
    ///
    /// # Errors
    /// What is given cannot be, in words.
    pub(super) fn read(&self) -> anyhow::Result<Option<Elsewhere>> {
        if self.target.is_empty() {
            return Ok(None);
        }
        let refuse = |text: String| Err(Usage(format!("--target: {text}")).into());
        let mut servers: Vec<Target> = Vec::new();
        for url in &self.target {
            let target = match Target::parse(url.trim_end_matches('/')) {
                Ok(target) => target,
                Err(why) => return refuse(why),
            };
            if target.path != "/" {
                return refuse(format!("{url} has a path, and `anynews serve` has its topics at the root"));
            }
            if servers.contains(&target) {
                return refuse(format!("{url} is there twice"));
            }
            servers.push(target);
        }
        let over_tls = servers[0].tls;
        if servers.iter().any(|target| target.tls != over_tls) {
            return refuse("some are http:// and some https://; give those of one kind".to_owned());
        }
        if !over_tls && !self.trust.is_empty() {
            return refuse("--trust is for https:// targets".to_owned());
        }
        let trust = match (over_tls, self.trust.is_empty()) {
            (false, _) => Trust::Nobody,
            (true, true) => Trust::Machine,
            (true, false) => trusting(&self.trust)?,
        };
        Ok(Some(Elsewhere { servers, trust, token: self.token.clone() }))
    }
}

/// Trust in certificates that are given as `serve --tls` prints them.
///
/// # Errors
/// One is none.
pub(super) fn trusting(all: impl IntoIterator<Item = impl AsRef<str>>) -> anyhow::Result<Trust> {
    let wrong = || Usage("--trust takes what `anynews serve --tls` prints after \"certificate\"".to_owned());
    let mut certificates = Vec::new();
    for text in all {
        let bytes = BASE64.decode(text.as_ref()).map_err(|_| wrong())?;
        tls::client([bytes.clone().into()]).map_err(|_| wrong())?;
        certificates.push(bytes);
    }
    Ok(Trust::These(certificates))
}
