//! Where the task of a lane is, for those who ask: what the system says of its processes, and the stack of a call.

use fanlane_os::process_facts::ProcessFacts;
use fanlane_os::process_tree;

use crate::engine::protocol::FromWorker;
use crate::event::TaskId;

use super::lane::LaneShared;

/// Maximum number of processes that are told of.
const MAX_PROCESSES: usize = 40;
/// Maximum length of the command line of a process, in characters.
const MAX_COMMAND_CHARS: usize = 120;

/// What knows more of where a task is than the system does.
pub trait StackSource: Send + Sync {
    /// Lines that say it, or why they cannot be had. Takes some tenths of a second at most.
    fn stack(&self) -> Vec<String>;
    /// The thread of the process that does the task.
    fn thread(&self) -> u32;
}

impl LaneShared {
    /// Says where a task is, if it is the one of this lane.
    pub(super) fn locate(&self, task: TaskId) {
        let place = self.place_of(task).map(|lines| lines.join("\n").into());
        self.outbox().send(&FromWorker::Located { task, place });
    }

    fn place_of(&self, task: TaskId) -> Option<Vec<String>> {
        let (pid, is_preparing, stack) = {
            let state = self.state();
            if state.committed.iter().any(|frame| frame.task == task) {
                return Some(vec![
                    "It is one of a batch of short calls, of which it is not known yet how far they are.".to_owned(),
                ]);
            }
            let current = state.current.as_ref().filter(|current| current.task == task)?;
            let pid = current.pid.map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
            (pid, current.preparing, state.stack.clone())
        };
        let mut lines = Vec::new();
        if is_preparing {
            lines.push(
                "It has not begun: its interpreter starts, imports the module or calls the initializer.".to_owned(),
            );
        }
        let pid = match pid {
            Some(pid) => pid,
            None if self.context.setup.task.in_process => {
                lines.push("It is a call in its worker, whose process is all that the system tells of.".to_owned());
                std::process::id()
            }
            None => {
                lines.push("It is just being started, or is one of a batch of short calls.".to_owned());
                return Some(lines);
            }
        };
        if let Some(stack) = stack {
            lines.extend(stack.stack());
            lines.extend(process_line(pid, stack.thread(), Some("the interpreter")));
        } else {
            lines.extend(process_line(pid, pid, None));
        }
        let below = process_tree::descendants(pid);
        lines.extend(below.iter().take(MAX_PROCESSES).filter_map(|pid| process_line(*pid, *pid, None)));
        if below.len() > MAX_PROCESSES {
            lines.push(format!("… and {} more processes", below.len() - MAX_PROCESSES));
        }
        Some(lines)
    }
}

/// What the system says of a thread of a process, which is called `name`, or by its command line.
fn process_line(pid: u32, thread: u32, name: Option<&str>) -> Option<String> {
    let facts = ProcessFacts::of(thread)?;
    let name = name.map_or_else(|| command_of(pid), str::to_owned);
    Some(format!("Process {pid}, {name}: {}; {:.2} s of CPU time so far", facts.words(), facts.cpu.as_secs_f64()))
}

fn command_of(pid: u32) -> String {
    let words = process_tree::command_line(pid);
    let words = String::from_utf8_lossy(&words).replace('\0', " ");
    let mut command: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = command.char_indices().nth(MAX_COMMAND_CHARS) {
        command.truncate(end);
        command.push('…');
    }
    command
}
