//! What an outcome supports: noise, empirical distributions, costs per message. Pure arithmetic.

use crate::outcome::{Outcome, TransportOutcome};
use crate::scenario::{Inbox, Workload};
use crate::workload::visits;

mod trend;

pub use trend::{TREND, Thirds, thirds};

/// Fewer answered polls than this carry no share worth saying.
pub const FEW_POLLS: u64 = 30;
/// Fewer deliveries than this carry no typical delay worth comparing.
pub const FEW_DELIVERIES: u64 = 20;

/// Length of what was measured: the window, or the part of it before the run was interrupted.
#[must_use]
pub fn window_s(outcome: &Outcome) -> f64 {
    outcome.interrupted_at_s.unwrap_or(outcome.scenario.duration.as_secs_f64())
}

/// Polls that got an answer.
#[must_use]
pub fn answered(t: &TransportOutcome) -> u64 {
    t.requests.polls.saturating_sub(t.requests.failed).max(t.requests.empty)
}

/// Standard error of a share of `n` independent trials: √(p(1 − p)/n).
#[must_use]
pub fn binomial_error(share: f64, n: u64) -> f64 {
    if n == 0 { f64::INFINITY } else { (share * (1.0 - share) / n as f64).max(0.0).sqrt() }
}

/// Whether each poll is a trial of its own: only with an inbox each and news at random. People who
/// share a feed all hear the same news, and their polls are empty together.
#[must_use]
pub fn polls_are_independent(outcome: &Outcome) -> bool {
    matches!(outcome.scenario.workload, Workload::Poisson { inbox: Inbox::Own, .. })
}

/// The latencies as `(ms, share of deliveries at or below)`, ascending; empty without deliveries, and
/// where they were computed: the law itself says more.
#[must_use]
pub fn ecdf(t: &TransportOutcome) -> Vec<(f64, f64)> {
    if let Some(samples) = t.samples.as_ref().filter(|samples| !samples.is_empty()) {
        let mut sorted: Vec<f64> = samples.iter().copied().filter(|ms| ms.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        return sorted.iter().enumerate().map(|(i, &ms)| (ms, (i + 1) as f64 / n)).collect();
    }
    let buckets = t.latency_histogram_us.as_deref().filter(|_| !is_computed(t)).unwrap_or_default();
    let total: u64 = buckets.iter().map(|&(_, n)| n).fold(0, u64::saturating_add);
    let mut seen = 0u64;
    buckets
        .iter()
        .filter(|&&(_, n)| n > 0)
        .map(|&(us, n)| {
            seen = seen.saturating_add(n);
            (us as f64 / 1000.0, seen as f64 / total as f64)
        })
        .collect()
}

/// Whether the delays come from a formula: there are some, and yet nothing was played through.
#[must_use]
pub fn is_computed(t: &TransportOutcome) -> bool {
    t.latency_ms.count > 0 && t.series.requests.is_empty()
}

/// A 95 % interval of the median in ms, by ranks n/2 ± 0.98 √n (no assumption on the shape); `None`
/// below [`FEW_DELIVERIES`].
#[must_use]
pub fn median_interval(t: &TransportOutcome) -> Option<(f64, f64)> {
    let n = t.latency_ms.count;
    if is_computed(t) {
        return t.latency_ms.p50.map(|p50| (p50, p50));
    }
    if n < FEW_DELIVERIES {
        return None;
    }
    let reach = 0.98 / (n as f64).sqrt();
    let curve = ecdf(t);
    let at = |share: f64| curve.iter().find(|&&(_, s)| s >= share).map(|&(ms, _)| ms);
    Some((at(0.5 - reach)?, at(0.5 + reach)?))
}

/// What the medians of two transports allow to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// One of the two has too few deliveries.
    TooFew,
    /// Their intervals overlap.
    Same,
    /// The first is slower by this factor.
    Slower(f64),
    /// The first is faster by this factor.
    Faster(f64),
}

/// Compares the typical delay of `a` with that of `b`.
#[must_use]
pub fn compare(a: &TransportOutcome, b: &TransportOutcome) -> Delay {
    let (Some(one), Some(two)) = (median_interval(a), median_interval(b)) else { return Delay::TooFew };
    let (Some(p), Some(q)) = (a.latency_ms.p50, b.latency_ms.p50) else { return Delay::TooFew };
    let ratio = |x: f64, y: f64| x / y.max(0.001);
    if one.0 > two.1 {
        Delay::Slower(ratio(p, q))
    } else if two.0 > one.1 {
        Delay::Faster(ratio(q, p))
    } else {
        Delay::Same
    }
}

