//! The scanner: one pass over a line that checks all of its JSON and notes where the wanted values stand.
//!
//! Safe code, eight bytes at a time inside strings. It accepts what serde_json accepts for one object a line
//! (RFC 8259, UTF-8 aside, which the caller checks a block at a time), and of a duplicate key the last value
//! counts, as in Python's json.

use std::fmt;

use super::keys::{KEYS_MAX, Keys, head};
use super::shape::{FIELDS_MAX, Field};
use super::text::{hex4, unescape};

/// Containers inside each other; the limit of serde_json and of most readers downstream.
const DEPTH_MAX: usize = 127;

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// The key is not in the line.
    Absent,
    /// A string without escapes: its bytes are its text.
    Text,
    /// A string with escapes.
    EscapedText,
    /// A number.
    Number,
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

/// Where a wanted value stands in the line; a string's quotes are left out.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// What it is.
    pub kind: ValueKind,
    start: u32,
    end: u32,
}

impl Slot {
    const ABSENT: Slot = Slot { kind: ValueKind::Absent, start: 0, end: 0 };

    /// The value's bytes in the line that was scanned.
    #[inline]
    pub fn bytes(self, line: &[u8]) -> &[u8] {
        &line[self.start as usize..self.end as usize]
    }
}

/// What a scan found at the start of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A record; the line feed behind it is at `end`.
    Record {
        /// The length of the line.
        end: usize,
    },
    /// White space alone; the line feed behind it is at `end`.
    Blank {
        /// The length of the line.
        end: usize,
    },
}

/// The line is not one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// The byte that cannot stand where it stands, counted from 1.
    pub column: usize,
    /// That byte; a line feed for the end of the line.
    pub byte: u8,
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.byte {
            b'\n' => write!(f, "not JSON: the line ends too early, at column {}", self.column),
            byte if byte.is_ascii_graphic() => {
                write!(f, "not JSON: unexpected '{}' at column {}", byte as char, self.column)
            }
            byte => write!(f, "not JSON: unexpected byte 0x{byte:02x} at column {}", self.column),
        }
    }
}

/// The wanted keys, where the line scanned last has them, and the shape of that line.
#[derive(Clone, Debug)]
pub struct Scanner {
    keys: Keys,
    slots: [Slot; KEYS_MAX],
    fields: Vec<Field>,
}

impl Scanner {
    /// A scanner for `keys`.
    pub fn new(keys: Keys) -> Scanner {
        Scanner { keys, slots: [Slot::ABSENT; KEYS_MAX], fields: vec![Field::NEW; FIELDS_MAX] }
    }

    /// The keys, by number.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where the value of key `number` stands.
    #[inline]
    pub fn slot(&self, number: usize) -> Slot {
        self.slots[number]
    }

    /// Scans the line that `text` starts with. `text` holds a line feed behind it, and may go on after that:
    /// the scan itself finds the end of the line, because no line feed may stand inside JSON on a line.
    ///
    /// # Errors
    /// [`NotJson`] names the first byte that is out of place.
    #[inline]
    pub fn scan(&mut self, text: &[u8]) -> Result<Found, NotJson> {
        debug_assert!(text.last() == Some(&b'\n'));
        self.object(text)
            .map_err(|at| NotJson { column: at + 1, byte: text.get(at).copied().unwrap_or(b'\n') })
    }

    /// All steps give the index after what they took, or that of the byte that stops them.
    #[inline(always)]
    fn object(&mut self, text: &[u8]) -> Result<Found, usize> {
        self.slots[..self.keys.len()].fill(Slot::ABSENT);
        let (mut at, mut field) = (0, 0);
        loop {
            let (value_start, number) = match self.fields.get(field) {
                // White space behind a colon that had none in the line before is not part of the value.
                Some(known) if known.fits(&text[at..]) => {
                    (skip_space(text, at + known.gap_len()), known.number())
                }
                _ => match self.gap(text, at, field)? {
                    Gap::Value { start, number } => (start, number),
                    Gap::End(found) => return Ok(found),
                },
            };
            let (kind, next) = match text[value_start] {
                b'{' | b'[' => self.container(text, value_start, field)?,
                _ => value(text, value_start, 1)?,
            };
            if let Some(number) = number {
                let quote = usize::from(matches!(kind, ValueKind::Text | ValueKind::EscapedText));
                self.slots[number] =
                    Slot { kind, start: (value_start + quote) as u32, end: (next - quote) as u32 };
            }
            (at, field) = (next, field + 1);
        }
    }

