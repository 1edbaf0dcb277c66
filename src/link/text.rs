//! A link in one line, as `serve --network` takes it: `fast-4g`, `rtt=100ms,loss=0.01`, or both.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Link, PROFILES};
use crate::units::{format_duration, format_rate, parse_duration, parse_rate};

/// Longest round trip, and slowest rate: the bounds of `[network]` in a scenario file.
const LONGEST_RTT: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 1_000;

impl fmt::Display for Link {
    /// Every number, so that [`Link::from_str`] reads the same link back; the profile is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rtt, jitter) = (format_duration(self.rtt), format_duration(self.jitter));
        write!(f, "rtt={rtt},jitter={jitter},loss={}", self.loss)?;
        for (key, rate) in [("down", self.down), ("up", self.up)] {
            if let Some(rate) = rate {
                write!(f, ",{key}={}", format_rate(rate))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Link {
    type Err = String;

    /// Reads a profile's name, `KEY=VALUE` of `rtt`, `jitter`, `loss`, `down`, `up`, or a name with
    /// some of its numbers changed, parted by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut link = Self::PLAIN;
        for (index, part) in text.split(',').enumerate() {
            match part.split_once('=') {
                None | Some(("profile", _)) if index == 0 => {
                    let name = part.strip_prefix("profile=").unwrap_or(part);
                    link = Self::profile(name).ok_or_else(|| no_profile(name))?;
                }
                Some((key, value)) => link.set(key, value)?,
                None => return Err(format!("\"{part}\" is no KEY=VALUE; a profile's name stands first")),
            }
        }
        if link.jitter > link.most_jitter() {
            let most = format_duration(link.most_jitter());
            return Err(format!(
                "a jitter of {} is more than half the round trip; {most} is the most",
                format_duration(link.jitter)
            ));
        }
        Ok(link)
    }
}

impl Link {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let rate = || match parse_rate(value)? {
            rate if rate < SLOWEST => {
                Err(format!("{value} is too slow; {} is the least", format_rate(SLOWEST)))
            }
            rate => Ok(Some(rate)),
        };
        match key {
            "rtt" => match parse_duration(value)? {
                rtt if rtt <= LONGEST_RTT => self.rtt = rtt,
                _ => {
                    let most = format_duration(LONGEST_RTT);
                    return Err(format!("rtt={value} is too long; {most} is the most"));
                }
            },
            "jitter" => self.jitter = parse_duration(value)?,
            "loss" => match value.parse() {
                Ok(loss) if (0.0..1.0).contains(&loss) => self.loss = loss,
                _ => return Err(format!("loss={value} is no share; write 0 to below 1, like 0.02 for 2 %")),
            },
            "down" => self.down = rate()?,
            "up" => self.up = rate()?,
            _ => return Err(format!("\"{key}\" is unknown; there are rtt, jitter, loss, down and up")),
        }
        Ok(())
    }
}

fn no_profile(name: &str) -> String {
    format!("there is no profile \"{name}\"; there are {}, or write rtt=100ms,loss=0.01", PROFILES.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_profile_numbers_or_both() {
        assert_eq!("3g".parse::<Link>(), Ok(Link::profile("3g").unwrap()));
        let link: Link = "rtt=100ms,jitter=10ms,loss=0.01,down=9Mbit/s,up=1Mbit/s".parse().unwrap();
        assert_eq!((link.rtt, link.jitter), (Duration::from_millis(100), Duration::from_millis(10)));
        assert_eq!((link.loss, link.down, link.up), (0.01, Some(9_000_000), Some(1_000_000)));
        let changed: Link = "dsl,loss=0.5".parse().unwrap();
        assert_eq!(changed, Link { loss: 0.5, ..Link::profile("dsl").unwrap() });
        assert_eq!("profile=dsl,loss=0.5".parse::<Link>(), Ok(changed));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, hint) in [
            ("edge", "there are 3g, slow-4g"),
            ("rtt=100ms,3g", "stands first"),
            ("rtt=100", "did you mean \"100s\""),
            ("rtt=2m", "too long"),
            ("rtt=100ms,jitter=51ms", "50ms is the most"),
            ("loss=1.5", "no share"),
            ("loss=NaN", "no share"),
            ("down=9Mbps", "did you mean \"9Mbit/s\""),
            ("down=0bit/s", "too slow"),
            ("delay=1s", "there are rtt"),
            ("", "there is no profile"),
        ] {
            let said = text.parse::<Link>().unwrap_err();
            assert!(said.contains(hint), "{text:?}: {said}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rtt in 0u64..=60_000_000, jitter in 0u64..30_000_000, loss in 0.0..1.0,
            down in prop::option::of(1_000u64..1_000_000_000_000), up in prop::option::of(1_000u64..1_000_000_000_000),
        ) {
            let us = Duration::from_micros;
            let link = Link { profile: None, rtt: us(rtt), jitter: us(jitter.min(rtt / 2)), loss, down, up };
            prop_assert_eq!(link.to_string().parse::<Link>(), Ok(link));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Link>();
        }
    }
}
