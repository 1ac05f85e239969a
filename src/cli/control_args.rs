//! The flags that steer a run: when it halts, waits or holds back. Their names and meanings are GNU parallel's where it
//! has them.

use clap::Args;

use crate::job::Control;
use crate::job::amount::{parse_amount, parse_load, parse_request, parse_size};
use crate::job::control::{Halt, ResourceRequest, RetryWait};
use crate::job::duration::{self, Timeout};

/// When a run ends early, waits or holds back.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Steering the run")]
pub struct ControlArgs {
    /// End early: now or soon, and at how many (or what share) of fail, success or done: now,fail=1  soon,done=50%
    #[arg(long, value_name = "WHEN")]
    pub halt: Option<Halt>,
    /// Wait this long between two starts; also with a unit: 500ms, 2m
    #[arg(long, value_name = "SECS", value_parser = duration::parse)]
    pub delay: Option<Timeout>,
    /// Wait before a retry: SECS, or FIRST..MOST to wait twice as long each time
    #[arg(long, value_name = "SECS")]
    pub retry_wait: Option<RetryWait>,
    /// Start a task only while this much memory is free: bytes, or with a unit: 500M, 4G. While less than half of it is,
    /// end the youngest task and begin it again later
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memfree: Option<u64>,
    /// Start a task only while no more than this many processes want to run; N, or N% of the cores
    #[arg(long, value_name = "LOAD", value_parser = parse_load)]
    pub load: Option<f64>,
    /// Let other programs go first, 0 to 19
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=19))]
    pub nice: Option<i32>,
    /// Ask a worker that has given no sign of life for so long, and kill it when it does not answer for twice as long; also
    /// with a unit [default: 5]
    #[arg(long, value_name = "SECS", value_parser = duration::parse)]
    pub heartbeat: Option<Timeout>,
    /// The most memory that each process of a task may ask for (its address space): bytes, or with a unit: 500M, 4G
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub limit_memory: Option<u64>,
    /// The most CPU time of each process of a task, in whole seconds
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit_cpu: Option<u64>,
    /// End a task that prints more than this: bytes, or with a unit: 500M, 4G
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub limit_output: Option<u64>,
    /// How many places of the pool a task takes: N, or a template of it for each task: {cores}
    #[arg(long, value_name = "N|TEMPLATE")]
    pub slots: Option<ResourceRequest>,
    /// There are only so many of something: gpu=2
    #[arg(long, value_name = "NAME=N", value_parser = parse_amount)]
    pub resource: Vec<(String, u32)>,
    /// A task needs so many of it while it runs, or what a template says, and finds which in its environment: gpu=1
    /// gives FANLANE_GPU=0
    #[arg(long, value_name = "NAME=N|TEMPLATE", value_parser = parse_request)]
    pub need: Vec<(String, ResourceRequest)>,
}

impl ControlArgs {
    /// Puts what was given over what the job says.
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
