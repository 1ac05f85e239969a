//! The engine's side: reads the files that are brought to a host, and puts those that come back into their places, each under another
//! name until it is whole.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use serde_bytes::ByteBuf;

use super::{FileEntry, FileKind, FileName, FileReply, FileRequest, PIECE_BYTES};
use crate::engine::files_on_disk::{self, NewFile};
use crate::event::spill_name;
use crate::job::Batch;
use crate::job::remote_files::path_of;

/// Answers a worker on another host.
pub struct FileDesk<'a> {
    /// Where a named file is here.
    find: Box<dyn Fn(FileName) -> Result<PathBuf, String> + 'a>,
    /// The folder or file that was listed last, and its entries.
    listed: Option<(PathBuf, Vec<FileEntry>)>,
    /// The entry that is read.
    reading: Option<(u32, File)>,
    /// What is being made, or why it cannot be.
    making: Option<Result<Making, String>>,
}

/// A file that comes back.
enum Making {
    File(NewFile),
    /// It is there.
    Made,
}

/// Where a file of a batch is on this machine: relative names are below the job's folder.
///
/// # Errors
/// For a name that the task does not have.
pub fn find_file(batch: &Batch, spill_folder: Option<&Path>, slot: u32, name: FileName) -> Result<PathBuf, String> {
    let unknown = || UNKNOWN.to_owned();
    let of =
        |task: crate::event::TaskId| (task.0 < batch.len()).then(|| batch.files_of(task, slot)).ok_or_else(unknown);
    let below = |names: &[ByteBuf], place| find_below(batch.working_dir(), names, place);
    match name {
        FileName::Transfer { task, place } => below(&of(task)?.transfer, place),
        FileName::Return { task, place } => below(&of(task)?.returned, place),
        FileName::Printed { task, attempt, stream } => {
            let folder = spill_folder.ok_or_else(unknown)?;
            files_on_disk::make_private_folder(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            Ok(folder.join(spill_name(task, attempt, stream)))
        }
    }
}

/// Where one of several names is below `folder`.
///
/// # Errors
/// When there is none in this place.
pub fn find_below(folder: &Path, names: &[ByteBuf], place: u32) -> Result<PathBuf, String> {
    names.get(place as usize).map(|name| folder.join(path_of(name))).ok_or_else(|| UNKNOWN.to_owned())
}

const UNKNOWN: &str = "the host asks for a file that the task does not have";

impl<'a> FileDesk<'a> {
    /// A desk that finds files by `find`.
    pub fn new(find: impl Fn(FileName) -> Result<PathBuf, String> + 'a) -> Self {
        Self { find: Box::new(find), listed: None, reading: None, making: None }
    }

    /// Does what is asked, and returns what is to be answered, if anything is.
    pub fn answer(&mut self, request: FileRequest) -> Option<FileReply> {
        match request {
            FileRequest::List(name) => Some(FileReply::Listed(self.list(name))),
            FileRequest::Read { entry, offset } => Some(FileReply::Piece(self.read(entry, offset))),
            FileRequest::Make { name, entry } => {
                self.making = Some(self.make(name, &entry));
                None
            }
            FileRequest::Write(bytes) => {
                if let Some(Ok(Making::File(file))) = &mut self.making
                    && let Err(error) = file.write_all(&bytes)
                {
                    self.making = Some(Err(file.fault(&error)));
                }
                None
            }
            FileRequest::Finish => {
                let finished = match self.making.take() {
                    Some(Ok(Making::File(file))) => file.finish(),
                    Some(Ok(Making::Made)) => Ok(()),
                    Some(Err(reason)) => Err(reason),
                    None => Err("the host ends a file that it has not begun".to_owned()),
                };
                Some(FileReply::Finished(finished))
            }
        }
    }

    fn list(&mut self, name: FileName) -> Result<Vec<FileEntry>, String> {
        self.reading = None;
        self.listed = None;
        let path = (self.find)(name)?;
        let entries = files_on_disk::list(&path)?;
        self.listed = Some((path, entries.clone()));
        Ok(entries)
    }

    fn read(&mut self, entry: u32, offset: u64) -> Result<ByteBuf, String> {
        let (path, entries) = self.listed.as_ref().ok_or("the host asks for a file that was not listed")?;
        let within = &entries.get(entry as usize).ok_or("the host asks for a file that was not listed")?.within;
        let path = files_on_disk::below(path, within);
        let fault = |error: io::Error| format!("{}: {error}", path.display());
        if self.reading.as_ref().is_none_or(|(open, _)| *open != entry) {
            self.reading = Some((entry, File::open(&path).map_err(fault)?));
        }
        let Some((_, file)) = &self.reading else { return Ok(ByteBuf::new()) };
        let mut piece = vec![0; PIECE_BYTES];
        let mut filled = 0;
        while filled < piece.len() {
            match file.read_at(&mut piece[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(error)),
            }
        }
        piece.truncate(filled);
        Ok(ByteBuf::from(piece))
    }

    fn make(&self, name: FileName, entry: &FileEntry) -> Result<Making, String> {
        let within = path_of(&entry.within);
        if !within.components().all(|part| matches!(part, Component::Normal(_))) || entry.within.contains(&0) {
            return Err("the host names a file that is not within the folder that it brings back".to_owned());
        }
        let root = (self.find)(name)?;
        let path = files_on_disk::below(&root, &entry.within);
        if !entry.within.is_empty() && leads_elsewhere(&root, &path) {
            return Err(format!("{}: a link leads out of the folder that is brought back", path.display()));
        }
        match &entry.kind {
            FileKind::File { .. } => NewFile::begin(&path, entry.mode).map(Making::File),
            FileKind::Folder => files_on_disk::make_folder(&path).map(|()| Making::Made),
            FileKind::Link { target } => files_on_disk::make_link(&path, target).map(|()| Making::Made),
        }
    }
}

/// Whether a folder between `root` and `path` is a link: what comes back as one must not lead what follows to another place.
fn leads_elsewhere(root: &Path, path: &Path) -> bool {
    let folders =
        path.ancestors().skip(1).take_while(|folder| folder.as_os_str().as_bytes() != root.as_os_str().as_bytes());
    folders.into_iter().any(|folder| fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TaskId;

    const NAME: FileName = FileName::Return { task: TaskId(0), place: 0 };

    fn entry(within: &str, kind: FileKind) -> FileEntry {
        FileEntry { within: within.as_bytes().to_vec(), kind, mode: 0o644 }
    }

    fn finish(desk: &mut FileDesk<'_>) -> Result<(), String> {
        match desk.answer(FileRequest::Finish) {
            Some(FileReply::Finished(finished)) => finished,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_in_its_place_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/a b\n'");
        let mut desk = FileDesk::new(|_| Ok(path.clone()));
        let made = FileRequest::Make { name: NAME, entry: entry("", FileKind::File { bytes: 4 }) };
        assert_eq!(desk.answer(made.clone()), None);
        assert_eq!(desk.answer(FileRequest::Write(b"half".to_vec())), None);
        assert!(!path.exists());
        assert_eq!(finish(&mut desk), Ok(()));
        assert_eq!(fs::read(&path).expect("there"), b"half");
        // One that is broken off leaves nothing.
        assert_eq!(desk.answer(made), None);
        assert_eq!(desk.answer(FileRequest::Write(b"other".to_vec())), None);
        drop(desk);
        assert_eq!(fs::read_dir(path.parent().expect("a folder")).expect("read").count(), 1);
        assert_eq!(fs::read(&path).expect("there"), b"half");
    }

    #[test]
    fn a_host_reads_and_writes_nothing_but_the_files_of_its_task() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).expect("made");
        let mut desk = FileDesk::new(|name| match name {
            FileName::Return { .. } => Ok(root.clone()),
            _ => Err("no".to_owned()),
        });
        assert_eq!(
            desk.answer(FileRequest::List(FileName::Transfer { task: TaskId(0), place: 0 })),
            Some(FileReply::Listed(Err("no".to_owned())))
        );
        assert!(matches!(desk.answer(FileRequest::Read { entry: 0, offset: 0 }), Some(FileReply::Piece(Err(_)))));
        assert!(finish(&mut desk).is_err(), "nothing was begun");
        let file = || FileKind::File { bytes: 0 };
        let link = FileKind::Link { target: outside.as_os_str().as_bytes().to_vec() };
        for within in ["../x", "/etc/x", "a/../../x"] {
            assert_eq!(desk.answer(FileRequest::Make { name: NAME, entry: entry(within, file()) }), None);
            assert!(finish(&mut desk).is_err(), "{within}");
        }
        for (within, kind, is_made) in
            [("", FileKind::Folder, true), ("link", link, true), ("link/x", file(), false), ("sub/x", file(), true)]
        {
            assert_eq!(desk.answer(FileRequest::Make { name: NAME, entry: entry(within, kind) }), None);
            assert_eq!(finish(&mut desk).is_ok(), is_made, "{within}");
        }
        assert_eq!(fs::read_dir(&outside).expect("read").count(), 0);
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 2);
    }
}
