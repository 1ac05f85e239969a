//! One input of the open job: its kind, the fields of that kind, and for linked inputs those that are linked.

use egui::{ComboBox, TextEdit, Ui};
use egui_material_icons::icons::{ICON_ADD, ICON_CLOSE};

use crate::session::{ColumnsDraft, InputDraft, InputKind};

use crate::ui::icon_button::{icon_button, small_icon_button};
use crate::ui::line_edit::line_edit;
use crate::ui::theme;

use super::field::help_ui;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// Its fields were edited.
    Edited,
    /// It is to be removed.
    Removed,
}

/// Draws an input. `number` is its own, such as `2` or, within linked ones, `2.1`; `kinds` are those that it can have.
pub fn input_ui(ui: &mut Ui, input: &mut InputDraft, number: &str, kinds: &[InputKind]) -> Change {
    let mut changed = false;
    let mut removed = false;
    ui.horizontal(|ui| {
        changed |= kind_ui(ui, input, number, kinds);
        changed |= match input.kind {
            InputKind::Range => range_ui(ui, input, number),
            InputKind::Lines => path_ui(ui, input, number, "File", "inputs.txt"),
            InputKind::Glob => path_ui(ui, input, number, "Pattern", "photos/*.jpg"),
            InputKind::Csv => path_ui(ui, input, number, "CSV file", "table.csv"),
            InputKind::Json => path_ui(ui, input, number, "JSON file", "table.json"),
            InputKind::Records => path_ui(ui, input, number, "File", "names.bin"),
            InputKind::List | InputKind::Stdin | InputKind::Linked | InputKind::Kept => false,
        };
        removed = small_icon_button(ui, ICON_CLOSE, &format!("Remove input {number}")).clicked();
    });
    match input.kind {
        InputKind::List => changed |= list_ui(ui, input, number),
        InputKind::Records => changed |= separator_ui(ui, input, number, "\\0"),
        InputKind::Stdin => changed |= separator_ui(ui, input, number, "line end"),
        InputKind::Linked => changed |= members_ui(ui, input, number),
        InputKind::Kept => kept_ui(ui, input, number),
        InputKind::Range | InputKind::Lines | InputKind::Glob | InputKind::Csv | InputKind::Json => {}
    }
    if input.kind.can_have_columns() {
        changed |= columns_ui(ui, &mut input.columns, number);
    }
    match (removed, changed) {
        (true, _) => Change::Removed,
        (false, true) => Change::Edited,
        (false, false) => Change::None,
    }
}

fn kind_ui(ui: &mut Ui, input: &mut InputDraft, number: &str, kinds: &[InputKind]) -> bool {
    let mut changed = false;
    let chooser = ComboBox::from_id_salt("kind").selected_text(input.kind.name()).width(17.0 * theme::UNIT);
    // All of them at once: a list that is scrolled hides its last ones.
    let chooser = chooser.height(80.0 * theme::UNIT).show_ui(ui, |ui| {
        for &kind in kinds {
            let entry = ui.selectable_label(kind == input.kind, kind.name()).on_hover_text(kind.explanation());
            if entry.clicked() && kind != input.kind {
                input.choose(kind);
                changed = true;
            }
        }
    });
    chooser.response.on_hover_text(input.kind.explanation()).accessible_name(format!("Kind of input {number}"));
    changed
}

/// Maximum number of values of a list that are looked at for patterns of files.
const MAX_LOOKED_AT: usize = 100;

/// Number of letters that have room in a field of the usual width.
const SHORT_NUMBER: usize = 5;

fn range_ui(ui: &mut Ui, input: &mut InputDraft, number: &str) -> bool {
    let mut changed = false;
    // Within linked inputs there is less room; the rest of it is for the word between them and the button behind.
    let room = ui.available_width() - 14.0 * theme::UNIT;
    let letters = [&input.from, &input.to].map(|text| text.chars().count());
    // A long number takes room from a short one.
    let are_short = letters.iter().all(|own| *own <= SHORT_NUMBER);
    let [first, last] = letters.map(|own| match are_short {
        true => (room / 2.0).clamp(5.0 * theme::UNIT, 9.0 * theme::UNIT),
        false => {
            let share = (own + 2) as f32 / (letters[0] + letters[1] + 4) as f32;
            (room * share).clamp(5.0 * theme::UNIT, 14.0 * theme::UNIT)
        }
    });
    let mut whole = |ui: &mut Ui, text: &mut String, which: &str, width: f32| {
        let field = line_edit(text).desired_width(width).align(egui::Align2::RIGHT_CENTER);
        let field = ui.add(field).accessible_name(format!("{which} number of input {number}"));
        changed |= field.changed();
    };
    whole(ui, &mut input.from, "First", first);
    ui.label("to");
    whole(ui, &mut input.to, "Last", last);
    changed
}

/// Where it is kept that the field of a new input takes the focus.
fn wanted_focus() -> egui::Id {
    egui::Id::unique("focus of a new input")
}

/// The field of the input that was just added takes the focus when it is drawn.
pub fn focus_when_drawn(ui: &Ui) {
    ui.data_mut(|data| data.insert_temp(wanted_focus(), true));
}

