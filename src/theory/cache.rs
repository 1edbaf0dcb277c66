//! A shared cache in front of the polls: how old its answers are, and how seldom it asks the origin.

use super::view::View;
use crate::clock::as_micros;

/// What a cache changes in what is expected of polls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cached {
    /// Share of empty polls.
    pub(super) waste: f64,
    /// Mean time from an event to the arrival of the poll that brings it, seconds.
    pub(super) age: f64,
    /// Polls that reach the origin.
    pub(super) origin: f64,
    /// Share of polls that are answered with what was kept.
    pub(super) kept: f64,
    /// How old an answer gets, seconds.
    pub(super) oldest: f64,
}

/// From so many readers of a topic on their phases are even enough.
const ENOUGH: f64 = 10.0;
/// Starting phases over which the walk through a schedule is averaged.
const PHASES: usize = 64;

/// What a cache that keeps answers for C seconds makes of polls of period T by R readers of a topic, a
/// share `waste` of which would be empty without it.
///
/// Everybody who is given an answer moves on to the same cursor, so nearly all of a topic's readers ask
/// the same question, and the answers are a chain of fetches. A fetch is followed by the next when
///
/// * it brought news and T < C: after T, when the first reader comes with the new cursor, which nobody
///   has asked about;
/// * else: after C and the time until the next poll. The readers' phases are even but for the one who
///   fetched, whose own next poll comes ⌈C/T⌉T after: X = C + (T/R)(1 − (1 − δ/T)ᴿ), δ = ⌈C/T⌉T − C.
///
/// T < C, Poisson: the lengths of these intervals are a Markov chain with two states. With
/// a = e^(−λT) and b = e^(−λX) a share q = (1 − b)/(1 − b + a) of them has the length T, and as many
/// fetches bring news, each to every reader once: E\[L\] = qT + (1 − q)X, waste 1 − qT/E\[L\]. An event
/// waits for the end of its interval, E\[L²\]/2E\[L\], and then for the reader's turn, of whom one is the
/// fetcher: (R − 1)/R · T/2. Any other schedule is walked through, the first fetch at even phases.
///
/// T ≥ C: a reader never sees an answer twice, so it waits T/2 as without a cache, and its answers are as
/// old as they are where they are not fetched for it: of the polls of an interval (R − 1)C/T against one.
/// Empty are as many as without. Where no interval brings news, one cursor is fetched for every X, and
/// answers are C/2 old. Where each does, readers stay in groups of those who share answers: ⌊T/C⌋ that
/// span C and one that spans the rest r, so that they are (⌊T/C⌋C² + r²)/2T old. Between the two by the
/// share of empty polls.
///
/// # Errors
/// A few readers, whose first polls decide for good whose are fetched. Conflation behind a cache whose
/// answers outlive the interval: which prices are superseded depends on the chain.
pub(super) fn expect(
    view: &View<'_>,
    period: f64,
    kept: f64,
    polls: f64,
    waste: f64,
) -> Result<Cached, String> {
    let readers = view.readers();
    if readers > 1.0 && readers < ENOUGH {
        return Err(
            "a cache before few readers: which of them asks first decides, and no formula says".to_owned()
        );
    }
    let next = ((kept / period - 1e-9).ceil() * period - kept).max(0.0);
    let x = kept + period / readers * (1.0 - (1.0 - next / period).powf(readers));
    let topics = view.clients / readers;
    if period >= kept {
        let hits = (readers - 1.0) * kept / period;
        let share = hits / (1.0 + hits);
        let rest = period % kept;
        let whole = (period - rest) / kept;
        let stay = (whole * kept * kept + rest * rest) / 2.0 / period;
        let old = share * ((1.0 - waste) * stay + waste * kept / 2.0);
        let groups = (period / kept - 1e-9).ceil();
        let fetches = (1.0 - waste) * groups / period + waste / x;
        let origin = if readers == 1.0 { polls } else { topics * view.window * fetches };
        let age = period / 2.0 + old;
        return Ok(Cached { waste, age, origin, kept: share, oldest: kept });
    }
    if view.news.conflates {
        return Err("which prices are superseded behind a cache that keeps answers for longer than the \
                    interval, no formula says"
            .to_owned());
    }
    let chain = match view.lambda {
        Some(lambda) => Chain::poisson(lambda, period, x),
        None => Chain::walked(view, period, x)?,
    };
    let turn = (readers - 1.0) / readers * period / 2.0;
    let origin = topics * view.window * chain.fetches;
    Ok(Cached {
        waste: 1.0 - period * chain.with_news,
        age: chain.wait + turn,
        origin,
        kept: 1.0 - (origin / polls).min(1.0),
        oldest: kept,
    })
}

/// The fetches of one topic.
struct Chain {
    /// A second.
    fetches: f64,
    /// Those that bring news, a second.
    with_news: f64,
    /// Mean time from an event to the next fetch, seconds.
    wait: f64,
}

impl Chain {
    fn poisson(lambda: f64, period: f64, x: f64) -> Self {
        let (a, b) = (libm::exp(-lambda * period), libm::exp(-lambda * x));
        let q = (1.0 - b) / (1.0 - b + a);
        let mean = q * period + (1.0 - q) * x;
        let square = q * period * period + (1.0 - q) * x * x;
        Self { fetches: 1.0 / mean, with_news: q / mean, wait: square / 2.0 / mean }
    }

    fn walked(view: &View<'_>, period: f64, x: f64) -> Result<Self, String> {
        let Some(plan) = view.plan else {
            return Err(
                "a cache before so many inboxes with news at even gaps no formula describes".to_owned()
            );
        };
        let (from, to) = (-view.warmup, as_micros(view.scenario.duration) as f64 / 1e6);
        let (mut fetches, mut with_news, mut waited, mut events) = (0.0, 0.0, 0.0, 0.0f64);
        for topic in &plan.by_topic {
            let times: Vec<f64> =
                topic.iter().map(|&event| plan.schedule.events[event as usize].at as f64 / 1e6).collect();
            for phase in 0..PHASES {
                let mut at = from + x * (phase as f64 + 0.5) / PHASES as f64;
                let mut seen = times.partition_point(|&time| time <= from);
                while at < to || seen < times.len() {
                    let upto = seen + times[seen..].partition_point(|&time| time <= at);
                    let counted = times[seen..upto].iter().filter(|&&time| (0.0..to).contains(&time));
                    counted.for_each(|time| (waited, events) = (waited + at - time, events + 1.0));
                    if (0.0..to).contains(&at) {
                        fetches += 1.0;
                        with_news += f64::from(u8::from(upto > seen));
                    }
                    at += if upto > seen { period } else { x };
                    seen = upto;
                }
            }
        }
        let per = 1.0 / (PHASES as f64 * plan.by_topic.len().max(1) as f64 * view.window);
        Ok(Self { fetches: fetches * per, with_news: with_news * per, wait: waited / events.max(1.0) })
    }
}
