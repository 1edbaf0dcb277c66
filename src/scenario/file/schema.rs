//! What a scenario file may say as a JSON Schema, from the reader's own tables of keys.
//!
//! It says what such a schema can: not that clients fill whole rooms, that jitter is at most half a
//! round trip, that a duration lies in its range, or that a metric exists. Keys whose part is not
//! built yet are left out, as the reader refuses them; so does it not say which faults need a fleet.

use serde_json::{Map, Value, json};

use crate::link::PROFILES;

use super::section::{Bounds, LONGEST_LINE, required};
use super::{MOST_CLIENTS, TOP, claims, faults, fleet, network, transports, workload};

/// A JSON Schema, draft 2020-12, of scenario files read as JSON.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "anynews scenario",
        "description": "An experiment: who listens, to what, by which ways, for how long.",
        "type": "object",
        "required": ["clients", "workload", "transport"],
        "properties": properties(&TOP, top),
        "additionalProperties": false,
        "$defs": {
            "line": {
                "type": "string",
                "maxLength": LONGEST_LINE,
                "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"
            },
            "duration": unit("^[0-9]+(\\.[0-9]+)?(h|m|s|ms|us)$", &["250ms", "5s", "2m", "1h"]),
            "rate": unit("^[0-9]+(\\.[0-9]+)?(G|M|k)?bit/s$", &["500kbit/s", "9Mbit/s"]),
            "size": unit("^[0-9]+(\\.[0-9]+)?(GiB|MiB|KiB|B)$", &["64B", "4KiB"]),
            "condition": {
                "description": "k6's grammar: an aggregate, a comparison, a number.",
                "type": "string",
                "pattern": r"^\s*(value|count|min|max|avg|mean|med|p\(\s*\+?(100(\.0*)?|[0-9]{1,2}(\.[0-9]*)?|\.[0-9]+)\s*\))\s*(===|==|!=|<=|>=|<|>)\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$",
                "examples": ["p(99)<50", "value>0.8"]
            },
            "thresholds": {
                "description": "Conditions by metric, LABEL.metric; tables within tables mean the same.",
                "type": "object",
                "additionalProperties": { "anyOf": [
                    refer("condition"),
                    { "type": "array", "items": refer("condition") },
                    refer("thresholds")
                ] }
            }
        }
    })
}

fn top(key: &str) -> Option<Value> {
    Some(match key {
        "title" => said("line", "Headline; the file's name when absent."),
        "predict" => said("line", "Question asked on a terminal before the run."),
        "answer" => said("line", "What answers that question, as arithmetic on metrics like a claim's."),
        "lesson" => said("line", "What the run teaches, in one sentence."),
        "seed" => json!({
            "description": "Seed of every random draw; 1 when absent.",
            "type": "integer", "minimum": 0, "maximum": u64::MAX
        }),
        "duration" => said("duration", "The measured window, 100ms to 24h; 20s when absent."),
        "warmup" => said("duration", "Traffic before the window that is not counted."),
        "clients" => count("People, per transport.", Bounds { least: 1, most: MOST_CLIENTS }),
        "visit" => said(
            "duration",
            "Mean stay of people, who come and go, 100ms to 24h; absent: all stay. Not with [[fault]].",
        ),
        "headers" => json!({
            "description": "What the heads of requests and answers carry on every transport: only what \
                            is needed (lean, when absent), what a browser and its servers send, or an \
                            exact total of both heads of each exchange.",
            "anyOf": [{ "enum": ["lean", "browser"] }, refer("size")],
            "examples": ["lean", "browser", "871B"]
        }),
        "engine" => json!({
            "description": "Real sockets, virtual time, or closed form; live when absent.",
            "enum": ["live", "sim", "theory"]
        }),
        "workload" => by_kind("Who publishes what, when.", &workload::KINDS, &[], workload_key),
        "transport" => json!({
            "description": "The ways compared.",
            "type": "array", "minItems": 1, "maxItems": transports::MOST_TRANSPORTS,
            "items": by_kind("One way to hear news.", &transports::KINDS, &["label"], transport_key)
        }),
        "network" => json!({
            "description": "The network between clients and server; absent: plain loopback.",
            "type": "object",
            "properties": properties(&network::KEYS, network_key),
            "additionalProperties": false
        }),
        "fleet" => json!({
            "description": "Several servers; absent: one.",
            "type": "object",
            "properties": properties(&fleet::KEYS, fleet_key),
            "additionalProperties": false,
            "allOf": [
                {
                    "if": { "properties": { "broker": { "const": "memory" } }, "required": ["broker"] },
                    "then": { "properties": { "servers": { "maximum": 1 } } }
                },
                {
                    "if": { "properties": { "broker": { "enum": ["none", "memory"] } }, "required": ["broker"] },
                    "then": { "not": { "required": ["redis"] } }
                }
            ]
        }),
        "fault" => json!({
            "description": "What goes wrong on purpose.",
            "type": "array", "maxItems": faults::MOST_FAULTS,
            "items": by_kind("One thing that goes wrong.", &faults::KINDS, &["at"], fault_key)
        }),
        "threshold" => refer("thresholds"),
        "claim" => json!({
            "description": "Published figures that the run is to reproduce.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["source", "says", "metric", "why"],
                "properties": properties(&claims::KEYS, claim_key),
                "additionalProperties": false
            }
        }),
        _ => return None,
    })
}

