//! How sure a measured share or curve is: confidence intervals, and what counts as one trial.

use crate::outcome::{Outcome, TransportOutcome};
use crate::scenario::{Engine, Inbox, Workload};

use super::measure::{self, ecdf};
use super::numbers::count;
use super::ways::{Kind, Way};

/// Reach of a 95 % interval in standard errors.
pub const NORMAL_95: f64 = 1.96;

/// What is independent of all else in a run, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trials {
    /// Which thing.
    pub unit: Unit,
    /// How many there are.
    pub units: u64,
    /// How many independent looks at the share they are worth.
    pub looks: f64,
}

/// What counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Every poll: an inbox each, and news at random.
    Poll,
    /// Every event of a feed that all read: their polls are empty together.
    Event,
    /// Every person: the schedule is given, and only poll phases are drawn.
    Person,
}

impl Trials {
    /// Whether there are enough to judge a formula by.
    #[must_use]
    pub fn are_enough(&self) -> bool {
        self.units >= measure::FEW_POLLS && self.looks >= 10.0
    }

    /// “each of 1,200 polls counts as a trial of its own”.
    #[must_use]
    pub fn explained(&self) -> String {
        let n = count(self.units);
        match self.unit {
            Unit::Poll => format!("each of the {n} polls is a trial of its own"),
            Unit::Event => format!(
                "people share one feed and find nothing together, so its {n} events count, not their polls"
            ),
            Unit::Person => {
                format!("the schedule is given and poll times are drawn, so each of {n} people counts once")
            }
        }
    }
}

/// What the share of empty polls of one transport rests on; `None` where nothing was measured.
///
/// On a shared Poisson feed the time average of “nothing in the last T” over a window D has variance
/// (2/D) ∫₀ᵀ (e^(−λ(T+s)) − e^(−2λT)) ds = (2/D) (p(1 − p)/λ − T p²) with p = e^(−λT), which is worth
/// p(1 − p)/variance looks; for long polls each answer of one person is one.
#[must_use]
pub fn trials(outcome: &Outcome, way: &Way<'_>) -> Option<Trials> {
    let t = way.t;
    let polls = measure::answered(t);
    if outcome.engine == Engine::Theory || polls == 0 || t.waste_ratio.is_none() {
        return None;
    }
    let people = u64::from(t.clients.max(1));
    Some(match outcome.scenario.workload {
        Workload::Poisson { inbox: Inbox::Own, .. } => {
            Trials { unit: Unit::Poll, units: polls, looks: polls as f64 }
        }
        Workload::Poisson { mean_gap, .. } => {
            let each = polls as f64 / people as f64;
            let looks = match super::verdict::interval(outcome, way).filter(|_| way.kind == Kind::Poll) {
                Some(interval) => {
                    let window = measure::window_s(outcome);
                    let looks = shared_looks(mean_gap.as_secs_f64(), interval.as_secs_f64(), window);
                    looks.min(polls as f64)
                }
                None => each,
            };
            Trials { unit: Unit::Event, units: t.deliveries.published, looks }
        }
        _ => Trials { unit: Unit::Person, units: people, looks: people as f64 },
    })
}

fn shared_looks(gap: f64, interval: f64, window: f64) -> f64 {
    let p = (-interval / gap).exp();
    let variance = 2.0 / window * (p * (1.0 - p) * gap - interval * p * p);
    (p * (1.0 - p) / variance).max(1.0)
}

/// Wilson's interval of a share seen in `n` trials, `reach` standard errors wide; sound near 0 and 1
/// (E. B. Wilson 1927).
#[must_use]
pub fn wilson(share: f64, n: f64, reach: f64) -> (f64, f64) {
    let n = n.max(1.0);
    let square = reach * reach;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half =
        reach / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).max(0.0).sqrt();
    // At the ends the two differ by a rounding, which would exclude the end itself.
    let low = if share <= 0.0 { 0.0 } else { (middle - half).max(0.0) };
    (low, if share >= 1.0 { 1.0 } else { (middle + half).min(1.0) })
}

/// The 95 % interval of the share of empty polls.
#[must_use]
pub fn waste_interval(outcome: &Outcome, way: &Way<'_>) -> Option<(f64, f64)> {
    let trials = trials(outcome, way)?;
    Some(wilson(way.t.waste_ratio?.clamp(0.0, 1.0), trials.looks, NORMAL_95))
}

/// Whether a share and what theory expects of it agree within the 95 % interval; `None` where too
/// little is independent to judge.
#[must_use]
pub fn waste_agrees(outcome: &Outcome, way: &Way<'_>) -> Option<bool> {
    let (low, high) =
        waste_interval(outcome, way).filter(|_| trials(outcome, way).is_some_and(|t| t.are_enough()))?;
    // Half a thousandth is the last digit that is shown.
    way.t.theory.waste_ratio.map(|expected| (low - 0.0005..=high + 0.0005).contains(&expected))
}

/// Half the height of a 95 % band around the whole distribution function of a transport's delays:
/// √(ln(2/0.05)/2n) (Dvoretzky, Kiefer and Wolfowitz, with Massart's constant). n is the number of
/// deliveries where inboxes are one's own, else of people: what one of them hears is not independent.
#[must_use]
pub fn band(outcome: &Outcome, t: &TransportOutcome) -> Option<f64> {
    let own = measure::polls_are_independent(outcome);
    let n = if own { t.latency_ms.count } else { t.latency_ms.count.min(t.clients.into()) };
    (n > 0 && outcome.engine != Engine::Theory).then(|| (40f64.ln() / (2.0 * n as f64)).sqrt())
}

