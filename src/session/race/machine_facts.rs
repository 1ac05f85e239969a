//! What the system says of the machine: its processor, its load, and who used how much CPU.
//!
//! Each reader takes the text of a file that the system writes; what is missing there is unknown, never guessed.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::session::Machine;
use fanlane_core::model::race::{CpuTicks, Evidence};

/// The machine, as evidence for what is measured on it from now on.
pub fn evidence(machine: Machine) -> Evidence {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let word = |path: &str| Some(read(path).trim().to_owned()).filter(|word| !word.is_empty());
    let uname = rustix::system::uname();
    Evidence {
        fanlane: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
        host: uname.nodename().to_string_lossy().into_owned(),
        cpu_model: cpu_model(&read("/proc/cpuinfo")).unwrap_or_default(),
        physical_cores: machine.physical_cores,
        logical_cores: machine.logical_cores,
        governor: word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        load_at_start: load(&read("/proc/loadavg")),
        memory_bytes: memory_bytes(&read("/proc/meminfo")).unwrap_or(0),
        started_unix_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
    }
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    // What processors of other kinds call it.
    let names = ["model name", "Model", "Hardware", "cpu model", "uarch"];
    names.iter().find_map(|name| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == *name))?;
        let model = line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" ");
        (!model.is_empty()).then_some(model)
    })
}

fn load(loadavg: &str) -> Option<f64> {
    loadavg.split_whitespace().next()?.parse().ok()
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// CPU time so far: all of the machine's, what was idle of it, and this process's with the children it has waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuClock {
    total: u64,
    idle: u64,
    own: u64,
}

impl CpuClock {
    /// Reads the clocks.
    pub fn now() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (total, idle) = machine_ticks(&read("/proc/stat")).unwrap_or_default();
        Self { total, idle, own: own_ticks(&read("/proc/self/stat")).unwrap_or_default() }
    }

    /// What was used since an earlier reading.
    pub fn since(self, earlier: Self) -> CpuTicks {
        let total = self.total.saturating_sub(earlier.total);
        let busy = total.saturating_sub(self.idle.saturating_sub(earlier.idle));
        let own = self.own.saturating_sub(earlier.own);
        CpuTicks { total, own, other: busy.saturating_sub(own) }
    }
}

/// All ticks of all cores, and those in which a core had nothing to do.
fn machine_ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; time of guests is counted among user and nice already.
    (ticks.len() >= 5).then(|| (ticks.iter().take(8).sum(), ticks[3] + ticks[4]))
}

/// Ticks of a process and of the children that it has waited for.
fn own_ticks(stat: &str) -> Option<u64> {
    // The program's name stands in brackets and may hold anything.
    let behind_name = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_texts_are_read() {
        assert_eq!(cpu_model("processor\t: 0\nmodel name\t: Example  CPU @ 2\n").as_deref(), Some("Example CPU @ 2"));
        assert_eq!(cpu_model("processor : 0\n"), None);
        assert_eq!(load("0.52 0.58 0.59 1/977 1234\n"), Some(0.52));
        assert_eq!(load(""), None);
        assert_eq!(memory_bytes("MemTotal:  2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(machine_ticks("cpu  10 1 5 80 4 0 0 2 3 0\ncpu0 1 1\n"), Some((102, 84)));
        assert_eq!(machine_ticks("nothing"), None);
        assert_eq!(own_ticks("7 (a) b) S 1 1 1 0 -1 4 1 2 3 4 10 20 30 40 20 0"), Some(100));
    }

    #[test]
    fn what_nobody_of_us_used_was_used_by_others() {
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
