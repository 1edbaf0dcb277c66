//! The title of the delay over time: steady, or where it was not.

use std::time::Duration;

use crate::outcome::Outcome;
use crate::report::measure::{self, Thirds};
use crate::report::numbers::{self, ms};
use crate::report::ways::{Way, list};
use crate::transport::Way as Setting;

/// A step whose median is over so many times that of the typical step is a spike.
const SPIKE: f64 = 3.0;

/// “Delay stayed steady”, or where it did not.
///
/// A spike is a step of at least five deliveries whose median is over [`SPIKE`] times the median step; a
/// change that lasts shows between thirds of the window ([`measure::thirds`]).
#[must_use]
pub fn course(outcome: &Outcome, all: &[Way<'_>]) -> String {
    let mut busy = Vec::new();
    for way in all {
        let steps = steps(outcome, way);
        if steps.is_empty() {
            continue;
        }
        busy.push(way.name.clone());
        if let Some((at, median)) = spike(&steps) {
            return format!("Delay by {} spiked to {} at {}", way.name, ms(median), numbers::clock(at));
        }
    }
    let thirds = |way: &Way<'_>| Some((way.name.clone(), measure::thirds(way.t)?));
    let judged: Vec<(String, Thirds)> = all.iter().filter_map(thirds).collect();
    let moved = judged.iter().filter(|(_, thirds)| thirds.differ);
    if let Some((name, thirds)) = moved.max_by(|a, b| a.1.factor().total_cmp(&b.1.factor())) {
        return change(name, thirds);
    }
    match (busy.len(), judged.len()) {
        (0, _) => "Too few deliveries a second to see a trend".to_owned(),
        (_, 0) => "No spike in the delay; too few steps to tell a trend".to_owned(),
        (busy, judged) if judged >= busy => "Delay stayed steady".to_owned(),
        _ => {
            let names: Vec<String> = judged.into_iter().map(|(name, _)| name).collect();
            format!("Delay by {} stayed steady", list(&names))
        }
    }
}

/// Start and median, in seconds and ms, of the steps of at least five deliveries.
fn steps(outcome: &Outcome, way: &Way<'_>) -> Vec<(f64, f64)> {
    let series = &way.t.series;
    let end = measure::window_s(outcome) - tail(outcome, way).as_secs_f64();
    let steps = series.latency_p50_ms.iter().zip(&series.delivered).enumerate();
    steps
        .filter(|(_, (_, n))| **n >= 5)
        .filter_map(|(i, (median, _))| Some((i as f64 * series.step_s, (*median)?)))
        .filter(|(from, _)| from + series.step_s <= end + 1e-9)
        .collect()
}

/// The end of the window in which a feed of latest values is another: elsewhere a value that waits is
/// replaced, and only the last ones, which nothing replaces, wait until they are fetched.
fn tail(outcome: &Outcome, way: &Way<'_>) -> Duration {
    let found = outcome.scenario.transports.iter().find(|transport| transport.label == way.t.label);
    match found.map(|transport| &transport.way) {
        _ if way.t.deliveries.superseded == 0 => Duration::ZERO,
        Some(Setting::WebSocket { coalesce, .. }) => *coalesce,
        Some(way) => way.longest_interval().unwrap_or_default(),
        None => Duration::ZERO,
    }
}

fn spike(steps: &[(f64, f64)]) -> Option<(f64, f64)> {
    let mut medians: Vec<f64> = steps.iter().map(|(_, median)| *median).collect();
    medians.sort_by(f64::total_cmp);
    let typical = medians[medians.len() / 2];
    // Below 10 ms the timer's grain and the scheduler make spikes of their own.
    let high = steps.iter().filter(|(_, median)| *median > SPIKE * typical && *median > 10.0);
    high.copied().max_by(|a, b| a.1.total_cmp(&b.1))
}

fn change(name: &str, thirds: &Thirds) -> String {
    let [first, middle, last] = thirds.medians;
    let (from, to) = (ms(first), ms(last));
    if last > first.max(0.001) * measure::TREND {
        format!("Delay by {name} rose: {from} in the first third, {to} in the last")
    } else if first > last.max(0.001) * measure::TREND {
        format!("Delay by {name} fell: {from} in the first third, {to} in the last")
    } else {
        format!("Delay by {name} changed: {from}, {} and {to} in the three thirds", ms(middle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::ways::ways;

    /// Letters of which polling alone is left, with these medians, nine deliveries a step.
    fn polls(medians: impl IntoIterator<Item = f64>) -> Outcome {
        let mut outcome = fixture::letters();
        outcome.transports.truncate(1);
        let series = &mut outcome.transports[0].series;
        series.latency_p50_ms = medians.into_iter().map(Some).collect();
        series.delivered = vec![9; series.latency_p50_ms.len()];
        series.step_s = 20.0 / series.delivered.len() as f64;
        outcome
    }

    fn said(outcome: &Outcome) -> String {
        course(outcome, &ways(outcome))
    }

    #[test]
    fn a_spike_is_named_with_its_time_however_long_it_lasts() {
        let spiked =
            |many: bool| polls((0..20).map(|i| if i == 7 || many && i % 5 == 0 { 900.0 } else { 20.0 }));
        assert_eq!(said(&spiked(false)), "Delay by polling spiked to 900\u{a0}ms at 0:07");
        let mut outcome = spiked(true);
        outcome.transports[0].latency_ms.p95 = Some(900.0);
        assert!(said(&outcome).starts_with("Delay by polling spiked to 900"), "it raises its own p95");
        outcome = spiked(false);
        outcome.transports[0].series.delivered[7] = 2;
        assert_eq!(said(&outcome), "Delay stayed steady");
    }

    #[test]
    fn the_last_prices_wait_and_that_is_no_spike() {
        let mut outcome = polls((0..20).map(|i| if i >= 16 { 900.0 } else { 20.0 }));
        assert!(said(&outcome).contains("spiked"));
        outcome.transports[0].deliveries.superseded = 1;
        assert!(!said(&outcome).contains("spiked"), "the last interval of 5 s");
    }

    #[test]
    fn a_delay_that_grows_is_not_called_steady() {
        let outcome = polls((0..20).map(|i| 500.0 + 60.0 * f64::from(i)));
        let grown = "Delay by polling rose: 680\u{a0}ms in the first third, 1.5\u{a0}s in the last";
        assert_eq!(said(&outcome), grown);
        let outcome = polls((0..20).map(|i| if (7..=13).contains(&i) { 250.0 } else { 100.0 }));
        assert!(said(&outcome).starts_with("Delay by polling changed: 100\u{a0}ms, 250\u{a0}ms and"));
        let mut outcome = polls([100.0; 20]);
        outcome.transports[0].series.delivered = vec![1; 20];
        assert_eq!(said(&outcome), "Too few deliveries a second to see a trend");
    }

    #[test]
    fn where_no_test_could_tell_a_change_nothing_is_called_steady() {
        // Four steps a third: ranks in perfect order are 2.3 standard errors apart.
        let outcome = polls((0..12).map(|i| 500.0 + 60.0 * f64::from(i)));
        assert_eq!(said(&outcome), "No spike in the delay; too few steps to tell a trend");
    }
}
