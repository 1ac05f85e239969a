//! What has come of a call: returned or raised, alone or among others of a batch, or ended with its interpreter.

use super::*;

impl PythonExecutor {
    /// What the next call has come to, if it is done and another one behind it, too. It has printed nothing then, and was asked
    /// for no end that a signal would have told the interpreter of.
    pub(super) fn take_done(&mut self) -> Option<Execution> {
        let kept = self.kept.as_mut().filter(|kept| !kept.is_dead && kept.link.has_several())?;
        let CallRecord { end_ns, result } = kept.link.take()?;
        kept.calls += 1;
        let (outcome, value) = ended_as(result);
        Some(Execution { value, call_end: Some(self.call_end(end_ns, true)), ..Execution::of(outcome) })
    }

    fn call_end(&self, end_ns: u64, has_more: bool) -> CallEnd {
        CallEnd { end_ns: self.context.clock.of_monotonic(end_ns), cpu_share: self.cpu_share, has_more }
    }

    /// What came of a call that is done.
    pub(super) fn done(&mut self, record: CallRecord, output: CallOutput<'_>, watch: &dyn TaskWatch) -> Execution {
        let CallRecord { end_ns, result } = record;
        let ended = self.kept.as_ref().and_then(|kept| kept.link.ended());
        let mut cpu_ns = None;
        let mut max_rss_bytes = 0;
        if let Some(BatchEnd { done, cpu_ns: spent_ns, peak_memory_bytes }) = ended {
            let wall_ns = end_ns.saturating_sub(self.sent_ns).max(1);
            self.cpu_share = spent_ns as f64 / wall_ns as f64;
            self.batch_size.adapt(wall_ns / u64::from(done.max(1)), output.is_any());
            if done == 1 {
                cpu_ns = Some(spent_ns);
                max_rss_bytes = peak_memory_bytes;
            }
        }
        if let Some(kept) = self.kept.as_mut().filter(|_| ended.is_some()) {
            kept.link.forget_batch();
            // Those behind one that has printed were not begun.
            watch.release(0);
        }
        let has_more = self.kept.as_ref().is_some_and(|kept| kept.link.has_more());
        if self.is_told && watch.ending().is_some() {
            // It was to be ended, and was done first; the signal is for the interpreter.
            self.leave_at_once();
            watch.release(0);
        }
        let output = output.finish();
        let (mut outcome, value) = ended_as(result);
        if outcome == Outcome::Done
            && let Some(lost) = output.as_deref().and_then(|output| loss_of(self.spill_folder.as_deref(), output))
        {
            outcome = lost;
        }
        let call_end = Some(self.call_end(end_ns, has_more));
        Execution { value, output, cpu_ns, max_rss_bytes, call_end, ..Execution::of(outcome) }
    }

    /// What came of a call in which the interpreter has ended.
    pub(super) fn died(&mut self, end: Reaped, output: CallOutput<'_>, watch: &dyn TaskWatch) -> Execution {
        self.batch_size = BatchSize::default();
        let outcome = watch.ending().unwrap_or_else(|| match outcome_of(end.status) {
            Outcome::Done => {
                Outcome::CallFailed("the interpreter ended, with exit code 0, before the function returned".into())
            }
            failed => failed,
        });
        let is_killed = outcome == Outcome::Signalled { signal: libc::SIGKILL };
        let memory_kill = is_killed && self.memory_kills.any_new();
        Execution {
            output: output.finish(),
            cpu_ns: Some(end.cpu_ns()),
            max_rss_bytes: end.peak_memory_bytes,
            memory_kill,
            ..Execution::of(outcome)
        }
    }
}

/// The outcome and the value of a call that has returned or raised.
fn ended_as(result: Result<Option<CallValue>, String>) -> (Outcome, Option<CallValue>) {
    match result {
        Ok(value) => (Outcome::Done, value),
        Err(message) => (Outcome::CallFailed(message.into()), None),
    }
}
