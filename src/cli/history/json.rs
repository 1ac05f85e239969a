//! A recorded run as JSON.

use serde_json::json;

use fanlane_core::store::history::RunRow;

/// A run as the fields of a JSON object.
pub fn object(run: &RunRow) -> serde_json::Value {
    json!({
        "run": run.id,
        "name": run.name,
        "state": run.state.name(),
        "started_unix_ms": run.started_unix_ms,
        "mode": run.mode.name(),
        "workers": run.workers,
        "tasks": run.tasks,
        "done": run.counts.done,
        "failed": run.counts.failed,
        "timed_out": run.counts.timed_out,
        "cancelled": run.counts.cancelled,
        "lost": run.counts.lost,
        "batch_tasks": run.batch_tasks(),
        "batch_done": run.batch_done(),
        "retries": run.retries,
        "wall_secs": run.wall_ns as f64 / 1e9,
        "continues": run.continues,
        "parent": run.parent,
        "bytes": run.bytes,
        "interpreter": run.environment.interpreter,
    })
}
