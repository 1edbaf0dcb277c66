//! Scales, ticks and the plot's frame.

use super::super::numbers::clock;
use super::font;
use super::shape::{Anchor, Frame, Ink, Shape};

/// How a value becomes a place between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Equal steps.
    Linear {
        /// Value at 0.
        low: f64,
        /// Value at 1.
        high: f64,
    },
    /// Equal factors.
    Log {
        /// Value at 0.
        low: f64,
        /// Value at 1.
        high: f64,
    },
}

impl Scale {
    /// From zero to a little above `most`.
    #[must_use]
    pub fn from_zero(most: f64) -> Self {
        Self::Linear { low: 0.0, high: if most > 0.0 && most.is_finite() { most } else { 1.0 } }
    }

    /// Powers of ten around the positive values among `values`.
    #[must_use]
    pub fn decades(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0f64);
        for value in values.filter(|v| v.is_finite() && *v > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        if high == 0.0 {
            return Self::Log { low: 1.0, high: 10.0 };
        }
        let floor = 10f64.powf(low.log10().floor());
        let ceiling = 10f64.powf((high * 1.0001).log10().ceil());
        Self::Log { low: floor.max(1e-3), high: ceiling.max(floor * 10.0) }
    }

    /// The powers of ten, and one more below them for nought where it is among the values, so that it
    /// is not read as the smallest power; says whether it is.
    #[must_use]
    pub fn decades_and_nought(values: impl Iterator<Item = f64> + Clone) -> (Self, bool) {
        let nought = values.clone().any(|value| value == 0.0);
        match Self::decades(values) {
            Self::Log { low, high } if nought => (Self::Log { low: low / 10.0, high }, true),
            scale => (scale, nought),
        }
    }

    /// The value at 0.
    #[must_use]
    pub fn lowest(self) -> f64 {
        let (Self::Linear { low, .. } | Self::Log { low, .. }) = self;
        low
    }

    /// The place of a value, kept within 0 and 1.
    #[must_use]
    pub fn place(self, value: f64) -> f64 {
        let at = match self {
            Self::Linear { low, high } => (value - low) / (high - low),
            Self::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
        };
        if at.is_finite() { at.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Values to label: about `wanted` round ones, or the powers of ten with what is round between them.
    #[must_use]
    pub fn ticks(self, wanted: f64) -> Vec<f64> {
        match self {
            Self::Linear { low, high } => {
                let rough = (high - low) / wanted.max(1.0);
                let power = 10f64.powf(rough.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough * 0.999);
                let step = step.unwrap_or(10.0 * power);
                let first = (low / step).ceil() as i64;
                (first..=((high / step) + 1e-9).floor() as i64).map(|i| i as f64 * step).collect()
            }
            Self::Log { low, high } => {
                let (from, to) = (low.log10().round() as i32, high.log10().round() as i32);
                // Over few decades, powers of ten alone are too few to read by.
                if f64::from(3 * (to - from) + 1) <= wanted + 1.0 {
                    let within = |e| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(e));
                    return (from..to).flat_map(within).chain([10f64.powi(to)]).collect();
                }
                let every = (f64::from(to - from) / wanted.max(1.0)).ceil().max(1.0) as usize;
                (from..=to).step_by(every).map(|e| 10f64.powi(e)).collect()
            }
        }
    }
}

/// The rectangle that data is drawn into, with its scales.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plot {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Horizontal scale.
    pub x: Scale,
    /// Vertical scale.
    pub y: Scale,
}

/// Steps of a clock, seconds: what people count in.
const CLOCK: [f64; 22] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
    7_200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0,
];
/// From this length on a clock shows hours and minutes, seconds.
const HOURS: f64 = 7_200.0;

/// About `wanted` times up to `end` seconds, in steps of a clock.
fn times(end: f64, wanted: f64) -> Vec<f64> {
    // Parts of a second only where whole ones would be too few.
    let fine = end < 3.0;
    let step = CLOCK.into_iter().find(|step| (fine || *step >= 1.0) && end / step <= wanted);
    let step = step.unwrap_or(CLOCK[21]);
    (0..=(end / step + 1e-9) as usize).map(|i| i as f64 * step).collect()
}

