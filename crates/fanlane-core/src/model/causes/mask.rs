//! Masks in a line what differs from task to task: the inputs of the task, paths, and numbers.
//!
//! A number stays where it is a code: after a word such as `code`, `status` or `errno`, and in names such as `E0308`.

/// What stands in the place of what differs.
pub const MASK: &str = "…";

/// Words after which a number is a code that tells errors apart.
const CODE_WORDS: [&str; 8] = ["errno", "error", "code", "status", "signal", "exit", "http", "rc"];
/// Punctuation around a word.
const AROUND: &[char] =
    &['"', '\'', '`', '(', ')', '[', ']', '{', '}', '<', '>', ',', ';', ':', '.', '!', '?', '|', '='];
/// Maximum number of inputs that are looked for.
const MAX_INPUTS: usize = 16;

/// The line with what belongs to this task alone masked.
pub fn mask(line: &str, inputs: &[impl AsRef<[u8]>]) -> String {
    let mut line = line.to_owned();
    for known in known_words(inputs) {
        line = without_word(&line, &known);
    }
    let mut masked = String::with_capacity(line.len());
    let mut before = String::new();
    for word in line.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let core = bare.trim_matches(AROUND);
        let at = bare.find(core).unwrap_or(0);
        masked += &bare[..at];
        if is_path(core) {
            masked += MASK;
        } else if is_code(&before, core) {
            masked += core;
        } else {
            mask_numbers(core, &mut masked);
        }
        masked += &bare[at + core.len()..];
        if bare.len() < word.len() {
            masked.push(' ');
        }
        before = core.to_lowercase();
    }
    merged(masked.trim_end())
}

/// The inputs, and of those that are paths their names with and without the ending; the longest first.
fn known_words(inputs: &[impl AsRef<[u8]>]) -> Vec<String> {
    let mut words = Vec::new();
    for input in inputs.iter().take(MAX_INPUTS) {
        let input = String::from_utf8_lossy(input.as_ref()).trim().to_owned();
        let name = input.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
        words.extend([name, stem].into_iter().filter(|word| word.len() > 1).map(str::to_owned));
        words.push(input);
    }
    words.retain(|word| !word.is_empty());
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

/// The line with a word masked where it stands alone.
fn without_word(line: &str, word: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let borders = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
        let is_alone =
            borders(before.chars().next_back().or_else(|| masked.chars().next_back())) && borders(after.chars().next());
        masked += before;
        masked += if is_alone { MASK } else { word };
        rest = after;
    }
    masked + rest
}

fn is_path(word: &str) -> bool {
    if word.len() < 2 || !word.contains('/') {
        return false;
    }
    let begins = ["/", "./", "../", "~/"].iter().any(|start| word.starts_with(start));
    begins || word.contains("://") || word.contains('.') || word.contains(MASK) || word.matches('/').count() > 1
}

/// A number after a word that announces a code, or a name such as `E0308` and `ORA-00942`.
fn is_code(before: &str, word: &str) -> bool {
    let is_number = !word.is_empty() && word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return CODE_WORDS
            .iter()
            .any(|known| before.ends_with(known) || (*known == "http" && before.starts_with(known)));
    }
    let name = word.rsplit_once('[').map_or(word, |(_, name)| name);
    let letters = name.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = name[letters..].trim_start_matches('-');
    (1..=5).contains(&letters) && (3..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Masks runs of digits, and a long word of hexadecimal digits as a whole.
fn mask_numbers(word: &str, masked: &mut String) {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let hexadecimal = word.trim_start_matches("0x").bytes().filter(|byte| *byte != b'-');
    if has_digit && word.len() >= 8 && hexadecimal.clone().all(|byte| byte.is_ascii_hexdigit()) {
        masked.push_str(MASK);
        return;
    }
    let mut in_number = false;
    for letter in word.chars() {
        if !letter.is_ascii_digit() {
            masked.push(letter);
        } else if !in_number {
            masked.push_str(MASK);
        }
        in_number = letter.is_ascii_digit();
    }
}

/// Masks with nothing but marks between them are one: a date, a time, a version, a list of numbers.
fn merged(text: &str) -> String {
    const BETWEEN: &[char] = &['-', ':', '.', ',', '/', '_', '+', ' ', 'T', 'x'];
    let mut merged = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MASK) {
        merged += &rest[..at];
        merged += MASK;
        rest = &rest[at + MASK.len()..];
        while let Some(next) =
            rest.find(MASK).filter(|next| rest[..*next].chars().all(|letter| BETWEEN.contains(&letter)))
        {
            rest = &rest[next + MASK.len()..];
        }
    }
    merged + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_task_to_task_is_masked_and_codes_stay() {
        let table: [(&str, &[&str], &str); 17] = [
            ("boom on 7", &["7"], "boom on …"),
            ("boom on red", &["red"], "boom on …"),
            ("covered in red", &["red"], "covered in …"),
            ("error: holiday-7.jpg: premature end", &["7"], "error: holiday-….jpg: premature end"),
            ("a.jpg: not an image", &["photos/a.jpg"], "…: not an image"),
            ("cannot open thumbs/a.png", &["photos/a.jpg"], "cannot open …"),
            ("open /tmp/x9/y: Permission denied", &[], "open …: Permission denied"),
            ("2026-11-29 12:15:01.345 ERROR boom", &[], "… ERROR boom"),
            ("[Errno 2] No such file: 'data/a.csv'", &["a"], "[Errno 2] No such file: '…'"),
            ("got HTTP 503 from https://x.org/7?q=1", &["7"], "got HTTP 503 from …"),
            ("make: *** [all] Error 2", &[], "make: *** [all] Error 2"),
            ("error[E0308]: mismatched types", &[], "error[E0308]: mismatched types"),
            ("object 9f86d081884c7d65 is missing", &[], "object … is missing"),
            ("at 0x7ffd1234 of pid 4711", &[], "at … of pid …"),
            ("I/O error", &[], "I/O error"),
            ("KeyError: 'größe'", &["größe"], "KeyError: '…'"),
            ("", &["x"], ""),
        ];
        for (line, inputs, expected) in table {
            assert_eq!(mask(line, inputs), expected, "{line} of {inputs:?}");
        }
    }
}
