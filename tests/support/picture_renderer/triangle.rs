//! Fills one triangle of a mesh: which pixels it covers, and how its colour is blended over them.
//!
//! Corners are rounded to 1/256 pixel and coverage is decided in whole numbers with the top-left rule, so triangles
//! that share an edge neither leave a gap nor paint a pixel twice.

use egui::epaint::Vertex;
use egui::{Color32, ColorImage};

use super::texture::{Colour, Texture};

/// Steps to which a corner is rounded, per pixel.
const STEPS: i64 = 256;
/// Corners further away than this (in steps) are drawn as if they were here; products still fit into 64 bits.
const FAR: f32 = (1 << 28) as f32;

/// The pixels that may be painted; `right` and `bottom` are just outside.
#[derive(Clone, Copy)]
pub struct Window {
    pub left: i64,
    pub top: i64,
    pub right: i64,
    pub bottom: i64,
}

impl Window {
    /// No pixel lies within.
    pub const fn is_empty(self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }
}

/// A corner of a triangle.
#[derive(Clone, Copy)]
pub struct Corner {
    x: i64,
    y: i64,
    uv: [f32; 2],
    colour: Color32,
}

impl Corner {
    /// The corner for `vertex`, whose position is in points.
    pub fn new(vertex: &Vertex, pixels_per_point: f32) -> Self {
        let steps = |points: f32| (points * pixels_per_point * STEPS as f32).round().clamp(-FAR, FAR) as i64;
        Self { x: steps(vertex.pos.x), y: steps(vertex.pos.y), uv: [vertex.uv.x, vertex.uv.y], colour: vertex.color }
    }
}

/// One side of a triangle as a function that is at least 0 on its inner side: `at_origin + x * dx + y * dy`, with x and
/// y counting pixels.
struct Edge {
    at_origin: i64,
    dx: i64,
    dy: i64,
}

impl Edge {
    fn new(from: &Corner, to: &Corner) -> Self {
        let (dx, dy) = (from.y - to.y, to.x - from.x);
        // The function's value in the middle of pixel (0, 0).
        let middle = STEPS / 2;
        let at_origin = dx * (middle - from.x) + dy * (middle - from.y);
        Self { at_origin, dx: dx * STEPS, dy: dy * STEPS }
    }

    /// A pixel whose middle lies on this edge belongs to this triangle and not to its neighbour.
    const fn is_top_or_left(&self) -> bool {
        self.dx > 0 || (self.dx == 0 && self.dy > 0)
    }

    /// Narrows `first..end`, the pixels of row `y`, to those on the inner side.
    fn narrow(&self, y: i64, first: &mut i64, end: &mut i64) {
        // Beyond the edge begins one unit earlier where the edge itself does not belong to us.
        let value = self.at_origin + y * self.dy - i64::from(!self.is_top_or_left());
        // Wanted: value + x * dx >= 0.
        if self.dx > 0 {
            *first = (*first).max(-(value.div_euclid(self.dx)));
        } else if self.dx < 0 {
            *end = (*end).min(value.div_euclid(-self.dx) + 1);
        } else if value < 0 {
            *end = *first;
        }
    }
}

/// Paints the triangle between `corners` into `picture`, within `window`.
pub fn fill(picture: &mut ColorImage, window: Window, texture: &Texture, corners: &[Corner; 3]) {
    let [a, mut b, mut c] = *corners;
    let mut area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if area == 0 {
        return;
    }
    // egui's meshes turn either way round.
    if area < 0 {
        std::mem::swap(&mut b, &mut c);
        area = -area;
    }
    let edges = [Edge::new(&b, &c), Edge::new(&c, &a), Edge::new(&a, &b)];
    let shade = Shade::new(texture, &[a, b, c], area);

    let [lowest_y, highest_y] = bounds([a.y, b.y, c.y]);
    let [lowest_x, highest_x] = bounds([a.x, b.x, c.x]);
    let width = picture.size[0];
    for y in lowest_y.max(window.top)..highest_y.min(window.bottom) {
        let (mut first, mut end) = (lowest_x.max(window.left), highest_x.min(window.right));
        for edge in &edges {
            edge.narrow(y, &mut first, &mut end);
        }
        if first >= end {
            continue;
        }
        let row = &mut picture.pixels[y as usize * width..][first as usize..end as usize];
        if let Some(colour) = shade.flat {
            blend_row(row, colour);
            continue;
        }
        // Shares of the corners b and c in the pixel's colour; that of a is the rest.
        let share = |edge: &Edge, x: i64| (edge.at_origin + x * edge.dx + y * edge.dy) as f32 / area as f32;
        for (x, pixel) in (first..).zip(row) {
            *pixel = blend(*pixel, shade.colour(share(&edges[1], x), share(&edges[2], x)));
        }
    }
}

/// The first pixel and the one after the last whose middles can lie between these places, given in steps.
fn bounds(places: [i64; 3]) -> [i64; 2] {
    let [low, high] = [places[0].min(places[1]).min(places[2]), places[0].max(places[1]).max(places[2])];
    [low.div_euclid(STEPS), high.div_euclid(STEPS) + 1]
}

/// The colour of a triangle at each of its pixels.
struct Shade<'a> {
    texture: &'a Texture,
    filter: egui::TextureFilter,
    texels: [[f32; 2]; 3],
    colours: [Colour; 3],
    /// Set when every pixel has the same colour.
    flat: Option<Colour>,
}

impl<'a> Shade<'a> {
    fn new(texture: &'a Texture, corners: &[Corner; 3], area_steps: i64) -> Self {
        let size = texture.size();
        let texels = corners.map(|corner| [corner.uv[0] * size[0], corner.uv[1] * size[1]]);
        let [a, b, c] = texels;
        let area_texels = ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])).abs();
        let area_px = area_steps as f32 / (STEPS * STEPS) as f32;
        let colours = corners.map(|corner| corner.colour.to_array().map(f32::from));
        let mut shade = Self { texture, filter: texture.filter(area_texels / area_px), texels, colours, flat: None };
        if a == b && b == c && colours[0] == colours[1] && colours[1] == colours[2] {
            shade.flat = Some(shade.colour(0.0, 0.0));
        }
        shade
    }

    fn colour(&self, share_b: f32, share_c: f32) -> Colour {
        let between = |[a, b, c]: [f32; 3]| a + (b - a) * share_b + (c - a) * share_c;
        let texel = std::array::from_fn(|axis| between(self.texels.map(|texel| texel[axis])));
        let sample = self.texture.sample(texel, self.filter);
        std::array::from_fn(|channel| between(self.colours.map(|colour| colour[channel])) * sample[channel] / 255.0)
    }
}

fn blend_row(row: &mut [Color32], colour: Colour) {
    if colour[3] >= 255.0 {
        row.fill(blend(Color32::TRANSPARENT, colour));
    } else if colour != [0.0; 4] {
        for pixel in row {
            *pixel = blend(*pixel, colour);
        }
    }
}

/// `over` in front of `below`, both premultiplied.
fn blend(below: Color32, over: Colour) -> Color32 {
    let rest = 1.0 - over[3] / 255.0;
    let below = below.to_array();
    let [r, g, b, a] =
        std::array::from_fn(|channel| (over[channel] + f32::from(below[channel]) * rest + 0.5).clamp(0.0, 255.0) as u8);
    Color32::from_rgba_premultiplied(r, g, b, a)
}
