//! What the engine answers about its files, from the thread that receives to the one that does the task.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::files::{FileReply, FileRequest};
use crate::engine::protocol::FromWorker;

use super::lane::{LaneShared, has_room};
use super::staging::FileLink;

/// How often a task that waits for an answer looks whether it is wanted any more.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The answers that were not taken yet.
#[derive(Debug, Default)]
pub struct FileAnswers {
    state: Mutex<AnswerState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct AnswerState {
    waiting: VecDeque<FileReply>,
    /// How many are still to come for the attempt.
    expected: u32,
    /// How many come before these for attempts that have ended.
    stale: u32,
}

impl FileAnswers {
    fn state(&self) -> MutexGuard<'_, AnswerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one in.
    pub fn arrived(&self, reply: FileReply) {
        let mut state = self.state();
        if state.stale > 0 {
            state.stale -= 1;
            return;
        }
        state.expected = state.expected.saturating_sub(1);
        state.waiting.push_back(reply);
        self.changed.notify_all();
    }

    fn begin(&self) {
        let mut state = self.state();
        state.waiting.clear();
        state.stale += std::mem::take(&mut state.expected);
    }

    fn expect_one(&self) {
        self.state().expected += 1;
    }

    /// The next one, or what `gives_up` says while there is none.
    fn next(&self, gives_up: impl Fn() -> Option<String>) -> Result<FileReply, String> {
        let mut state = self.state();
        loop {
            if let Some(reply) = state.waiting.pop_front() {
                return Ok(reply);
            }
            drop(state);
            if let Some(reason) = gives_up() {
                return Err(reason);
            }
            let again = self.state();
            let has_none = |state: &mut AnswerState| state.waiting.is_empty();
            state = self
                .changed
                .wait_timeout_while(again, POLL_INTERVAL, has_none)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl FileLink for LaneShared {
    fn begin(&self) {
        self.file_answers.begin();
    }

    fn ask(&self, request: FileRequest) {
        if matches!(request, FileRequest::List(_) | FileRequest::Read { .. } | FileRequest::Finish) {
            self.file_answers.expect_one();
        }
        // Before the outbox is locked: the listener must not have to wait for it.
        has_room(&*self.link, true);
        self.outbox().send(&FromWorker::File(request));
    }

    fn answer(&self) -> Result<FileReply, String> {
        {
            let mut state = self.state();
            if std::mem::take(&mut state.executor_receives) {
                self.listener.notify_one();
            }
        }
        self.file_answers.next(|| {
            let is_ended = self.state().current.as_ref().is_some_and(|current| current.ending.is_some());
            is_ended.then(|| "the task was ended".to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_for_an_attempt_that_has_ended_are_for_nobody() {
        let answers = FileAnswers::default();
        let piece = |byte: u8| FileReply::Piece(Ok(vec![byte].into()));
        let next = || answers.next(|| Some("none".to_owned()));
        (0..3).for_each(|_| answers.expect_one());
        answers.arrived(piece(1));
        answers.arrived(piece(2));
        assert_eq!(next(), Ok(piece(1)));
        answers.begin();
        answers.expect_one();
        assert_eq!(next(), Err("none".to_owned()));
        answers.arrived(piece(3));
        answers.arrived(piece(4));
        assert_eq!(next(), Ok(piece(4)));
        assert_eq!(next(), Err("none".to_owned()));
    }
}
