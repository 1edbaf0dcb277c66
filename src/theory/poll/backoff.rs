//! Short polling that backs off: a Markov chain over the intervals, followed from the start of traffic.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::law::Law;
use super::super::view::View;
use super::super::{Expected, traffic};
use crate::sizes::PollSizes;
use crate::transport::Pace;

/// Intervals after which the chain has long been in its stationary state, of the shortest and the longest.
const SETTLED: (f64, f64) = (2_000.0, 20.0);

/// A crowd of short polls whose interval doubles after each empty answer, from T₀ to M, and is T₀ again
/// upon news. Poisson news at rate λ.
///
/// A poll that comes Tₖ after the one before is empty with probability e^(−λTₖ), whatever was before: the
/// intervals are a Markov chain, from k to k + 1 with that probability, else to 0. It begins at T₀ when
/// traffic starts, at an even phase, and is followed from poll to poll, so that a window that comes before
/// the stationary state is right, too. An event falls into an interval Tₖ in proportion to the time spent
/// in such intervals, and waits for its end: U(0, Tₖ), and d.
///
/// # Errors
/// News that is not Poisson, or answers that may outlast the shortest interval.
pub(super) fn expect(
    view: &View<'_>,
    interval: Duration,
    longest: Duration,
    keep_alive: bool,
    sizes: &PollSizes,
) -> Result<Expected, String> {
    let lambda = view.lambda.ok_or("with backoff_max there is a formula for Poisson news only")?;
    let trips = if keep_alive { 2.0 } else { 4.0 };
    let every = interval.as_secs_f64();
    if trips * (view.path.d + view.path.jitter) >= every {
        return Err(format!(
            "an answer may take longer than the shortest interval of {every} s here, and no formula says how \
             many polls are skipped"
        ));
    }
    let window = view.window.min((SETTLED.0 * every).max(SETTLED.1 * longest.as_secs_f64()));
    let d = view.path.d;
    let chain = Chain { lambda, warmup: view.warmup, window, trip: d };
    let steps = chain.follow(Pace::new(interval, Some(longest)));
    let times = view.clients * view.window / window;
    let sum = |of: &dyn Fn(f64, &Step) -> f64| -> f64 {
        times * steps.iter().map(|(&interval, step)| of(interval as f64 / 1e6, step)).sum::<f64>()
    };
    let polls = sum(&|_, step| step.polls);
    let empty = sum(&|t, step| step.polls * libm::exp(-lambda * t));
    let spent = sum(&|_, step| step.time);
    let per_interval = |of: &dyn Fn(f64) -> f64| sum(&|t, step| step.time * of(t)) / spent;
    let mut expected = Expected {
        polls,
        empty,
        opened: view.clients + if keep_alive { 0.0 } else { polls * (1.0 + view.warmup / view.window) },
        held: view.clients,
        waste: Some(empty / polls),
        delivered: view.news.owed,
        per_answer: traffic::per_answer(lambda * sum(&|t, step| step.polls * t), polls - empty),
        ..Expected::default()
    };
    // ∫ of the mean age of the oldest event of the last u seconds.
    let stale = |u: f64| u * u / 2.0 - u / lambda - libm::expm1(-lambda * u) / (lambda * lambda);
    if view.warmup >= longest.as_secs_f64() + d {
        expected.staleness = Some(per_interval(&|t| (stale(t + d) - stale(d)) / t));
    }
    let json = view.json_mean();
    expected.traffic = traffic::polls(view, sizes, &expected, json);
    expected.traffic.payload += expected.delivered * view.payload_mean();
    if expected.delivered > 0.0 {
        let home = view.path.carries_down(traffic::answer(view, sizes, expected.per_answer.max(1.0), json));
        expected.latency = Some(sum(&|_, step| step.age) / spent + home);
        expected.wait = Some(sum(&|_, step| step.wait) / spent);
        if view.path.steady() {
            let spans = steps.iter().map(|(&t, step)| (t as f64 / 1e6, step.time / (t as f64 / 1e6)));
            expected.law = Law::of_spans(spans.collect(), home);
        }
    }
    Ok(expected)
}

struct Chain {
    lambda: f64,
    warmup: f64,
    window: f64,
    /// One way.
    trip: f64,
}

/// What one client does at one interval, expected.
#[derive(Debug, Default)]
struct Step {
    /// Polls of the window that come so long after the one before.
    polls: f64,
    /// Seconds of the window spent in such intervals.
    time: f64,
    /// ∫ of the time until the poll that ends the interval is at the server, and until it is sent, over those
    /// seconds.
    age: f64,
    wait: f64,
}

