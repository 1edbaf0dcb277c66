//! When people come and go: the visits to a seat, the same for every transport and engine.
//!
//! A seat is never empty: who leaves is followed at once by another, so that as many people read as
//! the scenario says. Stays are exponential, hence the departures of a seat are a Poisson process on
//! the whole line of time, and whoever sits there when traffic starts has as long to stay as a
//! newcomer: the crowd is in its stationary state from the first moment on.

use std::time::Duration;

use super::arrivals::each_poisson;

/// Names of the processes of seats begin here, beyond those of topics.
const SEATS: u64 = 1 << 48;

/// One person's stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Which one of its seat, from 0.
    pub number: u32,
    /// When it begins, microseconds from the start of the window; `i64::MIN` for those who are there
    /// when traffic starts.
    pub from: i64,
    /// When it ends; `i64::MAX` for those who are there when the window ends, and stay for the grace.
    pub until: i64,
}

impl Visit {
    /// Of somebody who never leaves.
    pub const WHOLE: Self = Self { number: 0, from: i64::MIN, until: i64::MAX };

    /// Whether it began before traffic did.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.number == 0
    }

    /// Whether it lasts to the end of the run.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.until == i64::MAX
    }
}

/// The visits to the seat of one client in a run from `from` to `to` (microseconds), in order, with a
/// mean stay; one without end when nobody leaves. Another `from` or `to` changes no instant in between.
#[must_use]
pub fn visits(stay: Option<Duration>, seed: u64, client: u32, from: i64, to: i64) -> Vec<Visit> {
    let mut visits = vec![Visit::WHOLE];
    if let Some(stay) = stay {
        let mean = stay.as_secs_f64() * 1e6;
        each_poisson(seed, SEATS + u64::from(client), mean, from, to, |leaves| {
            let last = visits.len() - 1;
            visits[last].until = leaves.at;
            let number = visits[last].number + 1;
            visits.push(Visit { number, from: leaves.at, until: i64::MAX });
        });
    }
    visits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_follow_one_another_with_their_mean() {
        let stay = Some(Duration::from_secs(30));
        let all: usize = (0..500).map(|client| visits(stay, 1, client, -5_000_000, 55_000_000).len()).sum();
        // 500 seats for 60 s: 500 and 1,000 more, standard deviation 32.
        assert!((all as f64 - 1500.0).abs() < 100.0, "{all}");
        let seat = visits(stay, 1, 7, -100_000_000, 500_000_000);
        assert!(seat.windows(2).all(|pair| pair[0].until == pair[1].from && pair[0].from < pair[0].until));
        assert!(seat[0].is_first() && seat[seat.len() - 1].is_last());
        assert_eq!(visits(None, 1, 7, 0, 1), [Visit::WHOLE]);
    }

    #[test]
    fn a_longer_run_moves_no_departure() {
        let within = |from: i64, to: i64| -> Vec<i64> {
            let all = visits(Some(Duration::from_secs(2)), 3, 0, from, to);
            all.iter().map(|visit| visit.until).filter(|at| (-5_000_000..9_000_000).contains(at)).collect()
        };
        assert_eq!(within(-5_000_000, 9_000_000), within(-50_000_000, 90_000_000));
    }
}