    /// What stands between two values, byte by byte: a brace or a comma, a key, a colon. Or the end of the line.
    #[inline(never)]
    fn gap(&mut self, text: &[u8], start: usize, field: usize) -> Result<Gap, usize> {
        let mut at = skip_space(text, start);
        match text[at] {
            b'\n' if field == 0 => return Ok(Gap::End(Found::Blank { end: at })),
            b'{' if field == 0 => {
                at = skip_space(text, at + 1);
                if text[at] == b'}' {
                    return end_of_line(text, at + 1).map(Gap::End);
                }
            }
            b',' if field > 0 => at = skip_space(text, at + 1),
            b'}' if field > 0 => return end_of_line(text, at + 1).map(Gap::End),
            _ => return Err(at),
        }
        if text[at] != b'"' {
            return Err(at);
        }
        let (key_end, number) = self.key(text, at + 1)?;
        let value_start = colon(text, key_end + 1)?;
        if let Some(known) = self.fields.get_mut(field) {
            known.learn_gap(&text[start..value_start], number);
        }
        Ok(Gap::Value { start: value_start, number })
    }

    /// A container as the value of a field: the same one as in the line before, or any other.
    #[inline(always)]
    fn container(&mut self, text: &[u8], at: usize, field: usize) -> Result<(ValueKind, usize), usize> {
        let kind = if text[at] == b'{' { ValueKind::Object } else { ValueKind::Array };
        if let Some(length) = self.fields.get(field).and_then(|known| known.container_len(&text[at..])) {
            return Ok((kind, at + length));
        }
        let (kind, next) = value(text, at, 1)?;
        if let Some(known) = self.fields.get_mut(field) {
            known.learn_container(&text[at..next]);
        }
        Ok((kind, next))
    }

    /// The index of the quote that ends a key, and the key's number if it is wanted.
    #[inline(always)]
    fn key(&self, text: &[u8], start: usize) -> Result<(usize, Option<usize>), usize> {
        let Some(chunk) = text[start..].first_chunk::<8>() else {
            return self.odd_key(text, start);
        };
        // Most keys end in their first eight bytes, which are then the head to look for.
        let word = u64::from_le_bytes(*chunk);
        let hits = specials(word);
        let (end, head) = if hits != 0 {
            let len = hits.trailing_zeros() / 8;
            (start + len as usize, word & !(u64::MAX << (8 * len)))
        } else {
            (special(text, start + 8), word)
        };
        if text[end] != b'"' {
            return self.odd_key(text, start);
        }
        Ok((end, self.keys.find(&text[start..end], head)))
    }

    /// A key with escapes or at the very end of the text.
    #[cold]
    fn odd_key(&self, text: &[u8], start: usize) -> Result<(usize, Option<usize>), usize> {
        let (end, _) = string_end(text, start)?;
        let mut key = Vec::new();
        let named = unescape(&text[start..end], &mut key);
        Ok((end, if named { self.keys.find(&key, head(&key)) } else { None }))
    }
}

/// What follows a value, or starts a line.
enum Gap {
    /// Another value.
    Value { start: usize, number: Option<usize> },
    /// Nothing more.
    End(Found),
}

#[inline]
fn end_of_line(text: &[u8], at: usize) -> Result<Found, usize> {
    let end = skip_space(text, at);
    if text[end] == b'\n' { Ok(Found::Record { end }) } else { Err(end) }
}

#[inline(always)]
fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text[at], b' ' | b'\t' | b'\r') {
        at += 1;
    }
    at
}

/// The index of the value behind a colon.
#[inline(always)]
fn colon(text: &[u8], at: usize) -> Result<usize, usize> {
    let at = skip_space(text, at);
    if text[at] == b':' { Ok(skip_space(text, at + 1)) } else { Err(at) }
}

