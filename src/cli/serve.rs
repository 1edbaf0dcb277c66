//! `anynews serve`: the server alone, and the child that `run` starts for each transport.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::NonZeroU32;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Exit, Usage, signals};
use crate::broker::{Broker, Capacity, Remote};
use crate::clock::Clock;
use crate::headers::Headers;
use crate::link::Link;
use crate::os;
use crate::server::{self, Settings};
use crate::tls;
use crate::token::Token;
use crate::units::{parse_duration, parse_size};

/// Open files the process needs besides its connections.
const SPARE_FILES: u64 = 64;
/// Redis when the user does not say.
const REDIS: &str = "redis://127.0.0.1:6379";
/// Events wait no longer for others.
const LONGEST_COALESCE: Duration = Duration::from_secs(10);
/// Connections when the user does not say.
const CONNECTIONS: u64 = 10_000;

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on, like 127.0.0.1:8080 or localhost:0; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Where events are kept, and how they come to other servers
    #[arg(long, value_name = "BROKER", value_enum, default_value_t = Kept::Memory)]
    broker: Kept,
    /// Redis (6 or later) or Valkey that the servers share [default: redis://127.0.0.1:6379]
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Connections at one time [default: 10000, or what the open-file limit allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_connections: Option<u64>,
    /// Connections of one address at one time; loopback is exempt
    #[arg(long, value_name = "N", default_value = "500", value_parser = clap::value_parser!(u32).range(1..))]
    max_per_address: u32,
    /// Requests and socket messages of one address a second, twice as many at once; loopback is exempt
    #[arg(long, value_name = "N", default_value = "1000")]
    max_rate: NonZeroU32,
    /// Topics at one time
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u32).range(1..))]
    max_topics: u32,
    /// Largest message
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = size)]
    max_message: usize,
    /// How far a streaming reader may be behind before it is closed with 3008
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = size)]
    queue: usize,
    /// Events kept per topic
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
    /// Origin whose web pages may read and publish, like https://example.org, or * (repeatable)
    #[arg(long, value_name = "ORIGIN", value_parser = server::check_origin)]
    allow_origin: Vec<String>,
    /// Host name to answer for, beside localhost and the bound address, or * (repeatable)
    #[arg(long, value_name = "NAME", value_parser = server::check_host)]
    allow_host: Vec<String>,
    /// Secret needed to publish; other users of this machine see what is typed here, so prefer the
    /// environment
    #[arg(long, value_name = "SECRET", env = "ANYNEWS_TOKEN", hide_env_values = true)]
    token: Option<Token>,
    /// Delay every connection as a network would: a profile (3g, slow-4g, fast-4g, wifi, dsl,
    /// satellite), numbers like rtt=100ms,jitter=10ms,loss=0.01,down=9Mbit/s,up=1Mbit/s, or a
    /// profile and the numbers to change
    #[arg(long, value_name = "NETWORK")]
    network: Option<Link>,
    /// Speak TLS (https, wss) with a certificate made for this run; curl --insecure takes it
    #[arg(long)]
    tls: bool,
    /// How long stopping may take: SIGTERM sends readers away one after another within this time
    /// (Ctrl-C at once), and requests under way are waited for
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    drain: Duration,
    /// How long the first event due to a WebSocket waits for others to share its frame, an array of
    /// events; 0ms: a frame for each event
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = coalesce)]
    coalesce: Duration,
    /// Put a cache before the polls that keeps each answer for so many whole seconds and shares it
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds)]
    shared_cache: Option<Duration>,
    #[command(flatten)]
    child: Child,
}

/// Where events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kept {
    /// In this process: one server
    Memory,
    /// In each server, and Redis pub/sub tells the others: at most once
    RedisPubsub,
    /// In Redis, which numbers them: servers that lost it miss nothing
    Redis,
}

