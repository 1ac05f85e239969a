//! The software rasteriser draws what egui asked for: colours, text, textures and clips, the same bytes every time.
#![cfg(feature = "gui")]

#[path = "support/picture_renderer/mod.rs"]
mod picture_renderer;

use eframe::egui;
use egui::epaint::{ClippedPrimitive, Mesh, PaintCallback, Primitive, Vertex};
use egui::{Color32, ColorImage, Context, Pos2, RawInput, Rect, TextureId, TextureOptions, Ui, pos2, vec2};
use egui_kittest::Harness;
use picture_renderer::{Canvas, PictureError, PictureRenderer};

const BACKGROUND: Color32 = Color32::from_rgb(20, 30, 40);
const RED: Color32 = Color32::from_rgb(200, 10, 20);

/// Draws two frames, since egui needs one to learn its sizes, and returns the second.
fn draw(pixels_per_point: f32, mut contents_ui: impl FnMut(&mut Ui)) -> Result<ColorImage, PictureError> {
    let context = Context::default();
    let mut canvas = Canvas::default();
    let mut picture = Err(PictureError::Size(0, 0));
    for _ in 0..2 {
        let mut input =
            RawInput { screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(64.0, 48.0))), ..RawInput::default() };
        input.viewports.entry(input.viewport_id).or_default().native_pixels_per_point = Some(pixels_per_point);
        let mut output = context.run_ui(input, &mut contents_ui);
        canvas.take_textures(&mut output.textures_delta)?;
        picture = canvas.draw(&context, &output, BACKGROUND);
    }
    picture
}

fn at(picture: &ColorImage, x: usize, y: usize) -> Color32 {
    picture.pixels[y * picture.size[0] + x]
}

fn count(picture: &ColorImage, colour: Color32) -> usize {
    picture.pixels.iter().filter(|pixel| **pixel == colour).count()
}

#[test]
fn a_filled_rectangle_has_its_colour_and_the_rest_the_background() {
    let rect = Rect::from_min_max(pos2(10.0, 8.0), pos2(30.0, 20.0));
    let picture = draw(1.0, |ui| {
        ui.painter().rect_filled(rect, 0.0, RED);
    })
    .expect("a rectangle can be drawn");
    assert_eq!(picture.size, [64, 48]);
    assert_eq!(at(&picture, 20, 14), RED);
    assert_eq!(at(&picture, 40, 14), BACKGROUND);
    let red = count(&picture, RED);
    assert!((18 * 10..=20 * 12).contains(&red), "{red} red pixels in a rectangle of 20 x 12, its rim softened");
}

#[test]
fn pixels_per_point_makes_the_picture_larger() {
    let rect = Rect::from_min_max(pos2(10.0, 8.0), pos2(30.0, 20.0));
    let picture = draw(2.0, |ui| {
        ui.painter().rect_filled(rect, 0.0, RED);
    })
    .expect("a rectangle can be drawn");
    assert_eq!(picture.size, [128, 96]);
    assert_eq!(at(&picture, 22, 18), RED);
    assert_eq!(at(&picture, 58, 38), RED);
    assert_eq!(at(&picture, 62, 38), BACKGROUND);
}

#[test]
fn translucent_colours_are_blended_over_what_is_below() {
    let over = Color32::from_rgba_premultiplied(100, 0, 0, 128);
    let picture = draw(1.0, |ui| {
        ui.painter().rect_filled(Rect::EVERYTHING, 0.0, Color32::from_rgb(0, 200, 100));
        ui.painter().rect_filled(Rect::from_min_size(pos2(4.0, 4.0), vec2(40.0, 40.0)), 0.0, over);
    })
    .expect("rectangles can be drawn");
    // 100 + 0, and 200 and 100 times the 127/255 that shine through.
    assert_eq!(at(&picture, 20, 20), Color32::from_rgb(100, 100, 50));
    assert_eq!(at(&picture, 60, 20), Color32::from_rgb(0, 200, 100));
}

#[test]
fn nothing_is_drawn_outside_of_a_clip() {
    let clip = Rect::from_min_max(pos2(16.0, 12.0), pos2(32.0, 24.0));
    let picture = draw(1.0, |ui| {
        ui.painter().with_clip_rect(clip).rect_filled(Rect::EVERYTHING, 0.0, RED);
    })
    .expect("a clipped rectangle can be drawn");
    assert_eq!(count(&picture, RED), 16 * 12);
    assert_eq!(at(&picture, 16, 12), RED);
    assert_eq!(at(&picture, 31, 23), RED);
    assert_eq!(at(&picture, 15, 12), BACKGROUND);
    assert_eq!(at(&picture, 32, 23), BACKGROUND);
    assert_eq!(at(&picture, 31, 24), BACKGROUND);
}

