//! The last object of a JSON report.

use std::io;

use serde::Serialize;

use super::{is_zero, secs, write_line};
use crate::cli::report::Shortfall;
use fanlane_core::event::{InterpreterFacts, Summary};
use fanlane_core::model::Earlier;
use fanlane_core::model::objects::ObjectWays;

/// What is known of a run of a Python function.
#[derive(Debug, Default, Serialize)]
pub struct PythonFields {
    /// The interpreter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<InterpreterFacts>,
    /// What it takes to hand its results to another process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_ways: Option<ObjectWays>,
}

#[derive(Serialize)]
struct SummaryLine {
    summary: SummaryFields,
}

#[derive(Serialize)]
struct SummaryFields {
    done: u64,
    failed: u64,
    timed_out: u64,
    cancelled: u64,
    lost: u64,
    retries: u64,
    wall_secs: f64,
    cpu_secs: f64,
    workers: u32,
    mode: &'static str,
    stopped: bool,
    /// Tasks whose output is not whole in this report.
    #[serde(skip_serializing_if = "is_zero")]
    outputs_cut: u64,
    /// Tasks that left processes running, which were ended.
    #[serde(skip_serializing_if = "is_zero")]
    left_running: u64,
    #[serde(skip_serializing_if = "is_zero")]
    done_earlier: u64,
    #[serde(skip_serializing_if = "is_zero")]
    failed_earlier: u64,
    #[serde(skip_serializing_if = "is_zero")]
    ended_earlier: u64,
    #[serde(flatten)]
    python: PythonFields,
}

/// Appends the line of the summary.
///
/// # Errors
/// None in practice: the signature is that of a writer.
pub fn write_summary(
    summary: &Summary,
    earlier: Earlier,
    shortfall: Shortfall,
    python: PythonFields,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let counts = &summary.counts;
    let summary = SummaryFields {
        done: counts.done,
        failed: counts.failed,
        timed_out: counts.timed_out,
        cancelled: counts.cancelled,
        lost: counts.lost,
        retries: summary.retries,
        wall_secs: secs(summary.wall_ns),
        cpu_secs: secs(summary.cpu_ns),
        workers: summary.workers,
        mode: summary.mode.name(),
        stopped: summary.stopped,
        outputs_cut: shortfall.outputs_cut,
        left_running: shortfall.left_running,
        done_earlier: earlier.done,
        failed_earlier: earlier.failed,
        ended_earlier: earlier.ended,
        python,
    };
    write_line(&SummaryLine { summary }, out)
}
