//! All colours, sizes and fonts of the window. Views and widgets name none themselves.
//!
//! Layout is not decided here; nor is any text, except the word and the icon of each outcome.

mod heat;
mod palette;

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::style::{HandleShape, ScrollAnimation, Selection, TextCursorStyle, WidgetVisuals, Widgets};
use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme,
    ThemePreference, Ui, Visuals, vec2,
};
use egui_material_icons::icons::{
    ICON_ALARM, ICON_BLOCK, ICON_CANCEL, ICON_CHECK_CIRCLE, ICON_PAUSE_CIRCLE, ICON_PERSON_OFF, ICON_PLAY_CIRCLE,
    ICON_REPLAY, ICON_TIMER_OFF,
};
use egui_material_icons::{FONT_FAMILY, MaterialIcon};

use crate::session::ThemeChoice;
use fanlane_core::event::OutcomeClass;

pub use palette::{DARK, LIGHT, Palette};

/// The grid that sizes and distances are multiples of, in points.
pub const UNIT: f32 = 8.0;
/// Half of it, for distances inside a widget.
pub const HALF: f32 = UNIT / 2.0;
/// Distance between the parts of a page.
pub const GAP: f32 = 2.0 * UNIT;
/// Height of a row of a table, of a lane, and of any control.
pub const ROW: f32 = 3.0 * UNIT;
/// Roundness of buttons and cards.
pub const RADIUS: u8 = 4;
/// Width of the lines of plots.
pub const LINE: f32 = 1.5;
/// Width of the ring around the focused widget.
pub const FOCUS: f32 = 2.0;
/// The narrowest window in which nothing is cut off.
pub const MIN_WINDOW: egui::Vec2 = vec2(1024.0, 640.0);

/// Text of the usual size.
pub const BODY_SIZE: f32 = 14.0;
/// Width of a letter of fixed width, as a share of its size.
pub const MONOSPACE_WIDTH: f32 = 0.6;
/// The smallest text: axes and captions.
pub const SMALL_SIZE: f32 = 12.0;
/// Titles of cards and plots.
pub const TITLE_SIZE: f32 = 15.0;
/// Titles of pages.
pub const HEADING_SIZE: f32 = 20.0;
/// Icons beside text.
pub const ICON_SIZE: f32 = 18.0;
/// Icons of empty states.
pub const LARGE_ICON_SIZE: f32 = 48.0;

/// Applies the choice of a theme.
pub fn apply(ctx: &Context, choice: ThemeChoice) {
    ctx.set_theme(match choice {
        ThemeChoice::System => ThemePreference::System,
        ThemeChoice::Light => ThemePreference::Light,
        ThemeChoice::Dark => ThemePreference::Dark,
    });
}

/// Whether parts slide and fade, and the text cursor blinks.
pub fn set_motion(ctx: &Context, moves: bool) {
    let usual = Style::default();
    ctx.all_styles_mut(|style| {
        style.animation_time = if moves { usual.animation_time } else { 0.0 };
        style.scroll_animation = if moves { usual.scroll_animation } else { ScrollAnimation::none() };
        style.visuals.text_cursor.blink = moves;
    });
}

/// Installs fonts, icons and both themes, following the system's choice. Called once before the first frame.
pub fn install(ctx: &Context) {
    egui_material_icons::initialize(ctx);
    ctx.set_style_of(Theme::Dark, style(Theme::Dark));
    ctx.set_style_of(Theme::Light, style(Theme::Light));
    ctx.set_theme(ThemePreference::System);
    // The size is an action of the window, which is remembered.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

/// The colours of the theme in which `ui` is drawn.
pub fn palette(ui: &Ui) -> &'static Palette {
    of(ui.visuals().dark_mode)
}

/// The colours of a theme.
pub const fn of(dark: bool) -> &'static Palette {
    if dark { &DARK } else { &LIGHT }
}

/// The colour for a share, 0 to 1: larger shares are brighter in the dark theme and darker in the light one.
pub fn heat(ui: &Ui, share: f32) -> Color32 {
    heat::color(ui.visuals().dark_mode, share)
}

/// The colour of text on a fill of any colour: the one of black and white that reads better.
pub fn on(fill: Color32) -> Color32 {
    let fill = egui::Rgba::from(fill);
    let luminance = 0.2126 * fill.r() + 0.7152 * fill.g() + 0.0722 * fill.b();
    // Where the contrasts with black and with white are equal.
    if luminance > 0.179 { Color32::BLACK } else { Color32::WHITE }
}

/// Titles of cards and plots.
pub fn title_style() -> TextStyle {
    TextStyle::Name("title".into())
}

/// Numbers in columns or that change in place: all digits have the same width.
pub fn number_style() -> TextStyle {
    TextStyle::Name("number".into())
}

/// As [`number_style`], in the size of captions.
pub fn small_number_style() -> TextStyle {
    TextStyle::Name("small number".into())
}

/// The font of icons in a size.
pub fn icon_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(FONT_FAMILY.into()))
}

