//! The stack of an interpreter as `faulthandler` writes it, in the form of a traceback: the line under way last, with the lines of
//! the source.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The file that frames of the program in the interpreter come from.
const OWN_FILE: &str = "<fanlane>";
/// Maximum size of a source file of which lines are shown, in bytes.
const MAX_SOURCE_BYTES: u64 = 4 << 20;

/// A thread of an interpreter.
#[derive(Debug, Default, PartialEq, Eq)]
struct Thread {
    /// It has got the signal.
    is_asked: bool,
    /// Its frames, the innermost first.
    frames: Vec<Frame>,
}

#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Line {
        file: String,
        line: usize,
        function: String,
    },
    /// Something else that is said in place of a frame.
    Other(String),
}

/// The stack of the thread that was asked for it, and those of the other threads, as lines to show. Empty where `text` has none.
pub fn shown(text: &str) -> Vec<String> {
    let (asked, others): (Vec<Thread>, Vec<Thread>) = threads(text).into_iter().partition(|thread| thread.is_asked);
    let mut sources = Sources::default();
    let mut lines = Vec::new();
    for thread in asked {
        lines.push("Python stack of the call, the line under way last:".to_owned());
        match thread.frames.is_empty() {
            true => lines.push("  between two calls".to_owned()),
            false => lines.extend(thread.lines(&mut sources)),
        }
    }
    for thread in others.iter().filter(|thread| !thread.frames.is_empty()) {
        lines.push("Another thread of the interpreter:".to_owned());
        lines.extend(thread.lines(&mut sources));
    }
    lines
}

/// The threads with the user's frames.
fn threads(text: &str) -> Vec<Thread> {
    let mut threads: Vec<Thread> = Vec::new();
    for line in text.lines() {
        let is_asked = line.starts_with("Current thread ");
        if is_asked || line.starts_with("Thread ") || line.starts_with("Stack (") {
            // An interpreter with one thread says no more than this.
            let is_asked = is_asked || line.starts_with("Stack (");
            threads.push(Thread { is_asked, frames: Vec::new() });
        } else if let Some(thread) = threads.last_mut() {
            thread.frames.extend(frame_of(line));
        }
    }
    for thread in &mut threads {
        // What is outside of the program in the interpreter started it; and what waits for a message is at no code of the user.
        let own = thread.frames.iter().enumerate().find_map(|(place, frame)| Some((place, frame.own_function()?)));
        if let Some((place, function)) = own {
            thread.frames.truncate(if function.starts_with("receive") { 0 } else { place });
        }
        thread
            .frames
            .retain(|frame| !matches!(frame, Frame::Line { file, .. } if file.starts_with("<frozen importlib")));
    }
    threads
}

impl Frame {
    /// The name of a function of the program in the interpreter.
    fn own_function(&self) -> Option<&str> {
        match self {
            Self::Line { file, function, .. } if file == OWN_FILE => Some(function),
            Self::Line { .. } | Self::Other(_) => None,
        }
    }
}

/// The frame of a line such as `  File "model.py", line 3 in cube`.
fn frame_of(line: &str) -> Option<Frame> {
    let line = line.strip_prefix("  ")?;
    let read = || {
        let (file, rest) = line.strip_prefix("File \"")?.rsplit_once("\", line ")?;
        let (number, function) = rest.split_once(" in ")?;
        Some(Frame::Line { file: unescaped(file), line: number.parse().ok()?, function: unescaped(function) })
    };
    read().or_else(|| Some(Frame::Other(line.to_owned())))
}

/// A text in which other characters than those of ASCII are written as `\xe9`, `\u20ac` or `\U0001f600`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        out.push_str(&rest[..place]);
        let escape = &rest[place..];
        let digits = match escape.as_bytes().get(1) {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => 0,
        };
        let code = escape.get(2..2 + digits).filter(|digits| !digits.is_empty());
        let character = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        out.push(character.unwrap_or('\\'));
        rest = &escape[if character.is_some() { 2 + digits } else { 1 }..];
    }
    out + rest
}

/// Source files whose lines are shown.
#[derive(Default)]
struct Sources(HashMap<String, Vec<String>>);

impl Sources {
    /// A line of a file, from 1, without the space around it.
    fn line(&mut self, file: &str, number: usize) -> Option<&str> {
        let lines = self.0.entry(file.to_owned()).or_insert_with(|| lines_of(Path::new(file)));
        lines.get(number.checked_sub(1)?).map(|line| line.trim()).filter(|line| !line.is_empty())
    }
}

fn lines_of(file: &Path) -> Vec<String> {
    let is_fitting = fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() <= MAX_SOURCE_BYTES);
    let source = if is_fitting { fs::read(file).unwrap_or_default() } else { Vec::new() };
    String::from_utf8_lossy(&source).lines().map(str::to_owned).collect()
}

impl Thread {
    fn lines(&self, sources: &mut Sources) -> Vec<String> {
        let mut lines = Vec::new();
        for frame in self.frames.iter().rev() {
            match frame {
                Frame::Line { file, line, function } => {
                    lines.push(format!("  File \"{file}\", line {line}, in {function}"));
                    lines.extend(sources.line(file, *line).map(|source| format!("    {source}")));
                }
                Frame::Other(text) => lines.push(format!("  {text}")),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_shown_as_a_traceback_without_frames_of_fanlane() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "def cube(n):\n    return n ** 3\n").expect("written");
        let path = file.path().display();
        let text = format!(
            "Thread 0x00007f1 (most recent call first):\n  File \"/gone/b.py\", line 7 in wait\n  File \"<fanlane>\", line 9 in do\n\
             \n\
             Thread 0x00007f2 (most recent call first):\n  File \"/lib/socket.py\", line 3 in recv_fds\n  File \"<fanlane>\", line 9 in receive_lane\n\
             \n\
             Current thread 0x00007f0 (most recent call first):\n  File \"{path}\", line 2 in cube\n  \
             File \"/gone/caf\\xe9.py\", line 5 in outer\n  File \"<fanlane>\", line 300 in do\n  File \"<string>\", line 6 in <module>\n"
        );
        let expected = [
            "Python stack of the call, the line under way last:".to_owned(),
            "  File \"/gone/café.py\", line 5, in outer".to_owned(),
            format!("  File \"{path}\", line 2, in cube"),
            "    return n ** 3".to_owned(),
            "Another thread of the interpreter:".to_owned(),
            "  File \"/gone/b.py\", line 7, in wait".to_owned(),
        ];
        assert_eq!(shown(&text), expected);
        let single = "Stack (most recent call first):\n  <no Python frame>\n";
        assert_eq!(shown(single), ["Python stack of the call, the line under way last:", "  <no Python frame>"]);
        assert!(shown("").is_empty());
        assert_eq!(unescaped("a\\u20ac\\U0001f600\\q\\"), "a€😀\\q\\");
    }
}
