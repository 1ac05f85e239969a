//! What a frame of the live page costs, ui and tessellation together: `cargo bench --bench frame`.
//!
//! The sizes take turns, so that a busy machine slows all of them alike; the figure is the median of each, in CPU time, beside
//! that of a yardstick, a frame of plain rectangles. It measures no drawing, which is the graphics card's work.

#![expect(clippy::print_stdout, reason = "a bench's figures are its output")]

mod measuring;

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

const FRAMES: usize = 61;
const FIRST_FRAMES: usize = 20;
const RECTANGLES: usize = 20_000;
const SCREEN: egui::Vec2 = egui::vec2(1920.0, 1080.0);

fn main() {
    let mut scenes = Vec::new();
    for (bars, lanes) in [(100_000, 8), (1_000_000, 8), (1_000_000, 256), (1_000_000, 1000)] {
        for (words, zoom) in [("whole run", 1.0), ("zoomed to a tenth", 10.0), ("zoomed to 1 %", 100.0)] {
            scenes.push(Scene::new(bars, lanes, words, zoom, |_, _| {}));
        }
    }
    scenes.push(Scene::new(1_000_000, 1000, "panned at a tenth", 10.0, |state, _| {
        let step_ns = state.window.span_ns() / 50.0;
        state.window.pan(step_ns);
    }));
    scenes.push(Scene::new(1_000_000, 1000, "zoomed in and out", 1.0, |state, frame| {
        // To 1 % in 30 frames and back.
        let factor = if frame / 30 % 2 == 0 { 1.166 } else { 1.0 / 1.166 };
        state.window.zoom(factor, state.window.end_ns() / 3.0);
    }));
    let mut yardstick = Vec::new();
    for _ in 0..FRAMES {
        for scene in &mut scenes {
            scene.frame();
        }
        yardstick.push(rectangles());
    }
    yardstick.sort_by(f64::total_cmp);
    let yardstick = yardstick[yardstick.len() / 2];
    println!("yardstick, a frame of {RECTANGLES} rectangles: {yardstick:.2} ms");
    println!("bars      lanes  view                 ms a frame      max  of the yardstick   triangles");
    for scene in &mut scenes {
        scene.millis.sort_by(f64::total_cmp);
        let (median, max) = (scene.millis[scene.millis.len() / 2], scene.millis[scene.millis.len() - 1]);
        let share = median / yardstick;
        let Scene { bars, lanes, words, triangles, .. } = scene;
        println!("{bars:>8}  {lanes:>5}  {words:<20} {median:>10.2} {max:>8.2} {share:>17.2}  {triangles:>10}");
    }
}

/// Milliseconds of a frame that any change of the page leaves as it is.
fn rectangles() -> f64 {
    let context = Context::default();
    let input = RawInput { screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, SCREEN)), ..Default::default() };
    let begin = thread_cpu();
    let output = context.run_ui(input, |ui| {
        for index in 0..RECTANGLES {
            let at = egui::pos2((index % 200) as f32 * 9.0, (index / 200) as f32 * 9.0);
            let rect = Rect::from_min_size(at, egui::Vec2::splat(8.0));
            ui.painter().rect_filled(rect, 0.0, egui::Color32::from_gray(index as u8));
        }
    });
    let primitives = context.tessellate(output.shapes, output.pixels_per_point);
    assert!(!primitives.is_empty(), "a frame without anything in it");
    (thread_cpu() - begin).as_secs_f64() * 1e3
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
    fn new(bars: u64, lanes: u32, words: &'static str, zoom: f64, moves: fn(&mut LiveState, usize)) -> Self {
        let (model, now_ns) = run(bars, lanes);
        let context = Context::default();
        theme::install(&context);
        let mut state = LiveState::default();
        state.window.begin(now_ns);
        state.window.zoom(zoom, now_ns as f64 / 3.0);
        let millis = Vec::new();
        let mut scene = Self { bars, lanes, words, moves, model, now_ns, context, state, millis, triangles: 0 };
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
