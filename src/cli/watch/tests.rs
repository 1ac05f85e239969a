//! Frames of the view: the same facts and the same size always give the same cells.

use bstr::BString;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Color;

use super::facts::Facts;
use super::frame::{Scene, draw};
use super::keys::Key;
use super::palette::Palette;
use super::state::{Page, Situation, State};
use crate::cli::report::Tasks;
use fanlane_core::event::{
    AttemptRecord, Captured, DispatchEvent, Event, EventKind, LaneId, MachineSample, Outcome, OutcomeCounts, Output,
    RunEvent, RunHeader, SampleEvent, Summary, TaskEvent, TaskId, WorkerEnd, WorkerEvent, WorkerId, WorkerSample,
};
use fanlane_core::job::{Mode, TaskKind};
use fanlane_core::model::Earlier;

mod keys;
mod output;

const SECOND_NS: u64 = 1_000_000_000;

/// Tasks whose inputs are photographs.
struct Photos(&'static str);

impl Tasks for Photos {
    fn number(&self, task: TaskId) -> u64 {
        task.number()
    }

    fn describe(&self, task: TaskId, _slot: u32) -> String {
        format!("convert {}{}.jpg small/{}.png", self.0, task.number(), task.number())
    }

    fn command_line(&self, task: TaskId, slot: u32) -> BString {
        self.describe(task, slot).into()
    }

    fn input(&self, task: TaskId) -> Vec<BString> {
        vec![format!("{}{}.jpg", self.0, task.number()).into()]
    }

    fn kind(&self) -> TaskKind {
        TaskKind::Command
    }
}

const PHOTOS: Photos = Photos("photos/");

/// A run as a test tells it.
struct Story {
    facts: Facts,
    now_ns: u64,
}

impl Story {
    fn begun(tasks: u64, workers: u32) -> Self {
        let mut story = Self { facts: Facts::default(), now_ns: 0 };
        let header = RunHeader { name: "thumbnails".to_owned(), mode: Mode::Pool, workers, tasks, started_unix_ms: 0 };
        story.say(EventKind::Run(RunEvent::Started(header)));
        for worker in 0..workers {
            let started =
                WorkerEvent::Started { worker: WorkerId(worker + 1), lane: LaneId(worker), pid: 1000 + worker };
            story.say(EventKind::Worker(started));
        }
        story
    }

    fn say(&mut self, kind: EventKind) {
        self.facts.apply(&Event { at_ns: self.now_ns, kind });
    }

    fn at(mut self, secs: u64) -> Self {
        self.now_ns = secs * SECOND_NS;
        self
    }

    fn starts(&mut self, task: u64, worker: u32) {
        let started = TaskEvent::Started {
            task: TaskId(task),
            attempt: 1,
            worker: WorkerId(worker),
            start_ns: self.now_ns,
            pid: None,
        };
        self.say(EventKind::Task(started));
    }

    fn ends(&mut self, task: u64, worker: u32, outcome: Outcome, printed: [&[u8]; 2]) {
        let [stdout, stderr] = printed.map(|head| Captured { head: head.to_vec(), ..Captured::default() });
        let record = AttemptRecord {
            start_ns: self.now_ns - SECOND_NS,
            wall_ns: SECOND_NS,
            output: Some(Box::new(Output { stdout, stderr, leaky: false })),
            ..AttemptRecord::new(TaskId(task), 1, WorkerId(worker), outcome)
        };
        self.say(EventKind::Task(TaskEvent::Finished(vec![record])));
    }

    fn is_measured(&mut self) {
        let machine = MachineSample {
            core_percent: vec![0.0, 50.0, 100.0, 25.0],
            memory_used_bytes: 3 << 30,
            memory_total_bytes: 8 << 30,
        };
        self.say(EventKind::Sample(SampleEvent::Machine(machine)));
        let sample = WorkerSample { worker: WorkerId(1), cpu_percent: 97.0, rss_bytes: 200 << 20 };
        self.say(EventKind::Sample(SampleEvent::Workers(vec![sample])));
    }

    fn reports(&mut self, worker: u32, fraction: f32, message: &str) {
        let progress =
            SampleEvent::Progress { worker: WorkerId(worker), sent_ns: self.now_ns, fraction, message: message.into() };
        self.say(EventKind::Sample(progress));
    }

    fn is_over(&mut self, stopped: bool) {
        let counts: OutcomeCounts = self.facts.progress.counts;
        let (workers, mode) = (self.facts.progress.workers, Mode::Pool);
        let summary = Summary { counts, wall_ns: self.now_ns, cpu_ns: 0, retries: 0, workers, mode, stopped };
        self.say(EventKind::Run(RunEvent::Finished(summary)));
    }

    fn frame(&self, tasks: &dyn Tasks, state: &State, width: u16, height: u16) -> Vec<String> {
        let scene = Scene {
            facts: &self.facts,
            tasks,
            name: "thumbnails",
            run: Some(12),
            earlier: Earlier::default(),
            now_ns: self.now_ns,
            state,
            situation: &FOREGROUND,
            palette: Palette::new(true),
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&scene, &mut buffer);
        assert!(
            buffer.content().iter().all(|cell| !cell.symbol().contains(char::is_control)),
            "nothing reaches the terminal raw"
        );
        rows(&buffer)
    }

    fn shown(&self, width: u16, height: u16) -> Vec<String> {
        self.frame(&PHOTOS, &State::default(), width, height)
    }
}

const FOREGROUND: Situation = Situation { is_detached: false, retry_obstacle: None };
const DETACHED: Situation = Situation { is_detached: true, retry_obstacle: Some("not from here") };

/// The rows of a buffer without the empty cells at their ends; a wide character takes the cell behind it too.
fn rows(buffer: &Buffer) -> Vec<String> {
    let row = |cells: &[ratatui_core::buffer::Cell]| {
        let mut text = String::new();
        let mut hidden = 0;
        for cell in cells {
            if hidden == 0 {
                text.push_str(cell.symbol());
                hidden = super::cells::width(cell.symbol()).max(1);
            }
            hidden -= 1;
        }
        text.trim_end().to_owned()
    };
    buffer.content().chunks(usize::from(buffer.area.width)).map(row).collect()
}

/// Three workers in the middle of a batch: one task that tells its progress, one failure, one idle lane.
fn middle() -> Story {
    let mut story = Story::begun(20, 3).at(2);
    story.ends(0, 1, Outcome::Done, [b"small/1.png\n", b""]);
    story.ends(1, 2, Outcome::Exited { code: 3 }, [b"", b"warming up\nno such file\n"]);
    story.ends(2, 3, Outcome::Done, [b"", b""]);
    story.starts(3, 1);
    story.starts(4, 2);
    story.is_measured();
    story.reports(1, 0.42, "second pass");
    story.at(5)
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn at_40_columns_a_row_has_the_task_its_percentage_and_its_time() {
    let expected = "\
thumbnails  run 12, 3 workers  ▶ running
━━━╳──────────────────────────── 3 of 20
✓ 2 done  ✗ 1 failed  ▶ 2 running
15 queued  28 s left  0.60 tasks/s
cores ▁▅█▃ 44 % of 4  queue ██▇▇▇▇▇▇▇▇▇▇
1 ▶ 4 photos/4.jpg       42 %     3.00 s
2 ▶ 5 photos/5.jpg                3.00 s
3 · 3 photos/3.jpg                1.00 s

? keys  q leave  p pause  s stop";
    assert_eq!(middle().shown(40, 10), lines(expected));
}

#[test]
fn at_80_columns_a_row_also_has_what_the_task_says_and_failures_stand_below() {
    let expected = "\
thumbnails  run 12, 3 workers                                          ▶ running
━━━━━━━╳╳╳────────────────────────────────────────────────────────────── 3 of 20
✓ 2 done  ✗ 1 failed  ▶ 2 running  15 queued  28 s left  0.60 tasks/s
5.00 s so far
cores ▁▅█▃ 44 % of 4  memory 3.00 GiB of 8.00 GiB  queue ████▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
1 ▶ 4 photos/4.jpg                42 % second pass                        3.00 s
2 ▶ 5 photos/5.jpg                                                        3.00 s
3 · 3 photos/3.jpg                ✓ done, 1 ended here                    1.00 s









Failures; f lists them
✗ 2 photos/2.jpg failed: exit code 3: no such file
? keys  q leave  p pause  s stop  + - workers  f failed  Enter output";
    assert_eq!(middle().shown(80, 20), lines(expected));
}

#[test]
fn at_120_and_200_columns_a_row_also_has_processor_and_memory() {
    for width in [120, 200] {
        let shown = middle().shown(width, 12);
        assert!(shown.iter().any(|row| row.contains("97 %   200 MiB    3.00 s")), "{shown:#?}");
        assert!(shown.iter().all(|row| !row.contains('…')), "nothing is cut: {shown:#?}");
        let queue = shown.iter().find(|row| row.contains("queue █")).expect("the queue is shown");
        assert!(queue.contains("memory 3.00 GiB of 8.00 GiB"), "{queue}");
    }
}

#[test]
fn how_a_run_stands_is_said_in_words() {
    type Tell = fn(&mut Story);
    let table: [(&str, Tell, &[&str]); 10] = [
        ("no worker yet", |story| *story = Story::begun(4, 0), &["The pool has no workers: + starts one."]),
        ("a first task", |story| story.starts(0, 1), &["▶ running", "▶ 1 running", "3 queued"]),
        (
            "a stopped task",
            |story| {
                let (worker, task) = (WorkerId(1), TaskId(0));
                story.starts(0, 1);
                story.say(EventKind::Task(TaskEvent::Suspended { worker, task, pid: 7, is_suspended: true }));
            },
            &["1 ‖ 1 photos/1.jpg", "stopped by a signal"],
        ),
        ("paused", |story| story.say(EventKind::Dispatch(DispatchEvent::Paused)), &["‖ paused", "p resume"]),
        (
            "held",
            |story| story.say(EventKind::Dispatch(DispatchEvent::Held { reason: Some("memory is short".into()) })),
            &["… waiting", "no further tasks are started for now: memory is short"],
        ),
        (
            "without workers",
            |story| {
                let reason = "out of processes".to_owned();
                story.say(EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason }));
            },
            &["… waiting", "no worker can be started: out of processes"],
        ),
        (
            "stopping",
            |story| story.say(EventKind::Dispatch(DispatchEvent::StopRequested)),
            &["■ stopping", "s stop now"],
        ),
        (
            "a dead worker",
            |story| {
                let reason = WorkerEnd::Died("killed by SIGKILL".to_owned());
                story.say(EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(1), reason }));
            },
            &["† worker died: killed by SIGKILL", "1 of 2 workers"],
        ),
        (
            "done",
            |story| {
                (0..4).for_each(|task| story.ends(task, 1, Outcome::Done, [b"", b""]));
                story.is_over(false);
            },
            &["✓ all done", "4 of 4", "✓ 4 done"],
        ),
        (
            "failed",
            |story| {
                story.ends(0, 1, Outcome::Done, [b"", b""]);
                story.ends(1, 2, Outcome::TimedOut, [b"", b""]);
                story.is_over(false);
            },
            &["✗ ended, 1 not done", "◷ 1 timed out", "r retry failed"],
        ),
    ];
    for (name, tell, expected) in table {
        let mut story = Story::begun(4, 2).at(10);
        tell(&mut story);
        let shown = story.shown(100, 24).join("\n");
        for words in expected {
            assert!(shown.contains(words), "{name}: '{words}' is not in\n{shown}");
        }
    }
}

