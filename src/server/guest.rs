//! Limits by address: how many connections one address holds, and how often it asks.
//!
//! Loopback is exempt: a whole simulated crowd comes from there.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Everybody who is connected, by address.
#[derive(Debug)]
pub(super) struct Guests {
    most: u32,
    /// Whether loopback is limited like any other address; for tests.
    limit_loopback: bool,
    connections: Mutex<HashMap<IpAddr, u32>>,
    rate: Rate,
}

/// A bucket per address that refills evenly (GCRA).
type Rate =
    RateLimiter<IpAddr, HashMapStateStore<IpAddr>, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// The other end of one connection. Dropped, it is counted out.
#[derive(Debug)]
pub(super) struct Guest {
    /// Where it is limited: by whom, and as which address.
    limited: Option<(Arc<Guests>, IpAddr)>,
}

impl Guests {
    /// At most `connections` of one address, and `rate` requests a second, twice as many at once.
    pub(super) fn new(connections: u32, rate: NonZeroU32, limit_loopback: bool) -> Arc<Self> {
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(rate).allow_burst(burst);
        let rate = RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock);
        Arc::new(Self { most: connections, limit_loopback, connections: Mutex::default(), rate })
    }

    /// One connection more of this address; `None` when it has too many.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Guest> {
        let address = address.to_canonical();
        if address.is_loopback() && !self.limit_loopback {
            return Some(Guest { limited: None });
        }
        let address = household(address);
        let mut connections = self.connections();
        let count = connections.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Guest { limited: Some((self.clone(), address)) })
    }

    /// Forgets addresses whose bucket is full again.
    pub(super) fn forget_the_idle(&self) {
        self.rate.retain_recent();
        self.rate.shrink_to_fit();
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom one address stands for: a home is given 2^64 addresses of IPv6, so those count as one.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

impl Guest {
    /// Whether it may ask once more now.
    pub(super) fn may_ask(&self) -> bool {
        self.limited.as_ref().is_none_or(|(guests, address)| guests.rate.check_key(address).is_ok())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some((guests, address)) = &self.limited else { return };
        let mut connections = guests.connections();
        if let Some(count) = connections.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                connections.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests(connections: u32, rate: u32) -> Arc<Guests> {
        Guests::new(connections, NonZeroU32::new(rate).unwrap(), false)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_holds_so_many_connections_and_no_other_suffers() {
        let guests = guests(2, 1000);
        let held = [guests.enter(ip("192.0.2.1")).unwrap(), guests.enter(ip("192.0.2.1")).unwrap()];
        assert!(guests.enter(ip("192.0.2.1")).is_none());
        assert!(guests.enter(ip("::ffff:192.0.2.1")).is_none(), "the same address in other clothes");
        assert!(guests.enter(ip("192.0.2.2")).is_some());
        drop(held);
        assert!(guests.enter(ip("192.0.2.1")).is_some());
        assert!(guests.connections().is_empty(), "nobody is remembered");
    }

    #[test]
    fn the_addresses_of_one_home_are_one() {
        let guests = guests(1, 1000);
        let _held = guests.enter(ip("2001:db8::1")).unwrap();
        assert!(guests.enter(ip("2001:db8::2")).is_none());
        assert!(guests.enter(ip("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn loopback_is_exempt() {
        let guests = guests(1, 1);
        for address in ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"] {
            let held: Vec<_> = (0..9).map(|_| guests.enter(ip(address)).unwrap()).collect();
            assert!(held.iter().all(|guest| guest.may_ask() && guest.may_ask()), "{address}");
        }
    }

    #[test]
    fn a_rate_has_a_burst_and_an_end_and_is_shared_by_the_connections_of_an_address() {
        let guests = guests(9, 1);
        let [one, two] = [ip("192.0.2.1"); 2].map(|address| guests.enter(address).unwrap());
        assert!(one.may_ask() && two.may_ask());
        assert!(!one.may_ask() && !two.may_ask());
        assert!(guests.enter(ip("192.0.2.2")).unwrap().may_ask());
        guests.forget_the_idle();
        assert_eq!(guests.rate.len(), 2, "who asked a moment ago is still known");
    }
}
