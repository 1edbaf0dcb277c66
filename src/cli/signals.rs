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

/// The first signal ends a run early, the second ends the program.
pub(super) struct Signal {
    /// Cancelled by the first.
    pub(super) interrupt: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Signal {
    /// Takes the signals over, within a runtime.
    pub(super) fn watch() -> io::Result<Self> {
        let signal = Self { interrupt: CancellationToken::new(), code: Arc::new(AtomicU8::new(0)) };
        let (interrupt, code) = (signal.interrupt.clone(), signal.code.clone());
        let mut signals = Signals::take_over()?;
        tokio::spawn(async move {
            loop {
                let number = signals.next().await;
                if code.swap(number, Ordering::Relaxed) != 0 {
                    std::process::exit(number.into());
                }
                interrupt.cancel();
            }
        });
        Ok(signal)
    }

    /// The exit code of the first; 0 while there was none.
    pub(super) fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }
}
