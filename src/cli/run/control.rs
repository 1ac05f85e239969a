//! The flags that control a run: when it halts, waits or is limited. Names and meanings are GNU parallel's where it has
//! them.

use clap::Args;

use fanlane_core::job::Control;
use fanlane_core::job::amount::{parse_amount, parse_load, parse_request, parse_size};
use fanlane_core::job::control::{Halt, ResourceRequest, RetryWait};
use fanlane_core::job::duration::{self, Timeout};

/// When a run ends early, waits or is limited.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Control")]
pub struct ControlArgs {
    /// End early: now or soon, at a number or share of fail, success or done: now,fail=1  soon,done=50%
    #[arg(long, value_name = "WHEN")]
    pub halt: Option<Halt>,
    /// Time between two starts, in seconds or with a unit (500ms, 2m)
    #[arg(long, value_name = "SECS", value_parser = duration::parse)]
    pub delay: Option<Timeout>,
    /// Time before a retry: SECS, or FIRST..MOST, doubled each time
    #[arg(long, value_name = "SECS")]
    pub retry_wait: Option<RetryWait>,
    /// Start a task only while this much memory is free, in bytes or with a unit (500M, 4G). While less than half of it is
    /// free, end the youngest task and start it again later
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memfree: Option<u64>,
    /// Start a task only while the system's load is below this: N processes, or N% of the cores
    #[arg(long, value_name = "LOAD", value_parser = parse_load)]
    pub load: Option<f64>,
    /// Niceness of the tasks, 0 to 19
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=19))]
    pub nice: Option<i32>,
    /// Ping a worker that was silent for this long, and kill it after twice as long without an answer; in seconds or with a
    /// unit [default: 5]
    #[arg(long, value_name = "SECS", value_parser = duration::parse)]
    pub heartbeat: Option<Timeout>,
    /// Maximum address space of each process of a task, in bytes or with a unit (500M, 4G)
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub limit_memory: Option<u64>,
    /// Maximum CPU time of each process of a task, in whole seconds
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit_cpu: Option<u64>,
    /// End a task that prints more than this, in bytes or with a unit (500M, 4G)
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub limit_output: Option<u64>,
    /// Number of workers' places that a task takes: N, or a template for each task: {cores}
    #[arg(long, value_name = "N|TEMPLATE")]
    pub slots: Option<ResourceRequest>,
    /// Amount of a resource that there is: gpu=2
    #[arg(long, value_name = "NAME=N", value_parser = parse_amount)]
    pub resource: Vec<(String, u32)>,
    /// Amount of a resource that a task takes while it runs, or a template of it; its environment says which ones it has:
    /// gpu=1 gives FANLANE_GPU=0
    #[arg(long, value_name = "NAME=N|TEMPLATE", value_parser = parse_request)]
    pub need: Vec<(String, ResourceRequest)>,
}

impl ControlArgs {
    /// Merges the given flags into the control of a job.
    pub fn merge_into(&self, control: &mut Control) {
        control.halt = self.halt.or(control.halt);
        control.delay_secs = self.delay.map(|delay| delay.secs).or(control.delay_secs);
        control.retry_wait = self.retry_wait.or(control.retry_wait);
        control.memfree_bytes = self.memfree.or(control.memfree_bytes);
        control.load_limit = self.load.or(control.load_limit);
        control.nice = self.nice.or(control.nice);
        control.heartbeat_secs = self.heartbeat.map(|time| time.secs).or(control.heartbeat_secs);
        let limits = &mut control.limits;
        limits.memory_bytes = self.limit_memory.or(limits.memory_bytes);
        limits.cpu_secs = self.limit_cpu.or(limits.cpu_secs);
        limits.output_bytes = self.limit_output.or(limits.output_bytes);
        control.slots = self.slots.clone().or_else(|| control.slots.take());
        control.resources.extend(self.resource.iter().cloned());
        control.needs.extend(self.need.iter().cloned());
    }
}
