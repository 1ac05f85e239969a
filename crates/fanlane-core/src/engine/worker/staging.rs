//! The files of a command on another host than its engine: brought before it, into the folder that it runs in, brought back after it,
//! and removed.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde_bytes::ByteBuf;

use crate::engine::files::{FileEntry, FileKind, FileName, FileReply, FileRequest, PIECE_BYTES, PIECES_AHEAD};
use crate::engine::files_on_disk::{self, NewFile};
use crate::event::{Outcome, StreamName, TaskId};
use crate::job::remote_files::{TaskFiles, path_of, path_there};

/// The way to the engine's files.
pub trait FileLink {
    /// A new attempt begins: answers that an earlier one did not take are for nobody.
    fn begin(&self);

    /// Sends what is asked; waits for room.
    fn ask(&self, request: FileRequest);

    /// Waits for the next answer.
    ///
    /// # Errors
    /// When the task is being ended, or the engine is gone; in words.
    fn answer(&self) -> Result<FileReply, String>;
}

/// The files of one attempt.
pub struct Staging<'a> {
    link: &'a dyn FileLink,
    task: TaskId,
    files: TaskFiles,
    /// The home folder, absolute.
    home: &'a Path,
    workdir: PathBuf,
}

/// Takes the files of a task from the beginning of its payload.
///
/// # Errors
/// For a payload without them; in words.
pub fn take_files(payload: &mut Vec<u8>) -> Result<TaskFiles, String> {
    let torn = || "the files of the task are not told as they should be".to_owned();
    let (length, rest) = payload.split_first_chunk::<4>().ok_or_else(torn)?;
    let length = u32::from_le_bytes(*length) as usize;
    let files = postcard::from_bytes(rest.get(..length).ok_or_else(torn)?).map_err(|_| torn())?;
    payload.drain(..4 + length);
    Ok(files)
}

impl<'a> Staging<'a> {
    /// The files of a task; `home` is the folder of tasks that name none.
    pub fn new(link: &'a dyn FileLink, task: TaskId, files: TaskFiles, home: &'a Path) -> Self {
        link.begin();
        let workdir = files.workdir.as_ref().map_or_else(|| home.to_owned(), |folder| home.join(path_of(folder)));
        Self { link, task, files, home, workdir }
    }

    /// Makes the folder, enters it, and brings the files.
    ///
    /// # Errors
    /// What could not be done, in words; nothing half-written is left.
    pub fn bring(&self) -> Result<(), String> {
        files_on_disk::make_folder(&self.workdir)?;
        std::env::set_current_dir(&self.workdir)
            .map_err(|error| format!("the folder {} cannot be entered: {error}", self.workdir.display()))?;
        for (name, place) in self.files.transfer.iter().zip(0..) {
            self.bring_one(name, place)
                .map_err(|reason| format!("{} could not be brought to its host: {reason}", shown(name)))?;
        }
        Ok(())
    }

    fn bring_one(&self, name: &[u8], place: u32) -> Result<(), String> {
        self.link.ask(FileRequest::List(FileName::Transfer { task: self.task, place }));
        let FileReply::Listed(entries) = self.link.answer()? else { return Err(unexpected()) };
        let root = path_there(&self.workdir, name);
        for (entry, number) in entries?.into_iter().zip(0..) {
            let path = files_on_disk::below(&root, &entry.within);
            match &entry.kind {
                FileKind::Folder => files_on_disk::make_folder(&path)?,
                FileKind::Link { target } => files_on_disk::make_link(&path, target)?,
                FileKind::File { bytes } => self.bring_content(&path, &entry, number, *bytes)?,
            }
        }
        Ok(())
    }

    fn bring_content(&self, path: &Path, entry: &FileEntry, number: u32, bytes: u64) -> Result<(), String> {
        let mut file = NewFile::begin(path, entry.mode)?;
        let pieces = bytes.div_ceil(PIECE_BYTES as u64);
        let ask = |piece: u64| self.link.ask(FileRequest::Read { entry: number, offset: piece * PIECE_BYTES as u64 });
        let mut asked = pieces.min(PIECES_AHEAD as u64);
        (0..asked).for_each(ask);
        for _ in 0..pieces {
            let FileReply::Piece(piece) = self.link.answer()? else { return Err(unexpected()) };
            file.write_all(&piece?).map_err(|error| file.fault(&error))?;
            if asked < pieces {
                ask(asked);
                asked += 1;
            }
        }
        file.finish()
    }

