//! One server process of a run: started from the running binary, spoken to by its control listener.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Context, limits};
use crate::broker::Handed;
use crate::client;
use crate::os;
use crate::server::stats::Stats;
use crate::tls;
use crate::transport::{Transport, Way};
use crate::units::format_duration;

/// A server has this long to say where it listens, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server process. Dropping it ends the process.
pub(super) struct ServerProcess {
    child: Child,
    /// What clients talk to.
    pub(super) public: SocketAddr,
    /// What the schedule's publisher and the engine talk to.
    pub(super) control: SocketAddr,
    /// What clients have to trust, when they speak TLS with it.
    pub(super) certificate: Option<tls::Certificate>,
    http: reqwest::Client,
}

impl ServerProcess {
    /// Starts a server of one transport, the scenario's at `index`.
    ///
    /// # Errors
    /// The process could not be started, or did not say where it listens.
    pub(super) async fn start(
        context: &Context<'_>,
        transport: &Transport,
        index: usize,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(&context.options.executable);
        command.args(arguments(context, transport, index));
        // A token meant for `serve` would keep this run's own people from publishing.
        command.env_remove("ANYNEWS_TOKEN");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // A Ctrl-C on the terminal goes to the whole group: the server must outlive it, so that its
        // counters can still be read.
        os::own_group(&mut command);
        let mut child = command.spawn().with_context(|| {
            format!("cannot start a server process from {}", context.options.executable.display())
        })?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let public = address(&mut lines, "listening on ").await?;
        let control = address(&mut lines, "control on ").await?;
        let certificate = if context.scenario.tls {
            let text = line(&mut lines, "certificate ").await?;
            Some(BASE64.decode(text).context("the server process sent no certificate")?.into())
        } else {
            None
        };
        let http = client::builder(None).timeout(PATIENCE).build()?;
        Ok(Self { child, public, control, certificate, http })
    }

    /// Reads the counters.
    ///
    /// # Errors
    /// The server did not answer.
    pub(super) async fn stats(&self) -> anyhow::Result<Stats> {
        let answer = self.http.get(format!("http://{}/stats", self.control)).send().await?;
        Ok(serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?)
    }

    /// When events passed through the server.
    ///
    /// # Errors
    /// The server did not answer.
    pub(super) async fn handed(&self) -> anyhow::Result<Handed> {
        let answer = self.http.get(format!("http://{}/control/hops", self.control)).send().await?;
        Ok(serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?)
    }

    /// Tells the server when to sample its counters (Unix microseconds).
    ///
    /// # Errors
    /// The server did not answer.
    pub(super) async fn sample(&self, start: i64, end: i64, step_us: i64) -> anyhow::Result<()> {
        let body = format!(r#"{{"start":{start},"end":{end},"step_us":{step_us}}}"#);
        let url = format!("http://{}/control/window", self.control);
        let request = self.http.post(url).header("content-type", "application/json").body(body);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Ends the server: its standard input is closed, and what does not end by that is killed.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

async fn address(lines: &mut Lines<BufReader<ChildStdout>>, before: &str) -> anyhow::Result<SocketAddr> {
    let url = line(lines, before).await?;
    let (_, authority) = url.split_once("://").context("the server process gave no address")?;
    Ok(authority.trim_end_matches('/').parse()?)
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>, before: &str) -> anyhow::Result<String> {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.context("the server process did not start in time")??;
    let Some(line) = line else { bail!("the server process ended at once") };
    let rest = line.strip_prefix(before).with_context(|| format!("the server process said {line:?}"))?;
    Ok(rest.to_owned())
}

fn arguments(context: &Context<'_>, transport: &Transport, index: usize) -> Vec<String> {
    let scenario = context.scenario;
    let longest =
        scenario.transports.iter().filter_map(|t| t.way.longest_interval()).max().unwrap_or_default();
    // A slow poller must find its connection still open.
    let idle = (2 * longest).max(Duration::from_secs(300));
    // Every event of the run is kept, so that no reader is too late for one.
    let keep = context.plan.by_topic.iter().map(Vec::len).max().unwrap_or(0).max(10_000);
    let mut words: Vec<String> =
        ["serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"].map(Into::into).into();
    let mut set = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    set("clock", context.clock.anchor().to_string());
    set("seed", scenario.seed.to_string());
    set("child-of", std::process::id().to_string());
    set("max-connections", limits::connections(scenario, transport).to_string());
    set("keep", keep.to_string());
    set("idle-keep-alive", format_duration(idle));
    if scenario.tls {
        words.push("--tls".to_owned());
    }
    let mut set = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    if let Some(link) = &scenario.network {
        set("network", link.to_string());
    }
    set("headers", scenario.headers.to_string());
    match transport.way {
        Way::WebSocket { ping, coalesce, read_buffer } => {
            set("ping", format_duration(ping));
            set("coalesce", format_duration(coalesce));
            set("read-buffer", crate::units::format_size(read_buffer as u64));
        }
        Way::Poll { shared_cache: Some(kept), .. } => set("shared-cache", format_duration(kept)),
        Way::Poll { .. } | Way::LongPoll { .. } | Way::Sse => {}
    }
    if let Some(between) = &context.between {
        set("broker", between.broker.name().to_owned());
        set("redis", between.url.clone());
        // A transport's servers talk to one another, and not to those of another transport.
        set("namespace", between.namespace(index));
        words.push("--stamps".to_owned());
    }
    words
}
