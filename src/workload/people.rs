//! Names and small talk, so that a timeline reads like a conversation. Plain ASCII, because a
//! payload of exactly N bytes is cut from them.

use crate::random::Dice;

/// First names, in no order that matters.
pub(super) const NAMES: [&str; 32] = [
    "Priya", "Rahul", "Meera", "Arjun", "Sofia", "Liam", "Zoe", "Kabir", "Ananya", "Noah", "Fatima", "Omar",
    "Mina", "Leo", "Ines", "Tom", "Asha", "Vikram", "Nora", "Hugo", "Divya", "Sam", "Lena", "Imran", "Maya",
    "Jonas", "Tara", "Felix", "Rosa", "Dev", "Ella", "Yusuf",
];

const PHRASES: [&str; 40] = [
    "Coming?",
    "The train is late again.",
    "On my way!",
    "Did you see the score?",
    "Chai at five?",
    "Where are you?",
    "Two minutes.",
    "Save me a seat.",
    "It is raining here.",
    "Happy birthday!",
    "Call me when you can.",
    "I forgot my keys.",
    "Lunch?",
    "Look outside, a rainbow!",
    "The lecture moved to room 12.",
    "Who has the notes?",
    "I have the notes.",
    "Thank you!",
    "See you tomorrow.",
    "The cat is on the roof.",
    "Which platform?",
    "Platform three.",
    "Can you hear me?",
    "Good luck with the exam!",
    "It went well, I think.",
    "Pizza or dosa?",
    "Dosa. Always dosa.",
    "My phone is at 2 percent.",
    "Did it arrive?",
    "Not yet.",
    "Yes, just now!",
    "Good morning.",
    "Sorry, wrong chat.",
    "Who is bringing the cake?",
    "I am at the door.",
    "Bus or bike?",
    "The library closes at nine.",
    "Nice photo!",
    "Are we still on for tonight?",
    "Goodnight.",
];

/// The name of the `index`th person; a number follows once the names run out.
pub(super) fn name(index: usize) -> String {
    let round = index / NAMES.len();
    let name = NAMES.get(index % NAMES.len()).copied().unwrap_or("Someone");
    if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) }
}

/// Something a person might say.
pub(super) fn phrase(dice: &mut Dice) -> &'static str {
    dice.pick::<&str>(&PHRASES)
}

/// `{"from":…,"text":…}` of a drawn person and phrase.
pub(super) fn message(dice: &mut Dice) -> String {
    let from = dice.pick::<&str>(&NAMES);
    said(from, phrase(dice))
}

/// Bytes of what [`message`] writes with the same dice.
pub(super) fn message_size(dice: &mut Dice) -> usize {
    let from = dice.pick::<&str>(&NAMES).len();
    r#"{"from":"","text":""}"#.len() + from + phrase(dice).len()
}

/// `{"from":…,"text":…}`.
pub(super) fn said(from: &str, text: &str) -> String {
    format!(r#"{{"from":"{from}","text":"{text}"}}"#)
}

/// A message whose JSON is exactly `bytes` long, at least [`super::MIN_PAYLOAD`]: phrases, cut to fit.
pub(super) fn message_of(dice: &mut Dice, bytes: usize) -> String {
    let from = format!(r#"{{"from":"{}","text":""#, dice.pick(&NAMES));
    let tail = r#""}"#;
    // A name needs room for some words beside it.
    let mut json = if bytes >= from.len() + tail.len() + 8 { from } else { r#"{"text":""#.to_owned() };
    let room = bytes.saturating_sub(json.len() + tail.len());
    let mut text = String::with_capacity(room + 32);
    while text.len() < room {
        text.push_str(phrase(dice));
        text.push(' ');
    }
    text.truncate(room);
    json.push_str(&text);
    json.push_str(tail);
    json
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::workload::MIN_PAYLOAD;

    #[test]
    fn the_words_need_no_escapes() {
        for text in PHRASES.iter().chain(&NAMES) {
            assert!(
                text.is_ascii() && !text.contains(['"', '\\']) && !text.contains(char::is_control),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_sized_message_has_that_size_and_is_json(bytes in MIN_PAYLOAD..2_000, seed: u64) {
            let data = message_of(&mut Dice::new(seed, &[]), bytes);
            prop_assert_eq!(data.len(), bytes);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&data).unwrap()["text"].is_string());
        }
    }
}