impl Chain {
    /// By interval, microseconds.
    fn follow(&self, pace: Pace) -> BTreeMap<i64, Step> {
        let mut steps: BTreeMap<i64, Step> = BTreeMap::new();
        // Polls to come: their time after the first, and for each state they may be in, how likely it is.
        let mut coming: BTreeMap<i64, BTreeMap<i64, (Pace, f64)>> = BTreeMap::new();
        let least = pace.least();
        coming.entry(0).or_default().insert(least, (pace, 1.0));
        let last = ((self.warmup + self.window) * 1e6) as i64;
        while let Some((at, states)) = coming.pop_first() {
            if at > last {
                break;
            }
            for (interval, (pace, likely)) in states {
                steps.entry(interval).or_default().polls += likely * self.inside(at, least);
                // The first looks back over an even share of the interval.
                let x = self.lambda * interval as f64 / 1e6;
                let empty = if at == 0 { -libm::expm1(-x) / x } else { libm::exp(-x) };
                for (news, share) in [(false, empty), (true, 1.0 - empty)] {
                    let mut pace = pace;
                    pace.heard(news);
                    let next = pace.next(at, at);
                    let step = steps.entry(next.interval).or_default();
                    let likely = likely * share;
                    step.time += likely * self.overlap(at, next.interval, least);
                    step.age += likely * self.until_end(at, next.interval, least, 0.0);
                    step.wait += likely * self.until_end(at, next.interval, least, self.trip);
                    let states = coming.entry(next.at).or_default();
                    states.entry(next.interval).or_insert((pace, 0.0)).1 += likely;
                }
            }
        }
        steps.retain(|_, step| step.polls > 0.0 || step.time > 0.0);
        steps
    }

    /// The chance that a poll `at` after the first is in the window: the first is at an even phase of the
    /// `least` interval.
    fn inside(&self, at: i64, least: i64) -> f64 {
        let from = at as f64 / 1e6 - self.warmup;
        let phase = least as f64 / 1e6;
        ((from + phase).clamp(0.0, self.window) - from.clamp(0.0, self.window)) / phase
    }

    /// ∫ of the time until `lag` before the end of the interval that begins with it, while that lies ahead,
    /// over the part in the window, on average.
    fn until_end(&self, at: i64, interval: i64, least: i64, lag: f64) -> f64 {
        const PHASES: u32 = 32;
        let (from, phase) = (at as f64 / 1e6 - self.warmup, least as f64 / 1e6);
        let interval = interval as f64 / 1e6;
        let of = |from: f64| {
            let left = |time: f64| (from + interval - lag - time.clamp(0.0, self.window)).max(0.0);
            let (begin, end) = (left(from), left(from + interval));
            (begin * begin - end * end) / 2.0
        };
        if from >= 0.0 && from + phase + interval <= self.window {
            return of(from);
        }
        let phases = (0..PHASES).map(|i| (f64::from(i) + 0.5) / f64::from(PHASES));
        phases.map(|share| of(from + share * phase)).sum::<f64>() / f64::from(PHASES)
    }

    /// Seconds of the interval that begins with it that are in the window, on average.
    fn overlap(&self, at: i64, interval: i64, least: i64) -> f64 {
        // ∫ of the part of the window before x.
        let integral = |x: f64| {
            let inside = x.clamp(0.0, self.window);
            inside * inside / 2.0 + self.window * (x - self.window).max(0.0)
        };
        let (from, phase) = (at as f64 / 1e6 - self.warmup, least as f64 / 1e6);
        let before = |x: f64| (integral(x + phase) - integral(x)) / phase;
        before(from + interval as f64 / 1e6) - before(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_window_is_in_the_stationary_state() {
        let (lambda, second) = (0.1, Duration::from_secs(1));
        let chain = Chain { lambda, warmup: 100.0, window: 1000.0, trip: 0.0 };
        let steps = chain.follow(Pace::new(second, Some(4 * second)));
        // πₖ: 1 − a, a(1 − b), ab with a = e^(−λ), b = e^(−2λ) and, at the longest, c = e^(−4λ):
        // π₁ = a π₀, π₂ = b π₁ + c π₂.
        let [a, b, c] = [1.0, 2.0, 4.0].map(|t: f64| (-lambda * t).exp());
        let weights = [1.0, a, a * b / (1.0 - c)];
        let cycle = weights[0] + 2.0 * weights[1] + 4.0 * weights[2];
        for ((interval, step), weight) in steps.iter().zip(weights) {
            let polls = 1000.0 * weight / cycle;
            assert!((step.polls - polls).abs() < 0.01 * polls, "{interval}: {step:?} against {polls}");
        }
        let spent: f64 = steps.values().map(|step| step.time).sum();
        assert!((spent - 1000.0).abs() < 1e-6, "{spent}");
    }
}
