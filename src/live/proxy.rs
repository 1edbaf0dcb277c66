//! A TCP proxy between people and one server, as offices, phone networks and clouds have them: from some
//! moment on it closes connections that carry nothing, in either direction, for a time.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use crate::server;

/// Bytes carried at a time.
const CHUNK: usize = 8 * 1024;

/// A running proxy. Dropping it closes all its connections.
pub(super) struct Proxy {
    /// What clients talk to.
    pub(super) address: SocketAddr,
    /// How long a connection may be silent; none: for ever.
    pub(super) idle: watch::Sender<Option<Duration>>,
    _task: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Stands before `server`.
    ///
    /// # Errors
    /// No port is free.
    pub(super) fn start(server: SocketAddr) -> std::io::Result<Self> {
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = listener.local_addr()?;
        let idle = watch::Sender::new(None);
        let task = tokio::spawn(accept(listener, server, idle.subscribe()));
        Ok(Self { address, idle, _task: AbortOnDropHandle::new(task) })
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, idle: watch::Receiver<Option<Duration>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        connections.spawn(carry(client, server, idle.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Carries bytes both ways until either side closes, or nothing came for too long.
async fn carry(mut client: TcpStream, server: SocketAddr, idle: watch::Receiver<Option<Duration>>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let heard = watch::Sender::new(Instant::now());
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = one_way(&mut from_client, &mut to_server, &heard);
    let down = one_way(&mut from_server, &mut to_client, &heard);
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        () = silent(idle, &heard) => {}
    }
}

async fn one_way(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    heard: &watch::Sender<Instant>,
) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        heard.send_replace(Instant::now());
        if to.write_all(&chunk[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Returns when nothing was heard for too long.
async fn silent(mut idle: watch::Receiver<Option<Duration>>, heard: &watch::Sender<Instant>) {
    loop {
        let limit = *idle.borrow_and_update();
        let Some(limit) = limit else {
            if idle.changed().await.is_err() {
                return std::future::pending().await;
            }
            continue;
        };
        let until = *heard.borrow() + limit;
        if Instant::now() >= until {
            return;
        }
        let mut changed = pin!(idle.changed());
        tokio::select! {
            () = sleep_until(until) => {}
            ended = &mut changed => if ended.is_err() {
                return std::future::pending().await;
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a word through the proxy to an echo; false when the connection is closed.
    async fn echoed(stream: &mut TcpStream) -> bool {
        let mut word = [0; 4];
        stream.write_all(b"news").await.is_ok() && stream.read_exact(&mut word).await.is_ok()
    }

    #[tokio::test]
    async fn it_carries_both_ways_and_closes_only_what_is_silent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        let mut quiet = TcpStream::connect(proxy.address).await.unwrap();
        let mut busy = TcpStream::connect(proxy.address).await.unwrap();
        assert!(echoed(&mut quiet).await && echoed(&mut busy).await);
        let idle = Duration::from_millis(400);
        proxy.idle.send_replace(Some(idle));
        let begin = Instant::now();
        let gone = async { quiet.read(&mut [0; 1]).await.unwrap() };
        let mut gone = pin!(gone);
        loop {
            tokio::select! {
                read = &mut gone => {
                    assert_eq!(read, 0, "closed, nothing said");
                    break;
                }
                () = tokio::time::sleep(idle / 20) => assert!(echoed(&mut busy).await),
            }
        }
        assert!(begin.elapsed() >= idle * 9 / 10, "{:?}", begin.elapsed());
        assert!(echoed(&mut busy).await);
    }
}
