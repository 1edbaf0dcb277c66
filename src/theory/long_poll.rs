//! Long polling: answered at once when news is there, else at the next news or when the hold ends.

use std::time::Duration;

use super::law::Law;
use super::view::View;
use super::{Expected, traffic};
use crate::sizes::PollSizes;
use crate::transport::Way;

mod walk;

/// Everything that is expected of a crowd of long polls. d is the mean one-way delay, λ the rate of
/// Poisson news, τ the hold.
///
/// * Cycle, Poisson: C = 2d + a(1 − b)/λ with a = e^(−2λd), the chance that nothing comes while the
///   answer and the next request are under way, and b = e^(−λτ), the chance that a whole hold brings
///   nothing. For τ → ∞ it is 2d + e^(−2λd)/λ. Answers come at the rate 1/C, and ab of them are empty:
///   a renewal process, near its stationary state because first holds end evenly over τ.
/// * Delay, Poisson: news that finds a poll held takes d. News that comes within the 2d while no poll
///   is there waits for the next and takes d to 3d, evenly (RFC 6202 §2.2: the maximal latency is over
///   three trips). Such is a share 2d/C of the time, hence of the news, so the mean is d + 2d²/C.
/// * Any other schedule: followed event by event with trips of exactly d, the first hold even over τ:
///   [`walk`].
///
/// * People who come and go (Poisson news, no network): each news ends a hold, whosever it is. A hold in
///   vain ends x after its person came with the density of [`visitors`].
///
/// # Errors
/// Visits with other news, or over a network.
pub(super) fn expect(view: &View<'_>, hold: Duration) -> Result<Expected, String> {
    if view.stay.is_some() && (view.lambda.is_none() || view.path.d > 0.0 || view.path.down.is_some()) {
        return Err("with visits there is a formula for Poisson news without a network only".to_owned());
    }
    let mut expected = Expected {
        posts: view.news.sends,
        opened: view.clients + view.news.senders,
        held: view.clients + view.news.senders,
        ack: Some(2.0 * view.path.d),
        ..Expected::default()
    };
    let mut sums = traffic::Sums::default();
    view.news.counted().for_each(|item| sums.add(item, item.pairs));
    // A slow line makes the answer's trip longer.
    let sizes = PollSizes::of_poll(view.who(), &Way::LongPoll { hold });
    let home = view.path.carries_down(traffic::answer(view, &sizes, 1.0, sums.json_mean()));
    match view.lambda {
        Some(lambda) => {
            poisson(view, lambda, hold.as_secs_f64(), home, &mut expected);
            if let Some(stay) = view.stay {
                visitors(view, lambda, hold.as_secs_f64(), stay, &mut expected);
            }
        }
        None => given_the_schedule(view, hold.as_secs_f64(), home, &mut expected),
    }
    if view.path.d == 0.0 && view.path.down.is_none() {
        expected.staleness = Some(0.0);
    }
    expected.traffic = traffic::polls(view, &sizes, &expected, sums.json_mean());
    expected.traffic.payload += sums.payload;
    let (came, first) = view.visitors();
    expected.opened += came;
    expected.traffic.first_polls(view, &sizes, first);
    // A newcomer holds a poll besides those whose answers bring the next; who leaves leaves one behind.
    expected.traffic.asked(view, &sizes, first);
    expected.polls += first;
    expected.empty += first;
    if expected.polls > 0.0 {
        expected.waste = Some(expected.empty / expected.polls);
    }
    Ok(expected)
}

/// Polls of people who stay V on average, whose first hold is a whole one. One ends in vain τ after it
/// began with nothing: at x = kτ after the person came with probability e^(−kλτ), and, begun by news, at
/// any x with the density λ Σ e^(−kλτ) over k ≤ x/τ. Each x is lived to with probability e^(−x/V), and
/// people come at the rate 1/V. Those who are there at the start are in the renewal's stationary state,
/// and leave.
fn visitors(view: &View<'_>, lambda: f64, hold: f64, stay: f64, expected: &mut Expected) {
    const PIECES: u32 = 10_000;
    let (warmup, window) = (view.warmup, view.window);
    let lives = |x: f64| libm::exp(-x / stay);
    let piece = window / f64::from(PIECES);
    let mut empty = 0.0;
    let steady = expected.empty / view.clients / window;
    for i in 0..PIECES {
        let since = (f64::from(i) + 0.5) * piece + warmup;
        let mut rate = steady * lives(since);
        let (mut k, mut vain) = (1.0, libm::exp(-lambda * hold));
        while k * hold < since && vain > 1e-12 {
            let end = k * hold;
            rate += vain * (lives(end) / stay + lambda * (lives(end) - lives(since)));
            vain *= libm::exp(-lambda * hold);
            k += 1.0;
        }
        empty += rate * piece;
    }
    expected.empty = view.clients * empty;
    expected.polls = expected.empty + expected.delivered;
    expected.per_answer = 1.0;
}

fn poisson(view: &View<'_>, lambda: f64, hold: f64, home: f64, expected: &mut Expected) {
    let (d, clients) = (view.path.d, view.clients);
    let gap = d + home;
    let unheld = libm::exp(-lambda * gap);
    let held_in_vain = unheld * libm::exp(-lambda * hold);
    let cycle = gap - unheld * libm::expm1(-lambda * hold) / lambda;
    expected.polls = clients * view.window / cycle;
    expected.empty = expected.polls * held_in_vain;
    expected.delivered = view.news.owed;
    expected.latency = Some(home + gap * gap / 2.0 / cycle);
    // Only what comes before the next request is sent waits for it: half the answer's trip.
    expected.wait = Some(home * home / 2.0 / cycle);
    expected.per_answer = lambda * cycle / (1.0 - held_in_vain);
    if view.path.steady() {
        expected.law = Some(Law::jump_then_uniform(home, 1.0 - gap / cycle, home + gap));
    }
}

fn given_the_schedule(view: &View<'_>, hold: f64, home: f64, expected: &mut Expected) {
    let walked = walk::crowd(view, hold, home);
    (expected.polls, expected.empty) = (walked.polls, walked.empty);
    (expected.delivered, expected.superseded, expected.expired) =
        (walked.delivered, walked.superseded, walked.expired);
    if walked.delivered > 0.0 {
        expected.per_answer = walked.delivered / walked.with_news;
        expected.latency = Some(walked.latency / walked.delivered);
        expected.wait = Some(walked.wait / walked.delivered);
        let none = view.path.d == 0.0 && view.path.down.is_none();
        expected.law = none.then(|| Law::constant(0.0));
    }
}
