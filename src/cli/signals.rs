//! SIGINT and SIGTERM, and the exit codes they stand for.

use std::io;

/// Exit code after SIGINT.
pub(super) const INTERRUPTED: u8 = 130;
/// Exit code after SIGTERM.
#[cfg(unix)]
pub(super) const TERMINATED: u8 = 143;

/// Whether an exit code stands for SIGTERM.
pub(super) fn is_terminate(code: u8) -> bool {
    code != INTERRUPTED
}

/// The signals, taken over from the moment this exists.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn take_over() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The exit code of the next one.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}

/// Where there is only Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn take_over() -> io::Result<Self> {
        Ok(Self)
    }

    /// The exit code of the next one.
    pub(super) async fn next(&mut self) -> u8 {
        let _ = tokio::signal::ctrl_c().await;
        INTERRUPTED
    }
}
