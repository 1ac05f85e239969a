//! A frame that no change of the window makes slower or faster, to which the cost of frames is compared.

use eframe::egui;
use egui::{Context, RawInput, Rect};

use crate::measuring::{median, thread_cpu};

/// Number of rectangles in that frame.
pub const RECTANGLES: usize = 20_000;
/// How much slower than it was a frame may be, since measurements differ.
const TOLERANCE: f64 = 1.5;

/// Measured between the frames that are compared with it.
#[derive(Default)]
pub struct Yardstick {
    millis: Vec<f64>,
    too_slow: Vec<String>,
}

impl Yardstick {
    /// Draws it once more.
    pub fn measure(&mut self) {
        self.millis.push(rectangles());
    }

    /// The median, in milliseconds of CPU time.
    pub fn median(&self) -> f64 {
        median(self.millis.clone())
    }

    /// A frame's cost in yardsticks; noted where that is 1.5 times what it was when this was written.
    pub fn share(&mut self, what: &str, millis: f64, usual: f64) -> f64 {
        let share = millis / self.median();
        if share > TOLERANCE * usual {
            self.too_slow.push(format!("{what}: {share:.2} of the yardstick, and it was {usual:.2}"));
        }
        share
    }

    /// Ends the process with status 1 if a frame has become too slow.
    pub fn judge(self) {
        if !self.too_slow.is_empty() {
            crate::measuring::say(&format!("slower than {TOLERANCE} times what it was:\n{}", self.too_slow.join("\n")));
            std::process::exit(1);
        }
    }
}

/// Milliseconds of a frame that any change of the page leaves as it is.
fn rectangles() -> f64 {
    let context = Context::default();
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1920.0, 1080.0))),
        ..Default::default()
    };
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
