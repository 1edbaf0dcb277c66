//! Every chart of every fixture, at both sizes: no text is cut off, none lies on another.

use super::comparison as comparison_entries;
use super::*;
use crate::report::fixture;
use shape::Anchor;

/// The box of a text, a little smaller than its line so that neighbours may touch.
fn text_box(shape: &Shape) -> Option<(String, [f64; 4])> {
    let Shape::Text { at, text, size, bold, anchor, .. } = shape else { return None };
    let width = font::width(text, *size, *bold);
    let left = match anchor {
        Anchor::Start => at.0,
        Anchor::Middle => at.0 - width / 2.0,
        Anchor::End => at.0 - width,
    };
    Some((text.clone(), [left, at.1 - size * 0.42, left + width, at.1 + size * 0.42]))
}

fn check(name: &str, picture: &Picture) {
    let boxes: Vec<_> =
        picture.shapes.iter().filter_map(text_box).filter(|(text, _)| !text.is_empty()).collect();
    assert!(!boxes.is_empty(), "{name}");
    for (i, (text, a)) in boxes.iter().enumerate() {
        let inside = a[0] >= -0.5 && a[1] >= 0.0 && a[2] <= picture.width + 0.5 && a[3] <= picture.height;
        assert!(inside, "{name}: {text:?} {a:?} leaves {} x {}", picture.width, picture.height);
        for (other, b) in &boxes[i + 1..] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{name}: {text:?} {a:?} lies on {other:?} {b:?}");
        }
    }
}

#[test]
fn no_text_is_cut_off_or_covered() {
    let mut many = fixture::in_between();
    let mut second = many.transports[0].clone();
    second.label = "poll-with-a-rather-long-name-of-its-own".to_owned();
    many.transports.push(second);
    for (name, outcome) in [
        ("letters", fixture::letters()),
        ("in-between", fixture::in_between()),
        ("five", many),
        ("hostile", fixture::hostile()),
    ] {
        for entry in entries(&outcome) {
            let Some(figure) = entry.figure() else { panic!("{name}: a chart is missing") };
            for frame in [Frame::wide(), Frame::narrow()] {
                let picture = figure.picture(&frame);
                let name = format!("{name}, {}, {} points wide", figure.slug, frame.width);
                check(&name, &picture);
                check(&name, &paint::with_title(&figure.title, &frame, picture));
            }
        }
    }
}

#[test]
fn comparisons_fit_however_long_their_names() {
    use crate::report::compare::Comparison;
    let mut third = fixture::in_between();
    third.scenario.name = "a-scenario-with-a-name-that-goes-on-and-on-and-on-and-on".to_owned();
    third.engine = crate::scenario::Engine::Sim;
    for outcomes in
        [vec![fixture::letters(), fixture::in_between(), third], vec![fixture::letters(), fixture::hostile()]]
    {
        let comparison = Comparison::new(outcomes);
        for entry in comparison_entries(&comparison) {
            let Some(figure) = entry.figure() else { panic!("a chart is missing") };
            for frame in [Frame::wide(), Frame::narrow()] {
                let picture = figure.picture(&frame);
                let name = format!("{}, {} points wide", figure.slug, frame.width);
                check(&name, &picture);
                check(&name, &paint::with_title(&figure.title, &frame, picture));
            }
        }
    }
}

#[test]
fn messages_written_together_share_a_label() {
    let mut outcome = fixture::letters();
    for t in &mut outcome.transports {
        let news = &mut t.person.as_mut().unwrap().news;
        news[1].published_ms = news[0].published_ms + 150.0;
    }
    let entries = entries(&outcome);
    let picture = entries[0].figure().unwrap().picture(&Frame::wide());
    check("together", &picture);
    let texts: Vec<String> = picture.shapes.iter().filter_map(text_box).map(|(text, _)| text).collect();
    assert!(texts.iter().any(|text| text == "Priya: “Coming?”"), "{texts:?}");
    assert!(texts.iter().any(|text| text == "3.2\u{a0}s, 13\u{a0}s"), "{texts:?}");
}

#[test]
fn a_crowded_timeline_stays_readable() {
    let mut outcome = fixture::letters();
    for t in &mut outcome.transports {
        let person = t.person.as_mut().unwrap();
        person.received = 46_500;
        person.news = (0..400)
            .map(|i| crate::outcome::News {
                published_ms: f64::from(i) * 50.0,
                received_ms: f64::from(i) * 50.0 + 30.0,
                text: format!("ball {i}"),
            })
            .collect();
    }
    let entries = entries(&outcome);
    let figure = entries[0].figure().unwrap();
    for frame in [Frame::wide(), Frame::narrow()] {
        check("crowded", &figure.picture(&frame));
    }
    let texts = figure.picture(&Frame::wide()).shapes;
    let texts: Vec<String> = texts.iter().filter_map(text_box).map(|(text, _)| text).collect();
    assert!(texts.iter().any(|text| text.ends_with("46,500 messages")), "{texts:?}");
}

#[test]
fn a_timeline_ends_where_what_was_kept_ends_and_counts_all() {
    let mut outcome = fixture::letters();
    let polls = outcome.transports[0].person.as_mut().unwrap();
    (polls.asked, polls.nope) = (3_600, 3_500);
    let entries = entries(&outcome);
    let figure = entries[0].figure().unwrap();
    assert_eq!(
        figure.title,
        "By polling, one person asked 3,600 times and got “Nope” 3,500 times; drawn: the first 15\u{a0}s"
    );
    assert!(figure.caption.contains("Drawn is the first 15\u{a0}s of 20\u{a0}s"), "{}", figure.caption);
    // What was written later was not kept of everybody.
    assert_eq!(figure.table.rows.len(), 1);
    for frame in [Frame::wide(), Frame::narrow()] {
        check("cut", &figure.picture(&frame));
    }
}
