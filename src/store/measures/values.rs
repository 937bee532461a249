//! How the values of a chunk are packed, bit for bit.
//!
//! Most telemetry is decimal: counters of bytes and nanoseconds, percentages with two digits. Such values are kept as
//! integers, all in the same number of bits, themselves or their differences. Other doubles are kept as in Gorilla (Pelkonen et al.,
//! 2015): what differs from the value before. Dense columns, written once and read often, are left to pco.

use pco::ChunkConfig;

use super::bits::{
    BitReader, BitWriter, read_byte, read_bytes, read_count, read_signed, unpack, width_of, write_signed,
    write_varint,
};
use super::error::Damaged;

const SAME: u8 = 0;
const DECIMAL: u8 = 1;
const DECIMAL_DIFFERENCES: u8 = 2;
const XOR: u8 = 3;
const RAW: u8 = 4;
const PCO: u8 = 5;

/// Digits behind the point that are looked for; the seventh digit of a measurement is noise.
const DIGITS_MAX: usize = 6;
const POWERS: [f64; DIGITS_MAX + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// Integers up to here are doubles too.
const INTEGER_MAX: i64 = 1 << 53;
/// Below that many values pco's own tables outweigh what it saves.
const PCO_VALUES_MIN: usize = 128;
/// Of twelve: beyond the third each level costs more time than it saves bytes on these columns.
const PCO_LEVEL: usize = 4;

/// Appends `values`, of which there is at least one.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) {
    let first = values[0].to_bits();
    if values.iter().all(|value| value.to_bits() == first) {
        out.push(SAME);
        out.extend_from_slice(&first.to_le_bytes());
    } else if let Some((digits, integers)) = as_integers(values) {
        decimal(digits, &integers, out);
    } else {
        let start = out.len();
        out.push(XOR);
        xor(values, out);
        if out.len() - start > values.len() * 8 {
            out.truncate(start);
            out.push(RAW);
            values.iter().for_each(|value| out.extend_from_slice(&value.to_bits().to_le_bytes()));
        }
    }
}

/// As [`encode`], smaller and several times as slow.
pub(super) fn encode_densely(values: &[f64], out: &mut Vec<u8>) {
    let start = out.len();
    encode(values, out);
    if values.len() < PCO_VALUES_MIN || out[start] == SAME {
        return;
    }
    let config = ChunkConfig::default().with_compression_level(PCO_LEVEL);
    if let Ok(packed) = pco::standalone::simple_compress(values, &config)
        && packed.len() + 4 < out.len() - start
    {
        out.truncate(start);
        out.push(PCO);
        write_varint(out, packed.len() as u64);
        out.extend_from_slice(&packed);
    }
}

/// Reads `count` values, at least one, and appends them to `values`.
pub(super) fn decode(bytes: &mut &[u8], count: usize, values: &mut Vec<f64>) -> Result<(), Damaged> {
    match read_byte(bytes)? {
        SAME => {
            let value = f64::from_bits(read_bits(bytes)?);
            values.extend(std::iter::repeat_n(value, count));
            Ok(())
        }
        tag @ (DECIMAL | DECIMAL_DIFFERENCES) => {
            let power = *POWERS.get(usize::from(read_byte(bytes)?)).ok_or(Damaged("an unknown power"))?;
            let first = read_signed(bytes)?;
            let width = u32::from(read_byte(bytes)?);
            if width > 64 {
                return Err(Damaged("a number of more than 64 bits"));
            }
            if tag == DECIMAL {
                return unpack(bytes, width, count, |rest| {
                    values.push(first.wrapping_add(rest as i64) as f64 / power);
                });
            }
            let lowest = read_signed(bytes)?;
            let mut integer = first;
            values.push(integer as f64 / power);
            unpack(bytes, width, count - 1, |rest| {
                integer = integer.wrapping_add(lowest).wrapping_add(rest as i64);
                values.push(integer as f64 / power);
            })
        }
        XOR => read_xor(bytes, count, values),
        RAW => {
            for _ in 0..count {
                values.push(f64::from_bits(read_bits(bytes)?));
            }
            Ok(())
        }
        PCO => {
            let length = read_count(bytes, count * 16 + 1024)?;
            let packed = read_bytes(bytes, length)?;
            let start = values.len();
            values.resize(start + count, 0.0);
            let progress = pco::standalone::simple_decompress_into(packed, &mut values[start..]);
            match progress {
                Ok(progress) if progress.n_processed == count => Ok(()),
                _ => Err(Damaged("a packed column cannot be unpacked")),
            }
        }
        _ => Err(Damaged("an unknown form of values")),
    }
}

