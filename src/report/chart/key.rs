//! Labels of lines: beside the plot where there is room, below it on a phone; never on each other.

use super::super::ways::Way;
use super::axis::Plot;
use super::font;
use super::shape::{Anchor, Dot, Frame, Ink, Picture, Shape, dashed};

/// Room to the right of a plot for labels, in ems.
pub const BESIDE_EMS: f64 = 13.5;

/// What a line means.
pub struct Item {
    ink: Ink,
    label: Ink,
    dash: &'static [f64],
    dot: Option<Dot>,
    head: String,
    lines: Vec<String>,
    /// Height of the line's end, which the label stands near; without one labels follow each other.
    end: Option<f64>,
}

impl Item {
    /// The label of a transport.
    #[must_use]
    pub fn way(way: &Way<'_>, lines: Vec<String>) -> Self {
        Self {
            ink: way.ink(),
            label: way.label_ink(),
            dash: way.dash(),
            dot: Some(way.dot()),
            head: way.name.clone(),
            lines,
            end: None,
        }
    }

    /// Puts the label near the height where its line ends.
    pub fn end_at(&mut self, y: Option<f64>) {
        self.end = y;
    }

    /// The label of a dotted formula.
    #[must_use]
    pub fn theory(head: &str, lines: Vec<String>) -> Self {
        let (ink, dash) = (Ink::Text, DOTS);
        Self { ink, label: Ink::Muted, dash, dot: None, head: head.to_owned(), lines, end: None }
    }

    fn swatch(&self, x: f64, y: f64, length: f64, frame: &Frame) -> Vec<Shape> {
        let mut shapes = dashed(&[(x, y), (x + length, y)], self.dash, self.ink, frame.text * 0.17);
        shapes.extend(self.dot.iter().flat_map(|dot| dot.at((x + length / 2.0, y), frame.text * 0.27)));
        shapes
    }
}

/// The pattern of formulas.
pub const DOTS: &[f64] = &[2.5, 4.5];

/// A plot whose axis takes `axis_room` below it, with its labels where they fit.
#[must_use]
pub fn picture(
    frame: &Frame,
    plot: &Plot,
    axis_room: f64,
    items: &[Item],
    mut shapes: Vec<Shape>,
) -> Picture {
    let below = plot.bottom + axis_room;
    if !frame.narrow {
        shapes.extend(beside(frame, plot, items));
        return Picture { width: frame.width, height: below, shapes };
    }
    let top = below + frame.text * 0.2;
    shapes.extend(self::below(frame, top, items));
    Picture { width: frame.width, height: top + height_below(frame, items), shapes }
}

/// Height a plot must have for its labels to stand beside it.
#[must_use]
pub fn height_beside(frame: &Frame, items: &[Item]) -> f64 {
    let rows: usize = items.iter().map(|item| 1 + item.lines.len()).sum();
    frame.text * (1.25 * rows as f64 + 0.55 * items.len() as f64 - 0.4)
}

/// Labels to the right of the plot.
#[must_use]
fn beside(frame: &Frame, plot: &Plot, items: &[Item]) -> Vec<Shape> {
    let (size, small) = (frame.text, frame.text * 0.88);
    let (line, gap) = (frame.text * 1.25, frame.text * 0.55);
    let heights: Vec<f64> = items.iter().map(|item| line * (1 + item.lines.len()) as f64).collect();
    let wanted: Vec<Option<f64>> = items.iter().map(|item| item.end.map(|y| y - line / 2.0)).collect();
    let tops = spread(&wanted, &heights, gap, plot.top - line / 2.0, plot.bottom);
    let x = plot.right + frame.text * 1.1;
    let (length, room) = (frame.text * 2.2, frame.width - x - 2.0);
    let mut shapes = Vec::new();
    for (item, top) in items.iter().zip(tops) {
        if let Some(end) = item.end {
            let joint = (x - 4.0, top + line / 2.0);
            shapes.push(Shape::line(vec![(plot.right + 4.0, end), joint], Ink::Axis, 1.0));
        }
        let middle = top + line / 2.0;
        shapes.extend(item.swatch(x, middle, length, frame));
        let text_x = x + length + frame.text * 0.5;
        let head = font::fit(&item.head, size, true, frame.width - text_x - 2.0);
        shapes.push(Shape::strong((text_x, middle), head, size, item.label, Anchor::Start));
        for (i, text) in item.lines.iter().enumerate() {
            let at = (x, middle + line * (i + 1) as f64);
            shapes.push(Shape::text(
                at,
                font::fit(text, small, false, room),
                small,
                Ink::Text,
                Anchor::Start,
            ));
        }
    }
    shapes
}

/// Tops of boxes near their wanted tops, `gap` apart, between `low` and `high` as far as they fit.
fn spread(wanted: &[Option<f64>], heights: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    let key = |i: usize| wanted[i].unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    let mut tops = vec![low; wanted.len()];
    let mut free = low;
    for &i in &order {
        tops[i] = wanted[i].unwrap_or(free).max(free);
        free = tops[i] + heights[i] + gap;
    }
    let mut limit = high;
    for &i in order.iter().rev() {
        tops[i] = tops[i].min(limit - heights[i]);
        limit = tops[i] - gap;
    }
    tops
}

/// Height of the labels below a plot.
#[must_use]
fn height_below(frame: &Frame, items: &[Item]) -> f64 {
    let rows: usize = items.iter().map(|item| 1 + item.lines.len().min(1)).sum();
    rows as f64 * frame.text * 1.35 + items.len() as f64 * frame.text * 0.5
}

/// Labels below the plot, beginning at `top`: the name, then what is said about it in one line.
#[must_use]
fn below(frame: &Frame, top: f64, items: &[Item]) -> Vec<Shape> {
    let (line, length) = (frame.text * 1.35, frame.text * 2.6);
    let (x, mut y) = (4.0, top);
    let text_x = x + length + frame.text * 0.6;
    let room = frame.width - text_x - 2.0;
    let mut shapes = Vec::new();
    for item in items {
        shapes.extend(item.swatch(x, y + line / 2.0, length, frame));
        let head = font::fit(&item.head, frame.text, true, room);
        shapes.push(Shape::strong((text_x, y + line / 2.0), head, frame.text, item.label, Anchor::Start));
        y += line;
        if !item.lines.is_empty() {
            let text = font::fit(&item.lines.join(", "), frame.text * 0.92, false, room);
            let at = (text_x, y + line / 2.0);
            shapes.push(Shape::text(at, text, frame.text * 0.92, Ink::Text, Anchor::Start));
            y += line;
        }
        y += frame.text * 0.5;
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_want_the_same_place_are_parted() {
        let wanted = [Some(10.0), Some(12.0), Some(11.0), None];
        let tops = spread(&wanted, &[20.0; 4], 5.0, 0.0, 200.0);
        let mut sorted = tops.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|w| w[1] - w[0] >= 25.0), "{tops:?}");
    }

    #[test]
    fn labels_at_the_bottom_are_pushed_up() {
        let tops = spread(&[Some(90.0), Some(95.0)], &[20.0; 2], 5.0, 0.0, 100.0);
        assert_eq!(tops, [55.0, 80.0]);
    }
}
