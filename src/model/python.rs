//! Values as Python prints them: Ceilometer signs, and sometimes stores, what Python's `str` and `repr` give.

use std::borrow::Cow;

use super::Node;
use super::printable::is_printable;

/// Appends `str(node)`: a text bare, everything else as [`write_repr`].
pub fn write_str(node: &Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Text(text) => out.extend_from_slice(text.as_bytes()),
        other => write_repr(other, out),
    }
}

/// Appends `repr(node)`: `None`, `True`, `1e-07`, `'it'`, `['a', {'k': 1.0}]`.
pub fn write_repr(node: &Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Null => out.extend(b"None"),
        Node::Bool(value) => out.extend(if *value { &b"True"[..] } else { b"False" }),
        Node::Integer(number) => out.extend(itoa::Buffer::new().format(*number).as_bytes()),
        Node::Unsigned(number) => out.extend(itoa::Buffer::new().format(*number).as_bytes()),
        Node::Float(number) => write_float(*number, out),
        Node::Text(text) => write_text_repr(text, out),
        Node::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write_repr(item, out);
            }
            out.push(b']');
        }
        Node::Map(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                separate(index, out);
                write_text_repr(key, out);
                out.extend(b": ");
                write_repr(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends `repr(number)`: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16 on.
pub fn write_float(number: f64, out: &mut Vec<u8>) {
    if number.is_nan() {
        out.extend(b"nan");
        return;
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    if number.is_infinite() {
        out.extend(b"inf");
        return;
    }
    // Of two shortest forms that are equally near Python takes the even one, and so does zmij; std does not.
    let mut buffer = zmij::Buffer::new();
    let (digits, point) = digits_and_point(buffer.format_finite(number.abs()).as_bytes());
    let digits = &digits.0[..digits.1];
    // The exponent of the first digit.
    let exponent = point - 1;
    if !(-4..16).contains(&exponent) {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let sign = if exponent < 0 { "e-" } else { "e+" };
        out.extend_from_slice(sign.as_bytes());
        if exponent.abs() < 10 {
            out.push(b'0');
        }
        out.extend_from_slice(itoa::Buffer::new().format(exponent.abs()).as_bytes());
        return;
    }
    if point <= 0 {
        out.extend(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend_from_slice(digits);
        return;
    }
    let point = point as usize;
    let before = digits.len().min(point);
    out.extend_from_slice(&digits[..before]);
    out.extend(std::iter::repeat_n(b'0', point - before));
    out.push(b'.');
    if before == digits.len() {
        out.push(b'0');
    } else {
        out.extend_from_slice(&digits[before..]);
    }
}

/// The significant digits of a decimal such as `12.5`, `0.003` or `1.5e-7`, how many they are, and how many of them
/// stand before the point (none or less than none for a fraction).
fn digits_and_point(decimal: &[u8]) -> (([u8; 20], usize), i32) {
    let (mut digits, mut length) = ([b'0'; 20], 0);
    let (mut point, mut behind_point) = (0, false);
    let mut rest = decimal.iter();
    for byte in rest.by_ref() {
        match byte {
            b'.' => behind_point = true,
            b'e' => break,
            // Zeros before the first other digit only move the point.
            b'0' if length == 0 => point -= i32::from(behind_point),
            digit => {
                if let Some(place) = digits.get_mut(length) {
                    *place = *digit;
                    length += 1;
                }
                point += i32::from(!behind_point);
            }
        }
    }
    let exponent = std::str::from_utf8(rest.as_slice()).unwrap_or_default();
    point += exponent.parse().unwrap_or(0);
    // Zeros at the end say nothing; zero itself has one digit.
    while length > 1 && digits[length - 1] == b'0' {
        length -= 1;
    }
    if length == 0 { ((digits, 1), 1) } else { ((digits, length), point) }
}

/// `float(text)`: a number with white space around it and underscores between its digits, `inf` or `nan` in any case.
///
/// None where Python raises. Digits are ASCII's; Python takes those of every script.
pub fn read_float(text: &str) -> Option<f64> {
    numeral(text)?.parse().ok()
}

/// `int(text)`; none where Python raises, or 128 bits do not hold it.
pub fn read_integer(text: &str) -> Option<i128> {
    numeral(text)?.parse().ok()
}

/// The number in a text: a whole one that 64 bits hold stays one, any other is a finite float.
pub fn read_number(text: &str) -> Option<Node<'static>> {
    let numeral = numeral(text)?;
    match numeral.parse() {
        Ok(number) => Some(Node::Integer(number)),
        Err(_) => numeral.parse().ok().filter(|number: &f64| number.is_finite()).map(Node::Float),
    }
}

/// The text without the white space around it and the underscores between its digits; none if others are in it.
fn numeral(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let between_digits = |at: usize| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    let lone = bytes.iter().enumerate().any(|(at, byte)| *byte == b'_' && !between_digits(at));
    (!lone).then(|| Cow::Owned(text.replace('_', "")))
}

/// Appends `repr(text)` of a str.
pub fn write_text_repr(text: &str, out: &mut Vec<u8>) {
    let quote = quote_for(text.as_bytes());
    out.push(quote);
    for character in text.chars() {
        let code = character as u32;
        match character {
            '\\' => out.extend(b"\\\\"),
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            '\t' => out.extend(b"\\t"),
            _ if code == u32::from(quote) => out.extend([b'\\', quote]),
            _ if is_printable(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ if code <= 0xFF => out.extend_from_slice(format!("\\x{code:02x}").as_bytes()),
            _ if code <= 0xFFFF => out.extend_from_slice(format!("\\u{code:04x}").as_bytes()),
            _ => out.extend_from_slice(format!("\\U{code:08x}").as_bytes()),
        }
    }
    out.push(quote);
}

/// Appends `repr(bytes)` of the UTF-8 of a text: `b'caf\xc3\xa9'`.
pub fn write_bytes_repr(bytes: &[u8], out: &mut Vec<u8>) {
    let quote = quote_for(bytes);
    out.extend([b'b', quote]);
    for &byte in bytes {
        match byte {
            b'\\' => out.extend(b"\\\\"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            _ if byte == quote => out.extend([b'\\', quote]),
            0x20..0x7F => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(quote);
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.extend(b", ");
    }
}

/// Python takes double quotes only where that saves escapes.
fn quote_for(text: &[u8]) -> u8 {
    if text.contains(&b'\'') && !text.contains(&b'"') { b'"' } else { b'\'' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repr(json: &str) -> String {
        let mut out = Vec::new();
        write_repr(&serde_json::from_str(json).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_printed_as_python_3_11_prints_them() {
        for (json, python) in [
            ("null", "None"),
            ("[true,false,-1,18446744073709551615]", "[True, False, -1, 18446744073709551615]"),
            (
                "[1.0,1e16,1e15,1e-7,0.0001,0.00012,-0.0]",
                "[1.0, 1e+16, 1000000000000000.0, 1e-07, 0.0001, 0.00012, -0.0]",
            ),
            ("[1.5e300,123456.789,0.1]", "[1.5e+300, 123456.789, 0.1]"),
            (
                r#"["a","it's","\"","it's \"","\\","\n\t\u0001é\u00a0😀"]"#,
                r#"['a', "it's", '"', 'it\'s "', '\\', '\n\t\x01é\xa0😀']"#,
            ),
            (r#"{"k":{"l":[]},"m":{}}"#, "{'k': {'l': []}, 'm': {}}"),
        ] {
            assert_eq!(repr(json), python);
        }
    }

    #[test]
    fn of_two_nearest_shortest_forms_the_even_one_is_taken() {
        for (number, python) in [
            // Exactly 2029084072660192.25.
            (2_029_084_072_660_192.2, "2029084072660192.2"),
            (5e-324, "5e-324"),
            (1e22, "1e+22"),
            (0.0, "0.0"),
            (-0.001, "-0.001"),
        ] {
            let mut out = Vec::new();
            write_float(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), python);
        }
    }

    #[test]
    fn texts_are_numbers_where_python_3_11_says_so() {
        for (text, number) in [
            (" 3 ", Some(3.0)),
            ("\u{2003}1_000.5_5e1_0\n", Some(1_000.55e10)),
            ("+.5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1e400", Some(f64::INFINITY)),
            ("1__0", None),
            ("_1", None),
            ("1_.5", None),
            ("1e_5", None),
            ("\u{1c}3", None),
            ("0x10", None),
            ("two", None),
            ("", None),
        ] {
            assert_eq!(read_float(text), number, "{text:?}");
        }
        assert!(read_float("NaN").is_some_and(f64::is_nan));
        assert_eq!(
            (read_integer(" -1_0\n"), read_integer("1.0"), read_integer("1__0")),
            (Some(-10), None, None)
        );
        for (text, number) in [
            ("1_0 ", Some(Node::Integer(10))),
            ("1e1", Some(Node::Float(10.0))),
            ("18446744073709551616", Some(Node::Float(18_446_744_073_709_551_616.0))),
            ("inf", None),
        ] {
            assert_eq!(read_number(text), number, "{text}");
        }
    }

    #[test]
    fn bytes_are_printed_as_python_3_11_prints_them() {
        for (text, python) in
            [("a", "b'a'"), ("é", r"b'\xc3\xa9'"), ("it's", "b\"it's\""), ("'\"\n\u{7f}", "b'\\'\"\\n\\x7f'")]
        {
            let mut out = Vec::new();
            write_bytes_repr(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), python);
        }
    }
}
