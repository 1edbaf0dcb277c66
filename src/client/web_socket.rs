//! WebSocket: one upgrade, then both sides speak whenever they have something to say.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WireError, Message};
use tokio_util::either::Either;

use super::answer::{Ack, Frame, Incoming, Refusal};
use super::comeback::Comeback;
use super::http::Asker;
use super::{Crowd, Position, Saw, dress, long_poll, poll, sender};
use crate::ledger::Plan;
use crate::transport::{FALLBACK_HOLD, FALLBACK_INTERVAL, retry_after};

/// Boxed, because the state of TLS is large and most sockets have none.
type Connection = Either<TcpStream, Box<TlsStream<TcpStream>>>;
type Socket = WebSocketStream<Connection>;

/// The client's own read buffer; tungstenite's default of 128 KiB a socket would cost 1.3 GB per 10,000.
const READ_BUFFER: usize = 4096;

/// Why there is no socket.
enum NoSocket {
    /// Nobody answers, or not in HTTP.
    Unreachable,
    /// The upgrade was answered with this status.
    Refused(u16),
}

pub(super) async fn live(crowd: &Crowd, client: u32) {
    let mut person =
        Person { crowd, client, position: None, sent: 0, unanswered: VecDeque::new(), again: None };
    let mut comeback = Comeback::new(crowd, client);
    while !crowd.stop.is_cancelled() {
        let again = person.position.is_some();
        let socket = tokio::select! {
            socket = person.open(comeback.server()) => socket,
            () = crowd.stop.cancelled() => return,
        };
        crowd.ledger().opened(socket.is_ok(), again);
        match socket {
            Ok(socket) => {
                comeback.stands();
                crowd.stands(client, again);
                person.talk(socket).await;
                crowd.ledger().set_present(client, crowd.stop.is_cancelled());
            }
            Err(NoSocket::Refused(status)) if comeback.refused(status) => return person.fall_back().await,
            Err(_) => {}
        }
        comeback.pause().await;
    }
}

struct Person<'a> {
    crowd: &'a Crowd,
    client: u32,
    position: Option<Position>,
    /// How many of its own events it has sent.
    sent: usize,
    /// Those of them that the server has not answered, in order.
    unanswered: VecDeque<u32>,
    /// When those are to be sent again.
    again: Option<Instant>,
}

