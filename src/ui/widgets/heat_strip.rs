//! The use of each core over time as colours, a row per core. It is one texture, so 256 cores cost no more than 2. A pixel of
//! several samples or cores shows the largest use.

use egui::{
    Align2, ColorImage, Mesh, Rect, Response, Role, Sense, Shape, TextStyle, TextureHandle, TextureOptions, Ui, pos2,
    vec2,
};

use super::describe;
use super::{quantity, time_axis, time_window::TimeWindow};
use crate::ui::theme;
use fanlane_core::model::CoreHistory;

/// Minimum distance of two cores' numbers, in points.
const MIN_LABEL_DISTANCE: f32 = 12.0;
/// Maximum height of a row, in points: keeps a few busy cores from filling the page with one colour.
const MAX_ROW: f32 = 1.5 * theme::UNIT;

/// The state between frames: the texture and what it was made of.
#[derive(Clone, Default)]
pub struct HeatStripState {
    texture: Option<TextureHandle>,
    made_of: Option<Key>,
}

#[derive(Clone, Copy, PartialEq)]
struct Key {
    size: [usize; 2],
    range_ns: (f64, f64),
    columns: usize,
    cores: usize,
    end_ns: u64,
    dark: bool,
}

/// Maximum height of the rows of `cores` cores, in points.
pub fn max_height(cores: usize) -> f32 {
    cores as f32 * MAX_ROW
}

/// The use of each core over time; the numbers of the cores are left of `cells`.
pub fn heat_strip_ui(
    ui: &Ui,
    cells: Rect,
    cores: &CoreHistory,
    window: &mut TimeWindow,
    state: &mut HeatStripState,
) -> Response {
    let palette = theme::palette(ui);
    let response = ui.interact(cells, ui.scope_id().with("core heat strip"), Sense::click_and_drag());
    window.navigate(ui, &response, cells.x_range());
    if ui.is_rect_visible(cells) && cores.cores() > 0 {
        let painter = ui.painter_at(cells);
        painter.rect_filled(cells, 0.0, palette.idle);
        let texture = texture(ui, cores, window, state, cells);
        let mut mesh = Mesh::with_texture(texture.id());
        mesh.add_rect_with_uv(cells, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), egui::Color32::WHITE);
        painter.add(Shape::mesh(mesh));
        time_axis::paint_marks(&painter, window, cells, palette);
        paint_core_numbers(ui, cores.cores(), cells);
    }
    window.navigate_by_keys(ui, &response);
    describe(ui, &response, Role::Image, "CPU use of each core over time", || newest_words(cores));
    let words = response.hover_pos().and_then(|pointer| cell_words(cores, window, cells, pointer));
    match words {
        Some(words) => response.on_hover_text_at_pointer(words),
        None => response,
    }
}

/// The scale of the colours: `0 %`, the ramp, `100 %`.
pub fn heat_legend_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let small = |text: &str| egui::RichText::new(text).small().color(palette.text_weak);
    ui.spacing_mut().item_spacing.x = theme::HALF;
    ui.label(small("0 %"));
    let (rect, _) = ui.allocate_exact_size(vec2(6.0 * theme::UNIT, theme::UNIT), Sense::hover());
    let mut mesh = Mesh::default();
    const STEPS: usize = 32;
    for step in 0..STEPS {
        let left = rect.left() + rect.width() * step as f32 / STEPS as f32;
        let right = rect.left() + rect.width() * (step + 1) as f32 / STEPS as f32;
        let part = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
        mesh.add_colored_rect(part, theme::heat(ui, step as f32 / (STEPS - 1) as f32));
    }
    ui.painter().add(Shape::mesh(mesh));
    ui.label(small("100 %"));
}

