//! The bodies that Ceilometer's http publisher posts: a JSON list of records, or one record, cut into lines.
//!
//! The bytes of a record stay what they are, so that no number is rounded and no key moves. A list that was laid out
//! over several lines loses its line feeds alone.

use std::fmt::Display;

use memchr::{memchr, memchr3};

use crate::model::Timestamp;
use crate::wire::{Decoder, Faults};

/// What the books count a body under that is no list of records.
const NOT_JSON: &str = "not JSON";

/// Cuts a JSON list into its elements, one a line; other bodies into the values that follow each other.
///
/// An element is found by its brackets and quotes and is not checked further: whether it is a record is decided by
/// whoever reads the lines. Each fault leaves an empty line, so that the number of a line is that of its element.
#[derive(Clone, Copy, Debug, Default)]
pub struct Batch;

impl Batch {
    /// One that knows nothing of the bodies before.
    pub fn new() -> Batch {
        Batch
    }
}

impl Decoder for Batch {
    fn decode(&mut self, message: &[u8], _at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        let text = message.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(message);
        let start = skip_space(text, 0);
        let cutter = Cutter { text, lines, faults };
        match text.get(start) {
            None => {}
            Some(b'[') => cutter.list(start + 1),
            Some(_) => cutter.values(start),
        }
    }
}

/// JSON lines (`application/x-ndjson`): passed on as they are, a missing last line feed added.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines;

impl Lines {
    /// One that knows nothing of the bodies before.
    pub fn new() -> Lines {
        Lines
    }
}

impl Decoder for Lines {
    fn decode(&mut self, message: &[u8], _at: Timestamp, lines: &mut Vec<u8>, _faults: &mut dyn Faults) {
        lines.extend_from_slice(message.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(message));
        if lines.last().is_some_and(|last| *last != b'\n') {
            lines.push(b'\n');
        }
    }
}

struct Cutter<'a> {
    text: &'a [u8],
    lines: &'a mut Vec<u8>,
    faults: &'a mut dyn Faults,
}

/// Where a value ends.
enum End {
    /// Before the byte at this index, which is a comma, a bracket that closes what is around, or white space.
    At(usize),
    /// The text ends first.
    Never,
}

impl Cutter<'_> {
    /// The elements from `at`, the byte behind the opening bracket.
    fn list(mut self, mut at: usize) {
        at = skip_space(self.text, at);
        if self.text.get(at) == Some(&b']') {
            return self.nothing_behind(at + 1);
        }
        loop {
            at = skip_space(self.text, at);
            let End::At(end) = element_end(self.text, at) else {
                return self.fault(&"not JSON: the list ends too early");
            };
            match end == at {
                true => self.fault(&"not JSON: an element of the list is missing"),
                false => self.line(at, end),
            }
            match self.text[end] {
                b',' => at = end + 1,
                b']' => return self.nothing_behind(end + 1),
                _ => return self.fault(&"not JSON: a brace closes the list"),
            }
        }
    }

    /// The values from `at`, where the first one starts: an object, or several with white space between.
    fn values(mut self, mut at: usize) {
        while at < self.text.len() {
            let end = match self.text[at] {
                b'{' => match value_end(self.text, at) {
                    End::At(end) => end,
                    End::Never => return self.fault(&"not JSON: the record ends too early"),
                },
                // No record starts like that: its line is for whoever checks lines, and says what is wrong.
                _ => memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |length| at + length),
            };
            self.line(at, end);
            at = skip_space(self.text, end);
        }
    }

    fn nothing_behind(&mut self, at: usize) {
        if skip_space(self.text, at) < self.text.len() {
            self.fault(&"not JSON: something stands behind the list");
        }
    }

    /// The bytes from `start` to `end` as a line. JSON has line feeds as white space only, where a blank means the same.
    fn line(&mut self, start: usize, end: usize) {
        let value = self.text[start..end].trim_ascii_end();
        let Some(first) = memchr(b'\n', value) else {
            self.lines.extend_from_slice(value);
            return self.lines.push(b'\n');
        };
        if has_line_feed_in_text(value) {
            return self.fault(&"not JSON: a line feed in a text");
        }
        let line = self.lines.len() + first;
        self.lines.extend_from_slice(value);
        self.lines[line..].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        self.lines.push(b'\n');
    }

    fn fault(&mut self, why: &dyn Display) {
        self.faults.fault(NOT_JSON, why);
        self.lines.push(b'\n');
    }
}