/// The icon for an outcome; its shape is distinct without colour.
pub const fn outcome_icon(class: OutcomeClass) -> MaterialIcon {
    match class {
        OutcomeClass::Done => ICON_CHECK_CIRCLE,
        OutcomeClass::Failed => ICON_CANCEL,
        OutcomeClass::TimedOut => ICON_TIMER_OFF,
        OutcomeClass::Cancelled => ICON_BLOCK,
        OutcomeClass::Lost => ICON_PERSON_OFF,
    }
}

/// The icon for a running task.
pub const fn running_icon() -> MaterialIcon {
    ICON_PLAY_CIRCLE
}

/// The icon for a task that a signal has stopped.
pub const fn stopped_icon() -> MaterialIcon {
    ICON_PAUSE_CIRCLE
}

/// The icon for a task that runs much longer than others.
pub const fn overdue_icon() -> MaterialIcon {
    ICON_ALARM
}

/// The icon for an attempt that another followed.
pub const fn retried_icon() -> MaterialIcon {
    ICON_REPLAY
}

/// The word for an outcome, capitalised for a label.
pub const fn outcome_word(class: OutcomeClass) -> &'static str {
    match class {
        OutcomeClass::Done => "Done",
        OutcomeClass::Failed => "Failed",
        OutcomeClass::TimedOut => "Timed out",
        OutcomeClass::Cancelled => "Cancelled",
        OutcomeClass::Lost => "Lost",
    }
}

fn style(theme: Theme) -> Arc<Style> {
    let palette = of(theme == Theme::Dark);
    let mut style = Style { text_styles: text_styles(), visuals: visuals(palette), ..Style::default() };
    style.visuals.dark_mode = theme == Theme::Dark;
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(UNIT, UNIT);
    spacing.button_padding = vec2(UNIT + HALF, HALF);
    spacing.window_margin = Margin::same(GAP as i8);
    spacing.menu_margin = Margin::same(UNIT as i8);
    spacing.interact_size = vec2(5.0 * UNIT, ROW + HALF);
    spacing.icon_width = GAP;
    spacing.icon_width_inner = UNIT;
    spacing.slider_width = 20.0 * UNIT;
    spacing.slider_rail_height = HALF;
    spacing.tooltip_width = 60.0 * UNIT;
    style.interaction.tooltip_delay = 0.3;
    style.interaction.selectable_labels = false;
    style.url_in_tooltip = true;
    Arc::new(style)
}

fn text_styles() -> BTreeMap<TextStyle, FontId> {
    [
        (TextStyle::Small, FontId::proportional(SMALL_SIZE)),
        (TextStyle::Body, FontId::proportional(BODY_SIZE)),
        (TextStyle::Button, FontId::proportional(BODY_SIZE)),
        (TextStyle::Heading, FontId::proportional(HEADING_SIZE)),
        (TextStyle::Monospace, FontId::monospace(BODY_SIZE - 1.0)),
        (title_style(), FontId::proportional(TITLE_SIZE)),
        (number_style(), FontId::monospace(BODY_SIZE - 1.0)),
        (small_number_style(), FontId::monospace(SMALL_SIZE - 1.0)),
    ]
    .into()
}

fn visuals(palette: &Palette) -> Visuals {
    let base = if palette.dark { Visuals::dark() } else { Visuals::light() };
    let line = Stroke::new(1.0, palette.border);
    let shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: palette.shadow };
    Visuals {
        widgets: widgets(palette),
        selection: Selection { bg_fill: palette.selected, stroke: Stroke::new(1.0, palette.text_strong) },
        weak_text_color: Some(palette.text_weak),
        hyperlink_color: palette.accent_text,
        faint_bg_color: palette.stripe,
        extreme_bg_color: palette.sunken,
        code_bg_color: palette.raised,
        warn_fg_color: palette.warning,
        error_fg_color: palette.error,
        window_fill: palette.panel,
        window_stroke: line,
        panel_fill: palette.panel,
        window_corner_radius: CornerRadius::same(2 * RADIUS),
        menu_corner_radius: CornerRadius::same(RADIUS),
        window_shadow: shadow,
        popup_shadow: shadow,
        text_cursor: TextCursorStyle { stroke: Stroke::new(2.0, palette.accent_text), ..base.text_cursor.clone() },
        slider_trailing_fill: true,
        handle_shape: HandleShape::Circle,
        interact_cursor: Some(egui::CursorIcon::PointingHand),
        ..base
    }
}

fn widgets(palette: &Palette) -> Widgets {
    let look = |fill: Color32, edge: Stroke, text: Color32, width: f32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: edge,
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: Stroke::new(width, text),
        expansion: 0.0,
    };
    Widgets {
        noninteractive: look(palette.panel, Stroke::new(1.0, palette.border), palette.text, 1.0),
        inactive: look(palette.raised, Stroke::NONE, palette.text, 1.0),
        hovered: look(palette.hovered, Stroke::new(1.0, palette.edge), palette.text_strong, 1.5),
        // Also for the focused widget.
        active: look(palette.hovered, Stroke::new(FOCUS, palette.accent), palette.text_strong, 1.5),
        open: look(palette.raised, Stroke::new(1.0, palette.edge), palette.text_strong, 1.0),
    }
}

#[cfg(test)]
mod tests;
