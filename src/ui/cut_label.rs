//! A text that is cut where it has no room.

use egui::{Label, WidgetText};

/// The text; the caller gives it a tooltip that has the whole, in place of the one that a cut label has by itself: two would
/// stand one below the other.
pub fn cut_label(text: impl Into<WidgetText>) -> Label {
    Label::new(text).truncate().show_tooltip_when_elided(false)
}
