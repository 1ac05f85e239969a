//! How large the window draws everything, in steps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The steps, in per cent of the usual size.
const STEPS: [u16; 10] = [75, 90, 100, 110, 125, 150, 175, 200, 250, 300];

/// The size of everything in the window, beside what the desktop's own scaling makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u16")]
pub struct Scale(u16);

impl Default for Scale {
    fn default() -> Self {
        Self(100)
    }
}

impl From<u16> for Scale {
    /// The step nearest to a number of per cent.
    fn from(percent: u16) -> Self {
        Self(STEPS.into_iter().min_by_key(|step| step.abs_diff(percent)).unwrap_or(100))
    }
}

impl Scale {
    /// The next larger step, or the largest.
    pub fn larger(self) -> Self {
        STEPS.into_iter().find(|step| *step > self.0).map_or(self, Self)
    }

    /// The next smaller step, or the smallest.
    pub fn smaller(self) -> Self {
        STEPS.into_iter().rev().find(|step| *step < self.0).map_or(self, Self)
    }

    /// The factor, 1 for the usual size.
    pub fn factor(self) -> f32 {
        f32::from(self.0) / 100.0
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_from_three_quarters_to_three_times_the_usual_size_and_back() {
        let mut scale = Scale::default();
        for _ in 0..20 {
            scale = scale.larger();
        }
        assert_eq!((scale.factor(), scale.to_string()), (3.0, "300 %".to_owned()));
        for _ in 0..20 {
            scale = scale.smaller();
        }
        assert_eq!(scale.factor(), 0.75);
        assert_eq!(Scale::default().larger().smaller(), Scale::default());
    }

    #[test]
    fn any_number_in_a_file_is_a_step() {
        for (text, factor) in [("0", 0.75), ("104", 1.0), ("180", 1.75), ("65535", 3.0)] {
            assert_eq!(serde_json::from_str::<Scale>(text).expect("a number").factor(), factor, "{text}");
        }
    }
}
