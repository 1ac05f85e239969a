//! Why a run waits, or ended early.

use fanlane_core::model::Progress;

/// Why a run waits for resources, or why a halt ended it before its last task; `None` otherwise, and during a pause.
pub fn hold_words(progress: &Progress) -> Option<String> {
    match (&progress.halted, &progress.held) {
        (Some(halt), _) if progress.summary.is_some() => Some(format!("Ended by halt {halt}")),
        (Some(halt), _) => Some(format!("Ending by halt {halt}")),
        (None, Some(reason)) if progress.summary.is_none() && !progress.paused && !progress.stopping => {
            Some(format!("Waiting: {reason}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_comes_before_a_wait_and_a_pause_is_no_wait() {
        let held = Progress { held: Some("more memory".to_owned()), ..Progress::default() };
        assert_eq!(hold_words(&held).as_deref(), Some("Waiting: more memory"));
        assert_eq!(hold_words(&Progress { paused: true, ..held.clone() }), None);
        let halted = Progress { halted: Some("now,fail=1".to_owned()), ..held };
        assert_eq!(hold_words(&halted).as_deref(), Some("Ending by halt now,fail=1"));
        assert_eq!(hold_words(&Progress::default()), None);
    }
}
