//! A Redis server for one run: on a free port, with a folder of its own, gone when the run is.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::os;

/// Programs that speak Redis' protocol, in the order they are looked for.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// It has this long to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Another program may take the free port before Redis does.
const ATTEMPTS: usize = 3;

/// What the name of a Redis' folder begins with, before the id of the run's process.
const FOLDER: &str = "anynews-redis-";

/// How to get one.
pub(super) const INSTALL: &str = "install one (Debian, Ubuntu: apt install redis-server · Fedora: dnf \
     install valkey · macOS: brew install redis), or use one elsewhere: --set fleet.redis=redis://HOST:PORT";

/// A running Redis. Dropping it ends the process and removes its folder.
pub(super) struct RedisServer {
    /// None while there is none.
    child: Mutex<Option<Child>>,
    executable: PathBuf,
    program: PathBuf,
    port: u16,
    /// Removed when it is dropped.
    folder: TempDir,
}

/// The first of [`PROGRAMS`] on the PATH.
pub(super) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let file = |name: &str| format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut places =
        PROGRAMS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(file(name))));
    places.find(|place| place.is_file())
}

impl RedisServer {
    /// Starts `program`, by way of `executable` (ours), which ties its life to this process.
    ///
    /// # Errors
    /// It could not be started, or does not answer.
    pub(super) async fn start(executable: &Path, program: &Path) -> anyhow::Result<Self> {
        remove_leftovers(&std::env::temp_dir());
        let folder = tempfile::Builder::new().prefix(&format!("{FOLDER}{}-", std::process::id())).tempdir();
        let folder = folder.context("cannot make a folder for Redis")?;
        for _ in 0..ATTEMPTS {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut child = spawn(executable, program, folder.path(), port)?;
            if answers(&mut child, port).await {
                let (executable, program) = (executable.to_owned(), program.to_owned());
                return Ok(Self { child: Mutex::new(Some(child)), executable, program, port, folder });
            }
        }
        let said = std::fs::read_to_string(folder.path().join(LOG)).unwrap_or_default();
        let last = said.lines().last().unwrap_or("it said nothing").to_owned();
        bail!("{} does not start: {last}", program.display())
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it without warning.
    pub(super) async fn kill(&self) {
        if let Some(mut child) = self.child.lock().await.take() {
            end(&mut child).await;
        }
    }

    /// Starts it again on its port, with what it had written down or with nothing.
    ///
    /// # Errors
    /// It could not be started, or does not answer.
    pub(super) async fn start_again(&self, keep_data: bool) -> anyhow::Result<()> {
        if !keep_data {
            empty(self.folder.path())?;
        }
        let mut child = spawn(&self.executable, &self.program, self.folder.path(), self.port)?;
        if !answers(&mut child, self.port).await {
            bail!("{} does not start again", self.program.display());
        }
        *self.child.lock().await = Some(child);
        Ok(())
    }

    /// Ends it.
    pub(super) async fn stop(self) {
        self.kill().await;
    }
}

/// Removes the folders of runs that were killed before they could do it.
fn remove_leftovers(all: &Path) {
    for entry in std::fs::read_dir(all).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.split('-').next()?.parse().ok());
        if owner.is_some_and(|owner| !os::is_running(owner)) {
            // Somebody else's is left alone by the system; a run needs none of them.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes all there is in a folder.
fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
    }
    Ok(())
}

const LOG: &str = "redis.log";

fn spawn(executable: &Path, program: &Path, folder: &Path, port: u16) -> anyhow::Result<Child> {
    let mut command = Command::new(executable);
    command.args(["with-parent", "--child-of", &std::process::id().to_string(), "--"]).arg(program);
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--logfile", LOG])
        .arg("--dir")
        .arg(folder);
    // What it acknowledged survives its own end, though not the machine's.
    command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    os::own_group(&mut command);
    command.spawn().with_context(|| format!("cannot start {}", program.display()))
}

/// Waits until it answers; false when it ended, or does not in time.
async fn answers(child: &mut Child, port: u16) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
        if timeout(Duration::from_secs(1), ping(port)).await.is_ok_and(|pong| pong.is_ok()) {
            // Whoever answered, it was this one only if it is still there.
            return matches!(child.try_wait(), Ok(None));
        }
        sleep(Duration::from_millis(10)).await;
    }
    end(child).await;
    false
}

async fn ping(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    if &answer == b"+PONG" { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}

async fn end(child: &mut Child) {
    // Where it is a supervisor that runs, closing the pipe lets it end Redis first.
    drop(child.stdin.take());
    if !os::TIES_CHILDREN && timeout(PATIENCE, child.wait()).await.is_ok() {
        return;
    }
    let _ = child.kill().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dead_runs_left_is_removed() {
        let all = tempfile::tempdir().unwrap();
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let names = [
            format!("{FOLDER}{}-x", std::process::id()),
            format!("{FOLDER}{}-x", gone.id()),
            format!("{FOLDER}notes"),
            "else".to_owned(),
        ];
        names.iter().for_each(|name| std::fs::create_dir(all.path().join(name)).unwrap());
        remove_leftovers(all.path());
        let there = names.map(|name| all.path().join(name).exists());
        assert_eq!(there, [true, false, true, true]);
    }
}
