//! What a frame of the whole window costs while a million calls run, and how long a key of a search takes among their results:
//! `cargo bench --bench window`, or the search alone with `-- search`.
//!
//! The real window, session, engine and workers, without a display: a frame is the window's own work, `ui` and
//! tessellation, in CPU time of the thread that draws. What a graphics card does is not in it.

#![expect(clippy::print_stdout, reason = "a bench's figures are its output")]

mod measuring;
#[path = "measuring/yardstick.rs"]
mod yardstick;

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::App as _;
use eframe::egui::{self, Context, RawInput, Rect};
use fanlane::session::{Command, JobDraft, Page, RowQuery, SearchScope, Session, SessionOptions, SortKey};
use fanlane::ui::FanlaneApp;
use fanlane_core::engine::{LocalEngine, worker_role};
use fanlane_core::event::{
    AttemptRecord, Captured, Event, EventKind, Outcome, OutcomeClass, Output, RunEvent, RunHeader, TaskEvent, TaskId,
    WorkerId,
};
use fanlane_core::job::{Job, Mode};
use fanlane_core::model::RunModel;

use measuring::{median, thread_cpu};
use yardstick::{RECTANGLES, Yardstick};

const CALLS: u64 = 1_000_000;
const RUNS: usize = 5;
/// A frame each so often, as in a window: frames back to back would slow the run that they show.
const PAUSE: Duration = Duration::from_millis(16);
/// How often the yardstick is measured.
const YARDSTICKS: usize = 61;
/// What a frame of 1920×1080 cost during the run and after it, in yardsticks, when this was written.
const USUAL: [(Page, [f64; 2]); 5] = [
    (Page::LIVE, [0.43, 0.26]),
    (Page::RESULTS, [0.17, 0.11]),
    (Page::JOB, [0.11, 0.05]),
    (Page::RACE, [0.08, 0.02]),
    (Page::RUNS, [0.07, 0.02]),
];
/// Frames of the run's end state.
const FRAMES_AFTER: usize = 20;

fn main() {
    fanlane_mp::init([worker_role()]);
    if std::env::args().any(|word| word == "search") {
        return search();
    }
    let mut yardstick = Yardstick::default();
    (0..YARDSTICKS).for_each(|_| yardstick.measure());
    println!("{CALLS} calls of cube, {RUNS} runs a row; milliseconds of CPU a frame, and how many frames");
    println!("yardstick, a frame of {RECTANGLES} rectangles: {:.2} ms", yardstick.median());
    println!("page     window      during: median     max  frames   after: median     max");
    for (page, usual) in USUAL {
        for size in [egui::vec2(1024.0, 640.0), egui::vec2(1920.0, 1080.0)] {
            let mut measured = Measured::default();
            for _ in 0..RUNS {
                run(page, size, &mut measured);
            }
            let (during, after) = (Figures::of(measured.during), Figures::of(measured.after));
            let size = format!("{}x{}", size.x, size.y);
            println!(
                "{:<8} {size:<10} {:>15.2} {:>7.2} {:>7} {:>15.2} {:>7.2}",
                format!("{page:?}"),
                during.median,
                during.max,
                during.count,
                after.median,
                after.max
            );
            for (when, figures, usual) in [("during", during, usual[0]), ("after", after, usual[1])] {
                yardstick.share(&format!("{page:?}, {size}, {when} the run"), figures.median, usual);
            }
        }
    }
    search();
    yardstick.judge();
}

/// A million results found as one types, and sorted: from the key to the rows, in milliseconds of wall time, and against the
/// time that one thread takes to write all command lines once.
fn search() {
    let program = std::env::current_exe().expect("the system knows where this program lies");
    let options = SessionOptions::in_memory(Arc::new(LocalEngine::new(program)));
    let this = std::thread::current();
    let mut session = Session::new(options, Arc::new(move || this.unpark()));
    let text = format!(
        r#"Job(version: 1, name: "x", task: Command("convert photo-{{}}.jpg -resize 256 thumbs/{{}}.jpg"), inputs: [Range(1, {CALLS})])"#
    );
    let job = Job::parse(&text).expect("the job is well formed");
    session.show_recorded(job, recorded()).expect("the job expands");
    session.handle(Command::Show(Page::RESULTS));
    let batch = Arc::clone(&session.run.current().expect("a run").batch);
    let begin = Instant::now();
    let mut line = Vec::new();
    let mut bytes = 0;
    for task in (0..CALLS).map(TaskId) {
        line.clear();
        batch.command_into(task, 1, &mut line);
        bytes += std::hint::black_box(&line).len();
    }
    let yardstick = begin.elapsed().as_secs_f64() * 1e3;
    println!(
        "\nfrom the key to the rows of {CALLS} results; yardstick: {bytes} bytes of command lines in {yardstick:.0} ms"
    );
    rows(&mut session, RowQuery::default());
    let text = |text: &str| RowQuery { text: text.to_owned(), ..RowQuery::default() };
    let wall = |text: &str| RowQuery {
        sort: SortKey::Wall,
        descending: true,
        ..RowQuery { text: text.to_owned(), ..RowQuery::default() }
    };
    let outputs = |text: &str| RowQuery { text: text.to_owned(), scope: SearchScope::Outputs, ..RowQuery::default() };
    let steps = [
        ("the first letter", text("p")),
        ("the second", text("ph")),
        ("a digit that most have", text("photo-1")),
        ("the next digit", text("photo-12")),
        ("back to nothing", RowQuery::default()),
        ("sorted by time", wall("")),
        ("a text in that order", wall("99")),
        ("failed ones", RowQuery { class: Some(OutcomeClass::Failed), ..RowQuery::default() }),
        ("a column", text("wall:>1ms")),
        ("outputs", outputs("boom on 7")),
    ];
    for (what, query) in steps {
        let millis = rows(&mut session, query);
        let found = session.run.rows().rows().len();
        println!("{what:<24} {millis:>7.1} ms  {:>5.2} × the yardstick, {found} rows", millis / yardstick);
    }
}