fn take_focus(ui: &Ui, field: &egui::Response) {
    if ui.data_mut(|data| data.remove_temp::<bool>(wanted_focus())).is_some() {
        field.request_focus();
    }
}

fn path_ui(ui: &mut Ui, input: &mut InputDraft, number: &str, what: &str, example: &str) -> bool {
    // Two gaps and the button behind it.
    let width = (ui.available_width() - 7.0 * theme::UNIT).max(80.0);
    let field = line_edit(&mut input.path).hint_text(example.to_owned()).desired_width(width);
    let field = ui.add(field).accessible_name(format!("{what} of input {number}"));
    take_focus(ui, &field);
    field.changed()
}

fn list_ui(ui: &mut Ui, input: &mut InputDraft, number: &str) -> bool {
    let field = TextEdit::multiline(&mut input.values).desired_rows(4).desired_width(f32::INFINITY);
    let field = field.font(egui::TextStyle::Monospace).hint_text("One value a line");
    let mut changed = false;
    egui::ScrollArea::vertical().id_salt("values").max_height(20.0 * theme::UNIT).show(ui, |ui| {
        let field = ui.add(field).accessible_name(format!("Values of input {number}"));
        take_focus(ui, &field);
        changed = field.changed();
    });
    let looks_like_pattern = |value: &str| value.contains('*') && value.contains(['/', '.']);
    if input.values.lines().take(MAX_LOOKED_AT).any(looks_like_pattern) {
        help_ui(ui, "Values of a list are taken as they are; the kind Matching files finds the files of a pattern");
    }
    changed
}

fn separator_ui(ui: &mut Ui, input: &mut InputDraft, number: &str, usual: &str) -> bool {
    ui.horizontal(|ui| {
        ui.label("Each ends with");
        let field = line_edit(&mut input.separator).hint_text(usual.to_owned()).desired_width(17.0 * theme::UNIT);
        let field = ui.add(field).accessible_name(format!("End of each record of input {number}"));
        field
            .on_hover_text("Any text; \\0 is a NUL byte, \\n a line end, \\t a tab, \\xNN a byte by its number")
            .changed()
    })
    .inner
}

/// The box is there for each kind with single values; what it asks for only where it is ticked.
fn columns_ui(ui: &mut Ui, columns: &mut ColumnsDraft, number: &str) -> bool {
    let mut changed = false;
    ui.horizontal_wrapped(|ui| {
        let wanted = ui.checkbox(&mut columns.wanted, "Columns").accessible_name(format!("Columns of input {number}"));
        changed |= wanted.on_hover_text("Cut each value into columns: {1} {2} or, with names, {name}").changed();
        if !columns.wanted {
            return;
        }
        ui.label("between them");
        let field = line_edit(&mut columns.separator).hint_text("none").desired_width(12.0 * theme::UNIT);
        let field = ui.add(field.font(egui::TextStyle::Monospace));
        let field = field.accessible_name(format!("Separator of the columns of input {number}"));
        changed |= field.on_hover_text("A regular expression such as , or \\t or \\s+").changed();
        let header = ui.checkbox(&mut columns.header, "First has names");
        let header = header.accessible_name(format!("The first value of input {number} names the columns"));
        changed |= header.on_hover_text("The first value holds the columns' names and is no task").changed();
        let trim = ui.checkbox(&mut columns.trim, "Trim");
        let trim = trim.accessible_name(format!("Trim the columns of input {number}"));
        changed |= trim.on_hover_text("Leave out blanks at both ends of each column").changed();
    });
    changed
}

/// The inputs that are linked, behind a line at their left.
fn members_ui(ui: &mut Ui, input: &mut InputDraft, number: &str) -> bool {
    let mut changed = false;
    ui.indent("linked", |ui| {
        help_ui(ui, "Walked side by side, up to the end of the shortest");
        let mut removed = None;
        let kinds: Vec<InputKind> = InputKind::CHOICES.into_iter().filter(|kind| *kind != InputKind::Linked).collect();
        for (place, member) in input.members.iter_mut().enumerate() {
            let number = format!("{number}.{}", place + 1);
            match ui.push_id(place, |ui| input_ui(ui, member, &number, &kinds)).inner {
                Change::None => {}
                Change::Edited => changed = true,
                Change::Removed => removed = Some(place),
            }
        }
        if let Some(place) = removed {
            input.members.remove(place);
            changed = true;
        }
        if icon_button(ui, ICON_ADD, &format!("Add to input {number}"), true).clicked() {
            input.members.push(InputDraft::range(1, 10));
            changed = true;
        }
    });
    changed
}

/// An input without fields of its own, as the job file has it: it can be read and copied, not edited.
fn kept_ui(ui: &mut Ui, input: &InputDraft, number: &str) {
    let mut text = input.kept_text.as_str();
    let field = TextEdit::multiline(&mut text).desired_rows(1).desired_width(f32::INFINITY);
    let field = ui.add(field.font(egui::TextStyle::Monospace));
    field
        .on_hover_text("An input that can only be edited in the job file; it is kept as it is")
        .accessible_name(format!("Input {number} as in the job file"));
}
