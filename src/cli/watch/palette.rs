//! The styles of the view. Of the terminal's own sixteen colours it takes those that can be read on dark and on light grounds;
//! what they say is said by a sign and a word as well.

use ratatui_core::style::{Color, Modifier, Style};

use fanlane_core::event::OutcomeClass;

/// The sign of a running task.
pub const RUNNING: &str = "▶";
/// Of a run that is paused and of a task that a signal has stopped.
pub const PAUSED: &str = "‖";

/// Styles with or without colours.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    has_colors: bool,
}

impl Palette {
    /// With colours or without.
    pub const fn new(has_colors: bool) -> Self {
        Self { has_colors }
    }

    /// As the environment asks for it: without colours where `NO_COLOR` is set.
    pub fn of_environment() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// Text that matters less.
    pub const fn weak(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Text that matters.
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The selected row.
    pub const fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What waits, or asks for an answer.
    pub fn notable(self) -> Style {
        self.colored(Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// A task that ended so.
    pub fn outcome(self, class: OutcomeClass) -> Style {
        match class {
            OutcomeClass::Done => self.colored(Color::Green),
            OutcomeClass::Cancelled => self.weak(),
            OutcomeClass::TimedOut | OutcomeClass::Failed | OutcomeClass::Lost => self.colored(Color::Red),
        }
    }

    fn colored(self, color: Color) -> Style {
        if self.has_colors { Style::new().fg(color) } else { Style::new() }
    }
}

/// The sign of an outcome.
pub const fn sign(class: OutcomeClass) -> &'static str {
    match class {
        OutcomeClass::Done => "✓",
        OutcomeClass::Cancelled => "⊘",
        OutcomeClass::TimedOut => "◷",
        OutcomeClass::Failed => "✗",
        OutcomeClass::Lost => "†",
    }
}
