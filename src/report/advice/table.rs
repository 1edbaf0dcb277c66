//! Advice for a terminal: a table of at most 80 columns, the choice, where it turns round.

use unicode_width::UnicodeWidthStr as _;

use super::sentences::{flip, name, recommendation, setting, steadfast};
use super::spoken::{few, seconds};
use crate::advice::{Advice, Limit, Machine, Row};
use crate::report::numbers::{bytes, count, ms, percent};
use crate::report::text::{Style, pad, plain, visible, wrap};

/// Columns of the whole text.
pub(super) const WIDTH: usize = 80;

/// The advice as text. Ends with a line break.
#[must_use]
pub fn text(advice: &Advice, style: Style) -> String {
    let mut lines = head(advice, style);
    lines.push(String::new());
    lines.extend(table(advice, style));
    lines.push(String::new());
    let said = recommendation(advice).unwrap_or_else(|| {
        "A short poll and a push transport are needed to weigh one against the other.".to_owned()
    });
    lines.extend(wrap(&plain(&said), WIDTH).iter().map(|line| style.bold(line)));
    for (label, why) in &advice.unknown {
        let note = wrap(&plain(&format!("No formula describes {label}: {why}")), WIDTH);
        lines.extend(note.iter().map(|line| style.warning(line)));
    }
    if advice.choice.is_some() {
        lines.extend([String::new(), style.bold("Where it turns round")]);
        lines.extend(advice.flips.iter().flat_map(|turn| hanging(&flip(advice, turn))));
        lines.extend(steadfast(advice).iter().flat_map(|text| hanging(text)));
    }
    lines.push(String::new());
    lines.extend(wrap(&plain(&constants(advice)), WIDTH).iter().map(|line| style.quiet(line)));
    finish(&lines, style)
}

/// Lines to text as every terminal shows it.
pub(super) fn finish(lines: &[String], style: Style) -> String {
    let mut text = lines.join("\n").replace(['“', '”'], "\"").replace('\u{a0}', " ");
    text.push('\n');
    visible(&text, style)
}

/// A point of a list.
pub(super) fn hanging(text: &str) -> Vec<String> {
    let wrapped = wrap(&plain(text), WIDTH - 2);
    let lead = |i: usize| if i == 0 { "· " } else { "  " };
    wrapped.iter().enumerate().map(|(i, line)| format!("{}{line}", lead(i))).collect()
}

/// The title, and `300 people · news every 47.5 s · at most 5 s late`.
pub(super) fn head(advice: &Advice, style: Style) -> Vec<String> {
    let scenario = &advice.scenario;
    let mut parts = vec![format!("{} people", count(u64::from(scenario.clients)))];
    if let Some((_, gap)) = scenario.workload.gap() {
        parts.push(format!("news every {}", seconds(gap.as_secs_f64())));
    }
    if let Some(bound) = advice.need.max_delay_s {
        parts.push(format!("at most {} late", seconds(bound)));
    }
    if let Some(visit) = advice.need.visit_s {
        parts.push(format!("visits of {}", seconds(visit)));
    }
    let title = wrap(&plain(&scenario.title), WIDTH).iter().map(|line| style.bold(line)).collect::<Vec<_>>();
    title.into_iter().chain([style.quiet(&plain(&parts.join(" · ")))]).collect()
}

type Cell<'a> = &'a dyn Fn(&Row) -> Option<String>;

fn table(advice: &Advice, style: Style) -> Vec<String> {
    let rows: [(&str, Cell<'_>); 13] = [
        ("requests/s", &|row| Some(few(row.facts.requests_per_s))),
        ("  to the server", &|row| row.facts.origin_per_s.map(few)),
        ("for nothing", &|row| row.facts.waste_ratio.map(percent)),
        ("mean delay", &|row| row.facts.delay_ms_mean.map(ms)),
        ("99 in 100 within", &|row| row.facts.delay_ms_p99.map(ms)),
        ("within the bound", &|row| row.holds.map(|holds| if holds { "yes" } else { "no" }.to_owned())),
        ("bytes/s up", &|row| Some(bytes(row.facts.bytes_up_per_s))),
        ("bytes/s down", &|row| Some(bytes(row.facts.bytes_down_per_s))),
        ("connections", &|row| Some(few(row.facts.connections))),
        ("server cores", &|row| Some(small(row.server.cpu_cores))),
        ("server memory", &|row| Some(bytes(row.server.memory_bytes))),
        ("machines", &|row| Some(small(row.server.machine_share))),
        ("  by their", &|row| Some(if row.server.limit == Limit::Cpu { "CPU" } else { "memory" }.to_owned())),
    ];
    let all = &advice.transports;
    let heads: Vec<String> = all.iter().map(|row| name(&row.facts.label, &row.facts.kind)).collect();
    let settings: Vec<String> = all.iter().map(|row| setting(&row.facts)).collect();
    let cells: Vec<(&str, Vec<String>)> = rows
        .iter()
        .map(|(head, cell)| (*head, all.iter().map(cell).collect::<Vec<_>>()))
        .filter(|(_, cells)| cells.iter().any(Option::is_some))
        .map(|(head, cells)| (head, cells.into_iter().map(|c| c.unwrap_or_else(|| "–".to_owned())).collect()))
        .collect();
    let first = cells.iter().map(|(head, _)| head.width()).max().unwrap_or(0) + 2;
    let widths: Vec<usize> = (0..all.len())
        .map(|i| {
            let column = cells.iter().map(|(_, cells)| cells[i].width());
            column.chain([heads[i].width(), settings[i].width()]).max().unwrap_or(0) + 2
        })
        .collect();
    let line = |head: &str, cells: &[String]| {
        let padded: String =
            cells.iter().zip(&widths).map(|(text, width)| pad(&plain(text), *width)).collect();
        format!("{}{padded}", pad(head, first)).trim_end().to_owned()
    };
    let mut lines = vec![style.bold(&line("", &heads)), style.quiet(&line("", &settings))];
    lines.extend(cells.iter().map(|(head, cells)| line(head, cells)));
    lines
}

/// A number of cores or machines, never nought for something.
pub(super) fn small(value: f64) -> String {
    if value > 0.0 && value < 0.0005 { "<0.001".to_owned() } else { few(value) }
}

fn constants(advice: &Advice) -> String {
    let tls = if advice.scenario.tls {
        " Bytes and cores are those without TLS, which adds 22 bytes to each record and a handshake to each \
         connection."
    } else {
        ""
    };
    format!("Delays are those of this network alone.{tls} {}", about(&advice.machine))
}

/// The constants of a server in a sentence, and where they come from.
fn about(machine: &Machine) -> String {
    format!(
        "Server: {} cores, {}; a poll takes {:.0} µs, a long poll {:.0} µs, an event by SSE {:.0} µs, a frame \
         {:.0} µs; memory of a connection {}, of a held poll {}, a stream {}, a socket {} ({}).",
        machine.cores,
        bytes(machine.memory_bytes),
        machine.request_us,
        machine.held_us,
        machine.event_us,
        machine.frame_us,
        bytes(machine.poll_bytes),
        bytes(machine.held_bytes),
        bytes(machine.stream_bytes),
        bytes(machine.socket_bytes),
        machine.origin
    )
}

/// The constants as text. Ends with a line break.
#[must_use]
pub fn machine(machine: &Machine) -> String {
    finish(&wrap(&plain(&about(machine)), WIDTH), Style::Plain)
}
