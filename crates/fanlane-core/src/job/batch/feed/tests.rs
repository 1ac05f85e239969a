//! Batches that grow: the same tasks as if all inputs had been there at once.

use std::io::{BufReader, Read};

use super::*;
use crate::job::TaskId;

fn job(inputs: &str, rest: &str) -> Job {
    Job::parse(&format!("Job(version: 1, task: Command(\"x {{}}\"), inputs: [{inputs}]{rest})")).expect("a job")
}

fn growing(job: &Job, head: &mut dyn BufRead) -> (Batch, BatchFeed) {
    Batch::open_growing(job, Path::new("."), head).expect("opened")
}

fn lines(batch: &Batch) -> Vec<String> {
    (0..batch.len()).map(|task| batch.payload(TaskId(task), 1).to_string()).collect()
}

/// Gives a piece each time it is read.
struct Pieces(Vec<&'static [u8]>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(piece) = (!self.0.is_empty()).then(|| self.0.remove(0)) else { return Ok(0) };
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

#[test]
fn tasks_are_there_as_soon_as_their_values_are() {
    let (batch, mut feed) = growing(&job("Stdin", ""), &mut std::io::empty());
    assert!(batch.is_empty());
    feed.push(b"a b").expect("taken");
    assert_eq!(lines(&batch), ["x 'a b'"]);
    let mut reader = BufReader::new(Pieces(vec![b"on", b"e\ntwo\n\nth", b"ree\nlast"]));
    feed.read_from(&mut reader).expect("read");
    assert_eq!(batch.growth(), Some(Growth { tasks: 6, complete: false, fault: None }));
    feed.close();
    assert_eq!(lines(&batch), ["x 'a b'", "x one", "x two", "x ''", "x three", "x last"]);
    assert_eq!(batch.growth(), Some(Growth { tasks: 6, complete: true, fault: None }));
}

#[test]
fn what_is_read_bit_by_bit_is_what_is_read_at_once() {
    for (inputs, rest, text) in [
        ("Stdin", "", "1\n2\n3\n4\n5"),
        ("Stdin", ", max_args: 2", "1\n2\n3\n4\n5\n"),
        ("Stdin", ", max_args: 0", "1\n2\n"),
        ("Stdin, List([\"u\", \"v\", \"w\"])", "", "1\n2\n"),
        ("Stdin, List([\"u\", \"v\", \"w\"])", ", max_args: 4", "1\n2\n3\n"),
        ("Stdin, List([])", "", "1\n2\n"),
        ("Records(separator: \"ab\")", "", "1ab2aabb3b"),
        ("Columns(from: Stdin, separator: \", *\")", "", "1, 2\n3,\n,4\n"),
        ("Columns(from: Stdin, header: true, trim: true)", "", "name\n 1 \n2\n"),
        ("Columns(from: Stdin, separator: \":\", header: true)", "", "name:size\n1:2\n3:4"),
        ("Columns(from: Stdin, separator: \":\")", "", ""),
        ("Stdin", "", ""),
        ("Stdin", ", stdin: \"{#} {1:%03d}\"", "7\n8\n"),
    ] {
        let job = job(inputs, rest);
        let whole = Batch::open(&job, Path::new("."), &mut text.as_bytes()).expect("opened");
        for capacity in [1, 2, 3, 64] {
            let mut reader = BufReader::with_capacity(capacity, text.as_bytes());
            let (batch, mut feed) = growing(&job, &mut reader);
            feed.read_from(&mut reader).expect("read");
            let sooner = batch.len();
            feed.close();
            assert!(sooner <= batch.len() && batch.len() <= sooner + 1, "{inputs}: {sooner} of {}", batch.len());
            assert_eq!((lines(&batch), batch.columns()), (lines(&whole), whole.columns()), "{inputs}{rest} {text:?}");
        }
    }
}

#[test]
fn a_bad_row_is_named_and_those_before_it_stay() {
    for (inputs, rest, text, good, words) in [
        ("Stdin", "", "a\nb\0\nc\n", 1, "input 1: standard input, line 2: the value holds a NUL byte"),
        ("Stdin", ", stdin: \"{1:%03d}\"", "1\n2\nx3\n", 2, "input 1: value 3 is 'x3', but column 1"),
        ("Columns(from: Stdin, separator: \",\")", "", "a,b\nc\n", 1, "line 2: it has 1 column, but the first has 2"),
        ("Columns(from: Stdin, separator: \",\")", ", stdin: \"{2:%d}\"", "a,1\nb,c\n", 1, "value 2 is 'c'"),
    ] {
        let mut reader = BufReader::with_capacity(64, text.as_bytes());
        let (batch, mut feed) = growing(&job(inputs, rest), &mut reader);
        let error = feed.read_from(&mut reader).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(batch.len(), good, "{words}");
        feed.fail(&error);
        let growth = batch.growth().expect("it could grow");
        assert!(growth.complete && growth.fault.is_some_and(|fault| fault.contains(words)), "{words}");
    }
    let (batch, mut feed) = growing(&job("Stdin", ""), &mut std::io::empty());
    assert!(feed.push(b"a\0b").is_err());
    feed.push(b"good").expect("others can follow");
    assert_eq!(lines(&batch), ["x good"]);
}

#[test]
fn what_is_wrong_from_the_start_is_told_at_the_start() {
    for (inputs, rest, head, words) in [
        ("Columns(from: Stdin, header: true)", "", "", "its first value must name the columns"),
        ("Columns(from: Stdin, separator: \",\")", ", stdin: \"{1:%03d}\"", "x,1\n", "value 1 is 'x'"),
        ("Range(1, 2), Stdin", "", "", "cannot grow while it runs: standard input is not the first"),
        ("Range(1, 2)", "", "", "no input reads standard input"),
        ("Stdin, Range(1, 2)", ", linked: true", "", "linked"),
        ("Stdin", ", order: Shuffled(seed: 1)", "", "the order"),
        ("Stdin", ", sample: 2", "", "a sample"),
        ("Stdin", ", control: Control(slots: \"{1}\")", "", "what each task needs"),
    ] {
        let opened = Batch::open_growing(&job(inputs, rest), Path::new("."), &mut head.as_bytes());
        let error = opened.expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
}
