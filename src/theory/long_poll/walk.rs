//! A schedule followed with long polls whose trips take exactly their mean.
//!
//! From the first event on nothing is left to chance. Before it, empty answers come at the even rate
//! 1/(τ + 2d), whatever the share of τ at which the first hold ends.

use super::super::news::{FOR_EVER, Item};
use super::super::view::View;
use crate::scenario::Workload;

/// Sums over clients; delays in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Walked {
    pub(super) polls: f64,
    pub(super) empty: f64,
    pub(super) delivered: f64,
    pub(super) superseded: f64,
    pub(super) expired: f64,
    pub(super) latency: f64,
    pub(super) wait: f64,
    /// Answers that deliver counted news.
    pub(super) with_news: f64,
}

/// Phases over which an inbox that is not written down is averaged.
const PHASES: u32 = 64;

/// What a reader can get, in the order in which the server has it.
struct Reader<'a> {
    view: &'a View<'a>,
    hold: f64,
    home: f64,
    walked: Walked,
}

/// Every client, those who hear the same only once.
pub(super) fn crowd(view: &View<'_>, hold: f64, home: f64) -> Walked {
    let mut sum = Walked::default();
    let mut add = |items: &mut dyn Iterator<Item = Item>, weight: f64| {
        let mut reader = Reader { view, hold, home, walked: Walked::default() };
        reader.walk(&items.collect::<Vec<_>>());
        sum.add(&reader.walked, weight);
    };
    let Some(plan) = view.plan else {
        let Workload::Periodic { gap, .. } = view.scenario.workload else { return sum };
        for phase in 0..PHASES {
            let gap = gap.as_secs_f64();
            let first = -view.warmup + gap * (f64::from(phase) + 0.5) / f64::from(PHASES);
            let n = ((view.window - first) / gap).ceil().max(0.0) as u64;
            let at = |i: u64| ((first + i as f64 * gap) * 1e6) as i64;
            let some = view.news.items[0];
            add(&mut (0..n).map(|i| Item { at: at(i), ..some }), view.clients / f64::from(PHASES));
        }
        return sum;
    };
    let schedule = &plan.schedule;
    let mut readers = vec![0.0; schedule.topics.len()];
    schedule.reads.iter().for_each(|&topic| readers[topic as usize] += 1.0);
    if view.news.items.iter().any(|item| item.own) {
        for (client, &topic) in schedule.reads.iter().enumerate() {
            let theirs = plan.by_topic[topic as usize].iter().map(|&index| index as usize);
            let others = theirs.filter(|&i| schedule.events[i].author != Some(client as u32));
            add(&mut others.map(|index| view.news.items[index]), 1.0);
        }
    } else {
        for (topic, readers) in plan.by_topic.iter().zip(readers) {
            add(&mut topic.iter().map(|&index| view.news.items[index as usize]), readers);
        }
    }
    sum
}

impl Walked {
    fn add(&mut self, other: &Self, weight: f64) {
        self.polls += weight * other.polls;
        self.empty += weight * other.empty;
        self.delivered += weight * other.delivered;
        self.superseded += weight * other.superseded;
        self.expired += weight * other.expired;
        self.latency += weight * other.latency;
        self.wait += weight * other.wait;
        self.with_news += weight * other.with_news;
    }
}

impl Reader<'_> {
    fn server(&self, item: &Item) -> f64 {
        item.at as f64 / 1e6 + self.view.sending_beside(item)
    }

    fn walk(&mut self, items: &[Item]) {
        let (up, window) = (self.view.path.d, self.view.window);
        let cycle = self.hold + up + self.home;
        let first = items.first().map_or(f64::INFINITY, |item| self.server(item));
        // Empty answers before the first event.
        let vain = (first - up).min(window).max(0.0) / cycle;
        self.walked.polls += vain;
        self.walked.empty += vain;
        let (mut taken, mut leaves, mut asked) = (0, first, f64::NEG_INFINITY);
        while taken < items.len() {
            let upto = taken + items[taken..].partition_point(|item| self.server(item) <= leaves);
            if (0.0..window).contains(&(leaves + self.home)) {
                self.walked.polls += 1.0;
            }
            self.hand_over(&items[taken..upto], leaves, asked);
            taken = upto;
            asked = leaves + self.home;
            let Some(next) = items.get(taken) else { break };
            // Holds that end before the next event.
            let at = self.server(next);
            let mut there = asked + up;
            let held = ((at - there - self.hold) / cycle).ceil().max(0.0);
            self.in_vain(asked, cycle, held);
            there += held * cycle;
            asked += held * cycle;
            leaves = at.max(there);
        }
        if !items.is_empty() {
            self.in_vain(asked, cycle, f64::INFINITY);
        }
    }

    /// So many empty polls, the first asked at `asked`; those count whose answer lies in the window.
    fn in_vain(&mut self, asked: f64, cycle: f64, n: f64) {
        let first = (-asked / cycle).ceil().max(1.0);
        let last = (((self.view.window - asked) / cycle).ceil() - 1.0).min(n);
        let counted = (last - first + 1.0).max(0.0);
        self.walked.polls += counted;
        self.walked.empty += counted;
    }

    fn hand_over(&mut self, items: &[Item], leaves: f64, asked: f64) {
        let mut some = false;
        for item in items {
            let at = item.at as f64 / 1e6;
            if at < 0.0 {
                continue;
            }
            let ends = if item.lives == FOR_EVER { f64::INFINITY } else { at + item.lives as f64 / 1e6 };
            if item.replaced && leaves >= ends {
                self.walked.superseded += 1.0;
            } else if leaves > ends {
                self.walked.expired += 1.0;
            } else {
                some = true;
                self.walked.delivered += 1.0;
                self.walked.latency += leaves + self.home - at;
                self.walked.wait += (asked - at).max(0.0);
            }
        }
        self.walked.with_news += f64::from(u8::from(some));
    }
}
