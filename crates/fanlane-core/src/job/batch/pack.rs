//! A batch as bytes, for another process of this program. The inputs are packed as they were read, so that the unpacked
//! batch has the same tasks, whatever has become of files and folders since.

use std::borrow::Cow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::filled::FilledJob;
use super::layout::{Layout, Member};
use super::{Batch, BatchError, BatchFeed};
use crate::job::Job;
use crate::job::TaskId;
use crate::job::file::JobFileError;

/// Why a batch cannot be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The job has no text that could be read again: inputs that are not UTF-8, or more than a job file may hold.
    #[error("the job cannot be handed to another process: {0}")]
    Job(#[from] JobFileError),
    /// The batch grows while it runs.
    #[error("a batch whose inputs still arrive cannot be handed to another process")]
    Grows,
    /// The bytes are not those of a batch.
    #[error("these bytes are no batch of this build of Fanlane")]
    Garbage,
    /// Its order or its requests cannot be computed again.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

#[derive(Serialize)]
struct PackedRef<'a> {
    job: &'a str,
    #[serde(with = "serde_bytes")]
    working_dir: &'a [u8],
    sources: &'a [Member],
    cuts: Option<&'a [u64]>,
    picked: Option<&'a [u64]>,
    is_rest: bool,
    grows: bool,
}

#[derive(Deserialize)]
struct Packed<'a> {
    #[serde(borrow)]
    job: Cow<'a, str>,
    #[serde(with = "serde_bytes")]
    working_dir: Vec<u8>,
    sources: Vec<Member>,
    /// Not computed again: what fits depends on the environment of the process.
    cuts: Option<Vec<u64>>,
    picked: Option<Vec<u64>>,
    is_rest: bool,
    /// The rows are not here.
    grows: bool,
}

impl Batch {
    /// The batch as bytes for [`Batch::unpack`] of the same build.
    ///
    /// # Errors
    /// [`PackError::Job`] and [`PackError::Grows`].
    pub fn pack(&self) -> Result<Vec<u8>, PackError> {
        if self.layout.stream().is_some() {
            return Err(PackError::Grows);
        }
        self.pack_sources(false)
    }

    /// A growing batch without its rows as bytes for [`Batch::unpack_growing`] of the same build; any other as [`Batch::pack`].
    ///
    /// # Errors
    /// [`PackError::Job`]; [`PackError::Grows`] where it has more than one column, whose names are in rows that were read.
    pub(crate) fn pack_without_rows(&self) -> Result<Vec<u8>, PackError> {
        match self.layout.stream() {
            None => self.pack(),
            Some(_) if Self::has_one_open_column(&self.job) => self.pack_sources(true),
            Some(_) => Err(PackError::Grows),
        }
    }

    fn pack_sources(&self, grows: bool) -> Result<Vec<u8>, PackError> {
        let job = self.given_job().to_ron()?;
        // What cannot be read again is found here, where the error still reaches the user.
        Job::parse(&job)?;
        let packed = PackedRef {
            job: &job,
            working_dir: self.working_dir.as_os_str().as_bytes(),
            sources: if grows { &[] } else { self.layout.sources() },
            cuts: self.layout.cuts(),
            picked: self.picked.as_deref(),
            is_rest: self.is_rest,
            grows,
        };
        postcard::to_stdvec(&packed).map_err(|_| PackError::Garbage)
    }

    /// Reads a batch that [`Batch::pack`] wrote. No input is read; only `longest-first-in` reads its job log
    /// again; an order by the history is applied by the caller, which knows where the history lies.
    ///
    /// # Errors
    /// When the bytes are those of something else, or the order cannot be worked out again.
    pub fn unpack(bytes: &[u8]) -> Result<Self, PackError> {
        match Self::unpack_growing(bytes)? {
            (batch, None) => Ok(batch),
            (_, Some(_)) => Err(PackError::Grows),
        }
    }

