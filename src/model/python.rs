//! Values as Python prints them: Ceilometer signs, and sometimes stores, what Python's `str` and `repr` give.

use super::Node;

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
    // Rust's shortest form with an exponent: 1.5e16, 1e-7, 0e0.
    let text = format!("{:e}", number.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("{digits}e{sign}{:02}", exponent.abs()).as_bytes());
        return;
    }
    let all = [whole.as_bytes(), fraction.as_bytes()].concat();
    // How many of the digits stand before the point.
    let point = exponent + 1;
    if point <= 0 {
        out.extend(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend(all);
        return;
    }
    let point = point as usize;
    let before = all.len().min(point);
    out.extend_from_slice(&all[..before]);
    out.extend(std::iter::repeat_n(b'0', point - before));
    out.push(b'.');
    if before == all.len() {
        out.push(b'0');
    } else {
        out.extend_from_slice(&all[before..]);
    }
}

/// `float(text)`: a number with white space around it and underscores between its digits, `inf` or `nan` in any case.
///
/// None where Python raises. Digits are ASCII's; Python takes those of every script.
pub fn read_float(text: &str) -> Option<f64> {
    // Python's white space has four separators of ASCII that Unicode's has not.
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\x1c'..='\x1f'));
    if !text.contains('_') {
        return text.parse().ok();
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let between_digits = |at: usize| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    if bytes.iter().enumerate().any(|(at, byte)| *byte == b'_' && !between_digits(at)) {
        return None;
    }
    text.replace('_', "").parse().ok()
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

/// `str.isprintable` of one character, but for what Unicode has not assigned.
fn is_printable(character: char) -> bool {
    let code = character as u32;
    let hidden = matches!(code,
        0..0x20 | 0x7F..=0xA0 | 0xAD | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x1680 | 0x180E
        | 0x2000..=0x200F | 0x2028..=0x202F | 0x205F..=0x206F | 0x3000 | 0xE000..=0xF8FF | 0xFEFF
        | 0xFFF0..=0xFFFB | 0xFFFE..=0xFFFF | 0xE0000..=0xE0FFF | 0xF0000..);
    !hidden
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
