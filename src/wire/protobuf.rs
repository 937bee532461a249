//! Protocol Buffers, read field by field and borrowed from their bytes: nothing is built that a small message could make
//! large.
//!
//! The encoding is that of protobuf.dev/programming-guides/encoding.

use thiserror::Error;

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Value<'a> {
    /// The bytes of a text or message; none for a number.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A text, if it is one in UTF-8.
    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// A double.
    pub(super) fn double(self) -> Option<f64> {
        match self {
            Value::Fixed64(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// Any number of the kinds int64, uint64, fixed64, sfixed64, bool and enum, as its bits.
    pub(super) fn integer(self) -> Option<u64> {
        match self {
            Value::Varint(bits) | Value::Fixed64(bits) => Some(bits),
            Value::Fixed32(bits) => Some(bits.into()),
            Value::Bytes(_) => None,
        }
    }
}

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no protobuf message: it is broken {0} bytes before its end")]
pub(super) struct Broken(usize);

/// The fields of a message in their order, by their numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Broken> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let broken = Broken(self.0.len());
        let key = self.varint().ok_or(broken)?;
        let value = match key & 7 {
            0 => self.varint().map(Value::Varint),
            1 => self
                .take(8)
                .and_then(|bytes| Some(Value::Fixed64(u64::from_le_bytes(bytes.try_into().ok()?)))),
            2 => {
                let length = self.varint().and_then(|length| usize::try_from(length).ok());
                length.and_then(|length| self.take(length)).map(Value::Bytes)
            }
            5 => self
                .take(4)
                .and_then(|bytes| Some(Value::Fixed32(u32::from_le_bytes(bytes.try_into().ok()?)))),
            // Groups were given up before any of our messages was made.
            _ => None,
        };
        value.map(|value| Some((key >> 3, value))).ok_or(broken)
    }

    /// Calls `each` with every field.
    pub(super) fn each(mut self, mut each: impl FnMut(u64, Value<'a>)) -> Result<(), Broken> {
        while let Some((number, value)) = self.next()? {
            each(number, value);
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for (index, &byte) in self.0.iter().enumerate().take(10) {
            number |= u64::from(byte & 0x7F) << (7 * index);
            if byte < 0x80 {
                self.0 = &self.0[index + 1..];
                // The tenth byte has one bit left.
                return (index < 9 || byte < 2).then_some(number);
            }
        }
        None
    }
}

/// The numbers of a packed field of doubles or fixed64, or the one number of an unpacked one, as their bits.
pub(super) fn packed_fixed64(value: Value<'_>, numbers: &mut Vec<u64>) {
    match value {
        Value::Fixed64(bits) => numbers.push(bits),
        Value::Bytes(bytes) => {
            let words =
                bytes.chunks_exact(8).filter_map(|word| Some(u64::from_le_bytes(word.try_into().ok()?)));
            numbers.extend(words);
        }
        _ => {}
    }
}
