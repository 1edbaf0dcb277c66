//! The fuzz targets on every test run: the kept corpus again, then mutations of it.
//!
//! `PROPTEST_CASES=100000 cargo test --test it fuzz` looks longer. What it finds is shrunk and written
//! beside this file; put the input into `tests/corpus/` with the fix.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

/// The kept inputs of one target, and other files to begin from.
fn corpus(folders: &[&str]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for folder in folders {
        let mut paths: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        paths.sort();
        inputs.extend(paths.iter().map(|path| std::fs::read(path).unwrap()));
    }
    assert!(inputs.len() >= 5, "{folders:?} hold the corpus");
    inputs
}

/// What a mutation does to an input.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// The rest comes from another input.
    Splice(Index, Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    // Signs that mean something to one of the readers come more often than others.
    let sign = prop_oneof![any::<u8>(), proptest::sample::select(&b"=[]{}\"\\&%?:.,-09\n\0\x7e\x7f\xff"[..])];
    prop_oneof![
        (any::<Index>(), sign.clone()).prop_map(|(at, byte)| Mutation::Flip(at, byte)),
        (any::<Index>(), prop::collection::vec(sign, 1..6))
            .prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), 1usize..40).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (any::<Index>(), 1usize..40).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        any::<(Index, Index, Index)>().prop_map(|(at, from, other)| Mutation::Splice(at, from, other)),
    ]
}

fn mutate(input: &mut Vec<u8>, mutation: &Mutation, corpus: &[Vec<u8>]) {
    let place = |at: &Index, length: usize| at.index(length + 1);
    match mutation {
        Mutation::Flip(at, byte) => {
            let at = place(at, input.len());
            if let Some(old) = input.get_mut(at) {
                *old = *byte;
            }
        }
        Mutation::Insert(at, bytes) => {
            let at = place(at, input.len());
            input.splice(at..at, bytes.iter().copied());
        }
        Mutation::Remove(at, length) => {
            let at = place(at, input.len());
            input.drain(at..(at + length).min(input.len()));
        }
        Mutation::Repeat(at, length) => {
            let at = place(at, input.len());
            let again = input[at..(at + length).min(input.len())].to_vec();
            input.splice(at..at, again);
        }
        Mutation::Splice(at, from, other) => {
            let other = &corpus[other.index(corpus.len())];
            input.truncate(place(at, input.len()));
            input.extend_from_slice(&other[place(from, other.len())..]);
        }
    }
}

/// Throws the corpus at a target, then a few thousand mutations of it.
fn fuzz(folders: &[&str], target: fn(&[u8])) {
    let corpus = corpus(folders);
    corpus.iter().for_each(|input| target(input));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3000);
    let config = ProptestConfig { cases, ..ProptestConfig::with_source_file(file!()) };
    let input = (any::<Index>(), prop::collection::vec(mutation(), 1..8));
    proptest!(config, |((which, mutations) in input)| {
        let mut input = corpus[which.index(corpus.len())].clone();
        for mutation in &mutations {
            mutate(&mut input, mutation, &corpus);
        }
        target(&input);
    });
}

#[test]
fn scenario_files() {
    fuzz(&["tests/corpus/scenario", "scenarios"], anynews::fuzz::scenario_file);
}

#[test]
fn frames_of_clients() {
    fuzz(&["tests/corpus/frames"], anynews::fuzz::frames);
}

#[test]
fn parameters_of_calls() {
    fuzz(&["tests/corpus/parameters"], anynews::fuzz::parameters);
}
