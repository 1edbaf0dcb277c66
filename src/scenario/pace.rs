//! The one setting of a workload that says how often news comes.

use std::time::Duration;

use super::Workload;

impl Workload {
    /// The key under `[workload]` that says how often news comes, and its value; a recording has none.
    #[must_use]
    pub fn gap(&self) -> Option<(&'static str, Duration)> {
        Some(match self {
            Self::Poisson { mean_gap, .. } => ("mean_gap", *mean_gap),
            Self::Periodic { gap, .. } | Self::Ticker { gap, .. } => ("gap", *gap),
            Self::Chat { gap_per_room, .. } => ("gap_per_room", *gap_per_room),
            Self::Cricket { gap_per_ball, .. } => ("gap_per_ball", *gap_per_ball),
            Self::Game { tick, .. } => ("tick", *tick),
            Self::Trace { .. } => return None,
        })
    }

    /// The same workload with that setting changed; a recording stays as it is.
    #[must_use]
    pub fn with_gap(mut self, to: Duration) -> Self {
        match &mut self {
            Self::Poisson { mean_gap: gap, .. }
            | Self::Periodic { gap, .. }
            | Self::Ticker { gap, .. }
            | Self::Chat { gap_per_room: gap, .. }
            | Self::Cricket { gap_per_ball: gap, .. }
            | Self::Game { tick: gap, .. } => *gap = to,
            Self::Trace { .. } => {}
        }
        self
    }

    /// Whether clients write, too.
    #[must_use]
    pub fn has_writers(&self) -> bool {
        matches!(self, Self::Chat { .. } | Self::Game { .. })
    }

    /// People of whom each group has its own news: rooms, matches, inboxes; one where all read one feed
    /// or a recording. Fewer groups are a smaller sample of the same.
    #[must_use]
    pub fn group(&self) -> Option<u32> {
        match self {
            Self::Chat { members, .. } => Some(*members),
            Self::Game { players, .. } => Some(*players),
            _ if self.has_own_inboxes() => Some(1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::file::Overrides;
    use crate::scenario::shipped;

    #[test]
    fn every_pace_can_be_changed() {
        for shipped in shipped::all() {
            let workload = shipped::load(shipped.name, &Overrides::default()).unwrap().workload;
            let (key, gap) = workload.gap().unwrap();
            let slower = workload.clone().with_gap(gap * 2);
            assert_eq!(slower.gap(), Some((key, gap * 2)), "{}", shipped.name);
            assert_eq!(slower.with_gap(gap), workload);
        }
    }
}
