//! One market, many symbols: prices that walk at random. The companies are real names on invented
//! prices.

use std::time::Duration;

use crate::clock::as_micros;
use crate::random::{Dice, stream};

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

pub(super) fn schedule(symbols: u32, gap: Duration, conflate: bool, span: Span) -> Schedule {
    let updates = |from, to| arrivals::periodic(span.seed, 0, as_micros(gap), from, to);
    // Prices of the warm-up walk backwards from the start, so that they join onto the window
    // without changing it.
    let mut walks = market(symbols, span.seed);
    let past: Vec<Arrival> = updates(span.from, 0).take_while(|arrival| arrival.index < 0).collect();
    let mut events = Vec::with_capacity(past.len());
    for arrival in past.into_iter().rev() {
        let (symbol, step) = draw(arrival, span.seed, symbols);
        let Some(walk) = walks.get_mut(symbol) else { continue };
        walk.level -= step;
        events.push(update(walk, walk.level, step, arrival.at));
    }
    events.reverse();
    let mut walks = market(symbols, span.seed);
    for arrival in updates(0, span.to) {
        let (symbol, step) = draw(arrival, span.seed, symbols);
        let Some(walk) = walks.get_mut(symbol) else { continue };
        events.push(update(walk, walk.level, step, arrival.at));
        walk.level += step;
    }
    events.retain(|event| (span.from..span.to).contains(&event.at));
    let reads = vec![0; span.clients as usize];
    Schedule { conflate, ..Schedule::sorted(vec!["market".to_owned()], reads, events) }
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
    Planned { at, topic: 0, author: None, kind: "price", ttl_ms: None, key: Some(walk.symbol.clone()), data }
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
        let schedule = schedule(7, Duration::from_millis(1), true, span);
        assert!(schedule.conflate);
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
}
