//! The transfer of results: their size, and their time from the worker.

use egui::{Align, Layout, RichText, Role, Ui, WidgetInfo, vec2};

use crate::ui::theme;
use fanlane_core::model::{Objects, ResultTransfers, Transports, format};

/// Draws the figures in one row, and below it what would make it faster, if that was measured.
pub fn copy_meter_ui(ui: &mut Ui, result_transfers: &ResultTransfers, transports: &Transports, objects: &Objects) {
    let palette = theme::palette(ui);
    let (words, mut hint) = words(result_transfers);
    if let Some(measured) = transports.measured() {
        hint += &format!(" Compared during the run: {measured}.");
    }
    let size = vec2(ui.available_width(), theme::ROW);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.label(RichText::new("Transfer of results").text_style(theme::title_style()).color(palette.text_strong));
        ui.add_space(theme::UNIT);
        let label = ui.add(egui::Label::new(RichText::new(&words).color(palette.text)).truncate());
        label.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Transfer of results: {words}")));
        label.on_hover_text(hint);
    });
    let transport = transports.advice().map(|advice| format!("{advice}. Choose it on the page Job, under Options."));
    for words in transport.into_iter().chain(objects.ways().map(|ways| format!("{}.", ways.advice()))) {
        ui.add(egui::Label::new(RichText::new(words).color(palette.text_strong)).wrap());
    }
}

fn words(result_transfers: &ResultTransfers) -> (String, String) {
    let (Some(bytes), Some(way_ns)) = (result_transfers.mean_bytes(), result_transfers.mean_way_ns()) else {
        return ("none yet".to_owned(), "Size of the results, and their time from the worker.".to_owned());
    };
    if result_transfers.bytes == 0 {
        let hint = format!("Results without a value or output: {}.", format::count(result_transfers.results));
        return ("nothing to transfer".to_owned(), hint);
    }
    let words = format!(
        "{} in total \u{00b7} {} and {} each",
        format::bytes(result_transfers.bytes),
        format::bytes(bytes),
        format::duration(way_ns)
    );
    let hint = format!(
        "{} results. Largest: {}. Longest time: {}. Times are from the end of a task to the arrival of its result; results \
         of quick calls are gathered for a quarter of a millisecond.",
        format::count(result_transfers.results),
        format::bytes(result_transfers.largest_bytes),
        format::duration(result_transfers.longest_way_ns)
    );
    (words, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_says_size_and_time_of_a_result() {
        assert_eq!(words(&ResultTransfers::default()).0, "none yet");
        let empty = ResultTransfers { results: 40, ..ResultTransfers::default() };
        assert_eq!(words(&empty), ("nothing to transfer".into(), "Results without a value or output: 40.".into()));
        let result_transfers = ResultTransfers {
            results: 2,
            bytes: 3000,
            largest_bytes: 2000,
            way_ns: 3_000_000,
            longest_way_ns: 2_000_000,
        };
        let (words, hint) = words(&result_transfers);
        assert!(words.contains("each") && hint.starts_with("2 results."), "{words} / {hint}");
    }
}
