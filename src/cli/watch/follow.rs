//! The loop of the view: it takes events and keys as they come and draws at a bounded rate.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use crossbeam_channel::{Receiver, never, select};
use ratatui_core::buffer::Buffer;

use super::facts::Facts;
use super::frame::{self, Scene};
use super::input::{Input, Inputs};
use super::palette::Palette;
use super::screen::Screen;
use super::state::{Page, Request, Situation, State};
use crate::cli::report::{Pace, Report, Tasks};
use fanlane_core::engine::RunCommand;
use fanlane_core::engine::event_pump::CHANNEL_EVENTS;
use fanlane_core::event::{Event, TaskId};
use fanlane_core::model::Earlier;
use fanlane_os::interrupts;
use fanlane_os::terminal;
use fanlane_os::terminal_signals::{self, TerminalSignal};

/// Minimum time between two frames.
const FRAME_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum time between two frames: times go on while nothing happens.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);

/// Whether a view can be drawn here.
///
/// # Errors
/// When standard error is no terminal that can move its cursor, or there is none to take keys from.
pub fn check() -> Result<()> {
    ensure!(
        terminal::screen().is_some(),
        "standard error is no terminal to draw on; leave it out, or redirect standard output alone"
    );
    terminal::keyboard().context("there is no terminal to take keys from; leave it out")?;
    Ok(())
}

/// Why a view was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The run has ended, or no more is told of it.
    Ended,
    /// A person has left the view.
    Left,
    /// A person wants the failed tasks to be run again.
    Retry,
}

/// What a view can do to its run.
#[derive(Clone, Copy)]
pub struct Controls<'a> {
    /// Asks the run for something.
    pub command: &'a dyn Fn(RunCommand),
    /// Stops this process until it is continued; returns how long the run was suspended with it.
    pub suspend: &'a dyn Fn() -> Duration,
}

impl Controls<'_> {
    /// Those of a run that has ended.
    const NONE: Controls<'static> = Controls { command: &|_| (), suspend: &stop_alone };
}

/// Stops this process and no run.
pub fn stop_alone() -> Duration {
    terminal_signals::stop_here();
    Duration::ZERO
}

/// What else is done with the events of the run.
pub trait EventSink {
    /// Takes an event.
    ///
    /// # Errors
    /// When what is to be written of it cannot be written.
    fn take(&mut self, event: Event) -> io::Result<()>;

    /// Writes what was gathered.
    ///
    /// # Errors
    /// When it cannot be written.
    fn flush(&mut self) -> io::Result<()>;

    /// The number of the run in the history, once it has one.
    fn run(&self) -> Option<i64>;

    /// The run was suspended for so long.
    fn suspended(&mut self, lasted: Duration);
}

impl EventSink for Report<'_> {
    fn take(&mut self, event: Event) -> io::Result<()> {
        self.take(event)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn run(&self) -> Option<i64> {
        self.run()
    }

    fn suspended(&mut self, lasted: Duration) {
        self.suspended(lasted);
    }
}

/// A view of a run, which has the terminal until it is dropped.
pub struct View<'a> {
    // Dropped in this order: no key is read of a terminal that is given back.
    inputs: Inputs,
    screen: Screen,
    tasks: &'a dyn Tasks,
    facts: Facts,
    state: State,
    situation: Situation,
    palette: Palette,
    name: String,
    /// The number of the run in the history.
    run: Option<i64>,
    earlier: Earlier,
    begun: Instant,
    /// The task whose output is shown.
    opened: Option<TaskId>,
    drawn: Option<Instant>,
    /// It goes on in the background, and the terminal belongs to another program.
    is_away: bool,
    /// How long the run was suspended, as far as the sink has not heard of it.
    suspended: Duration,
    /// Something has changed since the last frame.
    is_stale: bool,
}

