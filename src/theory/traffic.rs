//! Expected bytes: expected numbers of messages times their sizes, by the rules of [`crate::sizes`].
//!
//! N\[H + P(1 − e⁻ˣ)\]/T for polls and N\[λ(h + P) + heartbeat\] for push, with H, h and P as our own
//! client and server write them. Where a size depends on a number, its mean number of digits is taken.

use super::Expected;
use super::coalesce::Shared;
use super::news::{Item, mean_digits};
use super::view::View;
use crate::headers::Headers;
use crate::sizes::{self, PollSizes, Who};
use crate::wire;

/// Bytes on the server's sockets in the window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    pub(super) up: f64,
    pub(super) down: f64,
    pub(super) segments: f64,
    pub(super) opening: f64,
    /// `data` of deliveries and of what clients sent.
    pub(super) payload: f64,
    /// Of deliveries alone.
    payload_down: f64,
}

/// Sums over deliveries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    n: f64,
    json: f64,
    kind: f64,
    pub(super) payload: f64,
}

impl Sums {
    pub(super) fn add(&mut self, item: &Item, pairs: f64) {
        self.n += pairs;
        self.json += pairs * item.json;
        self.kind += pairs * item.kind;
        self.payload += pairs * item.payload;
    }

    pub(super) fn json_mean(&self) -> f64 {
        if self.n > 0.0 { self.json / self.n } else { 0.0 }
    }
}

impl Traffic {
    fn up(&mut self, n: f64, bytes: f64) {
        self.up += n * bytes;
        self.segments += n * wire::segments(bytes.ceil() as u64) as f64;
    }

    fn down(&mut self, n: f64, bytes: f64) {
        self.down += n * bytes;
        self.segments += n * wire::segments(bytes.ceil() as u64) as f64;
    }

    /// So many visitors ask where the feed stands.
    pub(super) fn first_polls(&mut self, view: &View<'_>, sizes: &PollSizes, visitors: f64) {
        self.up(visitors, sizes.first_request() as f64 + sizes.name(names(view, sizes.is_named())));
        self.down(visitors, sizes.first_answer(view.news.offset as u64) as f64);
        for &(up, down) in sizes.connection() {
            self.up(visitors, up as f64);
            self.down(visitors, down as f64);
        }
    }

    /// So many polls without an answer.
    pub(super) fn asked(&mut self, view: &View<'_>, sizes: &PollSizes, polls: f64) {
        self.up(
            polls,
            sizes.request(view.news.offset as u64) as f64 + sizes.name(names(view, sizes.is_named())),
        );
    }

    /// `n` events that took `alone` bytes in a frame each share frames.
    pub(super) fn share_frames(&mut self, alone: f64, n: f64, shared: &Shared) {
        let each = if n > 0.0 { alone / n } else { 0.0 };
        self.down(-n, each);
        let each = if shared.frames > 0.0 { shared.bytes / shared.frames } else { 0.0 };
        self.down(shared.frames, each);
        self.payload += shared.payload - self.payload_down;
        self.payload_down = shared.payload;
    }

    /// What clients write, and that the server has it.
    fn sends(&mut self, view: &View<'_>, by_frame: bool) {
        let Some(plan) = view.plan else { return };
        let items = view.news.items.iter().enumerate().filter(|(_, item)| item.own);
        let last = crate::clock::as_micros(view.scenario.duration);
        for (index, item) in items.filter(|(_, item)| (0..last).contains(&item.at)) {
            let event = &plan.schedule.events[index];
            let who = Who {
                topic: plan.schedule.topics[event.topic as usize].len() as u64,
                client: event.author.unwrap_or_default(),
                ..view.who()
            };
            let offset = u64::from(plan.ordinal[index]) + 1;
            let (up, down) = sizes::send(event, index as u32, who, offset, by_frame);
            self.up(1.0, up as f64);
            self.down(1.0, down as f64);
            self.payload += item.payload;
        }
    }
}