#[test]
fn text_is_drawn_and_differs_by_its_letters() {
    let text = |text: &'static str| {
        draw(1.0, move |ui| {
            let font = egui::FontId::proportional(20.0);
            ui.painter().text(pos2(4.0, 4.0), egui::Align2::LEFT_TOP, text, font, Color32::WHITE);
        })
        .expect("text can be drawn")
    };
    let (lanes, tasks) = (text("LLL"), text("TTT"));
    let inked = |picture: &ColorImage| picture.pixels.len() - count(picture, BACKGROUND);
    assert!(inked(&lanes) > 40, "{} pixels of text", inked(&lanes));
    assert!(count(&lanes, Color32::WHITE) > 10, "the stems of letters are solid");
    assert_ne!(lanes.pixels, tasks.pixels);
    assert_eq!(inked(&text("")), 0);
}

#[test]
fn textures_are_filtered_as_they_ask() {
    let drawn = |options: TextureOptions| {
        let mut texture = None;
        draw(1.0, move |ui| {
            let texture = texture.get_or_insert_with(|| {
                let image = ColorImage::new([2, 1], vec![Color32::BLACK, Color32::WHITE]);
                ui.ctx().load_texture("two texels", image, options)
            });
            let rect = Rect::from_min_size(Pos2::ZERO, vec2(64.0, 48.0));
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), rect, whole, Color32::WHITE);
        })
        .expect("an image can be drawn")
    };
    let sharp = drawn(TextureOptions::NEAREST);
    assert_eq!((at(&sharp, 31, 20), at(&sharp, 32, 20)), (Color32::BLACK, Color32::WHITE));
    let soft = drawn(TextureOptions::LINEAR);
    assert_eq!((at(&soft, 2, 20), at(&soft, 61, 20)), (Color32::BLACK, Color32::WHITE));
    let [left, middle, right] = [24, 32, 40].map(|x| at(&soft, x, 20).r());
    assert!(left < middle && middle < right, "{left} < {middle} < {right}");
}

#[test]
fn triangles_with_a_common_edge_leave_no_gap_and_no_double_paint() {
    let half = Color32::from_rgba_premultiplied(50, 50, 50, 128);
    let picture = draw(1.0, |ui| {
        let mut fan = Mesh::default();
        // An odd middle, so that edges pass through pixels at every angle.
        fan.vertices.push(Vertex::untextured(pos2(21.3, 17.9), half));
        let rim = [(0.0, 0.0), (30.0, 0.0), (64.0, 0.0), (64.0, 30.0), (64.0, 48.0), (20.0, 48.0), (0.0, 48.0)];
        fan.vertices.extend(rim.map(|(x, y)| Vertex::untextured(pos2(x, y), half)));
        for corner in 1..=7 {
            fan.add_triangle(0, corner, corner % 7 + 1);
        }
        ui.painter().add(fan);
    })
    .expect("a mesh can be drawn");
    assert_eq!(count(&picture, at(&picture, 0, 0)), 64 * 48, "every pixel was painted exactly once");
    assert_ne!(at(&picture, 0, 0), BACKGROUND);
}

#[test]
fn the_same_frame_gives_the_same_bytes() {
    let page = |ui: &mut Ui| {
        ui.label("Lanes");
        ui.add(egui::ProgressBar::new(0.6));
        ui.painter().circle_filled(pos2(40.0, 30.0), 11.5, RED);
    };
    let first = draw(1.25, page).expect("widgets can be drawn");
    assert_eq!(first.pixels, draw(1.25, page).expect("widgets can be drawn").pixels);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let callback = draw(1.0, |ui| {
        ui.painter().add(PaintCallback { rect: Rect::EVERYTHING, callback: std::sync::Arc::new(()) });
    });
    assert_eq!(callback.expect_err("refused"), PictureError::PaintCallback);

    let empty = Canvas::default().paint(&[], [0, 48], 1.0, BACKGROUND);
    assert_eq!(empty.expect_err("refused"), PictureError::Size(0, 48));

    let mut mesh = Mesh::with_texture(TextureId::User(7));
    mesh.add_rect_with_uv(Rect::from_min_size(Pos2::ZERO, vec2(8.0, 8.0)), Rect::NOTHING, RED);
    let screen = Rect::from_min_size(Pos2::ZERO, vec2(64.0, 48.0));
    let unknown = ClippedPrimitive { clip_rect: screen, primitive: Primitive::Mesh(mesh) };
    let unknown = Canvas::default().paint(&[unknown], [64, 48], 1.0, BACKGROUND);
    assert_eq!(unknown.expect_err("refused"), PictureError::UnknownTexture(TextureId::User(7)));
}

#[test]
fn a_test_harness_draws_with_it() {
    let mut harness = Harness::builder().with_size([200.0, 80.0]).renderer(PictureRenderer::default()).build_ui(|ui| {
        ui.heading("Lanes");
        let _clicked = ui.button("Run");
    });
    harness.run();
    let picture = harness.render().expect("the harness draws");
    assert_eq!(picture.dimensions(), (200, 80));
    let colours: std::collections::HashSet<_> = picture.pixels().map(|pixel| pixel.0).collect();
    assert!(colours.len() > 20, "only {} colours: where is the text?", colours.len());
}
