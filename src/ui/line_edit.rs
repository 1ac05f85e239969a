//! A field for one line of text, as high as the buttons beside it.

use egui::{Align2, TextBuffer, TextEdit, vec2};

use super::theme;

/// The field; the caller sets its width, hint and name.
pub fn line_edit(text: &mut dyn TextBuffer) -> TextEdit<'_> {
    TextEdit::singleline(text).min_size(vec2(0.0, theme::ROW + theme::HALF)).align(Align2::LEFT_CENTER)
}
