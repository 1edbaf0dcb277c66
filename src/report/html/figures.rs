//! Charts in the page: four drawings of each, of which one is shown, and the table behind it.

use maud::{Markup, PreEscaped, html};

use super::super::chart::{self, Entry, Figure, Frame, Theme};
use super::table;

/// The charts, drawn.
pub struct Figures {
    drawn: Vec<(&'static str, Markup)>,
}

impl Figures {
    /// Draws every entry.
    pub fn draw(entries: &[Entry<'_>]) -> anyhow::Result<Self> {
        let one = |entry: &Entry<'_>| {
            Ok(match entry {
                Entry::Drawn(drawn) => (drawn.slug, figure(drawn)?),
                Entry::Missing { slug, why } => {
                    (*slug, html! { p.missing #{ "chart-" (slug) } { "Not drawn: " (why) } })
                }
            })
        };
        Ok(Self { drawn: entries.iter().map(one).collect::<anyhow::Result<_>>()? })
    }

    /// The timeline of one person.
    pub fn person(&self) -> Markup {
        html! { @for (slug, markup) in &self.drawn { @if *slug == "person" { (markup) } } }
    }

    /// All other charts.
    pub fn charts(&self) -> Markup {
        html! { @for (slug, markup) in &self.drawn { @if *slug != "person" { (markup) } } }
    }
}

fn figure(figure: &Figure<'_>) -> anyhow::Result<Markup> {
    let mut drawings = Vec::new();
    for (size, frame) in [("wide", Frame::wide()), ("narrow", Frame::narrow())] {
        for (shade, theme) in [("light", Theme::LIGHT), ("dark", Theme::DARK)] {
            drawings.push((format!("{size} {shade}"), chart::svg(figure, &frame, &theme)?));
        }
    }
    Ok(html! {
        figure #{ "chart-" (figure.slug) } {
            h3 { (figure.title) }
            div.chart {
                @for (class, svg) in &drawings { div class=(class) { (PreEscaped(svg)) } }
            }
            figcaption { (figure.caption) }
            details {
                summary { "The data of this chart" }
                (table(&figure.title, &figure.table.heads, &figure.table.rows))
            }
        }
    })
}