impl Plot {
    /// Where a pair of values is.
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (px, py) = (self.x.place(x), self.y.place(y));
        (self.left + px * (self.right - self.left), self.bottom - py * (self.bottom - self.top))
    }

    /// Vertical grid lines with their labels, and what the axis shows.
    #[must_use]
    pub fn x_axis(&self, frame: &Frame, name: &str, label: impl Fn(f64) -> String) -> Vec<Shape> {
        self.x_axis_at(frame, &self.x.ticks(self.labels(frame)), name, label)
    }

    /// The same for seconds from zero on, as a clock shows them.
    #[must_use]
    pub fn time_axis(&self, frame: &Frame, name: &str) -> Vec<Shape> {
        let (Scale::Linear { high, .. } | Scale::Log { high, .. }) = self.x;
        let ticks = times(high, self.labels(frame));
        if high < HOURS {
            return self.x_axis_at(frame, &ticks, name, clock);
        }
        let minutes = |at: f64| format!("{}:{:02}", (at / 3600.0) as u64, (at / 60.0) as u64 % 60);
        self.x_axis_at(frame, &ticks, &format!("{name}, hours:minutes"), minutes)
    }

    /// How many labels fit below.
    fn labels(&self, frame: &Frame) -> f64 {
        ((self.right - self.left) / (5.5 * frame.text)).clamp(2.0, 8.0)
    }

    fn x_axis_at(
        &self,
        frame: &Frame,
        ticks: &[f64],
        name: &str,
        label: impl Fn(f64) -> String,
    ) -> Vec<Shape> {
        let small = frame.text * 0.88;
        let mut shapes = Vec::new();
        for &tick in ticks {
            let (x, _) = self.at(tick, 0.0);
            shapes.push(Shape::line(vec![(x, self.top), (x, self.bottom)], Ink::Grid, 1.0));
            let text = label(tick);
            // The outermost labels stay inside the picture.
            let half = font::width(&text, small, false) / 2.0;
            let x = x.clamp(half + 2.0, frame.width - half - 2.0);
            shapes.push(Shape::text((x, self.bottom + small * 1.1), text, small, Ink::Muted, Anchor::Middle));
        }
        let middle = (self.left + self.right) / 2.0;
        let name = font::fit(name, small, false, frame.width - 4.0);
        let half = font::width(&name, small, false) / 2.0;
        let middle = middle.clamp(half + 2.0, frame.width - half - 2.0);
        shapes.push(Shape::text(
            (middle, self.bottom + small * 2.5),
            name,
            small,
            Ink::Muted,
            Anchor::Middle,
        ));
        shapes
    }

    /// Horizontal grid lines with their labels; the name stands above the axis, read without turning the head.
    #[must_use]
    pub fn y_axis(&self, frame: &Frame, name: &str, label: impl Fn(f64) -> String) -> Vec<Shape> {
        let small = frame.text * 0.88;
        let wanted = ((self.bottom - self.top) / (2.6 * frame.text)).clamp(2.0, 6.0);
        let mut shapes = Vec::new();
        for tick in self.y.ticks(wanted) {
            let (_, y) = self.at(0.0, tick);
            shapes.push(Shape::line(vec![(self.left, y), (self.right, y)], Ink::Grid, 1.0));
            shapes.push(Shape::text((self.left - 8.0, y), label(tick), small, Ink::Muted, Anchor::End));
        }
        let name = font::fit(name, small, false, frame.width - 8.0);
        shapes.push(Shape::text((4.0, self.top - small * 1.5), name, small, Ink::Muted, Anchor::Start));
        shapes
    }

    /// The base line, drawn after the grid.
    #[must_use]
    pub fn base(&self) -> Shape {
        Shape::line(vec![(self.left, self.bottom), (self.right, self.bottom)], Ink::Axis, 1.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_steps_as_people_count() {
        assert_eq!(times(20.0, 8.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(times(4.0, 8.0).len(), 5, "whole seconds");
        assert_eq!(times(86_400.0, 8.0)[1], 10_800.0);
        assert_eq!(times(0.3, 2.0), [0.0, 0.2]);
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Scale::from_zero(20.0).ticks(5.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(Scale::Log { low: 0.1, high: 10_000.0 }.ticks(8.0).len(), 6);
        assert_eq!(Scale::Log { low: 10.0, high: 100.0 }.ticks(4.0), [10.0, 20.0, 50.0, 100.0]);
        assert_eq!(Scale::from_zero(f64::NAN), Scale::from_zero(1.0));
    }

    #[test]
    fn decades_hold_all_values() {
        let scale = Scale::decades([0.0, f64::NAN, 0.4, 4_900.0].into_iter());
        assert_eq!(scale, Scale::Log { low: 0.1, high: 10_000.0 });
        assert_eq!(Scale::decades(std::iter::empty()), Scale::Log { low: 1.0, high: 10.0 });
    }

    #[test]
    fn nought_lies_below_the_smallest_power() {
        let (scale, nought) = Scale::decades_and_nought([0.0, 210.0, 2_400.0].into_iter());
        assert_eq!((scale, nought), (Scale::Log { low: 10.0, high: 10_000.0 }, true));
        assert!(scale.place(0.0) < scale.place(100.0));
        assert!(!Scale::decades_and_nought([2.0].into_iter()).1);
    }

    #[test]
    fn places_stay_between_nought_and_one() {
        for scale in [Scale::from_zero(5.0), Scale::Log { low: 0.1, high: 10.0 }] {
            for value in [-1.0, 0.0, 0.1, 5.0, 1e9, f64::NAN, f64::INFINITY] {
                assert!((0.0..=1.0).contains(&scale.place(value)), "{scale:?} {value}");
            }
        }
    }
}
