//! Facts about the machine: its processor, its load, and the CPU time of this process and of others.

use crate::session::Machine;
use fanlane_core::model::race::{CpuTicks, Evidence};
use fanlane_os::clock::unix_ms;
use fanlane_os::{machine as os_machine, process_tree};

/// The machine as evidence for a race that starts now.
pub fn evidence(machine: Machine) -> Evidence {
    Evidence {
        fanlane: env!("CARGO_PKG_VERSION").to_owned(),
        system: os_machine::system(),
        host: os_machine::host_name(),
        cpu_model: os_machine::cpu_model().unwrap_or_default(),
        physical_cores: machine.physical_cores,
        logical_cores: machine.logical_cores,
        governor: os_machine::frequency_governor(),
        load_at_start: os_machine::load(),
        memory_bytes: os_machine::memory_bytes().unwrap_or(0),
        started_unix_ms: unix_ms(),
    }
}

/// CPU time so far, in ticks: of the machine, idle, and of this process with its reaped children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuClock {
    total: u64,
    idle: u64,
    own: u64,
}

impl CpuClock {
    /// Reads the clocks.
    pub fn now() -> Self {
        let (total, idle) = os_machine::cpu_ticks().unwrap_or_default();
        Self { total, idle, own: process_tree::cpu_ticks(std::process::id()).unwrap_or_default() }
    }

    /// The time since an earlier reading.
    pub fn since(self, earlier: Self) -> CpuTicks {
        let total = self.total.saturating_sub(earlier.total);
        let busy = total.saturating_sub(self.idle.saturating_sub(earlier.idle));
        let own = self.own.saturating_sub(earlier.own);
        CpuTicks { total, own, other: busy.saturating_sub(own) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_that_is_not_of_this_process_is_of_others() {
        let earlier = CpuClock { total: 1000, idle: 500, own: 100 };
        let later = CpuClock { total: 1200, idle: 560, own: 190 };
        let used = later.since(earlier);
        assert_eq!(used, CpuTicks { total: 200, own: 90, other: 50 });
        assert_eq!(used.other_share(), Some(0.25));
        assert_eq!(earlier.since(later), CpuTicks::default(), "a clock that goes back says nothing");
        assert_eq!(CpuTicks { total: 3, own: 0, other: 3 }.other_share(), None);
    }

    #[test]
    fn this_machine_has_a_clock() {
        assert!(CpuClock::now().total > 0);
        assert!(evidence(Machine::this()).memory_bytes > 0);
    }
}
