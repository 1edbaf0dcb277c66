//! The feed's laws, and the edges of replay.

use proptest::prelude::*;

use super::*;

const ROOMY: Room = Room { events: usize::MAX, bytes: usize::MAX };

fn feed(keep: usize) -> Feed {
    Feed::new("e1".into(), keep, Arc::default())
}

fn publish(json: &str) -> Publish {
    serde_json::from_str(json).unwrap()
}

fn at(after: u64) -> Position {
    Position { after: Some(after), epoch: None }
}

fn offsets(events: &[Arc<Stored>]) -> Vec<u64> {
    events.iter().map(|event| event.offset).collect()
}

fn filled(count: u64, keep: usize) -> Feed {
    let mut feed = feed(keep);
    for n in 0..count {
        feed.append("t", publish(&format!(r#"{{"data":{n}}}"#)), 0);
    }
    feed
}

#[test]
fn an_event_reads_as_the_contract_writes_it() {
    let mut feed = feed(10);
    feed.append("room-1", publish(r#"{"kind":"message","data":{"text":"hi"}}"#), 1_764_000_000_000_000);
    let replay = feed.replay(&at(0), &Reader::default(), ROOMY, 0);
    assert_eq!(
        replay.events[0].json,
        r#"{"topic":"room-1","offset":1,"at":1764000000000000,"kind":"message","data":{"text":"hi"}}"#
    );
}

#[test]
fn an_event_is_encoded_once_and_its_bytes_are_shared() {
    let feed = filled(3, 10);
    let read = || feed.replay(&at(0), &Reader::default(), ROOMY, 0).events[2].json.clone();
    assert_eq!(read().as_ptr(), read().as_ptr());
    assert_eq!(feed.encodings.load(Relaxed), 3);
}

#[test]
fn positions_that_cannot_be_resumed_are_not_recovered() {
    let feed = filled(10, 4); // keeps 7..=10
    let ask = |position: Position| feed.replay(&position, &Reader::default(), ROOMY, 0);
    for position in [
        at(5),                                                    // 6 is gone
        at(11),                                                   // beyond the head
        at(u64::MAX),                                             // far beyond, without overflow
        Position { after: Some(8), epoch: Some("other".into()) }, // another life
        Position { after: None, epoch: Some("other".into()) },
    ] {
        let replay = ask(position.clone());
        assert!(!replay.recovered && replay.events.is_empty() && !replay.more, "{position:?}");
        assert_eq!((replay.offset, replay.first), (10, 7), "{position:?}");
    }
    for (after, left) in [(6, vec![7, 8, 9, 10]), (9, vec![10]), (10, vec![])] {
        let replay = ask(Position { after: Some(after), epoch: Some("e1".into()) });
        assert!(replay.recovered);
        assert_eq!(offsets(&replay.events), left);
    }
}

#[test]
fn an_empty_feed_starts_at_zero() {
    let replay = feed(4).replay(&at(0), &Reader::default(), ROOMY, 0);
    assert_eq!((replay.offset, replay.first, replay.recovered, replay.more), (0, 1, true, false));
}

#[test]
fn a_repeated_id_is_answered_with_the_first_offset_while_it_is_kept() {
    let mut feed = feed(2);
    let twice = r#"{"data":1,"id":"a"}"#;
    assert_eq!(feed.append("t", publish(twice), 0), Appended { offset: 1, new: true });
    assert_eq!(feed.append("t", publish(twice), 0), Appended { offset: 1, new: false });
    feed.append("t", publish(r#"{"data":2}"#), 0);
    feed.append("t", publish(r#"{"data":3}"#), 0); // pushes offset 1 out
    assert_eq!(feed.append("t", publish(twice), 0), Appended { offset: 4, new: true });
    assert_eq!(feed.ids.len(), 1);
}

#[test]
fn expired_and_own_events_are_passed_over() {
    let mut feed = feed(10);
    feed.append("t", publish(r#"{"data":1,"ttl_ms":5}"#), 1_000);
    feed.append("t", publish(r#"{"data":2,"from":"7"}"#), 1_000);
    feed.append("t", publish(r#"{"data":3}"#), 1_000);
    let seven = Reader { name: Some("7".into()), conflate: false };
    let got = |who: &Reader, now| offsets(&feed.replay(&at(0), who, ROOMY, now).events);
    assert_eq!(got(&seven, 6_000), [1, 3]); // the very moment still counts
    assert_eq!(got(&seven, 6_001), [3]);
    assert_eq!(got(&Reader::default(), 6_001), [2, 3]);
}

#[test]
fn filtered_events_behind_the_last_make_no_more_and_move_the_cursor() {
    let mut feed = filled(1, 10);
    feed.append("t", publish(r#"{"data":2,"from":"7"}"#), 0);
    let seven = Reader { name: Some("7".into()), conflate: false };
    let one = Room { events: 1, bytes: usize::MAX };
    let replay = feed.replay(&at(0), &seven, one, 0);
    assert_eq!((replay.offset, replay.more), (1, false));
    assert_eq!(feed.replay(&at(1), &seven, one, 0).offset, 2);
    let batch = feed.next(feed.enter(&at(0)).cursor, &seven, one, 0).unwrap();
    assert_eq!((batch.cursor.offset, batch.more), (2, false));
    assert_eq!(feed.behind(batch.cursor), 0);
}

#[test]
fn conflation_keeps_the_latest_of_each_key_that_the_reader_would_be_sent() {
    let mut feed = feed(10);
    for json in [
        r#"{"data":1,"key":"A"}"#,
        r#"{"data":2,"key":"B"}"#,
        r#"{"data":3}"#,
        r#"{"data":4,"key":"A"}"#,
        r#"{"data":5,"key":"A","from":"7"}"#,
    ] {
        feed.append("t", publish(json), 0);
    }
    let reader = |name: Option<&str>| Reader { name: name.map(Into::into), conflate: true };
    let got = |who: &Reader, room| {
        let replay = feed.replay(&at(0), who, room, 0);
        (offsets(&replay.events), replay.more)
    };
    assert_eq!(got(&reader(None), ROOMY), (vec![2, 3, 5], false));
    assert_eq!(got(&reader(Some("7")), ROOMY), (vec![2, 3, 4], false));
    assert_eq!(got(&reader(None), Room { events: 2, bytes: usize::MAX }), (vec![2, 3], true));
}

#[test]
fn a_streaming_reader_whose_next_event_is_gone_has_fallen() {
    let mut feed = filled(3, 2);
    let cursor = feed.enter(&at(1)).cursor;
    assert_eq!(feed.behind(cursor), 2 * feed.events[0].json.len() as u64);
    assert!(feed.next(cursor, &Reader::default(), ROOMY, 0).is_ok());
    feed.append("t", publish(r#"{"data":1}"#), 0);
    assert_eq!(feed.next(cursor, &Reader::default(), ROOMY, 0).unwrap_err(), Lost::Fallen);
}

#[test]
fn a_line_break_between_tokens_does_not_reach_the_stream() {
    let mut feed = feed(1);
    feed.append("t", publish("{\"kind\":\"k\",\"data\":{\n\"a\":\r\n\"x\\ny\"}}"), 0);
    let (frame, built) = feed.events[0].sse("e1");
    assert!(built && !feed.events[0].sse("e1").1);
    let text = std::str::from_utf8(&frame).unwrap();
    assert!(text.starts_with("id: e1:1\nevent: k\ndata: {"), "{text}");
    assert_eq!(text.lines().count(), 4);
    assert!(text.contains(r#""x\ny""#));
}

proptest! {
    /// A reader who follows `offset` gets every event once and in order, whatever the limits and
    /// however publishing interleaves.
    #[test]
    fn following_the_offset_gets_everything_once(
        steps in prop::collection::vec((0u8..4, 1usize..5, 1usize..400), 1..60),
    ) {
        let mut feed = feed(1_000);
        let (mut after, mut got) = (0, Vec::new());
        let mut poll = |feed: &Feed, room| {
            let replay = feed.replay(&at(after), &Reader::default(), room, 0);
            prop_assert!(replay.recovered);
            prop_assert_eq!(replay.more, replay.offset < feed.head());
            after = replay.offset;
            got.extend(offsets(&replay.events));
            Ok(replay.more)
        };
        for (published, events, bytes) in steps {
            for _ in 0..published {
                feed.append("t", publish(r#"{"data":"x"}"#), 0);
            }
            poll(&feed, Room { events, bytes })?;
        }
        while poll(&feed, Room { events: 3, bytes: 200 })? {}
        prop_assert_eq!(got, (1..=feed.head()).collect::<Vec<_>>());
    }

    /// A conflating reader ends with the newest event of every key, in order, none twice.
    #[test]
    fn conflation_never_loses_the_newest(
        steps in prop::collection::vec((0u8..4, any::<bool>(), 1usize..4), 1..80),
    ) {
        let mut feed = feed(1_000);
        let who = Reader { name: None, conflate: true };
        let mut cursor = feed.enter(&at(0)).cursor;
        let mut got: Vec<u64> = Vec::new();
        let mut newest = std::collections::BTreeMap::new();
        for (key, read, events) in steps {
            let offset = feed.append("t", publish(&format!(r#"{{"data":1,"key":"{key}"}}"#)), 0).offset;
            newest.insert(key, offset);
            if read {
                let batch = feed.next(cursor, &who, Room { events, bytes: usize::MAX }, 0).unwrap();
                cursor = batch.cursor;
                got.extend(offsets(&batch.events));
            }
        }
        got.extend(offsets(&feed.next(cursor, &who, ROOMY, 0).unwrap().events));
        prop_assert!(got.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(newest.values().all(|offset| got.contains(offset)));
    }
}