    /// Also reads a batch without its rows, with the feed that takes them.
    ///
    /// # Errors
    /// As [`Batch::unpack`].
    pub(crate) fn unpack_growing(bytes: &[u8]) -> Result<(Self, Option<BatchFeed>), PackError> {
        let Packed { job, working_dir, sources, cuts, picked, is_rest, grows } =
            postcard::from_bytes(bytes).map_err(|_| PackError::Garbage)?;
        let job = Job::parse(&job)?;
        let working_dir = PathBuf::from(std::ffi::OsString::from_vec(working_dir));
        if grows {
            let (batch, feed) = Self::without_rows(&job, working_dir)?;
            return Ok((batch, Some(feed)));
        }
        let is_whole = sources.iter().all(|member| member.is_whole(&job))
            && sources.is_sorted_by_key(Member::number)
            && (1..=job.input_count()).all(|number| sources.iter().any(|member| member.number() == number));
        if !is_whole {
            return Err(PackError::Garbage);
        }
        let filled = FilledJob::of(&job)?;
        let mut layout = Layout::of(&filled.job, sources)?;
        if cuts.is_some() != filled.job.max_chars.is_some() || cuts.is_some_and(|cuts| !layout.cut(cuts)) {
            return Err(PackError::Garbage);
        }
        let (whole, _) = Self::bind(filled, working_dir, layout, None)?;
        let Some(picked) = picked else { return Ok((whole, None)) };
        if picked.iter().any(|place| *place >= whole.len()) {
            return Err(PackError::Garbage);
        }
        let tasks: Vec<TaskId> = picked.into_iter().map(TaskId).collect();
        Ok((if is_rest { whole.rest(&tasks) } else { whole.only(&tasks) }, None))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use super::*;

    fn open(job: &str, folder: &Path, stdin: &str) -> Batch {
        Batch::open(&Job::parse(job).unwrap(), folder, &mut Cursor::new(stdin.to_owned())).unwrap()
    }

    fn assert_same(batch: &Batch, other: &Batch) {
        assert_eq!(batch.job(), other.job());
        assert_eq!(
            (batch.len(), batch.columns(), batch.working_dir()),
            (other.len(), other.columns(), other.working_dir())
        );
        assert_eq!(batch.dependencies(), other.dependencies());
        for (place, task) in (0..batch.len()).map(|place| (place, TaskId(place))) {
            assert_eq!(batch.number(task), other.number(task));
            assert_eq!(batch.values(task), other.values(task));
            assert_eq!(batch.payload(task, 3), other.payload(task, 3));
            assert_eq!(batch.tag(task, 1), other.tag(task, 1));
            assert_eq!(batch.order().task_at(place), other.order().task_at(place));
        }
    }

    const JOBS: [&str; 6] = [
        r#"Job(version: 1, task: Command("echo {1} {2} {#}"), inputs: [Range(-2, 5), List(["a", "b c", "d"])])"#,
        r#"Job(version: 1, task: Command("echo {}x {2}"), inputs: [Range(1, 50)], max_chars: Some(40), spread: Some(3), repeat_words: true)"#,
        r#"Job(version: 1, task: Command("wc {}"), inputs: [Glob("*.txt")], tagstring: Some("{/.}"))"#,
        r#"Job(version: 1, name: "x", task: Command("echo {name}"), inputs: [Csv("t.csv"), Stdin], order: Shuffled(seed: 7))"#,
        r#"Job(version: 1, task: Command("echo"), inputs: [Linked([Range(1, 9), Stdin])], max_args: Some(2), sample: Some(3), sample_seed: 5)"#,
        r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 100)], order: Priority("1"))"#,
    ];

    #[test]
    fn unpacked_it_is_the_same_batch_though_its_files_are_gone() {
        let mut packed = Vec::new();
        {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in [("a.txt", ""), ("b b.txt", ""), ("t.csv", "name,n\nA,1\n\"B\nb\",2\n")] {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            for job in JOBS {
                let batch = open(job, folder.path(), "one\ntwo\n\u{e9}\n");
                packed.push((batch.pack().unwrap(), batch));
            }
        }
        for (bytes, batch) in packed {
            assert_same(&Batch::unpack(&bytes).unwrap(), &batch);
            let some: Vec<TaskId> = (0..batch.len()).rev().step_by(2).map(TaskId).collect();
            for part in [batch.only(&some), batch.rest(&some), batch.rest(&some).only(&[TaskId(0)])] {
                assert_same(&Batch::unpack(&part.pack().unwrap()).unwrap(), &part);
            }
        }
    }

    #[test]
    fn a_growing_batch_is_handed_on_without_its_rows_where_they_tell_nothing_of_its_columns() {
        let growing = |inputs: &str| {
            let job = format!("Job(version: 1, task: Command(\"echo {{}}\"), inputs: [{inputs}])");
            Batch::open_growing(&Job::parse(&job).unwrap(), Path::new("/"), &mut &b"a,b\n"[..]).unwrap()
        };
        let (batch, mut feed) = growing("Stdin");
        feed.push(b"one").unwrap();
        let packed = batch.pack_without_rows().unwrap();
        assert!(matches!(Batch::unpack(&packed), Err(PackError::Grows)));
        let (other, its) = Batch::unpack_growing(&packed).unwrap();
        assert!(other.is_empty());
        its.unwrap().push_all([&b"one"[..]]).unwrap();
        assert_eq!(other.payload(TaskId(0), 1), batch.payload(TaskId(0), 1));
        let (columns, _feed) = growing("Columns(from: Stdin, separator: \",\")");
        assert!(matches!(columns.pack_without_rows(), Err(PackError::Grows)));
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        let whole = open(JOBS[0], Path::new("/"), "").pack().unwrap();
        for cut in 0..whole.len() {
            // A cut may leave a batch of fewer inputs; it must not panic.
            if let Ok(batch) = Batch::unpack(&whole[..cut]) {
                (0..batch.len()).for_each(|task| drop(batch.payload(TaskId(task), 1)));
            }
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x15;
            if let Ok(batch) = Batch::unpack(&damaged) {
                (0..batch.len().min(100)).for_each(|task| drop(batch.payload(TaskId(task), 1)));
            }
        }
        let job = Job::parse(r#"Job(version: 1, task: Command("echo {}"), inputs: [Stdin])"#).unwrap();
        let (growing, _feed) = Batch::open_growing(&job, Path::new("/"), &mut std::io::empty()).unwrap();
        assert!(matches!(growing.pack(), Err(PackError::Grows)));
    }
}
