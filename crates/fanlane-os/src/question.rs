//! A program that is asked something and answers at once: what it reads and prints is held in memory, so that neither side
//! waits for the other, and one that does not answer is ended with what it has started.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open, prlimit, set_parent_process_death_signal,
};

use crate::waker::wait_readable;

/// Maximum size of what it prints, and of any other file that it writes.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// What a program has said.
#[derive(Debug)]
pub struct Answer {
    /// How it ended; `None`: it did not end in time.
    pub status: Option<ExitStatus>,
    /// What it has printed on standard output.
    pub stdout: Vec<u8>,
    /// What it has printed on standard error.
    pub stderr: Vec<u8>,
}

/// Runs a program that finds `question` on its standard input, and waits until it has ended, `timeout` at the most. It ends
/// with this process, too.
///
/// # Errors
/// When it cannot be started.
pub fn ask(command: &mut Command, question: &[u8], timeout: Duration) -> io::Result<Answer> {
    let held = || Ok::<_, io::Error>(File::from(memfd_create("fanlane-answer", MemfdFlags::CLOEXEC)?));
    let (mut stdin, mut stdout, mut stderr) = (held()?, held()?, held()?);
    stdin.write_all(question)?;
    stdin.rewind()?;
    command.stdin(stdin).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).process_group(0);
    // SAFETY: the closure makes one system call and allocates nothing.
    #[expect(unsafe_code, reason = "a process that is about to execute its program makes one system call")]
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
    }
    let until = Instant::now() + timeout;
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let bound = Rlimit { current: Some(MAX_ANSWER_BYTES), maximum: None };
    // Where it cannot be set, the timeout is the only bound.
    let _ = prlimit(Some(pid), Resource::Fsize, bound);
    let is_over = pidfd_open(pid, PidfdFlags::empty()).is_ok_and(|handle| wait_readable(&handle, Some(until)));
    // It is not reaped, so that the number is still its own.
    let _ = kill_process_group(pid, Signal::KILL);
    let status = child.wait()?;
    let read = |file: &mut File| {
        let mut text = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut text)).map(|_| text)
    };
    Ok(Answer { status: is_over.then_some(status), stdout: read(&mut stdout)?, stderr: read(&mut stderr)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(script: &str, timeout: Duration) -> Answer {
        ask(Command::new("sh").args(["-c", script]), b"a question\n", timeout).expect("started")
    }

    #[test]
    fn a_program_reads_the_question_and_its_answer_is_kept() {
        let answer = asked("cat; echo aside >&2; exit 3", Duration::from_secs(60));
        assert_eq!((&*answer.stdout, &*answer.stderr), (&b"a question\n"[..], &b"aside\n"[..]));
        assert_eq!(answer.status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn what_does_not_answer_is_ended_with_what_it_has_started_and_what_holds_on_to_the_streams_is_not_waited_for() {
        let answer = asked("echo begun; sleep 600 & echo $!; wait", Duration::from_millis(500));
        assert!(answer.status.is_none());
        let said = String::from_utf8(answer.stdout).expect("text");
        let (begun, pid) = said.trim().split_once('\n').expect("two lines");
        assert_eq!(begun, "begun");
        let pid: u32 = pid.parse().expect("a number");
        let until = Instant::now() + Duration::from_secs(60);
        while !crate::process_tree::has_ended(pid) {
            assert!(Instant::now() < until, "it goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
        let answer = asked("sleep 600 & echo done", Duration::from_secs(60));
        assert_eq!((answer.status.is_some(), &*answer.stdout), (true, &b"done\n"[..]));
    }
}
