//! What tests with foreign programs share: the server as a process, and where those programs are.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The lines of a server's standard output.
pub type Said = Lines<BufReader<ChildStdout>>;

/// What follows `prefix` on the next of them.
fn after(said: &mut Said, prefix: &str) -> String {
    said.next().unwrap().unwrap().strip_prefix(prefix).expect("a line with its prefix").to_owned()
}

/// A running `anynews serve` on a free port, ended when dropped.
pub struct Serve {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub http: String,
}

impl Serve {
    pub fn start() -> Self {
        Self::with(&[]).0
    }

    /// The same over TLS, and the certificate it printed.
    pub fn over_tls() -> (Self, String) {
        let (serve, mut said) = Self::with(&["--tls"]);
        let certificate = after(&mut said, "certificate ");
        (serve, certificate)
    }

    /// One with these options, and what it says beyond its address.
    pub fn with(options: &[&str]) -> (Self, Said) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_anynews"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let http = after(&mut said, "listening on ");
        (Self { child, http }, said)
    }

    /// The same address for sockets.
    pub fn ws(&self) -> String {
        self.http.replacen("http", "ws", 1)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// What follows `prefix` on the first line of a child's stdout that holds it.
pub fn line_after(child: &mut Child, prefix: &str) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found =
        lines.by_ref().map_while(Result::ok).find_map(|line| Some(line.split_once(prefix)?.1.to_owned()));
    let Some(found) = found else {
        end(child);
        panic!("the program ended without a line with {prefix:?}");
    };
    // A pipe that nobody reads would block or break the child one day.
    std::thread::spawn(move || lines.for_each(drop));
    found
}

/// Ends a child that this test started, and leaves no zombie.
pub fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether tests with foreign programs shall run. Leaving them out is a choice that is said aloud;
/// a program that is merely missing fails its test.
pub fn wanted() -> bool {
    let skip = std::env::var("ANYNEWS_SKIP_PEERS").is_ok_and(|v| v == "1");
    let ci = std::env::var("CI").is_ok_and(|v| v == "true");
    if skip && !ci {
        eprintln!("LEFT OUT, because ANYNEWS_SKIP_PEERS=1: this test needs a foreign program");
    }
    !skip || ci
}

/// Where `test.sh` put the Python and Node libraries.
pub fn libraries() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("peers")
}

/// A script of `tests/peers/`.
pub fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// Runs a peer to its end; it must succeed and say so.
pub fn must_be_fine(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}\n./test.sh installs what is missing; ANYNEWS_SKIP_PEERS=1 leaves it out")
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.trim_end().ends_with("fine"), "{}\n{out}\n{err}", output.status);
}
