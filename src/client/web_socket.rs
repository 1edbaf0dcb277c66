//! WebSocket: one upgrade, then both sides speak whenever they have something to say.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
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
use crate::target::server_name;
use crate::transport::{FALLBACK_HOLD, FALLBACK_INTERVAL, Pace, retry_after};
use crate::workload::Visit;

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

pub(super) async fn stay(crowd: &Crowd, client: u32, visit: &Visit) -> i64 {
    let own = crowd.own_events(client, visit);
    let mut person = Person::new(crowd, client, visit, own);
    let mut comeback = Comeback::new(crowd, client);
    while !crowd.stop.is_cancelled() {
        let again = person.position.is_some();
        let socket = tokio::select! {
            socket = person.open(comeback.server()) => socket,
            () = crowd.stop.cancelled() => break,
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
        if person.is_done() {
            break;
        }
        comeback.pause().await;
    }
    // Beyond the end of the visit the last acknowledgement was waited for.
    if own.is_empty() { i64::MIN } else { crowd.now() }
}

/// Long polls until those are refused for good, then short ones.
async fn poll_instead(crowd: &Crowd, client: u32, visit: &Visit, asker: &mut Asker<'_>) {
    long_poll::ask_and_hold(crowd, client, visit, asker, FALLBACK_HOLD).await;
    if !crowd.stop.is_cancelled() {
        let pace = Pace::new(FALLBACK_INTERVAL, None);
        let first = poll::first_on_the_grid(crowd, client, pace, crowd.now().max(-crowd.warmup));
        poll::ask_on_the_grid(crowd, client, visit, asker, pace, first).await;
    }
}

struct Person<'a> {
    crowd: &'a Crowd,
    client: u32,
    visit: &'a Visit,
    /// Its own events that it has not sent yet.
    own: &'a [u32],
    /// Those it has sent and the server has not answered, in order.
    unanswered: VecDeque<u32>,
    position: Option<Position>,
    /// When it could send for the first time, if that was within the run.
    opened: i64,
    /// When those without an answer are to be sent again.
    again: Option<Instant>,
}

impl<'a> Person<'a> {
    fn new(crowd: &'a Crowd, client: u32, visit: &'a Visit, own: &'a [u32]) -> Self {
        let unanswered = VecDeque::new();
        Self { crowd, client, visit, own, unanswered, position: None, opened: i64::MIN, again: None }
    }

    /// Whether the server has answered for everything there was to send.
    fn has_sent_all(&self) -> bool {
        self.own.is_empty() && self.unanswered.is_empty()
    }

    /// Whether the visit is over, and nothing is left to be sent.
    fn is_done(&self) -> bool {
        !self.visit.is_last() && self.crowd.now() >= self.visit.until && self.has_sent_all()
    }

    async fn open(&self, server: &str) -> Result<Socket, NoSocket> {
        let unreachable = |_| NoSocket::Unreachable;
        let _turn = self.crowd.opening.acquire().await.map_err(|_| NoSocket::Unreachable)?;
        let stream = TcpStream::connect(server).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let stream = match &self.crowd.tls {
            None => Either::Left(stream),
            Some(config) => {
                let name = server_name(server).map_err(|_| NoSocket::Unreachable)?;
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
    /// still to be sent goes by POST. It stays so for the rest of the visit. Returns as [`stay`] does.
    async fn fall_back(self) -> i64 {
        let Self { crowd, client, visit, own, position, unanswered, .. } = self;
        crowd.ledger().fell_back();
        let Ok(line) = long_poll::line(crowd, FALLBACK_HOLD) else { return i64::MIN };
        let mut asker = Asker::new(crowd, client, &line, false);
        let known = position.is_some();
        asker.position = position;
        if !known && !asker.find_position(visit, crowd.now()).await || !crowd.through_the_gate().await {
            return i64::MIN;
        }
        let mut left = Vec::from(unanswered);
        left.extend(own);
        let asking = async {
            tokio::select! {
                () = poll_instead(crowd, client, visit, &mut asker) => {}
                () = crowd.over(visit) => {}
            }
        };
        tokio::join!(asking, sender::live(crowd, client, visit, &line, &left)).1
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
            let next = self.own.first().copied();
            let may_leave = self.position.is_some() && self.has_sent_all();
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
                    self.own = &self.own[1..];
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
                () = self.crowd.over(self.visit), if may_leave => break,
                () = self.crowd.stop.cancelled() => break,
            }
        }
        let _ = socket.close(None).await;
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
            // What fell due while the socket was being opened is not late by the load generator's fault.
            let waited =
                self.opened.saturating_sub(self.crowd.plan.schedule.events[event as usize].at).max(0);
            ledger.publish_sent(event, self.crowd.now() - waited);
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
                self.crowd.positioned(self.client, self.visit);
                self.opened = if self.visit.is_first() { i64::MIN } else { self.crowd.now() };
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
