//! Whether the machine has room for another task: free memory and load, checked once a second.

use std::time::Duration;

use sysinfo::{MemoryRefreshKind, System};

use crate::job::Control;

/// How often the machine is checked.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Checks the machine for a job that needs free memory, or limits the load.
pub struct Admission {
    memfree_bytes: Option<u64>,
    load_limit: Option<f64>,
    system: System,
    /// At the last check, in bytes.
    free_bytes: u64,
}

impl Admission {
    /// `None` for a job that needs neither.
    pub fn of(control: &Control) -> Option<Self> {
        let asks = control.memfree_bytes.is_some() || control.load_limit.is_some();
        let system = asks.then(System::new)?.ok()?;
        Some(Self {
            memfree_bytes: control.memfree_bytes,
            load_limit: control.load_limit,
            system,
            free_bytes: u64::MAX,
        })
    }

    /// What another task needs before it starts, and what there is now; `None` if that is enough.
    pub fn look(&mut self) -> Option<String> {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let free_bytes = self.system.available_memory();
        let running = fanlane_os::machine::runnable_processes();
        self.free_bytes = free_bytes;
        reason(self.memfree_bytes, free_bytes, self.load_limit, running)
    }

    /// Whether less than half of the memory that must be free was free at the last check: then running tasks make room.
    pub fn memory_is_low(&self) -> bool {
        self.memfree_bytes.is_some_and(|wanted| self.free_bytes < wanted / 2)
    }
}

fn reason(memfree: Option<u64>, free: u64, load_limit: Option<f64>, running: Option<u64>) -> Option<String> {
    const MIB: u64 = 1 << 20;
    if let Some(wanted) = memfree.filter(|wanted| free < *wanted) {
        return Some(format!("{} MiB free; {} MiB are", wanted.div_ceil(MIB), free / MIB));
    }
    let (limit, running) = load_limit.zip(running)?;
    (running as f64 > limit).then(|| format!("a load of at most {limit}; it is {running}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_what_is_missing() {
        let mib = 1 << 20;
        assert_eq!(reason(None, 0, None, None), None);
        assert_eq!(reason(Some(5 * mib), 5 * mib, Some(2.0), Some(2)), None);
        let memory = reason(Some(8192 * mib), 5 * mib, None, None).unwrap();
        assert_eq!(memory, "8192 MiB free; 5 MiB are");
        let load = reason(None, 0, Some(1.5), Some(2)).unwrap();
        assert_eq!(load, "a load of at most 1.5; it is 2");
    }

    #[test]
    fn a_machine_never_has_all_that_memory_free() {
        let control = Control { memfree_bytes: Some(u64::MAX), ..Control::default() };
        let mut admission = Admission::of(&control).unwrap();
        assert!(!admission.memory_is_low() && admission.look().is_some() && admission.memory_is_low());
        assert!(Admission::of(&Control::default()).is_none());
    }
}
