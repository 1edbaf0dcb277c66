//! Server-sent events and WebSocket: an event leaves when the server has it.

use std::time::Duration;

use super::law::Law;
use super::trip::Trip;
use super::view::View;
use super::{Expected, coalesce, traffic};
use crate::transport::COMMENT_EVERY;

/// An event stream: one request each, and a comment every [`COMMENT_EVERY`]; the first after an even
/// share of that, so that window/every of them are expected.
pub(super) fn stream(view: &View<'_>) -> Expected {
    let mut expected = pushed(view, false);
    expected.comments = view.clients * connected(view) * view.window / COMMENT_EVERY.as_secs_f64();
    expected.posts = view.news.sends;
    // A sender's POSTs need a connection beside the stream.
    expected.opened += view.news.senders;
    expected.held += view.news.senders;
    expected.traffic = traffic::pushed(view, &expected, false);
    expected
}

/// WebSockets: one handshake each, then a ping and its pong every interval, unless that is zero.
pub(super) fn socket(view: &View<'_>, ping: Duration, coalesce: Duration) -> Expected {
    let mut expected = pushed(view, true);
    expected.frames = expected.delivered;
    if !ping.is_zero() {
        expected.pings = 2.0 * view.clients * connected(view) * view.window / ping.as_secs_f64();
    }
    expected.traffic = traffic::pushed(view, &expected, true);
    if !coalesce.is_zero() {
        share_frames(view, coalesce, &mut expected);
    }
    expected
}

/// Share of the time in which somebody on a seat is connected: a newcomer is so three trips after coming,
/// two for the connection and one for the request; over TLS two more.
fn connected(view: &View<'_>) -> f64 {
    let trips = if view.scenario.tls { 5.0 } else { 3.0 };
    view.stay.map_or(1.0, |stay| libm::exp(-trips * view.path.d / stay))
}

/// Share of the news that reaches somebody: who is connected, and stays for another trip. Nobody leaves
/// after the window.
fn reached(view: &View<'_>) -> f64 {
    let Some(stay) = view.stay else { return 1.0 };
    let (d, window) = (view.path.d.min(view.window), view.window);
    let stays = ((window - d) * libm::exp(-d / stay) - stay * libm::expm1(-d / stay)) / window;
    connected(view) * stays
}

/// What changes when events wait for others to share a frame: see [`coalesce::expect`].
fn share_frames(view: &View<'_>, window: Duration, expected: &mut Expected) {
    let shared = coalesce::expect(view, window.as_secs_f64());
    let alone = view.news.counted().map(|item| item.pairs * traffic::alone(view, item)).sum::<f64>();
    expected.traffic.share_frames(alone, view.news.owed, &shared);
    expected.frames = shared.frames;
    (expected.delivered, expected.superseded, expected.expired) =
        (shared.delivered, shared.superseded, shared.expired);
    expected.staleness = shared.staleness.filter(|_| view.path.d == 0.0);
    let wait = if shared.delivered > 0.0 { shared.waited / shared.delivered } else { 0.0 };
    expected.latency = expected.latency.map(|latency| latency + wait);
    // Without jitter or loss the rest of the way takes everything the same time.
    let rest = view.common(View::sending).zip(expected.latency.map(|latency| latency - wait));
    expected.law = match (rest, shared.law) {
        (Some((_, rest)), Some(law)) if view.path.steady() => Some(law.moved(rest)),
        _ => None,
    };
}

/// Delay: d, the mean trip of RFC 6202's push, and another for what a client writes. Uniform jitter
/// makes it U(d − j, d + j). Bytes on a slow line keep it busy, and no queue is reckoned with. Poisson
/// events that a late one holds up come later still: [`Trip::in_order`]; for other schedules that is
/// left out of the mean, and no distribution is given where it can happen.
/// Staleness, Poisson: the mean age of the oldest event under way.
fn pushed(view: &View<'_>, socket: bool) -> Expected {
    let d = view.path.d;
    let mut expected = Expected {
        opens: view.clients + view.visitors().0,
        opened: view.clients + view.visitors().0,
        held: view.clients,
        owed: Some(view.news.owed * reached(view)),
        delivered: view.news.owed * reached(view),
        ack: Some(2.0 * d),
        ..Expected::default()
    };
    let (mut sums, mut sending) = (traffic::Sums::default(), 0.0);
    let sent = if socket { View::sending } else { View::sending_beside };
    for item in view.news.counted() {
        sums.add(item, item.pairs);
        sending += item.pairs * sent(view, item);
    }
    let home = view.path.carries_down(traffic::event(view, &sums, socket));
    let trip = Trip::new(view.scenario.network.as_ref(), home - d);
    let held_up = view.lambda.filter(|_| !view.path.steady());
    expected.staleness = match view.stay {
        _ if home == 0.0 => Some(0.0),
        None => view.lambda.map(|lambda| trip.oldest(lambda)),
        Some(_) => None,
    };
    if expected.delivered > 0.0 {
        let home = held_up.map_or(home, |lambda| trip.in_order(lambda));
        expected.latency = Some(home + sending / expected.delivered);
        expected.law = match (view.common(sent), held_up) {
            (Some(sent), None) if view.path.steady() => Some(Law::constant(sent + home)),
            _ if view.path.lossy => None,
            (Some(0.0), Some(lambda)) => Some(trip.law_in_order(lambda)),
            (Some(0.0), None) => view.apart(2.0 * view.path.jitter).then(|| trip.law_apart()),
            _ => None,
        };
    }
    expected
}
