//! Sizes, loads and counts of things as people type them, in flags and in fields.

use super::resource_request::ResourceRequest;

/// Reads a size as GNU parallel does: capital units are powers of 1024, small ones of 1000.
///
/// # Errors
/// The message says what is expected.
pub fn parse_size(text: &str) -> Result<u64, String> {
    const UNITS: [(char, f64); 8] = [
        ('K', 1024.0),
        ('M', 1_048_576.0),
        ('G', 1_073_741_824.0),
        ('T', 1_099_511_627_776.0),
        ('k', 1e3),
        ('m', 1e6),
        ('g', 1e9),
        ('t', 1e12),
    ];
    let found = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(*unit)?, *bytes)));
    let (number, unit_bytes) = found.unwrap_or((text, 1.0));
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number * unit_bytes < 1e18 => Ok((number * unit_bytes) as u64),
        _ => Err("expected a size: bytes, or a number with K, M, G or T, as in 500M".to_owned()),
    }
}

/// A size as [`parse_size`] reads it: with the largest unit that says it exactly.
pub fn size_text(bytes: u64) -> String {
    let units = [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')];
    let exact = units.into_iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    exact.map_or_else(|| bytes.to_string(), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

/// Reads a load: a number of processes, or a share of the cores such as `50%`.
///
/// # Errors
/// The message says what is expected.
pub fn parse_load(text: &str) -> Result<f64, String> {
    let cores = f64::from(fanlane_os::machine::cores());
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |share| (share, cores / 100.0));
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number * unit),
        _ => Err("expected a load above 0: a number of processes, or N% of the cores".to_owned()),
    }
}

/// Reads a name and how many there are of it, as `gpu=2`.
///
/// # Errors
/// The message says what is expected.
pub fn parse_amount(text: &str) -> Result<(String, u32), String> {
    let parsed = text.split_once('=').and_then(|(name, count)| Some((name.to_owned(), count.parse().ok()?)));
    parsed.ok_or_else(|| "expected a name and how many, as in gpu=2".to_owned())
}

/// Reads a name and how many of it a task needs: `gpu=2`, or `gpu={column}` where that differs.
///
/// # Errors
/// The message says what is expected.
pub fn parse_request(text: &str) -> Result<(String, ResourceRequest), String> {
    let parsed = text.split_once('=').and_then(|(name, need)| Some((name.to_owned(), need.parse().ok()?)));
    parsed
        .ok_or_else(|| "expected a name and how many, as in gpu=2, or a column that says it, as in gpu={n}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_loads_and_amounts_are_read_or_refused_with_words() {
        assert_eq!(parse_size("500M"), Ok(500 << 20));
        assert_eq!(parse_size("1.5k"), Ok(1500));
        assert_eq!(parse_size("7"), Ok(7));
        for text in ["", "0", "-1", "x", "1e30", "M", "nan"] {
            assert!(parse_size(text).expect_err(text).contains("500M"));
        }
        assert_eq!(parse_load("2.5"), Ok(2.5));
        assert!(parse_load("50%").expect("a share") > 0.0);
        assert!(parse_load("0").is_err());
        assert_eq!(parse_amount("gpu=2"), Ok(("gpu".to_owned(), 2)));
        assert!(parse_amount("gpu").is_err());
        assert_eq!(parse_request("gpu={n}"), Ok(("gpu".to_owned(), ResourceRequest::Template("{n}".to_owned()))));
        assert_eq!(parse_request("gpu=3"), Ok(("gpu".to_owned(), ResourceRequest::Count(3))));
        assert!(parse_request("gpu=all").is_err());
    }

    #[test]
    fn a_size_is_written_as_it_is_read() {
        for (bytes, text) in [(0, "0"), (1, "1"), (1536, "1536"), (2048, "2K"), (500 << 20, "500M"), (4 << 30, "4G")] {
            assert_eq!(size_text(bytes), text);
        }
        assert_eq!(parse_size(&size_text(3 << 40)), Ok(3 << 40));
    }
}
