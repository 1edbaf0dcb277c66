//! Short polling: an even wait of one period, and how often it was for nothing.

use std::time::Duration;

use super::cache::{self, Cached};
use super::law::Law;
use super::news::{FOR_EVER, Item};
use super::view::View;
use super::{Expected, traffic};
use crate::clock::as_micros;
use crate::ledger::Plan;
use crate::scenario::Workload;
use crate::sizes::PollSizes;
use crate::transport::{Http, Way};

mod backoff;
mod visits;

/// Everything that is expected of a crowd of short polls. T is the period of the polls at the server,
/// d the mean one-way delay, λ the rate of Poisson news.
///
/// * Polls: clients · window/T.
/// * Empty, Poisson: e^(−λT), the chance of no event in T; a poll at t in a window whose warm-up w is
///   shorter looks back over min(T, t + w) only, so it is the mean of e^(−λ·age) over the window.
/// * Empty, any other schedule: a poll finds nothing when no event it could read fell within its age,
///   so the share is the part of the window outside ∪\[eᵢ, eᵢ + Tᵢ\], Σ max(0, gap − T)/window for
///   distinct gaps. Tᵢ is T, or less where a time to live or a later event of the same key (conflation)
///   ends the event sooner. An inbox with period p that is not written down: 1 − T/p.
/// * Delay: U(d, d + T), mean T/2 + d: an event waits at the server for the next poll to reach it, an
///   even phase, and then for the answer's trip. The request's trip moves the phase and adds nothing.
///   An event visible for m ≤ T is found with probability m/T after m/2. Irregular arrivals of variance
///   v add v/T (the mean residual E\[C²\]/2E\[C\]): j²/3 for each trip with jitter, while losses are left
///   out.
/// * The wait before the fetching poll is sent: the same without the request's way u, on which the poll
///   may be already: ((T − u)² + v)/2T. u is d, or as many more trips as a new connection takes first.
/// * Staleness, Poisson: with g(u) the mean age of the oldest event of the last u seconds, the mean of
///   g over \[d, d + T\]; for d = 0 it is T(½ − 1/x + (1 − e⁻ˣ)/x²), x = λT.
///
/// Where the interval changes, see [`backoff`]; where people come and go, [`visits`].
///
/// # Errors
/// Whether an answer outlasts the interval is left to chance, so that no formula gives the period; or what
/// those two say, and both together, and a cache with either.
pub(super) fn expect(view: &View<'_>, way: &Way) -> Result<Expected, String> {
    let Way::Poll { interval, backoff_max, keep_alive, shared_cache, http, .. } = *way else {
        unreachable!("only short polls have an interval")
    };
    let sizes = PollSizes::of_poll(view.who(), way);
    if view.stay.is_some() && view.scenario.tls && view.path.d > 0.0 {
        return Err("no formula describes visits over TLS and a network".to_owned());
    }
    let backoff_max = backoff_max.filter(|longest| *longest > interval);
    if shared_cache.is_some() && (backoff_max.is_some() || http == Http::Two) {
        return Err("no formula describes shared_cache with backoff_max or HTTP/2".to_owned());
    }
    match (view.stay, backoff_max) {
        (None, None) => steady(view, interval, keep_alive, shared_cache, &sizes),
        (Some(stay), None) => visits::expect(view, stay, interval, keep_alive, &sizes),
        (None, Some(longest)) => backoff::expect(view, interval, longest, keep_alive, &sizes),
        (Some(_), Some(_)) => Err("no formula describes backoff_max and visits together".to_owned()),
    }
}

fn steady(
    view: &View<'_>,
    interval: Duration,
    keep_alive: bool,
    shared_cache: Option<Duration>,
    sizes: &PollSizes,
) -> Result<Expected, String> {
    let every = interval.as_secs_f64();
    let trips = round_trip(view, keep_alive);
    let period = period(view, every, trips)?;
    let polls = view.clients * view.window / period;
    let waste = match (view.lambda, view.plan) {
        (Some(lambda), _) => over_ages(view, period, |age| libm::exp(-lambda * age)),
        (None, Some(plan)) => empty_share(view, plan, (period * 1e6) as i64, trips - 1),
        (None, None) => periodic_waste(view, period),
    };
    let cached = shared_cache.map(|kept| cache::expect(view, period, kept.as_secs_f64(), polls, waste));
    let cached = cached.transpose()?;
    let waste = cached.map_or(waste, |cached| cached.waste);
    let mut expected = Expected {
        polls,
        empty: polls * waste,
        skipped: view.clients * view.window / every - polls,
        posts: view.news.sends,
        opened: view.clients * if keep_alive { 1.0 } else { 1.0 + (view.warmup + view.window) / period },
        held: view.clients,
        waste: Some(waste),
        staleness: staleness(view, period),
        ack: Some(2.0 * view.path.d),
        ..Expected::default()
    };
    deliveries(view, period, trips - 1, sizes, &mut expected);
    if let Some(cached) = cached {
        kept_back(period, &cached, sizes, &mut expected);
    }
    Ok(expected)
}

