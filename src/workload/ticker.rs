//! One market, many symbols: prices that walk at random. The companies are real names on invented
//! prices.

use std::time::Duration;

use crate::clock::as_micros;
use crate::random::{Dice, stream};
use crate::scenario::Opening;

use super::arrivals::{self, Arrival};
use super::{Planned, Schedule, Span};

const SYMBOLS: [&str; 20] = [
    "INFY", "TCS", "WIPRO", "HDFC", "SBIN", "ITC", "AAPL", "MSFT", "NVDA", "TSLA", "SAP", "ASML", "SONY",
    "TM", "SHEL", "NESN", "BHP", "VOW", "AIR", "UNVR",
];
/// Names of the content streams: the walk, and where a symbol starts.
const STEPS: u64 = 0;
const START: u64 = 1;
/// One step of a walk changes the logarithm of the price by this times −2…2.
const STEP: f64 = 0.0004;

/// A symbol's walk: steps taken since the start, in units of [`STEP`].
struct Walk {
    symbol: String,
    start: f64,
    level: i64,
}

impl Walk {
    /// Hundredths at `level`: exponential of a sum, so that a price never reaches zero.
    fn price(&self, level: i64) -> i64 {
        (self.start * libm::exp(STEP * level as f64)).round().max(1.0) as i64
    }
}

/// The settings of [`crate::scenario::Workload::Ticker`] but for `conflate`.
pub(super) struct Market<'a> {
    pub symbols: u32,
    pub gap: Duration,
    pub opening: Option<&'a Opening>,
}

pub(super) fn schedule(settings: &Market<'_>, span: Span) -> Schedule {
    let symbols = settings.symbols;
    // Prices of the warm-up walk backwards from the start, so that they join onto the window
    // without changing it.
    let mut walks = market(symbols, span.seed);
    let past: Vec<Arrival> =
        updates(settings, span.seed, span.from, 0).take_while(|arrival| arrival.index < 0).collect();
    let mut events = Vec::with_capacity(past.len());
    for arrival in past.into_iter().rev() {
        let (symbol, step) = draw(arrival, span.seed, symbols);
        let Some(walk) = walks.get_mut(symbol) else { continue };
        walk.level -= step;
        events.push(update(walk, walk.level, step, arrival.at));
    }
    events.reverse();
    let mut walks = market(symbols, span.seed);
    for arrival in updates(settings, span.seed, 0, span.to) {
        let (symbol, step) = draw(arrival, span.seed, symbols);
        let Some(walk) = walks.get_mut(symbol) else { continue };
        events.push(update(walk, walk.level, step, arrival.at));
        walk.level += step;
    }
    events.retain(|event| (span.from..span.to).contains(&event.at));
    let reads = vec![0; span.clients as usize];
    Schedule::sorted(vec!["market".to_owned()], reads, events)
}

/// The updates in [from, to), and perhaps one beside. At the opening the market's own clock runs
/// faster than ours: t + (burst − 1) · settle · (1 − e^(−t/settle)) of its microseconds have passed
/// at t ≥ 0, so that it runs `burst` times as fast at first. On its clock updates are periodic.
fn updates(settings: &Market<'_>, seed: u64, from: i64, to: i64) -> impl Iterator<Item = Arrival> {
    let bell = settings.opening.map(|opening| Bell {
        excess: (opening.burst - 1.0).max(0.0),
        settle: (as_micros(opening.settle) as f64).max(1.0),
    });
    let own = |at: i64| bell.map_or(at, |bell| bell.own(at as f64).floor() as i64);
    // The round trip through real numbers may miss a microsecond.
    let last = if bell.is_some() { own(to).saturating_add(1) } else { to };
    arrivals::periodic(seed, 0, as_micros(settings.gap), own(from), last)
        .map(move |a| Arrival { at: bell.map_or(a.at, |bell| bell.ours(a.at)), ..a })
}

/// The market's own clock.
#[derive(Clone, Copy)]
struct Bell {
    excess: f64,
    settle: f64,
}

impl Bell {
    /// Our time to the market's, microseconds.
    fn own(self, t: f64) -> f64 {
        let since = t.max(0.0);
        t + self.excess * self.settle * (1.0 - libm::exp(-since / self.settle))
    }

