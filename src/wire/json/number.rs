//! JSON numbers as f64.

/// Powers of ten that an f64 holds exactly and that an exact mantissa may be divided by (Clinger 1990).
const EXACT_POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The double nearest to a JSON number; none when it overflows.
///
/// `text` follows JSON's grammar for numbers (a scan has checked it). Correctly rounded, like Python's `float`.
#[inline]
pub fn read_f64(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (mut mantissa, mut after_point, mut point_seen) = (0u64, 0usize, false);
    // Nineteen digits cannot overflow 64 bits.
    if digits.len() <= 19 {
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                    after_point += usize::from(point_seen);
                }
                b'.' => point_seen = true,
                _ => return slow(text),
            }
        }
        // An integer of up to 64 bits is rounded once, by the conversion; a fraction only when both parts are exact.
        let exact_integer = !point_seen && digits.len() <= 18;
        if exact_integer || (mantissa < 1 << 53 && after_point < EXACT_POWERS.len()) {
            let value = mantissa as f64 / EXACT_POWERS[after_point.min(15)];
            return Some(if negative { -value } else { value });
        }
    }
    slow(text)
}

#[inline(never)]
fn slow(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// Appends the shortest decimal that reads back as `number`; `null` for what JSON cannot write.
pub fn write_f64(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_the_nearest_doubles() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.5",
            "1e3",
            "1E-3",
            "12345678901234567890",
            "9007199254740993",
            "0.1",
            "37.454011884736254",
            "123456789012345678",
            "1.7976931348623157e308",
            "5e-324",
            "1e-400",
            "99999999999999999999999999999999999999999999",
            "0.000000000000000000000000000001",
            "999999999999999.9",
        ] {
            let std: f64 = text.parse().unwrap();
            assert_eq!(read_f64(text.as_bytes()).map(f64::to_bits), Some(std.to_bits()), "{text}");
        }
        assert_eq!(read_f64(b"1e999"), None);
        assert_eq!(read_f64(b"-1e999"), None);
    }

    proptest! {
        #[test]
        fn every_spelling_is_read_as_std_reads_it(text in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?") {
            let std: f64 = text.parse().unwrap();
            prop_assert_eq!(read_f64(text.as_bytes()).map(f64::to_bits), Some(std.to_bits()));
        }

        #[test]
        fn every_double_survives_its_shortest_form(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(read_f64(format!("{value:?}").as_bytes()).map(f64::to_bits), Some(bits));
            }
        }
    }
}
