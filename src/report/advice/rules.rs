//! When to use what: the list that `advise` prints without a question, each line with a number that is
//! computed here and now, and a command that shows it.

use serde::Serialize;

use super::spoken::{few, seconds};
use super::table::{WIDTH, finish};
use crate::advice::{self, Facts, Machine, Need, Question, Situation};
use crate::report::numbers::{bytes, count, ms, percent};
use crate::report::text::{Style, plain, wrap};
use crate::scenario::file::Overrides;
use crate::scenario::shipped;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// `HTTP`, `WebSocket`, `SSE` or `The platform's push`.
    pub transport: &'static str,
    /// When.
    pub when: &'static str,
    /// A figure that says why.
    pub number: String,
    /// A command that shows it.
    pub show: &'static str,
}

/// The list as text. Ends with a line break.
#[must_use]
pub fn list(style: Style) -> String {
    let mut lines = vec![style.bold("When to use what")];
    let mut last = "";
    for rule in rules() {
        if rule.transport != last {
            last = rule.transport;
            lines.extend([String::new(), style.bold(&format!("{last} when"))]);
        }
        let text = wrap(&plain(&format!("{}: {}", rule.when, rule.number)), WIDTH - 2);
        let lead = |i: usize| if i == 0 { "· " } else { "  " };
        lines.extend(text.iter().enumerate().map(|(i, line)| format!("{}{line}", lead(i))));
        lines.push(style.quiet(&format!("    {}", rule.show)));
    }
    lines.extend([
        String::new(),
        "anynews advise letters              about a scenario".to_owned(),
        "anynews advise --clients 10000 --gap 1m --max-delay 2s".to_owned(),
        "anynews advise chat --interview     as an answer, in the order of an interview".to_owned(),
    ]);
    finish(&lines, style)
}

/// The figures of a shipped scenario with settings changed, by the formulas.
fn figures(name: &str, set: &[&str], need: Need) -> Vec<Facts> {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    let Ok(scenario) = shipped::load(name, &Overrides { set, ..Overrides::default() }) else {
        return Vec::new();
    };
    Situation::of(&scenario, need, Machine::assumed()).figures()
}

fn of<'a>(all: &'a [Facts], kind: &str) -> Option<&'a Facts> {
    all.iter().find(|facts| facts.kind == kind)
}

/// What `say` makes of the figures of the poll and of another kind.
fn both(all: &[Facts], other: &str, say: impl Fn(&Facts, &Facts) -> String) -> String {
    match (of(all, "poll"), of(all, other)) {
        (Some(poll), Some(other)) => say(poll, other),
        _ => String::new(),
    }
}

/// The list.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let letters = figures("letters", &[], Need::default());
    let rule = |transport, when, number, show| Rule { transport, when, number, show };
    let mut all = http(&letters);
    all.extend(web_socket(&letters));
    all.push(rule(
        "SSE",
        "only the server talks",
        both(&letters, "sse", |poll, sse| {
            let mean = |facts: &Facts| facts.delay_ms_mean.map_or_else(String::new, ms);
            format!(
                "as fast as WebSocket ({} beside the network, against {} by polling), over plain HTTP, and it comes \
                 back by itself",
                mean(sse),
                mean(poll)
            )
        }),
        "anynews run in-between",
    ));
    all.push(rule(
        "The platform's push",
        "the app is closed",
        "0 connections of yours; the phone keeps one for all its apps, and wakes for none of them at night"
            .to_owned(),
        "anynews run messenger-day",
    ));
    all
}