    /// The market's time to ours, by Newton's method. The curve bends downward, so from the left
    /// every step stays left of the solution and only nears it.
    fn ours(self, own: i64) -> i64 {
        let own = own as f64;
        if own <= 0.0 {
            return own as i64;
        }
        let mut t = own / (1.0 + self.excess);
        for _ in 0..100 {
            let slope = 1.0 + self.excess * libm::exp(-t / self.settle);
            let step = (own - self.own(t)) / slope;
            t += step;
            if step < 0.01 {
                break;
            }
        }
        t as i64
    }
}

fn market(symbols: u32, seed: u64) -> Vec<Walk> {
    (0..symbols)
        .map(|n| {
            let start = 5_000.0 + Dice::new(seed, &[stream::CONTENT, START, u64::from(n)]).unit() * 395_000.0;
            Walk { symbol: symbol(n as usize), start, level: 0 }
        })
        .collect()
}

fn symbol(n: usize) -> String {
    let round = n / SYMBOLS.len();
    let name = SYMBOLS.get(n % SYMBOLS.len()).copied().unwrap_or("ANY");
    if round == 0 { name.to_owned() } else { format!("{name}{}", round + 1) }
}

/// Which symbol an update is for, and its step: −2, −1, 1 or 2.
fn draw(arrival: Arrival, seed: u64, symbols: u32) -> (usize, i64) {
    let mut dice = arrival.content(seed, STEPS);
    let symbol = dice.below(u64::from(symbols)) as usize;
    (symbol, *dice.pick(&[-2, -1, 1, 2]))
}

/// The update that takes `walk` from `before` by `step`.
fn update(walk: &Walk, before: i64, step: i64, at: i64) -> Planned {
    let price = walk.price(before + step);
    let data = format!(
        r#"{{"symbol":"{}","price":{},"change":{}}}"#,
        walk.symbol,
        hundredths(price),
        hundredths(price - walk.price(before))
    );
    Planned {
        at,
        topic: 0,
        author: None,
        kind: "price".into(),
        ttl_ms: None,
        key: Some(walk.symbol.clone()),
        data,
    }
}

fn hundredths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    format!("{sign}{}.{:02}", value / 100, value % 100)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_price_is_the_one_before_plus_the_change() {
        let span = Span { clients: 2, seed: 5, from: -300_000, to: 300_000 };
        let market = Market { symbols: 7, gap: Duration::from_millis(1), opening: None };
        let schedule = schedule(&market, span);
        assert_eq!(schedule.events.len(), 600);
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        let mut joined = 0;
        for event in &schedule.events {
            let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            let cents = |field: &str| (data[field].as_f64().unwrap() * 100.0).round() as i64;
            let (price, change) = (cents("price"), cents("change"));
            assert!(price > 0);
            if let Some(before) = last.insert(event.key.clone().unwrap(), price) {
                assert_eq!(before + change, price, "{}", event.data);
                joined += 1;
            }
        }
        assert_eq!(last.len(), 7);
        assert_eq!(joined, 593);
    }

    #[test]
    fn the_opening_brings_its_share_of_updates_and_then_calms_down() {
        let opening = Opening { burst: 11.0, settle: Duration::from_secs(60) };
        let market = Market { symbols: 3, gap: Duration::from_secs(1), opening: Some(&opening) };
        let minute = 60_000_000;
        let span = Span { clients: 1, seed: 2, from: -2 * minute, to: 20 * minute };
        let events = schedule(&market, span).events;
        let during = |from, to| events.iter().filter(|e| (from..to).contains(&e.at)).count() as f64;
        assert!((during(-minute, 0) - 60.0).abs() <= 1.0, "before, the usual rate");
        let first = 60.0 + 10.0 * 60.0 * (1.0 - libm::exp(-1.0));
        assert!((during(0, minute) - first).abs() <= 1.0, "{} against {first}", during(0, minute));
        assert!((during(19 * minute, 20 * minute) - 60.0).abs() <= 1.0, "after, too");
        assert!(events.windows(2).all(|pair| pair[0].at < pair[1].at));
    }
}
