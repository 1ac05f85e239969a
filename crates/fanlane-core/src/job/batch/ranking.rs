//! Orders by values: which number each task has, from a column, a template, or the job log of an earlier run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use super::Batch;
use crate::job::Order;
use crate::job::TaskId;
use crate::job::order::{Durations, MAX_RANKED};
use crate::job::template::{CommandLine, Digits, Template, TemplateError, Values};

use super::TaskOrder;

/// The tasks cannot be put in this order.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is no column of this name.
    #[error("order: no column is called '{column}'; the inputs have {there}")]
    NoSuchColumn {
        /// The name.
        column: String,
        /// The names of all columns.
        there: String,
    },
    /// The template cannot be used.
    #[error("order: {0}")]
    Template(#[from] TemplateError),
    /// A value that is not the required number.
    #[error("order: task {number}, {of}: '{value}' is no {expected}")]
    NotANumber {
        /// The task's number.
        number: u64,
        /// The column or the template.
        of: String,
        /// The value.
        value: BString,
        /// What is expected.
        expected: &'static str,
    },
    /// There are more tasks than a table can hold.
    #[error("order: more than {MAX_RANKED} tasks cannot be put in an order by values")]
    TooMany,
    /// The job log cannot be read.
    #[error("order: the job log {path} cannot be used: {reason}")]
    JobLog {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The order of a batch's tasks.
pub(super) fn order_of(batch: &Batch, order: &Order) -> Result<TaskOrder, OrderError> {
    match order {
        Order::AsGiven | Order::Shuffled { .. } | Order::LongestFirst(Durations::History) => {
            Ok(TaskOrder::new(order, batch.len()))
        }
        Order::Priority(of) => {
            let keys = numbers(batch, of, "whole number", |text| text.trim().parse::<i64>().ok())?;
            Ok(TaskOrder::largest_first(&keys))
        }
        Order::LongestFirst(Durations::Column(of)) => {
            let secs = numbers(batch, of, "number of seconds, 0 or more, or nothing", |text| match text.trim() {
                "" => Some(None),
                secs => secs.parse::<f64>().ok().filter(|secs| *secs >= 0.0 && secs.is_finite()).map(Some),
            })?;
            Ok(TaskOrder::longest_first(&secs))
        }
        Order::LongestFirst(Durations::JobLog(path)) => {
            let path = batch.working_dir.join(path);
            let secs = secs_of_log(&path).map_err(|reason| OrderError::JobLog { path, reason })?;
            let of_task = |task| secs.get(&logged_line(batch, task)).copied();
            let secs = tasks(batch)?.filter_map(|task| Some((task, of_task(task)?))).collect();
            longest_first(batch, &secs)
        }
    }
}

/// The order with the longest tasks first, by the known durations in seconds.
pub(super) fn longest_first(batch: &Batch, secs: &HashMap<TaskId, f64>) -> Result<TaskOrder, OrderError> {
    let secs: Vec<_> = tasks(batch)?.map(|task| secs.get(&task).copied()).collect();
    Ok(TaskOrder::longest_first(&secs))
}

fn tasks(batch: &Batch) -> Result<impl Iterator<Item = TaskId> + use<>, OrderError> {
    if batch.len() > MAX_RANKED {
        return Err(OrderError::TooMany);
    }
    Ok((0..batch.len()).map(TaskId))
}

/// Where a text comes from: a column, or a template where there are braces.
enum Text {
    Column(usize),
    Template(CommandLine),
}

fn numbers<T>(
    batch: &Batch,
    of: &str,
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, OrderError> {
    let text = if of.contains('{') {
        Text::Template(Template::parse_text(of)?.filled(&batch.parameters)?.bind(&batch.columns)?)
    } else {
        let place = batch.columns.iter().position(|column| column == of);
        Text::Column(place.ok_or_else(|| OrderError::NoSuchColumn {
            column: of.to_owned(),
            there: if batch.columns.is_empty() { "none".to_owned() } else { batch.columns.join(", ") },
        })?)
    };
    let mut bytes = Vec::new();
    tasks(batch)?
        .map(|task| {
            bytes.clear();
            let row = batch.layout.row(task.0);
            match &text {
                // The last task may have fewer values than the others.
                Text::Column(place) if *place >= row.count() => {}
                Text::Column(place) => bytes.extend_from_slice(row.value(*place, &mut Digits::new())),
                Text::Template(line) => line.expand_into(batch.place(task, 1), &row, &mut bytes),
            }
            bytes.to_str().ok().and_then(&read).ok_or_else(|| OrderError::NotANumber {
                number: task.number(),
                of: if of.contains('{') { of.to_owned() } else { format!("column {of}") },
                value: bytes.clone().into(),
                expected,
            })
        })
        .collect()
}

/// A task as a job log has it, if it ran in the first lane: where its command names the lane, others are not found.
fn logged_line(batch: &Batch, task: TaskId) -> BString {
    let mut line = Vec::new();
    batch.command_into(task, 1, &mut line);
    for byte in line.iter_mut().filter(|byte| **byte == b'\n') {
        *byte = 0;
    }
    line.into()
}

/// How long each command line took when it succeeded last.
fn secs_of_log(path: &Path) -> Result<HashMap<BString, f64>, String> {
    let log = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut lines = log.lines().enumerate();
    if !lines.next().is_some_and(|(_, header)| header.starts_with(b"Seq\tHost\t")) {
        return Err("line 1: a job log begins with Seq, Host and so on".to_owned());
    }
    let mut secs = HashMap::new();
    for (index, line) in lines {
        let fields: Vec<&[u8]> = line.splitn(9, |byte| *byte == b'\t').collect();
        let [_, _, _, run_secs, _, _, exit_value, signal, command] = *fields else {
            return Err(format!("line {}: it has fewer than nine columns", index + 1));
        };
        let run_secs = run_secs.to_str().ok().and_then(|text| text.trim().parse::<f64>().ok());
        let run_secs = run_secs.filter(|secs| *secs >= 0.0 && secs.is_finite());
        let run_secs = run_secs.ok_or_else(|| format!("line {}: its JobRuntime is no number of seconds", index + 1))?;
        if (exit_value, signal) == (b"0", b"0") {
            secs.insert(command.into(), run_secs);
        }
    }
    Ok(secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    fn begun(order: &str) -> Result<Vec<u64>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), "name,rank,secs\na,1,5\nb,7,\nc,1,60.5\nd,-2,x\n").unwrap();
        let log = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n\
                   1\t:\t0\t  2.5\t0\t0\t0\t0\tdo a\n2\t:\t0\t9\t0\t0\t0\t0\tdo c\n3\t:\t0\t99\t0\t0\t1\t0\tdo d\n\
                   1\t:\t0\t 30\t0\t0\t0\t0\tdo a\n4\t:\t0\t1\t0\t0\t0\t0\tdo b\n";
        std::fs::write(folder.path().join("log"), log).unwrap();
        std::fs::write(folder.path().join("torn"), &log[..log.len() - 10]).unwrap();
        let text = format!(r#"Job(version: 1, task: Command("do {{name}}"), inputs: [Csv("t.csv")], order: {order})"#);
        let job = Job::parse(&text).map_err(|error| error.to_string())?;
        let batch = Batch::open(&job, folder.path(), &mut std::io::empty()).map_err(|error| error.to_string())?;
        Ok((0..batch.len()).map(|place| batch.number(batch.order().task_at(place))).collect())
    }

    #[test]
    fn tasks_begin_in_the_order_that_values_say() {
        assert_eq!(begun(r#"Priority("rank")"#).unwrap(), [2, 1, 3, 4]);
        assert_eq!(begun(r#"Priority("-{#}")"#).unwrap(), [1, 2, 3, 4]);
        // A failed task says nothing about its duration.
        assert_eq!(begun(r#"LongestFirst(JobLog("log"))"#).unwrap(), [4, 1, 3, 2]);
    }

    #[test]
    fn what_is_no_number_is_named_by_task_and_column() {
        for (order, words) in [
            (r#"Priority("name")"#, "order: task 1, column name: 'a' is no whole number"),
            (r#"Priority("{rank}.5")"#, "order: task 1, {rank}.5: '1.5' is no whole number"),
            (r#"LongestFirst(Column("secs"))"#, "order: task 4, column secs: 'x' is no number of seconds"),
            (r#"Priority("size")"#, "order: no column is called 'size'; the inputs have name, rank, secs"),
            (r#"LongestFirst(JobLog("gone"))"#, "No such file"),
            (r#"LongestFirst(JobLog("t.csv"))"#, "a job log begins with"),
            (r#"LongestFirst(JobLog("torn"))"#, "line 6: it has fewer than nine columns"),
            (r#"Priority("{0}")"#, "order: column 1"),
        ] {
            let error = begun(order).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
