//! Whether the kernel has killed processes because memory ran out: its counter of such kills, of this control group if there
//! is one, else of the machine. A counter that moved is a hint about a process, not a proof.

use std::fs;
use std::path::PathBuf;

/// The counter, and its value when it was last read.
#[derive(Debug)]
pub struct MemoryKills {
    file: PathBuf,
    seen: Option<u64>,
}

impl MemoryKills {
    /// Begins to count now.
    pub fn watch() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let file = events_file(&own).filter(|file| file.exists()).unwrap_or_else(|| "/proc/vmstat".into());
        let seen = read(&file);
        Self { file, seen }
    }

    /// Whether there were kills since the last call.
    pub fn any_new(&mut self) -> bool {
        let now = read(&self.file);
        let before = std::mem::replace(&mut self.seen, now);
        matches!((before, now), (Some(before), Some(now)) if now > before)
    }
}

/// The file with the counter of this process's control group, from the text of `/proc/self/cgroup`.
fn events_file(own: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(["/sys/fs/cgroup", path, "memory.events"].iter().collect())
}

fn read(file: &std::path::Path) -> Option<u64> {
    count(&fs::read_to_string(file).ok()?)
}

/// The count in the text of either file.
fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_the_file_of_a_group_and_of_the_machine() {
        assert_eq!(count("low 0\nhigh 3\nmax 7\noom 2\noom_kill 5\noom_group_kill 0\n"), Some(5));
        assert_eq!(count("pgfault 12\noom_kill 0\nnuma_hit 4\n"), Some(0));
        assert_eq!(count("pgfault 12\n"), None);
        let own = "4:memory:/other\n0::/user.slice/session-2.scope\n";
        let file = "/sys/fs/cgroup/user.slice/session-2.scope/memory.events";
        assert_eq!(events_file(own), Some(PathBuf::from(file)));
        assert_eq!(events_file("4:memory:/other\n"), None);
    }

    #[test]
    fn a_kill_is_new_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("memory.events");
        fs::write(&file, "oom_kill 1\n").unwrap();
        let mut kills = MemoryKills { seen: read(&file), file };
        assert!(!kills.any_new());
        fs::write(&kills.file, "oom_kill 2\n").unwrap();
        assert!(kills.any_new());
        assert!(!kills.any_new());
    }
}
