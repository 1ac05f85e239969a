//! The process that records a run. A run whose process has ended is recognized as interrupted, even if the pid was
//! reused or the machine was restarted.

use fanlane_os::machine;
use fanlane_os::process_tree::live_start_ticks;

/// A text that identifies this process among all processes ever.
pub(super) fn this() -> String {
    name_of(std::process::id()).unwrap_or_else(|| format!("{} ? ?", std::process::id()))
}

/// Whether the process identified by `name` is still alive.
pub(super) fn lives(name: &str) -> bool {
    let pid = name.split(' ').next().and_then(|pid| pid.parse().ok());
    pid.and_then(name_of).is_some_and(|now| now == name)
}

/// The same text for the engine that a worker's marker names, dead or alive; the marker begins with the engine's pid and
/// its start time, separated by dots.
pub(super) fn of_marker(marker: &str) -> Option<String> {
    let mut parts = marker.split('.').map(str::parse::<u64>);
    let (Ok(pid), Ok(began)) = (parts.next()?, parts.next()?) else { return None };
    Some(format!("{pid} {began} {}", machine::boot_id()?))
}

/// The pid, the start time in clock ticks since boot, and the id of the boot.
fn name_of(pid: u32) -> Option<String> {
    Some(format!("{pid} {} {}", live_start_ticks(pid)?, machine::boot_id()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_more_than_its_number() {
        let me = this();
        assert!(lives(&me));
        let [pid, begun, boot] = me.split(' ').collect::<Vec<_>>()[..] else { panic!("{me}") };
        assert!(!lives(&format!("{pid} 1{begun} {boot}")), "another process with its number");
        assert!(!lives(&format!("{pid} {begun} other")), "before the machine was started anew");
        let mut child = std::process::Command::new("/bin/true").spawn().expect("started");
        let other = child.id();
        child.wait().expect("ended");
        assert!(!lives(&format!("{other} {begun} {boot}")));
        assert!(!lives("") && !lives("x y z"));
    }
}