/// What the value at `at` is, and the index after it.
#[inline(always)]
fn value(text: &[u8], at: usize, depth: usize) -> Result<(ValueKind, usize), usize> {
    match text[at] {
        b'"' => {
            let (end, escaped) = string_end(text, at + 1)?;
            Ok((if escaped { ValueKind::EscapedText } else { ValueKind::Text }, end + 1))
        }
        b'{' => Ok((ValueKind::Object, inner_object(text, at + 1, depth + 1)?)),
        b'[' => Ok((ValueKind::Array, inner_array(text, at + 1, depth + 1)?)),
        b'n' => literal(text, at, b"null", ValueKind::Null),
        b't' => literal(text, at, b"true", ValueKind::True),
        b'f' => literal(text, at, b"false", ValueKind::False),
        _ => Ok((ValueKind::Number, number(text, at)?)),
    }
}

#[inline(always)]
fn literal(text: &[u8], at: usize, word: &[u8], kind: ValueKind) -> Result<(ValueKind, usize), usize> {
    for (offset, byte) in word.iter().enumerate() {
        if text[at + offset] != *byte {
            return Err(at + offset);
        }
    }
    Ok((kind, at + word.len()))
}

/// The rest of an object behind its brace.
fn inner_object(text: &[u8], at: usize, depth: usize) -> Result<usize, usize> {
    let mut at = skip_space(text, at);
    if depth > DEPTH_MAX {
        return Err(at);
    }
    if text[at] == b'}' {
        return Ok(at + 1);
    }
    loop {
        if text[at] != b'"' {
            return Err(at);
        }
        let (key_end, _) = string_end(text, at + 1)?;
        let (_, next) = value(text, colon(text, key_end + 1)?, depth)?;
        at = skip_space(text, next);
        match text[at] {
            b',' => at = skip_space(text, at + 1),
            b'}' => return Ok(at + 1),
            _ => return Err(at),
        }
    }
}

/// The rest of an array behind its bracket.
fn inner_array(text: &[u8], at: usize, depth: usize) -> Result<usize, usize> {
    let mut at = skip_space(text, at);
    if depth > DEPTH_MAX {
        return Err(at);
    }
    if text[at] == b']' {
        return Ok(at + 1);
    }
    loop {
        let (_, next) = value(text, at, depth)?;
        at = skip_space(text, next);
        match text[at] {
            b',' => at = skip_space(text, at + 1),
            b']' => return Ok(at + 1),
            _ => return Err(at),
        }
    }
}

/// The index after a number: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
#[inline(always)]
fn number(text: &[u8], mut at: usize) -> Result<usize, usize> {
    if text[at] == b'-' {
        at += 1;
    }
    match text[at] {
        b'0' => at += 1,
        b'1'..=b'9' => at = digits(text, at),
        _ => return Err(at),
    }
    if text[at] == b'.' {
        let end = digits(text, at + 1);
        if end == at + 1 {
            return Err(end);
        }
        at = end;
    }
    if matches!(text[at], b'e' | b'E') {
        let start = at + 1 + usize::from(matches!(text[at + 1], b'+' | b'-'));
        let end = digits(text, start);
        if end == start {
            return Err(end);
        }
        at = end;
    }
    Ok(at)
}

#[inline(always)]
fn digits(text: &[u8], mut at: usize) -> usize {
    while text[at].is_ascii_digit() {
        at += 1;
    }
    at
}

/// The index of the quote that ends a string, and whether the string has escapes; `at`: behind the first quote.
#[inline(always)]
fn string_end(text: &[u8], at: usize) -> Result<(usize, bool), usize> {
    let at = special(text, at);
    if text[at] == b'"' { Ok((at, false)) } else { escaped_end(text, at) }
}

