//! Lengths of time as people type them, in flags and in fields: seconds, or a number with a unit.

/// A timeout of an attempt, in seconds (> 0, finite).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeout {
    /// The seconds.
    pub secs: f64,
}

/// Reads a length of time: seconds, or numbers each with one of `d h m s ms`, the longest unit first: `1h30m`.
///
/// # Errors
/// The message says what is expected.
pub fn parse(text: &str) -> Result<Timeout, String> {
    let secs = plain_number(text).or_else(|| sum_of_units(text)).filter(|secs| *secs > 0.0 && secs.is_finite());
    secs.map(|secs| Timeout { secs }).ok_or_else(|| {
        "expected seconds greater than 0, or a number with a unit: 500ms, 90s, 1.5m, 2h, 1d, 1h30m".to_owned()
    })
}

/// `parse` would also take `inf`, `1e9` and `+1`: only plain decimals are meant.
fn plain_number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| is_plain)
}

/// Seconds of `1d2h`; a unit comes once at the most, behind all longer ones.
fn sum_of_units(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 5] = [("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001)];
    let (mut rest, mut units, mut sum) = (text, &UNITS[..], 0.0);
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|letter: char| letter.is_ascii_alphabetic())?);
        let (unit, after) =
            behind.split_at(behind.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(behind.len()));
        let place = units.iter().position(|(name, _)| *name == unit)?;
        sum += plain_number(number)? * units[place].1;
        units = &units[place + 1..];
        rest = after;
    }
    Some(sum)
}

/// Reads a length of time that is counted in whole seconds.
///
/// # Errors
/// The message says what is expected.
pub fn parse_whole_secs(text: &str) -> Result<u64, String> {
    if let Some(secs) = text.parse().ok().filter(|secs| *secs > 0) {
        return Ok(secs);
    }
    let secs = parse(text)?.secs;
    let is_whole = secs.fract() == 0.0 && secs < 1e9;
    is_whole.then_some(secs as u64).ok_or_else(|| "expected whole seconds, for example 90 or 2m".to_owned())
}

/// How long a task may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A fixed time.
    Time(Timeout),
    /// A share of the median of the tasks done so far, in per cent, above 100.
    PercentOfMedian(f64),
}

/// Reads a length of time, or a share of the median such as `200%`.
///
/// # Errors
/// The message says what is expected.
pub fn parse_limit(text: &str) -> Result<Limit, String> {
    let Some(percent) = text.strip_suffix('%') else { return parse(text).map(Limit::Time) };
    match percent.parse::<f64>() {
        Ok(percent) if percent > 100.0 && percent <= 1e9 => Ok(Limit::PercentOfMedian(percent)),
        _ => Err("expected a share of the median above 100%, for example 200%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, parse, parse_limit, parse_whole_secs};

    #[test]
    fn a_share_of_the_median_is_above_all_of_it() {
        assert_eq!(parse_limit("200%"), Ok(Limit::PercentOfMedian(200.0)));
        assert!(matches!(parse_limit("2s"), Ok(Limit::Time(_))));
        for text in ["%", "100%", "-5%", "x%", "inf%"] {
            assert!(parse_limit(text).expect_err(text).contains("above 100%"), "{text}");
        }
    }

    #[test]
    fn seconds_and_units_are_read() {
        let given = ["60", "0.5", "500ms", "90s", "1.5m", "2h", "1m30s", "1d3.5h", "1s500ms"];
        let secs = [60.0, 0.5, 0.5, 90.0, 90.0, 7200.0, 90.0, 99_000.0, 1.5];
        assert_eq!(given.map(|text| parse(text).expect(text).secs), secs);
    }

    #[test]
    fn whole_seconds_have_no_fraction() {
        assert_eq!(
            ["90", "1.5m", "2000ms", "5000000000"].map(|text| parse_whole_secs(text).ok()),
            [Some(90), Some(90), Some(2), Some(5_000_000_000)]
        );
        assert_eq!(["0", "1.5", "500ms", "x"].map(|text| parse_whole_secs(text).ok()), [None; 4]);
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in ["", "0", "-1", "x", "s", "1w", "inf", "NaN", "1e3", "50%", "1 s", "30s1m", "1m1m", "1m30", "m30s"]
        {
            assert!(parse(text).expect_err(text).contains("expected seconds"), "{text}");
        }
    }
}
