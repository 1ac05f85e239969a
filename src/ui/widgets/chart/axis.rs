//! An axis of a chart: the places of values, and which values are marked.

use egui::Rangef;

use crate::ui::widgets::quantity::round_step;

/// The scale of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// Linear.
    Linear,
    /// Logarithmic, marked at powers of this number.
    Log(f64),
    /// As [`Scale::Linear`], marked at these values only.
    Linearly(Vec<f64>),
    /// As [`Scale::Log`] with 2, marked at these values only.
    Log2At(Vec<f64>),
}

/// An axis.
pub struct ChartAxis<'a> {
    /// Its title, with the unit.
    pub title: &'a str,
    /// The first value; above 0 on a logarithmic scale.
    pub min: f64,
    /// The last value, above the first.
    pub max: f64,
    /// Its scale.
    pub scale: Scale,
    /// The words for a value.
    pub words: &'a dyn Fn(f64) -> String,
}

impl ChartAxis<'_> {
    /// The value on a linear scale: itself or its logarithm.
    pub fn along(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear | Scale::Linearly(_) => value,
            Scale::Log(_) | Scale::Log2At(_) => value.max(f64::MIN_POSITIVE).ln(),
        }
    }

    /// Where a value lies between the ends of a range of points.
    pub fn place(&self, value: f64, range: Rangef) -> f32 {
        let [from, at, to] = [self.min, value, self.max].map(|value| self.along(value));
        let share = if to > from { (at - from) / (to - from) } else { 0.5 };
        // Values far beyond the ends would overflow the painter.
        range.min + (range.max - range.min) * share.clamp(-10.0, 10.0) as f32
    }

    /// The value at a place between the ends of a range of points.
    pub fn value_at(&self, place: f32, range: Rangef) -> f64 {
        let share = f64::from((place - range.min) / (range.max - range.min));
        let (from, to) = (self.along(self.min), self.along(self.max));
        let along = (to - from).mul_add(share, from);
        match self.scale {
            Scale::Linear | Scale::Linearly(_) => along,
            Scale::Log(_) | Scale::Log2At(_) => along.exp(),
        }
    }

    /// Values to be marked: round ones, and not many more than `wanted`.
    pub fn marks(&self, wanted: f32) -> Vec<f64> {
        let within = |value: &f64| *value >= self.min * (1.0 - 1e-9) - 1e-12 && *value <= self.max * (1.0 + 1e-9);
        match &self.scale {
            Scale::Linearly(values) | Scale::Log2At(values) => values.iter().copied().filter(within).collect(),
            Scale::Linear => {
                let step = round_step(((self.max - self.min) / f64::from(wanted.max(1.0))).max(1e-12));
                let (first, last) = ((self.min / step).ceil() as i64, (self.max / step + 1e-9).floor() as i64);
                (first..=last).map(|count| count as f64 * step).collect()
            }
            Scale::Log(base) => {
                let power = |value: f64| value.log(*base);
                let (first, last) = (power(self.min) - 1e-9, power(self.max) + 1e-9);
                let step = ((last - first) / f64::from(wanted.max(1.0))).ceil().max(1.0) as i32;
                let powers = (first.ceil() as i32..=last.floor() as i32).filter(|exponent| exponent % step == 0);
                powers.map(|exponent| base.powi(exponent)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(min: f64, max: f64, scale: Scale) -> ChartAxis<'static> {
        ChartAxis { title: "", min, max, scale, words: &|value| value.to_string() }
    }

    #[test]
    fn marks_are_round_and_few() {
        assert_eq!(axis(0.0, 10.0, Scale::Linear).marks(5.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(axis(0.0, 0.4, Scale::Linear).marks(2.0), [0.0, 0.2, 0.4]);
        assert_eq!(axis(1.0, 16.0, Scale::Log(2.0)).marks(8.0), [1.0, 2.0, 4.0, 8.0, 16.0]);
        let powers = axis(1e-6, 10.0, Scale::Log(10.0)).marks(4.0);
        assert!(powers.len() <= 4 && powers.len() >= 3, "{powers:?}");
        assert_eq!(axis(1.0, 3.0, Scale::Linearly(vec![1.0, 2.0, 4.0])).marks(9.0), [1.0, 2.0]);
    }

    #[test]
    fn a_place_is_the_place_of_its_value() {
        let range = Rangef::new(100.0, 300.0);
        for axis in [axis(0.0, 8.0, Scale::Linear), axis(1.0, 64.0, Scale::Log(2.0))] {
            for value in [1.0, 2.5, 8.0] {
                let there = axis.value_at(axis.place(value, range), range);
                assert!((there - value).abs() < 1e-4 * value, "{value} {there}");
            }
        }
        assert_eq!(axis(1.0, 64.0, Scale::Log(2.0)).place(8.0, range), 200.0);
    }
}
