//! What an accepted connection carries: bytes counted as they go over the wire, and TLS above the count.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::meter::Meter;
use super::stream::Stream;

/// A connection whose bytes are counted, records and handshake of TLS included.
#[derive(Debug)]
pub(super) struct Counted {
    stream: Stream,
    meter: Arc<Meter>,
}

/// A connection as HTTP is spoken over it.
#[derive(Debug)]
pub(super) enum Channel {
    /// As it is.
    Plain(Counted),
    /// Encrypted.
    Tls(Box<TlsStream<Counted>>),
}

impl Channel {
    pub(super) fn plain(stream: Stream, meter: Arc<Meter>) -> Self {
        Self::Plain(Counted { stream, meter })
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// The client does not speak TLS, or does not trust us, or is gone.
    pub(super) async fn tls(
        stream: Stream,
        meter: Arc<Meter>,
        config: Arc<ServerConfig>,
    ) -> io::Result<Self> {
        let counted = Counted { stream, meter };
        Ok(Self::Tls(Box::new(TlsAcceptor::from(config).accept(counted).await?)))
    }

    /// The connection below, for what it knows of itself.
    pub(super) fn stream(&self) -> &Stream {
        match self {
            Self::Plain(counted) => &counted.stream,
            Self::Tls(tls) => &tls.get_ref().0.stream,
        }
    }

    /// Writes without a waker, as far as that goes.
    pub(super) fn try_write(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(counted) => {
                if let Ok(count) = counted.stream.try_write(bytes) {
                    counted.meter.sent(count);
                }
            }
            Self::Tls(tls) => {
                let mut cx = Context::from_waker(Waker::noop());
                if Pin::new(&mut **tls).poll_write(&mut cx, bytes).is_ready() {
                    let _ = Pin::new(&mut **tls).poll_flush(&mut cx);
                }
            }
        }
    }

    /// See [`Stream::poll_close`].
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(counted) => counted.stream.poll_close(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.meter.arrived(buf.filled().len() - before, buf.remaining() == 0);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.meter.sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.meter.sent(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Channel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(counted) => Pin::new(counted).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(counted) => Pin::new(counted).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(counted) => Pin::new(counted).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(counted) => Pin::new(counted).poll_flush(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(counted) => Pin::new(counted).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
        }
    }
}
