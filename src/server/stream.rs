//! The bytes of an accepted connection as they would come over a network: near, or far away.
//!
//! It delays, and counts nothing: the counting socket above sees bytes of the client when they have
//! arrived, and bytes of the server when it sends them, as on the network card of a distant server.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::link::Link;
use crate::random::Dice;

mod far;
mod queue;

use far::Far;

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Stream {
    /// As it is. Idle, it costs what the bare connection costs.
    Near(TcpStream),
    /// Behind a link.
    Far(Box<Far>),
}

impl Stream {
    pub(super) fn new(stream: TcpStream, link: Option<&Link>, dice: Dice) -> Self {
        let Some(link) = link else { return Self::Near(stream) };
        Self::Far(Box::new(Far::new(stream, link, dice)))
    }

    /// Writes without a waker, as far as that goes.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Near(stream) => stream.try_write(bytes),
            Self::Far(far) => Ok(far.accept(&[IoSlice::new(bytes)])),
        }
    }

    /// Begins the end of this side, without waiting: a far stream's queue is what a near stream
    /// leaves to the kernel. [`AsyncWrite::poll_shutdown`] waits.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Near(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Far(far) => {
                far.end_it();
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Whether anything is still on its way to the client.
    pub(super) fn is_sending(&self) -> bool {
        matches!(self, Self::Far(far) if far.is_sending())
    }

    /// When the server knows of the client: now, or when the connection is opened over the link.
    pub(super) fn accepted(&self) -> Instant {
        match self {
            Self::Near(_) => Instant::now(),
            Self::Far(far) => far.accepted(),
        }
    }

    /// How long what was written is under way, and a client's answer to it.
    pub(super) fn lag(&self) -> Duration {
        match self {
            Self::Near(_) => Duration::ZERO,
            Self::Far(far) => far.lag(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Near(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Far(far) => far.poll_take(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Near(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Far(far) => far.poll_send(cx, &[IoSlice::new(bytes)]),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Near(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Far(far) => far.poll_send(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Waits for nothing, as a kernel's socket does not: what was written is under way.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Near(stream) => Pin::new(stream).poll_flush(cx),
            Self::Far(far) => {
                far.drive(cx);
                far.arm(cx);
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Waits until everything has arrived at the client, and our end behind it.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Near(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Far(far) => far.poll_end(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_stream_is_hardly_larger_than_its_connection() {
        assert!(size_of::<Stream>() <= size_of::<TcpStream>() + size_of::<usize>());
    }
}