/// Where the element of a list ends that starts at `at`: before the comma or bracket that is not inside of it.
fn element_end(text: &[u8], mut at: usize) -> End {
    loop {
        match text.get(at) {
            None => return End::Never,
            Some(b',' | b']' | b'}') => return End::At(at),
            Some(b'{' | b'[' | b'"') => match value_end(text, at) {
                End::At(end) => at = end,
                End::Never => return End::Never,
            },
            Some(_) => at += 1,
        }
    }
}

/// One past the container or text that starts at `at`. Counts brackets, whatever they look like: what does not fit
/// together is found by whoever checks the line.
fn value_end(text: &[u8], mut at: usize) -> End {
    let mut depth = 0usize;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match string_end(text, at + 1) {
                Some(end) => at = end,
                None => return End::Never,
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return End::At(at);
        }
    }
    End::Never
}

/// The index of the quote that ends the text whose first byte is at `at`.
fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn has_line_feed_in_text(value: &[u8]) -> bool {
    let mut at = 0;
    while let Some(quote) = value.get(at..).and_then(|rest| memchr(b'"', rest)) {
        let start = at + quote + 1;
        let mut end = start;
        loop {
            match value.get(end..).and_then(|rest| memchr3(b'"', b'\\', b'\n', rest)) {
                None => return false,
                Some(next) => match value[end + next] {
                    b'\n' => return true,
                    b'\\' if value.get(end + next + 1) == Some(&b'\n') => return true,
                    b'\\' => end += next + 2,
                    _ => {
                        at = end + next + 1;
                        break;
                    }
                },
            }
        }
    }
    false
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Default)]
    struct Told(Vec<String>);

    impl Faults for Told {
        fn fault(&mut self, _reason: &'static str, why: &dyn Display) {
            self.0.push(why.to_string());
        }
    }

    fn decoded(decoder: &mut dyn Decoder, body: &[u8]) -> (String, Vec<String>) {
        let (mut lines, mut told) = (Vec::new(), Told::default());
        decoder.decode(body, Timestamp::from_ns(0), &mut lines, &mut told);
        (String::from_utf8_lossy(&lines).into_owned(), told.0)
    }

    fn cut(body: &str) -> String {
        let (lines, told) = decoded(&mut Batch::new(), body.as_bytes());
        assert_eq!(told, [""; 0], "{body}");
        lines
    }

    fn faults(body: &str) -> (String, String) {
        let (lines, told) = decoded(&mut Batch::new(), body.as_bytes());
        (lines, told.join("; "))
    }

    #[test]
    fn a_list_is_cut_into_its_elements_and_their_bytes_stay() {
        assert_eq!(
            cut(r#"[{"v": 1e400}, {"v":18446744073709551616 }]"#),
            "{\"v\": 1e400}\n{\"v\":18446744073709551616 }\n"
        );
        assert_eq!(cut("\u{feff} [ ] \r\n"), "");
        assert_eq!(cut(""), "");
        assert_eq!(cut(r#"[1,"a,]\"",[2,[3]],{"b":"]}"}]"#), "1\n\"a,]\\\"\"\n[2,[3]]\n{\"b\":\"]}\"}\n");
    }

    #[test]
    fn line_feeds_between_tokens_become_blanks() {
        assert_eq!(
            cut("[\n  {\n    \"a\": 1,\r\n    \"b\": \"x y\"\n  }\n]\n"),
            "{     \"a\": 1,\r     \"b\": \"x y\"   }\n"
        );
    }

    #[test]
    fn records_without_a_list_follow_each_other() {
        assert_eq!(cut("{\"a\":1}"), "{\"a\":1}\n");
        assert_eq!(cut("{\"a\":1}\n{\"a\":\n2}{}"), "{\"a\":1}\n{\"a\": 2}\n{}\n");
        // Whoever checks the lines says what is wrong with these.
        assert_eq!(cut("{\"a\":1}\nnonsense [1]\n{}"), "{\"a\":1}\nnonsense [1]\n{}\n");
        assert_eq!(cut("5"), "5\n");
    }

    #[test]
    fn what_is_broken_is_told_and_leaves_an_empty_line() {
        let told = |lines: &str, why: &str| (lines.to_owned(), format!("not JSON: {why}"));
        assert_eq!(faults("[{\"a\":1},{\"a\""), told("{\"a\":1}\n\n", "the list ends too early"));
        assert_eq!(faults("[{\"a\":1}"), told("\n", "the list ends too early"));
        assert_eq!(faults("["), told("\n", "the list ends too early"));
        assert_eq!(faults("[1,,2]"), told("1\n\n2\n", "an element of the list is missing"));
        assert_eq!(faults("[1}"), told("1\n\n", "a brace closes the list"));
        assert_eq!(faults("[1] x"), told("1\n\n", "something stands behind the list"));
        assert_eq!(faults("[\"a\nb\",2]"), told("\n2\n", "a line feed in a text"));
        assert_eq!(faults("[\"a\\\nb\",2]"), told("\n2\n", "a line feed in a text"));
        assert_eq!(faults("{\"a\":1}{"), told("{\"a\":1}\n\n", "the record ends too early"));
    }

    #[test]
    fn json_lines_pass_as_they_are() {
        let lines = |body: &str| decoded(&mut Lines::new(), body.as_bytes()).0;
        assert_eq!(lines("{\"a\":1}\n{broken\n\n{}"), "{\"a\":1}\n{broken\n\n{}\n");
        assert_eq!(lines("\u{feff}{}\n"), "{}\n");
        assert_eq!(lines(""), "");
    }

    /// Any JSON value, some of its white space odd.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[ \n\t]?(null|true|-?[1-9][0-9]{0,29}|0|[0-9]e-?[0-9]{1,3})",
            any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}\n]", items.join(" ,")));
            let pair = (any::<String>(), inner)
                .prop_map(|(key, value)| format!("{}:\r\n{value}", serde_json::to_string(&key).unwrap()));
            let object = proptest::collection::vec(pair, 0..5)
                .prop_map(|pairs| format!("{{ {} }}", pairs.join(",\n")));
            prop_oneof![list, object]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_list_is_cut_where_serde_json_cuts_it(items in proptest::collection::vec(json(), 0..6)) {
            let body = format!("[{}]", items.join(","));
            let expected: Vec<&RawValue> = serde_json::from_str(&body).unwrap();
            let expected: String = expected.iter().map(|raw| raw.get().replace('\n', " ") + "\n").collect();
            prop_assert_eq!(cut(&body), expected);
        }

        #[test]
        fn records_that_follow_each_other_are_cut_where_serde_json_cuts_them(items in proptest::collection::vec(json(), 0..6)) {
            let body: String = items.iter().map(|item| format!("{{\"a\":{item}}}\n")).collect();
            let expected = serde_json::Deserializer::from_str(&body).into_iter::<Box<RawValue>>();
            let expected: String = expected.map(|raw| raw.unwrap().get().replace('\n', " ") + "\n").collect();
            prop_assert_eq!(cut(&body), expected);
        }

        #[test]
        fn no_body_breaks_it_and_every_fault_leaves_an_empty_line(body in "[\\[\\]{}\",:\\\\ \n1a]{0,40}") {
            let (lines, told) = decoded(&mut Batch::new(), body.as_bytes());
            let empty = lines.split_terminator('\n').filter(|line| line.is_empty()).count();
            prop_assert!(lines.is_empty() || lines.ends_with('\n'));
            prop_assert_eq!(empty, told.len());
            // Nothing but white space, brackets and commas around the elements is lost.
            let kept = |text: &str| text.chars().filter(|c| matches!(c, '1' | 'a')).count();
            prop_assert!(!told.is_empty() || kept(&lines) == kept(&body));
        }
    }
}
