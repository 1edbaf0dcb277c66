//! What a run took place on, as it stands in an outcome.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Operating system and version.
    pub os: String,
    /// Processor's name.
    pub cpu: String,
    /// Logical cores.
    pub cores: usize,
    /// Installed memory.
    pub memory_bytes: u64,
}

impl Machine {
    /// The one that this process runs on; read once, because a sweep asks for every outcome.
    #[must_use]
    pub fn here() -> Self {
        static HERE: LazyLock<Machine> = LazyLock::new(Machine::read);
        HERE.clone()
    }

    fn read() -> Self {
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::everything());
        let system = System::new_with_specifics(kinds).ok();
        let cpu = system.as_ref().and_then(|s| s.cpus().first()).map(|c| c.brand().trim().to_owned());
        Self {
            os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
            cpu: cpu.filter(|name| !name.is_empty()).unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_bytes: system.map_or(0, |s| s.total_memory()),
        }
    }
}
