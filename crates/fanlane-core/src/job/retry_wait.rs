//! How long a failed task waits before it is tried again, as a job keeps it and as people type it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::control::MAX_SECS;
use super::duration;

/// How long a failed task waits before it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RetryWait {
    /// Always the same.
    Fixed {
        /// Seconds, 0 or more.
        secs: f64,
    },
    /// Twice as long each time.
    Exponential {
        /// Seconds before the first retry, above 0.
        first_secs: f64,
        /// Seconds that it never exceeds.
        most_secs: f64,
    },
}

impl RetryWait {
    /// The wait after the `failures`th failure (from 1), in seconds.
    pub fn secs_after(self, failures: u32) -> f64 {
        match self {
            Self::Fixed { secs } => secs,
            Self::Exponential { first_secs, most_secs } => {
                (first_secs * 2_f64.powi(failures.saturating_sub(1).min(1000) as i32)).min(most_secs)
            }
        }
    }

    /// What is wrong with it, if anything.
    pub fn problem(self) -> Option<&'static str> {
        let fits = |secs: f64| (0.0..=MAX_SECS).contains(&secs);
        match self {
            Self::Fixed { secs } if !fits(secs) => Some("the wait before a retry must be 0 to 31536000 seconds"),
            Self::Exponential { first_secs, most_secs }
                if !fits(first_secs) || first_secs == 0.0 || !fits(most_secs) || most_secs < first_secs =>
            {
                Some(
                    "the first wait before a retry must be above 0 seconds, and the longest no shorter, up to 31536000",
                )
            }
            _ => None,
        }
    }
}

/// Reads `2` (seconds, the same each time) or `1..60` (twice as long each time, up to the second); units as in `500ms..1m`.
impl FromStr for RetryWait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let secs = |text: &str| duration::parse(text.trim()).map(|time| time.secs);
        let wait = match text.split_once("..") {
            None => Self::Fixed { secs: secs(text)? },
            Some((first, most)) => Self::Exponential { first_secs: secs(first)?, most_secs: secs(most)? },
        };
        wait.problem().map_or(Ok(wait), |problem| Err(problem.to_owned()))
    }
}

impl std::fmt::Display for RetryWait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed { secs } => write!(f, "{secs}"),
            Self::Exponential { first_secs, most_secs } => write!(f, "{first_secs}..{most_secs}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_limit() {
        let wait = RetryWait::Exponential { first_secs: 1.0, most_secs: 10.0 };
        assert_eq!(
            (1..=6).map(|failures| wait.secs_after(failures)).collect::<Vec<_>>(),
            [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
        );
        assert_eq!(wait.secs_after(u32::MAX), 10.0);
        assert_eq!(RetryWait::Fixed { secs: 2.0 }.secs_after(9), 2.0);
    }

    #[test]
    fn a_retry_waits_for_ever_the_same_or_twice_as_long() {
        assert_eq!("2".parse(), Ok(RetryWait::Fixed { secs: 2.0 }));
        let doubling = RetryWait::Exponential { first_secs: 0.5, most_secs: 60.0 };
        assert_eq!("500ms..1m".parse(), Ok(doubling));
        assert_eq!(doubling.to_string(), "0.5..60");
        assert!("5..1".parse::<RetryWait>().is_err());
    }
}
