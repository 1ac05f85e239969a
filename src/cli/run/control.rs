//! The flags that control a run: when it halts, waits or is limited. Names and meanings are GNU parallel's where it has
//! them.

use clap::Args;

use fanlane_core::job::amount::{parse_amount, parse_load, parse_request, parse_size};
use fanlane_core::job::control::{Halt, HaltError, ResourceRequest, RetryWait};
use fanlane_core::job::duration::{self, Timeout};
use fanlane_core::job::{Control, field};

/// When a run ends early; `never` takes back what a job file says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HaltArg(Option<Halt>);

impl HaltArg {
    fn parse(text: &str) -> Result<Self, HaltError> {
        if matches!(text, "never" | "0") { Ok(Self(None)) } else { text.parse().map(|halt| Self(Some(halt))) }
    }
}

/// When a run ends early, waits or is limited.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Control")]
pub struct ControlArgs {
    #[arg(long, aliases = ["halt-on-error", "haltonerror"], value_name = "WHEN", allow_hyphen_values = true)]
    #[arg(value_parser = HaltArg::parse, help = field::HALT.help)]
    pub halt: Option<HaltArg>,
    #[arg(long, value_name = "SECS", value_parser = duration::parse, help = field::DELAY_SECS.help)]
    pub delay: Option<Timeout>,
    #[arg(long, value_name = "SECS", help = field::RETRY_WAIT.help)]
    pub retry_wait: Option<RetryWait>,
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help = field::MEMFREE_BYTES.help)]
    pub memfree: Option<u64>,
    #[arg(long, value_name = "LOAD", value_parser = parse_load, help = field::LOAD_LIMIT.help)]
    pub load: Option<f64>,
    #[arg(long, value_name = "COMMAND", value_parser = LimitArg::parse, help = field::LIMIT_COMMAND.help)]
    pub limit: Option<LimitArg>,
    #[arg(long, value_name = "true|false", help = field::NO_SWAP.help)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub noswap: Option<bool>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=19), help = field::NICE.help)]
    pub nice: Option<i32>,
    #[arg(long, value_name = "SECS", value_parser = duration::parse, help = field::HEARTBEAT_SECS.help)]
    pub heartbeat: Option<Timeout>,
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help = field::LIMIT_MEMORY_BYTES.help)]
    pub limit_memory: Option<u64>,
    #[arg(long, value_name = "SECS", value_parser = duration::parse_whole_secs, help = field::LIMIT_CPU_SECS.help)]
    pub limit_cpu: Option<u64>,
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help = field::LIMIT_OUTPUT_BYTES.help)]
    pub limit_output: Option<u64>,
    #[arg(long, value_name = "N|TEMPLATE", help = field::SLOTS.help)]
    pub slots: Option<ResourceRequest>,
    #[arg(long, value_name = "NAME=N", value_parser = parse_amount, help = field::RESOURCES.help)]
    pub resource: Vec<(String, u32)>,
    #[arg(long, value_name = "NAME=N|TEMPLATE", value_parser = parse_request, help = field::NEEDS.help)]
    pub need: Vec<(String, ResourceRequest)>,
}

/// The argument of `--limit`: a command, or one of the limits that GNU parallel has names for.
#[derive(Clone, Debug)]
pub enum LimitArg {
    /// Any command line.
    Command(String),
    /// `load N`.
    Load(f64),
    /// `mem SIZE`.
    Memory(u64),
}

impl LimitArg {
    fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("load"), Some(load), None) => parse_load(load).map(Self::Load),
            (Some("mem"), Some(size), None) => parse_size(size).map(Self::Memory),
            (Some("io"), Some(_), None) => {
                Err("how busy disks are is not measured; write a command that says so by its exit status".to_owned())
            }
            _ => Ok(Self::Command(text.to_owned())),
        }
    }
}

impl ControlArgs {
    /// Merges the given flags into the control of a job.
    pub fn merge_into(&self, control: &mut Control) {
        control.halt = self.halt.map_or(control.halt, |halt| halt.0);
        control.delay_secs = self.delay.map(|delay| delay.secs).or(control.delay_secs);
        control.retry_wait = self.retry_wait.or(control.retry_wait);
        control.memfree_bytes = self.memfree.or(control.memfree_bytes);
        control.load_limit = self.load.or(control.load_limit);
        match &self.limit {
            Some(LimitArg::Command(line)) => control.limit_command = Some(line.clone()),
            Some(LimitArg::Load(load)) => control.load_limit = Some(*load),
            Some(LimitArg::Memory(bytes)) => control.memfree_bytes = Some(*bytes),
            None => {}
        }
        control.no_swap = self.noswap.unwrap_or(control.no_swap);
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
