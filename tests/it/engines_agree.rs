//! Virtual time repeats itself to the byte. `theory_agrees` holds the formulas to virtual time.

use std::fs;

use tempfile::tempdir;

use crate::program::anynews;

#[test]
fn letters_in_virtual_time_are_the_same_bytes_twice() {
    let directory = tempdir().unwrap();
    for out in ["one", "two"] {
        anynews(directory.path(), &["run", "letters", "--engine", "sim", "--out", out, "-q"]).exits(0);
    }
    let document = |out: &str| fs::read(directory.path().join(out).join("outcome.json")).unwrap();
    assert!(document("one") == document("two"));
}