/// What `run` tells the servers it starts.
#[derive(Debug, clap::Args)]
struct Child {
    /// Before every key in Redis
    #[arg(long, hide = true, default_value = "anynews:")]
    namespace: String,
    /// Stamp events on their way between servers
    #[arg(long, hide = true)]
    stamps: bool,
    /// Second listener, neither counted nor delayed
    #[arg(long, hide = true)]
    control: Option<SocketAddr>,
    /// Anchor of the run's clock
    #[arg(long, hide = true, allow_hyphen_values = true)]
    clock: Option<i64>,
    /// Seed of the first pings and comments
    #[arg(long, hide = true)]
    seed: Option<u64>,
    /// Parent: end with it
    #[arg(long, hide = true)]
    child_of: Option<u32>,
    /// SIGTERM sends everybody away at once, too
    #[arg(long, hide = true)]
    at_once: bool,
    /// Time between pings
    #[arg(long, hide = true, default_value = "25s", value_parser = parse_duration)]
    ping: Duration,
    /// Read buffer of a WebSocket
    #[arg(long, hide = true, default_value = "4KiB", value_parser = size)]
    read_buffer: usize,
    /// What the heads of answers carry
    #[arg(long, hide = true, default_value = "lean")]
    headers: Headers,
    /// How long a connection may idle between requests
    #[arg(long, hide = true, default_value = "5m", value_parser = parse_duration)]
    idle_keep_alive: Duration,
}

/// An address, or the first that a name stands for.
fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || format!("{text} is no address; write one like 127.0.0.1:8080 or localhost:0");
    text.to_socket_addrs().map_err(|_| wrong())?.next().ok_or_else(wrong)
}

fn size(text: &str) -> Result<usize, String> {
    let bytes = parse_size(text)?;
    // The feed and the frames count in the sizes of this machine, and nothing sensible is larger.
    usize::try_from(bytes)
        .ok()
        .filter(|bytes| (1..=1 << 30).contains(bytes))
        .ok_or_else(|| format!("{text} is not between 1B and 1GiB"))
}

fn coalesce(text: &str) -> Result<Duration, String> {
    let wait = parse_duration(text)?;
    if wait <= LONGEST_COALESCE { Ok(wait) } else { Err(format!("{text} is more than 10s")) }
}

fn whole_seconds(text: &str) -> Result<Duration, String> {
    let kept = parse_duration(text)?;
    let fits = kept.subsec_nanos() == 0 && (1..=3600).contains(&kept.as_secs());
    if fits { Ok(kept) } else { Err(format!("{text} is not a whole number of seconds from 1s to 1h")) }
}

