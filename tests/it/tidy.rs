//! The shape of the source tree, kept by a scan of it: layers, sizes, first lines, words.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module of the crate and its layer. A module imports from lower layers only, and within a
/// layer only where [`SAME_LAYER`] says so. A new module needs a line here, which is the point.
const LAYERS: &[(&str, u8)] = &[
    ("clock", 0),
    ("event", 0),
    ("fault", 0),
    ("feed", 0),
    ("headers", 0),
    ("link", 0),
    ("os", 0),
    ("random", 0),
    ("target", 0),
    ("tls", 0),
    ("token", 0),
    ("transport", 0),
    ("units", 0),
    ("wire", 0),
    ("claim", 1),
    ("ledger", 1),
    ("outcome", 1),
    ("scenario", 1),
    ("sizes", 1),
    ("threshold", 1),
    ("workload", 1),
    ("broker", 2),
    ("client", 2),
    ("server", 2),
    ("live", 3),
    ("sim", 3),
    ("theory", 3),
    ("advice", 4),
    ("merge", 4),
    ("handshake", 5),
    ("report", 5),
    ("cli", 6),
    ("fuzz", 6),
];

/// Imports between modules of one layer: (who, may import whom).
const SAME_LAYER: &[(&str, &[&str])] = &[
    ("clock", &["os"]),
    ("fault", &["clock", "random", "units"]),
    ("feed", &["clock", "event"]),
    ("headers", &["units"]),
    ("link", &["clock", "random", "units", "wire"]),
    ("transport", &["random", "units"]),
    ("claim", &["outcome", "threshold"]),
    ("ledger", &["outcome", "scenario", "workload"]),
    ("outcome", &["scenario"]),
    ("scenario", &["claim", "sizes", "threshold", "workload"]),
    ("sizes", &["scenario", "workload"]),
    ("threshold", &["outcome", "scenario"]),
    ("workload", &["scenario"]),
    ("server", &["broker"]),
    ("live", &["theory"]),
    ("sim", &["theory"]),
];

/// No file is longer: a file that wants to be is two ideas.
const LONGEST: usize = 400;

