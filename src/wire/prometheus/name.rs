//! Names that Prometheus takes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.

use std::borrow::Cow;

/// A meter's name as a metric's: every character that may not stand there is `_`, and a digit in front gets one before
/// it. What is a good name is borrowed.
///
/// Ceilometer 27.0.0 replaces `.` and `-` alone, and the Pushgateway refuses what is left.
pub fn metric_name(name: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let starts_badly = name.chars().next().is_none_or(|c| c.is_ascii_digit());
    if !starts_badly && name.chars().all(fits) {
        return Cow::Borrowed(name);
    }
    let rest = name.chars().map(|c| if fits(c) { c } else { '_' });
    Cow::Owned(starts_badly.then_some('_').into_iter().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_becomes_a_name(text in any::<String>()) {
            let name = metric_name(&text);
            let first = name.bytes().next();
            prop_assert!(first.is_some_and(|c| c.is_ascii_alphabetic() || c == b'_' || c == b':'));
            prop_assert!(name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b':'));
        }
    }

    #[test]
    fn a_name_is_made_of_letters_digits_underscores_and_colons() {
        for (name, expected) in [
            ("cpu", "cpu"),
            ("disk.device.read-bytes", "disk_device_read_bytes"),
            ("a:b/c d", "a:b_c_d"),
            ("1x", "_1x"),
            ("", "_"),
            ("é.x", "__x"),
        ] {
            assert_eq!(metric_name(name), expected);
        }
    }
}
