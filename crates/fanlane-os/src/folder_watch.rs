//! Waiting for changes in a folder, without looking at it at intervals.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

/// Folders that are watched: files that are made, replaced, renamed or removed in them.
#[derive(Debug)]
pub struct FolderWatch {
    changes: OwnedFd,
    ended: OwnedFd,
}

/// Ends the watching when it is dropped.
#[derive(Debug)]
pub struct FolderWatchEnd(#[expect(dead_code, reason = "closing it is what it is for")] OwnedFd);

impl FolderWatch {
    /// A watch of no folder yet, and what ends it.
    ///
    /// # Errors
    /// When the system watches no more.
    pub fn new() -> io::Result<(Self, FolderWatchEnd)> {
        let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let (ended, end) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((Self { changes, ended }, FolderWatchEnd(end)))
    }

    /// Watches a folder, too, from now on.
    ///
    /// # Errors
    /// When there is no such folder, or the system watches no more.
    pub fn add(&self, folder: &Path) -> io::Result<()> {
        let wanted = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        inotify::add_watch(&self.changes, folder, wanted)?;
        Ok(())
    }

    /// Waits for changes since the last call, which are told once; false when the watching has ended.
    pub fn wait(&self) -> bool {
        loop {
            let mut ready = [PollFd::new(&self.changes, PollFlags::IN), PollFd::new(&self.ended, PollFlags::IN)];
            match poll(&mut ready, None) {
                Err(Errno::INTR) => continue,
                Err(_) => return false,
                Ok(_) if !ready[1].revents().is_empty() => return false,
                Ok(_) => {}
            }
            let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
            let mut count = 0;
            while rustix::io::read(&self.changes, &mut buffer[..]).is_ok_and(|(read, _)| !read.is_empty()) {
                count += 1;
            }
            if count > 0 {
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_the_end_ends_the_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let (watch, end) = FolderWatch::new().expect("a watch");
        assert!(watch.add(&folder.path().join("none")).is_err());
        watch.add(folder.path()).expect("it is watched");
        std::fs::write(folder.path().join("new"), "a").expect("written");
        assert!(watch.wait());
        std::fs::rename(folder.path().join("new"), folder.path().join("old")).expect("renamed");
        std::fs::remove_file(folder.path().join("old")).expect("removed");
        assert!(watch.wait());
        let waiting = std::thread::spawn(move || watch.wait());
        drop(end);
        assert!(!waiting.join().expect("it ends"));
    }
}
