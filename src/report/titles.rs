//! Titles that state what a chart shows, guarded against noise, and the alternative texts.

use crate::outcome::Outcome;
use crate::scenario::Engine;
use crate::transport::Way as Setting;

use super::measure::{self, Delay};
use super::noise;
use super::numbers::{self, count, ms};
use super::verdict::{self, asker, pusher};
use super::ways::Way;

mod course;
mod volume;

pub use course::course;
pub use volume::{Win, volume, win};

/// “371 of 412 polls found nothing, as theory expects”.
#[must_use]
pub fn waste(outcome: &Outcome, all: &[Way<'_>]) -> String {
    let Some(way) = asker(all) else { return "Nobody asked".to_owned() };
    if let Some((most, least)) = verdict::shares(outcome, all) {
        let share = |way: &Way<'_>| numbers::percent(way.t.waste_ratio.unwrap_or_default());
        let (more, less) = (share(most), share(least));
        return format!("{less} of the asks by {} found nothing, {more} by {}", least.name, most.name);
    }
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
    if let Some((slow, fast)) = verdict::ends(&heard) {
        let (fast_one, slow_one) = (p50(fast), p50(slow));
        return match measure::compare(slow.t, fast.t) {
            Delay::Slower(_) => format!(
                "Half of the messages came within {slow_one} by {}, {fast_one} by {}; the rest in between",
                slow.name, fast.name
            ),
            _ => format!("The {} ways differ by less than the noise", heard.len()),
        };
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
pub fn split(outcome: &Outcome, all: &[Way<'_>]) -> String {
    if all.iter().all(|way| way.t.latency_ms.mean.is_none()) {
        return "No message arrived".to_owned();
    }
    let Some(way) = asker(all).filter(|way| way.t.wait_ms_mean.is_some()) else {
        return pushed(outcome);
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

fn pushed(outcome: &Outcome) -> String {
    let coalesced = |way: &Setting| match way {
        Setting::WebSocket { coalesce, .. } => Some(*coalesce),
        _ => None,
    };
    let shared = outcome.scenario.transports.iter().filter_map(|t| coalesced(&t.way)).max();
    match shared.filter(|longest| !longest.is_zero()) {
        _ if !outcome.scenario.faults.is_empty() => {
            "Pushed news waits for no ask, but faults hold it up on its way".to_owned()
        }
        Some(longest) => format!("Pushed news waits up to {} to share a frame", numbers::duration(longest)),
        None => "Pushed news waits for nothing: all of the delay is the way".to_owned(),
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
    use std::time::Duration;

    use super::*;
    use crate::fault::Fault;
    use crate::report::fixture;
    use crate::report::ways::ways;

    #[test]
    fn titles_state_the_finding() {
        let outcome = fixture::letters();
        let all = ways(&outcome);
        insta::assert_snapshot!(every(&outcome, &all).join("\n"));
    }

    fn every(outcome: &Outcome, all: &[Way<'_>]) -> Vec<String> {
        let (split, course) = (split(outcome, all), course(outcome, all));
        vec![waste(outcome, all), latency(all), split, volume(all), course, person(all)]
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
        assert_eq!(latency(&ways(&outcome)), "Polling and WebSocket differ by less than the noise");
        outcome.transports.truncate(1);
        outcome.transports[0].latency_ms.count = 7;
        assert_eq!(latency(&ways(&outcome)), "Only 7 messages by polling: too few to say how long they take");
    }

    #[test]
    fn of_more_than_two_ways_the_ends_are_named() {
        let mut outcome = fixture::in_between();
        let title = latency(&ways(&outcome)).replace('\u{a0}', " ");
        assert!(title.starts_with("Half of the messages came within 2."), "{title}");
        assert!(title.contains(" s by polling, ") && title.ends_with(" in between"), "{title}");
        outcome.transports.remove(3);
        outcome.transports.remove(1);
        let mut often = outcome.transports[0].clone();
        often.label = "often".to_owned();
        (often.requests.polls, often.requests.empty, often.waste_ratio) = (6_000, 5_940, Some(0.99));
        outcome.transports.push(often);
        let title = waste(&outcome, &ways(&outcome)).replace('\u{a0}', " ");
        assert!(title.ends_with(" % of the asks by polling found nothing, 99 % by often"), "{title}");
    }

    #[test]
    fn what_holds_pushed_news_up_is_not_denied() {
        let mut outcome = fixture::letters();
        outcome.transports.remove(0);
        let plain = "Pushed news waits for nothing: all of the delay is the way";
        assert_eq!(split(&outcome, &ways(&outcome)), plain);
        if let Setting::WebSocket { coalesce, .. } = &mut outcome.scenario.transports[1].way {
            *coalesce = Duration::from_secs(2);
        }
        assert!(split(&outcome, &ways(&outcome)).contains("waits up to 2\u{a0}s to share a frame"));
        let what = crate::fault::What::StallServer { server: 1 };
        outcome.scenario.faults = vec![Fault { at: Duration::ZERO, lasts: Duration::from_secs(1), what }];
        assert!(split(&outcome, &ways(&outcome)).contains("faults hold it up"));
    }
}