#[test]
fn every_size_has_a_frame_and_the_keys_stand_in_its_last_row() {
    const WIDTHS: [u16; 11] = [1, 2, 5, 10, 20, 39, 40, 41, 80, 120, 200];
    const HEIGHTS: [u16; 9] = [1, 2, 3, 4, 5, 6, 10, 20, 50];
    for workers in [0, 1, 3, 1000] {
        let mut story = Story::begun(5000, workers).at(3);
        (0..workers.min(2)).for_each(|worker| story.starts(u64::from(worker), worker + 1));
        story.ends(100, 3, Outcome::Exited { code: 1 }, [b"", b"no"]);
        story.is_measured();
        for page in [Page::Lanes, Page::Failures, Page::Output(TaskId(100)), Page::Output(TaskId(7)), Page::Help] {
            let state = State { page, lane: 999, ..State::default() };
            for (width, height) in WIDTHS.into_iter().flat_map(|width| HEIGHTS.map(|height| (width, height))) {
                let shown = story.frame(&PHOTOS, &state, width, height);
                assert_eq!(shown.len(), usize::from(height));
                assert!(width < 6 || shown[shown.len() - 1].starts_with("? keys"), "{shown:#?}");
                if workers == 3 && height >= 4 && width >= 20 && page == Page::Lanes {
                    assert!(shown.iter().any(|row| row.contains("pho")), "a lane is shown: {shown:#?}");
                }
            }
        }
    }
}

