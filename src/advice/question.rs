//! A question asked by flags, as the scenario it stands for.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Machine, Need, Situation, Unable, longest_interval};
use crate::scenario::file::{self, Overrides};
use crate::transport::Transport;
use crate::units::{format_duration, format_size};

/// What the flags say.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// People.
    pub clients: u32,
    /// Mean time between messages to one person.
    pub gap: Duration,
    /// Longest that 99 of 100 messages may take.
    pub max_delay: Duration,
    /// Size of `data` as JSON, bytes.
    pub payload: Option<u64>,
    /// Round trip.
    pub rtt: Option<Duration>,
    /// Mean stay.
    pub visit: Option<Duration>,
    /// Whether all read the same feed and may be answered from a cache.
    pub cacheable: bool,
    /// Whether people write to each other.
    pub two_way: bool,
}

/// A window long enough for every opening to count as nothing.
const WINDOW: Duration = Duration::from_secs(3600);

impl Question {
    /// The scenario as a file would say it. News is a Poisson process: to an inbox each, to one feed
    /// where it is cacheable, or in rooms of two who write equally often.
    #[must_use]
    pub fn file(&self) -> String {
        // An event of another person takes a trip up before the one down.
        let trips = if self.two_way { 1.0 } else { 0.5 };
        let trip = self.rtt.map_or(0.0, |rtt| rtt.as_secs_f64() * trips);
        let interval = longest_interval(self.max_delay.as_secs_f64(), trip);
        // Half for the cache's age, half for the wait.
        let interval = if self.cacheable { interval / 2 } else { interval };
        let whole = |value: Duration| Duration::from_micros(value.as_micros().max(1000) as u64);
        let interval = format_duration(whole(interval));
        let gap = |value: Duration| format_duration(whole(value));
        let mut text = format!(
            "title = \"Which transport?\"\nduration = \"{}\"\nwarmup = \"{interval}\"\nclients = {}\n",
            format_duration(WINDOW),
            self.clients
        );
        // Writing to a String cannot fail.
        let _ = if self.two_way {
            write!(
                text,
                "[workload]\nkind = \"chat\"\nmembers = 2\ngap_per_room = \"{}\"\n",
                gap(self.gap / 2)
            )
        } else {
            let inbox = if self.cacheable { "shared" } else { "own" };
            let kind = format!("kind = \"poisson\"\nmean_gap = \"{}\"\ninbox = \"{inbox}\"", gap(self.gap));
            write!(text, "[workload]\n{kind}\n")
        };
        if let Some(payload) = self.payload {
            let _ = writeln!(text, "payload = \"{}\"", format_size(payload));
        }
        if let Some(rtt) = self.rtt.filter(|rtt| !rtt.is_zero()) {
            let _ = writeln!(text, "[network]\nrtt = \"{}\"", format_duration(rtt));
        }
        let _ = write!(text, "[[transport]]\nkind = \"poll\"\ninterval = \"{interval}\"\n");
        text
    }

    /// The situation it stands for.
    ///
    /// # Errors
    /// A value that no scenario may have.
    pub fn situation(&self, machine: Machine) -> Result<Situation, Unable> {
        let read = file::read("advise", "advise", &self.file(), &Overrides::default());
        let mut scenario = read.map_err(|problems| Unable(problems.to_string()))?;
        scenario.transports = four_ways(&scenario.transports);
        let need = Need {
            max_delay_s: Some(self.max_delay.as_secs_f64()),
            assumed: false,
            cacheable: self.cacheable,
            visit_s: self.visit.map(|visit| visit.as_secs_f64()),
        };
        Ok(Situation { scenario, need, machine, averaged: true })
    }
}

/// The four ways in their order: the first of each kind among `own`, else one with the defaults of a
/// scenario file (and a poll every 5 s).
#[must_use]
pub fn four_ways(own: &[Transport]) -> Vec<Transport> {
    const ALL: &str = "clients = 1\n[workload]\nkind = \"poisson\"\nmean_gap = \"1s\"\n\
                       [[transport]]\nkind = \"poll\"\ninterval = \"5s\"\n[[transport]]\nkind = \"long-poll\"\n\
                       [[transport]]\nkind = \"sse\"\n[[transport]]\nkind = \"websocket\"\n";
    let defaults = file::read("advise", "advise", ALL, &Overrides::default());
    let defaults = defaults.map(|scenario| scenario.transports).unwrap_or_default();
    let first = |default: Transport| {
        own.iter().find(|own| own.way.kind() == default.way.kind()).cloned().unwrap_or(default)
    };
    defaults.into_iter().map(first).collect()
}