/// Sets a query and waits for its rows.
fn rows(session: &mut Session, query: RowQuery) -> f64 {
    let begin = Instant::now();
    session.handle(Command::SetQuery(query));
    session.poll();
    while session.run.rows().is_under_way() {
        // As the window does: asking without a pause would take a core from the search.
        std::thread::park_timeout(Duration::from_millis(16));
        session.poll();
    }
    begin.elapsed().as_secs_f64() * 1e3
}

/// A million results of which one in a thousand has failed.
fn recorded() -> RunModel {
    let mut model = RunModel::default();
    let header = RunHeader { name: "x".into(), mode: Mode::Pool, workers: 2, tasks: CALLS, started_unix_ms: 0 };
    model.take(Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header)) });
    for from in (0..CALLS).step_by(1000) {
        let record = |task: u64| {
            let failed = task % 1000 == 7;
            let outcome = if failed { Outcome::Exited { code: 3 } } else { Outcome::Done };
            let stderr = Captured { head: format!("boom on {task}\n").into(), ..Captured::default() };
            AttemptRecord {
                wall_ns: task.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 43,
                output: failed.then(|| Box::new(Output { stderr, ..Output::default() })),
                ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome)
            }
        };
        let kind = EventKind::Task(TaskEvent::Finished((from..from + 1000).map(record).collect()));
        model.take(Event { at_ns: 0, kind });
    }
    model
}

#[derive(Default)]
struct Measured {
    during: Vec<f64>,
    after: Vec<f64>,
}

struct Figures {
    median: f64,
    max: f64,
    count: usize,
}

impl Figures {
    fn of(millis: Vec<f64>) -> Self {
        let max = millis.iter().copied().fold(0.0, f64::max);
        Self { max, count: millis.len(), median: median(millis) }
    }
}

fn run(page: Page, size: egui::Vec2, measured: &mut Measured) {
    let job = format!(
        r#"Job(version: 1, name: "Cubes", task: Workload(name: "cube"), inputs: [Range(1, {CALLS})], workers: 2)"#
    );
    let program = std::env::current_exe().expect("the system knows where this program lies");
    let options = SessionOptions::in_memory(Arc::new(LocalEngine::new(program)));
    let mut session = Session::new(options, std::sync::Arc::new(|| {}));
    session.edit(|draft| *draft = JobDraft::from_job(&Job::parse(&job).expect("the job is well formed")));
    let context = Context::default();
    let mut app = FanlaneApp::with_session(&context, session);
    let mut frame = eframe::Frame::_new_kittest();
    let mut draw = |app: &mut FanlaneApp| {
        let input = RawInput { screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, size)), ..Default::default() };
        let begin = thread_cpu();
        app.logic(&context, &mut frame);
        let output = context.run_ui(input, |ui| app.ui(ui, &mut frame));
        let primitives = context.tessellate(output.shapes, output.pixels_per_point);
        let millis = (thread_cpu() - begin).as_secs_f64() * 1e3;
        assert!(!primitives.is_empty(), "a frame without anything in it");
        millis
    };
    // The first frames lay out fonts.
    draw(&mut app);
    draw(&mut app);
    app.session_mut().handle(Command::Run);
    app.session_mut().handle(Command::Show(page));
    let deadline = Instant::now() + Duration::from_secs(120);
    while app.session().is_running() || app.session().run.current().is_none() {
        assert!(Instant::now() < deadline, "the run does not end");
        measured.during.push(draw(&mut app));
        std::thread::sleep(PAUSE);
    }
    for _ in 0..FRAMES_AFTER {
        measured.after.push(draw(&mut app));
    }
    let done = app.session().run.current().map(|run| run.model().progress.counts.total());
    assert_eq!(done, Some(CALLS), "every call has ended");
    app.session_mut().shutdown();
}
