//! Any text as a job file: it is refused with a place, or it is a job that is written and read back as the same.
#![no_main]

use fanlane::job::Job;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Job::parse(text) {
        Ok(job) => {
            let written = job.to_ron().expect("a job that was read can be written");
            assert_eq!(Job::parse(&written).expect("what was written can be read"), job);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
