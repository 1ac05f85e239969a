//! What a task is to do, made in a buffer that is used again, as the engine does for each task.

use std::path::Path;
use std::time::Instant;

use fanlane_core::event::TaskId;
use fanlane_core::job::{Batch, Job};

use crate::{median, say};

pub fn measure(rounds: usize) {
    say("\nwhat a task is to do, made in a buffer that is used again, by the engine for each task");
    for (name, job) in [
        ("a number", r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 1000000)])"#),
        ("echo {}", r#"Job(version: 1, task: Command("echo {}"), inputs: [Range(1, 1000000)])"#),
        (
            "convert {1} -resize {2} {1/.}.png",
            r#"Job(version: 1, task: Command("convert {1} -resize {2} {1/.}.png"),
                inputs: [List(["photos/a b.jpg"]), Range(1, 1000000)])"#,
        ),
    ] {
        payloads(name, job, rounds);
    }
}

/// The time of making what a worker is sent for a task.
fn payloads(name: &str, job: &str, rounds: usize) {
    let job = Job::parse(job).expect("the job is well-formed");
    let batch = Batch::open(&job, Path::new("."), &mut std::io::empty()).expect("its inputs can be read");
    let mut buffer = Vec::new();
    let mut each_ns = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        for task in 0..batch.len() {
            buffer.clear();
            batch.payload_into(TaskId(task), 1, &mut buffer);
            std::hint::black_box(&buffer);
        }
        each_ns.push(begun.elapsed().as_nanos() as f64 / batch.len() as f64);
    }
    say(&format!("{name:<46} {:>10.1} ns a task", median(each_ns)));
}
