//! Shapes in points from the upper left corner, with inks instead of colours.

use super::super::ways::{Kind, Way};

/// The size of a picture and of its text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Width in points.
    pub width: f64,
    /// Height in points of a picture that can have any.
    pub height: f64,
    /// Size of ordinary text, points per em.
    pub text: f64,
    /// Whether labels go under the plot instead of beside it.
    pub narrow: bool,
}

impl Frame {
    /// For a page or a projector.
    #[must_use]
    pub fn wide() -> Self {
        Self { width: 960.0, height: 440.0, text: 17.0, narrow: false }
    }

    /// For a phone.
    #[must_use]
    pub fn narrow() -> Self {
        Self { width: 300.0, height: 340.0, text: 13.5, narrow: true }
    }
}

/// A finished picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Width in points.
    pub width: f64,
    /// Height in points.
    pub height: f64,
    /// What is on it, from the back to the front.
    pub shapes: Vec<Shape>,
}

/// What a shape is painted with; the theme knows the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Ordinary text.
    Text,
    /// Less important text.
    Muted,
    /// Grid lines.
    Grid,
    /// Axis lines.
    Axis,
    /// The background.
    Paper,
    /// A shaded stretch.
    Shade,
    /// Lines and areas of a transport: kind, and how many of the kind come before.
    Series(Kind, usize),
    /// The same, pale.
    Pale(Kind, usize),
    /// Text in the colour of a transport.
    Label(Kind, usize),
    /// The colour of a transport, from none (0) to full (100).
    Tint(Kind, u8),
    /// Text on such a tint.
    OnTint(Kind, u8),
}

impl Way<'_> {
    /// The ink of lines and areas.
    #[must_use]
    pub fn ink(&self) -> Ink {
        Ink::Series(self.kind, self.repeat)
    }

    /// The pale ink.
    #[must_use]
    pub fn pale(&self) -> Ink {
        Ink::Pale(self.kind, self.repeat)
    }

    /// The ink of text.
    #[must_use]
    pub fn label_ink(&self) -> Ink {
        Ink::Label(self.kind, self.repeat)
    }

    /// Dash pattern in points, so that lines differ without colour; empty is solid.
    #[must_use]
    pub fn dash(&self) -> &'static [f64] {
        match self.kind {
            Kind::Poll | Kind::Other => &[],
            Kind::LongPoll => &[9.0, 5.0],
            Kind::Sse => &[10.0, 4.0, 2.5, 4.0],
            Kind::WebSocket => &[18.0, 4.0],
        }
    }

    /// What marks points on a line. Every other one of a kind is hollow, so that they differ without
    /// colour too.
    #[must_use]
    pub fn dot(&self) -> Dot {
        let marker = match self.kind {
            Kind::Poll => Marker::Disc,
            Kind::LongPoll => Marker::Triangle,
            Kind::Sse => Marker::Diamond,
            Kind::WebSocket | Kind::Other => Marker::Square,
        };
        Dot { marker, hollow: self.repeat % 2 == 1, ink: self.ink() }
    }
}

/// What marks the points of one transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dot {
    marker: Marker,
    hollow: bool,
    ink: Ink,
}

impl Dot {
    /// It, with a given half-width.
    #[must_use]
    pub fn at(self, at: (f64, f64), r: f64) -> Vec<Shape> {
        let mut shapes = vec![Shape::marker(self.marker, at, r, self.ink)];
        if self.hollow {
            shapes.push(Shape::marker(self.marker, at, r * 0.5, Ink::Paper));
        }
        shapes
    }

    /// The same on a rim of paper, where lines cross it.
    #[must_use]
    pub fn rimmed(self, at: (f64, f64), r: f64) -> Vec<Shape> {
        let rim = Shape::marker(self.marker, at, r * 1.33, Ink::Paper);
        std::iter::once(rim).chain(self.at(at, r)).collect()
    }
}

/// Shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// Round.
    Disc,
    /// Square.
    Square,
    /// Pointing up.
    Triangle,
    /// Standing on a corner.
    Diamond,
}

