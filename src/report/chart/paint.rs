//! Paints shapes with plotters: a bitmap for PNG, text for SVG.

use std::path::Path;

use anyhow::anyhow;
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont as _, RGBColor, ShapeStyle, TextStyle};

use super::font;
use super::shape::{Anchor, Frame, Ink, Picture, Shape};
use super::theme::{Rgb, Theme};

/// Pixels per point of a PNG.
const PNG_SCALE: u32 = 2;
/// It is painted this much larger and averaged, because plotters does not smooth thick lines.
const OVERSAMPLE: u32 = 2;
/// SVG units per point: plotters knows whole numbers only.
const SVG_SCALE: f64 = 4.0;

/// The target's habits.
struct Target {
    scale: f64,
    /// What the backend calls the size of a text of one em.
    em: f64,
    /// How far below the wanted height, in ems, the backend must be asked to centre a text.
    drop: f64,
    /// Whether a thick path must be drawn piece by piece: plotters' polygon of a sharp turn is wrong.
    pieces: bool,
}

/// Puts a title above a picture, in as many lines as it needs, and a margin around both.
pub fn with_title(title: &str, frame: &Frame, picture: Picture) -> Picture {
    let (size, margin) = (frame.text * 1.55, frame.text * 1.5);
    let lines = font::wrap(title, size, true, picture.width);
    let top = margin + lines.len() as f64 * size * 1.3 + frame.text * 0.5;
    let mut shapes: Vec<Shape> = lines
        .into_iter()
        .enumerate()
        .map(|(i, line)| {
            let y = margin + (i as f64 + 0.5) * size * 1.3;
            Shape::strong((margin, y), line, size, Ink::Text, Anchor::Start)
        })
        .collect();
    shapes.extend(picture.shapes.into_iter().map(|shape| moved(shape, margin, top)));
    Picture { width: picture.width + 2.0 * margin, height: picture.height + top + margin * 0.5, shapes }
}

fn moved(mut shape: Shape, dx: f64, dy: f64) -> Shape {
    let shift = |p: &mut (f64, f64)| *p = (p.0 + dx, p.1 + dy);
    match &mut shape {
        Shape::Line { points, .. } | Shape::Area { points, .. } => points.iter_mut().for_each(shift),
        Shape::Disc { at, .. } | Shape::Text { at, .. } => shift(at),
    }
    shape
}

/// Writes a PNG.
pub fn png(picture: &Picture, theme: &Theme, path: &Path) -> anyhow::Result<()> {
    font::register()?;
    let (w, h) = (picture.width.ceil() as u32 * PNG_SCALE, picture.height.ceil() as u32 * PNG_SCALE);
    let (big_w, big_h) = (w * OVERSAMPLE, h * OVERSAMPLE);
    let mut big = vec![0u8; (big_w * big_h * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut big, (big_w, big_h)).into_drawing_area();
        let scale = f64::from(PNG_SCALE * OVERSAMPLE);
        paint(
            &area,
            &picture.shapes,
            theme,
            &Target { scale, em: font::BITMAP_EM, drop: 0.22, pieces: true },
        )?;
    }
    let small = average(&big, big_w as usize, OVERSAMPLE as usize);
    let mut file = BitMapBackend::new(path, (w, h));
    file.blit_bitmap((0, 0), (w, h), &small).map_err(|error| anyhow!("{error}"))?;
    file.present().map_err(|error| anyhow!("{error}"))
}

/// Means over squares of `by` × `by` pixels of an RGB picture.
fn average(big: &[u8], width: usize, by: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(big.len() / (by * by));
    let mut sums = vec![0u16; width / by * 3];
    let count = (by * by) as u16;
    for rows in big.chunks_exact(width * 3 * by) {
        sums.fill(0);
        for row in rows.chunks_exact(width * 3) {
            for (sum, square) in sums.chunks_exact_mut(3).zip(row.chunks_exact(3 * by)) {
                for pixel in square.chunks_exact(3) {
                    sum[0] += u16::from(pixel[0]);
                    sum[1] += u16::from(pixel[1]);
                    sum[2] += u16::from(pixel[2]);
                }
            }
        }
        small.extend(sums.iter().map(|sum| (sum / count) as u8));
    }
    small
}

