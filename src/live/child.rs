//! One server process of a run: started from the running binary, spoken to by its control listener.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Mutex;

use super::{Context, limits};
use crate::broker::Handed;
use crate::client;
use crate::fault::What;
use crate::os;
use crate::server::stats::Stats;
use crate::tls;
use crate::transport::{Transport, Way};
use crate::units::format_duration;

/// A server has this long to say where it listens, and to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the counters of a server that is being drained are read.
const GLANCE: Duration = Duration::from_millis(50);

/// A server of a run, whatever process it is at the moment: a fault may end one, and another then takes
/// its place at the same addresses. Dropping it ends the process.
pub(super) struct ServerProcess {
    /// The process; none while there is none.
    child: Mutex<Option<Child>>,
    /// What the processes before this one counted.
    past: Mutex<Option<Stats>>,
    /// Which of the transport's servers, from 1.
    number: u32,
    /// What clients talk to.
    pub(super) public: SocketAddr,
    /// What the schedule's publisher and the engine talk to.
    pub(super) control: SocketAddr,
    /// What clients have to trust, when they speak TLS with it.
    pub(super) certificate: Option<tls::Certificate>,
    http: reqwest::Client,
}

impl ServerProcess {
    /// Starts the server of this number, from 1, of one transport, the scenario's at `index`.
    ///
    /// # Errors
    /// The process could not be started, or did not say where it listens.
    pub(super) async fn start(
        context: &Context<'_>,
        transport: &Transport,
        index: usize,
        number: u32,
    ) -> anyhow::Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, said) = spawn(context, arguments(context, transport, index, number), any, any).await?;
        let http = client::builder(None).timeout(PATIENCE).build()?;
        let (child, past) = (Mutex::new(Some(child)), Mutex::new(None));
        let Said { public, control, certificate } = said;
        Ok(Self { child, past, number, public, control, certificate, http })
    }

    /// Starts a process in the place of one that ended.
    ///
    /// # Errors
    /// See [`ServerProcess::start`].
    pub(super) async fn start_again(&self, context: &Context<'_>, index: usize) -> anyhow::Result<()> {
        let transport = &context.scenario.transports[index];
        let words = arguments(context, transport, index, self.number);
        let (child, ..) = spawn(context, words, self.public, self.control).await?;
        *self.child.lock().await = Some(child);
        Ok(())
    }

    /// Sends the process a signal.
    pub(super) async fn tell(&self, what: os::Tell) {
        if let Some(id) = self.child.lock().await.as_ref().and_then(Child::id) {
            os::tell(id, what);
        }
    }

    /// Ends the process without warning. What it counted is read just before.
    pub(super) async fn kill(&self) {
        let counted = self.stats_now().await.ok();
        if let Some(mut child) = self.child.lock().await.take() {
            let _ = child.kill().await;
        }
        self.keep(counted).await;
    }

    /// Asks the process to end in an orderly way, and waits for it; its last counters are kept.
    pub(super) async fn drain(&self) {
        self.tell(os::Tell::Terminate).await;
        let mut counted = None;
        // The control listener answers until the last reader is gone.
        while let Ok(stats) = self.stats_now().await {
            counted = Some(stats);
            tokio::time::sleep(GLANCE).await;
        }
        if let Some(mut child) = self.child.lock().await.take()
            && tokio::time::timeout(PATIENCE, child.wait()).await.is_err()
        {
            let _ = child.kill().await;
        }
        self.keep(counted).await;
    }

    async fn keep(&self, counted: Option<Stats>) {
        let Some(counted) = counted else { return };
        let mut past = self.past.lock().await;
        match past.as_mut() {
            Some(past) => past.followed_by(counted),
            None => *past = Some(counted),
        }
    }

    /// Reads the counters, those of earlier processes among them.
    ///
    /// # Errors
    /// The server does not answer, and there was none before.
    pub(super) async fn stats(&self) -> anyhow::Result<Stats> {
        let past = self.past.lock().await.clone();
        match (past, self.stats_now().await) {
            (Some(mut all), Ok(now)) => {
                all.followed_by(now);
                Ok(all)
            }
            (Some(past), Err(_)) => Ok(past),
            (None, now) => now,
        }
    }

    async fn stats_now(&self) -> anyhow::Result<Stats> {
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
    pub(super) async fn stop(self) {
        let Some(mut child) = self.child.into_inner() else { return };
        drop(child.stdin.take());
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}

/// What a process says of itself when it starts.
struct Said {
    public: SocketAddr,
    control: SocketAddr,
    certificate: Option<tls::Certificate>,
}

/// Starts a process that listens at these addresses.
async fn spawn(
    context: &Context<'_>,
    words: Vec<String>,
    public: SocketAddr,
    control: SocketAddr,
) -> anyhow::Result<(Child, Said)> {
    let mut command = Command::new(&context.options.executable);
    command.args(["serve", "--listen", &public.to_string(), "--control", &control.to_string()]).args(words);
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
    Ok((child, Said { public, control, certificate }))
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

fn arguments(context: &Context<'_>, transport: &Transport, index: usize, number: u32) -> Vec<String> {
    let scenario = context.scenario;
    let longest =
        scenario.transports.iter().filter_map(|t| t.way.longest_interval()).max().unwrap_or_default();
    // A slow poller must find its connection still open.
    let idle = (2 * longest).max(Duration::from_secs(300));
    // Every event of the run is kept, so that no reader is too late for one.
    let keep = context.plan.by_topic.iter().map(Vec::len).max().unwrap_or(0).max(10_000);
    let mut words: Vec<String> = Vec::new();
    let mut set = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    set("clock", context.clock.anchor().to_string());
    set("seed", scenario.seed.to_string());
    set("child-of", std::process::id().to_string());
    set("max-connections", limits::connections(scenario, transport).to_string());
    set("keep", keep.to_string());
    set("idle-keep-alive", format_duration(idle));
    // A server that is drained more than once keeps to its first window.
    let drained = scenario
        .faults
        .iter()
        .find(|fault| matches!(fault.what, What::DrainServer { .. }) && fault.what.server() == Some(number));
    if let Some(fault) = drained {
        set("drain", format_duration(fault.lasts));
    }
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
    if scenario.tls {
        words.push("--tls".to_owned());
    }
    if matches!(drained.map(|fault| &fault.what), Some(What::DrainServer { spread: false, .. })) {
        words.push("--at-once".to_owned());
    }
    words
}