/// Whether the measured distribution of the delays stays within the band around the law; only for
/// short polls, whose wait is long enough that the time of the machine itself does not show.
#[must_use]
pub fn law_agrees(outcome: &Outcome, way: &Way<'_>) -> Option<bool> {
    let law = &way.t.theory.latency_law;
    if way.kind != Kind::Poll || law.len() < 2 {
        return None;
    }
    let band = band(outcome, way.t)?;
    let mut before = 0.0;
    let mut most: f64 = 0.0;
    for (ms, share) in ecdf(way.t) {
        let expected = law_share(law, ms);
        most = most.max((share - expected).abs()).max((expected - before).abs());
        before = share;
    }
    Some(most <= band + 0.002)
}

/// What puts theory outside an interval of 95 %, the likeliest first.
#[must_use]
pub fn outside(outcome: &Outcome) -> &'static str {
    if !outcome.scenario.faults.is_empty() {
        "the faults of this run explain that first"
    } else if outcome.generator.as_ref().is_some_and(|generator| generator.saturated) {
        "the load generator fell behind, which explains that first"
    } else {
        "chance does that in one run of twenty"
    }
}

/// The share that a law has reached at a time.
#[must_use]
pub fn law_share(law: &[(f64, f64)], ms: f64) -> f64 {
    let mut reached = 0.0;
    for pair in law.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        if ms >= to {
            reached = high;
        } else if ms > from {
            return low + (high - low) * (ms - from) / (to - from);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Dice;
    use crate::report::fixture;
    use crate::report::ways::ways;

    #[test]
    fn wilson_holds_what_a_textbook_says() {
        // 81 of 263: 0.2553 to 0.3662 (Newcombe 1998, method 3).
        let (low, high) = wilson(81.0 / 263.0, 263.0, NORMAL_95);
        assert!((low - 0.2553).abs() < 1e-4 && (high - 0.3662).abs() < 1e-4, "{low} {high}");
        let (low, high) = wilson(0.0, 20.0, NORMAL_95);
        assert!(low == 0.0 && (high - 0.1611).abs() < 1e-4, "{high}");
    }

    #[test]
    fn looks_at_a_shared_feed_are_those_of_feeds_played_one_by_one() {
        let (gap, interval, window) = (3.0, 2.0, 60.0);
        let mut shares = Vec::new();
        for run in 0..4_000 {
            let mut dice = Dice::new(3, &[run]);
            // Time of the window outside every (event, event + interval].
            let (mut at, mut last, mut empty) = (-interval + dice.exponential(gap), 0.0f64, 0.0);
            while at < window {
                empty += (at - last).max(0.0);
                last = last.max(at + interval);
                at += dice.exponential(gap);
            }
            shares.push((empty + (window - last).max(0.0)) / window);
        }
        let n = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / n;
        let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / n;
        let p = (-interval / gap).exp();
        let looks = p * (1.0 - p) / variance;
        let formula = shared_looks(gap, interval, window);
        assert!((formula - looks).abs() < 0.08 * looks, "{formula} {looks}");
    }

    #[test]
    fn people_who_share_a_feed_are_not_trials_of_their_own() {
        let mut outcome = fixture::letters();
        let own = trials(&outcome, &ways(&outcome)[0]).unwrap();
        assert_eq!((own.unit, own.looks), (Unit::Poll, 1_200.0));
        if let Workload::Poisson { inbox, .. } = &mut outcome.scenario.workload {
            *inbox = Inbox::Shared;
        }
        let shared = trials(&outcome, &ways(&outcome)[0]).unwrap();
        assert!(shared.unit == Unit::Event && shared.looks < 12.0, "{shared:?}");
        outcome.engine = Engine::Theory;
        assert_eq!(trials(&outcome, &ways(&outcome)[0]), None);
    }

    #[test]
    fn even_waits_agree_with_their_law_and_others_do_not() {
        let mut outcome = fixture::letters();
        assert_eq!(law_agrees(&outcome, &ways(&outcome)[0]), Some(true));
        assert_eq!(waste_agrees(&outcome, &ways(&outcome)[0]), Some(true));
        outcome.transports[0].theory.latency_law = vec![(0.0, 0.0), (8_000.0, 1.0)];
        outcome.transports[0].theory.waste_ratio = Some(0.8);
        assert_eq!(law_agrees(&outcome, &ways(&outcome)[0]), Some(false));
        assert_eq!(waste_agrees(&outcome, &ways(&outcome)[0]), Some(false));
        assert_eq!(law_agrees(&outcome, &ways(&outcome)[1]), None);
    }

    #[test]
    fn a_law_jumps_where_two_points_share_a_time() {
        let law = [(10.0, 0.0), (10.0, 0.4), (30.0, 1.0)];
        for (ms, share) in [(9.0, 0.0), (10.0, 0.4), (20.0, 0.7), (31.0, 1.0)] {
            assert!((law_share(&law, ms) - share).abs() < 1e-12, "{ms}");
        }
    }
}
