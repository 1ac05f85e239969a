//! Lets an `egui_kittest` harness draw with Fanlane's own rasteriser, so that pictures need no graphics card.

use eframe::egui;
use egui_kittest::TestRenderer;
use fanlane::ui::picture::Canvas;

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
