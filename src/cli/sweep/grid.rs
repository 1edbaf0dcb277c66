//! The grid of a sweep: what `--vary` says, checked as far as no scenario is needed for it.

use crate::report::sweep::{Key, magnitude};
use crate::scenario::Scenario;

/// Most points of one sweep.
const MOST_POINTS: usize = 1_000;
/// Keys that change what a report says, and nothing that is measured.
const WORDS: [&str; 3] = ["title", "predict", "lesson"];

/// The keys with their values. `taken` are settings that other flags decide, each with its flag.
///
/// # Errors
/// Everything wrong with them, a line each.
pub(super) fn keys(vary: &[String], taken: &[(String, String)]) -> Result<Vec<Key>, String> {
    let mut problems = Vec::new();
    if vary.len() > 2 {
        problems.push(format!("--vary is given {} times; a grid has two sides at most", vary.len()));
    }
    let mut found: Vec<Key> = Vec::new();
    for text in vary {
        match key(text, taken) {
            Ok(key) if found.iter().any(|other| other.name == key.name) => {
                problems
                    .push(format!("--vary {}: is given twice; write all its values in one list", key.name));
            }
            Ok(key) => found.push(key),
            Err(problem) => problems.push(problem),
        }
    }
    let points: usize = found.iter().map(|key| key.values.len()).product();
    if points > MOST_POINTS {
        problems.push(format!("--vary: {points} points are too many; at most {MOST_POINTS} will do"));
    }
    if problems.is_empty() { Ok(found) } else { Err(problems.join("\n")) }
}

fn key(text: &str, taken: &[(String, String)]) -> Result<Key, String> {
    let right = "write KEY=V1,V2,…, like poll.interval=1s,2s,5s";
    let Some((name, list)) = text.split_once('=') else {
        return Err(format!("--vary {text}: has no values; {right}"));
    };
    let name = name.trim();
    if name.is_empty() {
        return Err(format!("--vary {text}: has no key; {right}"));
    }
    if list.split(',').all(|value| value.trim().is_empty()) {
        return Err(format!("--vary {name}: is an empty grid; {right}"));
    }
    let values: Vec<String> = list.split(',').map(|value| value.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        return Err(format!("--vary {name}: one of its values is empty; {right}"));
    }
    if WORDS.contains(&name) || name == "threshold" || name.starts_with("threshold.") {
        return Err(format!("--vary {name}: changes nothing that is measured"));
    }
    if let Some((_, flag)) = taken.iter().find(|(key, _)| key == name) {
        return Err(format!("--vary {name}: {flag} sets it, too; leave one of them out"));
    }
    for (index, value) in values.iter().enumerate() {
        let same = |other: &&String| {
            *other == value || magnitude(other).is_some_and(|m| Some(m) == magnitude(value))
        };
        if let Some(other) = values[..index].iter().find(same) {
            let what = if other == value {
                format!("{value} stands there twice")
            } else {
                format!("{other} and {value} are the same")
            };
            return Err(format!("--vary {name}: {what}; a point is run once"));
        }
    }
    Ok(Key::new(name.to_owned(), values))
}

/// Every place on the grid, the last key fastest.
pub(super) fn places(keys: &[Key]) -> Vec<Vec<String>> {
    keys.iter().fold(vec![Vec::new()], |places, key| {
        let with = |place: &Vec<String>| {
            let place = place.clone();
            key.values.iter().map(move |value| place.iter().chain([value]).cloned().collect::<Vec<String>>())
        };
        places.iter().flat_map(with).collect()
    })
}

/// Keys of transports that `--only` leaves out, so that every point would be the same.
pub(super) fn left_out(keys: &[Key], only: &[String], scenario: &Scenario) -> Vec<String> {
    const SECTIONS: [&str; 4] = ["workload", "network", "fleet", "threshold"];
    let own = |label: &str| scenario.transports.iter().any(|transport| transport.label == label);
    let lost = keys.iter().filter(|key| {
        let first = key.name.split('.').next().unwrap_or_default();
        !only.is_empty() && key.name.contains('.') && !SECTIONS.contains(&first) && !own(first)
    });
    lost.map(|key| format!("--vary {}: --only leaves that transport out; name it there, too", key.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(vary: &[&str]) -> String {
        let vary: Vec<String> = vary.iter().map(|text| (*text).to_owned()).collect();
        keys(&vary, &[("seed".to_owned(), "--seed".to_owned())]).unwrap_err()
    }

    #[test]
    fn what_is_no_grid_is_named() {
        insta::assert_snapshot!(
            [
                refused(&["poll.interval"]),
                refused(&["=1s"]),
                refused(&["poll.interval="]),
                refused(&["poll.interval=,"]),
                refused(&["poll.interval=1s,,2s"]),
                refused(&["poll.interval=1s,1000ms"]),
                refused(&["clients=3,3"]),
                refused(&["seed=1,2"]),
                refused(&["title=a,b"]),
                refused(&["clients=1,2", "clients=3"]),
                refused(&["a=1", "b=2", "c=3"]),
            ]
            .join("\n")
        );
    }

    #[test]
    fn a_grid_is_in_order_of_size() {
        let vary = ["poll.interval=5s,500ms,1m".to_owned(), "network.profile=wifi,3g".to_owned()];
        let keys = keys(&vary, &[]).unwrap();
        assert_eq!(keys[0].values, ["500ms", "5s", "1m"]);
        assert_eq!(keys[1].values, ["wifi", "3g"]);
        let places = places(&keys);
        assert_eq!(places.len(), 6);
        assert_eq!(places[1], ["500ms", "3g"]);
    }
}