impl<'a> View<'a> {
    /// Takes the terminal for a run that begins now.
    ///
    /// # Errors
    /// When there is no terminal that can be drawn on and gives keys.
    pub fn open(name: &str, tasks: &'a dyn Tasks, situation: Situation) -> Result<Self> {
        let screen = Screen::enter()?;
        Ok(Self {
            inputs: Inputs::begin().context("keys cannot be read")?,
            screen,
            tasks,
            facts: Facts::default(),
            state: State::default(),
            situation,
            palette: Palette::of_environment(),
            name: name.to_owned(),
            run: None,
            earlier: Earlier::default(),
            begun: Instant::now(),
            opened: None,
            drawn: None,
            is_away: false,
            suspended: Duration::ZERO,
            is_stale: true,
        })
    }

    /// Sets the numbers of tasks that ended in earlier runs.
    pub fn resuming(self, earlier: Earlier) -> Self {
        Self { earlier, ..self }
    }

    /// Sets how long before this view the run began.
    pub fn begun(self, ago: Duration) -> Self {
        Self { begun: self.begun.checked_sub(ago).unwrap_or(self.begun), ..self }
    }

    /// What is known of the run.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The tasks that earlier runs have ended.
    pub const fn earlier(&self) -> Earlier {
        self.earlier
    }

    /// Shows the run until its last event, or until the view is left.
    ///
    /// # Errors
    /// When the terminal cannot be written, or the sink fails.
    pub fn follow(
        &mut self,
        events: &Receiver<Event>,
        sink: &mut dyn EventSink,
        controls: Controls<'_>,
    ) -> io::Result<Leave> {
        let mut pace = Pace::default();
        loop {
            let mut more = true;
            for event in events.try_iter().take(CHANNEL_EVENTS) {
                more = self.take(event, sink)?;
            }
            if !more {
                return Ok(Leave::Ended);
            }
            if let Some(leave) = self.take_keys(controls)? {
                return Ok(leave);
            }
            if !self.suspended.is_zero() {
                sink.suspended(std::mem::take(&mut self.suspended));
            }
            if self.draw_if_due()? {
                self.run = sink.run();
                sink.flush()?;
            }
            if !events.is_empty() || pace.rest(|| events.is_empty()) {
                continue;
            }
            let waiting = Instant::now();
            let inputs = self.inputs.receiver().clone();
            select! {
                recv(events) -> event => match event {
                    Ok(event) => if !self.take(event, sink)? { return Ok(Leave::Ended) },
                    Err(_) => return Ok(Leave::Ended),
                },
                recv(inputs) -> input => if let Some(leave) = input.ok().map_or(Ok(None), |input| self.handle(input, controls))? {
                    return Ok(leave);
                },
                default(self.time_left()) => {}
            }
            pace.waited(waiting.elapsed());
        }
    }