fn http(letters: &[Facts]) -> Vec<Rule> {
    let rule = |when, number, show| Rule { transport: "HTTP", when, number, show };
    let three = figures("letters", &["workload.mean_gap=1s", "poll.interval=3s"], Need::default());
    let visit = Need { visit_s: Some(3.0), ..Need::default() };
    let question = Question {
        clients: 10_000_000,
        gap: std::time::Duration::from_secs(34),
        max_delay: std::time::Duration::from_secs(10),
        payload: None,
        rtt: None,
        visit: None,
        cacheable: true,
        two_way: false,
    };
    let cached = question.situation(Machine::assumed()).map(|situation| situation.figures());
    let cached = cached.ok().and_then(|all| of(&all, "poll").cloned());
    let pays =
        advice::choice_of(&figures("letters", &[], visit), &visit).and_then(|choice| match choice.reason {
            advice::Reason::ShortVisit { pays_from_s, .. } => pays_from_s,
            _ => None,
        });
    vec![
        rule(
            "the user asks once",
            both(letters, "websocket", |_, socket| {
                format!("1 request; a WebSocket first takes an upgrade of {}", bytes(socket.opening_bytes))
            }),
            "anynews handshake",
        ),
        rule(
            "news is frequent against the delay allowed",
            of(&three, "poll").and_then(|poll| poll.waste_ratio).map_or_else(String::new, |waste| {
                format!("at 3 messages per interval {} of the asks are for nothing", percent(waste))
            }),
            "anynews run push-loses",
        ),
        rule(
            "many read the same answer, and it may be a little old",
            cached.map_or_else(String::new, |poll| {
                format!(
                    "of {} requests a second by ten million viewers, {} reaches the server",
                    count(poll.requests_per_s as u64),
                    few(poll.origin_per_s.unwrap_or(0.0))
                )
            }),
            "anynews run cricket-cached",
        ),
        rule(
            "visits are short",
            pays.map_or_else(String::new, |from| {
                format!("in letters, the bytes of an upgrade pay from a stay of {} on", seconds(from))
            }),
            "anynews advise letters --visit 3s",
        ),
        rule(
            "clients sleep",
            format!(
                "a socket pinged every 25 s wakes a phone {} times a day, an ask every 15 min {} times",
                count(86_400 / 25),
                86_400 / 900
            ),
            "anynews run messenger-day",
        ),
        rule(
            "retries and statelessness matter",
            both(letters, "websocket", |_, _| {
                "0 bytes are kept between two asks: any server answers the next, and a repeated ask does no harm"
                    .to_owned()
            }),
            "anynews run connection-per-poll",
        ),
    ]
}

fn web_socket(letters: &[Facts]) -> Vec<Rule> {
    let rule = |when, number, show| Rule { transport: "WebSocket", when, number, show };
    let game = figures("game", &[], Need::default());
    let ticker = figures("ticker", &["workload.conflate=false"], Need::default());
    let machine = Machine::assumed();
    let often = 10_000.0 / 0.1;
    let each = |facts: &Facts, people: f64| facts.deliveries_per_s / people;
    vec![
        rule(
            "the delay allowed is shorter than the poll you can afford",
            format!(
                "10,000 people asking every 100 ms are {} requests a second, {} cores",
                count(often as u64),
                few(often * machine.request_us / 1e6)
            ),
            "anynews advise --clients 10000 --gap 10s --max-delay 100ms",
        ),
        rule(
            "news is rare but urgent",
            of(letters, "poll").and_then(|poll| poll.waste_ratio).map_or_else(String::new, |waste| {
                format!(
                    "under 0.69 messages per interval over half of the asks are for nothing; letters: {}",
                    percent(waste)
                )
            }),
            "anynews run letters",
        ),
        rule(
            "both sides talk",
            both(&game, "websocket", |poll, socket| {
                let up = |facts: &Facts| facts.bytes_up_per_s / facts.sends_per_s.max(1.0);
                format!(
                    "in game, {} go up per move by asking and posting, {} by frames",
                    bytes(up(poll)),
                    bytes(up(socket))
                )
            }),
            "anynews run game",
        ),
        rule(
            "small messages are many",
            match (of(&ticker, "sse"), of(&ticker, "websocket")) {
                (Some(sse), Some(socket)) => {
                    let more = (sse.bytes_down_per_s - socket.bytes_down_per_s) / socket.deliveries_per_s;
                    format!(
                        "at {} prices a second to each, an event stream adds {} to every frame's",
                        few(each(socket, socket.connections)),
                        bytes(more)
                    )
                }
                _ => String::new(),
            },
            "anynews run ticker",
        ),
    ]
}
