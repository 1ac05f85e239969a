//! Draws what an `egui_kittest` harness shows, in software, so that pictures need no graphics card.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

mod canvas;
mod texture;
mod triangle;

use eframe::egui;
use egui_kittest::TestRenderer;

pub use canvas::{Canvas, PictureError};

/// A renderer for `Harness::builder().renderer(..)`.
#[derive(Default)]
pub struct PictureRenderer {
    canvas: Canvas,
}

impl TestRenderer for PictureRenderer {
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        self.canvas.take_textures(delta).expect("the harness hands over every delta in order");
    }

    fn render(&mut self, context: &egui::Context, output: &egui::FullOutput) -> Result<image::RgbaImage, String> {
        let background = context.global_style().visuals.panel_fill;
        let picture = self.canvas.draw(context, output, background).map_err(|error| error.to_string())?;
        let [width, height] = picture.size.map(|side| side as u32);
        let bytes = picture.pixels.iter().flat_map(egui::Color32::to_array).collect();
        image::RgbaImage::from_raw(width, height, bytes).ok_or_else(|| "a picture with too few pixels".to_owned())
    }
}
