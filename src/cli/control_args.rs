//! The flags that steer a run: when it halts, waits or holds back. Their names and meanings are GNU parallel's where it
//! has them.

use clap::Args;

use super::duration::{self, Timeout};
use crate::job::Control;
use crate::job::control::{Halt, RetryWait};

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
    #[arg(long, value_name = "SECS", value_parser = parse_retry_wait)]
    pub retry_wait: Option<RetryWait>,
    /// Start a task only while this much memory is free: bytes, or with a unit: 500M, 4G
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memfree: Option<u64>,
    /// Start a task only while no more than this many processes want to run; N, or N% of the cores
    #[arg(long, value_name = "LOAD", value_parser = parse_load)]
    pub load: Option<f64>,
    /// Let other programs go first, 0 to 19
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=19))]
    pub nice: Option<i32>,
    /// How many places of the pool each task takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub slots: Option<u32>,
    /// There are only so many of something: gpu=2
    #[arg(long, value_name = "NAME=N", value_parser = parse_amount)]
    pub resource: Vec<(String, u32)>,
    /// A task needs so many of it while it runs, and finds which in its environment: gpu=1 gives FANLANE_GPU=0
    #[arg(long, value_name = "NAME=N", value_parser = parse_amount)]
    pub need: Vec<(String, u32)>,
}

impl ControlArgs {
    /// Puts what was given over what the job says.
    pub fn lay_over(&self, control: &mut Control) {
        control.halt = self.halt.or(control.halt);
        control.delay_secs = self.delay.map(|delay| delay.secs).or(control.delay_secs);
        control.retry_wait = self.retry_wait.or(control.retry_wait);
        control.memfree_bytes = self.memfree.or(control.memfree_bytes);
        control.load_limit = self.load.or(control.load_limit);
        control.nice = self.nice.or(control.nice);
        control.slots = self.slots.or(control.slots);
        control.resources.extend(self.resource.iter().cloned());
        control.needs.extend(self.need.iter().cloned());
    }
}

fn parse_retry_wait(text: &str) -> Result<RetryWait, String> {
    let wait = match text.split_once("..") {
        None => RetryWait::Fixed { secs: duration::parse(text)?.secs },
        Some((first, most)) => {
            RetryWait::Exponential { first_secs: duration::parse(first)?.secs, most_secs: duration::parse(most)?.secs }
        }
    };
    wait.problem().map_or(Ok(wait), |problem| Err(problem.to_owned()))
}

/// Sizes as GNU parallel reads them: capital units are powers of 1024, small ones of 1000.
fn parse_size(text: &str) -> Result<u64, String> {
    const UNITS: [(char, f64); 8] = [
        ('K', 1024.0),
        ('M', 1_048_576.0),
        ('G', 1_073_741_824.0),
        ('T', 1_099_511_627_776.0),
        ('k', 1e3),
        ('m', 1e6),
        ('g', 1e9),
        ('t', 1e12),
    ];
    let found = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(*unit)?, *bytes)));
    let (number, unit_bytes) = found.unwrap_or((text, 1.0));
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number * unit_bytes < 1e18 => Ok((number * unit_bytes) as u64),
        _ => Err("expected a size: bytes, or a number with K, M, G or T, as in 500M".to_owned()),
    }
}

fn parse_load(text: &str) -> Result<f64, String> {
    let cores = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |share| (share, cores / 100.0));
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number * unit),
        _ => Err("expected a load above 0: a number of processes, or N% of the cores".to_owned()),
    }
}

fn parse_amount(text: &str) -> Result<(String, u32), String> {
    let parsed = text.split_once('=').and_then(|(name, count)| Some((name.to_owned(), count.parse().ok()?)));
    parsed.ok_or_else(|| "expected a name and how many, as in gpu=2".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_loads_and_amounts_are_read_or_refused_with_words() {
        assert_eq!(parse_size("500M"), Ok(500 << 20));
        assert_eq!(parse_size("1.5k"), Ok(1500));
        assert_eq!(parse_size("7"), Ok(7));
        for text in ["", "0", "-1", "x", "1e30", "M", "nan"] {
            assert!(parse_size(text).expect_err(text).contains("500M"));
        }
        assert_eq!(parse_load("2.5"), Ok(2.5));
        assert!(parse_load("50%").expect("a share") > 0.0);
        assert!(parse_load("0").is_err());
        assert_eq!(parse_amount("gpu=2"), Ok(("gpu".to_owned(), 2)));
        assert!(parse_amount("gpu").is_err());
    }

    #[test]
    fn a_retry_waits_for_ever_the_same_or_twice_as_long() {
        assert_eq!(parse_retry_wait("2"), Ok(RetryWait::Fixed { secs: 2.0 }));
        let doubling = RetryWait::Exponential { first_secs: 0.5, most_secs: 60.0 };
        assert_eq!(parse_retry_wait("500ms..1m"), Ok(doubling));
        assert!(parse_retry_wait("5..1").is_err());
    }
}