fn workload_key(key: &str) -> Option<Value> {
    Some(match key {
        "mean_gap" => said("duration", "Mean time between messages to one topic."),
        "gap" => said("duration", "Time between messages to one topic, or between updates of the market."),
        "inbox" => {
            json!({ "description": "A topic for each client, or one for all.", "enum": ["own", "shared"] })
        }
        "payload" => said("size", "Exact size of a message's data as JSON, 11B to 60KiB."),
        "members" => count("People per room; divides clients.", workload::GROUPS),
        "gap_per_room" => said("duration", "Mean time between messages in one room."),
        "typing_before" => said("duration", "\"typing…\" this long before a message; it lives as long."),
        "receipts" => boolean("Whether somebody acknowledges each message."),
        "night" => json!({
            "description": "Hours of sleep; the window begins when they are over.",
            "type": "string",
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
            "examples": ["23:00-07:00"]
        }),
        "quiet" => number("Share of the day's messages that are also written at night.", workload::QUIET),
        "gap_per_ball" => said("duration", "Time between balls."),
        "overs" => count("Overs in an innings; 20 when absent.", workload::OVERS),
        "pauses" => boolean("Whether play pauses after overs, wickets and innings."),
        "symbols" => count("Symbols in the market; 20 when absent.", workload::SYMBOLS),
        "conflate" => boolean("Keep only the latest price per symbol."),
        "burst" => number("Updates at the opening, as a multiple of the usual ones.", workload::BURST),
        "settle" => said("duration", "After this long the excess of the opening is down to 37 %."),
        "players" => count("Players per match; divides clients.", workload::GROUPS),
        "tick" => said("duration", "Time between one player's moves."),
        "file" => json!({
            "description": "JSON lines {\"at_ms\":…,\"topic\":…,\"kind\":…,\"data\":…}; relative to this file.",
            "type": "string"
        }),
        _ => return None,
    })
}

fn transport_key(key: &str) -> Option<Value> {
    Some(match key {
        "label" => json!({
            "description": "How reports and --set address it; the kind when absent.",
            "type": "string",
            "pattern": format!("^[A-Za-z0-9_-]{{1,{}}}$", transports::LONGEST_LABEL),
            "not": { "enum": TOP }
        }),
        "interval" => said("duration", "Time between two polls."),
        "backoff_max" => said(
            "duration",
            "The interval doubles after each empty answer up to this; absent: it stays the same.",
        ),
        "keep_alive" => boolean("Whether the connection is kept between polls."),
        "conditional" => boolean("Whether \"Nope\" is a 304."),
        "http" => json!({ "description": "Version of HTTP; 1.1 when absent.", "enum": ["1.1", "2", 1.1, 2] }),
        "hold" => said("duration", "Longest time the server holds an empty answer back."),
        "ping" => said("duration", "Time between the server's pings; 0ms turns them off."),
        "coalesce" => said("duration", "Events due within it share one frame; 0ms: a frame for each."),
        "shared_cache" => said("duration", "How long a cache in front keeps an answer, in whole seconds."),
        "read_buffer" => said("size", "The server's read buffer per socket, 128B to 1MiB."),
        _ => return None,
    })
}

