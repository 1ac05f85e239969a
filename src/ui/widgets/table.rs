//! The common parts of tables: columns, cells, and the numbers that open details.

use egui::accesskit::Role;
use egui::{Align, Button, Label, Layout, RichText, Ui, vec2};
use egui_extras::{Column, TableBody, TableBuilder};

use crate::ui::theme;
use fanlane_core::model::format;

/// Height of a row, in points.
pub const ROW_HEIGHT: f32 = theme::ROW + theme::HALF;

/// Width of the scroll bar beside the last column, in points.
const SCROLL_BAR_WIDTH: f32 = 12.0;

/// Minimum width of the column that takes the remaining width, in points.
const MIN_REMAINDER_WIDTH: f32 = 96.0;

/// A table with columns of these widths in grid units; 0: the remaining width.
pub fn table<'a>(ui: &'a mut Ui, name: &'static str, units: impl IntoIterator<Item = f32>) -> TableBuilder<'a> {
    ui.spacing_mut().item_spacing = vec2(theme::UNIT, 0.0);
    let layout = Layout::left_to_right(Align::Center);
    let table = TableBuilder::new(ui)
        .id_salt(name)
        .striped(true)
        .auto_shrink(false)
        // Not over what stands below it.
        .min_scrolled_height(0.0)
        .cell_layout(layout);
    units.into_iter().fold(table, |table, units| {
        table.column(match units {
            0.0 => Column::remainder().at_least(MIN_REMAINDER_WIDTH).clip(true),
            units => Column::exact(units * theme::UNIT).clip(true),
        })
    })
}

/// Tells accessibility tools that the cells of a body are a table, and how large it is.
pub fn describe_table(body: &mut TableBody<'_>, name: &str, rows: usize, columns: usize) {
    let ui = body.ui_mut();
    ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
        node.set_role(Role::Table);
        node.set_label(name);
        node.set_row_count(rows);
        node.set_column_count(columns);
        // AT-SPI gets the counts in words.
        let [rows, columns] =
            [(rows, "row"), (columns, "column")].map(|(count, word)| format::plural(count as u64, word));
        node.set_value(format!("{rows}, {columns}"));
    });
}

/// The contents of a cell, on its left or right side; the last cell of a row keeps clear of the scroll bar.
pub fn cell_ui(ui: &mut Ui, right: bool, is_last: bool, contents: impl FnOnce(&mut Ui)) {
    let layout = if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    ui.with_layout(layout, |ui| {
        if is_last {
            ui.add_space(SCROLL_BAR_WIDTH);
        }
        contents(ui);
    });
}

/// The title of a column.
pub fn title_cell_ui(ui: &mut Ui, title: &str, right: bool, is_last: bool) {
    let words = RichText::new(title).color(theme::palette(ui).text_weak);
    cell_ui(ui, right, is_last, |ui| drop(ui.label(words)));
}

/// A number or a quantity.
pub fn number_cell_ui(ui: &mut Ui, text: &str, is_last: bool) {
    let text = RichText::new(text).text_style(theme::number_style());
    cell_ui(ui, true, is_last, |ui| drop(ui.add(Label::new(text).truncate())));
}

/// The number of a row, which is a button so that the keyboard can open the details; true when it was clicked. `words` is read
/// out with it: what the row is about.
pub fn row_number_ui(ui: &mut Ui, text: String, name: String, words: impl FnOnce() -> String) -> bool {
    let number = RichText::new(text).text_style(theme::number_style());
    let mut clicked = false;
    cell_ui(ui, true, false, |ui| {
        ui.spacing_mut().button_padding = vec2(theme::HALF, 0.0);
        ui.spacing_mut().interact_size.y = 0.0;
        let button = ui.add(Button::new(number).frame_when_inactive(false)).accessible_name(name);
        ui.ctx().accesskit_node_builder(button.id, |node| node.set_value(words()));
        clicked = button.clicked();
    });
    clicked
}
