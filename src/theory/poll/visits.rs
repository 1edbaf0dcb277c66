//! Short polling by people who come and go: what the first and the last poll of a visit change.

use std::time::Duration;

use super::super::law::Law;
use super::super::view::View;
use super::super::{Expected, traffic};
use crate::sizes::PollSizes;

/// Pieces of an interval over which densities are summed, and most of the window.
const PIECES_EACH: f64 = 500.0;
const PIECES: f64 = 20_000.0;

/// Equal parts of an interval into which the ages of news are sorted.
const AGES: usize = 200;

/// A first answer takes at most this share of a visit: somebody who waits keeps the seat for the next.
const LEAST_STAY: f64 = 0.1;

/// A crowd of short polls by people who stay V on average, Poisson news at rate λ.
///
/// On each seat people come at the rate 1/V. The first poll of a visit asks for the position and is empty;
/// the j-th after it comes jT later, if the visit lasts so long: with probability q^j, q = e^(−T/V). So a
/// visit has 1/(1 − q) polls on average, of which one is the first. Those who are there when traffic
/// starts, w before the window, poll at the rate 1/T as long as they stay: e^(−(t + w)/V). The two add up
/// to the density of polls at each time t, and each poll finds what came within its age, T, so that it is
/// empty with probability e^(−λT). With a network the position is known two trips late (three for the
/// connection and the request, less the one of the poll), and the second poll looks back over T − 2d.
///
/// Nobody is owed what comes after the last poll of a visit, so that what is owed is what is delivered.
///
/// # Errors
/// News that is not Poisson, or answers that may outlast the interval or a good part of a visit.
pub(super) fn expect(
    view: &View<'_>,
    stay: f64,
    interval: Duration,
    keep_alive: bool,
    sizes: &PollSizes,
) -> Result<Expected, String> {
    let lambda = view.lambda.ok_or("with visits there is a formula for Poisson news only")?;
    let every = interval.as_secs_f64();
    if 4.0 * (view.path.d + view.path.jitter) >= every {
        return Err(format!(
            "whether the first answer of a visit takes longer than the interval of {every} s is left to \
             chance here"
        ));
    }
    if 4.0 * view.path.d > stay * LEAST_STAY {
        return Err(format!(
            "visits of {stay} s often end while an answer is under way here, and no formula says when the \
             next can begin"
        ));
    }
    let crowd = Crowd { view, lambda, stay, every, keep_alive };
    let seat = crowd.sums();
    let n = view.clients;
    let (first, came) = (n * view.window / stay, n * (view.warmup + view.window) / stay);
    let mut expected = Expected {
        polls: n * seat.polls,
        empty: n * seat.empty,
        opened: n + came,
        held: n,
        delivered: n * lambda * seat.news,
        per_answer: traffic::per_answer(lambda * seat.brought, seat.polls - seat.empty),
        ..Expected::default()
    };
    if !keep_alive {
        expected.opened += n * seat.polls * (1.0 + view.warmup / view.window);
    }
    let json = view.json_mean();
    expected.traffic = traffic::polls(view, sizes, &expected, json);
    expected.traffic.first_polls(view, sizes, first);
    expected.traffic.payload += expected.delivered * view.payload_mean();
    expected.polls += first;
    expected.empty += first;
    expected.waste = Some(expected.empty / expected.polls);
    expected.owed = Some(expected.delivered);
    if expected.delivered > 0.0 {
        let home = view.path.carries_down(traffic::answer(view, sizes, expected.per_answer.max(1.0), json));
        expected.latency = Some(seat.age / seat.news + home);
        expected.wait = Some(seat.wait / seat.news);
        expected.law = view.path.steady().then(|| crowd.law(&seat, home));
    }
    Ok(expected)
}

struct Crowd<'a> {
    view: &'a View<'a>,
    lambda: f64,
    stay: f64,
    every: f64,
    keep_alive: bool,
}

/// Sums over the polls of one seat but the first of each visit, in seconds and polls.
struct Sums {
    /// In the window.
    polls: f64,
    empty: f64,
    /// Time they look back over.
    brought: f64,
    /// Time of the window that polls look back over, whenever they are.
    news: f64,
    /// Its age when they are at the server, and when they are sent.
    age: f64,
    wait: f64,
    /// Polls whose news begins, less those whose news ends, in a part of an interval; and the same times the
    /// age at which it does.
    bends: [(f64, f64); AGES + 1],
}