pub(super) fn run(args: Args) -> Exit {
    refuse_what_cannot_be(&args)?;
    let max_connections = connections(args.max_connections, os::raise_open_files())?;
    if let Some(parent) = args.child.child_of {
        os::die_with_parent(parent);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(serve(args, max_connections));
    // Connections that outlived the drain end with the process.
    runtime.shutdown_background();
    code
}

fn refuse_what_cannot_be(args: &Args) -> anyhow::Result<()> {
    let refuse = |text: String| Err(Usage(text).into());
    if args.redis.is_some() && args.broker == Kept::Memory {
        return refuse("--redis needs --broker redis or redis-pubsub".to_owned());
    }
    if args.token.is_none() && !server::is_private(args.listen.ip()) {
        return refuse(format!(
            "listening on {} would let anyone on the network publish: it needs --token (or a loopback \
             address like 127.0.0.1)",
            args.listen.ip()
        ));
    }
    if args.child.control.is_some_and(|control| !server::is_private(control.ip())) {
        return refuse("--control must be a loopback address".to_owned());
    }
    Ok(())
}

/// How many connections to allow under a limit of open files; asking for more is an error, not a
/// silent shortfall.
fn connections(asked: Option<u64>, open_files: Option<u64>) -> anyhow::Result<u64> {
    let fits = open_files.map_or(u64::MAX, |files| files.saturating_sub(SPARE_FILES).max(1));
    match asked {
        Some(asked) if asked > fits => Err(Usage(format!(
            "--max-connections {asked} does not fit the open-file limit; {fits} would (see `ulimit -n`)"
        ))
        .into()),
        Some(asked) => Ok(asked),
        None => Ok(CONNECTIONS.min(fits)),
    }
}

async fn serve(args: Args, max_connections: u64) -> Exit {
    let stop = CancellationToken::new();
    let child = args.child.child_of.is_some();
    // Before the address is announced: who reads it may send a signal at once.
    let mut signals = signals::Signals::take_over()?;
    let clock = args.child.clock.map_or_else(Clock::anchored_now, Clock::from_anchor);
    let broker = broker(&args, clock).await?;
    let public = bind(args.listen)?;
    let control = args.child.control.map(bind).transpose()?;
    // A parent that started it knows its network, and closes the pipe after the addresses.
    let (tls, certificate) = if args.tls { Some(tls::server()?) } else { None }.unzip();
    announce(&public, control.as_ref(), certificate.as_ref(), args.network.as_ref().filter(|_| !child))?;
    // Asked by SIGTERM, as those who start servers for others ask, it sends people away one by one.
    let at_once = CancellationToken::new();
    let spread = !args.child.at_once;
    let settings =
        Settings { tls, at_once: at_once.clone(), ..settings(args, max_connections, clock, broker) };
    if child {
        stop_at_end_of_stdin(stop.clone(), at_once.clone())?;
    }
    let mut server = pin!(server::run(public, control, settings, stop.clone()));
    let mut code = 0;
    loop {
        tokio::select! {
            ended = &mut server => return ended.map(|()| code),
            // Ctrl-C goes to the whole group of processes; a child leaves it to its parent.
            signal = signals.next() => if !(child && signal == signals::INTERRUPTED) {
                // A second one means it: do not wait for the drain.
                if stop.is_cancelled() {
                    return Ok(signal);
                }
                code = signal;
                if !(spread && signals::is_terminate(signal)) {
                    at_once.cancel();
                }
                stop.cancel();
            },
        }
    }
}

async fn broker(args: &Args, clock: Clock) -> anyhow::Result<Broker> {
    let capacity = Capacity { keep: args.keep as usize, topics: args.max_topics as usize };
    let remote = || Remote {
        url: args.redis.clone().unwrap_or_else(|| REDIS.to_owned()),
        namespace: args.child.namespace.clone(),
        clock,
        stamped: args.child.stamps,
    };
    Ok(match args.broker {
        Kept::Memory => Broker::memory(capacity),
        Kept::RedisPubsub => Broker::pubsub(&remote(), capacity).await?,
        Kept::Redis => Broker::log(&remote(), capacity).await?,
    })
}

fn settings(args: Args, max_connections: u64, clock: Clock, broker: Broker) -> Settings {
    let child = args.child;
    Settings {
        ping: child.ping,
        queue: args.queue as u64,
        max_message: args.max_message,
        broker,
        max_connections,
        max_per_address: args.max_per_address,
        max_rate: args.max_rate,
        read_buffer: child.read_buffer,
        idle_keep_alive: child.idle_keep_alive,
        drain: args.drain,
        clock,
        seed: child.seed,
        headers: child.headers,
        coalesce: args.coalesce,
        shared_cache: args.shared_cache,
        link: args.network,
        allow_origin: args.allow_origin,
        allow_host: args.allow_host,
        token: args.token,
        ..Settings::default()
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    server::bind(address).with_context(|| {
        format!(
            "cannot listen on {address} (is another server there? --listen 127.0.0.1:0 takes a free port)"
        )
    })
}

/// Says where it listens: a script, or `run`, reads it from the first lines.
fn announce(
    public: &TcpListener,
    control: Option<&TcpListener>,
    certificate: Option<&tls::Certificate>,
    network: Option<&Link>,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let scheme = if certificate.is_some() { "https" } else { "http" };
    writeln!(out, "listening on {scheme}://{}", public.local_addr()?)?;
    if let Some(control) = control {
        writeln!(out, "control on http://{}", control.local_addr()?)?;
    }
    if let Some(certificate) = certificate {
        writeln!(out, "certificate {}", BASE64.encode(certificate))?;
    }
    if let Some(link) = network {
        writeln!(out, "network {link}")?;
    }
    out.flush()?;
    Ok(())
}

/// Cancels `stop` when stdin ends, which it does however the parent ends.
fn stop_at_end_of_stdin(stop: CancellationToken, at_once: CancellationToken) -> std::io::Result<()> {
    // A thread of its own: Tokio's stdin would hold up the end of the runtime.
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        at_once.cancel();
        stop.cancel();
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_connections_than_open_files_are_refused_and_the_default_is_lowered() {
        let error = connections(Some(20_000), Some(20_000)).unwrap_err();
        assert!(error.is::<Usage>() && error.to_string().contains("19936"), "{error}");
        assert_eq!(connections(Some(19_936), Some(20_000)).unwrap(), 19_936);
        assert_eq!(connections(None, Some(1_024)).unwrap(), 960);
        assert_eq!(connections(None, None).unwrap(), 10_000);
    }
}