fn texture<'a>(
    ui: &Ui,
    cores: &CoreHistory,
    window: &TimeWindow,
    state: &'a mut HeatStripState,
    cells: Rect,
) -> &'a TextureHandle {
    let scale = ui.pixels_per_point();
    let pixels = |points: f32| ((points * scale).round() as usize).max(1);
    let key = Key {
        // One pixel per core is enough: the texture is stretched.
        size: [pixels(cells.width()).min(4096), pixels(cells.height()).min(cores.cores())],
        range_ns: window.range_ns(),
        columns: cores.columns().len(),
        cores: cores.cores(),
        end_ns: cores.end_ns(),
        dark: ui.visuals().dark_mode,
    };
    let fresh = state.made_of == Some(key);
    let texture = state.texture.get_or_insert_with(|| {
        ui.ctx().load_texture(
            "core heat strip",
            ColorImage::filled([1, 1], egui::Color32::TRANSPARENT),
            TextureOptions::NEAREST,
        )
    });
    if !fresh {
        texture.set(image(ui, cores, &key), TextureOptions::NEAREST);
        state.made_of = Some(key);
    }
    texture
}

fn image(ui: &Ui, cores: &CoreHistory, key: &Key) -> ColorImage {
    let [width, height] = key.size;
    let mut image = ColorImage::filled(key.size, egui::Color32::TRANSPARENT);
    let (from_ns, to_ns) = key.range_ns;
    let columns = cores.columns();
    let mut first = columns.partition_point(|column| column.to_ns as f64 <= from_ns);
    let mut row_peak = vec![0.0_f32; height];
    let mut painted: Option<std::ops::Range<usize>> = None;
    for x in 0..width {
        let left_ns = from_ns + (to_ns - from_ns) * x as f64 / width as f64;
        let right_ns = from_ns + (to_ns - from_ns) * (x + 1) as f64 / width as f64;
        while columns.get(first).is_some_and(|column| column.to_ns as f64 <= left_ns) {
            first += 1;
        }
        let mut last = first;
        while columns.get(last).is_some_and(|column| (column.from_ns as f64) < right_ns) {
            last += 1;
        }
        if first == last {
            continue;
        }
        // Neighbouring pixels mostly show the same samples.
        if painted.as_ref() != Some(&(first..last)) {
            row_peak.fill(0.0);
            for column in first..last {
                for (core, percent) in cores.percent(column).iter().enumerate() {
                    let row = &mut row_peak[core * height / key.cores];
                    *row = row.max(*percent);
                }
            }
            painted = Some(first..last);
        }
        for (y, percent) in row_peak.iter().enumerate() {
            image.pixels[y * width + x] = theme::heat(ui, percent / 100.0);
        }
    }
    image
}

fn paint_core_numbers(ui: &Ui, cores: usize, cells: Rect) {
    let font = TextStyle::Small.resolve(ui.style());
    let color = theme::palette(ui).text_weak;
    let row = cells.height() / cores as f32;
    let every =
        [1, 2, 4, 8, 16, 32, 64].into_iter().find(|every| *every as f32 * row >= MIN_LABEL_DISTANCE).unwrap_or(128);
    let mut last_y = f32::NEG_INFINITY;
    for core in (0..cores).step_by(every) {
        let at = pos2(cells.left() - theme::HALF, cells.top() + (core as f32 + 0.5) * row);
        let at = pos2(at.x, at.y.max(cells.top() + MIN_LABEL_DISTANCE / 2.0));
        // The first has moved down, into the strip.
        if at.y - last_y < MIN_LABEL_DISTANCE {
            continue;
        }
        last_y = at.y;
        ui.painter().text(at, Align2::RIGHT_CENTER, core.to_string(), font.clone(), color);
    }
}

fn cell_words(cores: &CoreHistory, window: &TimeWindow, cells: Rect, pointer: egui::Pos2) -> Option<String> {
    if !cells.contains(pointer) {
        return None;
    }
    let time_ns = window.time_at(cells.x_range(), pointer.x);
    let column = cores.column_at(time_ns as u64)?;
    let core = ((pointer.y - cells.top()) / cells.height() * cores.cores() as f32) as usize;
    let core = core.min(cores.cores() - 1);
    let percent = cores.percent(column)[core];
    Some(format!("core {core}: {percent:.0} % at {}", quantity::moment(time_ns)))
}

fn newest_words(cores: &CoreHistory) -> String {
    let Some(newest) = cores.newest() else { return "no sample yet".to_owned() };
    let percent = &newest.core_percent;
    let busiest = percent.iter().copied().fold(0.0, f32::max);
    let mean = percent.iter().sum::<f32>() / percent.len().max(1) as f32;
    format!("now {mean:.0} % on average over {} cores, at most {busiest:.0} %", percent.len())
}
