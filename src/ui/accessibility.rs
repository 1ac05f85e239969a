//! Completes the accessibility tree before the desktop reads it. AT-SPI has a place for values that are numbers and for the text
//! of labels and text fields; a plot's value in words, or that of a list of choices, is read as a description.
//!
//! Names and values of the window's parts are given where these are drawn.

use egui::accesskit::{Node, Role};
use egui::{Context, FullOutput};

/// Completes each tree. It costs nothing while no client of the desktop asks for one.
pub struct CompleteTree;

impl egui::Plugin for CompleteTree {
    fn debug_name(&self) -> &'static str {
        "complete accessibility tree"
    }

    fn output_hook(&mut self, _ctx: &Context, output: &mut FullOutput) {
        if let Some(update) = &mut output.platform_output.accesskit_update {
            update.nodes.iter_mut().for_each(|(_, node)| complete(node));
        }
    }
}

fn complete(node: &mut Node) {
    match node.role() {
        Role::Label => complete_label(node),
        Role::ScrollBar if node.label().is_none() => node.set_label("Scroll bar"),
        // Their values are read as they are.
        Role::TextRun | Role::TextInput | Role::MultilineTextInput | Role::SpinButton | Role::Slider => {}
        _ => {
            let value = node.value().map(str::to_owned);
            let hint = node.description().filter(|hint| Some(*hint) != node.label()).map(str::to_owned);
            match value.into_iter().chain(hint).filter(|words| !words.is_empty()).reduce(|value, hint| {
                let stop = if value.ends_with(['.', '?', '!']) { " " } else { ". " };
                value + stop + &hint
            }) {
                Some(words) => node.set_description(words),
                None => node.clear_description(),
            }
        }
    }
}

/// The name of a label is its value: that which was given in place of the drawn text, or the drawn text without its icons.
fn complete_label(node: &mut Node) {
    let words = node.label().or_else(|| node.value()).unwrap_or_default();
    let words: String = words.chars().filter(|letter| !is_icon(*letter)).collect();
    let words = words.trim();
    if words.is_empty() {
        return node.set_hidden();
    }
    // A text that is cut has its whole as a hint.
    if node.description().is_some_and(|hint| hint == words || Some(hint) == node.value()) {
        node.clear_description();
    }
    node.set_value(words);
}

/// A letter of the icon font: it says nothing when it is read out.
const fn is_icon(letter: char) -> bool {
    matches!(letter, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(role: Role, label: &str, value: &str, description: &str) -> Node {
        let mut node = Node::new(role);
        for (words, set) in [
            (label, Node::set_label as fn(&mut Node, String)),
            (value, Node::set_value),
            (description, Node::set_description),
        ] {
            if !words.is_empty() {
                set(&mut node, words.to_owned());
            }
        }
        complete(&mut node);
        node
    }

    #[test]
    fn values_in_words_are_read_as_descriptions_before_the_hint() {
        for (role, label, value, hint, read) in [
            (Role::Image, "Queue", "3 queued", "", Some("3 queued")),
            (Role::Image, "Queue", "3 queued", "The whole run", Some("3 queued. The whole run")),
            (Role::Image, "Queue", "3 queued.", "The whole run", Some("3 queued. The whole run")),
            (Role::ComboBox, "Kind", "Range", "Whole numbers", Some("Range. Whole numbers")),
            (Role::Button, "Waiting tasks", "", "Waiting tasks", None),
            (Role::Button, "Run", "", "Run the open job", Some("Run the open job")),
            (Role::TextInput, "Name", "Own job", "", None),
        ] {
            assert_eq!(completed(role, label, value, hint).description(), read, "{label}: {value}, {hint}");
        }
    }

    #[test]
    fn labels_are_read_by_their_given_names_and_without_icons() {
        for (label, value, read) in [
            ("", "Results", Some("Results")),
            ("", "\u{e86c} Done 7", Some("Done 7")),
            ("Job file", "\u{e873}", Some("Job file")),
            ("3 failed", "\u{e5c9} 3", Some("3 failed")),
            ("", "\u{e873}", None),
            ("", "", None),
        ] {
            let node = completed(Role::Label, label, value, "");
            let shown = node.value().filter(|_| !node.is_hidden());
            assert_eq!(shown, read, "{label:?} {value:?}");
        }
    }

    #[test]
    fn a_scroll_bar_has_a_name() {
        assert_eq!(completed(Role::ScrollBar, "", "", "").label(), Some("Scroll bar"));
    }
}
