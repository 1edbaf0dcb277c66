//! What faults do to single people: their connections break, or they stop reading.

use tokio::sync::watch;

/// The state of one person.
#[derive(Debug, Clone, Copy, Default)]
struct Plight {
    /// How often their connections were cut.
    cuts: u32,
    /// Whether they read nothing now.
    deaf: bool,
}

/// The state of everybody; empty where no fault picks people out, which then costs nothing.
#[derive(Debug, Default)]
pub(super) struct Plights(Vec<watch::Sender<Plight>>);

impl Plights {
    pub(super) fn of(clients: u32) -> Self {
        Self((0..clients).map(|_| watch::Sender::default()).collect())
    }

    pub(super) fn cut(&self, people: &[u32]) {
        self.change(people, |plight| plight.cuts += 1);
    }

    pub(super) fn deafen(&self, people: &[u32], deaf: bool) {
        self.change(people, |plight| plight.deaf = deaf);
    }

    fn change(&self, people: &[u32], change: impl Fn(&mut Plight)) {
        for person in people.iter().filter_map(|client| self.0.get(*client as usize)) {
            person.send_modify(&change);
        }
    }

    pub(super) fn feel(&self, client: u32) -> Feeling {
        let plight = self.0.get(client as usize);
        let cuts = plight.map_or(0, |plight| plight.borrow().cuts);
        Feeling { plight: plight.map(watch::Sender::subscribe), cuts }
    }
}

/// What one person feels of it.
#[derive(Debug, Clone)]
pub(super) struct Feeling {
    plight: Option<watch::Receiver<Plight>>,
    /// Cuts felt so far.
    cuts: u32,
}

impl Feeling {
    /// Returns when the connections are cut once more than was felt before.
    pub(super) async fn cut(&mut self) {
        let felt = self.cuts;
        let Some(plight) = &mut self.plight else { return std::future::pending().await };
        let cuts = plight.wait_for(|now| now.cuts > felt).await.map(|now| now.cuts);
        match cuts {
            Ok(cuts) => self.cuts = cuts,
            // Nobody is left who could cut anything.
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether the connections were cut since that was felt last.
    pub(super) fn was_cut(&mut self) -> bool {
        let cuts = self.plight.as_ref().map_or(0, |plight| plight.borrow().cuts);
        std::mem::replace(&mut self.cuts, cuts) < cuts
    }

    /// Returns when the person reads.
    pub(super) async fn reads(&mut self) {
        if let Some(plight) = &mut self.plight {
            drop(plight.wait_for(|now| !now.deaf).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn happens(what: impl Future<Output = ()>) -> bool {
        tokio::time::timeout(Duration::from_millis(5), what).await.is_ok()
    }

    #[tokio::test]
    async fn a_cut_is_felt_once_by_whom_it_meets_even_later() {
        let plights = Plights::of(3);
        let (mut one, mut other) = (plights.feel(1), plights.feel(2));
        assert!(!happens(one.cut()).await);
        plights.cut(&[1]);
        // Looking after something else must not make it miss the cut.
        one.reads().await;
        assert!(happens(one.cut()).await && !happens(one.cut()).await && !happens(other.cut()).await);
        assert!(!one.was_cut() && !happens(plights.feel(1).cut()).await, "later ones begin afresh");
        plights.cut(&[1]);
        assert!(one.was_cut() && !one.was_cut() && !happens(one.cut()).await);
        plights.deafen(&[2], true);
        assert!(happens(one.reads()).await && !happens(other.reads()).await);
        plights.deafen(&[2], false);
        assert!(happens(other.reads()).await);
        let mut nobody = Plights::default().feel(0);
        assert!(happens(nobody.reads()).await && !happens(nobody.cut()).await);
    }
}