/// What changes when a cache answers.
fn kept_back(period: f64, cached: &Cached, sizes: &PollSizes, expected: &mut Expected) {
    expected.origin = Some(cached.origin);
    let hits = expected.polls * cached.kept;
    // An answer is half as old as it gets, on average.
    expected.traffic.down += hits * sizes.age(Some((cached.oldest / 2.0 * 1e6) as i64)) as f64;
    if cached.kept == 0.0 {
        return;
    }
    // Instead of an even wait for the next poll.
    let later = cached.age - period / 2.0;
    expected.latency = expected.latency.map(|latency| latency + later);
    expected.wait = expected.wait.map(|wait| wait + later);
    (expected.law, expected.staleness) = (None, None);
}

/// Trips of a poll until its answer: without keep-alive TCP's own opening takes a round trip first, and
/// TLS's another. All but the last are before the server has the request.
fn round_trip(view: &View<'_>, keep_alive: bool) -> u32 {
    match (keep_alive, view.scenario.tls) {
        (true, _) => 2,
        (false, false) => 4,
        (false, true) => 6,
    }
}

/// Polls stay on their grid, and those due while an answer is outstanding are skipped, so the period
/// is the interval times the whole number of intervals that a round trip lasts, plus one.
fn period(view: &View<'_>, every: f64, trips: u32) -> Result<f64, String> {
    let intervals = |d: f64| (f64::from(trips) * d / every).floor();
    let (least, most) = (view.path.d - view.path.jitter, view.path.d + view.path.jitter);
    if intervals(least) != intervals(most) {
        return Err(format!(
            "whether an answer takes longer than the interval of {every} s is left to chance here, \
             and no formula says how many polls are skipped"
        ));
    }
    Ok((intervals(view.path.d) + 1.0) * every)
}

