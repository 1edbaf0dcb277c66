//! Colours of charts, light and dark: Okabe and Ito's set, with every contrast measured in a test.

use super::super::ways::Kind;
use super::shape::Ink;

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// One set of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Background.
    pub paper: Rgb,
    /// Text.
    pub text: Rgb,
    /// Quiet text.
    pub muted: Rgb,
    /// Grid lines.
    pub grid: Rgb,
    /// Axes.
    pub axis: Rgb,
    /// Shaded stretches.
    pub shade: Rgb,
    /// Lines and areas: poll, long poll, SSE, WebSocket, other.
    series: [Rgb; 5],
    /// Text in the colour of a line.
    labels: [Rgb; 5],
}

impl Theme {
    /// On white.
    pub const LIGHT: Self = Self {
        paper: (255, 255, 255),
        text: (28, 30, 34),
        muted: (88, 94, 104),
        grid: (229, 231, 235),
        axis: (120, 126, 136),
        shade: (241, 243, 246),
        series: [
            (0xd5, 0x5e, 0x00),
            (0x00, 0x87, 0x63),
            (0xb6, 0x5a, 0x8e),
            (0x00, 0x72, 0xb2),
            (0x5f, 0x65, 0x70),
        ],
        labels: [
            (0xb0, 0x4c, 0x00),
            (0x00, 0x73, 0x54),
            (0x9c, 0x44, 0x76),
            (0x00, 0x66, 0xa0),
            (0x4a, 0x50, 0x5a),
        ],
    };

    /// On near black.
    pub const DARK: Self = Self {
        paper: (22, 25, 31),
        text: (236, 238, 241),
        muted: (170, 177, 188),
        grid: (48, 53, 62),
        axis: (120, 127, 139),
        shade: (33, 37, 45),
        series: [
            (0xe6, 0x9f, 0x00),
            (0x2c, 0xc2, 0x97),
            (0xe0, 0x97, 0xc0),
            (0x56, 0xb4, 0xe9),
            (0xa8, 0xb0, 0xbc),
        ],
        labels: [
            (0xf0, 0xb0, 0x28),
            (0x4a, 0xd0, 0xa8),
            (0xe8, 0xa8, 0xcc),
            (0x74, 0xc4, 0xf0),
            (0xc0, 0xc6, 0xd0),
        ],
    };

    /// The colour of an ink.
    #[must_use]
    pub fn colour(&self, ink: Ink) -> Rgb {
        match ink {
            Ink::Text => self.text,
            Ink::Muted => self.muted,
            Ink::Grid => self.grid,
            Ink::Axis => self.axis,
            Ink::Paper => self.paper,
            Ink::Shade => self.shade,
            Ink::Series(kind, repeat) => self.shaded(self.series[slot(kind)], repeat),
            Ink::Label(kind, repeat) => self.shaded(self.labels[slot(kind)], repeat),
            Ink::Tint(kind, level) => {
                mix(self.paper, self.colour(Ink::Series(kind, 0)), f64::from(level.min(100)) / 100.0)
            }
            Ink::OnTint(kind, level) => {
                let ground = self.colour(Ink::Tint(kind, level));
                let (dark, bright) = ((0, 0, 0), (255, 255, 255));
                if contrast(dark, ground) >= contrast(bright, ground) { dark } else { bright }
            }
            Ink::Pale(kind, repeat) => mix(self.paper, self.colour(Ink::Series(kind, repeat)), 0.22),
        }
    }

    /// Repeats of a kind move toward the text colour, which only adds contrast.
    fn shaded(&self, colour: Rgb, repeat: usize) -> Rgb {
        mix(colour, self.text, 1.0 - 0.6f64.powi(i32::try_from(repeat.min(4)).unwrap_or(4)))
    }
}

fn slot(kind: Kind) -> usize {
    match kind {
        Kind::Poll => 0,
        Kind::LongPoll => 1,
        Kind::Sse => 2,
        Kind::WebSocket => 3,
        Kind::Other => 4,
    }
}

fn mix(from: Rgb, to: Rgb, share: f64) -> Rgb {
    let one = |a: u8, b: u8| f64::from(b).mul_add(share, f64::from(a) * (1.0 - share)).round() as u8;
    (one(from.0, to.0), one(from.1, to.1), one(from.2, to.2))
}

/// WCAG 2.2 contrast ratio of two colours, 1 to 21.
#[must_use]
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((r, g, b): Rgb) -> f64 {
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 5] = [Kind::Poll, Kind::LongPoll, Kind::Sse, Kind::WebSocket, Kind::Other];

    #[test]
    fn lines_have_3_to_1_and_text_4_5_to_1_on_paper_and_shade() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            for ground in [theme.paper, theme.shade] {
                for ink in [Ink::Text, Ink::Muted] {
                    assert!(contrast(theme.colour(ink), ground) >= 4.5, "{ink:?}");
                }
                assert!(contrast(theme.axis, ground) >= 3.0);
                for kind in KINDS {
                    for repeat in 0..3 {
                        let (line, text) = (Ink::Series(kind, repeat), Ink::Label(kind, repeat));
                        assert!(contrast(theme.colour(line), ground) >= 3.0, "{line:?}");
                        assert!(contrast(theme.colour(text), ground) >= 4.5, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn text_can_be_read_on_pale_bars() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            for kind in KINDS {
                assert!(contrast(theme.text, theme.colour(Ink::Pale(kind, 0))) >= 4.5);
            }
        }
    }

    #[test]
    fn text_can_be_read_on_every_tint() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            for kind in KINDS {
                for level in 0..=100 {
                    let (ground, text) = (Ink::Tint(kind, level), Ink::OnTint(kind, level));
                    assert!(contrast(theme.colour(text), theme.colour(ground)) >= 4.5, "{ground:?}");
                }
            }
        }
    }

    #[test]
    fn contrast_spans_1_to_21() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
        assert!((contrast((213, 94, 0), (255, 255, 255)) - 3.9).abs() < 0.1);
    }
}