    /// Keeps showing a run that has ended where a person looks at something of it, or may want to do something about it, until
    /// the view is left or a signal ends it.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn linger_unless_interrupted(&mut self, run: Option<i64>) -> Result<Leave> {
        let is_over = AtomicBool::new(false);
        let end = |_| is_over.store(true, Ordering::Release);
        let (left, _) = interrupts::during(end, || self.linger(run, &|| is_over.load(Ordering::Acquire)))
            .context("signals cannot be caught")?;
        // A terminal that cannot be written shows nothing any more; the run has ended anyway.
        Ok(left.unwrap_or(Leave::Ended))
    }

    fn linger(&mut self, run: Option<i64>, is_over: &dyn Fn() -> bool) -> io::Result<Leave> {
        self.run = run.or(self.run);
        let has_failures = self.facts.failures.total() > 0;
        if self.facts.progress.summary.is_none() || self.is_away || (!has_failures && self.state.is_at_lanes()) {
            return Ok(Leave::Ended);
        }
        self.state.question = None;
        self.is_stale = true;
        let inputs = self.inputs.receiver().clone();
        while !is_over() {
            self.draw_if_due()?;
            select! {
                recv(inputs) -> input => if let Some(leave) = input.ok().map_or(Ok(None), |input| self.handle(input, Controls::NONE))? {
                    return Ok(leave);
                },
                recv(never::<()>()) -> _ => {}
                default(self.time_left().min(FRAME_INTERVAL)) => {}
            }
        }
        Ok(Leave::Left)
    }

    /// Takes an event; returns whether more can come.
    fn take(&mut self, event: Event, sink: &mut dyn EventSink) -> io::Result<bool> {
        self.facts.apply(&event);
        self.is_stale = true;
        sink.take(event)?;
        Ok(self.facts.progress.summary.is_none())
    }

    fn take_keys(&mut self, controls: Controls<'_>) -> io::Result<Option<Leave>> {
        while let Ok(input) = self.inputs.receiver().try_recv() {
            if let Some(leave) = self.handle(input, controls)? {
                return Ok(Some(leave));
            }
        }
        Ok(None)
    }

    fn handle(&mut self, input: Input, controls: Controls<'_>) -> io::Result<Option<Leave>> {
        self.is_stale = true;
        // A key is answered at once.
        self.drawn = None;
        let key = match input {
            Input::Key(key) => key,
            Input::Signal(TerminalSignal::Resized) => return Ok(None),
            Input::Signal(TerminalSignal::Suspend) => return self.suspend(controls).map(|()| None),
            // A shell has set its own modes meanwhile.
            Input::Signal(TerminalSignal::Continued) => return self.resume().map(|()| None),
        };
        match self.state.press(key, &self.facts, &self.situation) {
            None => {}
            Some(Request::Command(wanted)) => (controls.command)(wanted),
            Some(Request::Leave) => return Ok(Some(Leave::Left)),
            Some(Request::Retry) => return Ok(Some(Leave::Retry)),
            // Signals have one meaning, with the view and without.
            Some(Request::Interrupt) => terminal_signals::interrupt_group(),
            Some(Request::Suspend) => terminal_signals::suspend_group(),
            Some(Request::Redraw) => self.screen.forget(),
        }
        self.follow_opened(controls.command);
        Ok(None)
    }

    /// Asks the run for what the opened task prints, and no longer for that of the one before.
    fn follow_opened(&mut self, command: &dyn Fn(RunCommand)) {
        let opened = match self.state.page {
            Page::Output(task) => Some(task),
            Page::Lanes | Page::Failures | Page::Help => None,
        };
        if opened == self.opened {
            return;
        }
        if let Some(before) = std::mem::replace(&mut self.opened, opened) {
            command(RunCommand::Unfollow(before));
        }
        self.facts.open(opened);
        if let Some(task) = opened.filter(|task| self.facts.record(*task).is_none()) {
            command(RunCommand::Follow(task));
        }
    }

    fn suspend(&mut self, controls: Controls<'_>) -> io::Result<()> {
        self.screen.suspend();
        let lasted = (controls.suspend)();
        self.begun += lasted;
        self.suspended += lasted;
        // What came meanwhile, the signal to go on among it, was for the shell.
        self.inputs.receiver().try_iter().for_each(drop);
        self.resume()
    }

    fn resume(&mut self) -> io::Result<()> {
        self.is_away = !terminal::is_in_foreground();
        if self.is_away {
            return Ok(());
        }
        self.screen.resume().map_err(|error| io::Error::other(format!("{error:#}")))
    }

    fn time_left(&self) -> Duration {
        let interval = if self.is_stale { FRAME_INTERVAL } else { CLOCK_INTERVAL };
        self.drawn.map_or(Duration::ZERO, |drawn| interval.saturating_sub(drawn.elapsed()))
    }

    /// Draws a frame if something has changed and the last one is old enough; returns whether it was time for one.
    fn draw_if_due(&mut self) -> io::Result<bool> {
        if !self.time_left().is_zero() {
            return Ok(false);
        }
        self.draw()?;
        self.drawn = Some(Instant::now());
        self.is_stale = false;
        Ok(true)
    }

    fn draw(&mut self) -> io::Result<()> {
        if self.is_away {
            return Ok(());
        }
        let mut buffer = Buffer::empty(self.screen.area()?);
        let progress = &self.facts.progress;
        let now_ns = match &progress.summary {
            Some(summary) => summary.wall_ns,
            None => progress.last_ns.max(u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)),
        };
        let scene = Scene {
            facts: &self.facts,
            tasks: self.tasks,
            name: &self.name,
            run: self.run,
            earlier: self.earlier,
            now_ns,
            state: &self.state,
            situation: &self.situation,
            palette: self.palette,
        };
        frame::draw(&scene, &mut buffer);
        self.screen.draw(buffer)
    }
}
