//! Seeded draws that any engine can address directly: a value is a function of (seed, names).
//!
//! SplitMix64 (Steele, Lea & Flood 2014) by hand, because a schedule must stay the same across
//! versions of any library, and because a counter-based draw lets an engine skip ahead.

/// The finalizer of SplitMix64: a bijection on 64 bits with full avalanche.
#[must_use]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of draws, itself addressed by (seed, names).
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The stream for `seed` and a path of names, for example `(seed, &[POLL_PHASE, client])`.
    #[must_use]
    pub fn new(seed: u64, path: &[u64]) -> Self {
        let root = Self { state: mix(seed.wrapping_add(GOLDEN)) };
        path.iter().fold(root, |stream, &name| stream.then(name))
    }

    /// The stream whose path is this one's and `name`.
    #[must_use]
    pub fn then(&self, name: u64) -> Self {
        Self { state: mix(self.state ^ mix(name.wrapping_add(GOLDEN)).wrapping_add(GOLDEN)) }
    }

    /// What the `n`th call of [`Dice::bits`] on a fresh copy would return, counted from 0.
    #[must_use]
    pub fn nth(&self, n: u64) -> u64 {
        mix(self.state.wrapping_add(GOLDEN.wrapping_mul(n.wrapping_add(1))))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [0, n); 0 when `n` is 0. Bias below n/2⁶⁴.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Exponential with the given mean, in the mean's unit. `libm` gives the same bits everywhere.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// One of `items`.
    ///
    /// # Panics
    /// When `items` is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

/// First names of the paths, so that no two purposes share a stream.
pub mod stream {
    /// Event times after 0.
    pub const FORWARD: u64 = 1;
    /// Event times before 0.
    pub const BACKWARD: u64 = 2;
    /// Event contents.
    pub const CONTENT: u64 = 3;
    /// Poll phases.
    pub const POLL_PHASE: u64 = 4;
    /// First holds, pings and comments.
    pub const FIRST_HOLD: u64 = 5;
    /// Reconnect jitter.
    pub const RECONNECT: u64 = 6;
    /// What the network does.
    pub const NETWORK: u64 = 7;
    /// Which events of a rhythm are left out.
    pub const THINNING: u64 = 8;
    /// Whom a fault picks out.
    pub const FAULT: u64 = 9;
    /// Which server a client is placed on.
    pub const PLACEMENT: u64 = 16;
    /// Which server an event without an author is published to.
    pub const PUBLISHER: u64 = 17;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, path: &[u64]| Dice::new(seed, path).bits();
        assert_eq!(draw(1, &[2, 3]), draw(1, &[2, 3]));
        let distinct = [draw(1, &[2, 3]), draw(1, &[3, 2]), draw(2, &[2, 3]), draw(1, &[2]), draw(1, &[])];
        for (i, a) in distinct.iter().enumerate() {
            assert!(distinct[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn a_stream_can_be_addressed_without_walking_it() {
        let dice = Dice::new(3, &[1, 2]);
        assert_eq!(dice.state, Dice::new(3, &[1]).then(2).state);
        let mut walked = dice.clone();
        assert!((0..9).all(|n| walked.bits() == dice.nth(n)));
    }

    #[test]
    fn exponential_has_its_mean() {
        let mut dice = Dice::new(7, &[]);
        let n = 100_000;
        let mean = (0..n).map(|_| dice.exponential(5.0)).sum::<f64>() / f64::from(n);
        assert!((mean - 5.0).abs() < 0.06, "{mean}");
    }
}
