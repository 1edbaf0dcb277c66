//! Where the servers are, and which one a client talks to.

use std::net::SocketAddr;

/// The servers of a crowd.
#[derive(Debug, Clone)]
pub struct Servers {
    addresses: Vec<SocketAddr>,
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
    pub fn new(addresses: Vec<SocketAddr>, homes: Vec<u32>, roam: bool) -> Self {
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

    /// The server of a client who passed on `moved` times.
    #[must_use]
    pub fn after(&self, client: u32, moved: usize) -> SocketAddr {
        self.at(self.home(client) + moved)
    }

    /// The server of a client: for streams, sockets and sends.
    #[must_use]
    pub fn of(&self, client: u32) -> SocketAddr {
        self.at(self.home(client))
    }

    /// The server that a client's `n`th ask goes to.
    #[must_use]
    pub fn of_ask(&self, client: u32, n: usize) -> SocketAddr {
        self.at(self.home(client) + if self.roam { n } else { 0 })
    }

    fn home(&self, client: u32) -> usize {
        self.homes.get(client as usize).copied().unwrap_or(0) as usize
    }

    fn at(&self, index: usize) -> SocketAddr {
        self.addresses[index % self.addresses.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_go_round_where_they_may() {
        let all: Vec<SocketAddr> = (1..=3).map(|port| ([127, 0, 0, 1], port).into()).collect();
        let ports = |servers: &Servers| {
            [0, 1, 2, 3].map(|n| servers.of_ask(1, n).port()).iter().map(u16::to_string).collect::<String>()
        };
        assert_eq!(ports(&Servers::new(all.clone(), vec![0, 2], true)), "3123");
        let stays = Servers::new(all, vec![0, 2], false);
        assert_eq!((ports(&stays).as_str(), stays.of(1).port(), stays.of(9).port()), ("3333", 3, 1));
    }
}
