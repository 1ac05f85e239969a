use std::sync::{Arc, Mutex};

use super::*;
use crate::event::{
    AttemptRecord, CallValue, Captured, LaneId, MachineSample, Outcome, Output, RunHeader, TaskId, WorkerEnd, WorkerId,
};
use crate::event::{DispatchEvent, RunEvent, SampleEvent, TaskEvent, WorkerEvent};
use crate::job::lossless::Bytes;
use crate::job::{Mode, TaskKind};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header() -> RecordHeader {
    RecordHeader {
        fanlane_record: RECORD_VERSION,
        kind: TaskKind::Command,
        columns: vec!["1".to_owned()],
        earlier: Earlier::default(),
    }
}

#[test]
fn the_kind_of_the_tasks_is_read_as_it_was_written() {
    for &kind in TaskKind::ALL {
        let written = serde_json::to_string(&RecordHeader { kind, ..header() }).expect("JSON");
        assert_eq!(serde_json::from_str::<RecordHeader>(&written).expect("a header").kind, kind, "{written}");
    }
}

fn events() -> Vec<Event> {
    let stdout = Captured { head: b"\xff\n\x1b".to_vec(), dropped_bytes: 3, tail: "é".into(), ..Captured::default() };
    let record = |task, outcome| AttemptRecord {
        start_ns: u64::MAX - 1,
        wall_ns: 7,
        max_rss_bytes: 1 << 60,
        value: Some(CallValue::Float(f64::NEG_INFINITY)),
        output: Some(Box::new(Output { stdout: stdout.clone(), ..Output::default() })),
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome)
    };
    let started =
        RunHeader { name: "a\nb".to_owned(), mode: Mode::Pool, workers: 2, tasks: 2, started_unix_ms: 1 << 53 };
    let kinds = vec![
        EventKind::Run(RunEvent::Started(started)),
        EventKind::Worker(WorkerEvent::Started { worker: WorkerId(1), lane: LaneId(0), pid: 42 }),
        EventKind::Dispatch(DispatchEvent::Paused),
        EventKind::Task(TaskEvent::Retried(record(0, Outcome::Signalled { signal: 9 }))),
        EventKind::Task(TaskEvent::Finished(vec![
            record(0, Outcome::Done),
            record(1, Outcome::CannotStart("x".into())),
        ])),
        EventKind::Sample(SampleEvent::Machine(MachineSample {
            core_percent: vec![0.1, 100.0],
            memory_used_bytes: 1,
            memory_total_bytes: 2,
        })),
        EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(1), reason: WorkerEnd::Died("killed".to_owned()) }),
    ];
    kinds.into_iter().enumerate().map(|(at, kind)| Event { at_ns: at as u64, kind }).collect()
}

fn recorded() -> Vec<u8> {
    let out = Shared::default();
    let mut recorder = RecordWriter::to_writer(Box::new(out.clone()), &header()).expect("begun");
    for event in events() {
        let words = |record: &AttemptRecord| TaskWords {
            task: record.task.number(),
            number: None,
            input: vec![Bytes(vec![b'v', record.task.0 as u8 + 0xf0])],
            command: Bytes(b"echo v".to_vec()),
            results: None,
        };
        recorder.add(&event, words).expect("added");
    }
    out.0.lock().expect("no writer panics").clone()
}

#[test]
fn a_record_reads_back_as_the_events_that_were_written() {
    let lines: Vec<RecordLine> = read(&*recorded()).collect::<Result<_, _>>().expect("whole");
    assert_eq!(lines[0], RecordLine::Header(header()));
    let words: Vec<&TaskWords> = lines
        .iter()
        .filter_map(|line| if let RecordLine::Tasks(tasks) = line { Some(tasks) } else { None })
        .flatten()
        .collect();
    assert_eq!(words.len(), 3);
    assert_eq!((words[2].task, &words[2].input[0].0, &*words[2].command.0), (2, &vec![b'v', 0xf1], &b"echo v"[..]));
    let read_back: Vec<Event> = lines
        .into_iter()
        .filter_map(|line| if let RecordLine::Event(event) = line { Some(event) } else { None })
        .collect();
    assert_eq!(read_back, events());
}

#[test]
fn torn_at_any_byte_it_gives_what_is_whole() {
    let whole = recorded();
    let all: Vec<RecordLine> = read(&*whole).collect::<Result<_, _>>().expect("whole");
    for cut in 0..whole.len() {
        let mut lines = Vec::new();
        let mut fault = None;
        for line in read(&whole[..cut]) {
            match line {
                Ok(line) => lines.push(line),
                Err(error) => fault = Some(error),
            }
        }
        assert_eq!(lines, all[..lines.len()], "cut at {cut}");
        let ends_with_a_line = whole[..cut].ends_with(b"\n");
        assert!(fault.is_some() != ends_with_a_line || lines.len() == 1, "cut at {cut}: {fault:?}");
    }
}

#[test]
fn what_is_no_record_is_refused() {
    for text in ["", "hello\n", "{}\n", "[1]\n"] {
        let first = read(text.as_bytes()).next().expect("an answer");
        assert!(matches!(first, Err(RecordError::NoRecord)), "{text}");
    }
    let newer = "{\"fanlane_record\":2,\"calls\":false,\"columns\":[]}\n";
    assert!(matches!(read(newer.as_bytes()).next(), Some(Err(RecordError::Newer { found: 2 }))));
}
