//! The screen of a terminal while a view has it: entered, drawn on, given back. It is given back also by a panic and by a signal
//! that ends the program.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use anyhow::{Context, Result};
use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier};

use fanlane_os::interrupts;
use fanlane_os::terminal::{self, RawMode};

/// The alternate screen, without a cursor and without line wrap.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/// The plain style, then an empty screen.
const CLEAR: &str = "\x1b[0m\x1b[2J";

/// What is given back; `None` where nothing was entered.
static ENTERED: Mutex<Option<Entered>> = Mutex::new(None);

struct Entered {
    screen: File,
    _raw: RawMode,
}

/// Gives the terminal back, if a view has it.
fn restore() {
    let entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut entered) = entered {
        // A terminal that has hung up has nothing to be given back.
        let _ = entered.screen.write_all(LEAVE.as_bytes());
    }
}

/// The screen of a terminal. Dropping it gives the terminal back.
pub struct Screen {
    file: File,
    /// What is on the screen; `None` if that is unknown.
    drawn: Option<Buffer>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is no screen that can be drawn on, or no keyboard.
    pub fn enter() -> Result<Self> {
        let file = terminal::screen().context("standard error is no terminal")?;
        let mut screen = Self { file, drawn: None };
        screen.resume()?;
        Ok(screen)
    }

    /// Gives the terminal back for a while.
    pub fn suspend(&mut self) {
        restore();
    }

    /// Takes the terminal again.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn resume(&mut self) -> Result<()> {
        static RESTORE_AT_LAST: Once = Once::new();
        RESTORE_AT_LAST.call_once(|| {
            interrupts::before_exit(restore);
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |fault| {
                restore();
                before(fault);
            }));
        });
        // A second entry would take the modes of the first for those of before.
        restore();
        let keyboard = terminal::keyboard().context("there is no keyboard")?;
        let screen = self.file.try_clone().context("the terminal cannot be used")?;
        let raw = RawMode::enter(keyboard).context("the modes of the terminal cannot be changed")?;
        *ENTERED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Entered { screen, _raw: raw });
        self.drawn = None;
        self.file.write_all(ENTER.as_bytes()).context("the terminal cannot be written")
    }

    /// Where there is room.
    ///
    /// # Errors
    /// When the terminal has hung up.
    pub fn area(&self) -> io::Result<Rect> {
        terminal::size(&self.file).map(|(columns, rows)| Rect::new(0, 0, columns, rows))
    }

    /// The next drawing draws everything.
    pub fn forget(&mut self) {
        self.drawn = None;
    }

    /// Draws what differs from what is on the screen.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw(&mut self, next: Buffer) -> io::Result<()> {
        let mut text = String::new();
        let empty;
        let drawn = match &self.drawn {
            Some(drawn) if drawn.area == next.area => drawn,
            _ => {
                text += CLEAR;
                empty = Buffer::empty(next.area);
                &empty
            }
        };
        append_changes(drawn, &next, &mut text);
        self.file.write_all(text.as_bytes())?;
        self.drawn = Some(next);
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Appends what a terminal has to be sent to show `next` in place of `drawn`.
fn append_changes(drawn: &Buffer, next: &Buffer, text: &mut String) {
    let mut expected = None;
    let mut style = (Color::Reset, Modifier::empty());
    for (x, y, cell) in drawn.diff_iter(next) {
        if expected != Some((x, y)) {
            let _ = write!(text, "\x1b[{};{}H", y + 1, x + 1);
        }
        if style != (cell.fg, cell.modifier) {
            style = (cell.fg, cell.modifier);
            append_style(cell, text);
        }
        text.push_str(cell.symbol());
        // Terminals differ in the widths of other characters.
        expected = cell.symbol().is_ascii().then_some((x + 1, y));
    }
    if style != (Color::Reset, Modifier::empty()) {
        text.push_str("\x1b[0m");
    }
}

fn append_style(cell: &Cell, text: &mut String) {
    text.push_str("\x1b[0");
    for (modifier, code) in [(Modifier::BOLD, 1), (Modifier::DIM, 2), (Modifier::REVERSED, 7)] {
        if cell.modifier.contains(modifier) {
            let _ = write!(text, ";{code}");
        }
    }
    let color = match cell.fg {
        Color::Red => Some(31),
        Color::Green => Some(32),
        Color::Magenta => Some(35),
        _ => None,
    };
    if let Some(color) = color {
        let _ = write!(text, ";{color}");
    }
    text.push('m');
}

#[cfg(test)]
mod tests {
    use ratatui_core::style::Style;

    use super::*;

    fn changes(drawn: &[&str], next: &Buffer) -> String {
        let mut text = String::new();
        append_changes(&Buffer::with_lines(drawn.iter().copied()), next, &mut text);
        text
    }

    #[test]
    fn only_what_differs_is_sent() {
        let next = Buffer::with_lines(["abcd", "efgh"]);
        assert_eq!(changes(&["abcd", "efgh"], &next), "");
        assert_eq!(changes(&["abXd", "XXgh"], &next), "\x1b[1;3Hc\x1b[2;1Hef");
    }

    #[test]
    fn a_style_is_set_once_and_ends() {
        let mut next = Buffer::with_lines(["abc"]);
        next.set_style(Rect::new(0, 0, 2, 1), Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        assert_eq!(changes(&["   "], &next), "\x1b[1;1H\x1b[0;1;31mab\x1b[0mc");
    }

    #[test]
    fn the_place_behind_a_wide_character_is_said_and_not_assumed() {
        let next = Buffer::with_lines(["界ab"]);
        assert_eq!(changes(&["    "], &next), "\x1b[1;1H界\x1b[1;3Hab");
    }
}
