//! People in a client process: the running binary started again, told what to do line by line.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Brief, Order, Said, Tally};
use crate::client::Moment;
use crate::ledger::Part;
use crate::os;

/// A client process has this long to plan the run, and to hang up and hand over its books.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client process. Dropping it ends the process.
pub(super) struct Apart {
    child: Child,
    /// To a task that writes them; standard input ends with this.
    orders: mpsc::UnboundedSender<Vec<u8>>,
    tally: watch::Receiver<Tally>,
    done: oneshot::Receiver<(Part, u64)>,
    size: u32,
}

impl Apart {
    /// Starts one, and waits until it has planned the run.
    ///
    /// # Errors
    /// It could not be started, or ended at once.
    pub(super) async fn start(
        executable: &Path,
        brief: &Brief,
        moments: impl Fn(Moment) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(executable);
        command.args(["clients", "--child-of", &std::process::id().to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // A Ctrl-C on the terminal is for the parent, which then tells this process.
        os::own_group(&mut command);
        let mut child = command.spawn().context("cannot start a client process")?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        let (orders, mut lines) = mpsc::unbounded_channel::<Vec<u8>>();
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                if stdin.write_all(&line).await.is_err() {
                    return;
                }
            }
        });
        let (to_tally, mut tally) = watch::channel(Tally::default());
        let (to_done, done) = oneshot::channel();
        let stdout = child.stdout.take().context("no stdout")?;
        tokio::spawn(listen(stdout, to_tally, to_done, moments));
        let _ = orders.send(line(brief)?);
        let planned = tokio::time::timeout(PATIENCE, tally.changed()).await;
        planned
            .context("a client process did not start in time")?
            .context("a client process ended at once")?;
        Ok(Self { child, orders, tally, done, size: brief.size() })
    }

    pub(super) fn order(&self, order: &Order) {
        // Whether it is still there is asked elsewhere.
        let _ = line(order).map(|line| self.orders.send(line));
    }

    pub(super) fn tally(&self) -> Tally {
        *self.tally.borrow()
    }

    /// Whether it has not ended.
    pub(super) fn is_there(&self) -> bool {
        self.tally.has_changed().is_ok()
    }

    /// Returns when all its people know their position, or it is gone.
    pub(super) async fn all_ready(&self) {
        let _ = self.tally.clone().wait_for(|tally| tally.ready >= self.size).await;
    }

    /// What it booked, and its CPU time over the window, microseconds, after it was told to hang up.
    ///
    /// # Errors
    /// It hands over nothing.
    pub(super) async fn done(mut self) -> anyhow::Result<(Part, u64)> {
        let done = tokio::time::timeout(PATIENCE, self.done).await;
        drop(self.orders);
        let done = done.context("a client process does not hang up")?;
        let done = done.context("a client process ended without handing over its books")?;
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
        Ok(done)
    }
}

fn line(what: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    Ok(line)
}

/// Passes on what it says, until it ends or says what cannot be read.
async fn listen(
    stdout: ChildStdout,
    tally: watch::Sender<Tally>,
    done: oneshot::Sender<(Part, u64)>,
    moments: impl Fn(Moment),
) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Said::Tally(now)) => drop(tally.send_replace(now)),
            Ok(Said::Moment(moment)) => moments(moment),
            Ok(Said::Done(part, cpu_us)) => {
                let _ = done.send((*part, cpu_us));
                return;
            }
            Err(_) => return,
        }
    }
}
