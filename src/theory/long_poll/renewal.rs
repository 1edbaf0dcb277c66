//! How many long polls of one client fall whole into a window when news is Poisson.
//!
//! A poll is asked where the one before it ended, and how long it takes depends on nothing earlier: a
//! renewal process. A window sees fewer than window/C of them, because the poll under way at its start
//! and the one at its end are not counted; and the first hold, an even share of τ, is shorter than the
//! later ones. Short windows solve the renewal equation step by step; long ones need only the ends.

/// The process of one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    pub(super) lambda: f64,
    /// An answer's trip and the next request's: while it lasts no poll is at the server.
    pub(super) gap: f64,
    pub(super) hold: f64,
    pub(super) warmup: f64,
    pub(super) window: f64,
}

/// Steps of a short window.
const STEPS: usize = 40_000;
/// A window of more cycles than this is long.
const MANY: f64 = 500.0;

impl Process {
    /// (Polls sent at or after 0 and answered before the window's end, empty ones among them).
    pub(super) fn counted(&self) -> (f64, f64) {
        let cycle = self.cycle();
        if self.window / cycle > MANY {
            let polls = (self.window / cycle - 1.0).max(0.0);
            return (polls, polls * self.held_in_vain());
        }
        self.step_by_step()
    }

    /// P(nothing comes in the gap).
    fn unheld(&self) -> f64 {
        libm::exp(-self.lambda * self.gap)
    }

    /// P(a poll is empty).
    pub(super) fn held_in_vain(&self) -> f64 {
        self.unheld() * libm::exp(-self.lambda * self.hold)
    }

    /// Mean time from ask to ask.
    pub(super) fn cycle(&self) -> f64 {
        self.gap - self.unheld() * libm::expm1(-self.lambda * self.hold) / self.lambda
    }

    fn step_by_step(&self) -> (f64, f64) {
        let step = (self.warmup + self.window) / STEPS as f64;
        let (survives, lambda) = (libm::exp(-self.lambda * step), self.lambda);
        let steps = |seconds: f64| (seconds / step).round() as usize;
        // A gap that rounds to nothing is still a step, or else an answer would be its own cause.
        let gap = if self.gap > 0.0 { steps(self.gap).max(1) } else { 0 };
        let hold = steps(self.hold).max(1);
        let (a, ab) = (self.unheld(), self.held_in_vain());
        let start = steps(self.warmup);

        // The first poll: nothing was under way, and its hold ends at an even share of τ.
        let first = libm::exp(-lambda * self.gap / 2.0);
        let mut asked = vec![0.0; STEPS + 1];
        let (mut held, mut first_empty, mut first_answered) = (0.0, 0.0, 0.0);
        for i in 0..=STEPS {
            let before = |by: usize| i.checked_sub(by);
            // What the first poll brings at this step.
            let (mut news, mut vain) = (0.0, 0.0);
            if let Some(x) = before(gap) {
                if x == 0 {
                    news = 1.0 - first;
                }
                if x < hold {
                    let still = first * libm::exp(-lambda * step * x as f64);
                    news += still * (1.0 - x as f64 / hold as f64) * (1.0 - survives);
                    vain = still / hold as f64;
                }
            }
            if i < STEPS {
                first_answered += news + vain;
                first_empty += vain;
            }
            let at = |by: usize, of: &[f64]| before(by).map_or(0.0, |j| of[j]);
            let ended = ab * at(gap + hold, &asked);
            let at_once = if gap > 0 { (1.0 - a) * at(gap, &asked) } else { 0.0 };
            asked[i] = news + vain + at_once + held * (1.0 - survives) + ended;
            held = held * survives + a * at(gap, &asked) - ended;
        }

        let (mut polls, mut empty) = (0.0, 0.0);
        if self.warmup == 0.0 {
            (polls, empty) = (first_answered, first_empty);
        }
        let mut fading = a;
        let mut room = 0;
        // From the window's end backwards: `fading` is the chance to be held still after `room` steps.
        for i in (start..STEPS).rev() {
            let left = STEPS - i;
            if left <= gap {
                continue;
            }
            let whole = left > gap + hold;
            polls += asked[i] * if whole { 1.0 } else { 1.0 - fading };
            empty += if whole { asked[i] * ab } else { 0.0 };
            room += 1;
            fading = if room < hold { fading * survives } else { fading };
        }
        (polls, empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Dice;

    /// Mean and standard error of polls and empty ones, poll by poll.
    fn played(process: &Process, runs: u64) -> [(f64, f64); 2] {
        let Process { lambda, gap, hold, warmup, window } = *process;
        let mut sums = [(0.0, 0.0); 2];
        for run in 0..runs {
            let mut dice = Dice::new(7, &[run]);
            let (mut sent, mut counts) = (-warmup, [0.0, 0.0]);
            let mut wait = hold * dice.unit();
            // The first event that the server has not handed out yet.
            let mut next = -warmup + dice.exponential(1.0 / lambda);
            while sent < window {
                let there = sent + gap / 2.0;
                let leaves = next.max(there).min(there + wait);
                let news = next <= leaves;
                if sent >= 0.0 && leaves + gap / 2.0 < window {
                    counts[0] += 1.0;
                    counts[1] += f64::from(u8::from(!news));
                }
                while next <= leaves {
                    next += dice.exponential(1.0 / lambda);
                }
                (sent, wait) = (leaves + gap / 2.0, hold);
            }
            for (sum, n) in sums.iter_mut().zip(counts) {
                *sum = (sum.0 + n, sum.1 + n * n);
            }
        }
        let n = runs as f64;
        sums.map(|(sum, squares)| (sum / n, ((squares / n - (sum / n).powi(2)) / n).sqrt()))
    }

    #[test]
    fn windows_short_and_long_agree_with_polls_played_one_by_one() {
        let process = |lambda, gap, hold, warmup, window| Process { lambda, gap, hold, warmup, window };
        for process in [
            process(1.0 / 47.5, 0.0, 10.0, 5.0, 20.0),
            process(1.0 / 47.5, 0.1, 10.0, 5.0, 20.0),
            process(0.5, 0.0, 2.0, 1.0, 10.0),
            process(0.5, 0.4, 25.0, 0.0, 10.0),
            process(2.0, 0.3, 0.5, 1.0, 6.0),
            process(20.0, 0.2, 25.0, 1.0, 10.0),
            process(5.0, 0.1, 1.0, 1.0, 300.0),
        ] {
            let (polls, empty) = process.counted();
            let [(mean, error), (vain, vain_error)] = played(&process, 20_000);
            assert!(
                (polls - mean).abs() < 4.0 * error + 0.005 * mean,
                "{process:?}: {polls} {mean} ± {error}"
            );
            let fine = (empty - vain).abs() <= 4.0 * vain_error + 0.005 * vain;
            assert!(fine, "{process:?}: {empty} {vain} ± {vain_error}");
        }
    }
}
