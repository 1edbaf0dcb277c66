//! A connection behind a link: what it reads and writes is under way for a while.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::queue::Queue;
use crate::clock::as_micros;
use crate::link::{Line, Link};
use crate::os::{Sleep, sleep_until};
use crate::random::Dice;

/// Bytes taken from the kernel at one time.
const TAKE: usize = 4096;

/// A connection behind a link.
///
/// There is no task: whoever reads, writes or flushes also moves what is due, and a timer wakes them
/// for what will be. The timer and the queues exist only while something is under way. One task
/// drives a connection, so the last waker is the right one.
#[derive(Debug)]
pub(in crate::server) struct Far {
    stream: TcpStream,
    up: Line,
    down: Line,
    dice: Dice,
    /// When the client began to connect; due times count from here.
    origin: Instant,
    /// When the server knows of the client.
    accepted: i64,
    /// Longest a round trip is expected to take.
    round_trip: Duration,
    arrivals: Queue,
    departures: Queue,
    /// Whether the client's end of the connection is among the arrivals, and the error it ended with.
    ended: bool,
    failed: Option<io::ErrorKind>,
    /// Whether our end is under way, or there.
    ending: bool,
    /// Whether the kernel takes nothing at present, and wakes us when it does.
    blocked: bool,
    /// What writing to the kernel failed with.
    broken: Option<io::ErrorKind>,
    /// Whether a reader was left waiting, or a writer.
    reading: bool,
    writing: bool,
    timer: Option<Sleep>,
}

impl Far {
    pub(super) fn new(stream: TcpStream, link: &Link, mut dice: Dice) -> Self {
        let delay = link.delay();
        // Loopback connects at once. Behind the link the client would know of its connection after
        // a round trip, and the server when the client's acknowledgement comes.
        let opened = delay.handshake(&mut dice);
        let accepted = opened + delay.propagation(dice.bits());
        Self {
            stream,
            up: Line::up(link).opening_at(opened),
            down: Line::down(link).opening_at(accepted),
            dice,
            origin: Instant::now(),
            accepted,
            round_trip: link.slack(),
            arrivals: Queue::new(link.up, link.rtt),
            departures: Queue::new(link.down, link.rtt),
            ended: false,
            failed: None,
            ending: false,
            blocked: false,
            broken: None,
            reading: false,
            writing: false,
            timer: None,
        }
    }

    /// See [`super::Stream::accepted`].
    pub(super) fn accepted(&self) -> Instant {
        self.at(self.accepted)
    }

    /// See [`super::Stream::is_sending`].
    pub(super) fn is_sending(&self) -> bool {
        self.departures.due().is_some()
    }

    /// See [`super::Stream::lag`].
    pub(super) fn lag(&self) -> Duration {
        let left = self.departures.last_due().map_or(0, |due| due - self.now());
        Duration::from_micros(left.max(0).unsigned_abs()) + self.round_trip
    }

    fn now(&self) -> i64 {
        as_micros(self.origin.elapsed())
    }

    fn at(&self, us: i64) -> Instant {
        self.origin + Duration::from_micros(us.max(0).unsigned_abs())
    }

