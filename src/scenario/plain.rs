//! Reads a text file that a user named, without trusting that it is one.

use std::io::ErrorKind;
use std::path::Path;

/// The text of a plain file of at most `largest` bytes. `what` ends the messages: `a scenario is a TOML
/// text`.
///
/// # Errors
/// Why not, to stand behind the file's name.
pub(super) fn read(path: &Path, largest: u64, what: &str) -> Result<String, String> {
    if path.is_dir() {
        return Err(format!("is a folder; {what}"));
    }
    // Reading a device or a pipe might never end.
    let about = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    if !about.is_file() {
        return Err(format!("is not a plain file; {what}"));
    }
    if about.len() > largest {
        return Err(format!("is larger than {}; {what}", crate::units::format_size(largest)));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err(format!("is a binary file; {what}")),
        Ok(text) => Ok(text),
        Err(_) => Err(format!("is not UTF-8; {what}")),
    }
}
