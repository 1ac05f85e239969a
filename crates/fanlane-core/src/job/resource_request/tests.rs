use crate::job::{Batch, Job, TaskId};

fn opened(control: &str) -> Result<Batch, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "cores,gpu\n1,0\n4,1\n1,0\n,2\n").unwrap();
    let text = format!(
        r#"Job(version: 1, task: Command("x {{cores}}"), inputs: [Csv("t.csv")], control: Control({control}))"#
    );
    let job = Job::parse(&text).map_err(|error| error.to_string())?;
    Batch::open(&job, folder.path(), &mut std::io::empty()).map_err(|error| error.to_string())
}

#[test]
fn each_task_takes_what_its_row_says() {
    let batch = opened(r#"slots: "1{gpu}", resources: {"gpu": 2}, needs: {"gpu": "{gpu}"}"#).unwrap();
    let requests = batch.requests().unwrap();
    let of = |task| requests.of_kind(requests.kind_of(TaskId(task))).to_vec();
    assert_eq!([of(0), of(1), of(2), of(3)], [[10, 0], [11, 1], [10, 0], [12, 2]].map(Vec::from));
    assert_eq!((requests.kinds.len(), requests.at_once(9), requests.at_once(25)), (3, 0, 2));
    let error = requests.check_pool(11, |task| task.number()).unwrap_err().to_string();
    assert_eq!(error, "task 4 takes 12 slots, but the pool has 11; make the pool larger");
}

#[test]
fn what_cannot_be_met_is_told_before_anything_runs() {
    for (control, words) in [
        (r#"slots: "{cores}""#, "control.slots: task 4 gets '' from {cores}, which is no whole number"),
        (r#"slots: "{gpu}""#, "control.slots: task 1 takes 0 slots"),
        (r#"resources: {"gpu": 1}, needs: {"gpu": "{gpu}"}"#, "task 4 needs 2 gpu, there is 1"),
        (r#"needs: {"gpu": "{gpu}"}"#, "no resource is called 'gpu'"),
        (r#"slots: "{9}""#, "control.slots: column 1: {9} asks for a value that is not there"),
        (r#"slots: "two""#, "whole number, or a text"),
        ("slots: -1", "whole number, or a text"),
        (r#"slots: "{0}""#, "slots: column 1"),
    ] {
        let error = opened(control).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
