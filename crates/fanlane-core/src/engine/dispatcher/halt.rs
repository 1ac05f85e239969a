//! The early end of a run once enough tasks have ended in the way that its job's halt counts.

use super::{Dispatcher, Effect};
use crate::event::{DispatchEvent, EventKind, OutcomeClass, OutcomeCounts};
use crate::job::control::{Halt, HaltOn, HaltWhen, Threshold};

impl Dispatcher {
    /// Ends the run early if enough tasks have ended as its halt says.
    pub(super) fn halt_if_reached(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let Some(wanted) = self.plan.control.halt else { return };
        // A share of a batch that grows is known when it has grown.
        let tasks = self.complete.then_some(self.plan.tasks);
        if self.stopping || !is_reached(wanted, &self.counts, tasks) {
            return;
        }
        effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::HaltReached { halt: wanted.to_string() })));
        match wanted.when {
            HaltWhen::Now => self.stop(now_ns, false, effects),
            HaltWhen::Soon => self.cancel_waiting(now_ns, effects),
        }
    }
}

/// Whether the run is to end, now that its tasks have ended as `counts` says, of `tasks` in all, if that is known.
pub fn is_reached(halt: Halt, counts: &OutcomeCounts, tasks: Option<u64>) -> bool {
    let failed = counts.of(OutcomeClass::Failed) + counts.of(OutcomeClass::TimedOut) + counts.of(OutcomeClass::Lost);
    let counted = match halt.on {
        HaltOn::Fail => failed,
        HaltOn::Success => counts.done,
        HaltOn::Done => counts.done + failed,
    };
    match halt.threshold {
        Threshold::Count(count) => counted >= count,
        Threshold::Percent(percent) => {
            tasks.is_some_and(|tasks| counted > 0 && counted as f64 * 100.0 >= percent * tasks as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_halt_counts_its_own() {
        let counts = OutcomeCounts { done: 6, failed: 1, timed_out: 1, cancelled: 5, lost: 1 };
        for (halt, tasks, reached) in [
            ("now,fail=3", 20, true),
            ("now,fail=4", 20, false),
            ("soon,success=6", 20, true),
            ("soon,success=7", 20, false),
            ("soon,done=9", 20, true),
            ("soon,done=10", 20, false),
            ("now,fail=15%", 20, true),
            ("now,fail=16%", 20, false),
            ("now,success=30%", 20, true),
        ] {
            assert_eq!(is_reached(halt.parse().unwrap(), &counts, Some(tasks)), reached, "{halt}");
        }
        let one = OutcomeCounts { failed: 1, ..OutcomeCounts::default() };
        assert!(is_reached("now,fail=10%".parse().unwrap(), &one, Some(5)), "as in GNU parallel");
        assert!(!is_reached("now,fail=10%".parse().unwrap(), &one, Some(11)));
        assert!(is_reached("now,fail=10%".parse().unwrap(), &one, Some(1)));
        assert!(!is_reached("now,fail=10%".parse().unwrap(), &one, None));
    }
}
