//! The real binary as a test runs it: arguments in; exit code, output and files out.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Live runs measure; two at once on a small machine would measure each other.
pub fn one_at_a_time() -> MutexGuard<'static, ()> {
    static LIVE: Mutex<()> = Mutex::new(());
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A finished run of the program.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Asserts the exit code, showing the output when it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard error says all of `words`.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in:\n{}", self.stderr);
        }
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anynews"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    command
}

/// The program where a process may open only so many files.
fn command_with_files(directory: &Path, files: u32, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -n "$0" && exec "$@""#, &files.to_string()]);
    command.arg(env!("CARGO_BIN_EXE_anynews")).args(arguments);
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// Runs the program to its end where a process may open only so many files.
pub fn anynews_with_files(directory: &Path, files: u32, arguments: &[&str]) -> Ended {
    command_with_files(directory, files, arguments).output().expect("sh starts").into()
}

/// Runs the program in `directory` to its end.
pub fn anynews(directory: &Path, arguments: &[&str]) -> Ended {
    command(directory, arguments).output().expect("the binary starts").into()
}

/// The same with some variables of the environment.
pub fn anynews_with(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let variables = variables.iter().copied();
    command(directory, arguments).envs(variables).output().expect("the binary starts").into()
}

/// Runs the program to its end while nobody reads what it prints.
pub fn anynews_unheard(directory: &Path, arguments: &[&str]) -> Ended {
    let mut command = command(directory, arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    drop(child.stdout.take());
    child.wait_with_output().expect("waited").into()
}

/// The program while it runs. Dropped, it is ended.
pub struct Running {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    heard: String,
}

impl Running {
    /// Starts the program in `directory`.
    pub fn start(directory: &Path, arguments: &[&str]) -> Self {
        Self::of(command(directory, arguments))
    }

    /// Starts the program where a process may open only so many files.
    pub fn start_with_files(directory: &Path, files: u32, arguments: &[&str]) -> Self {
        Self::of(command_with_files(directory, files, arguments))
    }

    fn of(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        Self { child, stderr, heard: String::new() }
    }

    /// Reads standard error until a line contains `word`.
    #[track_caller]
    pub fn hears(&mut self, word: &str) {
        loop {
            let from = self.heard.len();
            let n = self.stderr.read_line(&mut self.heard).expect("UTF-8 output");
            assert!(n > 0, "ended before {word:?}:\n{}", self.heard);
            if self.heard[from..].contains(word) {
                return;
            }
        }
    }

    /// Ids of its child processes.
    pub fn children(&self) -> Vec<Pid> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a Linux /proc");
        let ids = tasks
            .flatten()
            .map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
        let ids: Vec<String> = ids.collect();
        ids.iter()
            .flat_map(|line| line.split_whitespace())
            .filter_map(|id| Pid::from_raw(id.parse().ok()?))
            .collect()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().cast_signed()).expect("a process id");
        kill_process(id, signal).expect("the process is there");
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let mut stdout = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut stdout).expect("UTF-8 output");
        self.stderr.read_to_string(&mut self.heard).expect("UTF-8 output");
        let code = self.child.wait().expect("waited").code();
        Ended { code, stdout, stderr: std::mem::take(&mut self.heard) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until all of `processes` are gone.
#[track_caller]
pub fn are_gone(processes: &[Pid]) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let alive = |id: &&Pid| {
        // A zombie answers to signals but is over.
        let state =
            std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).unwrap_or_default();
        test_kill_process(**id).is_ok() && !state.contains(") Z ")
    };
    while let Some(id) = processes.iter().find(alive) {
        assert!(std::time::Instant::now() < until, "process {id:?} is still there");
        std::thread::yield_now();
    }
}