/// Returns an `<svg>` element that scales to its box and carries `title` for screen readers.
pub fn svg(picture: &Picture, theme: &Theme, title: &str) -> anyhow::Result<String> {
    font::register()?;
    let size = ((picture.width * SVG_SCALE).ceil() as u32, (picture.height * SVG_SCALE).ceil() as u32);
    let mut drawn = String::new();
    {
        let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        paint(
            &area,
            &picture.shapes,
            theme,
            &Target { scale: SVG_SCALE, em: font::SVG_EM, drop: 0.06, pieces: false },
        )?;
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    // Plotters fixes the size; a page wants a picture that fills its box, with a name.
    let body = drawn.split_once('>').map_or("", |(_, body)| body);
    let name = maud::html! { title { (title) } }.into_string();
    Ok(format!(
        r#"<svg role="img" viewBox="0 0 {} {}" preserveAspectRatio="xMidYMid meet">{name}{body}"#,
        size.0, size.1
    ))
}

fn paint<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    shapes: &[Shape],
    theme: &Theme,
    target: &Target,
) -> anyhow::Result<()> {
    area.fill(&rgb(theme.paper)).map_err(|error| anyhow!("{error}"))?;
    for shape in shapes {
        one(area, shape, theme, target).map_err(|error| anyhow!("{error}"))?;
    }
    Ok(())
}

type Painted<DB> = Result<(), plotters::drawing::DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

fn one<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    shape: &Shape,
    theme: &Theme,
    target: &Target,
) -> Painted<DB> {
    let at = |p: &(f64, f64)| ((p.0 * target.scale).round() as i32, (p.1 * target.scale).round() as i32);
    let fill = |ink: Ink| rgb(theme.colour(ink)).filled();
    match shape {
        Shape::Line { points, ink, width } => {
            let points: Vec<_> = points.iter().map(at).collect();
            line(
                area,
                points,
                fill(*ink).stroke_width((width * target.scale).round().max(1.0) as u32),
                target,
            )
        }
        Shape::Area { points, ink } => {
            area.draw(&Polygon::new(points.iter().map(at).collect::<Vec<_>>(), fill(*ink)))
        }
        Shape::Disc { at: centre, radius, ink } => {
            area.draw(&Circle::new(at(centre), (radius * target.scale).round().max(1.0), fill(*ink)))
        }
        Shape::Text { at: place, text, size, bold, ink, anchor } => {
            let h_pos = match anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            let weight = if *bold { FontStyle::Bold } else { FontStyle::Normal };
            let font = (font::FAMILY, size * target.scale * target.em, weight).into_font();
            let colour = rgb(theme.colour(*ink));
            let style = TextStyle::from(font).color(&colour).pos(Pos::new(h_pos, VPos::Center));
            area.draw(&Text::new(text.as_str(), at(&(place.0, size.mul_add(target.drop, place.1))), style))
        }
    }
}

fn line<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    mut points: Vec<(i32, i32)>,
    style: ShapeStyle,
    target: &Target,
) -> Painted<DB> {
    points.dedup();
    if points.len() < 2 {
        return Ok(());
    }
    if !target.pieces {
        return area.draw(&PathElement::new(points, style));
    }
    for pair in points.windows(2) {
        area.draw(&PathElement::new(pair.to_vec(), style))?;
    }
    for &joint in &points[1..points.len() - 1] {
        area.draw(&Circle::new(joint, f64::from(style.stroke_width) / 2.0, style.filled()))?;
    }
    Ok(())
}

fn rgb((r, g, b): Rgb) -> RGBColor {
    RGBColor(r, g, b)
}
