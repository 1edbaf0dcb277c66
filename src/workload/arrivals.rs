//! When things happen: Poisson and periodic instants that do not depend on where one starts looking.
//!
//! The instants at and after 0 come from one stream, those before 0 from another, each walked away
//! from 0. So a longer warm-up or window adds instants at its ends and changes none.

use crate::random::{Dice, stream};

/// One instant and its name within its process: 0, 1, 2 … from 0 on; −1, −2 … before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Microseconds from the start of the window.
    pub at: i64,
    /// Which one, for drawing its content.
    pub index: i64,
}

impl Arrival {
    /// The stream that the content of this arrival of `process` is drawn from.
    pub(super) fn content(self, seed: u64, process: u64) -> Dice {
        Dice::new(seed, &[stream::CONTENT, process, self.index.cast_unsigned()])
    }
}

/// The instants in [from, to) of a Poisson process with the given mean gap, in order.
pub(super) fn poisson(seed: u64, process: u64, mean_gap_us: f64, from: i64, to: i64) -> Vec<Arrival> {
    let mut found = Vec::new();
    each_poisson(seed, process, mean_gap_us, from, to, |arrival| found.push(arrival));
    found
}

/// The same, one by one; only those before 0 are ever kept.
pub(super) fn each_poisson(
    seed: u64,
    process: u64,
    mean_gap_us: f64,
    from: i64,
    to: i64,
    mut each: impl FnMut(Arrival),
) {
    let mut earlier = Vec::new();
    let mut before = Dice::new(seed, &[stream::BACKWARD, process]);
    let mut elapsed = before.exponential(mean_gap_us);
    for index in 1.. {
        let at = -1 - elapsed as i64;
        if at < from {
            break;
        }
        if at < to {
            earlier.push(Arrival { at, index: -index });
        }
        elapsed += before.exponential(mean_gap_us);
    }
    earlier.into_iter().rev().for_each(&mut each);
    let mut after = Dice::new(seed, &[stream::FORWARD, process]);
    let mut elapsed = after.exponential(mean_gap_us);
    for index in 0.. {
        let at = elapsed as i64;
        if at >= to {
            break;
        }
        if at >= from {
            each(Arrival { at, index });
        }
        elapsed += after.exponential(mean_gap_us);
    }
}

/// The instants in [from, to) that stand at phase + index × gap, in order; the phase is drawn from
/// the seed, uniform over one gap. A gap below one microsecond counts as one.
pub(super) fn periodic(
    seed: u64,
    process: u64,
    gap_us: i64,
    from: i64,
    to: i64,
) -> impl Iterator<Item = Arrival> {
    let gap = gap_us.max(1);
    let phase = Dice::new(seed, &[stream::FORWARD, process]).below(gap.unsigned_abs()).cast_signed();
    // The first index whose instant is not before `from`: the quotient rounded up.
    let first = -(phase - from).div_euclid(gap);
    (first..).map(move |index| Arrival { at: phase + index * gap, index }).take_while(move |a| a.at < to)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn periodic_instants_cover_the_range(seed: u64, gap in 1i64..10_000, from in -50_000i64..50_000, span in 0i64..50_000) {
            let to = from + span;
            let all: Vec<_> = periodic(seed, 0, gap, from, to).collect();
            prop_assert!(all.iter().all(|a| (from..to).contains(&a.at)));
            prop_assert!(all.windows(2).all(|w| w[1].at - w[0].at == gap && w[1].index - w[0].index == 1));
            let count = i64::try_from(all.len()).unwrap();
            prop_assert!((span / gap..=span / gap + 1).contains(&count));
            let phase = periodic(seed, 0, gap, 0, gap).next().unwrap();
            prop_assert_eq!(phase.index, 0);
        }
    }

    #[test]
    fn poisson_gaps_have_their_mean() {
        let span = 200_000_000;
        let count = poisson(3, 0, 10_000.0, -span / 2, span / 2).len() as f64;
        // 20,000 expected, standard deviation 141.
        assert!((count - 20_000.0).abs() < 500.0, "{count}");
    }
}