    /// Moves all that can move: from the kernel onto the line, and off the line to the kernel.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        self.take_in(cx);
        self.give_out(cx);
    }

    /// Sets the time at which each byte taken from the kernel arrives.
    fn take_in(&mut self, cx: &mut Context<'_>) {
        let mut space = [const { MaybeUninit::uninit() }; TAKE];
        while !self.ended && self.arrivals.room() > 0 {
            let mut taken = ReadBuf::uninit(&mut space);
            self.failed = match Pin::new(&mut self.stream).poll_read(cx, &mut taken) {
                Poll::Pending => return,
                Poll::Ready(result) => result.err().map(|error| error.kind()),
            };
            let bytes = taken.filled();
            self.ended = bytes.is_empty();
            let due = self.up.send(self.now(), bytes.len() as u64, &mut self.dice);
            self.arrivals.push(due, bytes);
        }
    }

    /// Hands the kernel what the client is to have by now.
    fn give_out(&mut self, cx: &mut Context<'_>) {
        let now = self.now();
        self.blocked = false;
        while let Some(bytes) = self.departures.ripe(now) {
            let stream = Pin::new(&mut self.stream);
            let given = if bytes.is_empty() {
                stream.poll_shutdown(cx).map_ok(|()| 0)
            } else {
                stream.poll_write(cx, bytes)
            };
            match given {
                Poll::Ready(Ok(count)) => self.departures.pass(count),
                Poll::Ready(Err(error)) => {
                    self.broken = Some(error.kind());
                    self.departures.clear();
                }
                Poll::Pending => {
                    self.blocked = true;
                    break;
                }
            }
        }
    }

    /// Takes what there is room for, and sets when it arrives. A long piece is cut, so that it comes
    /// bit by bit.
    pub(super) fn accept(&mut self, slices: &[IoSlice<'_>]) -> usize {
        let now = self.now();
        let piece = usize::try_from(self.down.at_once()).unwrap_or(usize::MAX);
        let before = self.departures.bytes;
        // A head and its body were one write, and go in one segment.
        let whole = slices.iter().map(|slice| slice.len()).sum::<usize>();
        let joined: Vec<u8>;
        let all = match slices {
            [only] => &**only,
            _ => {
                joined = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                &joined
            }
        };
        let fits = &all[..whole.min(self.departures.room())];
        for bytes in fits.chunks(piece) {
            let due = self.down.send(now, bytes.len() as u64, &mut self.dice);
            self.departures.push(due, bytes);
        }
        self.departures.bytes - before
    }

    /// Sends our end, once.
    pub(super) fn end_it(&mut self) {
        if !self.ending && self.broken.is_none() {
            self.ending = true;
            let due = self.down.send(self.now(), 0, &mut self.dice);
            self.departures.push(due, &[]);
        }
    }

    /// Sees to it that the task comes back when something is due, and at once for what already is.
    pub(super) fn arm(&mut self, cx: &mut Context<'_>) {
        if self.writing && (self.departures.room() > 0 || self.broken.is_some()) {
            self.writing = false;
            cx.waker().wake_by_ref();
        }
        let arrival = self.arrivals.due().filter(|_| self.reading);
        let departure = self.departures.due().filter(|_| !self.blocked);
        let Some(due) = arrival.into_iter().chain(departure).min() else {
            self.timer = None;
            return;
        };
        let deadline = self.at(due).into_std();
        let timer = self.timer.get_or_insert_with(|| sleep_until(deadline));
        timer.reset(deadline);
        if Pin::new(timer).poll(cx).is_ready() {
            // A reader is told once: one that does not come for it would be woken without end.
            self.reading &= arrival != Some(due);
            self.timer = None;
            cx.waker().wake_by_ref();
        }
    }

    pub(super) fn poll_take(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.reading = false;
        self.drive(cx);
        let now = self.now();
        let before = buf.filled().len();
        // The end stays, to be read again and again.
        while let Some(bytes) =
            self.arrivals.ripe(now).filter(|bytes| !bytes.is_empty() && buf.remaining() > 0)
        {
            let count = bytes.len().min(buf.remaining());
            buf.put_slice(&bytes[..count]);
            self.arrivals.pass(count);
        }
        let got = buf.filled().len() > before || buf.remaining() == 0;
        let over = self.arrivals.ripe(now).is_some_and(<[u8]>::is_empty);
        let waits = !got && !over;
        self.reading = waits;
        self.arm(cx);
        match self.failed {
            // Also when something arrived meanwhile: that is read the next time, and nothing would be the end.
            _ if waits => Poll::Pending,
            Some(error) if !got => Poll::Ready(Err(error.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing = false;
        self.drive(cx);
        if let Some(error) = self.broken {
            return Poll::Ready(Err(error.into()));
        }
        if self.ending {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.departures.room() == 0 {
            self.writing = true;
            self.arm(cx);
            return Poll::Pending;
        }
        let count = self.accept(slices);
        self.give_out(cx);
        self.arm(cx);
        Poll::Ready(Ok(count))
    }

    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end_it();
        self.drive(cx);
        self.arm(cx);
        match self.broken {
            Some(error) => Poll::Ready(Err(error.into())),
            None if self.departures.due().is_none() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::Stream;
    use super::*;

    /// Bytes that arrive between a look at the clock and the setting of the timer are bytes, and not the
    /// end: on so short a link many do.
    #[tokio::test]
    async fn what_arrives_while_it_is_asked_for_is_not_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.set_nodelay(true).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let link = "rtt=2us".parse::<Link>().unwrap();
        let mut server = Stream::new(stream, Some(&link), Dice::new(1, &[]));
        let echo = tokio::spawn(async move {
            let mut word = [0; 4];
            while server.read_exact(&mut word).await.is_ok() {
                server.write_all(&word).await.unwrap();
                server.flush().await.unwrap();
            }
        });
        for n in 0..3000_u32 {
            let mut word = [0; 4];
            client.write_all(&n.to_be_bytes()).await.unwrap();
            client.read_exact(&mut word).await.unwrap_or_else(|error| panic!("word {n}: {error}"));
            assert_eq!(word, n.to_be_bytes());
        }
        drop(client);
        echo.await.unwrap();
    }
}
