//! Calls of a workload: many handed over at a time, and one at a time.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::{library, median, say};

const CALLS: u64 = 1_000_000;
const TRIPS: u64 = 200_000;

pub fn measure(rounds: usize) {
    say(&format!("\n{CALLS} cubes as a library, pool of 2, a record of each task kept; medians of {rounds} rounds"));
    let job = |calls: u64, control: &str| {
        format!(r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, {calls})]{control})"#)
    };
    library("cubes", &job(CALLS, ""), CALLS, rounds);
    say(&format!("\n{TRIPS} cubes that take 0 or 1 of 2 things, in runs of 1 and of 100 that take the same"));
    for run in [1, 100] {
        let numbers = (0..TRIPS).map(|number| if number / run % 2 == 0 { "\"0\"," } else { "\"1\"," });
        let numbers: String = numbers.collect();
        let sized = format!(
            r#"Job(version: 1, task: Workload(name: "cube"), inputs: [List([{numbers}])],
                control: (resources: {{"thing": 2}}, needs: {{"thing": "{{}}"}}))"#
        );
        library(&format!("cubes, in runs of {run}"), &sized, TRIPS, rounds);
    }
    // With a halt in sight nothing is handed over ahead.
    say(&format!("\n{TRIPS} cubes, one in flight for each of 2 workers"));
    let limit = median((0..rounds).map(|_| ping_pong().as_secs_f64()).collect());
    say(&format!(
        "{:<46} {:>10.3} ms {:>12.0} a second",
        "a byte to and fro, 2 pairs (limit)",
        limit * 1e3,
        TRIPS as f64 / limit
    ));
    let halted = r#", control: (halt: Some("soon,fail=100%"))"#;
    library("cubes, one in flight", &job(TRIPS, halted), TRIPS, rounds);
}

/// Two threads that answer, and two that ask, a socket pair between each two.
fn ping_pong() -> Duration {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (mut asking, mut answering) = UnixStream::pair().expect("sockets");
            scope.spawn(move || {
                let mut byte = [0];
                while answering.read(&mut byte).is_ok_and(|count| count == 1) {
                    answering.write_all(&byte).expect("it is listened to");
                }
            });
            scope.spawn(move || {
                for _ in 0..TRIPS / 2 {
                    asking.write_all(&[1]).expect("it is listened to");
                    asking.read_exact(&mut [0]).expect("it is answered");
                }
            });
        }
    });
    begun.elapsed()
}
