//! What the script is told of its run: how calls have ended, and the end of all.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use serde_json::json;

use super::control::{Control, Feeding, frame};
use crate::event::{AttemptRecord, Event, EventKind, Outcome, OutcomeCounts, RunEvent, TaskEvent};
use crate::host::hosting::Starter;
use crate::host::serve::{HostState, lock};
use crate::model::Autopsy;

/// Tells the script.
pub struct Reports {
    /// Until the run has begun.
    begin: Option<(Control, Feeding)>,
    out: Option<UnixStream>,
    done: Vec<u8>,
    failed: Vec<serde_json::Value>,
    counts: OutcomeCounts,
}

impl Reports {
    /// Reports to the script at the other end of `control`, whose calls go to `feeding`.
    pub fn new(control: Control, feeding: Feeding) -> Self {
        let out = control.sender().ok();
        let (done, failed) = (Vec::new(), Vec::new());
        Self { begin: Some((control, feeding)), out, done, failed, counts: OutcomeCounts::default() }
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        // Without a script that reads the run is stopped by what reads from it.
        if let Some(out) = &mut self.out
            && out.write_all(&frame(kind, body)).is_err()
        {
            self.out = None;
        }
    }

    fn send_json(&mut self, kind: u8, value: &serde_json::Value) {
        self.send(kind, value.to_string().as_bytes());
    }

    fn take_end(&mut self, record: &AttemptRecord) {
        let call = record.task.0 + 1;
        let kind = match &record.outcome {
            // The function has returned: the script has its result.
            Outcome::Done | Outcome::OutputLost(_) => {
                self.done.extend_from_slice(&call.to_le_bytes());
                return;
            }
            Outcome::Exited { .. } => "exited",
            Outcome::Signalled { .. } => "died",
            Outcome::CannotStart(_) => "cannot_start",
            Outcome::CallFailed(_) => "failed",
            Outcome::TimedOut => "timeout",
            Outcome::Cancelled => "cancelled",
            Outcome::Lost(_) => "lost",
        };
        let message = Autopsy::of(record).map_or_else(|| "it was cancelled".to_owned(), |autopsy| autopsy.cause);
        self.failed.push(json!({"call": call, "kind": kind, "message": message}));
    }
}

impl Starter for Reports {
    fn begun(&mut self, state: &Arc<HostState>) {
        let info = lock(&state.info).clone();
        let folder = String::from_utf8_lossy(&info.folder).into_owned();
        let version = env!("CARGO_PKG_VERSION");
        self.send_json(b'I', &json!({"pid": info.pid, "folder": folder, "name": info.name, "version": version}));
        let Some((control, feeding)) = self.begin.take() else { return };
        let its = Arc::clone(state);
        let serving = std::thread::Builder::new().name("script".to_owned());
        if serving.spawn(move || control.serve(&its, feeding)).is_err() {
            state.command(crate::engine::RunCommand::StopNow);
        }
    }

    fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Task(TaskEvent::Finished(records)) => records.iter().for_each(|record| self.take_end(record)),
            EventKind::Run(RunEvent::Finished(summary)) => self.counts = summary.counts,
            _ => {}
        }
    }

    fn recorded(&mut self, number: Option<i64>) {
        self.send_json(b'N', &json!({"run": number}));
    }

    fn flush(&mut self) {
        if !self.done.is_empty() {
            let done = std::mem::take(&mut self.done);
            self.send(b'D', &done);
        }
        if !self.failed.is_empty() {
            let failed = serde_json::Value::Array(std::mem::take(&mut self.failed));
            self.send_json(b'X', &failed);
        }
    }

    fn ended(&mut self) {
        self.flush();
        let OutcomeCounts { done, failed, timed_out, cancelled, lost } = self.counts;
        let all = json!({
            "done": done, "failed": failed, "timed_out": timed_out, "cancelled": cancelled, "lost": lost,
        });
        self.send_json(b'Z', &all);
        self.out = None;
    }

    fn awaits_exit(&self) -> bool {
        true
    }
}
