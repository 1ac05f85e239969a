//! A texture in memory and how a colour is read from it.

use egui::epaint::ImageDelta;
use egui::{Color32, ImageData, TextureFilter, TextureOptions, TextureWrapMode};

/// Premultiplied red, green, blue and alpha, 0.0 to 255.0, in gamma space.
pub type Colour = [f32; 4];

/// An image with the way in which it is to be sampled.
pub struct Texture {
    size: [usize; 2],
    pixels: Vec<Color32>,
    options: TextureOptions,
}

impl Texture {
    /// A whole texture.
    pub fn new(delta: &ImageDelta) -> Self {
        let ImageData::Color(image) = &delta.image;
        Self { size: image.size, pixels: image.pixels.clone(), options: delta.options }
    }

    /// Replaces the part that `delta` is about; `None` when it does not lie within the texture.
    pub fn replace_part(&mut self, delta: &ImageDelta) -> Option<()> {
        let ImageData::Color(image) = &delta.image;
        let [x, y] = delta.pos?;
        let [width, height] = image.size;
        if x + width > self.size[0] || y + height > self.size[1] {
            return None;
        }
        for row in 0..height {
            let start = (y + row) * self.size[0] + x;
            self.pixels[start..start + width].copy_from_slice(&image.pixels[row * width..(row + 1) * width]);
        }
        self.options = delta.options;
        Some(())
    }

    /// Width and height in texels.
    pub fn size(&self) -> [f32; 2] {
        [self.size[0] as f32, self.size[1] as f32]
    }

    /// The filter for a triangle that shows `texels_per_pixel` (an area) of this texture.
    pub fn filter(&self, texels_per_pixel: f32) -> TextureFilter {
        if texels_per_pixel > 1.0 { self.options.minification } else { self.options.magnification }
    }

    /// The colour at `texel`, counted in texels from the top left corner of the image.
    pub fn sample(&self, texel: [f32; 2], filter: TextureFilter) -> Colour {
        if self.pixels.is_empty() {
            return [0.0; 4];
        }
        match filter {
            TextureFilter::Nearest => self.texel(texel[0].floor() as i64, texel[1].floor() as i64),
            TextureFilter::Linear => {
                // A texel's colour is that of its middle.
                let (x, y) = (texel[0] - 0.5, texel[1] - 0.5);
                let (left, top) = (x.floor(), y.floor());
                let (right_part, bottom_part) = (x - left, y - top);
                let (left, top) = (left as i64, top as i64);
                let upper = mix(self.texel(left, top), self.texel(left + 1, top), right_part);
                if bottom_part == 0.0 {
                    return upper;
                }
                let lower = mix(self.texel(left, top + 1), self.texel(left + 1, top + 1), right_part);
                mix(upper, lower, bottom_part)
            }
        }
    }

    fn texel(&self, x: i64, y: i64) -> Colour {
        let x = wrap(x, self.size[0], self.options.wrap_mode);
        let y = wrap(y, self.size[1], self.options.wrap_mode);
        self.pixels[y * self.size[0] + x].to_array().map(f32::from)
    }
}

/// The place that stands for `at` in a row of `len` texels.
fn wrap(at: i64, len: usize, mode: TextureWrapMode) -> usize {
    let len = len as i64;
    let at = match mode {
        TextureWrapMode::ClampToEdge => at.clamp(0, len - 1),
        TextureWrapMode::Repeat => at.rem_euclid(len),
        TextureWrapMode::MirroredRepeat => {
            let twice = at.rem_euclid(2 * len);
            twice.min(2 * len - 1 - twice)
        }
    };
    at as usize
}

fn mix(from: Colour, to: Colour, part: f32) -> Colour {
    if part == 0.0 {
        return from;
    }
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_wrap_stays_within_the_row() {
        let row = |mode| (-5..=8).map(|at| wrap(at, 4, mode)).collect::<Vec<_>>();
        assert_eq!(row(TextureWrapMode::ClampToEdge), [0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3]);
        assert_eq!(row(TextureWrapMode::Repeat), [3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0]);
        assert_eq!(row(TextureWrapMode::MirroredRepeat), [3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0]);
    }
}
