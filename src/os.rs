//! What depends on the operating system, in one place, each with a portable fallback.

use std::time::Duration;

mod alarm;
mod machine;

pub use alarm::{Sleep, sleep_until};
pub use machine::Machine;

/// Nanoseconds of a clock that never steps and that every process of this host shares, or `None`
/// where the platform offers none to safe code.
#[must_use]
pub fn shared_monotonic_ns() -> Option<i64> {
    #[cfg(unix)]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Some(now.tv_sec * 1_000_000_000 + now.tv_nsec)
    }
    #[cfg(not(unix))]
    None
}

/// User and system time of this process so far.
#[must_use]
pub fn cpu_time() -> Duration {
    #[cfg(unix)]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
    }
    #[cfg(not(unix))]
    with_own_process(|process| Duration::from_millis(process.accumulated_cpu_time()))
}

/// Resident memory of this process now, bytes.
#[must_use]
pub fn resident_bytes() -> u64 {
    status_kib("VmRSS:").map_or_else(|| with_own_process(sysinfo::Process::memory), |kib| kib * 1024)
}

/// Largest resident memory of this process so far, bytes; elsewhere than on Linux, the present size.
#[must_use]
pub fn resident_peak_bytes() -> u64 {
    status_kib("VmHWM:").map_or_else(resident_bytes, |kib| kib * 1024)
}

fn status_kib(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn with_own_process<T: Default>(read: impl Fn(&sysinfo::Process) -> T) -> T {
    let (Ok(mut system), Ok(pid)) = (sysinfo::System::new(), sysinfo::get_current_pid()) else {
        return T::default();
    };
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    system.process(pid).map(read).unwrap_or_default()
}

/// Whether a process of this id runs on this machine, as far as can be told.
#[must_use]
pub fn is_running(id: u32) -> bool {
    let Ok(mut system) = sysinfo::System::new() else { return true };
    let id = sysinfo::Pid::from_u32(id);
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[id]), true);
    system.process(id).is_some()
}

/// Raises the open-file limit to the hard one and returns it; `None` where there is no such limit.
#[must_use]
pub fn raise_open_files() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let current = if setrlimit(Resource::Nofile, wanted).is_ok() { limit.maximum } else { limit.current };
        Some(current.unwrap_or(u64::MAX))
    }
    #[cfg(not(unix))]
    None
}

/// Ties this process's life to its parent's: on Linux the kernel ends it when the thread that
/// started it ends. `parent` is the id it was started with; a parent that is gone already ends it now.
pub fn die_with_parent(parent: u32) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        let now = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
        if now != Some(parent) {
            std::process::exit(1);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
}

/// Whether [`become_tied`] leaves the kernel to end the child, so that the process started is the
/// program itself.
pub const TIES_CHILDREN: bool = cfg!(target_os = "linux");

/// Runs a program of somebody else in this process's place, so that it ends with its parent, however
/// that ends. On Linux the program replaces this process, and the kernel ends it; elsewhere it runs
/// until standard input closes.
///
/// # Errors
/// The program could not be started.
pub fn become_tied(mut program: std::process::Command, parent: u32) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt as _;
        die_with_parent(parent);
        Err(program.exec())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = parent;
        let mut child = program.stdin(std::process::Stdio::null()).spawn()?;
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        })
        .join()
        .ok();
        child.kill()?;
        child.wait().map(drop)
    }
}

/// A signal to another process, by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Stand still.
    Pause,
    /// Go on.
    Resume,
    /// End in an orderly way.
    Terminate,
}

/// Whether this system has the signals of [`Tell`].
pub const CAN_TELL: bool = cfg!(unix);

/// Sends a signal to a process of ours. One that is gone is told nothing; nor is any where
/// [`CAN_TELL`] is false.
pub fn tell(process: u32, what: Tell) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process};
        let signal = match what {
            Tell::Pause => Signal::STOP,
            Tell::Resume => Signal::CONT,
            Tell::Terminate => Signal::TERM,
        };
        if let Some(id) = i32::try_from(process).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, signal);
        }
    }
    #[cfg(not(unix))]
    let _ = (process, what);
}

/// Puts a child process in a group of its own, so that a Ctrl-C on the terminal reaches only us.
pub fn own_group(command: &mut tokio::process::Command) {
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }
}

/// How many ports this machine gives to outgoing connections.
#[must_use]
pub fn ephemeral_ports() -> u32 {
    // IANA's dynamic range, which macOS and Windows use (RFC 6335, section 6).
    const IANA: u32 = 65_535 - 49_152 + 1;
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ends = range.split_whitespace().filter_map(|word| word.parse::<u32>().ok());
    match (ends.next(), ends.next()) {
        (Some(low), Some(high)) if high >= low => high - low + 1,
        _ => IANA,
    }
}

/// The folder in which this user's programs keep what they could find out again; `None` where the
/// environment names no home.
#[must_use]
pub fn cache_folder() -> Option<std::path::PathBuf> {
    use std::path::PathBuf;
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The specification of XDG ignores a relative path.
    let xdg = from("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let own = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library").join("Caches"))
    } else {
        from("HOME").map(|home| home.join(".cache"))
    };
    xdg.or(own).map(|folder| folder.join("anynews"))
}
