//! What a connection costs the server while it says nothing: a bar of memory for each transport.

use crate::outcome::Outcome;

use super::super::numbers::{bytes, count, times};
use super::super::titles;
use super::super::ways::Way;
use super::bars::{Row, stack};
use super::shape::Shape;
use super::{Entry, Figure, Table, names};

/// Memory per connection, bytes, where there were enough of them to tell.
fn each(way: &Way<'_>) -> Option<f64> {
    way.t.server.as_ref()?.rss_bytes_per_connection
}

/// The chart; nothing of a run that cannot tell.
pub fn entry<'a>(outcome: &Outcome, all: &[Way<'a>]) -> Option<Entry<'a>> {
    let known: Vec<Way<'a>> = all.iter().filter(|way| each(way).is_some()).cloned().collect();
    let title = title(&known)?;
    let most = known.iter().filter_map(each).fold(1.0, f64::max);
    let row = |way: &Way<'_>| {
        let peak = way.t.connections.peak.map_or_else(|| "–".to_owned(), count);
        vec![way.full(), bytes(each(way).unwrap_or_default()), peak]
    };
    Some(Entry::Drawn(Figure {
        slug: "memory",
        alt: titles::alt("Bars", &format!("the server’s memory per connection by {}", names(&known)), outcome, &title),
        title,
        caption: "The server process at its largest, less what it took before anybody came, over the most connections \
                  there were at one time. The fewer there are, the more of it is not theirs."
            .to_owned(),
        table: Table {
            heads: ["Transport", "Memory per connection", "Connections"].map(str::to_owned).to_vec(),
            rows: known.iter().map(row).collect(),
        },
        draw: Box::new(move |frame| stack(frame, &known, |row, way| bar(row, way, most))),
    }))
}

fn bar(row: &Row, way: &Way<'_>, most: f64) -> Vec<Shape> {
    let value = each(way).unwrap_or_default();
    let mut shapes = row.head(way, "");
    // A sliver stays visible however little it is.
    shapes.extend(row.bar(way, 0.0, ((row.right - row.left) * value / most).max(3.0)));
    shapes.extend(row.foot(&format!("{} per connection", bytes(value)), ""));
    shapes
}

/// “A connection by buffer-128k takes 139 kB of the server’s memory, by buffer-1k 8.7 kB: 16 times as much”.
fn title(known: &[Way<'_>]) -> Option<String> {
    let by_size = |a: &&Way<'_>, b: &&Way<'_>| each(a).unwrap_or(0.0).total_cmp(&each(b).unwrap_or(0.0));
    let (most, least) = (known.iter().max_by(by_size)?, known.iter().min_by(by_size)?);
    let (large, small) = (each(most)?, each(least)?);
    let takes = format!("A connection by {} takes {} of the server’s memory", most.name, bytes(large));
    Some(if known.len() == 1 {
        takes
    } else if large > small * 1.1 {
        format!(
            "{takes}, by {} {}: {} times as much",
            least.name,
            bytes(small),
            times(large / small.max(1.0))
        )
    } else {
        format!("{takes}, and hardly less by any other")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::ways::ways;

    #[test]
    fn memory_is_told_where_it_is_known() {
        let mut outcome = fixture::letters();
        let title = |outcome: &Outcome| {
            let entry = entry(outcome, &ways(outcome))?;
            entry.figure().map(|figure| figure.title.replace('\u{a0}', " "))
        };
        assert_eq!(title(&outcome), None);
        let mut set = |i: usize, bytes: f64| {
            let server = outcome.transports[i].server.get_or_insert_default();
            server.rss_bytes_per_connection = Some(bytes);
            title(&outcome).unwrap()
        };
        assert_eq!(set(0, 24_000.0), "A connection by polling takes 24 kB of the server’s memory");
        assert!(
            set(1, 8_000.0).ends_with("memory, by WebSocket 8 kB: 3 times as much"),
            "{}",
            set(1, 8_000.0)
        );
        assert!(set(1, 23_000.0).ends_with("memory, and hardly less by any other"));
    }
}