/// Bytes that the names of topic and client add to a message that has a topic without a name and a
/// client with one digit, if it says its name.
fn names(view: &View<'_>, named: bool) -> f64 {
    // A head filled up to a total has room for them.
    if matches!(view.scenario.headers, Headers::Total(_)) {
        return 0.0;
    }
    view.news.name + if named { mean_digits(0, view.scenario.clients) - 1.0 } else { 0.0 }
}

/// How many events an answer with news brings, if polls fetch so many. What is left of `with_news` when
/// nearly every poll is empty is rounding, and not divided by.
pub(super) fn per_answer(fetched: f64, with_news: f64) -> f64 {
    fetched / with_news.max(1e-3)
}

/// An answer with so many events of so many bytes each.
pub(super) fn answer(view: &View<'_>, sizes: &PollSizes, events: f64, json: f64) -> f64 {
    let offset = view.news.offset as u64;
    sizes.news(offset, offset, events.round() as u64, (events * json).round() as u64) as f64
}

/// The traffic of polls, short or long, but for the payload. `expected` knows how many there are, how
/// many are empty, and how many events of `json` bytes an answer with news brings; `sizes` are those of
/// a topic without a name and a client with one digit.
pub(super) fn polls(view: &View<'_>, sizes: &PollSizes, expected: &Expected, json: f64) -> Traffic {
    let mut traffic = Traffic::default();
    let offset = view.news.offset as u64;
    let with_news = (expected.polls - expected.empty).max(0.0);
    traffic.up(expected.polls, sizes.request(offset) as f64 + sizes.name(names(view, sizes.is_named())));
    traffic.down(expected.empty, sizes.nope(offset, offset) as f64);
    traffic.down(with_news, answer(view, sizes, expected.per_answer.max(1.0), json));
    traffic.sends(view, false);
    traffic
}

/// An event as it is pushed, on average.
pub(super) fn event(view: &View<'_>, sums: &Sums, socket: bool) -> f64 {
    let mean = |sum: f64| if sums.n > 0.0 { (sum / sums.n).round() as u64 } else { 0 };
    sizes::pushed(mean(sums.json), mean(sums.kind), view.news.offset as u64, socket) as f64
}

/// An event in a frame of its own.
pub(super) fn alone(view: &View<'_>, item: &Item) -> f64 {
    sizes::pushed(item.json as u64, item.kind as u64, view.news.offset as u64, true) as f64
}

/// The traffic of streams and sockets.
pub(super) fn pushed(view: &View<'_>, expected: &Expected, socket: bool) -> Traffic {
    let mut sums = Sums::default();
    let mut traffic = Traffic::default();
    let offset = view.news.offset as u64;
    let reached = expected.delivered / view.news.owed.max(f64::MIN_POSITIVE);
    for item in view.news.counted() {
        sums.add(item, item.pairs);
        let (json, kind) = (item.json as u64, item.kind as u64);
        traffic.down(item.pairs * reached, sizes::pushed(json, kind, offset, socket) as f64);
    }
    (traffic.payload, traffic.payload_down) = (sums.payload * reached, sums.payload * reached);
    if socket {
        traffic.down(expected.pings / 2.0, sizes::PING as f64);
        traffic.up(expected.pings / 2.0, sizes::PONG as f64);
    } else {
        traffic.down(expected.comments, sizes::COMMENT as f64);
    }
    traffic.sends(view, socket);
    let (heads, names) = (sizes::opening(view.who(), socket), names(view, true));
    traffic.opening = expected.opens * ((heads.up + heads.down) as f64 + names);
    // Those who come while the window is measured.
    let came = view.visitors().1;
    let hello = sizes::hello(offset, socket);
    traffic.up(came, heads.up as f64 + names);
    traffic.down(came, (heads.down + hello) as f64);
    if socket {
        traffic.up(came, sizes::CLOSE as f64);
    }
    traffic
}
