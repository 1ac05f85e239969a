use super::*;
use crate::session::run::row_query::SearchScope;
use fanlane_core::event::{
    Event, EventKind, LaneId, Output, RunEvent, RunHeader, StreamName, TaskEvent, WorkerEvent, WorkerId,
};
use fanlane_core::job::{Job, Mode};
use fanlane_core::model::{CauseId, Stretch};

const TASKS: u64 = 60_000;
/// Those that were run before the run was stopped.
const RUN: u64 = 50_000;

fn record(task: u64) -> AttemptRecord {
    let outcome = match task % 100 {
        7 => Outcome::Exited { code: 3 },
        8 => Outcome::Signalled { signal: libc::SIGSEGV },
        _ => Outcome::Done,
    };
    let stderr = Captured { head: format!("boom on {task}\n").into(), ..Captured::default() };
    let failed = outcome != Outcome::Done;
    AttemptRecord {
        start_ns: task * 10,
        wall_ns: 1_000_000_000 + task * 7919 % 1_000_003,
        output: failed.then(|| Box::new(Output { stderr, ..Output::default() })),
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1 + (task % 2) as u32), outcome)
    }
}

fn source() -> Source {
    let text = format!(
        r#"Job(version: 1, name: "x", task: Command("convert photo-{{}}.jpg -resize 256"), inputs: [Range(1, {TASKS})])"#
    );
    let job = Job::parse(&text).expect("the job is well formed");
    let batch = Batch::open(&job, std::path::Path::new("/"), &mut std::io::empty()).expect("a batch");
    let mut model = RunModel::default();
    let mut say = |kind| model.take(Event { at_ns: 0, kind });
    let header = RunHeader { name: "x".into(), mode: Mode::Pool, workers: 2, tasks: TASKS, started_unix_ms: 0 };
    say(EventKind::Run(RunEvent::Started(header)));
    for worker in [1, 2] {
        say(EventKind::Worker(WorkerEvent::Started { worker: WorkerId(worker), lane: LaneId(worker - 1), pid: 1 }));
    }
    // Pairs of tasks end in the wrong order.
    let records = (0..RUN).map(|task| record(task ^ 1)).collect();
    say(EventKind::Task(TaskEvent::Finished(records)));
    say(EventKind::Task(TaskEvent::RestCancelled { tasks: TASKS - RUN }));
    let (model, batch) = (Arc::new(Mutex::new(model)), Arc::new(batch));
    let causes = crate::session::run::FailureCauses::default();
    while causes.known() < RUN as usize {
        crate::session::run::failure_causes::look_at(&causes.shared(), &model, &batch);
    }
    Source { model, batch, causes: causes.shared(), outdated: Arc::default() }
}

fn built(query: RowQuery) -> Built {
    Built { query, records: RUN as usize, is_rest_cancelled: true }
}

/// The tasks of the rows, of the rest, and the counts.
fn found(index: &mut RowIndex, source: &Source, query: &RowQuery) -> (Vec<u64>, Vec<TaskId>, OutcomeCounts) {
    let found = index.find(&built(query.clone()), source).expect("it is wanted");
    let model = lock(&source.model);
    let task = |row: &u32| model.records.get(*row as usize).expect("a record").task.0;
    (found.rows.iter().map(task).collect(), found.rest, found.counts)
}

#[test]
fn what_is_kept_between_queries_changes_no_answer() {
    let source = source();
    let text = |text: &str| RowQuery { text: text.to_owned(), ..RowQuery::default() };
    let failed = |query: RowQuery| RowQuery { class: Some(OutcomeClass::Failed), ..query };
    let by = |sort, descending, query: RowQuery| RowQuery { sort, descending, ..query };
    let outputs = |query: RowQuery| RowQuery { scope: SearchScope::Outputs, ..query };
    let queries = [
        RowQuery::default(),
        text("1"),
        text("12"),
        text("123"),
        failed(text("123")),
        text("12"),
        by(SortKey::Wall, true, text("12")),
        by(SortKey::Wall, true, text("123 lane:2")),
        by(SortKey::Exit, false, text("lane:2")),
        RowQuery { cause: Some(CauseId(0)), ..RowQuery::default() },
        RowQuery { cause: Some(CauseId(1)), ..text("99") },
        outputs(text("boom on 10")),
        outputs(text("boom on 100")),
        failed(outputs(text("boom on 100"))),
        text("exit:SIGSEGV"),
        RowQuery { span: Some(Stretch { from_ns: 0, to_ns: 55 }), ..RowQuery::default() },
        RowQuery::default(),
    ];
    let mut kept = RowIndex::default();
    for query in &queries {
        let again = found(&mut kept, &source, query);
        assert!(again == found(&mut RowIndex::default(), &source, query), "{query:?}");
    }
}

#[test]
fn results_are_found_by_each_column() {
    let source = source();
    let mut index = RowIndex::default();
    let mut count = |query: RowQuery| {
        let (rows, rest, counts) = found(&mut index, &source, &query);
        (rows.len(), rest.len(), counts.total())
    };
    let text = |text: &str| RowQuery { text: text.to_owned(), ..RowQuery::default() };
    let table = [
        (RowQuery::default(), (50_000, 10_000, 60_000)),
        (RowQuery { class: Some(OutcomeClass::Failed), ..RowQuery::default() }, (1_000, 0, 60_000)),
        (RowQuery { class: Some(OutcomeClass::Cancelled), ..RowQuery::default() }, (0, 10_000, 60_000)),
        (RowQuery { lane: Some(LaneId(0)), ..RowQuery::default() }, (25_000, 0, 25_000)),
        (text("PHOTO-12345.jpg"), (1, 0, 1)),
        (text("photo-5000"), (2, 9, 11)),
        (text("exit:3"), (500, 0, 500)),
        (text("exit:>0 lane:1"), (0, 0, 0)),
        (text("exit:>0 lane:2"), (500, 0, 500)),
        (text("outcome:failed"), (1_000, 0, 1_000)),
        (text("task:>59990"), (0, 10, 10)),
        (text("task:<3"), (2, 0, 2)),
        (text("input:4999"), (15, 1, 16)),
        (text("output:\"boom on 7\" exit:3"), (12, 0, 12)),
        (text("wall:1s"), (1, 0, 1)),
        (text("start:<35ms"), (50_000, 0, 50_000)),
        (text("nothing like it"), (0, 0, 0)),
    ];
    for (query, expected) in table {
        let found = count(query.clone());
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn a_text_in_the_outputs_is_found_with_its_place() {
    let source = source();
    let query = RowQuery { text: "boom on 4907".to_owned(), scope: SearchScope::Outputs, ..RowQuery::default() };
    let found = RowIndex::default().find(&built(query), &source).expect("it is wanted");
    let stream = found.hits.iter().map(|hit| (hit.attempt, hit.stream, hit.at)).collect::<Vec<_>>();
    assert_eq!(stream, [(1, StreamName::Stderr, 0)], "{:?}", found.rows);
    source.outdated.store(true, Ordering::Relaxed);
    assert!(RowIndex::default().find(&built(RowQuery::default()), &source).is_none(), "it is not wanted any more");
}