fn read_bits(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    let eight = read_bytes(bytes, 8)?.try_into().map_err(|_| Damaged("a value ends early"))?;
    Ok(u64::from_le_bytes(eight))
}

/// The values as integers over a power of ten, where each is exactly that.
fn as_integers(values: &[f64]) -> Option<(usize, Vec<i64>)> {
    // A few values tell how many digits there are; the others rarely have more.
    let sample = values.len().min(8);
    let mut digits =
        (0..=DIGITS_MAX).find(|d| values[..sample].iter().all(|value| integer(*value, *d).is_some()))?;
    let mut integers = Vec::with_capacity(values.len());
    loop {
        integers.clear();
        integers.extend(values.iter().map_while(|value| integer(*value, digits)));
        match values.get(integers.len()) {
            None => return Some((digits, integers)),
            Some(odd) => digits = (digits + 1..=DIGITS_MAX).find(|d| integer(*odd, *d).is_some())?,
        }
    }
}

#[inline]
fn integer(value: f64, digits: usize) -> Option<i64> {
    let power = POWERS[digits];
    let scaled = value * power;
    // Away from zero by a half and cut: `round` is a call of a function here.
    let integer = (scaled + 0.5f64.copysign(scaled)) as i64;
    let exact = (integer as f64 / power).to_bits() == value.to_bits();
    (exact && (-INTEGER_MAX..=INTEGER_MAX).contains(&integer)).then_some(integer)
}

fn decimal(digits: usize, integers: &[i64], out: &mut Vec<u8>) {
    let range = |low: i64, high: i64| width_of(high.wrapping_sub(low) as u64);
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    for integer in integers {
        (low, high) = (low.min(*integer), high.max(*integer));
    }
    let (mut step_low, mut step_high) = (i64::MAX, i64::MIN);
    for pair in integers.windows(2) {
        let step = pair[1] - pair[0];
        (step_low, step_high) = (step_low.min(step), step_high.max(step));
    }
    let (width, step_width) = (range(low, high), range(step_low, step_high));
    if step_width < width {
        out.extend([DECIMAL_DIFFERENCES, digits as u8]);
        write_signed(out, integers[0]);
        out.push(step_width as u8);
        write_signed(out, step_low);
        let mut writer = BitWriter::new(out);
        integers.windows(2).for_each(|pair| writer.write((pair[1] - pair[0] - step_low) as u64, step_width));
        writer.finish();
    } else {
        out.extend([DECIMAL, digits as u8]);
        write_signed(out, low);
        out.push(width as u8);
        let mut writer = BitWriter::new(out);
        integers.iter().for_each(|integer| writer.write((integer - low) as u64, width));
        writer.finish();
    }
}

/// The first value whole, of each other what differs from the one before: a zero when nothing does; a one and a zero
/// when it fits in the bits that differed last; two ones, how many bits lead, how many differ, and those.
fn xor(values: &[f64], out: &mut Vec<u8>) {
    let mut before = values[0].to_bits();
    out.extend_from_slice(&before.to_le_bytes());
    let mut writer = BitWriter::new(out);
    // Shifts of the bits that differed last; nothing fits before there were some.
    let (mut leading, mut trailing, mut any) = (0, 0, false);
    for value in &values[1..] {
        let bits = value.to_bits();
        let difference = bits ^ before;
        before = bits;
        if difference == 0 {
            writer.write(0, 1);
            continue;
        }
        let (lead, trail) = (difference.leading_zeros(), difference.trailing_zeros());
        if any && lead >= leading && trail >= trailing {
            writer.write(0b01, 2);
        } else {
            (leading, trailing, any) = (lead, trail, true);
            writer.write(0b11, 2);
            writer.write(u64::from(leading), 6);
            writer.write(u64::from(64 - leading - trailing - 1), 6);
        }
        writer.write(difference >> trailing, 64 - leading - trailing);
    }
    writer.finish();
}

