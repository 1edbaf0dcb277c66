//! `kind = "trace"`: finds the file, reads it, and names its wrong lines beside the scenario's own.

use std::path::Path;
use std::sync::Arc;

use sha1::{Digest, Sha1};

use crate::scenario::{Workload, plain};
use crate::workload::Trace;

use super::section::Section;
use super::tree::{Node, Origin, clean};

const LARGEST_FILE: u64 = 256 << 20;

/// `None` when there was a problem. `clients` is 0 when the file has none that would do.
pub(super) fn read(section: &mut Section<'_>, clients: u32) -> Option<Workload> {
    let Some(node) = section.get("file") else {
        section.missing("file", "file = \"PATH\" of a file of JSON lines");
        return None;
    };
    let Some(file) = node.text() else {
        section.problem("file", &node.origin, format!("{} is not text; write it in quotes", node.shown()));
        return None;
    };
    // A path in the file means the same wherever one stands; one from the command line is meant from
    // where one stands.
    let path = match node.origin {
        Origin::Flag(_) => Path::new(file).to_owned(),
        _ => section.folder().join(file),
    };
    let text = match plain::read(&path, LARGEST_FILE, "a trace is a text of JSON lines") {
        Ok(text) => text,
        Err(reason) => {
            section.problem("file", &node.origin, format!("{}: {reason}", clean(&path.to_string_lossy())));
            return None;
        }
    };
    match Trace::parse(&text) {
        Ok(trace) => {
            enough_readers(section, node, &trace, clients);
            Some(Workload::Trace {
                file: file.to_owned(),
                events: trace.events.len() as u64,
                digest: digest(text.as_bytes()),
                recorded: Arc::new(trace),
            })
        }
        Err(wrong) => {
            for line in wrong {
                section.problem_in(&path, line.line, &line.message);
            }
            None
        }
    }
}

/// Nobody would hear what is told to a topic without a reader.
fn enough_readers(section: &Section<'_>, node: &Node, trace: &Trace, clients: u32) {
    let topics = trace.topics.len();
    if clients > 0 && (clients as usize) < topics {
        let message = format!("{topics} topics need a reader each; write clients = {topics} or more");
        section.problem("file", &node.origin, message);
    }
}

fn digest(bytes: &[u8]) -> String {
    let hex = Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha1:{hex}")
}
