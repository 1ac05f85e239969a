//! Facts about the machine: its name, processor, memory, load, and the CPU time of all its cores. A fact that the system does
//! not tell is unknown, never guessed.

use std::fs;

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The name and release of the system, such as `Linux 6.1.0`.
pub fn system() -> String {
    let uname = rustix::system::uname();
    format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy())
}

/// The network name of the machine.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The number of logical cores that this process may use, at least 1.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// The number of physical cores and of processors of the machine, each at least 1; threads of one core count once.
pub fn physical_cores_and_sockets() -> (usize, usize) {
    let entries = fs::read_dir("/sys/devices/system/cpu").into_iter().flatten().flatten();
    let places = entries.filter_map(|entry| {
        let topology = entry.path().join("topology");
        let number = |name| fs::read_to_string(topology.join(name)).ok()?.trim().parse::<i64>().ok();
        Some((number("physical_package_id")?, number("core_id")?))
    });
    let places: std::collections::BTreeSet<(i64, i64)> = places.collect();
    let sockets: std::collections::BTreeSet<i64> = places.iter().map(|(socket, _)| *socket).collect();
    let known = if places.is_empty() { cores() as usize } else { places.len() };
    (known.max(1), sockets.len().max(1))
}

/// The model of the processor.
pub fn cpu_model() -> Option<String> {
    cpu_model_in(&text("/proc/cpuinfo"))
}

/// The policy by which the first core changes its frequency.
pub fn frequency_governor() -> Option<String> {
    let word = text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").trim().to_owned();
    (!word.is_empty()).then_some(word)
}

/// The memory of the machine, in bytes.
pub fn memory_bytes() -> Option<u64> {
    memory_bytes_in(&text("/proc/meminfo"))
}

/// The load of the last minute: the average number of runnable processes.
pub fn load() -> Option<f64> {
    text("/proc/loadavg").split_whitespace().next()?.parse().ok()
}

/// The number of processes that are runnable now, without the calling one.
pub fn runnable_processes() -> Option<u64> {
    runnable_in(&text("/proc/loadavg"))
}

/// Number of pages that were swapped in and out since the start of the machine.
pub fn swapped_pages() -> Option<(u64, u64)> {
    let counters = text("/proc/vmstat");
    let number = |name: &str| counters.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some((number("pswpin ")?, number("pswpout ")?))
}

/// An identifier of this start of the machine.
pub fn boot_id() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// CPU time of all cores since the start of the machine, in ticks: in all, and idle.
pub fn cpu_ticks() -> Option<(u64, u64)> {
    cpu_ticks_in(&text("/proc/stat"))
}

fn cpu_model_in(cpuinfo: &str) -> Option<String> {
    // Processors of other architectures have other keys.
    let names = ["model name", "Model", "Hardware", "cpu model", "uarch"];
    names.iter().find_map(|name| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == *name))?;
        let model = line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" ");
        (!model.is_empty()).then_some(model)
    })
}

fn memory_bytes_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

fn runnable_in(loadavg: &str) -> Option<u64> {
    let (running, _) = loadavg.split_ascii_whitespace().nth(3)?.split_once('/')?;
    running.parse::<u64>().ok().map(|count| count.saturating_sub(1))
}

fn cpu_ticks_in(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; the time of guests is part of user and nice.
    (ticks.len() >= 5).then(|| (ticks.iter().take(8).sum(), ticks[3] + ticks[4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_the_system_are_read() {
        assert_eq!(
            cpu_model_in("processor\t: 0\nmodel name\t: Example  CPU @ 2\n").as_deref(),
            Some("Example CPU @ 2")
        );
        assert_eq!(cpu_model_in("processor : 0\n"), None);
        assert_eq!(memory_bytes_in("MemTotal:  2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(runnable_in("0.50 0.60 0.70 3/812 12345\n"), Some(2));
        assert_eq!(runnable_in("nonsense"), None);
        assert_eq!(cpu_ticks_in("cpu  10 1 5 80 4 0 0 2 3 0\ncpu0 1 1\n"), Some((102, 84)));
        assert_eq!(cpu_ticks_in("nothing"), None);
    }

    #[test]
    fn this_machine_tells_its_facts() {
        assert!(memory_bytes().is_some_and(|bytes| bytes > 0));
        assert!(cpu_ticks().is_some_and(|(total, idle)| total >= idle));
        assert!(load().is_some() && runnable_processes().is_some() && boot_id().is_some());
        assert!(cores() >= 1 && system().starts_with("Linux ") && !host_name().is_empty());
    }
}
