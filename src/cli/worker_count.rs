//! `-j`: the size of the pool, in the forms of GNU parallel, as a word.

use fanlane_core::job::MAX_WORKERS;

pub use fanlane_core::job::WorkerCount;

/// Parses the value of `-j`.
///
/// # Errors
/// The message says which forms there are.
pub fn parse(text: &str) -> Result<WorkerCount, String> {
    // As in GNU parallel, what is none of the forms may be a file that holds one.
    let in_file = || read(std::fs::read_to_string(text).ok()?.lines().next()?.trim());
    read(text).or_else(in_file).ok_or_else(|| {
        format!(
            "expected 1 to {MAX_WORKERS}, +N or -N (cores plus or minus N), N% of the cores, or 0 for one worker per task; or a file whose first line is one of these"
        )
    })
}

fn read(text: &str) -> Option<WorkerCount> {
    // Numbers also parse with several signs or an exponent; only one leading sign is allowed here.
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text).trim_end_matches('%');
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.parse().ok()?;
        return (percent > 0.0).then_some(WorkerCount::PercentOfCores(percent));
    }
    if let Some(more) = text.strip_prefix('+') {
        return Some(WorkerCount::CoresPlus(i64::from(more.parse::<u32>().ok()?)));
    }
    if let Some(fewer) = text.strip_prefix('-') {
        return Some(WorkerCount::CoresPlus(-i64::from(fewer.parse::<u32>().ok()?)));
    }
    match text.parse::<u32>().ok()? {
        0 => Some(WorkerCount::OnePerTask),
        count if count <= MAX_WORKERS => Some(WorkerCount::Exactly(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_parallel_is_read_and_resolved() {
        let cases = [
            ("4", 4),
            ("1", 1),
            ("1024", 1024),
            ("0", 100),
            ("+2", 10),
            ("+0", 8),
            ("-3", 5),
            ("-100", 1),
            ("50%", 4),
            ("100%", 8),
            ("1%", 1),
            ("1000000%", 1024),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).expect(text).resolve(8, 100), expected, "-j {text}");
        }
        assert_eq!(WorkerCount::OnePerTask.resolve(8, 0), 1);
        assert_eq!(WorkerCount::OnePerTask.resolve(8, u64::MAX), MAX_WORKERS);
    }

    #[test]
    fn anything_else_is_refused_with_the_forms_there_are() {
        for text in [
            "",
            "x",
            "1.5",
            "1025",
            "-",
            "+",
            "%",
            "-5%",
            "0%",
            "1%%",
            "-0.5",
            "NaN%",
            "inf%",
            "++1",
            "+-1",
            "99999999999",
        ] {
            assert!(parse(text).expect_err(text).contains("1 to 1024"), "{text}");
        }
    }
}
