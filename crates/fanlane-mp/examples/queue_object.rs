//! An object goes through a queue to a worker, which does with it what it is for.
//!
//! `cargo run --example queue_object` prints
//!
//! ```text
//! Worker-1 does what Dan the fancy object is for
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fanlane_mp::{self as mp, Process, Queue, function};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Fancy {
    name: String,
}

impl Fancy {
    fn do_something(&self) {
        println!("{} does what {} the fancy object is for", mp::current_process().name, self.name);
    }
}

fn work(queue: Queue<Fancy>) -> Result<(), mp::Error> {
    queue.get()?.do_something();
    queue.task_done()?;
    Ok(())
}

pub(crate) fn main() -> Result<(), mp::Error> {
    mp::init([function!(work)]);
    let queue = Queue::unbounded()?;
    let mut worker = Process::new(work, (queue.clone(),))?.named("Worker-1");
    worker.start()?;
    queue.put(&Fancy { name: "Dan".to_owned() })?;
    queue.join();
    worker.join()?;
    Ok(())
}