impl Crowd<'_> {
    fn sums(&self) -> Sums {
        let (polls, empty, brought, news, age, wait) = Default::default();
        let mut sums = Sums { polls, empty, brought, news, age, wait, bends: [(0.0, 0.0); AGES + 1] };
        let end = self.view.window + self.every;
        let pieces = (end / self.every * PIECES_EACH).min(PIECES).ceil();
        let piece = end / pieces;
        for i in 0..pieces as u32 {
            let at = (f64::from(i) + 0.5) * piece;
            let [there, second, later] = self.densities(at);
            let age = self.every.min(at + self.view.warmup);
            let short = if self.keep_alive { self.every - 2.0 * self.view.path.d } else { self.every };
            for (density, age) in [(there, age), (second, short), (later, self.every)] {
                self.add(at, age, density * piece, &mut sums);
            }
        }
        sums
    }

    /// Polls per second at `at` by those who were there when traffic started, second polls of visits, and
    /// later ones. Nobody leaves after the window, nor comes.
    fn densities(&self, at: f64) -> [f64; 3] {
        let (stay, every, window, warmup) = (self.stay, self.every, self.view.window, self.view.warmup);
        let stays = |from: f64| libm::exp(-(at.min(window) - from) / stay);
        let there = stays(-warmup) / every;
        let visitor = |j: f64| {
            let came = at - j * every;
            if (-warmup..window).contains(&came) { stays(came) / stay } else { 0.0 }
        };
        if at >= window {
            let most = ((at + warmup) / every).floor() as u32;
            return [there, visitor(1.0), (2..=most).map(|j| visitor(f64::from(j))).sum()];
        }
        // Σ q^j from 2 to the first who came after traffic started.
        let (q, most) = (libm::exp(-every / stay), ((at + warmup) / every).floor());
        let later = if most >= 2.0 { (q * q - libm::pow(q, most + 1.0)) / (1.0 - q) / stay } else { 0.0 };
        [there, visitor(1.0), later]
    }

    fn add(&self, at: f64, age: f64, polls: f64, sums: &mut Sums) {
        let window = self.view.window;
        if at < window {
            sums.polls += polls;
            sums.empty += polls * libm::exp(-self.lambda * age);
            sums.brought += polls * age;
        }
        let trips = if self.keep_alive { 1.0 } else { 3.0 };
        let arrives = at + trips * self.view.path.d;
        let (from, to) = ((arrives - age).max(0.0), arrives.min(window));
        if to > from {
            // ∫ (until − e) de over [from, to], of what is not negative.
            let aged = |until: f64| {
                let (old, young) = ((until - from).max(0.0), (until - to).max(0.0));
                (old * old - young * young) / 2.0
            };
            sums.news += polls * (to - from);
            sums.age += polls * aged(arrives);
            sums.wait += polls * aged(at);
            for (age, polls) in [(arrives - to, polls), (arrives - from, -polls)] {
                let part = (age / self.every * AGES as f64).clamp(0.0, AGES as f64) as usize;
                sums.bends[part] = (sums.bends[part].0 + polls, sums.bends[part].1 + polls * age);
            }
        }
    }

    /// How old news is when it gets home, `home` after the poll was at the server. A poll brings news of
    /// all ages between two evenly, so that of ages up to x it brings (x − least)⁺ − (x − most)⁺.
    fn law(&self, sums: &Sums, home: f64) -> Law {
        let (mut slope, mut less) = (0.0, 0.0);
        let mut points = vec![(home, 0.0)];
        for (part, bend) in sums.bends[..AGES].iter().enumerate() {
            (slope, less) = (slope + bend.0, less + bend.1);
            let age = self.every * (part + 1) as f64 / AGES as f64;
            let reached: f64 = (slope * age - less) / sums.news;
            points.push((age + home, reached.clamp(points[part].1, 1.0)));
        }
        points[AGES].1 = 1.0;
        Law::through(points)
    }
}
