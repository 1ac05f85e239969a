//! Undo and redo of the open job: every change of it, from a typed letter to another job in its place.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{JobDraft, JobEditor, Origin};

/// Maximum number of changes that can be undone.
const MAX_CHANGES: usize = 100;
/// Maximum size of the texts that are kept for that, in bytes; the last change can always be undone.
const MAX_BYTES: usize = 64 << 20;
/// Edits that follow each other faster than this are one change.
const PAUSE: Duration = Duration::from_secs(1);

/// The open job as it was before a change, or after one that was undone.
struct State {
    draft: JobDraft,
    opened: JobDraft,
    origin: Option<Origin>,
    folder: PathBuf,
    /// The opened job that it is an edit of.
    job: u64,
}

impl State {
    /// About the size of its texts: long ones are the command and the inputs.
    fn bytes(&self) -> usize {
        let of = |draft: &JobDraft| {
            draft.command.len() + draft.inputs.iter().map(|input| input.values.len()).sum::<usize>() + 1024
        };
        of(&self.draft) + of(&self.opened)
    }
}

/// The changes of the open job.
#[derive(Default)]
pub(super) struct Changes {
    /// States before changes, the newest last.
    undo: Vec<State>,
    /// States before undoing, the newest last.
    redo: Vec<State>,
    /// When the draft was edited last, while that change goes on.
    edited: Option<Instant>,
    /// Counts the jobs that were opened; an undo goes back to the number of the earlier one.
    jobs: u64,
    job: u64,
}

impl Changes {
    /// Another job takes the place of the open one.
    pub(super) const fn begin_job(&mut self) {
        self.jobs += 1;
        self.job = self.jobs;
    }

    fn push(&mut self, state: State) {
        self.undo.push(state);
        let mut bytes = 0;
        let fits = |state: &&State| {
            bytes += state.bytes();
            bytes <= MAX_BYTES
        };
        let kept = self.undo.iter().rev().take(MAX_CHANGES).take_while(fits).count().max(1);
        self.undo.drain(..self.undo.len() - kept);
        self.redo.clear();
        self.edited = None;
    }
}

impl JobEditor {
    fn state(&self) -> State {
        State {
            draft: self.draft.clone(),
            opened: self.opened.clone(),
            origin: self.origin.clone(),
            folder: self.folder.clone(),
            job: self.changes.job,
        }
    }

    /// What there is now can be brought back after the change that follows.
    pub(in crate::session) fn keep_for_undo(&mut self) {
        let state = self.state();
        self.changes.push(state);
    }

    /// As [`JobEditor::keep_for_undo`], before an edit: those that follow each other quickly are one change.
    pub(in crate::session) fn keep_before_edit(&mut self) {
        let now = Instant::now();
        let goes_on = self.changes.edited.is_some_and(|before| now.duration_since(before) < PAUSE);
        if !goes_on {
            self.keep_for_undo();
        }
        self.changes.edited = Some(now);
    }

    /// The open job is the first: nothing can be undone.
    pub(in crate::session) fn forget_changes(&mut self) {
        self.changes.undo.clear();
        self.changes.edited = None;
    }

    /// Brings back the job as it was before the last change; false if there is none.
    pub(in crate::session) fn undo(&mut self) -> bool {
        let Some(before) = self.changes.undo.pop() else { return false };
        let now = self.state();
        self.changes.redo.push(now);
        self.restore(before);
        true
    }

    /// Makes the change again that was undone last; false if there is none.
    pub(in crate::session) fn redo(&mut self) -> bool {
        let Some(after) = self.changes.redo.pop() else { return false };
        let now = self.state();
        self.changes.undo.push(now);
        self.restore(after);
        true
    }

    fn restore(&mut self, state: State) {
        let State { draft, opened, origin, folder, job } = state;
        (self.opened, self.origin, self.folder) = (opened, origin, folder);
        if job != self.changes.job {
            self.opening += 1;
        }
        (self.changes.job, self.changes.edited) = (job, None);
        self.edit(draft);
    }

    /// The open job was saved, or its preset was renamed: that is no change, and an undo does not take it back.
    pub(super) fn note_origin(&mut self, was: &str) {
        let (opened, origin, job) = (self.opened.clone(), self.origin.clone(), self.changes.job);
        let Changes { undo, redo, .. } = &mut self.changes;
        for state in undo.iter_mut().chain(redo).filter(|state| state.job == job) {
            if state.draft.name == was {
                state.draft.name.clone_from(&opened.name);
            }
            (state.opened, state.origin) = (opened.clone(), origin.clone());
        }
        self.changes.edited = None;
    }

    /// A preset is gone (`None`) or is another now: jobs that an undo brings back do not overwrite what is not theirs.
    pub(in crate::session) fn preset_moved(&mut self, from: &super::PresetId, to: Option<&super::PresetId>) {
        let Changes { undo, redo, .. } = &mut self.changes;
        for state in undo.iter_mut().chain(redo) {
            if matches!(&state.origin, Some(Origin::Preset(id)) if id == from) {
                state.origin = to.cloned().map(Origin::Preset);
            }
        }
    }
}
