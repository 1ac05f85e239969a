//! What a frame of the live page costs, ui and tessellation together: `cargo bench --bench frame`.
//!
//! The sizes take turns, so that a busy machine slows all of them alike; the figure is the median of each, in CPU time, beside
//! that of a yardstick, a frame of plain rectangles. It measures no drawing, which is the graphics card's work.

#![expect(clippy::print_stdout, reason = "a bench's figures are its output")]

mod measuring;
#[path = "measuring/yardstick.rs"]
mod yardstick;

use eframe::egui;
use egui::{Context, RawInput, Rect};
use fanlane::ui::theme;
use fanlane::ui::views::live::{LiveData, LiveState, live_ui};
use fanlane::ui::widgets::TaskInfo;
use fanlane_core::event::{
    AttemptRecord, Event, EventKind, LaneId, MachineSample, Outcome, RunEvent, RunHeader, SampleEvent, TaskEvent,
    TaskId, WorkerEvent, WorkerId,
};
use fanlane_core::job::Mode;
use fanlane_core::model::RunModel;

use measuring::thread_cpu;
use yardstick::{RECTANGLES, Yardstick};

const FRAMES: usize = 61;
const FIRST_FRAMES: usize = 20;
/// Bars, lanes, and what a frame cost when this was written, in yardsticks: of the whole run, zoomed to a tenth, zoomed to 1 %.
const USUAL_STILL: [(u64, u32, [f64; 3]); 4] = [
    (100_000, 8, [0.34, 0.11, 0.05]),
    (1_000_000, 8, [0.94, 0.18, 0.09]),
    (1_000_000, 256, [0.15, 0.08, 0.07]),
    (1_000_000, 1000, [0.22, 0.16, 0.15]),
];
/// The same, panned, and zoomed in and out.
const USUAL_PANNED: f64 = 0.17;
const USUAL_ZOOMED: f64 = 0.41;
const SCREEN: egui::Vec2 = egui::vec2(1920.0, 1080.0);

fn main() {
    let mut scenes = Vec::new();
    for (bars, lanes, usual) in USUAL_STILL {
        let views = [("whole run", 1.0), ("zoomed to a tenth", 10.0), ("zoomed to 1 %", 100.0)];
        for ((words, zoom), usual) in views.into_iter().zip(usual) {
            scenes.push(Scene::new(bars, lanes, words, zoom, usual, |_, _| {}));
        }
    }
    scenes.push(Scene::new(1_000_000, 1000, "panned at a tenth", 10.0, USUAL_PANNED, |state, _| {
        let step_ns = state.window.span_ns() / 50.0;
        state.window.pan(step_ns);
    }));
    scenes.push(Scene::new(1_000_000, 1000, "zoomed in and out", 1.0, USUAL_ZOOMED, |state, frame| {
        // To 1 % in 30 frames and back.
        let factor = if frame / 30 % 2 == 0 { 1.166 } else { 1.0 / 1.166 };
        state.window.zoom(factor, state.window.end_ns() / 3.0);
    }));
    let mut yardstick = Yardstick::default();
    for _ in 0..FRAMES {
        for scene in &mut scenes {
            scene.frame();
        }
        yardstick.measure();
    }
    println!("yardstick, a frame of {RECTANGLES} rectangles: {:.2} ms", yardstick.median());
    println!("bars      lanes  view                 ms a frame      max  of the yardstick   triangles");
    for scene in &mut scenes {
        scene.millis.sort_by(f64::total_cmp);
        let (median, max) = (scene.millis[scene.millis.len() / 2], scene.millis[scene.millis.len() - 1]);
        let Scene { bars, lanes, words, triangles, .. } = scene;
        let share = yardstick.share(&format!("{bars} bars, {lanes} lanes, {words}"), median, scene.usual);
        println!("{bars:>8}  {lanes:>5}  {words:<20} {median:>10.2} {max:>8.2} {share:>17.2}  {triangles:>10}");
    }
    yardstick.judge();
}

struct Numbers;

impl TaskInfo for Numbers {
    fn label(&self, task: TaskId) -> String {
        format!("echo {}", task.number())
    }

    fn number(&self, task: TaskId) -> u64 {
        task.number()
    }
}