#[test]
fn of_1000_lanes_the_selected_one_is_shown() {
    let story = Story::begun(5000, 1000);
    let mut state = State::default();
    for (key, first, last) in [(Key::Home, 1, 12), (Key::End, 989, 1000), (Key::PageUp, 984, 995)] {
        assert_eq!(state.press(key, &story.facts, &FOREGROUND), None);
        let shown = story.frame(&PHOTOS, &state, 80, 19);
        let words = format!("rows {first} to {last} of 1,000; j and k move");
        assert!(shown.contains(&words), "{key:?}: {shown:#?}");
    }
}

#[test]
fn columns_stay_in_line_whatever_a_name_holds_and_nothing_in_it_has_an_effect() {
    let names = [
        "",
        "世界の写真/",
        "e\u{301}te\u{301}/",
        "🎞️/",
        "a very long folder name that goes on and on and on/",
        "\x1b]0;x\x07\u{202e}/",
    ];
    for name in names {
        let mut story = middle();
        story.reports(1, 0.5, name);
        for width in [40, 80, 120] {
            let shown = story.frame(&Photos(name), &State::default(), width, 20);
            let lane = shown.iter().find(|row| row.starts_with("1 ▶")).expect("the first lane");
            assert!(lane.ends_with(" 3.00 s"), "{name:?} at {width}: {lane}");
            assert_eq!(super::cells::width(lane), width, "{name:?} at {width}: {lane}");
        }
    }
}

#[test]
fn without_colours_the_same_is_said() {
    let story = middle();
    let frame = |has_colors| {
        let scene = Scene {
            facts: &story.facts,
            tasks: &PHOTOS,
            name: "thumbnails",
            run: None,
            earlier: Earlier::default(),
            now_ns: story.now_ns,
            state: &State::default(),
            situation: &FOREGROUND,
            palette: Palette::new(has_colors),
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 24));
        draw(&scene, &mut buffer);
        buffer
    };
    let (colored, plain) = (frame(true), frame(false));
    assert_eq!(rows(&colored), rows(&plain));
    let has_color =
        |buffer: &Buffer| buffer.content().iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
    assert!(has_color(&colored) && !has_color(&plain));
}
