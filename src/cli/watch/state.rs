//! What a key does: pure, from the state of the view and what is known of the run to another state and a request.

use super::facts::Facts;
use super::keys::Key;
use super::output;
use fanlane_core::engine::RunCommand;
use fanlane_core::event::TaskId;
use fanlane_core::job::{MAX_WORKERS, Mode};

/// How many rows Page up and Page down move.
const PAGE_ROWS: usize = 10;

/// What the view shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The lanes.
    #[default]
    Lanes,
    /// The tasks that failed.
    Failures,
    /// The output of a task.
    Output(TaskId),
    /// The keys.
    Help,
}

/// A question that the next key answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether the run is to be stopped.
    Stop,
    /// The same, because the view cannot be left without that.
    StopToLeave,
}

/// What the view shows, and where in it a person is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The page.
    pub page: Page,
    /// The page that an output was opened from.
    pub(super) opened_from: Page,
    /// The selected row of the lanes.
    pub lane: usize,
    /// The selected failure; `None`: the newest.
    pub failure: Option<TaskId>,
    /// How many rows the output is scrolled up from its end.
    pub scrolled: usize,
    /// What is asked.
    pub question: Option<Question>,
    /// An answer to the last key.
    pub notice: Option<String>,
}

/// What holds of the watched run whatever happens in it.
#[derive(Clone, Debug)]
pub struct Situation {
    /// It goes on when the view is left.
    pub is_detached: bool,
    /// Why its failed tasks cannot be run again from here; `None` if they can once it has ended.
    pub retry_obstacle: Option<&'static str>,
}

/// Something that a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A command to the run.
    Command(RunCommand),
    /// Leave the view.
    Leave,
    /// Leave the view and run the failed tasks again.
    Retry,
    /// What SIGINT asks for.
    Interrupt,
    /// Suspend this process.
    Suspend,
    /// Draw everything again.
    Redraw,
}

impl State {
    /// A person who looks at something of a run that has ended is not interrupted by its end.
    pub fn is_at_lanes(&self) -> bool {
        self.page == Page::Lanes
    }

    /// Takes in a key.
    pub fn press(&mut self, key: Key, facts: &Facts, situation: &Situation) -> Option<Request> {
        self.notice = None;
        match key {
            Key::Interrupt => return Some(Request::Interrupt),
            Key::Suspend => return Some(Request::Suspend),
            Key::Redraw => return Some(Request::Redraw),
            _ => {}
        }
        if let Some(question) = self.question.take() {
            return self.answer(question, key);
        }
        match key {
            Key::Char('?' | 'h') => self.toggle(Page::Help),
            Key::Char('f') => self.toggle(Page::Failures),
            Key::Escape => self.page = self.page_behind(),
            Key::Char('q') if self.page != Page::Lanes => self.page = self.page_behind(),
            Key::Char('q') => return self.leave(facts, situation),
            Key::Char('p' | ' ') => return self.pause(facts),
            Key::Char('+' | '=') => return self.resize(facts, 1),
            Key::Char('-' | '_') => return self.resize(facts, -1),
            Key::Char('s') => return self.stop(facts),
            Key::Char('r') => return self.retry(facts, situation),
            Key::Enter => self.open(facts),
            Key::Up | Key::Char('k') => self.go(-1, facts),
            Key::Down | Key::Char('j') => self.go(1, facts),
            Key::PageUp => self.go(-(PAGE_ROWS as isize), facts),
            Key::PageDown => self.go(PAGE_ROWS as isize, facts),
            Key::Home | Key::Char('g') => self.go(isize::MIN, facts),
            Key::End | Key::Char('G') => self.go(isize::MAX, facts),
            _ => {}
        }
        None
    }

    fn answer(&mut self, question: Question, key: Key) -> Option<Request> {
        match key {
            Key::Char('s' | 'y') | Key::Enter => Some(Request::Command(RunCommand::Stop)),
            _ => {
                self.notice = Some(match question {
                    Question::Stop => "not stopped".to_owned(),
                    Question::StopToLeave => "not stopped; the view stays until the run has ended".to_owned(),
                });
                None
            }
        }
    }

    fn toggle(&mut self, page: Page) {
        self.page = if self.page == page { self.page_behind() } else { page };
    }

