//! Words that are written once for each value: what stands around a replacement string is repeated with it.

use super::Reader;
use super::expand::{CommandLine, Step};

/// Marks the words of a bound line that hold all values and more than these, so that they are written once for each value.
pub(super) fn repeat_words(line: &mut CommandLine, reader: Reader) {
    let ends_word = |byte: &u8| match reader {
        Reader::Program => *byte == b'\0',
        Reader::Shell(_) | Reader::Text => matches!(byte, b' ' | b'\t' | b'\n'),
    };
    let steps = std::mem::take(&mut line.steps);
    let mut word = Vec::new();
    for step in steps {
        let Step::Text { mut start, end } = step else {
            if let Step::Words { .. } = step {
                // It makes the ends of its words itself.
                end_word(&mut word, &mut line.steps);
                line.steps.push(step);
            } else {
                word.push(step);
            }
            continue;
        };
        while let Some(length) = line.text[start..end].iter().position(ends_word) {
            let at = start + length;
            if start < at {
                word.push(Step::Text { start, end: at });
            }
            end_word(&mut word, &mut line.steps);
            line.steps.push(Step::Text { start: at, end: at + 1 });
            start = at + 1;
        }
        if start < end {
            word.push(Step::Text { start, end });
        }
    }
    end_word(&mut word, &mut line.steps);
    line.between = if reader == Reader::Program { b'\0' } else { b' ' };
}

fn end_word(word: &mut Vec<Step>, steps: &mut Vec<Step>) {
    if word.len() > 1 && word.iter().any(|step| matches!(step, Step::All(_))) {
        steps.push(Step::ForEachValue { steps: word.len() });
    }
    steps.append(word);
}
