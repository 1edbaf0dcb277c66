//! How a run was measured, and what its figures do not say.

use crate::headers::Headers;
use crate::outcome::Outcome;
use crate::scenario::Engine;

/// How it was measured, and what it does not say: heading and text.
#[must_use]
pub fn method(outcome: &Outcome) -> Vec<(&'static str, &'static str)> {
    let elsewhere = !outcome.targets.is_empty();
    let mut parts = vec![match outcome.engine {
        Engine::Live if elsewhere => (
            "Measured",
            "Delay runs from the intended publish time to the moment the person has the message in hand. Publisher and \
             people are on one machine and go by its one clock, so the servers’ clocks do not matter; a stall counts in \
             full. The servers were running already: their bytes, connections, CPU and memory are nobody’s to count here.",
        ),
        Engine::Live => (
            "Measured",
            "Delay runs from the intended publish time to the moment the person has the message in hand, on one clock \
             for all processes; a stall counts in full. Bytes are counted on the server’s accepted sockets: request \
             lines, headers, bodies and frames, for every transport alike. CPU and memory are of the server process alone.",
        ),
        Engine::Sim => (
            "Simulated",
            "No socket was opened and no machine was measured: events, polls and answers happen in virtual time, with the \
             schedule, the pacing and the ledger of a live run. Machines are infinitely fast here, so all delay is waiting \
             or network. Bytes are the sizes that our own client and server would send.",
        ),
        Engine::Theory => (
            "Computed",
            "Nothing was run: every figure is the expectation of a formula. What the schedule settles (messages, who reads \
             them) is exact; other counts are expectations, rounded. That nothing is lost, doubled or out of order is \
             assumed. Machines are infinitely fast.",
        ),
    }];
    if outcome.engine != Engine::Theory {
        parts.push((
            "Modelled",
            "The people are simulated. Their polls follow a fixed schedule with seeded phases, and every transport \
             sees the same seeded messages. Dotted lines and dashed marks are formulas, not measurements.",
        ));
    }
    if !elsewhere {
        parts.push((
            "Estimated",
            "The wire estimate adds 40 bytes of TCP/IP for each segment of at most 1,448 bytes; bare acknowledgements \
             are not counted.",
        ));
    }
    parts.push(match &outcome.scenario.network {
        None if elsewhere => (
            "Assumed",
            "That nobody else kept the servers or the network busy. The formulas know no network: measured delays hold \
             the way to the server and back to the reader as well.",
        ),
        None => (
            "Assumed",
            "Loopback: no distance, no loss. On a real network add half your round trip to each delay, on both sides of \
             the comparison.",
        ),
        Some(_) => (
            "Assumed",
            "The network delays every message by half the round trip, give or take the jitter. A lost segment is late by \
             a retransmission time-out, and holds up all that follows on its connection. The schedule’s own publisher \
             is not delayed.",
        ),
    });
    if outcome.engine == Engine::Live && outcome.scenario.network.is_some() {
        parts.push((
            "Counted too",
            "The server itself holds the bytes back, and its CPU holds the cost of that, twice for a poll: compare CPU \
             without a network.",
        ));
    }
    parts.push(("Headers", heads(outcome.scenario.headers)));
    parts.push(match outcome.scenario.tls {
        true => (
            "Encrypted",
            "Everything went over TLS: a new connection costs one round trip more and a certificate, a record 22 \
             bytes. No handshake was shortened by an earlier one, as a browser would.",
        ),
        false => ("Encrypted", "Nothing. TLS would make every new connection dearer, and each record 22 bytes larger."),
    });
    if outcome.engine != Engine::Theory {
        parts.push((
            "Not said",
            "The ± beside a share is three standard errors; brackets and bands are 95 % intervals, which miss the truth \
             once in twenty runs. A percentile without enough messages is left out: p99 needs 100, p99.9 needs 1,000.",
        ));
    }
    parts
}

fn heads(headers: Headers) -> &'static str {
    match headers {
        Headers::Lean => {
            "Lean: what is needed and no more. A browser’s headers and cookies make every poll larger."
        }
        Headers::Browser => {
            "A browser’s and a common server’s, without cookies, which would make every poll larger."
        }
        Headers::Total(_) => {
            "Filled, so that the two heads of each exchange have as many bytes as the scenario asks for."
        }
    }
}
