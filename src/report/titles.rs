//! Titles that state what a chart shows, guarded against noise, and the alternative texts.

use crate::outcome::Outcome;
use crate::scenario::Engine;

use super::measure::{self, Delay, Volume};
use super::noise;
use super::numbers::{self, bytes, count, ms};
use super::verdict::{asker, pusher};
use super::ways::{Kind, Way};

/// “371 of 412 polls found nothing, as theory expects”.
#[must_use]
pub fn waste(outcome: &Outcome, all: &[Way<'_>]) -> String {
    let Some(way) = asker(all) else { return "Nobody asked".to_owned() };
    let (n, empty) = (measure::answered(way.t), way.t.requests.empty);
    if outcome.engine == Engine::Theory {
        return format!("Theory expects {} of {} polls to find nothing", count(empty), count(n));
    }
    let judged = match (noise::waste_agrees(outcome, way), way.t.theory.waste_ratio) {
        (Some(true), _) => ", as theory expects".to_owned(),
        (Some(false), Some(expected)) => {
            format!("; theory expects {}, outside the 95 % interval", numbers::percent_fine(expected))
        }
        _ => String::new(),
    };
    match n {
        0 => "No poll was answered".to_owned(),
        _ if n < measure::FEW_POLLS => {
            format!("{} of {} polls found nothing: too few to call a share", count(empty), count(n))
        }
        _ if empty == 0 => format!("Every one of {} polls found news{judged}", count(n)),
        _ if empty == n => format!("All {} polls found nothing{judged}", count(n)),
        _ => format!("{} of {} polls found nothing{judged}", count(empty), count(n)),
    }
}

/// “Half of polled messages waited over 2.5 s; WebSocket 1 ms”.
#[must_use]
pub fn latency(all: &[Way<'_>]) -> String {
    let heard: Vec<&Way<'_>> = all.iter().filter(|way| way.t.latency_ms.p50.is_some()).collect();
    let p50 = |way: &Way<'_>| way.t.latency_ms.p50.map_or_else(|| "–".to_owned(), ms);
    let few =
        |way: &&&Way<'_>| way.t.latency_ms.count < measure::FEW_DELIVERIES && !measure::is_computed(way.t);
    if let ([only], true) = (&heard[..], heard.iter().any(|way| few(&way))) {
        let n = count(only.t.latency_ms.count);
        return format!("Only {n} messages by {}: too few to say how long they take", only.name);
    }
    if let Some(way) = heard.iter().find(few) {
        return format!("Too few deliveries by {} to say which is faster", way.name);
    }
    match (asker(all), pusher(all), &heard[..]) {
        (.., []) => "No message arrived".to_owned(),
        (.., [only]) => format!("Half of the messages by {} came within {}", only.name, p50(only)),
        (Some(a), Some(b), _) if a.t.label != b.t.label => match measure::compare(a.t, b.t) {
            Delay::TooFew => "Too few deliveries to say which is faster".to_owned(),
            Delay::Same => format!("{} and {} differ by less than the noise", a.capital(), b.name),
            Delay::Slower(_) => {
                format!("Half of the messages by {} waited over {}; by {} {}", a.name, p50(a), b.name, p50(b))
            }
            Delay::Faster(_) => {
                format!("{} was faster here: {} against {} by {}", a.capital(), p50(a), p50(b), b.name)
            }
        },
        (.., [a, b, ..]) => match measure::compare(a.t, b.t) {
            Delay::Slower(_) | Delay::Faster(_) => {
                format!("Half of the messages came within {} by {}, {} by {}", p50(a), a.name, p50(b), b.name)
            }
            Delay::Same | Delay::TooFew => {
                format!("{} and {} differ by less than the noise", a.capital(), b.name)
            }
        },
    }
}

/// “Waiting for the next poll is 97 % of the delay”.
#[must_use]
pub fn split(all: &[Way<'_>]) -> String {
    if all.iter().all(|way| way.t.latency_ms.mean.is_none()) {
        return "No message arrived".to_owned();
    }
    let Some(way) = asker(all).filter(|way| way.t.wait_ms_mean.is_some()) else {
        return "Pushed news waits for nothing: all of the delay is the way".to_owned();
    };
    match measure::split(way.t) {
        Some(_) if way.t.latency_ms.count < measure::FEW_DELIVERIES => {
            "Too few deliveries to say what the delay is made of".to_owned()
        }
        Some((wait, rest)) if wait + rest > 0.0 => {
            format!("Waiting for the next poll is {} of the delay", numbers::percent(wait / (wait + rest)))
        }
        _ => "No delay to take apart".to_owned(),
    }
}

/// “Polling moved 24 times the bytes of WebSocket for the same news”.
#[must_use]
pub fn volume(all: &[Way<'_>]) -> String {
    let total = |way: &Way<'_>| measure::volume(way.t) as f64;
    match (asker(all), pusher(all)) {
        (Some(a), Some(b)) if a.t.label != b.t.label && total(b) > 0.0 && total(a) > 0.0 => {
            match measure::compare_bytes(a.t, b.t) {
                Volume::More(ratio) => {
                    format!("{} moved {} times the bytes of {}", a.capital(), numbers::times(ratio), b.name)
                }
                Volume::Fewer(ratio) => {
                    format!("{} moved {} times the bytes of {}", b.capital(), numbers::times(ratio), a.name)
                }
                Volume::Same => format!("{} and {} moved about as many bytes", a.capital(), b.name),
            }
        }
        _ => match all.iter().find(|way| total(way) > 0.0) {
            Some(way) => format!("{} moved {}", way.capital(), bytes(total(way))),
            None => "No bytes were counted".to_owned(),
        },
    }
}

/// “Polling wins: WebSocket moved 12 times as many bytes; the price: 1.0 s more delay”. `None` where
/// polling does not win, or not by more than noise, or where one of the two left work undone.
#[must_use]
pub fn win(all: &[Way<'_>]) -> Option<String> {
    let ask = all.iter().find(|way| way.kind == Kind::Poll)?;
    let push = pusher(all).filter(|push| push.kind.is_push())?;
    if ![ask, push].iter().all(|way| measure::is_whole(way.t) && way.t.deliveries.delivered > 0) {
        return None;
    }
    let mut points = Vec::new();
    let moved = measure::compare_bytes(ask.t, push.t);
    if let Volume::Fewer(ratio) = moved {
        let turned = all.iter().find(|way| {
            let other = measure::compare_bytes(ask.t, way.t);
            way.kind.is_push() && measure::is_whole(way.t) && matches!(other, Volume::More(_))
        });
        let turned = turned.map_or_else(String::new, |way| format!(" (and {} fewer than both)", way.name));
        points.push(format!("{} moved {} times as many bytes{turned}", push.name, numbers::times(ratio)));
    }
    let (ours, theirs) = (ask.t.requests.origin, push.t.requests.total);
    if let Some(ours) = ours.filter(|&ours| measure::clearly(theirs as f64, ours as f64, ours)) {
        let (ours, theirs) = (count(ours), count(theirs));
        points.push(format!("{ours} of its requests reached the server, {theirs} by {}", push.name));
    }
    if points.is_empty() {
        return None;
    }
    let latest = ask.t.deliveries.superseded > 0;
    let mut price = Vec::new();
    let delays = (measure::compare(ask.t, push.t), ask.t.latency_ms.mean, push.t.latency_ms.mean);
    if let (Delay::Slower(_), Some(a), Some(b)) = delays {
        price.push(format!("{} more delay", ms(a - b)));
    }
    if let Volume::More(ratio) = moved {
        price.push(format!("{} times the bytes", numbers::times(ratio)));
    }
    let price = if price.is_empty() { String::new() } else { format!("; the price: {}", price.join(", ")) };
    let what = if latest { " for the latest value" } else { "" };
    Some(format!("{}{what} wins: {}{price}", ask.capital(), points.join(", and ")))
}

/// “Delay stayed steady”, or where it did not.
///
/// A spike is a step of at least five deliveries whose median is over three times the run's p95; a
/// change that lasts shows between thirds of the window ([`measure::thirds`]).
#[must_use]
pub fn course(all: &[Way<'_>]) -> String {
    let mut busy = 0;
    for way in all {
        let series = &way.t.series;
        let Some(p95) = way.t.latency_ms.p95 else { continue };
        let steps = series.latency_p50_ms.iter().zip(&series.delivered).enumerate();
        let mut worst: Option<(usize, f64)> = None;
        for (i, (median, &n)) in steps {
            let Some(median) = median.filter(|_| n >= 5) else { continue };
            busy += 1;
            // Below 10 ms the timer's grain and the scheduler make spikes of their own.
            if median > 3.0 * p95 && median > 10.0 && worst.is_none_or(|(_, most)| median > most) {
                worst = Some((i, median));
            }
        }
        if let Some((i, median)) = worst {
            let at = numbers::clock(i as f64 * series.step_s);
            return format!("Delay by {} spiked to {} at {at}", way.name, ms(median));
        }
    }
    let thirds = |way: &Way<'_>| Some((way.name.clone(), measure::thirds(way.t)?));
    let judged: Vec<(String, measure::Thirds)> = all.iter().filter_map(thirds).collect();
    let moved = judged.iter().filter(|(_, thirds)| thirds.differ);
    if let Some((name, thirds)) = moved.max_by(|a, b| a.1.factor().total_cmp(&b.1.factor())) {
        let [first, middle, last] = thirds.medians;
        let (from, to) = (ms(first), ms(last));
        return if last > first.max(0.001) * measure::TREND {
            format!("Delay by {name} rose: {from} in the first third, {to} in the last")
        } else if first > last.max(0.001) * measure::TREND {
            format!("Delay by {name} fell: {from} in the first third, {to} in the last")
        } else {
            format!("Delay by {name} changed: {from}, {} and {to} in the three thirds", ms(middle))
        };
    }
    if busy == 0 || judged.is_empty() {
        "Too few deliveries a second to see a trend".to_owned()
    } else {
        "Delay stayed steady".to_owned()
    }
}

/// “One person asked 4 times and got “Nope” 3 times”.
#[must_use]
pub fn person(all: &[Way<'_>]) -> String {
    let Some((way, person)) = asker(all).and_then(|way| Some((way, way.t.person.as_ref()?))) else {
        return "What one person saw".to_owned();
    };
    let times = |n: u64| match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{} times", count(n)),
    };
    let name = &way.name;
    let (asks, nope, _) = person.totals();
    match (asks, nope) {
        (0, _) => format!("By {name}, one person did not ask in this window"),
        (_, 0) => format!("By {name}, one person asked {} and never got “Nope”", times(asks)),
        _ => format!("By {name}, one person asked {} and got “Nope” {}", times(asks), times(nope)),
    }
}

/// The alternative text of a chart: what is drawn, of which data, and where the finding is.
#[must_use]
pub fn alt(chart: &str, data: &str, outcome: &Outcome, finding: &str) -> String {
    format!("{chart} of {data} in “{}”: {finding}.", outcome.scenario.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::ways::ways;

    #[test]
    fn titles_state_the_finding() {
        let outcome = fixture::letters();
        let all = ways(&outcome);
        insta::assert_snapshot!(every(&outcome, &all).join("\n"));
    }

    fn every(outcome: &Outcome, all: &[Way<'_>]) -> Vec<String> {
        let others = [latency, split, volume, course, person].map(|title| title(all));
        std::iter::once(waste(outcome, all)).chain(others).collect()
    }

    #[test]
    fn a_share_that_theory_does_not_expect_is_said_to_be_so() {
        let mut outcome = fixture::letters();
        outcome.transports[0].theory.waste_ratio = Some(0.8);
        let title = waste(&outcome, &ways(&outcome));
        assert!(title.ends_with("theory expects 80.0\u{a0}%, outside the 95 % interval"), "{title}");
        outcome.engine = Engine::Theory;
        let title = waste(&outcome, &ways(&outcome));
        assert!(title.starts_with("Theory expects 1,081 of 1,200"), "{title}");
    }

    #[test]
    fn titles_without_data_claim_nothing() {
        let outcome = fixture::empty();
        let all = ways(&outcome);
        insta::assert_snapshot!(every(&outcome, &all).join("\n"));
    }

    #[test]
    fn titles_mind_the_noise() {
        let mut outcome = fixture::letters();
        let poll = outcome.transports[0].clone();
        let t = &mut outcome.transports[1];
        (t.latency_ms, t.samples) = (poll.latency_ms, poll.samples);
        (t.bytes, t.requests.opens) = (poll.bytes, 0);
        let all = ways(&outcome);
        assert_eq!(latency(&all), "Polling and WebSocket differ by less than the noise");
        assert_eq!(volume(&all), "Polling and WebSocket moved about as many bytes");
    }

    /// Letters in which WebSocket moved so many bytes; polling moved 100,000 in all.
    fn heavy(push: u64) -> Outcome {
        let mut outcome = fixture::letters();
        for (t, down) in outcome.transports.iter_mut().zip([100_000, push]) {
            (t.bytes.up, t.bytes.down, t.bytes.opening) = (Some(0), Some(down), Some(0));
        }
        outcome
    }

    #[test]
    fn polling_wins_only_what_it_clearly_wins() {
        let said = |outcome: &Outcome| win(&ways(outcome));
        let won = said(&heavy(900_000)).unwrap();
        assert!(won.starts_with("Polling wins: WebSocket moved 9 times as many bytes; the price: "), "{won}");
        assert_eq!(volume(&ways(&heavy(900_000))), "WebSocket moved 9 times the bytes of polling");
        assert_eq!(said(&fixture::letters()), None, "push moved less");
        assert_eq!(said(&heavy(109_000)), None, "less than a tenth");
        // 126 letters: chance reaches to a quarter.
        assert_eq!(said(&heavy(120_000)), None, "inside the noise");
        assert!(said(&heavy(130_000)).is_some());
        let mut lossy = heavy(900_000);
        lossy.transports[0].deliveries.lost = 1;
        assert_eq!(said(&lossy), None, "who loses news saves bytes");
    }

    #[test]
    fn a_cache_in_front_is_a_win_at_the_server() {
        let mut outcome = heavy(100_000);
        outcome.transports[0].requests.origin = Some(5);
        outcome.transports[1].requests.total = 300;
        let won = win(&ways(&outcome)).unwrap();
        assert!(won.contains("5 of its requests reached the server, 300 by WebSocket"), "{won}");
        outcome.transports[1].requests.total = 7;
        assert_eq!(win(&ways(&outcome)), None);
    }

    #[test]
    fn who_turns_the_win_round_is_named() {
        let mut outcome = heavy(900_000);
        let mut shared = outcome.transports[1].clone();
        shared.label = "batched".to_owned();
        shared.bytes.down = Some(30_000);
        outcome.transports.push(shared);
        outcome.transports[0].deliveries.superseded = 9;
        let won = win(&ways(&outcome)).unwrap();
        assert!(won.starts_with("Polling for the latest value wins: "), "{won}");
        assert!(won.contains("(and batched fewer than both)"), "{won}");
    }

    #[test]
    fn a_spike_is_named_with_its_time() {
        let mut outcome = fixture::letters();
        outcome.transports[1].series.latency_p50_ms[7] = Some(900.0);
        outcome.transports[1].series.delivered[7] = 6;
        assert_eq!(course(&ways(&outcome)), "Delay by WebSocket spiked to 900\u{a0}ms at 0:07");
        outcome.transports[1].series.delivered[7] = 2;
        assert_eq!(course(&ways(&outcome)), "Delay stayed steady");
        outcome.transports.truncate(1);
        outcome.transports[0].latency_ms.count = 7;
        assert_eq!(latency(&ways(&outcome)), "Only 7 messages by polling: too few to say how long they take");
    }

    #[test]
    fn a_delay_that_grows_is_not_called_steady() {
        let mut outcome = fixture::letters();
        let series = &mut outcome.transports[0].series;
        series.delivered = vec![9; 20];
        series.latency_p50_ms = (0..20).map(|i| Some(200.0 + 100.0 * f64::from(i))).collect();
        assert_eq!(
            course(&ways(&outcome)),
            "Delay by polling rose: 500\u{a0}ms in the first third, 1.9\u{a0}s in the last"
        );
        let series = &mut outcome.transports[0].series;
        series.latency_p50_ms =
            (0..20).map(|i| Some(if (7..=13).contains(&i) { 900.0 } else { 100.0 })).collect();
        assert!(
            course(&ways(&outcome)).starts_with("Delay by polling changed: 100\u{a0}ms, 900\u{a0}ms and")
        );
        outcome.transports[0].series.delivered = vec![1; 20];
        outcome.transports[1].series.delivered = vec![1; 20];
        assert_eq!(course(&ways(&outcome)), "Too few deliveries a second to see a trend");
    }
}
