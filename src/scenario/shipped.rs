//! The scenarios inside the binary, in the order of a course, and how `run` finds one.

use std::path::Path;

use super::file::{self, Overrides, Problems};
use super::{Scenario, nearest, plain};

/// A scenario that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// What `run` calls it.
    pub name: &'static str,
    /// The TOML file, comments and all.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(Shipped { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),+]
    };
}

/// How many of [`ALL`] are the course; what others published follows.
const COURSE: usize = 18;

/// The course: those over real sockets, then those too long for anything but virtual time. Then what
/// others published, and the places where polling wins.
const ALL: [Shipped; 29] = shipped![
    "letters",
    "in-between",
    "chat",
    "cricket",
    "ticker",
    "game",
    "connection-per-poll",
    "two-servers",
    "frozen-server",
    "slow-reader",
    "reconnect-storm",
    "idle-proxy",
    "server-killed",
    "drain",
    "redis-restart",
    "cricket-match",
    "messenger-day",
    "market-open",
    "http-wins",
    "push-loses",
    "headers",
    "http-2",
    "quantum-leap",
    "pull-grid",
    "on-the-curve",
    "long-poll-bounds",
    "quarter-second",
    "connection-memory",
    "cricket-cached",
];

/// Every shipped scenario: the course, then the published results.
#[must_use]
pub fn all() -> &'static [Shipped] {
    &ALL
}

/// The scenarios of the course, in its order.
#[must_use]
pub fn course() -> &'static [Shipped] {
    &ALL[..COURSE]
}

/// The scenarios that reproduce published results or show where polling wins.
#[must_use]
pub fn published() -> &'static [Shipped] {
    &ALL[COURSE..]
}

/// The shipped scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Shipped> {
    ALL.iter().find(|shipped| shipped.name == name)
}

/// The shipped name that `written` was probably meant to be.
#[must_use]
pub fn suggestion(written: &str) -> Option<&'static str> {
    nearest(written, ALL.iter().map(|shipped| shipped.name))
}

/// Why no scenario came of a path or name; each is a mistake of the user (exit code 2).
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither a file nor a shipped name.
    #[error(
        "there is no scenario \"{name}\"; there are {}, and a file of your own goes by its path, like ./my.toml{}",
        names(),
        hint(.name)
    )]
    Unknown {
        /// As written.
        name: String,
    },
    /// A path that could not be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// As written.
        path: String,
        /// In words.
        reason: String,
    },
    /// A file that was read and is wrong, one problem a line.
    #[error(transparent)]
    Invalid(#[from] Problems),
}

