//! Draws egui's output into an image without a window, a display or a graphics card.
//!
//! It follows `egui_glow`: colours are blended premultiplied in gamma space, one 8-bit pixel at a time, clipped to whole
//! pixels. The arithmetic that decides coverage is in whole numbers, so the same frame gives the same bytes everywhere.
//! Deliberately not here: custom paint callbacks (they want a graphics card and are refused by name), mipmaps,
//! dithering, and any file format.

use std::collections::HashMap;

use egui::epaint::{ClippedPrimitive, Primitive};
use egui::{Color32, ColorImage, Context, FullOutput, Rect, TextureId, TexturesDelta};

use super::texture::Texture;
use super::triangle::{self, Corner, Window};

/// The largest side of a picture, in pixels.
pub const MAX_SIDE_PX: usize = 16_384;

/// A frame that cannot be drawn as it was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// A paint callback needs a graphics card.
    #[error(
        "the frame has a custom paint callback, which only a graphics card can draw: paint it with shapes or meshes"
    )]
    PaintCallback,
    /// A mesh names a texture that was never handed over.
    #[error(
        "texture {0:?} was never handed over: call `Canvas::take_textures` with the delta of every frame, in order"
    )]
    UnknownTexture(TextureId),
    /// A part of a texture was to be replaced that it does not have.
    #[error("an update of texture {0:?} lies outside of it: deltas were skipped or came out of order")]
    OutsideTexture(TextureId),
    /// A mesh speaks of corners that it does not have.
    #[error("a mesh with {corners} corners names corner {named}")]
    BrokenMesh {
        /// How many corners the mesh has.
        corners: usize,
        /// The corner that is not there.
        named: u32,
    },
    /// The picture would have no pixels, or too many.
    #[error("a picture of {0} x {1} pixels cannot be drawn: each side is 1 to {MAX_SIDE_PX}")]
    Size(usize, usize),
}

/// Keeps the textures of one egui context and paints its frames.
#[derive(Default)]
pub struct Canvas {
    textures: HashMap<TextureId, Texture>,
    /// Freed together with a frame that may still show them; gone with the next delta.
    freed: Vec<TextureId>,
}

impl Canvas {
    /// Takes over what changed in the textures, the font's among them, and leaves `delta` empty.
    ///
    /// # Errors
    /// [`PictureError::OutsideTexture`] when an earlier delta is missing.
    pub fn take_textures(&mut self, delta: &mut TexturesDelta) -> Result<(), PictureError> {
        for id in self.freed.drain(..) {
            self.textures.remove(&id);
        }
        self.freed.extend(delta.free.drain());
        for (id, changes) in delta.set.drain() {
            for change in changes {
                if change.pos.is_none() {
                    self.textures.insert(id, Texture::new(&change));
                } else {
                    let texture = self.textures.get_mut(&id).ok_or(PictureError::UnknownTexture(id))?;
                    texture.replace_part(&change).ok_or(PictureError::OutsideTexture(id))?;
                }
            }
        }
        Ok(())
    }

    /// Paints the shapes of one frame of `context` over `background`, as large as the context's screen. The frame's
    /// texture delta must have been taken before.
    ///
    /// # Errors
    /// As [`Canvas::paint`].
    pub fn draw(
        &self,
        context: &Context,
        output: &FullOutput,
        background: Color32,
    ) -> Result<ColorImage, PictureError> {
        let pixels_per_point = output.pixels_per_point;
        let size_px = context.viewport_rect().size() * pixels_per_point;
        let primitives = context.tessellate(output.shapes.clone(), pixels_per_point);
        self.paint(&primitives, [size_px.x.round() as usize, size_px.y.round() as usize], pixels_per_point, background)
    }

    /// Paints `primitives` over `background` into a picture of `size_px` (width and height in pixels).
    ///
    /// # Errors
    /// A size without pixels or beyond [`MAX_SIDE_PX`], a custom paint callback, a texture that was never handed over,
    /// or a broken mesh. Nothing is left out in silence.
    pub fn paint(
        &self,
        primitives: &[ClippedPrimitive],
        size_px: [usize; 2],
        pixels_per_point: f32,
        background: Color32,
    ) -> Result<ColorImage, PictureError> {
        if size_px.iter().any(|side| !(1..=MAX_SIDE_PX).contains(side)) {
            return Err(PictureError::Size(size_px[0], size_px[1]));
        }
        let mut picture = ColorImage::filled(size_px, background);
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let window = clip_window(*clip_rect, size_px, pixels_per_point);
            let mesh = match primitive {
                Primitive::Mesh(mesh) => mesh,
                Primitive::Callback(_) => return Err(PictureError::PaintCallback),
            };
            if mesh.indices.is_empty() || window.is_empty() {
                continue;
            }
            let texture = self.textures.get(&mesh.texture_id).ok_or(PictureError::UnknownTexture(mesh.texture_id))?;
            let corner = |index: u32| {
                let vertex = mesh
                    .vertices
                    .get(index as usize)
                    .ok_or(PictureError::BrokenMesh { corners: mesh.vertices.len(), named: index })?;
                Ok(Corner::new(vertex, pixels_per_point))
            };
            for indices in mesh.indices.chunks_exact(3) {
                let corners = [corner(indices[0])?, corner(indices[1])?, corner(indices[2])?];
                triangle::fill(&mut picture, window, texture, &corners);
            }
        }
        Ok(picture)
    }
}

/// The pixels that `clip_points` allows: rounded to whole pixels, as a scissor test does.
fn clip_window(clip_points: Rect, size_px: [usize; 2], pixels_per_point: f32) -> Window {
    let side = |points: f32, limit_px: usize| (points * pixels_per_point).round().clamp(0.0, limit_px as f32) as i64;
    Window {
        left: side(clip_points.min.x, size_px[0]),
        top: side(clip_points.min.y, size_px[1]),
        right: side(clip_points.max.x, size_px[0]),
        bottom: side(clip_points.max.y, size_px[1]),
    }
}