/// (1/D) ∫₀ᴰ f(min(T, t + w)) dt, by Simpson's rule where the age still grows.
fn over_ages(view: &View<'_>, period: f64, of: impl Fn(f64) -> f64) -> f64 {
    let ramp = (period - view.warmup).clamp(0.0, view.window);
    let (n, mut sum) = (200, 0.0);
    for i in 0..=n {
        let weight = if i == 0 || i == n { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
        sum += weight * of(view.warmup + ramp * f64::from(i) / f64::from(n));
    }
    (ramp * sum / f64::from(3 * n) + (view.window - ramp) * of(period)) / view.window
}

/// P(no event within an age) = 1 − age/p at an even phase.
fn periodic_waste(view: &View<'_>, period: f64) -> f64 {
    let Workload::Periodic { gap, .. } = view.scenario.workload else { return 1.0 };
    over_ages(view, period, |age| (1.0 - age / gap.as_secs_f64()).max(0.0))
}

fn staleness(view: &View<'_>, period: f64) -> Option<f64> {
    let (lambda, d) = (view.lambda?, view.path.d);
    if view.warmup < period + d {
        return None;
    }
    // ∫ g = u²/2 − u/λ + (1 − e^(−λu))/λ².
    let integral = |u: f64| u * u / 2.0 - u / lambda - libm::expm1(-lambda * u) / (lambda * lambda);
    Some((integral(period + d) - integral(d)) / period)
}

/// `up` are the trips before the server has the request.
fn deliveries(view: &View<'_>, period: f64, up: u32, sizes: &PollSizes, expected: &mut Expected) {
    let way = f64::from(up) * view.path.d;
    let irregular = f64::from(up) * view.path.jitter.powi(2) / 3.0 / period;
    let (mut age, mut wait, mut sending, mut payload) = (0.0, 0.0, 0.0, 0.0);
    let mut spans = Vec::new();
    for item in view.news.counted() {
        let (span, sent) = (span(view, item, period), view.sending(item));
        let found = item.pairs * span / period;
        let missed = item.pairs - found;
        *(if item.replaced { &mut expected.superseded } else { &mut expected.expired }) += missed;
        expected.delivered += found;
        payload += found * item.payload;
        let irregular = if span == period { irregular } else { 0.0 };
        age += found * (span / 2.0 + irregular);
        sending += found * sent;
        // The poll was sent so much earlier; an event that took a trip itself is no better off.
        let ahead = (span - way + sent).clamp(0.0, span);
        wait += found * if ahead > 0.0 { ahead * ahead / (2.0 * span) + irregular / 2.0 } else { 0.0 };
        spans.push((span, item.pairs));
    }
    let (fetched, json) = fetched(view, period);
    expected.per_answer = traffic::per_answer(fetched, expected.polls - expected.empty);
    expected.traffic = traffic::polls(view, sizes, expected, json);
    expected.traffic.payload += payload;
    if expected.delivered > 0.0 {
        let beside = expected.delivered / view.clients / view.window * period;
        let home = view.path.carries_down(traffic::answer(view, sizes, 1.0 + beside, json));
        expected.latency = Some((age + sending) / expected.delivered + home);
        expected.wait = Some(wait / expected.delivered);
        let shift = view.common(View::sending).map(|sent| sent + home);
        expected.law = shift.and_then(|shift| law(view, period, up, spans, shift));
    }
}

/// The distribution of the delay, where it is known: without loss, and with jitter only where every
/// event waits for a whole period.
fn law(view: &View<'_>, period: f64, up: u32, spans: Vec<(f64, f64)>, shift: f64) -> Option<Law> {
    if view.path.steady() {
        return Law::of_spans(spans, shift);
    }
    let jitter = view.path.jitter;
    let even = spans.iter().all(|&(span, _)| span == period);
    // What a client writes takes a second trip, whose jitter adds to the first.
    let known = even && !view.path.lossy && view.news.senders == 0.0;
    if known { Law::between_polls(shift, shift + period, jitter, up) } else { None }
}

/// How long polls of one period can find an event that is at the server.
fn span(view: &View<'_>, item: &Item, period: f64) -> f64 {
    let lives = lives_at_server(view, item);
    if lives == FOR_EVER { period } else { (lives as f64 / 1e6).min(period) }
}

/// What a client writes has lost a trip of its time to live when the server has it.
fn lives_at_server(view: &View<'_>, item: &Item) -> i64 {
    if item.replaced || item.lives == FOR_EVER {
        return item.lives;
    }
    (item.lives - (view.sending(item) * 1e6) as i64).max(0)
}

/// Events that the polls of the window bring, and their mean size: what the warm-up left for them is
/// among these, and what the grace fetches is not.
fn fetched(view: &View<'_>, period: f64) -> (f64, f64) {
    let (mut n, mut json) = (0.0, 0.0);
    for item in &view.news.items {
        let (span, at) = (span(view, item, period), item.at as f64 / 1e6);
        let inside = (at + span).min(view.window) - at.max(0.0);
        let all = view.plan.is_none();
        let found = item.pairs * if all { span } else { inside.max(0.0) } / period;
        n += found;
        json += found * item.json;
    }
    (n, if n > 0.0 { json / n } else { 0.0 })
}

/// Share of uniform poll times in the window that find nothing, averaged over the clients.
fn empty_share(view: &View<'_>, plan: &Plan, period: i64, up: u32) -> f64 {
    let schedule = &plan.schedule;
    let duration = as_micros(view.scenario.duration);
    let authored = view.news.items.iter().any(|item| item.own);
    let mut whole = vec![None; schedule.topics.len()];
    let mut sum = 0.0;
    for (client, &topic) in schedule.reads.iter().enumerate() {
        let of = |own: Option<u32>| covered(view, plan, topic, own, period, up);
        // Where nobody writes, every reader of a topic sees the same events.
        let covered = if authored {
            of(Some(client as u32))
        } else {
            *whole[topic as usize].get_or_insert_with(|| of(None))
        };
        sum += 1.0 - covered as f64 / duration as f64;
    }
    sum / schedule.reads.len().max(1) as f64
}

/// Microseconds of the window at which a poll of somebody who reads `topic`, and does not hear `own`,
/// would find an event; it was sent `up` trips before.
fn covered(view: &View<'_>, plan: &Plan, topic: u32, own: Option<u32>, period: i64, up: u32) -> i64 {
    let duration = as_micros(view.scenario.duration);
    let way = (f64::from(up) * view.path.d * 1e6) as i64;
    let (mut covered, mut end) = (0, 0);
    for &index in &plan.by_topic[topic as usize] {
        if own.is_some() && plan.schedule.events[index as usize].author == own {
            continue;
        }
        let item = &view.news.items[index as usize];
        // A poll sent so long before the server has the event finds it.
        let sent = (view.sending(item) * 1e6) as i64;
        let from = (item.at + sent - way).max(end);
        let lives = lives_at_server(view, item);
        let to = (item.at + sent - way).saturating_add(lives.min(period)).min(duration);
        if to > from {
            covered += to - from;
            end = to;
        }
    }
    covered
}
