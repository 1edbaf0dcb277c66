//! The run as it is watched: one person's transcript beside a bar on a terminal, plain lines elsewhere.
//!
//! Everything here goes to standard error; standard output is the result's.

use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::client::{Moment, Saw};
use crate::clock::as_micros;
use crate::live::Progress;
use crate::report::{numbers, text};
use crate::scenario::Scenario;
use crate::transport::{Transport, Way};
use crate::units::format_duration;

/// Lines of transcript kept per column.
const LINES: usize = 7;
/// Narrowest column that a transcript can be read in.
const COLUMN: usize = 36;
/// How often the stage is drawn again.
const FRAME: Duration = Duration::from_millis(100);
/// How often plain progress speaks, microseconds.
const LINE_EVERY: i64 = 5_000_000;

/// How much to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Nothing at all.
    Nothing,
    /// A plain line now and then.
    Lines,
    /// The transcript and the bar, drawn again in place.
    Stage,
}

/// Asks the scenario's question and reads a guess; `None` when there is no question or no answer.
pub(super) fn ask(scenario: &Scenario) -> anyhow::Result<Option<String>> {
    let Some(question) = &scenario.predict else { return Ok(None) };
    anstream::eprint!("{}\n\nYour guess: {question} [Enter skips] ", title(scenario));
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let guess: String = line.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    Ok((!guess.is_empty()).then_some(guess))
}

fn title(scenario: &Scenario) -> String {
    let people = numbers::people(scenario.clients);
    let (window, place) = (numbers::duration(scenario.duration), text::place(scenario.engine));
    format!("{} · {people} · {window} · {place}", scenario.title).replace('\u{a0}', " ")
}

/// Shows a run until the engine lets go of the other end.
pub(super) async fn play(scenario: Scenario, show: Show, mut events: UnboundedReceiver<Progress>) {
    let mut stage = Stage::new(&scenario);
    match show {
        Show::Nothing => while events.recv().await.is_some() {},
        Show::Lines => {
            while let Some(event) = events.recv().await {
                stage.take(event);
                if let Some(line) = stage.spoken.take() {
                    super::say(&line);
                }
            }
        }
        Show::Stage => draw_until_done(&mut stage, events).await,
    }
}

async fn draw_until_done(stage: &mut Stage, mut events: UnboundedReceiver<Progress>) {
    let term = console::Term::stderr();
    let mut drawn = 0;
    let mut frame = tokio::time::interval(FRAME);
    let mut done = false;
    while !done {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => { stage.take(event); continue }
                None => done = true,
            },
            _ = frame.tick() => {}
        }
        let width = (term.size().1 as usize).clamp(20, 120);
        let lines = stage.render(width - 1);
        // Drawing is a courtesy: a terminal that went away does not end the run.
        let _ = term.clear_last_lines(drawn);
        for line in &lines {
            super::say(line);
        }
        drawn = lines.len();
    }
    super::say("");
}

/// What the audience sees at one moment.
#[derive(Debug)]
struct Stage {
    title: String,
    columns: Vec<Column>,
    phase: String,
    at: i64,
    duration: i64,
    spoken: Option<String>,
    next_line: i64,
}

#[derive(Debug)]
struct Column {
    label: String,
    heading: String,
    asks: bool,
    idle: String,
    lines: VecDeque<String>,
    delivered: u64,
    polls: u64,
    empty: u64,
}

impl Column {
    fn new(transport: &Transport) -> Self {
        let (heading, idle) = match &transport.way {
            Way::Poll { interval, .. } => {
                (format!("LETTERS (ask every {})", format_duration(*interval)), String::new())
            }
            Way::LongPoll { hold } => (
                "PATIENT LETTERS (long polling)".to_owned(),
                format!("(silence costs a request per {})", format_duration(*hold)),
            ),
            Way::Sse => {
                ("RADIO (server-sent events)".to_owned(), "(silence costs a comment per 15s)".to_owned())
            }
            Way::WebSocket { ping, .. } => (
                "PHONE CALL (WebSocket)".to_owned(),
                format!("(silence costs a ping per {})", format_duration(*ping)),
            ),
        };
        Self {
            label: transport.label.clone(),
            heading,
            asks: transport.way.asks(),
            idle,
            lines: VecDeque::new(),
            delivered: 0,
            polls: 0,
            empty: 0,
        }
    }

    fn take(&mut self, moment: &Moment) {
        if moment.at < 0 && !matches!(moment.saw, Saw::Opened) {
            return;
        }
        let at = format!("{:04.1}", moment.at.max(0) as f64 / 1e6);
        match &moment.saw {
            Saw::Opened if self.heading.starts_with("PHONE") => {
                self.push(format!("{at} GET … Upgrade → 101"))
            }
            Saw::Opened => self.push(format!("{at} GET … → 200, and it never ends")),
            Saw::Nope => self.push(format!("{at} Any new messages? Nope")),
            Saw::News { text, waited } if self.asks => {
                self.push(format!("{at} Yes! {text}"));
                self.push(format!("     waited {}", span(*waited)));
            }
            Saw::News { text, waited } => self.push(format!("{at} ← {text}   {}", span(*waited))),
        }
    }

