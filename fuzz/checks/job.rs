//! Any text as a job file: it is refused with a place, or it is a job that is written and read back as the same.

use fanlane_core::job::Job;

/// Panics where this does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Job::parse(text) {
        Ok(job) => {
            let written = job.to_ron().expect("a job that was read can be written");
            assert_eq!(Job::parse(&written).expect("what was written can be read"), job);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
