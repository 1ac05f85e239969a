//! What a frame of the live page costs, ui and tessellation together: `cargo bench --bench frame`.
//!
//! The sizes take turns, so that a busy machine slows all of them alike; the figure is the median of each. It measures
//! no drawing, which is the graphics card's work.

#![expect(clippy::print_stdout, reason = "a bench's figures are its output")]

use std::time::Instant;

use eframe::egui;
use egui::{Context, RawInput, Rect};
use fanlane::ui::theme;
use fanlane::ui::views::live::{LiveData, LiveState, live_ui};
use fanlane_core::event::{
    AttemptRecord, Event, EventKind, LaneId, MachineSample, Outcome, RunEvent, RunHeader, SampleEvent, TaskEvent,
    TaskId, WorkerEvent, WorkerId,
};
use fanlane_core::job::Mode;
use fanlane_core::model::{CoreHistory, DepthHistory, LaneHistory, Progress};

const FRAMES: usize = 61;
const SCREEN: egui::Vec2 = egui::vec2(1920.0, 1080.0);

fn main() {
    let mut scenes = Vec::new();
    for (bars, lanes) in [(100_000, 8), (1_000_000, 8), (1_000_000, 256)] {
        for (words, zoom) in [("whole run", 1.0), ("zoomed to a tenth", 10.0), ("zoomed to 1 %", 100.0)] {
            scenes.push(Scene::new(bars, lanes, words, zoom));
        }
    }
    for _ in 0..FRAMES {
        for scene in &mut scenes {
            scene.frame();
        }
    }
    println!("bars      lanes  view                 ms a frame   triangles");
    for scene in &mut scenes {
        scene.millis.sort_by(f64::total_cmp);
        let median = scene.millis[scene.millis.len() / 2];
        let Scene { bars, lanes, words, triangles, .. } = scene;
        println!("{bars:>8}  {lanes:>5}  {words:<20} {median:>10.2}  {triangles:>10}");
    }
}

struct Scene {
    bars: u64,
    lanes: u32,
    words: &'static str,
    models: Models,
    now_ns: u64,
    context: Context,
    state: LiveState,
    millis: Vec<f64>,
    triangles: usize,
}

#[derive(Default)]
struct Models {
    lanes: LaneHistory,
    cores: CoreHistory,
    depth: DepthHistory,
    progress: Progress,
}

impl Models {
    fn apply(&mut self, at_ns: u64, kind: EventKind) {
        let event = Event { at_ns, kind };
        self.lanes.apply(&event);
        self.cores.apply(&event);
        self.depth.apply(&event);
        self.progress.apply(&event);
    }
}

impl Scene {
    fn new(bars: u64, lanes: u32, words: &'static str, zoom: f64) -> Self {
        let (models, now_ns) = run(bars, lanes);
        let context = Context::default();
        theme::install(&context);
        let mut state = LiveState::default();
        state.window.begin(now_ns);
        state.window.zoom(zoom, now_ns as f64 / 3.0);
        let mut scene = Self { bars, lanes, words, models, now_ns, context, state, millis: Vec::new(), triangles: 0 };
        // The first frames lay out fonts.
        scene.frame();
        scene.frame();
        scene.millis.clear();
        scene
    }

    fn frame(&mut self) {
        // A run under way: every frame is a little later, so nothing can be reused.
        self.now_ns += 16_000_000;
        let input = RawInput { screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, SCREEN)), ..Default::default() };
        let begin = Instant::now();
        let output = self.context.run_ui(input, |ui| {
            let data = LiveData {
                lanes: &self.models.lanes,
                cores: &self.models.cores,
                depth: &self.models.depth,
                progress: &self.models.progress,
                now_ns: self.now_ns,
                label: &|task| format!("echo {}", task.number()),
                number: &|task| task.number(),
            };
            live_ui(ui, &data, &mut self.state);
        });
        let primitives = self.context.tessellate(output.shapes, output.pixels_per_point);
        self.millis.push(begin.elapsed().as_secs_f64() * 1e3);
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
fn run(bars: u64, lanes: u32) -> (Models, u64) {
    let mut models = Models::default();
    let header =
        RunHeader { name: "bench".into(), mode: Mode::Pool, workers: lanes, tasks: 2 * bars, started_unix_ms: 0 };
    models.apply(0, EventKind::Run(RunEvent::Started(header)));
    for worker in 0..lanes {
        let kind = EventKind::Worker(WorkerEvent::Started {
            worker: WorkerId(worker),
            lane: LaneId(worker),
            pid: 1000 + worker,
        });
        models.apply(0, kind);
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
        models.apply(free_ns[lane], EventKind::Task(TaskEvent::Finished(vec![record])));
        if free_ns[lane] >= sampled_ns + 500_000_000 {
            sampled_ns += 500_000_000;
            let core_percent = (0..16).map(|core| ((task + core * 37) % 101) as f32).collect();
            let sample = MachineSample { core_percent, memory_used_bytes: 1, memory_total_bytes: 2 };
            models.apply(sampled_ns, EventKind::Sample(SampleEvent::Machine(sample)));
        }
    }
    let now_ns = models.lanes.end_ns();
    (models, now_ns)
}
