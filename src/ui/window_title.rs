//! The window's title: the progress of the run, which a task bar shows while the window is hidden.

use fanlane_core::event::{OutcomeClass, OutcomeCounts};
use fanlane_core::model::progress::Progress;
use fanlane_core::model::sanitize;

/// The outcomes in the order in which they are told.
pub const IN_WORDS: [OutcomeClass; 5] =
    [OutcomeClass::Done, OutcomeClass::Failed, OutcomeClass::TimedOut, OutcomeClass::Lost, OutcomeClass::Cancelled];

/// The title for the job `name` (may be empty) and its run, if there is one. The progress comes first, because task bars cut
/// off the end.
pub fn window_title(name: &str, run: Option<&Progress>) -> String {
    let mut parts = Vec::new();
    if let Some(progress) = run {
        parts.push(how_far(progress));
    }
    if !name.is_empty() {
        parts.push(sanitize::command(name));
    }
    parts.push("Fanlane".to_owned());
    parts.join(" – ")
}

fn how_far(progress: &Progress) -> String {
    if progress.tasks == 0 && progress.summary.is_none() {
        return "starting".to_owned();
    }
    // A run that is stopped cancels many.
    let is_stopped = progress.stopping || progress.summary.as_ref().is_some_and(|summary| summary.stopped);
    let mut counts = progress.counts;
    if is_stopped {
        counts.cancelled = 0;
    }
    let state = match &progress.summary {
        Some(summary) if summary.stopped => ", stopped",
        Some(_) => ", finished",
        None if progress.stopping => ", stopping",
        None if progress.paused => ", paused",
        None => "",
    };
    format!("{} of {} done{}{state}", counts.done, progress.tasks, ends(&counts))
}

/// How tasks ended: `118 done, 2 failed`.
pub fn count_words(counts: &OutcomeCounts) -> String {
    format!("{} done{}", counts.done, ends(counts))
}

/// How tasks ended that are not done: `, 2 failed, 1 lost`.
fn ends(counts: &OutcomeCounts) -> String {
    let classes = IN_WORDS.into_iter().filter(|class| *class != OutcomeClass::Done && counts.of(*class) > 0);
    classes.map(|class| format!(", {} {}", counts.of(class), class.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::event::Summary;
    use fanlane_core::job::Mode;

    #[test]
    fn the_title_says_how_far_the_run_is() {
        let mut progress = Progress { tasks: 200, ..Progress::default() };
        assert_eq!(window_title("", None), "Fanlane");
        assert_eq!(window_title("First look", None), "First look – Fanlane");
        assert_eq!(window_title("First look", Some(&progress)), "0 of 200 done – First look – Fanlane");
        assert_eq!(window_title("", Some(&Progress::default())), "starting – Fanlane", "never 0 of 0");

        progress.counts = OutcomeCounts { done: 118, failed: 1, lost: 1, cancelled: 7, ..OutcomeCounts::default() };
        let ended = |state: &str| format!("118 of 200 done, 1 failed, 1 lost, 7 cancelled{state} – Fanlane");
        assert_eq!(window_title("", Some(&progress)), ended(""));
        progress.paused = true;
        assert_eq!(window_title("", Some(&progress)), ended(", paused"));
        progress.stopping = true;
        assert_eq!(window_title("", Some(&progress)), "118 of 200 done, 1 failed, 1 lost, stopping – Fanlane");

        let mut summary = Summary {
            counts: progress.counts,
            wall_ns: 0,
            cpu_ns: 0,
            retries: 0,
            workers: 2,
            mode: Mode::Pool,
            stopped: true,
        };
        progress.summary = Some(summary.clone());
        assert_eq!(window_title("", Some(&progress)), "118 of 200 done, 1 failed, 1 lost, stopped – Fanlane");
        summary.stopped = false;
        progress.summary = Some(summary);
        assert_eq!(window_title("", Some(&progress)), "118 of 200 done, 1 failed, 1 lost, finished – Fanlane");
    }
}