    /// Brings files back.
    ///
    /// # Errors
    /// What could not be brought, in words.
    pub fn bring_back(&self) -> Result<(), String> {
        for (name, place) in self.files.returned.iter().zip(0..) {
            let path = path_there(&self.workdir, name);
            self.send(FileName::Return { task: self.task, place }, &path)
                .map_err(|reason| format!("{} could not be brought back: {reason}", shown(name)))?;
        }
        Ok(())
    }

    fn send(&self, name: FileName, path: &Path) -> Result<(), String> {
        files_on_disk::list(path)?.into_iter().try_for_each(|entry| send_entry(self.link, name, path, entry))
    }

    /// Brings files back after a task with this outcome, and cleans up; what has come of it then.
    pub fn end(&self, outcome: Outcome) -> Outcome {
        // As in GNU parallel also after a failure, where one that is missing is no news.
        let brought = self.bring_back();
        self.clean_up();
        match (outcome, brought) {
            (Outcome::Done, Err(reason)) => Outcome::OutputLost(reason.into()),
            (outcome, _) => outcome,
        }
    }

    /// Removes what is not to stay, and folders that are empty then.
    pub fn clean_up(&self) {
        // A folder that this process is in can be removed, but nothing could begin in it.
        let _ = std::env::set_current_dir(self.home);
        for name in &self.files.removed {
            let path = path_there(&self.workdir, name);
            remove(&path);
            // Other tasks run in the folder of this one, and in those above it.
            let is_below = |folder: &&Path| !self.workdir.starts_with(folder) && !self.home.starts_with(folder);
            // The first that is not empty ends it.
            let folders = path.ancestors().skip(1).take_while(is_below);
            let _ = folders.into_iter().try_for_each(fs::remove_dir);
        }
        if self.files.owns_workdir {
            let _ = fs::remove_dir_all(&self.workdir);
        }
    }
}

/// Sends a file of this host.
fn send_entry(link: &dyn FileLink, name: FileName, root: &Path, entry: FileEntry) -> Result<(), String> {
    let path = files_on_disk::below(root, &entry.within);
    let is_file = matches!(entry.kind, FileKind::File { .. });
    let file = is_file.then(|| File::open(&path)).transpose();
    let mut file = file.map_err(|error| format!("{}: {error}", path.display()))?;
    link.ask(FileRequest::Make { name, entry });
    while let Some(open) = &mut file {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        match open.take(PIECE_BYTES as u64).read_to_end(&mut piece) {
            Ok(0) => break,
            Ok(_) => link.ask(FileRequest::Write(piece)),
            // What was begun is given up by what begins next.
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    link.ask(FileRequest::Finish);
    let FileReply::Finished(finished) = link.answer()? else { return Err(unexpected()) };
    finished
}

/// Sends all that an attempt printed to a stream, which is in a file of this host, and removes that.
///
/// # Errors
/// Why it could not be kept, in words.
pub fn send_printed(
    link: &dyn FileLink,
    (task, attempt, stream): (TaskId, u32, StreamName),
    path: &Path,
) -> Result<(), String> {
    let name = FileName::Printed { task, attempt, stream };
    let entry = FileEntry { within: Vec::new(), kind: FileKind::File { bytes: 0 }, mode: 0o600 };
    let sent = send_entry(link, name, path, entry);
    let _ = fs::remove_file(path);
    sent
}

fn remove(path: &Path) {
    // As in GNU parallel, what cannot be removed stays.
    let _ = match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::IsADirectory => fs::remove_dir_all(path),
        removed => removed,
    };
}

fn unexpected() -> String {
    "the engine answers something else than was asked".to_owned()
}

fn shown(name: &ByteBuf) -> String {
    String::from_utf8_lossy(name).into_owned()
}