fn hint(name: &str) -> String {
    suggestion(name).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

fn names() -> String {
    ALL.map(|shipped| shipped.name).join(", ")
}

/// Longer than any scenario that a person wrote.
const LARGEST_FILE: u64 = 1 << 20;

/// The text behind a path or a shipped name, its name and how messages call it.
///
/// A path is what exists, has a separator or ends in `.toml`; anything else is a shipped name, which
/// a file of the same name in the current folder does not hide.
///
/// # Errors
/// [`LoadError::Unknown`] or [`LoadError::Unreadable`].
pub fn text(path_or_name: &str) -> Result<(String, String), LoadError> {
    if let Some(shipped) = find(path_or_name) {
        return Ok((shipped.name.to_owned(), shipped.text.to_owned()));
    }
    let path = Path::new(path_or_name);
    let is_path = path_or_name.contains(['/', '\\']) || path_or_name.ends_with(".toml") || path.exists();
    if !is_path {
        return Err(LoadError::Unknown { name: path_or_name.to_owned() });
    }
    let text = plain::read(path, LARGEST_FILE, "a scenario is a TOML text")
        .map_err(|reason| LoadError::Unreadable { path: path_or_name.to_owned(), reason })?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("scenario");
    Ok((name.to_owned(), text))
}

/// Loads a scenario by path or shipped name, with the command line's overrides.
///
/// # Errors
/// What [`text`] and [`file::read`] say.
pub fn load(path_or_name: &str, overrides: &Overrides) -> Result<Scenario, LoadError> {
    let (name, text) = text(path_or_name)?;
    Ok(file::read(&name, path_or_name, &text, overrides)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::Engine;
    use crate::transport::Way;
    use crate::workload::{Planned, Schedule};

    fn scenario(shipped: &Shipped) -> Scenario {
        load(shipped.name, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_shipped_scenario_is_a_short_sound_lesson() {
        for shipped in all() {
            let scenario = scenario(shipped);
            assert!(scenario.lesson.is_some() && scenario.predict.is_some(), "{}", shipped.name);
            let sources = shipped.text.contains("Real systems (2026-11):") || !scenario.claims.is_empty();
            assert!(sources && shipped.text.contains("2026-11):"), "{}", shipped.name);
            assert!(shipped.text.lines().all(|line| line.chars().count() <= 110), "{}", shipped.name);
        }
    }

    fn by_engine(engine: Engine) -> impl Iterator<Item = (&'static str, Scenario)> {
        let all = course().iter().map(|shipped| (shipped.name, scenario(shipped)));
        all.filter(move |(_, scenario)| scenario.engine == engine)
    }

    #[test]
    fn every_live_scenario_is_over_soon() {
        for (name, scenario) in by_engine(Engine::Live) {
            assert!(scenario.duration <= Duration::from_secs(30));
            let longest = scenario.transports.iter().map(|transport| match &transport.way {
                Way::Poll { interval, .. } => *interval,
                Way::LongPoll { hold } => *hold,
                _ => Duration::ZERO,
            });
            let grace = longest.max().unwrap_or_default() + Duration::from_secs(2);
            assert!(scenario.warmup + scenario.duration + grace <= Duration::from_secs(40), "{name}");
        }
    }

    /// A report is drawn again from the scenario inside its outcome.
    #[test]
    fn every_scenario_survives_being_written_as_json() {
        for shipped in all() {
            let scenario = scenario(shipped);
            let json = serde_json::to_string(&scenario).unwrap();
            assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
        }
    }

    /// Deliveries by push to all readers, and events that clients send.
    fn pushed_and_sent(scenario: &Scenario, schedule: &Schedule) -> (usize, usize) {
        let mut readers = vec![0usize; schedule.topics.len()];
        for topic in &schedule.reads {
            readers[*topic as usize] += 1;
        }
        let of = |event: &Planned| readers[event.topic as usize] - usize::from(event.author.is_some());
        assert_eq!(schedule.reads.len(), scenario.clients as usize);
        let sent = schedule.events.iter().filter(|event| event.author.is_some()).count();
        (schedule.events.iter().map(of).sum(), sent)
    }

    fn window(scenario: &Scenario) -> Schedule {
        let to = crate::clock::as_micros(scenario.duration);
        scenario.workload.schedule(scenario.clients, scenario.seed, 0, to)
    }

    /// Two cores carry all transports of a scenario at once.
    #[test]
    fn every_live_scenario_is_a_moderate_load() {
        for (name, scenario) in by_engine(Engine::Live) {
            let seconds = scenario.duration.as_secs_f64();
            let (pushed, sent) = pushed_and_sent(&scenario, &window(&scenario));
            let clients = f64::from(scenario.clients);
            let (mut requests, mut deliveries) = (0.0, 0.0);
            for transport in &scenario.transports {
                deliveries += pushed as f64 / seconds;
                requests += match &transport.way {
                    Way::Poll { interval, .. } => clients / interval.as_secs_f64() + sent as f64 / seconds,
                    Way::LongPoll { hold } => (pushed + sent) as f64 / seconds + clients / hold.as_secs_f64(),
                    Way::Sse => sent as f64 / seconds,
                    Way::WebSocket { .. } => 0.0,
                };
            }
            assert!(pushed > 100, "{name}: {pushed} deliveries say nothing");
            assert!(requests < 1_500.0 && deliveries < 8_000.0, "{name}: {requests} {deliveries}");
        }
    }

    /// Virtual time costs by the delivery, and the list of events lies in memory.
    #[test]
    fn every_whole_life_fits_into_seconds() {
        for (name, scenario) in by_engine(Engine::Sim) {
            let schedule = window(&scenario);
            let (pushed, _) = pushed_and_sent(&scenario, &schedule);
            assert!(scenario.duration >= Duration::from_secs(3_600), "{name}: for this there is live");
            assert!(schedule.events.len() <= 500_000, "{name}: {} events", schedule.events.len());
            let deliveries = pushed * scenario.transports.len();
            assert!((1_000..20_000_000).contains(&deliveries), "{name}: {deliveries}");
        }
    }

    #[test]
    fn the_whole_match_is_one_match() {
        let match_ = scenario(find("cricket-match").unwrap());
        let summaries: Vec<_> =
            window(&match_).events.into_iter().filter(|event| event.kind == "summary").collect();
        assert_eq!(summaries.len(), 2, "{summaries:#?}");
        let minutes_left = match_.duration.as_secs() / 60 - summaries[1].at.unsigned_abs() / 60_000_000;
        assert!(minutes_left <= 15, "{minutes_left} minutes, and the next match would begin");
    }

    #[test]
    fn a_name_is_a_shipped_one_and_a_path_is_a_file() {
        let told = |name: &str| load(name, &Overrides::default()).unwrap_err().to_string();
        assert!(told("leters").contains("did you mean \"letters\"?"));
        assert!(told("nothing-like-it").contains("there are letters, in-between"));
        assert!(told("nowhere/at-all.toml").contains("nowhere/at-all.toml: there is no such file"));
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        assert!(told(folder.path().to_str().unwrap()).contains("is a folder"));
        std::fs::write(path("latin.toml"), b"title = \"\xe9\"").unwrap();
        assert!(told(&path("latin.toml")).contains("is not UTF-8"));
        std::fs::write(path("binary.toml"), b"a\0b").unwrap();
        assert!(told(&path("binary.toml")).contains("binary"));
        std::fs::write(path("mine.toml"), ALL[0].text).unwrap();
        let mine = load(&path("mine.toml"), &Overrides::default()).unwrap();
        assert_eq!((mine.name.as_str(), mine.clients), ("mine", 300));
        std::fs::write(path("wrong.toml"), "clients = 0").unwrap();
        let said = told(&path("wrong.toml"));
        assert!(said.contains(&format!("{}:1: clients: 0", path("wrong.toml"))), "{said}");
    }
}