/// What the bytes of two transports allow to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Volume {
    /// Within a tenth.
    Same,
    /// Further apart, and yet within what chance may make of so few events.
    Unsure,
    /// The first moved this many times as many.
    More(f64),
    /// The second moved this many times as many.
    Fewer(f64),
}

/// All bytes of a transport, handshakes too; zero where nobody counted them.
#[must_use]
pub fn volume(t: &TransportOutcome) -> u64 {
    t.bytes.both_ways().unwrap_or(0).saturating_add(opening(t))
}

/// Bytes of its handshakes; zero where nobody counted them.
#[must_use]
pub fn opening(t: &TransportOutcome) -> u64 {
    t.bytes.opening.unwrap_or(0)
}

/// Compares all bytes of `a` with those of `b`, by the guard of [`clearly`].
#[must_use]
pub fn compare_bytes(a: &TransportOutcome, b: &TransportOutcome) -> Volume {
    let (one, two) = (volume(a) as f64, volume(b) as f64);
    // What formulas expect is no draw, however few the events.
    let drawn = !(is_computed(a) && is_computed(b));
    let events = if drawn { a.deliveries.published.min(b.deliveries.published) } else { 0 };
    if clearly(one, two, events) {
        Volume::More(one / two.max(1.0))
    } else if clearly(two, one, events) {
        Volume::Fewer(two / one.max(1.0))
    } else if one.max(two) > one.min(two) * 1.1 {
        Volume::Unsure
    } else {
        Volume::Same
    }
}

/// Whether one sum is larger than another by over a tenth, and by more than chance makes of sums over so
/// many events: two standard errors of the difference of two counts, √(2/events), relative to the
/// smaller. Both saw the same events, so this is more than chance can do.
#[must_use]
pub fn clearly(more: f64, less: f64, events: u64) -> bool {
    let chance = if events == 0 { 0.0 } else { 1.96 * (2.0 / events as f64).sqrt() };
    less > 0.0 && more > less * (1.0 + chance.max(0.1))
}

/// People who came within the window where people come and go, by the schedule; one transport's.
#[must_use]
pub fn newcomers(outcome: &Outcome) -> u64 {
    let s = &outcome.scenario;
    let until = (window_s(outcome) * 1e6) as i64;
    // Whoever sits there when the window begins is no newcomer.
    let came = |seat| visits(s.visit, outcome.seed, seat, 0, until).len() as u64 - 1;
    let played = |seat: &u32| outcome.shard.as_ref().is_none_or(|of| s.shard_of(*seat, of.of) == of.number);
    if s.visit.is_some() { (0..s.clients).filter(played).map(came).sum() } else { 0 }
}

/// Whether a transport did all that was asked of it: a comparison with one that did not is none.
#[must_use]
pub fn is_whole(t: &TransportOutcome) -> bool {
    let skipped = t.requests.skipped > t.requests.polls / 100;
    t.clients_connected == t.clients && t.requests.failed == 0 && t.deliveries.lost == 0 && !skipped
}

/// Application bytes both ways per delivered message; `None` without deliveries.
#[must_use]
pub fn bytes_per_message(t: &TransportOutcome) -> Option<f64> {
    let total = t.bytes.both_ways()?;
    (t.deliveries.delivered > 0 && total > 0).then(|| total as f64 / t.deliveries.delivered as f64)
}

/// The same with the heads of upgrades and subscriptions; `None` where there are none.
#[must_use]
pub fn bytes_with_handshake(t: &TransportOutcome) -> Option<f64> {
    let all = bytes_per_message(t)?;
    (opening(t) > 0).then(|| all + opening(t) as f64 / t.deliveries.delivered as f64)
}

/// Mean delay in two parts, ms: waiting for the poll that fetched it, and the way.
#[must_use]
pub fn split(t: &TransportOutcome) -> Option<(f64, f64)> {
    let mean = t.latency_ms.mean?;
    let wait = t.wait_ms_mean.unwrap_or(0.0).clamp(0.0, mean.max(0.0));
    Some((wait, (mean - wait).max(0.0)))
}

