//! The report of a real run, opened in Chromium as a reader would: from disk, light and dark, narrow and wide.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::foreign::wanted;
use crate::program::one_at_a_time;
use crate::web_driver::Browser;

/// What is wrong with the page as it stands: things a reader would see.
const COMPLAINTS: &str = r#"
    const complaints = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
        const wide = [...document.body.querySelectorAll("*")]
            .filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1)
            .slice(0, 5)
            .map((e) => e.tagName + "." + e.className);
        complaints.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}, ${wide}`);
    }
    for (const image of document.images) {
        if (!image.complete || image.naturalWidth === 0) complaints.push(`broken image: ${image.alt}`);
        if (!image.alt) complaints.push("an image without alt text");
    }
    // Each chart is drawn twice, for light and for dark; exactly one of the two is to be seen.
    const seen = (e) => {
        const box = e.getBoundingClientRect();
        return e.checkVisibility() && box.width > 100 && box.height > 50;
    };
    const figures = [...document.querySelectorAll("figure")];
    if (figures.length < 5) complaints.push(`only ${figures.length} figures`);
    for (const figure of figures) {
        const charts = [...figure.querySelectorAll("svg, img")];
        const visible = charts.filter(seen).length;
        if (visible !== 1) complaints.push(`${visible} of ${charts.length} charts visible: ${figure.id || figure.innerText.slice(0, 40)}`);
    }
    return complaints;
"#;

/// A short run of letters, with its report in `dir`.
fn run_letters(dir: &Path) {
    let _alone = one_at_a_time();
    let output = Command::new(env!("CARGO_BIN_EXE_anynews"))
        .args(["run", "letters", "--set", "clients=20", "--set", "poll.interval=500ms"])
        .args(["--set", "workload.mean_gap=2s", "--duration", "2s", "--quiet", "--out"])
        .arg(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Requests of the page for anything but itself and data inside itself.
fn foreign_requests(log: &[Value]) -> Vec<String> {
    let messages =
        log.iter().filter_map(|line| serde_json::from_str::<Value>(line["message"].as_str()?).ok());
    messages
        .filter_map(|line| {
            let message = &line["message"];
            let url = message["params"]["request"]["url"].as_str().unwrap_or_default();
            match message["method"].as_str()? {
                "Network.requestWillBeSent" if !url.starts_with("file:") && !url.starts_with("data:") => {
                    Some(url.to_owned())
                }
                "Network.loadingFailed" => Some(message["params"].to_string()),
                _ => None,
            }
        })
        .collect()
}

#[test]
fn the_report_reads_well_light_and_dark_narrow_and_wide() {
    if !wanted() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    run_letters(dir.path());
    let browser = Browser::start();
    let mut grounds = vec![];
    for scheme in ["light", "dark"] {
        for width in [320, 1400] {
            let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
            browser.devtools("Emulation.setDeviceMetricsOverride", &screen);
            let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            browser.devtools("Emulation.setEmulatedMedia", &media);
            browser.open(&format!("file://{}", dir.path().join("report.html").display()));
            let at = format!("{scheme}, {width} px");
            assert_eq!(browser.run("return innerWidth"), json!(width), "{at}");
            assert_eq!(browser.run(COMPLAINTS), json!([]), "{at}");
            assert_eq!(browser.log("browser"), [] as [Value; 0], "{at}: the console");
            assert_eq!(foreign_requests(&browser.log("performance")), [] as [String; 0], "{at}: the network");
        }
        grounds.push(browser.run("return getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1], "light and dark are the same");
}

#[test]
fn the_browser_test_would_see_a_bad_page() {
    if !wanted() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("bad.html");
    let html = "<!doctype html><body><div style='width:3000px'>wide</div><img src='gone.png'>\
        <figure><svg width=300 height=100 style='display:none'></svg></figure>\
        <script>console.error('oh no')</script>";
    std::fs::write(&page, html).unwrap();
    let browser = Browser::start();
    browser.open(&format!("file://{}", page.display()));
    let complaints = browser.run(COMPLAINTS).to_string();
    for complaint in
        ["scrolls sideways", "broken image", "without alt", "0 of 1 charts visible", "only 1 figures"]
    {
        assert!(complaints.contains(complaint), "{complaint}: {complaints}");
    }
    assert!(browser.log("browser").iter().any(|line| line.to_string().contains("oh no")));
    assert!(!foreign_requests(&browser.log("performance")).is_empty());
}
