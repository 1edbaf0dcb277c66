//! Opens one WebSocket over a TCP connection that remembers every byte, and brings about some news.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::split::Stream;
use super::{Chunk, Side, Transcript, events_path};
use crate::server;
use crate::target::{self, Target};
use crate::wire::heads;

/// The socket of our own server that is opened.
const LESSON: &str = "/topics/lesson/socket?as=you";
/// What the client publishes on the socket.
const OURS: &str = r#"{"kind":"message","data":"Any new messages?"}"#;
/// What somebody else publishes, by POST.
const THEIRS: &str = r#"{"kind":"message","from":"priya","data":"Yes! Here's one."}"#;
/// Largest message taken from a foreign server.
const MAX_MESSAGE: usize = 1 << 20;
/// How long a server may take to hang up in its turn.
const FAREWELL: Duration = Duration::from_secs(1);

/// Connects to `target`, upgrades, exchanges the first frames and hangs up. Each step may take
/// `patience`. What went wrong is in [`Transcript::failure`], beside all that went right.
/// `trust` is for a target over TLS.
pub async fn record(target: &Target, trust: &Arc<ClientConfig>, patience: Duration) -> Transcript {
    let mut transcript = Transcript { url: target.url(), ..Transcript::default() };
    let way = Way { target, trust, patience };
    let stream = match way.connect().await {
        Ok((stream, tls)) => {
            transcript.tls = tls;
            stream
        }
        Err(failure) => {
            transcript.failure = Some(failure);
            return transcript;
        }
    };
    let tape = Arc::new(Tape { start: Instant::now(), chunks: Mutex::default() });
    let talked = talk(&way, Recorded { stream, tape: Arc::clone(&tape) }).await;
    transcript.chunks = std::mem::take(&mut *tape.chunks.lock().unwrap_or_else(PoisonError::into_inner));
    match talked {
        Ok((aside, unasked)) => {
            transcript.aside = Some(aside);
            transcript.unasked = unasked;
        }
        Err(failure) => transcript.failure = Some(refusal(&transcript.chunks).unwrap_or(failure)),
    }
    transcript
}

/// The same with a server of our own on a free port, which ends with it.
///
/// # Errors
/// The server could not start.
pub async fn record_our_own(patience: Duration) -> anyhow::Result<Transcript> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let target =
        Target { authority: listener.local_addr()?.to_string(), path: LESSON.to_owned(), tls: false };
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server::run(listener, None, server::Settings::default(), stop.clone()));
    let transcript = record(&target, &crate::tls::nobody(), patience).await;
    stop.cancel();
    serving.await??;
    Ok(transcript)
}

/// A connection, over TLS or not.
type Connection = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How to reach the server, for both connections that talk to it.
struct Way<'a> {
    target: &'a Target,
    trust: &'a Arc<ClientConfig>,
    patience: Duration,
}

impl Way<'_> {
    /// A connection, and which TLS it speaks after how long a handshake.
    async fn connect(&self) -> Result<(Connection, Option<(String, Duration)>), String> {
        let Self { target, trust, patience } = self;
        let authority = &target.authority;
        let stream = match timeout(*patience, TcpStream::connect(authority)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(format!("cannot connect to {authority}: {error}")),
            Err(_) => return Err(format!("cannot connect to {authority}: no answer {}", within(*patience))),
        };
        // Nagle's algorithm would hold a frame back until the last one is acknowledged.
        let _ = stream.set_nodelay(true);
        if !target.tls {
            return Ok((Either::Left(stream), None));
        }
        let name = target::server_name(authority)?;
        let begin = Instant::now();
        let shake = TlsConnector::from(Arc::clone(trust)).connect(name, stream);
        let tls = match timeout(*patience, shake).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => return Err(format!("the TLS handshake failed: {error}{}", hint(&error))),
            Err(_) => return Err(format!("the TLS handshake did not end {}", within(*patience))),
        };
        let spoken = spoken(tls.get_ref().1);
        Ok((Either::Right(Box::new(tls)), Some((spoken, begin.elapsed()))))
    }
}

/// `TLS 1.3, AES 256 GCM SHA384`.
fn spoken(connection: &rustls::ClientConnection) -> String {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    suite.map_or_else(|| version.to_owned(), |suite| format!("{version}, {suite}"))
}

/// What to do about a certificate that nobody here trusts.
fn hint(error: &std::io::Error) -> &'static str {
    let untrusted = error
        .get_ref()
        .is_some_and(|inner| matches!(inner.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))));
    if untrusted { "; --trust CERTIFICATE trusts what `anynews serve --tls` printed" } else { "" }
}

