//! Values as Gnocchi writes them.

use crate::model::{Granularity, NS_PER_SECOND, Timestamp};

/// A time: `2014-01-03T02:02:02+00:00`, with microseconds where there are any.
pub fn time(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}+00:00", text.strip_suffix('Z').map_or(text.as_str(), six_digits))
}

/// Cuts what is finer than a microsecond, which Gnocchi's resources do not keep.
fn six_digits(text: &str) -> &str {
    text.find('.').map_or(text, |point| &text[..text.len().min(point + 7)])
}

/// A length of time as Python writes a timedelta: `0:05:00`, `1 day, 0:00:00`.
pub fn length(of: Granularity) -> String {
    let ns = of.ns();
    let (seconds, rest) = (ns / NS_PER_SECOND, ns % NS_PER_SECOND);
    let (days, seconds) = (seconds / 86_400, seconds % 86_400);
    let mut text = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    text.push_str(&format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if rest != 0 {
        text.push_str(&format!(".{:06}", rest / 1000));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_are_written_as_python_does() {
        let at = |text: &str| time(Timestamp::parse(text.as_bytes()).unwrap());
        assert_eq!(at("2014-01-03T02:02:02Z"), "2014-01-03T02:02:02+00:00");
        assert_eq!(at("2014-01-03T02:02:02.123456789Z"), "2014-01-03T02:02:02.123456+00:00");
        for (seconds, text) in [(300, "0:05:00"), (86_400, "1 day, 0:00:00"), (180_001, "2 days, 2:00:01")] {
            assert_eq!(length(Granularity::from_seconds(seconds).unwrap()), text);
        }
        assert_eq!(length("1.5s".parse().unwrap()), "0:00:01.500000");
    }
}