fn read_xor(bytes: &mut &[u8], count: usize, values: &mut Vec<f64>) -> Result<(), Damaged> {
    let mut bits = read_bits(bytes)?;
    values.push(f64::from_bits(bits));
    let mut reader = BitReader::new(bytes);
    let (mut width, mut trailing) = (0, 0);
    for _ in 1..count {
        match reader.ones(2)? {
            0 => {}
            ones => {
                if ones == 2 {
                    let leading = reader.read(6)? as u32;
                    width = reader.read(6)? as u32 + 1;
                    trailing =
                        64u32.checked_sub(leading + width).ok_or(Damaged("more than 64 bits differ"))?;
                } else if width == 0 {
                    return Err(Damaged("a value refers to none"));
                }
                bits ^= reader.read(width)? << trailing;
            }
        }
        values.push(f64::from_bits(bits));
    }
    *bytes = reader.rest();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(values: &[f64], encode: fn(&[f64], &mut Vec<u8>)) -> usize {
        let mut bytes = Vec::new();
        encode(values, &mut bytes);
        let length = bytes.len();
        bytes.extend([1, 2, 3]);
        let (mut rest, mut found) = (&bytes[..], Vec::new());
        decode(&mut rest, values.len(), &mut found).unwrap();
        assert_eq!(rest, &[1, 2, 3][..]);
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(values));
        length
    }

    #[test]
    fn counters_and_percentages_cost_what_their_steps_cost() {
        let counter: Vec<f64> = (0..1000).map(|i| 1e15 + f64::from(i * 700 + i % 7 * 10)).collect();
        assert!(there_and_back(&counter, encode) < 1000);
        let percent: Vec<f64> = (0..1000).map(|i| f64::from(i * 7919 % 10_000) / 100.0).collect();
        assert!(there_and_back(&percent, encode) < 1800);
        assert_eq!(there_and_back(&[5.5; 1000], encode), 9);
    }

    #[test]
    fn values_that_are_no_numbers_are_kept_too() {
        let odd =
            [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MIN_POSITIVE, 5e-324];
        there_and_back(&odd, encode);
        there_and_back(&odd.repeat(40), encode_densely);
        there_and_back(&[0.0, -0.0], encode);
    }

    proptest! {
        #[test]
        fn any_bits_are_read_back(bits in proptest::collection::vec(any::<u64>(), 1..100)) {
            let values: Vec<f64> = bits.iter().map(|bits| f64::from_bits(*bits)).collect();
            there_and_back(&values, encode);
        }

        #[test]
        fn decimals_are_read_back(integers in proptest::collection::vec(-1_000_000i64..1_000_000, 1..600), digits in 0usize..8) {
            let power = 10f64.powi(digits as i32);
            let values: Vec<f64> = integers.iter().map(|integer| *integer as f64 / power).collect();
            there_and_back(&values, encode);
            there_and_back(&values, encode_densely);
        }

        #[test]
        fn no_bytes_make_it_panic(form in 0u8..6, bytes in proptest::collection::vec(any::<u8>(), 0..80), count in 1usize..200) {
            let bytes = [&[form], &bytes[..]].concat();
            let _ = decode(&mut &bytes[..], count, &mut Vec::new());
        }

        #[test]
        fn a_changed_byte_of_a_dense_column_does_not_make_it_panic(at in 0usize..2000, change in 1u8..) {
            let values: Vec<f64> = (0..300).map(|i| f64::from(i).sqrt()).collect();
            let mut bytes = Vec::new();
            encode_densely(&values, &mut bytes);
            let at = at % bytes.len();
            bytes[at] ^= change;
            let _ = decode(&mut &bytes[..], values.len(), &mut Vec::new());
        }
    }
}
