//! When Slurm is asked for the state of the elements, and what its answer says about those that say nothing themselves.

use super::client::SlurmError;
use super::driver::Driver;
use super::queue::{QUEUE_INTERVAL, QueueAnswer};

/// The longest time between two questions, in nanoseconds, where the elements say that they run.
const MAX_QUEUE_INTERVAL_NS: u64 = 60_000_000_000;
/// What Slurm says of an array this soon after its submission is not taken as the end of it, in nanoseconds.
const SETTLING_NS: u64 = 2_000_000_000;

impl Driver {
    pub(super) fn ask_queue(&mut self) {
        let now_ns = self.now_ns();
        let is_due = now_ns >= self.ask_at_ns && self.coordinator.elements.live() > 0;
        if is_due && !self.is_asking && self.stop_by_ns.is_none() {
            self.is_asking = true;
            let not_before_ns = self.submitted_at.values().copied().max().unwrap_or(0);
            self.requests.ask_queue(not_before_ns);
        }
    }

    pub(super) fn heard_of_queue(&mut self, answer: Result<QueueAnswer, SlurmError>) {
        self.is_asking = false;
        let is_all_running = self.coordinator.elements.running() as u64 == self.coordinator.elements.live();
        let usual_ns = QUEUE_INTERVAL.as_nanos() as u64;
        self.ask_interval_ns =
            if is_all_running { (2 * self.ask_interval_ns).min(MAX_QUEUE_INTERVAL_NS) } else { usual_ns };
        self.ask_at_ns = self.now_ns() + self.ask_interval_ns;
        match answer {
            Ok(answer) => {
                if std::mem::replace(&mut self.is_away, false) {
                    self.tell("Slurm answers again".to_owned());
                }
                self.compare(&answer);
            }
            Err(error) => {
                self.was_away = true;
                if !std::mem::replace(&mut self.is_away, true) {
                    self.tell(format!("Slurm does not answer, and what runs goes on: {error}"));
                }
            }
        }
    }

    /// Compares what Slurm says of the elements with what they have said.
    fn compare(&mut self, answer: &QueueAnswer) {
        let now_ns = self.now_ns();
        let mut reasons: Vec<String> = Vec::new();
        let mut runs_some = false;
        for array in self.handle.arrays.clone() {
            let submitted_ns = self.submitted_at.get(&array.serial).copied().unwrap_or(0);
            if !self.coordinator.elements.is_live_array(array.serial) || answer.asked_ns < submitted_ns + SETTLING_NS {
                continue;
            }
            let states = answer.of_job(array.job);
            for id in self.coordinator.elements.live_ids().into_iter().filter(|id| id.0 == array.serial) {
                match states.get(&id.1) {
                    Some(state) if !state.is_over() => {
                        self.coordinator.element_there(id);
                        runs_some |= !state.is_pending();
                        if state.is_pending()
                            && !state.reason.is_empty()
                            && !reasons.iter().any(|one| one == state.reason)
                        {
                            reasons.push(state.reason.to_owned());
                        }
                    }
                    state => {
                        let word = state.map_or("it is in its queue no more", |state| state.state);
                        let printed = self.requests.folder.last_printed(array.job, id.1);
                        let printed = printed.map_or_else(String::new, |line| format!("; it printed last: {line}"));
                        let how = format!("was lost: Slurm says {word} of its element{printed}");
                        self.coordinator.element_gone(now_ns, id, &how, &mut self.effects);
                    }
                }
            }
        }
        let reason =
            (!runs_some && !reasons.is_empty()).then(|| format!("Slurm runs no element of it: {}", reasons.join(", ")));
        self.coordinator.hold(now_ns, reason, &mut self.effects);
    }
}
