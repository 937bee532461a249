//! Bits and variable-length integers, written and read.

use super::error::Damaged;

const ENDS_EARLY: Damaged = Damaged("a chunk ends early");

/// Appends numbers of any width, lowest bit first.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    buffer: u64,
    filled: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> BitWriter<'a> {
        BitWriter { out, buffer: 0, filled: 0 }
    }

    /// Appends the lowest `width` bits of `value`; the others must be zero. `width`: up to 64.
    #[inline]
    pub(super) fn write(&mut self, value: u64, width: u32) {
        debug_assert!(width <= 64 && (width == 64 || value >> width == 0));
        if width == 0 {
            return;
        }
        self.buffer |= value << self.filled;
        let free = 64 - self.filled;
        if width < free {
            self.filled += width;
            return;
        }
        self.out.extend_from_slice(&self.buffer.to_le_bytes());
        self.buffer = if free == 64 { 0 } else { value >> free };
        self.filled = width - free;
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(self) {
        let bytes = self.filled.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.buffer.to_le_bytes()[..bytes]);
    }
}

/// Reads what [`BitWriter`] wrote.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, position: 0 }
    }

    /// The next `width` bits, up to 64.
    #[inline]
    pub(super) fn read(&mut self, width: u32) -> Result<u64, Damaged> {
        if width == 0 {
            return Ok(0);
        }
        let byte = self.position / 8;
        let shift = (self.position % 8) as u32;
        let end = self.position + width as usize;
        if end > self.bytes.len() * 8 {
            return Err(ENDS_EARLY);
        }
        self.position = end;
        let mut value = word(self.bytes, byte) >> shift;
        if shift + width > 64 {
            value |= u64::from(self.bytes[byte + 8]) << (64 - shift);
        }
        Ok(if width == 64 { value } else { value & ((1 << width) - 1) })
    }

    /// How many ones stand before the next zero, at most `max`; both are taken.
    #[inline]
    pub(super) fn ones(&mut self, max: u32) -> Result<u32, Damaged> {
        let mut count = 0;
        while count < max && self.read(1)? == 1 {
            count += 1;
        }
        Ok(count)
    }

    /// What follows the last byte that was begun.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position.div_ceil(8)..]
    }
}

/// Eight bytes from `at`, zeros beyond the end.
#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    if let Some(eight) = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()) {
        return u64::from_le_bytes(eight);
    }
    let mut eight = [0; 8];
    let tail = bytes.get(at..).unwrap_or_default();
    eight[..tail.len()].copy_from_slice(tail);
    u64::from_le_bytes(eight)
}

/// Numbers of `width` bits each, unpacked `count` times; faster than one by one.
#[inline]
pub(super) fn unpack(
    bytes: &mut &[u8],
    width: u32,
    count: usize,
    mut take: impl FnMut(u64),
) -> Result<(), Damaged> {
    let total = (count * width as usize).div_ceil(8);
    let packed = bytes.get(..total).ok_or(ENDS_EARLY)?;
    if width == 0 {
        (0..count).for_each(|_| take(0));
    } else if width <= 56 {
        let mask = (1u64 << width) - 1;
        let mut position = 0usize;
        for _ in 0..count {
            take((word(packed, position / 8) >> (position % 8)) & mask);
            position += width as usize;
        }
    } else {
        let mut reader = BitReader::new(packed);
        for _ in 0..count {
            take(reader.read(width)?);
        }
    }
    *bytes = &bytes[total..];
    Ok(())
}

/// How many bits `value` needs.
#[inline]
pub(super) fn width_of(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// Small numbers in few bytes (LEB128).
#[inline]
pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// As [`write_varint`], small in both directions.
#[inline]
pub(super) fn write_signed(out: &mut Vec<u8>, value: i64) {
    write_varint(out, zigzag(value));
}

#[inline]
pub(super) fn read_varint(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(ENDS_EARLY)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return if shift == 63 && byte > 1 { Err(Damaged("a number is too long")) } else { Ok(value) };
        }
    }
    Err(Damaged("a number is too long"))
}

#[inline]
pub(super) fn read_signed(bytes: &mut &[u8]) -> Result<i64, Damaged> {
    read_varint(bytes).map(unzigzag)
}

/// As [`read_varint`], for what counts something that is in memory; at most `max`.
pub(super) fn read_count(bytes: &mut &[u8], max: usize) -> Result<usize, Damaged> {
    let count = read_varint(bytes)?;
    usize::try_from(count).ok().filter(|count| *count <= max).ok_or(Damaged("a count is over its limit"))
}

pub(super) fn read_byte(bytes: &mut &[u8]) -> Result<u8, Damaged> {
    let (&byte, rest) = bytes.split_first().ok_or(ENDS_EARLY)?;
    *bytes = rest;
    Ok(byte)
}

pub(super) fn read_bytes<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Damaged> {
    let taken = bytes.get(..length).ok_or(ENDS_EARLY)?;
    *bytes = &bytes[length..];
    Ok(taken)
}

#[inline]
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_read_back(numbers in proptest::collection::vec((any::<u64>(), 0u32..=64), 0..200)) {
            let cut = |value: u64, width: u32| if width == 64 { value } else { value & ((1 << width) - 1) };
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            numbers.iter().for_each(|(value, width)| writer.write(cut(*value, *width), *width));
            writer.finish();
            let mut reader = BitReader::new(&bytes);
            for (value, width) in &numbers {
                prop_assert_eq!(reader.read(*width), Ok(cut(*value, *width)));
            }
            prop_assert!(reader.rest().is_empty());
        }

        #[test]
        fn packed_numbers_are_unpacked(numbers in proptest::collection::vec(any::<u64>(), 0..100), width in 0u32..=64) {
            let cut = |value: u64| if width == 64 { value } else { value & ((1 << width) - 1) };
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            numbers.iter().for_each(|value| writer.write(cut(*value), width));
            writer.finish();
            bytes.push(7);
            let (mut rest, mut found) = (&bytes[..], Vec::new());
            prop_assert_eq!(unpack(&mut rest, width, numbers.len(), |value| found.push(value)), Ok(()));
            prop_assert_eq!(found, numbers.iter().map(|value| cut(*value)).collect::<Vec<_>>());
            prop_assert_eq!(rest, &[7][..]);
        }

        #[test]
        fn integers_are_read_back(value: u64, signed: i64) {
            let mut bytes = Vec::new();
            write_varint(&mut bytes, value);
            write_signed(&mut bytes, signed);
            let mut rest = &bytes[..];
            prop_assert_eq!(read_varint(&mut rest), Ok(value));
            prop_assert_eq!(read_signed(&mut rest), Ok(signed));
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn numbers_that_end_early_or_never_are_damage() {
        assert!(read_varint(&mut &[0x80][..]).is_err());
        assert!(read_varint(&mut &[0xff; 11][..]).is_err());
        assert!(BitReader::new(&[1]).read(9).is_err());
        assert!(unpack(&mut &[1][..], 9, 1, |_| {}).is_err());
    }
}
