//! Numbers as people read them: times, memory, counts and shares, each with its unit.

/// A moment of a run: `4.20 s`, `3:05`, `2:03:05`.
pub fn moment(time_ns: f64) -> String {
    if time_ns < 100e9 { format!("{:.2} s", time_ns.max(0.0) / 1e9) } else { clock(time_ns) }
}

/// Hours, minutes and seconds: `0:07`, `3:05`, `2:03:05`.
pub fn clock(time_ns: f64) -> String {
    let secs = (time_ns.max(0.0) / 1e9).round() as u64;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{secs:02}") } else { format!("{minutes}:{secs:02}") }
}

/// How long something took: `850 µs`, `53.1 ms`, `4.20 s`, `3 min 05 s`, `2 h 03 min`.
pub fn duration(wall_ns: u64) -> String {
    let secs = wall_ns as f64 / 1e9;
    match secs {
        _ if secs < 0.000_999_5 => format!("{:.0} µs", secs * 1e6),
        _ if secs < 0.099_95 => format!("{:.1} ms", secs * 1e3),
        _ if secs < 0.999_5 => format!("{:.0} ms", secs * 1e3),
        _ if secs < 9.995 => format!("{secs:.2} s"),
        _ if secs < 99.95 => format!("{secs:.1} s"),
        _ if secs < 3599.5 => {
            let secs = secs.round() as u64;
            format!("{} min {:02} s", secs / 60, secs % 60)
        }
        _ => {
            let minutes = (secs / 60.0).round() as u64;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// Memory: `512 B`, `1.5 MiB`, `12 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A whole number with its thousands apart: `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole number in few characters, for axes: `950`, `12k`, `1.5M`.
pub fn short_count(count: f64) -> String {
    let (value, unit) = match count.abs() {
        size if size >= 1e9 => (count / 1e9, "G"),
        size if size >= 1e6 => (count / 1e6, "M"),
        size if size >= 1e3 => (count / 1e3, "k"),
        _ => (count, ""),
    };
    let text = format!("{value:.2}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

/// A share of 0 to 1: `87 %`; neither 0 nor 100 unless it is exactly that.
pub fn share(share: f64) -> String {
    let percent = (share * 100.0).clamp(0.0, 100.0);
    match percent {
        _ if percent > 0.0 && percent < 1.0 => "<1 %".to_owned(),
        _ if percent < 100.0 => format!("{:.0} %", percent.round().min(99.0)),
        _ => "100 %".to_owned(),
    }
}

/// One and many: `1 task`, `2 tasks`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_three_digits_and_change_unit_without_a_jump() {
        let texts = [0, 999, 850_000, 53_100_000, 99_990_000, 999_600_000, 4_200_000_000, 99_960_000_000].map(duration);
        assert_eq!(texts, ["0 µs", "1 µs", "850 µs", "53.1 ms", "100 ms", "1.00 s", "4.20 s", "1 min 40 s"]);
        assert_eq!([duration(3_599_600_000_000), duration(7_384_000_000_000)], ["1 h 00 min", "2 h 03 min"]);
        assert_eq!([moment(4.2e9), moment(185e9), moment(7385e9)], ["4.20 s", "3:05", "2:03:05"]);
    }

    #[test]
    fn counts_memory_and_shares_carry_their_units() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [bytes(512), bytes(1000), bytes(1 << 20), bytes(200 << 30)],
            ["512 B", "1.0 KiB", "1.0 MiB", "200 GiB"]
        );
        assert_eq!([0.0, 950.0, 12_000.0, 1_500_000.0].map(short_count), ["0", "950", "12k", "1.5M"]);
        assert_eq!(
            [share(0.0), share(0.001), share(0.87), share(0.999), share(1.0)],
            ["0 %", "<1 %", "87 %", "99 %", "100 %"]
        );
        assert_eq!([plural(1, "task", "tasks"), plural(2000, "task", "tasks")], ["1 task", "2,000 tasks"]);
    }
}
