//! anynews: what polling wastes and what push delivers, measured on one machine.
//!
//! The crate is an hourglass. A [`scenario::Scenario`] goes into an engine; every engine returns the
//! same [`outcome::Outcome`]; every outlet sees only that outcome. Imports run downward through the
//! layers below, and `tests/it/tidy.rs` keeps them so. See ARCHITECTURE.md for the invariants.

// Layer 0, vocabulary: no sockets.
pub mod clock;
pub mod event;
pub mod fault;
pub mod feed;
pub mod headers;
pub mod link;
pub mod os;
pub mod random;
pub mod target;
pub mod tls;
pub mod token;
pub mod transport;
pub mod units;
pub mod wire;

// Layer 1, experiment and measurement: pure.
pub mod claim;
pub mod ledger;
pub mod outcome;
pub mod scenario;
pub mod sizes;
pub mod threshold;
pub mod workload;

// Layer 2, the system under test: async. `server` and `client` never import each other.
pub mod broker;
pub mod client;
pub mod server;

// Layer 3, engines: Scenario -> Outcome.
pub mod live;
pub mod sim;
pub mod theory;

// Layer 4, judgement: what the figures recommend.
pub mod advice;
pub mod merge;

// Layer 5, outlets.
pub mod handshake;
pub mod report;

pub mod cli;
pub mod fuzz;