/// Messages to one person per poll interval (λT): from the settings where they say it, else as measured.
#[must_use]
pub fn news_per_interval(outcome: &Outcome, t: &TransportOutcome) -> Option<f64> {
    let way = outcome.scenario.transports.iter().find(|way| way.label == t.label)?;
    // Of intervals that change there is no one number.
    let interval = way.way.interval().filter(|same| way.way.longest_interval() == Some(*same))?.as_secs_f64();
    let gap = match outcome.scenario.workload {
        Workload::Poisson { mean_gap, .. } => mean_gap.as_secs_f64(),
        Workload::Periodic { gap, .. } => gap.as_secs_f64(),
        _ => {
            let people = f64::from(t.clients);
            people * window_s(outcome) / (t.deliveries.expected as f64)
        }
    };
    (gap > 0.0 && gap.is_finite()).then(|| interval / gap)
}

/// Running total of bytes at the end of each step, the handshakes first; empty without a series.
#[must_use]
pub fn cumulative_bytes(t: &TransportOutcome) -> Vec<f64> {
    if t.series.bytes.is_empty() {
        return Vec::new();
    }
    let mut total = opening(t) as f64;
    let mut course = vec![total];
    for &step in &t.series.bytes {
        total += step as f64;
        course.push(total);
    }
    course
}

/// Longest stretch of at least two steps in which no transport delivered anything, in seconds.
#[must_use]
pub fn idle_stretch(outcome: &Outcome) -> Option<(f64, f64)> {
    let series: Vec<_> = outcome.transports.iter().map(|t| &t.series).collect();
    let step = series.iter().map(|s| s.step_s).fold(0.0, f64::max);
    // Nothing was measured after an interruption, which is not the same as no news.
    let measured = (window_s(outcome) / step.max(1e-9)).ceil() as usize;
    let steps = series.iter().map(|s| s.delivered.len()).max()?.min(measured);
    let idle = |i: usize| series.iter().all(|s| s.delivered.get(i).is_none_or(|&n| n == 0));
    let (mut best, mut start) = ((0, 0), 0);
    for i in 0..=steps {
        if i == steps || !idle(i) {
            if i - start > best.1 - best.0 {
                best = (start, i);
            }
            start = i + 1;
        }
    }
    let whole = best.1 - best.0 == steps;
    (best.1 - best.0 >= 2 && !whole && step > 0.0).then_some((best.0 as f64 * step, best.1 as f64 * step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_median_interval_holds_the_median_and_narrows_with_n() {
        let mut few = fixture::letters().transports.remove(0);
        let p50 = few.latency_ms.p50.unwrap();
        let (low, high) = median_interval(&few).unwrap();
        assert!(low <= p50 && p50 <= high, "{low} {p50} {high}");
        few.latency_ms.count = 19;
        assert_eq!(median_interval(&few), None);
    }

    #[test]
    fn a_transport_does_not_beat_itself() {
        let outcome = fixture::letters();
        let [poll, socket] = &outcome.transports[..] else { panic!("two transports") };
        assert_eq!(compare(poll, poll), Delay::Same);
        assert!(matches!(compare(poll, socket), Delay::Slower(ratio) if ratio > 100.0));
        assert!(matches!(compare(socket, poll), Delay::Faster(ratio) if ratio > 100.0));
    }

    #[test]
    fn the_curve_ends_at_one() {
        for t in fixture::in_between().transports {
            let curve = ecdf(&t);
            assert!((curve.last().unwrap().1 - 1.0).abs() < 1e-12);
            assert!(curve.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1));
        }
        assert!(ecdf(&fixture::empty().transports[0]).is_empty());
    }

    #[test]
    fn silence_is_found_between_news() {
        let mut outcome = fixture::letters();
        for t in &mut outcome.transports {
            t.series.delivered = vec![1, 0, 0, 0, 2, 0, 1];
        }
        assert_eq!(idle_stretch(&outcome), Some((1.0, 4.0)));
        outcome.interrupted_at_s = Some(2.5);
        assert_eq!(idle_stretch(&outcome), Some((1.0, 3.0)));
        for t in &mut outcome.transports {
            t.series.delivered = vec![0, 0, 0];
        }
        assert_eq!(idle_stretch(&outcome), None);
    }
}