struct Scene {
    bars: u64,
    lanes: u32,
    words: &'static str,
    /// What it cost when this was written, in yardsticks.
    usual: f64,
    /// What happens to the view before each frame.
    moves: fn(&mut LiveState, usize),
    model: RunModel,
    now_ns: u64,
    context: Context,
    state: LiveState,
    millis: Vec<f64>,
    triangles: usize,
}

impl Scene {
    fn new(
        bars: u64,
        lanes: u32,
        words: &'static str,
        zoom: f64,
        usual: f64,
        moves: fn(&mut LiveState, usize),
    ) -> Self {
        let (model, now_ns) = run(bars, lanes);
        let context = Context::default();
        theme::install(&context);
        let mut state = LiveState::default();
        state.window.begin(now_ns);
        state.window.zoom(zoom, now_ns as f64 / 3.0);
        let millis = Vec::new();
        let mut scene = Self { bars, lanes, words, usual, moves, model, now_ns, context, state, millis, triangles: 0 };
        // The first frames lay out fonts, and make what is kept between frames.
        (0..FIRST_FRAMES).for_each(|_| scene.frame());
        scene.millis.clear();
        scene
    }

    fn frame(&mut self) {
        // A run under way: every frame is a little later, so nothing can be reused.
        self.now_ns += 16_000_000;
        (self.moves)(&mut self.state, self.millis.len());
        let input = RawInput { screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, SCREEN)), ..Default::default() };
        let begin = thread_cpu();
        let output = self.context.run_ui(input, |ui| {
            let data =
                LiveData { model: &self.model, batch: None, now_ns: self.now_ns, can_steer: true, tasks: &Numbers };
            live_ui(ui, &data, &mut self.state);
        });
        let primitives = self.context.tessellate(output.shapes, output.pixels_per_point);
        self.millis.push((thread_cpu() - begin).as_secs_f64() * 1e3);
        self.triangles = primitives
            .iter()
            .map(|primitive| match &primitive.primitive {
                egui::epaint::Primitive::Mesh(mesh) => mesh.indices.len() / 3,
                egui::epaint::Primitive::Callback(_) => 0,
            })
            .sum();
    }
}

/// Tasks of 1 to 9 ms with gaps of 0.1 ms, one in 997 failed; 16 cores sampled each half second.
fn run(bars: u64, lanes: u32) -> (RunModel, u64) {
    let mut model = RunModel::default();
    let mut take = |at_ns, kind| model.take(Event { at_ns, kind });
    let header =
        RunHeader { name: "bench".into(), mode: Mode::Pool, workers: lanes, tasks: 2 * bars, started_unix_ms: 0 };
    take(0, EventKind::Run(RunEvent::Started(header)));
    for worker in 0..lanes {
        let kind = EventKind::Worker(WorkerEvent::Started {
            worker: WorkerId(worker),
            lane: LaneId(worker),
            pid: 1000 + worker,
        });
        take(0, kind);
    }
    let mut free_ns = vec![0_u64; lanes as usize];
    let mut sampled_ns = 0;
    for task in 0..bars {
        let lane = (task % u64::from(lanes)) as usize;
        let start_ns = free_ns[lane] + 100_000;
        let wall_ns = 1_000_000 + task.wrapping_mul(2_654_435_761) % 8_000_000;
        free_ns[lane] = start_ns + wall_ns;
        let outcome = if task % 997 == 996 { Outcome::Exited { code: 1 } } else { Outcome::Done };
        let record = AttemptRecord {
            start_ns,
            wall_ns,
            cpu_ns: wall_ns,
            ..AttemptRecord::new(TaskId(task), 1, WorkerId(lane as u32), outcome)
        };
        take(free_ns[lane], EventKind::Task(TaskEvent::Finished(vec![record])));
        if free_ns[lane] >= sampled_ns + 500_000_000 {
            sampled_ns += 500_000_000;
            let core_percent = (0..16).map(|core| ((task + core * 37) % 101) as f32).collect();
            let sample = MachineSample { core_percent, memory_used_bytes: 1, memory_total_bytes: 2 };
            take(sampled_ns, EventKind::Sample(SampleEvent::Machine(sample)));
        }
    }
    let now_ns = model.lanes.end_ns();
    (model, now_ns)
}