async fn talk(way: &Way<'_>, stream: Recorded) -> Result<(String, bool), String> {
    let &Way { target, patience, .. } = way;
    let limits =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let upgrade = client_async_with_config(target.url(), stream, Some(limits));
    let (mut socket, _) = match timeout(patience, upgrade).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => return Err(format!("the upgrade failed: {error}")),
        Err(_) => {
            return Err(format!(
                "the server accepted the connection but did not answer {}",
                within(patience)
            ));
        }
    };
    let aside = match events_path(target) {
        Some(events) => news(&mut socket, way, &events).await?,
        None => echo(&mut socket, patience).await?,
    };
    let farewell = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    if socket.close(Some(farewell)).await.is_ok() {
        // Reading on makes the library answer; a server that never hangs up has its second.
        let _ = timeout(FAREWELL, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    }
    Ok(aside)
}

/// The status of an answer that is no upgrade, in place of what the library makes of it.
fn refusal(chunks: &[Chunk]) -> Option<String> {
    let answer = Stream::of(Side::Server, chunks);
    let code = heads::status(heads::lines(answer.head()).first()?).filter(|code| *code != 101)?;
    let hint = if code == 404 { "; the socket of `anynews serve` is at /topics/TOPIC/socket" } else { "" };
    Some(format!("the server answered {code} instead of 101{hint}"))
}

/// The first exchange with a topic of `anynews serve`: hello, publish and acknowledgement, and then
/// an event that somebody else publishes.
async fn news(
    socket: &mut WebSocketStream<Recorded>,
    way: &Way<'_>,
    events: &str,
) -> Result<(String, bool), String> {
    let patience = way.patience;
    receive(socket, patience, |text| text.starts_with(r#"{"hello""#), "its hello").await?;
    send(socket, OURS).await?;
    let answered = |text: &str| text.starts_with(r#"{"ack""#) || text.starts_with(r#"{"error""#);
    receive(socket, patience, answered, "an acknowledgement").await?;
    let status = match timeout(patience, post(way, events)).await {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return Err(format!("publishing by POST failed: {error}")),
        Err(_) => return Err(format!("publishing by POST got no answer {}", within(patience))),
    };
    if !(200..300).contains(&status) {
        let text = format!("Publishing by POST was refused with {status}, so there was no news to see.");
        return Ok((text, false));
    }
    // Without `?as=` our own event comes back as well; it is not the one waited for.
    receive(socket, patience, |text| text.contains(r#""from":"priya""#), "the event").await?;
    Ok((format!("Somebody else did POST {events} on another connection; nobody asked on this one."), true))
}

/// The first exchange with a server of which nothing is known.
async fn echo(socket: &mut WebSocketStream<Recorded>, patience: Duration) -> Result<(String, bool), String> {
    send(socket, OURS).await?;
    let aside = match receive(socket, patience, |_| true, "a message").await {
        Ok(()) => "A foreign server: it may have spoken unasked, or answered ours.".to_owned(),
        Err(silence) => format!("The upgrade worked. Then {silence}."),
    };
    Ok((aside, false))
}

async fn send(socket: &mut WebSocketStream<Recorded>, text: &str) -> Result<(), String> {
    socket.send(Message::text(text)).await.map_err(|error| format!("sending a frame failed: {error}"))
}

/// Reads messages until one is `wanted`; binary ones always are.
async fn receive(
    socket: &mut WebSocketStream<Recorded>,
    patience: Duration,
    wanted: impl Fn(&str) -> bool,
    what: &str,
) -> Result<(), String> {
    let reading = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) if wanted(&text) => return Ok(()),
                Some(Ok(Message::Binary(_))) => return Ok(()),
                Some(Ok(Message::Close(_))) | None => {
                    return Err(format!("the server hung up before {what}"));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return Err(format!("the server sent something else than {what}: {error}"));
                }
            }
        }
    };
    timeout(patience, reading)
        .await
        .unwrap_or_else(|_| Err(format!("the server did not send {what} {}", within(patience))))
}

/// Publishes on a connection of its own, written by hand: one request needs no HTTP library.
async fn post(way: &Way<'_>, path: &str) -> std::io::Result<u16> {
    let (mut stream, _) = way.connect().await.map_err(std::io::Error::other)?;
    let authority = &way.target.authority;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{THEIRS}",
        THEIRS.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    heads::lines(&answer)
        .first()
        .and_then(|line| heads::status(line))
        .ok_or_else(|| std::io::Error::other("the answer is no HTTP"))
}

fn within(patience: Duration) -> String {
    format!("within {} s", patience.as_secs_f64())
}

/// Bytes in the order in which they passed.
#[derive(Debug)]
struct Tape {
    start: Instant,
    chunks: Mutex<Vec<Chunk>>,
}

impl Tape {
    fn keep(&self, side: Side, bytes: &[u8]) {
        if !bytes.is_empty() {
            let chunk = Chunk { side, at: self.start.elapsed(), bytes: bytes.to_vec() };
            self.chunks.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
        }
    }
}

/// A TCP connection that remembers what passes through it.
struct Recorded {
    stream: Connection,
    tape: Arc<Tape>,
}

impl AsyncRead for Recorded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = to.filled().len();
        let done = ready!(Pin::new(&mut self.stream).poll_read(cx, to));
        self.tape.keep(Side::Server, to.filled().get(before..).unwrap_or_default());
        Poll::Ready(done)
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.tape.keep(Side::Client, bytes.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