/// Which end of a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// One thing to paint.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A line through points.
    Line {
        /// Points.
        points: Vec<(f64, f64)>,
        /// Ink.
        ink: Ink,
        /// Width in points.
        width: f64,
    },
    /// A filled polygon.
    Area {
        /// Corners.
        points: Vec<(f64, f64)>,
        /// Ink.
        ink: Ink,
    },
    /// A filled circle.
    Disc {
        /// Centre.
        at: (f64, f64),
        /// Radius.
        radius: f64,
        /// Ink.
        ink: Ink,
    },
    /// A line of text, centred on its height.
    Text {
        /// Where it is anchored.
        at: (f64, f64),
        /// The text.
        text: String,
        /// Points per em.
        size: f64,
        /// Whether it is bold.
        bold: bool,
        /// Ink.
        ink: Ink,
        /// Which end stands at `at`.
        anchor: Anchor,
    },
}

impl Shape {
    /// A solid line.
    #[must_use]
    pub fn line(points: Vec<(f64, f64)>, ink: Ink, width: f64) -> Self {
        Self::Line { points, ink, width }
    }

    /// A rectangle between two corners.
    #[must_use]
    pub fn rectangle(from: (f64, f64), to: (f64, f64), ink: Ink) -> Self {
        Self::Area { points: vec![from, (to.0, from.1), to, (from.0, to.1)], ink }
    }

    /// Ordinary text.
    #[must_use]
    pub fn text(at: (f64, f64), text: impl Into<String>, size: f64, ink: Ink, anchor: Anchor) -> Self {
        Self::Text { at, text: text.into(), size, bold: false, ink, anchor }
    }

    /// Bold text.
    #[must_use]
    pub fn strong(at: (f64, f64), text: impl Into<String>, size: f64, ink: Ink, anchor: Anchor) -> Self {
        Self::Text { at, text: text.into(), size, bold: true, ink, anchor }
    }

    /// A marker of a given half-width.
    #[must_use]
    pub fn marker(marker: Marker, at: (f64, f64), r: f64, ink: Ink) -> Self {
        let (x, y) = at;
        let points = match marker {
            Marker::Disc => return Self::Disc { at, radius: r, ink },
            Marker::Square => vec![(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)],
            Marker::Triangle => {
                vec![(x, y - 1.2 * r), (x + 1.15 * r, y + 0.9 * r), (x - 1.15 * r, y + 0.9 * r)]
            }
            Marker::Diamond => vec![(x, y - 1.3 * r), (x + 1.3 * r, y), (x, y + 1.3 * r), (x - 1.3 * r, y)],
        };
        Self::Area { points, ink }
    }
}

/// A dashed line as its pieces; the pattern alternates drawn and skipped lengths.
#[must_use]
pub fn dashed(points: &[(f64, f64)], pattern: &[f64], ink: Ink, width: f64) -> Vec<Shape> {
    if pattern.is_empty() || pattern.iter().sum::<f64>() <= 0.0 {
        return vec![Shape::line(points.to_vec(), ink, width)];
    }
    let mut pieces = Vec::new();
    let Some(&first) = points.first() else { return pieces };
    let (mut slot, mut left, mut piece) = (0, pattern[0], vec![first]);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            let drawn = slot % 2 == 0;
            if length <= left {
                left -= length;
                if drawn {
                    piece.push(to);
                }
                break;
            }
            let part = left / length;
            from = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            if drawn {
                piece.push(from);
                pieces.push(Shape::line(std::mem::take(&mut piece), ink, width));
            }
            slot = (slot + 1) % pattern.len();
            left = pattern[slot];
            piece = if slot % 2 == 0 { vec![from] } else { Vec::new() };
        }
    }
    if piece.len() > 1 {
        pieces.push(Shape::line(piece, ink, width));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_their_share_of_the_line() {
        let line = [(0.0, 0.0), (30.0, 0.0), (30.0, 30.0)];
        let drawn: f64 = dashed(&line, &[5.0, 5.0], Ink::Axis, 1.0)
            .iter()
            .map(|shape| match shape {
                Shape::Line { points, .. } => {
                    points.windows(2).map(|w| (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1)).sum()
                }
                _ => 0.0,
            })
            .sum();
        assert!((drawn - 30.0).abs() < 1e-9, "{drawn}");
    }
}
