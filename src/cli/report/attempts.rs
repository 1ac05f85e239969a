//! What the report says of attempts: while they print, when they are stopped or tried again, and when they have ended.

use std::io;

use fanlane_core::event::{AttemptRecord, Captured, Outcome, OutcomeClass, Printed, Spill, StreamName, TaskId};

use super::live::LiveOutput;
use super::order::InputOrder;
use super::tag::Dress;
use super::{Format, Grouping, Report, Streams, Style, Tasks, json, printable, text};

impl Style {
    /// How the lines of a task that has ended are written.
    fn dress(&self, tasks: &dyn Tasks, record: &AttemptRecord, slot: u32) -> Dress {
        let has_failed = record.outcome.class() != OutcomeClass::Done;
        let colours = self.colouring.of(tasks.number(record.task), has_failed);
        Dress { tag: tasks.tag(record.task, slot), colours }
    }
}

impl Report<'_> {
    /// Prints what was recorded of a task that has ended; returns whether its output is whole.
    ///
    /// # Errors
    /// When a stream cannot be written.
    pub fn print_recorded(tasks: &dyn Tasks, record: &AttemptRecord, streams: &mut Streams) -> io::Result<bool> {
        let begun = LiveOutput::default().end(record.task, || Dress { tag: tasks.tag(record.task, 1), colours: None });
        text::write_task(record, 1, tasks, None, begun, streams)
    }

    pub(super) fn printed(&mut self, printed: &Printed) -> io::Result<()> {
        let Self { style, tasks, workers, streams, live, order, .. } = self;
        if style.grouping == Grouping::LatestLine {
            streams.bar.show_line(workers.slot(printed.worker), printed);
            return Ok(());
        }
        let turn = order.as_ref().map(InputOrder::next);
        let dress = || Dress {
            tag: tasks.tag(printed.task, workers.slot(printed.worker)),
            colours: style.colouring.of(tasks.number(printed.task), false),
        };
        live.print(printed, turn, dress, streams)
    }

    /// Prints the rest of a failed attempt, where every attempt is printed.
    pub(super) fn retried(&mut self, record: &AttemptRecord) -> io::Result<()> {
        let Self { style, tasks, workers, streams, live, order, spill_folder, .. } = self;
        let slot = workers.slot(record.worker);
        let mut begun = live.end(record.task, || style.dress(*tasks, record, slot));
        let is_its_turn = order.as_ref().is_none_or(|order| order.next() == record.task);
        if style.grouping.is_live() && is_its_turn {
            text::write_output(record, *tasks, spill_folder.as_deref(), &mut begun, streams)?;
        }
        self.drop_spilled(record);
        Ok(())
    }

    /// A signal has stopped a running command, or it goes on.
    pub(super) fn task_suspended(&mut self, task: TaskId, pid: u32, is_suspended: bool) -> io::Result<()> {
        let number = self.tasks.number(task);
        match (self.style.format, is_suspended) {
            (Format::Json, _) => self.streams.stdout(|out| json::write_suspended(number, pid, is_suspended, out)),
            (Format::Text, true) => self.say(&format!(
                "task {number} is stopped by a signal and waits; kill -CONT {pid} lets it go on, kill -KILL {pid} ends it"
            )),
            (Format::Text, false) => self.say(&format!("task {number} goes on")),
        }
    }

    pub(super) fn finished(&mut self, record: AttemptRecord) -> io::Result<()> {
        self.streams.bar.hide_line(self.workers.slot(record.worker));
        let Some(mut order) = self.order.take() else { return self.write_task(&record) };
        if order.next() != record.task {
            self.live.drop_held(record.task);
        }
        let pushed = order.push(record, |record| self.write_task(&record));
        let turn = order.next();
        self.order = Some(order);
        pushed?;
        self.live.take_turn(turn, &mut self.streams)
    }

    pub(super) fn write_task(&mut self, record: &AttemptRecord) -> io::Result<()> {
        let Self { style, tasks, workers, streams, live, spill_folder, keepers, .. } = self;
        let is_whole = match style.format {
            Format::Text => {
                let slot = workers.slot(record.worker);
                if let Some(stream) = self.commands.filter(|_| record.attempt > 0) {
                    let line = tasks.command_line(record.task, slot);
                    streams.to(stream, |out| {
                        out.extend_from_slice(&line);
                        out.push(b'\n');
                        Ok(())
                    })?;
                }
                let begun = live.end(record.task, || style.dress(*tasks, record, slot));
                if style.as_files {
                    text::write_path(record, slot, *tasks, keepers.take_results_path(record.task), begun, streams)?;
                    true
                } else if style.grouping == Grouping::LatestLine {
                    text::write_latest_line(record, slot, *tasks, begun, streams)?;
                    true
                } else {
                    text::write_task(record, slot, *tasks, spill_folder.as_deref(), begun, streams)?
                }
            }
            Format::Json => {
                let about = json::Beside {
                    pid: workers.pid(record.worker),
                    host: workers.host(record.worker).map(str::to_owned),
                    results: keepers.take_results_path(record.task),
                    spill_folder: spill_folder.clone(),
                };
                json::write_task(record, &about, *tasks, &mut &mut *streams)?
            }
        };
        // A task that failed for it has said so.
        if !is_whole && !matches!(record.outcome, Outcome::OutputLost(_)) {
            self.shortfall.outputs_cut += 1;
            self.say_what_is_cut(record)?;
        }
        if record.output.as_ref().is_some_and(|output| output.leaky) {
            self.shortfall.left_running += 1;
            if self.style.format == Format::Text {
                self.say(&format!("task {} left processes running, which were ended", self.tasks.number(record.task)))?;
            }
        }
        self.drop_spilled(record);
        Ok(())
    }

    pub(super) fn say_what_is_cut(&mut self, record: &AttemptRecord) -> io::Result<()> {
        let Some(output) = &record.output else { return Ok(()) };
        for name in StreamName::BOTH {
            let Captured { dropped_bytes, spill, .. } = output.stream(name);
            let why = match spill {
                Spill::Failed(reason) => format!("could not be kept: {reason}"),
                Spill::None | Spill::Kept => "were not kept: only its beginning and its end are here".to_owned(),
            };
            if *dropped_bytes > 0 {
                let (number, name) = (self.tasks.number(record.task), name.name());
                let line = format!("task {number}: {dropped_bytes} bytes of its {name} {why}");
                self.say(&printable(&line, usize::MAX))?;
            }
        }
        Ok(())
    }

    /// Removes the whole output of a task that has been written and kept.
    pub(super) fn drop_spilled(&self, record: &AttemptRecord) {
        let Some((folder, output)) = self.spill_folder.as_ref().zip(record.output.as_ref()) else { return };
        for stream in StreamName::BOTH.into_iter().filter(|stream| output.stream(*stream).spill == Spill::Kept) {
            // What remains is removed with the folder.
            let _ = std::fs::remove_file(folder.join(record.spill_name(stream)));
        }
    }
}