impl Person<'_> {
    async fn open(&self, server: SocketAddr) -> Result<Socket, NoSocket> {
        let unreachable = |_| NoSocket::Unreachable;
        let _turn = self.crowd.opening.acquire().await.map_err(|_| NoSocket::Unreachable)?;
        let stream = TcpStream::connect(server).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let stream = match &self.crowd.tls {
            None => Either::Left(stream),
            Some(config) => {
                let name = ServerName::from(server.ip());
                let tls =
                    TlsConnector::from(config.clone()).connect(name, stream).await.map_err(unreachable)?;
                Either::Right(Box::new(tls))
            }
        };
        let after = self.position.as_ref().map(Position::query).unwrap_or_default();
        let (topic, query) = (self.crowd.topic(self.client), self.crowd.query(self.client));
        let scheme = self.crowd.scheme("ws");
        let url = format!("{scheme}://{server}/topics/{topic}/socket?{query}{after}");
        let request = dress::upgrade(self.crowd, &url).map_err(|_| NoSocket::Unreachable)?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(WireError::Http(answer)) => Err(NoSocket::Refused(answer.status().as_u16())),
            Err(_) => Err(NoSocket::Unreachable),
        }
    }

    /// No socket is to be had: long polls instead, or, where those are refused too, short ones; what is
    /// still to be sent goes by POST. It stays so for the rest of the run.
    async fn fall_back(self) {
        let Self { crowd, client, position, sent, unanswered, .. } = self;
        crowd.ledger().fell_back();
        let Ok(line) = long_poll::line(crowd, FALLBACK_HOLD) else { return };
        let mut asker = Asker::new(crowd, client, &line, false);
        let known = position.is_some();
        asker.position = position;
        if !known && !asker.find_position().await || !crowd.through_the_gate().await {
            return;
        }
        let mut left = Vec::from(unanswered);
        left.extend(&crowd.plan.by_author[client as usize][sent..]);
        let asking = async {
            long_poll::ask_and_hold(crowd, client, &mut asker, FALLBACK_HOLD).await;
            if !crowd.stop.is_cancelled() {
                let from = crowd.now().max(-crowd.warmup);
                poll::ask_on_the_grid(crowd, client, &mut asker, FALLBACK_INTERVAL, from).await;
            }
        };
        tokio::join!(asking, sender::live(crowd, client, &line, &left));
    }

    /// Reads and sends until the socket is lost or the run ends.
    async fn talk(&mut self, mut socket: Socket) {
        let mut gate_open = false;
        let mut cut = self.crowd.feel(self.client);
        let mut eyes = cut.clone();
        // What was sent on an earlier socket and not answered goes out again.
        self.again = (!self.unanswered.is_empty()).then(Instant::now);
        loop {
            let again = self.again;
            let next = self.crowd.plan.by_author[self.client as usize].get(self.sent).copied();
            let message = async {
                eyes.reads().await;
                socket.next().await
            };
            tokio::select! {
                message = message => match message {
                    Some(Ok(message)) => self.take(message),
                    _ => return,
                },
                open = self.crowd.through_the_gate(), if !gate_open => gate_open = open,
                event = self.due(next), if gate_open && next.is_some() => {
                    self.sent += 1;
                    if !self.send(&mut socket, event).await {
                        return;
                    }
                }
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {
                    self.again = None;
                    if !self.send_again(&mut socket).await {
                        return;
                    }
                }
                () = cut.cut() => return,
                () = self.crowd.stop.cancelled() => {
                    let _ = socket.close(None).await;
                    return;
                }
            }
        }
    }

    /// Returns an event when it is due.
    async fn due(&self, event: Option<u32>) -> u32 {
        let Some(event) = event else { return std::future::pending().await };
        self.crowd.sleep_until(self.crowd.plan.schedule.events[event as usize].at).await;
        event
    }

    async fn send(&mut self, socket: &mut Socket, event: u32) -> bool {
        {
            let mut ledger = self.crowd.ledger();
            ledger.publish_sent(event, self.crowd.now());
            ledger.sent(event, true);
        }
        self.unanswered.push_back(event);
        self.write(socket, event).await
    }

    /// Sends what has no answer once more; by its `id` the server knows what it has.
    async fn send_again(&self, socket: &mut Socket) -> bool {
        for &event in &self.unanswered {
            self.crowd.ledger().sent_again(event, true);
            if !self.write(socket, event).await {
                return false;
            }
        }
        true
    }

    async fn write(&self, socket: &mut Socket, event: u32) -> bool {
        let Some(body) = self.crowd.body(event).and_then(|body| body.json()) else { return true };
        socket.send(Message::text(body)).await.is_ok()
    }

    /// The server answered for this event of theirs; false when it had before.
    fn answered(&mut self, event: u32) -> bool {
        let place = self.unanswered.iter().position(|waiting| *waiting == event);
        place.is_some_and(|place| self.unanswered.remove(place).is_some())
    }

    fn take(&mut self, message: Message) {
        match message {
            // Events that share a frame are an array.
            Message::Text(text) if text.starts_with('[') => {
                if let Ok(events) = serde_json::from_str::<Vec<Incoming<'_>>>(&text) {
                    self.take_events(&events);
                }
            }
            Message::Text(text) => {
                if let Ok(frame) = serde_json::from_str::<Frame<'_>>(&text) {
                    self.take_frame(frame);
                }
            }
            // tungstenite queues the pong itself and sends it with the next read.
            Message::Ping(_) => self.crowd.ledger().pinged(self.crowd.now()),
            _ => {}
        }
    }

    fn take_frame(&mut self, frame: Frame<'_>) {
        if let Some(hello) = frame.hello {
            let first = self.position.is_none();
            self.crowd.learned(self.client, hello.recovered);
            self.position = Some(Position { epoch: hello.epoch.into_owned(), offset: hello.offset });
            if first {
                self.crowd.positioned(self.client);
            }
            self.crowd.tell(self.client, || Saw::Opened);
        } else if let Some(ack) = frame.ack {
            let ack = serde_json::from_str::<Ack<'_>>(ack.get()).ok();
            let event = ack.and_then(|ack| self.event_of(&ack.id?));
            if let Some(event) = event.filter(|event| self.answered(*event)) {
                self.crowd.ledger().acknowledged(event, self.crowd.now(), true);
            }
        } else if let Some(Refusal { status: 500.. }) = frame.error {
            // The server's own trouble, which may pass.
            let pause = retry_after(self.crowd.seed, self.client, 0);
            self.again.get_or_insert_with(|| Instant::now() + pause);
        } else if frame.error.is_some() {
            let event = frame.id.and_then(|id| self.event_of(&id));
            if let Some(event) = event.filter(|event| self.answered(*event)) {
                self.crowd.ledger().send_failed(event);
            }
        } else if let Some(event) = frame.event() {
            self.take_events(&[event]);
        }
    }

    fn take_events(&mut self, events: &[Incoming<'_>]) {
        if let (Some(position), Some(last)) = (&mut self.position, events.last()) {
            position.offset = last.offset;
        }
        self.crowd.deliver(self.client, events, None);
    }

    fn event_of(&self, id: &str) -> Option<u32> {
        Plan::event_of(&self.crowd.plan, id)
    }
}