fn network_key(key: &str) -> Option<Value> {
    Some(match key {
        "profile" => json!({ "description": "Where the other keys begin.", "enum": PROFILES }),
        "rtt" => said("duration", "Round trip."),
        "jitter" => said("duration", "Uniform, give or take, per direction; at most half of rtt."),
        "loss" => number("Share of segments lost.", network::LOSS),
        "down" => said("rate", "From server to client."),
        "up" => said("rate", "From client to server."),
        "tls" => boolean("Whether everything goes over TLS (live engine)."),
        _ => return None,
    })
}

fn claim_key(key: &str) -> Option<Value> {
    Some(match key {
        "source" => said("line", "Who published it, and when."),
        "says" => said("line", "What it says."),
        "metric" => said("line", "Metrics and numbers joined by * / + - with spaces around them."),
        "value" => number("The figure as published; absent when the source gives none.", claims::VALUES),
        "why" => said("line", "Why ours differs."),
        _ => return None,
    })
}

fn fleet_key(key: &str) -> Option<Value> {
    let words = |all: &[&str]| all.iter().map(|word| json!(word)).collect::<Value>();
    Some(match key {
        "servers" => count("Server processes per transport; 2 when absent.", fleet::SERVERS),
        "placement" => json!({
            "description": "Who is at which server; random, by the seed, when absent.",
            "enum": words(&fleet::PLACEMENTS.map(|(word, _)| word))
        }),
        "broker" => json!({
            "description": "What carries an event to the other servers; redis when absent.",
            "enum": words(&fleet::BROKERS.map(|(word, _)| word))
        }),
        "redis" => json!({
            "description": "Redis to use; absent: one is started for the run.",
            "type": "string",
            "pattern": "^redis://.",
            "examples": ["redis://127.0.0.1:6379"]
        }),
        _ => return None,
    })
}

fn fault_key(key: &str) -> Option<Value> {
    Some(match key {
        "at" => said("duration", "When it begins, from the start of the window."),
        "for" => said("duration", "How long it lasts; within the window."),
        "server" => count("Which server; 1 when absent.", fleet::SERVERS),
        "keep_data" => boolean("Whether the broker comes back with what it held; true when absent."),
        "share" => number("Share of the people.", faults::SHARE),
        "idle" => said("duration", "A connection silent for so long is closed."),
        "spread" => boolean("Whether people are sent away one after another; true when absent."),
        _ => return None,
    })
}

/// A table whose `kind` says which keys it takes.
fn by_kind(
    description: &str,
    kinds: &[(&str, &[&str])],
    common: &[&str],
    of: impl Fn(&str) -> Option<Value>,
) -> Value {
    let tables = kinds.iter().map(|(kind, keys)| {
        let mut known = properties(common, &of);
        known.extend(properties(keys, &of));
        known.insert("kind".to_owned(), json!({ "const": kind }));
        let required: Vec<&str> = std::iter::once("kind").chain(required(kind).iter().copied()).collect();
        let needs: Map<String, Value> = [("quiet", "night"), ("settle", "burst")]
            .into_iter()
            .filter(|(key, _)| keys.contains(key))
            .map(|(key, other)| (key.to_owned(), json!([other])))
            .collect();
        json!({
            "type": "object",
            "required": required,
            "properties": known,
            "dependentRequired": needs,
            "additionalProperties": false
        })
    });
    json!({ "description": description, "oneOf": tables.collect::<Vec<_>>() })
}

fn properties(keys: &[&str], of: impl Fn(&str) -> Option<Value>) -> Map<String, Value> {
    keys.iter().filter_map(|key| Some(((*key).to_owned(), of(key)?))).collect()
}

fn refer(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

fn said(definition: &str, description: &str) -> Value {
    json!({ "description": description, "$ref": format!("#/$defs/{definition}") })
}

fn unit(pattern: &str, examples: &[&str]) -> Value {
    json!({ "type": "string", "pattern": pattern, "examples": examples })
}

fn boolean(description: &str) -> Value {
    json!({ "description": description, "type": "boolean" })
}

fn count(description: &str, bounds: Bounds<u32>) -> Value {
    json!({ "description": description, "type": "integer", "minimum": bounds.least, "maximum": bounds.most })
}

fn number(description: &str, bounds: Bounds<f64>) -> Value {
    json!({ "description": description, "type": "number", "minimum": bounds.least, "maximum": bounds.most })
}

#[cfg(test)]
mod tests;
