//! Accepting connections, and serving one: hyper over the counting socket.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::channel::Channel;
use super::guest::Guest;
use super::meter::Meter;
use super::poll::Answered;
use super::problem::Problem;
use super::socket::Socket;
use super::stats::count;
use super::stream::Stream;
use super::{App, dress, guard};
use crate::random::{Dice, stream as draws};

/// Most bytes of a request's head, and of an answer that waits to be written.
const BUFFER: usize = 32 * 1024;
/// Requests under way at one time on an HTTP/2 connection.
const STREAMS: u32 = 32;
/// Connections beyond the limit that are told so at one time; more are just closed.
const REFUSALS: u64 = 256;

/// Accepts until the app's shutdown.
pub(super) async fn accept(listener: TcpListener, app: Arc<App>, router: Router, abort: CancellationToken) {
    let mut shutdown = pin!(app.shutdown.cancelled());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return,
        };
        match accepted {
            Ok((stream, peer)) => start(stream, peer.ip(), &app, &router, &abort),
            // The client was gone before we came to it, or the process is out of files. A short
            // pause keeps the second from spinning; connections that end free files.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn start(stream: TcpStream, peer: IpAddr, app: &Arc<App>, router: &Router, abort: &CancellationToken) {
    // Small frames must not wait for the acknowledgement of earlier ones (Nagle).
    let _ = stream.set_nodelay(true);
    let guest = match admit(app, peer) {
        Ok(guest) => guest,
        Err(why) => return turn_away(stream, app, why),
    };
    count(&app.counters.opened);
    let meter = meter(app, Some(guest));
    let stream = linked(stream, app);
    if app.tls.is_some() {
        app.tasks.spawn(serve_tls(stream, meter, app.clone(), router.clone(), abort.clone()));
        return;
    }
    let socket = Socket::new(Channel::plain(stream, meter.clone()), meter.clone());
    // Boxed: an upgraded connection outlives this, and what a task frees of its own is a hole that the next
    // task, aligned to a cache line as all are, does not fit into (2 KiB a WebSocket with glibc before 2.38).
    app.tasks.spawn(Box::pin(serve(socket, meter, app.clone(), router.clone(), abort.clone())));
}

/// Counts a connection in, or says why there is no room for it.
fn admit(app: &App, peer: IpAddr) -> Result<Guest, String> {
    let most = app.settings.max_connections;
    if app.counters.current.load(Relaxed) >= most {
        return Err(format!("all {most} connections are taken"));
    }
    let most = app.settings.max_per_address;
    app.guests.enter(peer).ok_or_else(|| format!("all {most} connections of your address are taken"))
}

fn turn_away(stream: TcpStream, app: &Arc<App>, why: String) {
    count(&app.counters.refused);
    // Telling it over TLS would cost more than the connection.
    if app.counters.refusing.load(Relaxed) < REFUSALS && app.tls.is_none() {
        let meter = meter(app, None);
        let socket = Socket::new(Channel::plain(linked(stream, app), meter.clone()), meter);
        app.tasks.spawn(refuse(socket, why));
    }
}

/// The connection behind the listener's network, if it has one. What happens on the way is drawn for
/// each connection from its number.
fn linked(stream: TcpStream, app: &App) -> Stream {
    let number = app.counters.opened.load(Relaxed) + app.counters.refused.load(Relaxed);
    let dice = Dice::new(app.settings.seed.unwrap_or(0), &[draws::NETWORK, number]);
    Stream::new(stream, app.link.as_ref(), dice)
}

fn meter(app: &App, guest: Option<Guest>) -> Arc<Meter> {
    Meter::new(app.counters.clone(), app.settings.clone(), guest, app.tasks.token())
}

async fn refuse(mut socket: Socket, why: String) {
    let answer = Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).raw();
    let write = socket.write_all(&answer);
    let _ = tokio::time::timeout(Duration::from_secs(1), write).await;
}

