//! The accepted socket as HTTP sees it: measures heads, and ends connections that only sit there.
//!
//! Whether the bytes are encrypted, and what they are on the wire, the channel below knows. This file
//! knows HTTP no further than where a head ends; hyper and tungstenite speak above it.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::channel::Channel;
use super::head::{HeadEnd, Recording};
use super::meter::{Meter, Phase};
use super::problem::Problem;

/// How long a connection this side closes is read on, so that what was sent last still arrives: a
/// socket closed with unread bytes resets the connection, and a reset throws away what is under way.
const LINGER: Duration = Duration::from_secs(2);

/// The wrapped socket.
#[derive(Debug)]
pub(super) struct Socket {
    /// Absent only while being dropped.
    stream: Option<Channel>,
    meter: Arc<Meter>,
    /// The phase as last seen from here, and since when.
    phase: Phase,
    since: Instant,
    /// Since when no byte could be written.
    stuck: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    recording: Option<Box<Recording>>,
    opening: HeadEnd,
    /// Whether the other side is gone, so that nothing is left to wait for.
    over: bool,
}

impl Socket {
    pub(super) fn new(stream: Channel, meter: Arc<Meter>) -> Self {
        Self {
            meter,
            phase: Phase::Head,
            since: stream.stream().accepted(),
            stream: Some(stream),
            stuck: None,
            timer: None,
            recording: None,
            opening: HeadEnd::default(),
            over: false,
        }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Channel>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn has_read(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.over = true;
            return;
        }
        if self.meter.untouched() {
            self.recording = Recording::first(&self.meter.counters);
        }
        self.meter.read(bytes.len());
        if self.meter.phase() == Phase::Idle && self.meter.begins_heads() {
            self.meter.enter(Phase::Head);
            (self.phase, self.since) = (Phase::Head, Instant::now());
        }
        if let Some(recording) = &mut self.recording {
            recording.request(bytes);
        }
    }

    fn has_written(&mut self, slices: &[IoSlice<'_>], count: usize) {
        self.stuck = None;
        if !self.meter.is_opening() && self.recording.is_none() {
            return;
        }
        let mut left = count;
        for slice in slices {
            let bytes = &slice[..slice.len().min(left)];
            left -= bytes.len();
            if self.meter.is_opening() {
                if self.opening.found() {
                    self.opening = HeadEnd::default(); // of an earlier stream on this connection
                }
                let head = self.opening.take(bytes);
                self.meter.opened(head, self.opening.found());
            }
            if let Some(recording) = &mut self.recording
                && recording.response(bytes)
            {
                recording.store(&self.meter.counters);
                self.recording = None;
            }
        }
    }

    /// Nothing to read: has the time for it run out?
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.meter.phase();
        if phase != self.phase {
            (self.phase, self.since) = (phase, Instant::now());
        }
        let settings = &self.meter.settings;
        let limit = match phase {
            Phase::Head => settings.head_timeout,
            Phase::Idle => settings.idle_keep_alive,
            Phase::Busy => return Poll::Pending,
            Phase::Upgraded => {
                self.timer = None; // ten thousand of them would be a megabyte
                return Poll::Pending;
            }
        };
        ready!(self.poll_deadline(cx, self.since + limit));
        if phase == Phase::Head && self.meter.has_begun() {
            self.answer_request_timeout();
        }
        // To hyper this looks as if the client had closed, which ends the connection in peace.
        Poll::Ready(Ok(()))
    }

    /// hyper waits for the rest of a head and has nothing of its own to write, so this cannot get
    /// between its bytes.
    fn answer_request_timeout(&mut self) {
        let detail = "the headers of the request took too long";
        let answer = Problem::new(StatusCode::REQUEST_TIMEOUT, detail).raw();
        if let Some(stream) = &mut self.stream {
            stream.try_write(&answer);
        }
    }

    /// Nothing can be written: a reader that takes no byte at all for too long is gone.
    fn poll_stuck(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.meter.phase() == Phase::Upgraded {
            return Poll::Pending; // its task has limits of its own
        }
        let since = *self.stuck.get_or_insert_with(Instant::now);
        ready!(self.poll_deadline(cx, since + self.meter.settings.write_stall));
        self.over = true;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// One timer for all deadlines. It is set back only when it would ring too late, so a kept-alive
    /// connection does not pay for it at every request.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match self.stream()?.poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                self.has_read(&buf.filled()[before..]);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                self.over = true;
                Poll::Ready(Err(error))
            }
            Poll::Pending => self.poll_silence(cx),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match slices {
            // A plain write is the cheaper call.
            [only] => self.stream()?.poll_write(cx, only),
            _ => self.stream()?.poll_write_vectored(cx, slices),
        };
        match written {
            Poll::Ready(Ok(count)) => {
                self.has_written(slices, count);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => {
                self.over = true;
                Poll::Ready(Err(error))
            }
            Poll::Pending => self.poll_stuck(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // After an answer hyper does not try to read again until something arrives, so this is the
        // moment to set the limit for idling: when it rings, hyper reads and finds the end.
        let idles = self.meter.phase() == Phase::Idle && self.phase != Phase::Idle;
        if idles && self.poll_silence(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.get_mut().poll_close(cx)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take()
            && (!self.over || stream.stream().is_sending())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(linger(stream));
        }
    }
}

/// Closes this side, and reads until the other has closed too, for a bounded time.
async fn linger(mut stream: Channel) {
    let patience = LINGER + stream.stream().lag();
    let _ = tokio::time::timeout(patience, async {
        stream.shutdown().await?;
        let mut buffer = [0; 1024];
        loop {
            if stream.read(&mut buffer).await? == 0 {
                return io::Result::Ok(());
            }
        }
    })
    .await;
}
