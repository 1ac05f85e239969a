//! Blocks that are dealt out between a number of tasks, each of which reads one block after the other from a pipe. Which task gets a
//! block depends on which is ready for one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::PipeFlags;

use super::cutter::Cutter;
use fanlane_os::descriptors;
use fanlane_os::large_pipe::large_pipe;

/// How often it is looked whether a task has ended that reads no more.
const LOOK_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The pipes of the tasks.
#[derive(Debug)]
pub struct DealtBlocks {
    pipes: Mutex<Vec<Option<BlockPipe>>>,
}

/// A pipe until its task has ended.
#[derive(Debug)]
struct BlockPipe {
    /// Workers open this end through the files of this process.
    reader: OwnedFd,
    /// `None` once all blocks are dealt out and written.
    writer: Option<File>,
    /// What is still to be written of the blocks that the task was given, and how much of it was.
    unwritten: Vec<u8>,
    written: usize,
    /// The task was given a block.
    has_begun: bool,
}

impl BlockPipe {
    fn new() -> io::Result<Self> {
        let (reader, writer) = large_pipe(PipeFlags::NONBLOCK)?;
        Ok(Self { reader, writer: Some(writer.into()), unwritten: Vec::new(), written: 0, has_begun: false })
    }

    const fn is_idle(&self) -> bool {
        self.written == self.unwritten.len()
    }

    /// Writes what fits.
    fn write(&mut self) -> io::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        while self.written < self.unwritten.len() {
            match writer.write(&self.unwritten[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.unwritten.clear();
        self.written = 0;
        Ok(())
    }
}

impl DealtBlocks {
    /// Pipes for so many tasks.
    ///
    /// # Errors
    /// When the system has no more of them.
    pub fn new(tasks: u32) -> io::Result<Self> {
        let pipes = (0..tasks).map(|_| BlockPipe::new().map(Some)).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { pipes: Mutex::new(pipes) })
    }

    fn pipes(&self) -> MutexGuard<'_, Vec<Option<BlockPipe>>> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.pipes().len()
    }

    /// Where the worker of the task at a place opens its pipe.
    pub fn path(&self, place: u64) -> Vec<u8> {
        let pipes = self.pipes();
        let pipe = usize::try_from(place).ok().and_then(|place| pipes.get(place)?.as_ref());
        pipe.map_or_else(Vec::new, |pipe| descriptors::path_for_others(&pipe.reader).into_os_string().into_vec())
    }

    /// The task at a place has ended: what it has not read is lost, as of a program that ends early in a pipe.
    pub fn release(&self, place: u64) {
        if let Some(pipe) = usize::try_from(place).ok().and_then(|place| self.pipes().get_mut(place)?.take()) {
            drop(pipe);
        }
    }

    /// All tasks have ended.
    pub fn close(&self) {
        self.pipes().iter_mut().for_each(|pipe| drop(pipe.take()));
    }

    /// Deals out all blocks of a stream, and returns when all is written or no task is left. `begin` is called before the first
    /// block of each task, for one after the other; false: the run has ended.
    ///
    /// # Errors
    /// When the stream cannot be read or a pipe not be written.
    pub fn deal(
        &self,
        cutter: &mut Cutter,
        stream: &mut dyn Read,
        begin: &mut dyn FnMut(usize) -> bool,
    ) -> io::Result<()> {
        let mut next = 0;
        let mut is_over = false;
        loop {
            let mut pipes = self.pipes();
            if pipes.iter().all(|pipe| pipe.as_ref().is_none_or(|pipe| pipe.writer.is_none())) {
                return Ok(());
            }
            for pipe in pipes.iter_mut().flatten() {
                pipe.write()?;
                if is_over && pipe.is_idle() {
                    pipe.writer = None;
                }
            }
            let count = pipes.len();
            let idle = (0..count)
                .map(|step| (next + step) % count)
                .find(|place| pipes[*place].as_ref().is_some_and(BlockPipe::is_idle));
            if let (Some(place), false) = (idle, is_over) {
                // The tasks go on reading while the next block is.
                drop(pipes);
                let Some(block) = cutter.next_block(stream)? else {
                    is_over = true;
                    continue;
                };
                let mut is_first = false;
                if let Some(pipe) = &mut self.pipes()[place] {
                    is_first = !std::mem::replace(&mut pipe.has_begun, true);
                    if is_first {
                        pipe.unwritten.extend_from_slice(block.header);
                    }
                    pipe.unwritten.extend_from_slice(block.bytes);
                }
                if is_first && !begin(place) {
                    return Ok(());
                }
                next = place + 1;
                continue;
            }
            let writers = pipes.iter().flatten().filter(|pipe| !pipe.is_idle()).filter_map(|pipe| pipe.writer.as_ref());
            // Held open by a file of their own: a task that ends meanwhile takes its pipe away.
            let writers: Vec<OwnedFd> =
                writers.map(|writer| writer.as_fd().try_clone_to_owned()).collect::<io::Result<_>>()?;
            drop(pipes);
            let mut polled: Vec<PollFd<'_>> =
                writers.iter().map(|writer| PollFd::new(writer, PollFlags::OUT)).collect();
            match poll(&mut polled, Some(&LOOK_INTERVAL)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::job::pipe::Pipe;

    #[test]
    fn each_block_is_read_by_one_task_and_a_task_that_is_gone_holds_up_no_other() {
        let dealt = Arc::new(DealtBlocks::new(3).expect("pipes"));
        let text: String = (0..200_000).map(|number| format!("{number}\n")).collect();
        let readers: Vec<_> = (0..2)
            .map(|place| {
                let path = String::from_utf8(dealt.path(place)).expect("text");
                let mut file = File::open(path).expect("it is there");
                std::thread::spawn(move || {
                    let mut read = String::new();
                    file.read_to_string(&mut read).map(|_| read)
                })
            })
            .collect();
        dealt.release(2);
        let pipe = Pipe { block_bytes: Some(1000), header: Some(":".into()), ..Pipe::default() };
        let mut cutter = Cutter::new(&pipe).expect("a cutter");
        let mut begun = Vec::new();
        let mut begin = |place| {
            begun.push(place);
            true
        };
        dealt.deal(&mut cutter, &mut text.as_bytes(), &mut begin).expect("dealt out");
        assert_eq!(begun, [0, 1]);
        let mut lines: Vec<u64> = Vec::new();
        for reader in readers {
            let read = reader.join().expect("it ends").expect("it is read");
            assert!(read.starts_with("0\n"), "the header");
            lines.extend(read.lines().skip(1).map(|line| line.parse::<u64>().expect("a whole line")));
        }
        lines.sort_unstable();
        assert!(lines.into_iter().eq(1..200_000), "each line once");
        dealt.close();
        assert!(dealt.path(0).is_empty());
    }
}
