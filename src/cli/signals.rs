//! SIGINT and SIGTERM, and the exit codes they stand for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

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

/// SIGINT and SIGTERM: the first ends the window early, the second the wait for what is still under
/// way, the third the program.
#[derive(Clone)]
pub(super) struct Signal {
    /// Cancelled by the first.
    pub(super) interrupt: CancellationToken,
    /// Cancelled by the second.
    pub(super) hurry: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Signal {
    /// Takes the signals over, within a runtime.
    pub(super) fn watch() -> io::Result<Self> {
        let (interrupt, hurry) = (CancellationToken::new(), CancellationToken::new());
        let signal = Self { interrupt, hurry, code: Arc::new(AtomicU8::new(0)) };
        let Self { interrupt, hurry, code } = signal.clone();
        let mut signals = Signals::take_over()?;
        tokio::spawn(async move {
            loop {
                let number = signals.next().await;
                let again = code.swap(number, Ordering::Relaxed) != 0;
                match (again, hurry.is_cancelled()) {
                    (false, _) => interrupt.cancel(),
                    (true, false) => hurry.cancel(),
                    (true, true) => std::process::exit(number.into()),
                }
            }
        });
        Ok(signal)
    }

    /// The exit code of the last one; 0 while there was none.
    pub(super) fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }
}