/// [`string_end`] from the first byte that is neither plain text nor the quote.
#[inline(never)]
fn escaped_end(text: &[u8], mut at: usize) -> Result<(usize, bool), usize> {
    loop {
        match text[at] {
            b'"' => return Ok((at, true)),
            b'\\' => match text[at + 1] {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' if hex4(&text[at + 2..]).is_some() => at += 6,
                _ => return Err(at + 1),
            },
            _ => return Err(at),
        }
        at = special(text, at);
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// The top bit of each byte that is a quote, a backslash or a control character; only the lowest is to be trusted.
///
/// `x - 1` of a byte borrows into its top bit only when it was zero (Mycroft 1987), and `x - 0x20` only when it was
/// a control character. A borrow can spoil bytes above the first hit, never below it.
#[inline(always)]
fn specials(word: u64) -> u64 {
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let control = word.wrapping_sub(ONES * 0x20);
    (quote | backslash | control) & !word & TOPS
}

/// The index of the first quote, backslash or control character; there is one, the line feed at the end.
#[inline(always)]
fn special(text: &[u8], mut at: usize) -> usize {
    if let Some(chunk) = text[at..].first_chunk::<8>() {
        let hits = specials(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    // What is longer than a word is often an identity of 32 or 36 characters: sixteen at a time, which the compiler
    // makes one wide comparison of each.
    while let Some(chunk) = text[at..].first_chunk::<16>() {
        let special = |byte: u8| u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20);
        if chunk.iter().fold(0, |any, &byte| any | special(byte)) != 0 {
            break;
        }
        at += 16;
    }
    while let Some(chunk) = text[at..].first_chunk::<8>() {
        let hits = specials(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while !matches!(text[at], b'"' | b'\\' | 0..0x20) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    fn scanner() -> Scanner {
        Scanner::new(Keys::new(&["name", "volume", "a", ""]).unwrap())
    }

    #[test]
    fn white_space_that_the_line_before_did_not_have_is_no_value() {
        let mut scanner = scanner();
        for text in [&b"{\"name\":1,\"volume\":{}}\n"[..], b"{\"name\":\t 1,\"volume\": {}}\n"] {
            assert_eq!(scanner.scan(text), Ok(Found::Record { end: text.len() - 1 }));
            assert_eq!((scanner.slot(0).bytes(text), scanner.slot(1).bytes(text)), (&b"1"[..], &b"{}"[..]));
        }
    }

    /// What serde_json says of the same line: the last value of each key; none when it is not one object.
    fn reference(line: &[u8]) -> Option<BTreeMap<String, String>> {
        let text = std::str::from_utf8(line).ok()?;
        let tree: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
        Some(tree.into_iter().map(|(key, raw)| (key, raw.get().to_owned())).collect())
    }

    fn agree(line: &[u8]) {
        let mut text = line.to_vec();
        text.push(b'\n');
        let mut fresh = scanner();
        let _ = fresh.scan(&text);
        // A scanner that has seen other lines must say the same.
        let mut scanner = scanner();
        for before in [
            &b"{\"name\":{\"a\":[1]},\"volume\":1.5e3,\"a\":\"x\"}\n"[..],
            b"{\"a\":",
            b"{\"name\": 1}\n",
            &text,
        ] {
            let mut before = before.to_vec();
            before.push(b'\n');
            let _ = scanner.scan(&before);
        }
        let found = scanner.scan(&text);
        assert_eq!(found, fresh.scan(&text));
        for number in 0..scanner.keys().len() {
            let (ours, theirs) = (scanner.slot(number), fresh.slot(number));
            assert!(found.is_err() || (ours.kind == theirs.kind && ours.bytes(&text) == theirs.bytes(&text)));
        }
        if std::str::from_utf8(line).is_err() {
            return;
        }
        let blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        match (reference(line), found) {
            (Some(tree), Ok(Found::Record { end })) => {
                assert_eq!(end, line.len());
                for (number, key) in scanner.keys().names().iter().enumerate() {
                    let slot = scanner.slot(number);
                    let ours = match slot.kind {
                        ValueKind::Absent => None,
                        ValueKind::Text | ValueKind::EscapedText => {
                            Some(format!("\"{}\"", String::from_utf8_lossy(slot.bytes(&text))))
                        }
                        _ => Some(String::from_utf8_lossy(slot.bytes(&text)).into_owned()),
                    };
                    assert_eq!(ours.as_ref(), tree.get(key), "{key} in {}", String::from_utf8_lossy(line));
                }
            }
            (_, Ok(Found::Blank { .. })) => assert!(blank),
            // serde_json checks that escapes name text only where it builds the text, which is for keys.
            (None, Ok(Found::Record { .. })) => {
                assert!(line.windows(3).any(|w| w[..2] == *b"\\u" && matches!(w[2], b'd' | b'D')))
            }
            (None, Err(_)) => {}
            (Some(_), Err(error)) => panic!("{error}: {}", String::from_utf8_lossy(line)),
        }
    }

    #[test]
    fn hostile_lines_are_told_as_serde_json_tells_them() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        for line in [
            "",
            "  ",
            "{}",
            "{",
            "}",
            "[]",
            "1",
            "null",
            "{}x",
            "{}{}",
            " { } ",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\" : 1 , \"name\" : \"x\" }",
            "{\"a\":1 \"b\":2}",
            "{\"a\":01}",
            "{\"a\":-}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":1e}",
            "{\"a\":1e+}",
            "{\"a\":1E-7}",
            "{\"a\":-0.0e0}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":tru}",
            "{\"a\":nulll}",
            "{\"a\":truefalse}",
            "{\"a\":\"x}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\u{7f}é\"}",
            "{\"a\":{\"b\":[1,2}}",
            "{\"a\":[1,]}",
            "{\"a\":[,1]}",
            "{\"a\":{\"b\"}}",
            "{\"a\":{1:2}}",
            "{\"a\":{}}",
            "{\"a\":[]}",
            "{\"a\":[{}, [ ], \"]\", null]}",
            "{\"\":1}",
            "{\"n\\u0061me\":7,\"volume\":8}",
            "{\"a\":1,\"a\":{\"name\":2}}",
            "{\"x\":\"\\\"name\\\":1\",\"name\":\"y\\\\\"}",
            "{'a':1}",
            "{\"a\":1}//",
            "{\"volume\":12345678901234567890123}",
            "{\"a\":\"\\",
            "{\"a\":\"\\u",
            "{\"a\":\"\\u1",
            "{\"a\":-",
            "{\"a\":1e",
            "{\"a\":t",
            "{\"\\ud800\":1}",
            "{\"a\":\"\\ud800\"}",
        ] {
            agree(line.as_bytes());
        }
        for (depth, taken) in [(1, true), (126, true), (127, false), (100_000, false)] {
            let line = deep(depth);
            let theirs = serde_json::from_str::<Value>(&line).is_ok();
            assert_eq!(
                (scanner().scan(format!("{line}\n").as_bytes()).is_ok(), theirs),
                (taken, taken),
                "{depth}"
            );
        }
    }

    #[test]
    fn the_message_names_the_byte_and_its_column() {
        let say = |line: &str| scanner().scan(format!("{line}\n").as_bytes()).unwrap_err().to_string();
        assert_eq!(say("{\"a\":1;}"), "not JSON: unexpected ';' at column 7");
        assert_eq!(say("{\"a\":1"), "not JSON: the line ends too early, at column 7");
        assert_eq!(say("{\"a\":\"\u{1}\"}"), "not JSON: unexpected byte 0x01 at column 7");
    }

    #[test]
    fn the_next_line_is_not_touched() {
        let text = b"{\"name\":\"a\"}\r\n{\"name\":\"b\"}\n";
        let mut scanner = scanner();
        assert_eq!(scanner.scan(text), Ok(Found::Record { end: 13 }));
        assert_eq!(scanner.slot(0).bytes(text), b"a");
        assert_eq!(scanner.scan(&text[14..]), Ok(Found::Record { end: 12 }));
        assert_eq!(scanner.slot(0).bytes(&text[14..]), b"b");
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z\"\\\\\u{0}-\u{1f}é😀{}\\[\\]:, ]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("(name|volume|a|[a-z\"\\\\]{0,9})", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_tree_is_scanned_as_serde_json_reads_it(tree in tree()) {
            agree(serde_json::to_string(&tree).unwrap().as_bytes());
            agree(format!("{{\"name\": {tree:#}, \"a\" :{tree}}}").replace('\n', " ").as_bytes());
        }

        #[test]
        fn a_mutated_line_is_told_as_serde_json_tells_it(tree in tree(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut line = format!("{{\"name\":{tree},\"volume\":1.5e3,\"a\":\"x\\u00e9\"}}").into_bytes();
            let at = at.index(line.len());
            if cut { line.truncate(at) } else { line[at] = byte }
            line.retain(|byte| *byte != b'\n');
            agree(&line);
        }

        #[test]
        fn bytes_of_the_alphabet_of_json_are_told_as_serde_json_tells_them(line in "[{}\\[\\]:,\"\\\\ntfu0-9eE.+-]{0,24}") {
            agree(line.as_bytes());
            agree(format!("{{\"a\":{line}}}").as_bytes());
        }
    }
}