/// The same after shaking hands, which has to be done in the time that a request's head may take.
async fn serve_tls(
    stream: Stream,
    meter: Arc<Meter>,
    app: Arc<App>,
    router: Router,
    abort: CancellationToken,
) {
    let Some(config) = app.tls.clone() else { return };
    let until = stream.accepted() + app.settings.head_timeout;
    let handshake = tokio::time::timeout_at(until, Channel::tls(stream, meter.clone(), config));
    let channel = tokio::select! {
        channel = handshake => channel,
        () = abort.cancelled() => return,
    };
    if let Ok(Ok(channel)) = channel {
        serve(Socket::new(channel, meter.clone()), meter, app, router, abort).await;
    }
}

async fn serve(socket: Socket, meter: Arc<Meter>, app: Arc<App>, router: Router, abort: CancellationToken) {
    let shutdown = app.shutdown.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        answer(request, meter.clone(), app.clone(), router.clone())
    });
    // The first bytes tell HTTP/2 by prior knowledge (RFC 9113 §3.3) from HTTP/1.1.
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The socket limits heads itself: hyper's limit would also end connections kept alive.
        .header_read_timeout(None)
        .max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(BUFFER as u32)
        .max_send_buf_size(BUFFER);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    // An error here is a client that went away or did not speak HTTP, and hyper has answered what
    // could be answered: nothing is left to do about it.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = connection.as_mut() => {}
        () = abort.cancelled() => {}
    }
}

async fn answer(
    mut request: Request<Incoming>,
    meter: Arc<Meter>,
    app: Arc<App>,
    router: Router,
) -> Result<Response<Metered>, Infallible> {
    let frames = request.version() == Version::HTTP_2;
    let request_head = meter.request_begins(frames);
    let ends = Ends(meter.clone());
    let get = request.method() == Method::GET;
    let asked = dress::Asked::of(&request);
    let checked = match meter.may_ask() {
        true => guard::check(&app, &request),
        false => Err(Box::new(Problem::too_often().into_response())),
    };
    let mut response = match checked {
        Ok(pass) => {
            // For a socket, which goes on asking when this request is long answered.
            request.extensions_mut().insert(meter.clone());
            let mut response = match router.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            pass.stamp(response.headers_mut());
            response
        }
        Err(response) => *response,
    };
    // axum says 0, which a 304 must not (RFC 9110 §8.6); on HTTP/1.1 hyper would take it away.
    if response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    dress::dress(app.settings.headers, asked, &mut response);
    count(&meter.counters.requests);
    count_poll(&meter, &response);
    let status = response.status();
    if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS].contains(&status) {
        count(&meter.counters.denied);
    }

    let upgraded = status == StatusCode::SWITCHING_PROTOCOLS;
    if upgraded {
        count(&meter.counters.handshakes);
    }
    if upgraded || (get && is_event_stream(&response)) {
        count(&meter.counters.opens);
        // The head of an answer on HTTP/2 has no end that could be seen from below.
        if !frames {
            meter.opens(request_head);
        }
    }
    if upgraded {
        drop(ends);
        meter.upgraded();
        return Ok(response.map(|body| Metered { body, _ends: None }));
    }
    Ok(response.map(|body| Metered { body, _ends: Some(ends) }))
}

fn count_poll(meter: &Meter, response: &Response<Body>) {
    if let Some(answered) = response.extensions().get::<Answered>() {
        count(&meter.counters.polls);
        if answered.empty {
            count(&meter.counters.empty);
        }
    }
}

fn is_event_stream(response: &Response<Body>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == super::sse::CONTENT_TYPE)
}

/// Tells the meter when the answer is through, or will never be.
struct Ends(Arc<Meter>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.request_ends();
    }
}

/// The body of an answer; when it is dropped, the request has ended.
struct Metered {
    body: Body,
    _ends: Option<Ends>,
}

impl hyper::body::Body for Metered {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