/// Words that no tracked text holds: unfinished business and places that exist nowhere else. Each
/// is written in two halves, so that this file passes its own scan.
const FORBIDDEN: &[(&str, &str)] = &[
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("/wo", "rk/"),
    ("/tm", "p/"),
    ("crates", ".io"),
    ("npmjs", ".org"),
    ("pypi", ".org"),
    ("debian", ".org"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `dir`, in order, by its path from the root.
fn files(dir: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(dir)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn rust_files() -> impl Iterator<Item = (PathBuf, String)> {
    ["src", "tests", "benches", "fuzz/fuzz_targets"]
        .into_iter()
        .flat_map(files)
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| {
            let text = fs::read_to_string(root().join(&path)).unwrap();
            (path, text)
        })
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// `src/server/poll.rs` → `server`; `None` for the crate's root and the binary.
fn module_of(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.iter().next()?.to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (name != "lib" && name != "main").then(|| name.to_owned())
}

/// The modules that `text` names by `crate::`, comments and strings left out as far as lines tell.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            // `$crate::` and `other_crate::` are not ours.
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                continue;
            }
            let rest = &line[at + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(list) => found.extend(list.split([',', '}', ';']).filter_map(first_word)),
                None => found.extend(first_word(rest)),
            }
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// What is wrong with one import, if anything.
fn complaint(from: &str, to: &str) -> Option<String> {
    let (Some(own), Some(other)) = (layer(from), layer(to)) else {
        return Some(format!("{from} imports {to}: give both a layer in tests/it/tidy.rs"));
    };
    let sideways = || SAME_LAYER.iter().any(|(who, whom)| *who == from && whom.contains(&to));
    let fine = from == to || other < own || (other == own && sideways());
    (!fine).then(|| format!("{from} (layer {own}) must not import {to} (layer {other})"))
}

#[test]
fn imports_run_downward() {
    let mut complaints = Vec::new();
    for (path, text) in rust_files() {
        let Some(module) = module_of(&path) else { continue };
        for to in imports(&text) {
            complaints.extend(complaint(&module, &to).map(|why| format!("{}: {why}", path.display())));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_permission_is_left_over() {
    let used: Vec<_> = rust_files()
        .filter_map(|(path, text)| Some((module_of(&path)?, imports(&text))))
        .flat_map(|(from, all)| all.into_iter().map(move |to| (from.clone(), to)))
        .collect();
    for (from, whom) in SAME_LAYER {
        for to in *whom {
            assert!(
                used.iter().any(|(one, other)| one == from && other == to),
                "{from} no longer imports {to}"
            );
        }
    }
}

#[test]
fn the_scan_of_imports_sees_what_it_should() {
    let text = "use crate::wire::Header;\nuse crate::{event, feed::Feed};\n// crate::cli\nlet x = crate::os::cpu();\n$crate::no";
    assert_eq!(imports(text), ["wire", "event", "feed", "os"]);
    assert!(complaint("server", "client").is_some());
    assert!(complaint("wire", "server").is_some());
    assert!(complaint("nowhere", "wire").is_some());
    assert_eq!(complaint("cli", "wire"), None);
}

#[test]
fn no_cycle_hides_within_a_layer_of_running_code() {
    // Types of layer 1 describe one another; from layer 2 on, a cycle would join two halves.
    for (who, whom) in SAME_LAYER.iter().filter(|(who, _)| layer(who) >= Some(2)) {
        for other in *whom {
            let back = SAME_LAYER.iter().any(|(name, theirs)| name == other && theirs.contains(who));
            assert!(!back, "{who} and {other} import each other");
        }
    }
}

#[test]
fn every_module_has_its_layer() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut modules: Vec<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut table: Vec<_> = LAYERS.iter().map(|(name, _)| *name).collect();
    modules.sort_unstable();
    table.sort_unstable();
    assert_eq!(modules, table);
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let mut complaints = Vec::new();
    for (path, text) in rust_files() {
        if !text.starts_with("//! ") {
            complaints.push(format!("{} does not open with a `//!` sentence", path.display()));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            complaints.push(format!("{} has {lines} lines, more than {LONGEST}", path.display()));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_text_holds_a_forbidden_word() {
    let top = fs::read_dir(root()).unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let ours = entry.path().is_file()
            && name != "Cargo.lock"
            && (!name.starts_with('.') || name == ".gitignore");
        ours.then(|| PathBuf::from(name))
    });
    let below = ["src", "tests", "benches", "scenarios", ".ci", "docs"].into_iter().flat_map(files);
    let mut complaints = Vec::new();
    for path in top.chain(below) {
        // Pictures and other bytes hold no words.
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            for (one, two) in FORBIDDEN {
                if line.contains(&format!("{one}{two}")) {
                    complaints.push(format!("{}:{}: {one}{two}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The `anynews …` command lines inside the code blocks of a document.
fn command_lines(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            let line = line.split(" #").next().unwrap_or(line).trim().trim_start_matches("$ ");
            let ours = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("anynews "));
            found.extend(ours.map(str::to_owned));
        }
    }
    found
}

#[test]
fn what_the_documents_tell_people_to_type_parses() {
    let mut seen = 0;
    for name in ["README.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for line in command_lines(&text) {
            let words = line.split_whitespace().take_while(|word| *word != ">");
            assert_eq!(anynews::cli::check(words), Ok(()), "{name}: anynews {line}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} commands");
}

#[test]
fn what_the_documents_link_to_exists() {
    for name in
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md", "docs/method.md"]
    {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for part in text.split("](").skip(1) {
            let link = part.split([')', '#']).next().unwrap_or_default();
            let here = !link.is_empty() && !link.contains("://");
            assert!(!here || root().join(link).exists(), "{name} links to {link}");
        }
    }
}

#[test]
fn the_map_names_every_module_and_dependency() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (module, _) in LAYERS {
        assert!(map.contains(&format!("- `{module}` – ")), "ARCHITECTURE.md does not describe {module}");
    }
    let why = map.split("## Why each dependency").nth(1).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| inside) {
            let named =
                why.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).any(|word| word == name);
            assert!(named, "ARCHITECTURE.md does not say why {name}");
        }
    }
}
