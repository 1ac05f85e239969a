//! Tasks of as many rows as fit into a command.

use fanlane_os::argument_limit::{MAX_WORD_BYTES, argument_room};

use super::BatchError;
use super::filled::FilledJob;
use super::layout::Layout;
use crate::job::template::{CommandLine, TaskPlace};

/// Room for what a worker adds to the environment of a task.
const ENVIRONMENT_ROOM: u64 = 32 << 10;

/// Cuts the rows into tasks, where the job asks for as many rows as fit.
pub(super) fn cut(filled: &FilledJob<'_>, layout: &mut Layout) -> Result<(), BatchError> {
    let job = &*filled.job;
    let (Some(max_chars), Some(template)) = (job.max_chars, &filled.template) else { return Ok(()) };
    let command = template.bind(&layout.columns()?)?;
    let limit = Limit::of(max_chars, job.shell.is_used());
    let mut max_rows = job.max_args.map_or(u64::MAX, |rows| u64::from(rows.max(1)));
    let mut spread = job.spread.map(u64::from);
    let rows = layout.rows_to_cut();
    let (mut cuts, mut first, mut guess) = (Vec::new(), 0, 1);
    let mut line = Vec::new();
    while first < rows {
        let number = cuts.len() as u64 + 1;
        let mut fault = |count| limit.fault(&command, number, layout, first, count, &mut line);
        if let Some(Excess { bytes, limit, is_of_system }) = fault(1) {
            return Err(BatchError::RowTooLong { row: first + 1, bytes, limit, is_of_system });
        }
        let mut count = most(guess, max_rows.min(rows - first), |count| fault(count).is_none());
        if first + count == rows
            && count > 1
            && let Some(tasks) = spread.take()
        {
            max_rows = count.div_ceil(tasks);
            count = max_rows;
        }
        cuts.push(first);
        (first, guess) = (first + count, count);
    }
    assert!(layout.cut(cuts), "each cut is behind the one before");
    Ok(())
}

/// The largest number up to `max` that fits; 1 does, and with a number each smaller one. `guess` is tried first.
fn most(guess: u64, max: u64, mut fits: impl FnMut(u64) -> bool) -> u64 {
    let (mut low, mut high) = (1, max + 1);
    let mut step = guess.clamp(1, max);
    // A command of many more rows than fit would be long to write, so numbers are doubled up to there.
    while low < max {
        if step == low || fits(step) {
            low = step;
            step = step.saturating_mul(2).min(max);
        } else {
            high = step;
            break;
        }
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// How long a command may be.
struct Limit {
    /// The end of each word counts as a byte.
    bytes: u64,
    /// The system allows no more.
    is_of_system: bool,
    /// A shell is given the whole command as one word.
    is_one_word: bool,
    /// What the system allows for words and what points to them.
    room: u64,
}

impl Limit {
    fn of(max_chars: u64, is_one_word: bool) -> Self {
        let room = argument_room().saturating_sub(ENVIRONMENT_ROOM);
        let most = if is_one_word { room.min(MAX_WORD_BYTES) } else { room };
        Self { bytes: max_chars.min(most), is_of_system: max_chars > most, is_one_word, room }
    }

    /// What is too long in a command of these rows.
    fn fault(
        &self,
        command: &CommandLine,
        number: u64,
        layout: &Layout,
        first: u64,
        count: u64,
        line: &mut Vec<u8>,
    ) -> Option<Excess> {
        line.clear();
        command.expand_into(
            TaskPlace { number, slot: 1, total: layout.rows_to_cut() },
            &layout.rows_from(first, count),
            line,
        );
        let bytes = line.len() as u64 + 1;
        if bytes > self.bytes {
            return Some(Excess { bytes, limit: self.bytes, is_of_system: self.is_of_system });
        }
        let (mut words, mut longest) = (0, 0);
        if self.is_one_word {
            (words, longest) = (1, bytes);
        } else {
            for word in line.split(|byte| *byte == 0) {
                (words, longest) = (words + 1, longest.max(word.len() as u64 + 1));
            }
        }
        let with_pointers = bytes + words * size_of::<usize>() as u64;
        let of_system = |bytes, limit| (bytes > limit).then_some(Excess { bytes, limit, is_of_system: true });
        of_system(longest, MAX_WORD_BYTES).or_else(|| of_system(with_pointers, self.room))
    }
}

/// What is too long.
struct Excess {
    bytes: u64,
    limit: u64,
    is_of_system: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_that_fits_is_found_from_any_guess() {
        for (limit, max) in [(1, 1), (1, 50), (2, 50), (7, 50), (49, 50), (50, 50), (90, 50), (3, u64::MAX - 1)] {
            for guess in [1, 2, 6, 7, 8, 40, 200] {
                let mut largest_tried = 0;
                let found = most(guess, max, |count| {
                    largest_tried = largest_tried.max(count);
                    count <= limit
                });
                assert_eq!(found, limit.min(max), "{limit} of {max} from {guess}");
                assert!(largest_tried <= (2 * limit).max(guess), "{largest_tried}: {limit} of {max} from {guess}");
            }
        }
    }
}
