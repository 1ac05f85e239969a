//! Formatting of a run's numbers for people, shared by the window and the command line's report.
//!
//! The width stays steady while a number grows (three significant digits and a unit), so that nothing jumps during a
//! run. Machine formats are not written here.

const NS_PER_US: u64 = 1_000;
const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SEC: u64 = 1_000_000_000;

/// A duration given in nanoseconds: `0 s`, `870 ns`, `12.3 µs`, `4.56 ms`, `7.89 s`, `2 min 05 s`, `3 h 07 min`, `2 d 4 h`.
pub fn duration(ns: u64) -> String {
    if ns == 0 {
        "0 s".to_owned()
    } else if ns < NS_PER_US {
        format!("{ns} ns")
    } else if ns < NS_PER_MS {
        format!("{} µs", significant(ns as f64 / NS_PER_US as f64))
    } else if ns < NS_PER_SEC {
        format!("{} ms", significant(ns as f64 / NS_PER_MS as f64))
    } else if ns < 60 * NS_PER_SEC {
        format!("{} s", significant(ns as f64 / NS_PER_SEC as f64))
    } else {
        whole_seconds(ns / NS_PER_SEC)
    }
}

/// An estimated duration: whole seconds, or `< 1 s`.
pub fn estimate(secs: f64) -> String {
    if !secs.is_finite() || secs < 0.0 {
        "unknown".to_owned()
    } else if secs < 1.0 {
        "< 1 s".to_owned()
    } else {
        whole_seconds(secs.round() as u64)
    }
}

fn whole_seconds(secs: u64) -> String {
    let (mins, hours, days) = (secs / 60, secs / 3600, secs / 86_400);
    if secs < 60 {
        format!("{secs} s")
    } else if hours == 0 {
        format!("{mins} min {:02} s", secs % 60)
    } else if days == 0 {
        format!("{hours} h {:02} min", mins % 60)
    } else {
        format!("{days} d {} h", hours % 24)
    }
}

/// An amount of memory or of output, in binary units: `512 B`, `1.50 KiB`, `12.3 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would be rounded to 1024 of a unit is written as 1 of the next.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", significant(value), UNITS[unit])
}

/// A rate per second: `0 /s`, `0.25 /s`, `12.3 /s`, `1,230 /s`.
pub fn rate(per_sec: f64) -> String {
    if !per_sec.is_finite() || per_sec <= 0.0 {
        "0 /s".to_owned()
    } else if per_sec >= 999.5 {
        format!("{} /s", count(per_sec.round() as u64))
    } else {
        format!("{} /s", significant(per_sec))
    }
}

/// A whole number with thousands separators: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A percentage: `0 %`, `42 %`, `180 %`.
pub fn percent(percent: f64) -> String {
    if percent.is_finite() { format!("{percent:.0} %") } else { "unknown".to_owned() }
}

/// A time against another, in nanoseconds: `12 % less`, `8 % more`, `3.2 × as long`, `as before`; `None` against nothing.
pub fn relative(now_ns: u64, before_ns: u64) -> Option<String> {
    if before_ns == 0 {
        return None;
    }
    let ratio = now_ns as f64 / before_ns as f64;
    let share = ((ratio - 1.0) * 100.0).round();
    Some(match share {
        _ if ratio >= 9.95 => format!("{:.0} × as long", ratio),
        _ if ratio >= 2.0 => format!("{ratio:.1} × as long"),
        share if share >= 1.0 => format!("{share:.0} % more"),
        share if share <= -1.0 => format!("{:.0} % less", (-share).min(99.0)),
        _ => "as before".to_owned(),
    })
}

/// A count with its noun: `1 task`, `2 tasks`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// Three significant digits of a value from 0 to 1000, without falling into a fourth by rounding.
fn significant(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits_and_a_unit() {
        let table = [
            (0, "0 s"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (4_560_000, "4.56 ms"),
            (999_000_000, "999 ms"),
            (1_000_000_000, "1.00 s"),
            (59_940_000_000, "59.9 s"),
            (60_000_000_000, "1 min 00 s"),
            (3_725_000_000_000, "1 h 02 min"),
            (187_200_000_000_000, "2 d 4 h"),
        ];
        for (ns, text) in table {
            assert_eq!(duration(ns), text);
        }
        assert_eq!(duration(u64::MAX), "213503 d 23 h");
    }

    #[test]
    fn estimates_are_whole_seconds_and_never_nonsense() {
        assert_eq!(estimate(0.2), "< 1 s");
        assert_eq!(estimate(59.6), "1 min 00 s");
        assert_eq!(estimate(f64::INFINITY), "unknown");
        assert_eq!(estimate(f64::NAN), "unknown");
    }

    #[test]
    fn bytes_step_up_before_a_fourth_digit() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.50 KiB"),
            (1024 * 1023, "1.00 MiB"),
            (12 * 1024 * 1024, "12.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (number, text) in table {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn a_time_is_told_against_the_one_before() {
        let table =
            [(88, "12 % less"), (108, "8 % more"), (100, "as before"), (320, "3.2 × as long"), (0, "99 % less")];
        for (now, words) in table {
            assert_eq!(relative(now, 100).as_deref(), Some(words));
        }
        assert_eq!(relative(5, 0), None);
    }

    #[test]
    fn rates_and_counts() {
        assert_eq!(rate(0.0), "0 /s");
        assert_eq!(rate(0.25), "0.25 /s");
        assert_eq!(rate(999.7), "1,000 /s");
        assert_eq!(rate(f64::NAN), "0 /s");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "task"), "1 task");
        assert_eq!(plural(2000, "task"), "2,000 tasks");
    }
}
