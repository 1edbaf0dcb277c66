//! Other people's clients against `anynews serve`: Python, Node, curl, and a page in Chromium.

use std::process::Command;

use serde_json::json;

use crate::foreign::{Serve, libraries, must_be_fine, script, wanted};
use crate::web_driver::Browser;

#[test]
fn python_websockets_reads_publishes_and_recovers() {
    if wanted() {
        let serve = Serve::start();
        let python = libraries().join("venv/bin/python");
        must_be_fine(Command::new(python).arg(script("with_websockets.py")).arg(serve.ws()));
    }
}

#[test]
fn node_ws_reads_publishes_and_recovers() {
    if wanted() {
        let serve = Serve::start();
        let mut node = Command::new("node");
        node.env("NODE_PATH", libraries().join("node_modules"));
        must_be_fine(node.arg(script("with_ws.js")).arg(serve.ws()));
    }
}

#[test]
fn curl_publishes_polls_waits_and_streams() {
    if wanted() {
        let serve = Serve::start();
        let scratch = tempfile::tempdir().unwrap();
        must_be_fine(Command::new("bash").arg(script("with_curl.sh")).arg(&serve.http).arg(scratch.path()));
    }
}

#[test]
fn a_page_in_chromium_reads_and_publishes() {
    if !wanted() {
        return;
    }
    let serve = Serve::start();
    let browser = Browser::start();
    // A page of the server's own origin, so that no permission for another origin is needed.
    browser.open(&format!("{}/healthz", serve.http));
    let code = std::fs::read_to_string(script("in_a_page.js")).unwrap();
    let seen = browser.run_async(&code);
    assert_eq!(seen["error"], json!(null), "{seen}");
    assert_eq!(seen["stream"], json!([["from the socket", "1"], ["from fetch", "2"]]));
    assert_eq!(seen["socket"], json!(["from fetch"]));
    assert_eq!(seen["acks"], json!([{ "offset": 1, "id": "p-1" }]));
    assert_eq!(seen["posted"], json!(201));
    assert_eq!(seen["closed"], json!(1000));
}