    fn page_behind(&self) -> Page {
        match self.page {
            Page::Output(_) => self.opened_from,
            Page::Lanes | Page::Failures | Page::Help => Page::Lanes,
        }
    }

    fn leave(&mut self, facts: &Facts, situation: &Situation) -> Option<Request> {
        if situation.is_detached || facts.progress.summary.is_some() {
            return Some(Request::Leave);
        }
        if facts.progress.stopping {
            self.notice = Some("the run is stopping; s ends its tasks at once".to_owned());
        } else {
            self.question = Some(Question::StopToLeave);
        }
        None
    }

    fn is_over(&mut self, facts: &Facts) -> bool {
        let is_over = facts.progress.summary.is_some();
        if is_over {
            self.notice = Some("the run has ended".to_owned());
        }
        is_over
    }

    fn pause(&mut self, facts: &Facts) -> Option<Request> {
        if self.is_over(facts) {
            return None;
        }
        Some(Request::Command(if facts.progress.paused { RunCommand::Resume } else { RunCommand::Pause }))
    }

    fn resize(&mut self, facts: &Facts, by: i32) -> Option<Request> {
        if self.is_over(facts) {
            return None;
        }
        let now = facts.progress.workers;
        let wanted = now.saturating_add_signed(by).clamp(1, MAX_WORKERS);
        if facts.mode == Some(Mode::One) {
            self.notice = Some("the mode is one process, so there is one worker".to_owned());
        } else if wanted == now && by < 0 {
            self.notice = Some("one worker is left; p pauses the run".to_owned());
        } else if wanted == now {
            self.notice = Some(format!("{MAX_WORKERS} workers are the most"));
        } else {
            return Some(Request::Command(RunCommand::SetWorkers(wanted)));
        }
        None
    }

    fn stop(&mut self, facts: &Facts) -> Option<Request> {
        if self.is_over(facts) {
            return None;
        }
        if facts.progress.stopping {
            return Some(Request::Command(RunCommand::StopNow));
        }
        self.question = Some(Question::Stop);
        None
    }

    fn retry(&mut self, facts: &Facts, situation: &Situation) -> Option<Request> {
        let why_not = if facts.progress.summary.is_none() {
            Some("failed tasks can be run again once the run has ended, as a new run")
        } else if facts.failures.total() == 0 {
            Some("no task has failed")
        } else {
            situation.retry_obstacle
        };
        match why_not {
            Some(words) => {
                self.notice = Some(words.to_owned());
                None
            }
            None => Some(Request::Retry),
        }
    }

    fn open(&mut self, facts: &Facts) {
        let task = match self.page {
            Page::Lanes => {
                let lane = facts.shown_lanes().get(self.lane).map(|index| &facts.lanes.lanes()[*index]);
                let running = lane.and_then(|lane| lane.running).map(|running| running.task);
                running.or_else(|| lane?.bars.as_slice().last().map(|bar| bar.task()))
            }
            Page::Failures => facts.failures.newest().get(self.failure_row(facts)).map(|record| record.task),
            Page::Output(_) | Page::Help => {
                self.page = self.page_behind();
                return;
            }
        };
        match task {
            Some(task) => {
                self.opened_from = self.page;
                self.page = Page::Output(task);
                self.scrolled = 0;
            }
            None => self.notice = Some("no task here".to_owned()),
        }
    }

    /// The row of the selected failure. It moves down as further tasks fail.
    pub fn failure_row(&self, facts: &Facts) -> usize {
        let place = facts.failures.newest().iter().position(|record| Some(record.task) == self.failure);
        place.unwrap_or(0)
    }

    fn go(&mut self, rows: isize, facts: &Facts) {
        let moved = |place: usize, count: usize| place.saturating_add_signed(rows).min(count.saturating_sub(1));
        match self.page {
            Page::Lanes => self.lane = moved(self.lane, facts.shown_lanes().len()),
            Page::Failures => {
                let failures = facts.failures.newest();
                let row = moved(self.failure_row(facts), failures.len());
                self.failure = failures.get(row).map(|record| record.task);
            }
            Page::Output(task) => {
                let up = self.scrolled.saturating_add_signed(rows.saturating_neg());
                self.scrolled = up.min(output::lines(facts, task).len().saturating_sub(1));
            }
            Page::Help => {}
        }
    }
}
