//! Where the servers are, and which one a client talks to.

/// The servers of a crowd.
#[derive(Debug, Clone)]
pub struct Servers {
    /// `host:port` each.
    addresses: Vec<String>,
    /// By client, an index into `addresses`; clients beyond are at the first.
    homes: Vec<u32>,
    /// Whether each ask goes to the next server, as a balancer without stickiness would send it.
    roam: bool,
    /// Whether a position in one server's feed means the same at all others.
    alike: bool,
}

impl Servers {
    /// Everybody at the server of theirs, or by asks at all in turn, beginning with their own.
    #[must_use]
    pub fn new(addresses: Vec<String>, homes: Vec<u32>, roam: bool) -> Self {
        Self { addresses, homes, roam, alike: false }
    }

    /// Says that a position in one server's feed means the same at all others.
    #[must_use]
    pub fn alike(mut self, alike: bool) -> Self {
        self.alike = alike;
        self
    }

    /// See [`Servers::alike`].
    #[must_use]
    pub fn are_alike(&self) -> bool {
        self.alike
    }

    /// The server of a client, for streams, sockets and sends, who passed on `moved` times.
    #[must_use]
    pub fn after(&self, client: u32, moved: usize) -> &str {
        self.at(self.home(client) + moved)
    }

    /// The server that a client's `n`th ask goes to.
    #[must_use]
    pub fn of_ask(&self, client: u32, n: usize) -> &str {
        self.at(self.home(client) + if self.roam { n } else { 0 })
    }

    fn home(&self, client: u32) -> usize {
        self.homes.get(client as usize).copied().unwrap_or(0) as usize
    }

    /// The server of this number, from 0, counted round.
    #[must_use]
    pub fn at(&self, index: usize) -> &str {
        &self.addresses[index % self.addresses.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_go_round_where_they_may() {
        let all = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let asked = |servers: &Servers| [0, 1, 2, 3].map(|n| servers.of_ask(1, n).to_owned()).concat();
        assert_eq!(asked(&Servers::new(all.clone(), vec![0, 2], true)), "cabc");
        let stays = Servers::new(all, vec![0, 2], false);
        assert_eq!((asked(&stays).as_str(), stays.after(1, 1), stays.after(9, 0)), ("cccc", "a", "a"));
    }
}