    fn push(&mut self, line: String) {
        self.lines.push_back(line);
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// The transcript line at `row`; the first free one says what silence costs.
    fn line(&self, row: usize) -> &str {
        match self.lines.get(row) {
            Some(line) => line,
            None if row == self.lines.len() => &self.idle,
            None => "",
        }
    }

    fn tally(&self) -> String {
        let count = crate::report::numbers::count;
        if self.asks {
            let share = if self.polls == 0 { 0.0 } else { 100.0 * self.empty as f64 / self.polls as f64 };
            format!("{} asked, {} “Nope” ({share:.0} %)", count(self.polls), count(self.empty))
        } else {
            format!("{} messages, nothing asked", count(self.delivered))
        }
    }
}

impl Stage {
    fn new(scenario: &Scenario) -> Self {
        Self {
            title: title(scenario),
            columns: scenario.transports.iter().map(Column::new).collect(),
            phase: "starting".to_owned(),
            at: i64::MIN,
            duration: as_micros(scenario.duration),
            spoken: None,
            next_line: LINE_EVERY,
        }
    }

    fn take(&mut self, progress: Progress) {
        match progress {
            Progress::Elsewhere(what) => self.say(what),
            Progress::InTurn(why) => self.say(why),
            Progress::Split(processes) => self.say(format!(
                "the open-file limit of one process does not carry all people: {processes} client processes do"
            )),
            Progress::Connecting(which) => {
                let labels: Vec<&str> = which.iter().map(|&i| self.columns[i].label.as_str()).collect();
                self.at = i64::MIN;
                self.next_line = LINE_EVERY;
                self.say(format!("connecting: {}", labels.join(", ")));
            }
            Progress::Ready(n, of) if n == of => self.say(format!("{n} of {of} people connected")),
            Progress::Ready(n, of) => self.phase = format!("{n} of {of} people connected"),
            Progress::WarmUp(us) => {
                self.say(format!("warm-up: {} in which nothing is counted", span(us)));
            }
            Progress::Moment(index, moment) => self.columns[index].take(&moment),
            Progress::Tick { transport, at, delivered, polls, empty } => {
                let column = &mut self.columns[transport];
                (column.delivered, column.polls, column.empty) = (delivered, polls, empty);
                if at >= 0 && self.at < 0 {
                    self.say(format!("measuring for {}", span(self.duration)));
                }
                self.at = at;
                if at >= self.next_line {
                    self.next_line += LINE_EVERY;
                    let all: Vec<String> =
                        self.columns.iter().map(|c| format!("{}: {}", c.label, c.tally())).collect();
                    self.spoken = Some(format!("{:.0} s · {}", at as f64 / 1e6, all.join(" · ")));
                }
            }
            Progress::Fault(kind) => self.say(format!("fault: {kind}")),
            Progress::Grace => {
                self.at = self.duration;
                self.say("waiting for what is still on its way".to_owned());
            }
        }
    }

    fn say(&mut self, what: String) {
        self.phase.clone_from(&what);
        self.spoken = Some(match self.spoken.take() {
            Some(before) => format!("{before}\n{what}"),
            None => what,
        });
    }

    /// The picture, each line at most `width` columns.
    fn render(&self, width: usize) -> Vec<String> {
        let shown = (width / COLUMN).clamp(1, self.columns.len().max(1));
        let each = width / shown;
        // With less room than transports, the two ends of the comparison are shown.
        let columns: Vec<&Column> = match self.columns.as_slice() {
            all if all.len() <= shown => all.iter().collect(),
            all => all[..shown - 1].iter().chain(all.last()).collect(),
        };
        let across = |cell: &dyn Fn(&Column) -> String| {
            columns.iter().map(|c| pad(&cell(c), each)).collect::<String>().trim_end().to_owned()
        };
        let mut lines = vec![clip(&self.title, width), String::new(), across(&|c| c.heading.clone())];
        lines.extend((0..LINES).map(|row| across(&|c| c.line(row).to_owned())));
        lines.push(across(&Column::tally));
        lines.push(clip(&self.bar(), width));
        lines
    }

    fn bar(&self) -> String {
        const CELLS: i64 = 20;
        if self.at < 0 {
            return self.phase.clone();
        }
        let full = (self.at * CELLS / self.duration.max(1)).clamp(0, CELLS) as usize;
        let bar = "█".repeat(full) + &"░".repeat(CELLS as usize - full);
        format!("[{bar}] {:.0} s of {}", self.at as f64 / 1e6, span(self.duration))
    }
}

fn span(us: i64) -> String {
    crate::report::numbers::ms(us as f64 / 1000.0).replace('\u{a0}', " ")
}

fn clip(text: &str, width: usize) -> String {
    console::truncate_str(text, width, "…").into_owned()
}

/// Clips or fills to `width`, with a gap before the next column.
fn pad(text: &str, width: usize) -> String {
    let text = clip(text, width.saturating_sub(2));
    console::pad_str(&text, width, console::Alignment::Left, None).into_owned()
}

#[cfg(test)]
mod tests;
