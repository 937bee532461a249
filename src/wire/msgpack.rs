//! MessagePack as [`Node`]s and back: what Ceilometer's udp and tcp publishers send.
//!
//! Read is every form that Python's `msgpack` writes, today's and that of its old versions, which had neither `str8`
//! nor `bin`. Written are the smallest forms, as `msgpack.packb(…, use_bin_type=True)` (1.2.4) does, byte for byte.

use std::borrow::Cow;

use rmp::Marker;
use thiserror::Error;

use crate::model::Node;

/// Containers inside each other: as deep as a JSON line may be, which the value is going to become.
const DEPTH_MAX: usize = 127;
/// Entries that are made room for before they have come: a message may claim more than it has.
const ROOM_MAX: usize = 32;

/// Why bytes are no value that a line could hold.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotMsgpack {
    /// A value claims more bytes than there are.
    #[error("not MessagePack: it ends too early, in the value at byte {0}")]
    Cut(usize),
    /// A value is followed by something.
    #[error("not MessagePack: something follows the value at byte {0}")]
    Followed(usize),
    /// A byte that never begins a value.
    #[error("not MessagePack: 0xc1 begins no value, at byte {0}")]
    Never(usize),
    /// A timestamp, MessagePack's extension -1.
    #[error("a MessagePack timestamp, which Ceilometer does not send, at byte {0}")]
    Timestamp(usize),
    /// Another extension.
    #[error("a MessagePack extension of type {kind}, which is unknown here, at byte {at}")]
    Extension {
        /// Its number.
        kind: i8,
        /// Where it begins, counted from 0.
        at: usize,
    },
    /// Bytes that are no text.
    #[error("bytes that are no UTF-8, at byte {0}")]
    NotText(usize),
    /// A key that is no text.
    #[error("a key that is no text, at byte {0}")]
    Key(usize),
    /// Containers inside each other, too many.
    #[error("nested deeper than {DEPTH_MAX}, at byte {0}")]
    Deep(usize),
}

/// Whether a message that begins with `first` is a map: Ceilometer sends nothing else, and no JSON begins like that.
#[inline]
pub fn is_map(first: u8) -> bool {
    matches!(Marker::from_u8(first), Marker::FixMap(_) | Marker::Map16 | Marker::Map32)
}

/// Reads one value, texts borrowed; nothing may follow it. `bin` is text where it is UTF-8.
///
/// # Errors
/// [`NotMsgpack`] says what and where.
pub fn read(bytes: &[u8]) -> Result<Node<'_>, NotMsgpack> {
    let mut reader = Reader { bytes, at: 0 };
    let node = reader.value(0)?;
    if reader.at < bytes.len() { Err(NotMsgpack::Followed(reader.at)) } else { Ok(node) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Node<'a>, NotMsgpack> {
        let start = self.at;
        let marker = self.marker()?;
        Ok(match marker {
            Marker::Null => Node::Null,
            Marker::True => Node::Bool(true),
            Marker::False => Node::Bool(false),
            Marker::FixPos(number) => Node::Integer(number.into()),
            Marker::FixNeg(number) => Node::Integer(number.into()),
            Marker::U8 => Node::Integer(u8::from_be_bytes(self.take(start)?).into()),
            Marker::U16 => Node::Integer(u16::from_be_bytes(self.take(start)?).into()),
            Marker::U32 => Node::Integer(u32::from_be_bytes(self.take(start)?).into()),
            Marker::U64 => Node::from(u64::from_be_bytes(self.take(start)?)),
            Marker::I8 => Node::Integer(i8::from_be_bytes(self.take(start)?).into()),
            Marker::I16 => Node::Integer(i16::from_be_bytes(self.take(start)?).into()),
            Marker::I32 => Node::Integer(i32::from_be_bytes(self.take(start)?).into()),
            Marker::I64 => Node::Integer(i64::from_be_bytes(self.take(start)?)),
            Marker::F32 => Node::Float(f32::from_be_bytes(self.take(start)?).into()),
            Marker::F64 => Node::Float(f64::from_be_bytes(self.take(start)?)),
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                let length = self.length(marker, start)?;
                let mut items = Vec::with_capacity(self.room(length, depth, start)?);
                for _ in 0..length {
                    items.push(self.value(depth + 1)?);
                }
                Node::List(items)
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                let length = self.length(marker, start)?;
                let mut entries = Vec::with_capacity(self.room(length, depth, start)?);
                for _ in 0..length {
                    let key = self.key()?;
                    entries.push((key, self.value(depth + 1)?));
                }
                Node::Map(entries)
            }
            Marker::Reserved => return Err(NotMsgpack::Never(start)),
            _ => Node::Text(Cow::Borrowed(self.text(marker, start)?)),
        })
    }

    fn key(&mut self) -> Result<Cow<'a, str>, NotMsgpack> {
        let start = self.at;
        let marker = self.marker()?;
        match marker {
            Marker::FixStr(_)
            | Marker::Str8
            | Marker::Str16
            | Marker::Str32
            | Marker::Bin8
            | Marker::Bin16
            | Marker::Bin32 => self.text(marker, start).map(Cow::Borrowed),
            _ => Err(NotMsgpack::Key(start)),
        }
    }

    /// A text, or bytes that are one; everything that is left is an extension.
    fn text(&mut self, marker: Marker, start: usize) -> Result<&'a str, NotMsgpack> {
        if matches!(
            marker,
            Marker::FixExt1 | Marker::FixExt2 | Marker::FixExt4 | Marker::FixExt8 | Marker::FixExt16
        ) {
            return Err(self.extension(start));
        }
        let length = self.length(marker, start)?;
        if matches!(marker, Marker::Ext8 | Marker::Ext16 | Marker::Ext32) {
            return Err(self.extension(start));
        }
        let end = self.at.checked_add(length).ok_or(NotMsgpack::Cut(start))?;
        let bytes = self.bytes.get(self.at..end).ok_or(NotMsgpack::Cut(start))?;
        self.at = end;
        std::str::from_utf8(bytes).map_err(|_| NotMsgpack::NotText(start))
    }

    fn extension(&mut self, start: usize) -> NotMsgpack {
        match self.take(start).map(i8::from_be_bytes) {
            Ok(-1) => NotMsgpack::Timestamp(start),
            Ok(kind) => NotMsgpack::Extension { kind, at: start },
            Err(cut) => cut,
        }
    }

    #[inline]
    fn marker(&mut self) -> Result<Marker, NotMsgpack> {
        let [byte] = self.take(self.at)?;
        Ok(Marker::from_u8(byte))
    }

    /// The next `N` bytes of the value that begins at `start`.
    #[inline]
    fn take<const N: usize>(&mut self, start: usize) -> Result<[u8; N], NotMsgpack> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.first_chunk::<N>().ok_or(NotMsgpack::Cut(start))?;
        self.at += N;
        Ok(*taken)
    }

    /// How many bytes or entries the value has.
    fn length(&mut self, marker: Marker, start: usize) -> Result<usize, NotMsgpack> {
        Ok(match marker {
            Marker::FixStr(length) | Marker::FixArray(length) | Marker::FixMap(length) => length.into(),
            Marker::Str8 | Marker::Bin8 | Marker::Ext8 => u8::from_be_bytes(self.take(start)?).into(),
            Marker::Str16 | Marker::Bin16 | Marker::Ext16 | Marker::Array16 | Marker::Map16 => {
                u16::from_be_bytes(self.take(start)?).into()
            }
            _ => u32::from_be_bytes(self.take(start)?) as usize,
        })
    }

    /// How many entries to make room for in a container of `length` entries at `depth`.
    fn room(&self, length: usize, depth: usize, start: usize) -> Result<usize, NotMsgpack> {
        if depth >= DEPTH_MAX {
            return Err(NotMsgpack::Deep(start));
        }
        // Each entry takes a byte at least.
        if length > self.bytes.len() - self.at {
            Err(NotMsgpack::Cut(start))
        } else {
            Ok(length.min(ROOM_MAX))
        }
    }
}

/// Appends `node`, each value in its smallest form; a float has eight bytes always.
pub fn write(node: &Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Null => out.push(Marker::Null.to_u8()),
        Node::Bool(value) => out.push(if *value { Marker::True } else { Marker::False }.to_u8()),
        Node::Integer(number) => write_integer(*number, out),
        Node::Unsigned(number) => write_unsigned(*number, out),
        Node::Float(number) => put(Marker::F64, number.to_be_bytes(), out),
        Node::Text(text) => write_text(text, out),
        Node::List(items) => {
            match items.len() {
                length @ 0..16 => out.push(Marker::FixArray(length as u8).to_u8()),
                length @ 16..0x1_0000 => put(Marker::Array16, (length as u16).to_be_bytes(), out),
                length => put(Marker::Array32, (length as u32).to_be_bytes(), out),
            }
            items.iter().for_each(|item| write(item, out));
        }
        Node::Map(entries) => {
            write_map_length(entries.len(), out);
            for (key, value) in entries {
                write_text(key, out);
                write(value, out);
            }
        }
    }
}

/// Appends the head of a map; `length` keys, each with its value, are to follow it.
pub fn write_map_length(length: usize, out: &mut Vec<u8>) {
    match length {
        0..16 => out.push(Marker::FixMap(length as u8).to_u8()),
        16..0x1_0000 => put(Marker::Map16, (length as u16).to_be_bytes(), out),
        _ => put(Marker::Map32, (length as u32).to_be_bytes(), out),
    }
}

/// Appends a text.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    match text.len() {
        length @ 0..32 => out.push(Marker::FixStr(length as u8).to_u8()),
        length @ 32..0x100 => put(Marker::Str8, [length as u8], out),
        length @ 0x100..0x1_0000 => put(Marker::Str16, (length as u16).to_be_bytes(), out),
        length => put(Marker::Str32, (length as u32).to_be_bytes(), out),
    }
    out.extend_from_slice(text.as_bytes());
}

fn write_integer(number: i64, out: &mut Vec<u8>) {
    match number {
        0.. => write_unsigned(number.unsigned_abs(), out),
        -32.. => out.push(Marker::FixNeg(number as i8).to_u8()),
        -0x80.. => put(Marker::I8, (number as i8).to_be_bytes(), out),
        -0x8000.. => put(Marker::I16, (number as i16).to_be_bytes(), out),
        -0x8000_0000.. => put(Marker::I32, (number as i32).to_be_bytes(), out),
        _ => put(Marker::I64, number.to_be_bytes(), out),
    }
}

fn write_unsigned(number: u64, out: &mut Vec<u8>) {
    match number {
        0..0x80 => out.push(Marker::FixPos(number as u8).to_u8()),
        0x80..0x100 => put(Marker::U8, [number as u8], out),
        0x100..0x1_0000 => put(Marker::U16, (number as u16).to_be_bytes(), out),
        0x1_0000..0x1_0000_0000 => put(Marker::U32, (number as u32).to_be_bytes(), out),
        _ => put(Marker::U64, number.to_be_bytes(), out),
    }
}

fn put<const N: usize>(marker: Marker, bytes: [u8; N], out: &mut Vec<u8>) {
    out.push(marker.to_u8());
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(node: &Node<'_>) -> String {
        let mut out = Vec::new();
        write(node, &mut out);
        out.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Each pair is what `msgpack.packb(value, use_bin_type=True).hex()` (1.2.4) printed.
    #[test]
    fn values_are_written_as_python_writes_them() {
        for (number, bytes) in [
            (0, "00"),
            (127, "7f"),
            (128, "cc80"),
            (255, "ccff"),
            (256, "cd0100"),
            (65535, "cdffff"),
            (65536, "ce00010000"),
            (4_294_967_295, "ceffffffff"),
            (4_294_967_296, "cf0000000100000000"),
            (-1, "ff"),
            (-32, "e0"),
            (-33, "d0df"),
            (-128, "d080"),
            (-129, "d1ff7f"),
            (-32768, "d18000"),
            (-32769, "d2ffff7fff"),
            (-2_147_483_649, "d3ffffffff7fffffff"),
        ] {
            assert_eq!(hex(&Node::Integer(number)), bytes, "{number}");
        }
        assert_eq!(hex(&Node::Unsigned(u64::MAX)), "cfffffffffffffffff");
        assert_eq!(hex(&Node::Float(1.0)), "cb3ff0000000000000");
        assert_eq!(hex(&Node::from("é")), "a2c3a9");
        for (length, head) in
            [(31, "bf"), (32, "d920"), (255, "d9ff"), (256, "da0100"), (65536, "db00010000")]
        {
            assert!(hex(&Node::from(&*"x".repeat(length))).starts_with(&format!("{head}7878")), "{length}");
        }
        for (length, head) in [(15, "9f"), (16, "dc0010"), (65536, "dd00010000")] {
            assert!(
                hex(&Node::List(vec![Node::Null; length])).starts_with(&format!("{head}c0c0")),
                "{length}"
            );
        }
        let entries = |length| Node::Map(vec![(Cow::Borrowed("k"), Node::Bool(true)); length]);
        for (length, head) in [(15, "8f"), (16, "de0010"), (65536, "df00010000")] {
            assert!(hex(&entries(length)).starts_with(&format!("{head}a16bc3")), "{length}");
        }
    }

    #[test]
    fn old_and_odd_forms_are_read() {
        for (bytes, expected) in [
            (&b"\xda\x00\x01a"[..], Node::from("a")),
            (b"\xdb\x00\x00\x00\x01a", Node::from("a")),
            (b"\xc4\x02\xc3\xa9", Node::from("é")),
            (b"\xc5\x00\x01a", Node::from("a")),
            (b"\xca\x3f\xc0\x00\x00", Node::Float(1.5)),
            (b"\xd3\x00\x00\x00\x00\x00\x00\x00\x05", Node::Integer(5)),
            (b"\xdf\x00\x00\x00\x01\xc4\x01k\xdd\x00\x00\x00\x00", {
                Node::Map(vec![("k".into(), Node::List(Vec::new()))])
            }),
        ] {
            assert_eq!(read(bytes), Ok(expected), "{bytes:02x?}");
        }
        let Ok(Node::Float(number)) = read(b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00") else { panic!("no NaN") };
        assert!(number.is_nan());
    }

    #[test]
    fn what_is_no_value_is_named_with_its_place() {
        for (bytes, expected) in [
            (&b""[..], NotMsgpack::Cut(0)),
            (b"\x81\xa1k", NotMsgpack::Cut(3)),
            (b"\x82\xa1k\xc0", NotMsgpack::Cut(4)),
            (b"\xa5abc", NotMsgpack::Cut(0)),
            (b"\xdb\xff\xff\xff\xffx", NotMsgpack::Cut(0)),
            (b"\xdd\xff\xff\xff\xffx", NotMsgpack::Cut(0)),
            (b"\xdf\xff\xff\xff\xffx", NotMsgpack::Cut(0)),
            (b"\x00\x00", NotMsgpack::Followed(1)),
            (b"\x91\xc1", NotMsgpack::Never(1)),
            (b"\xd6\xff\x00\x00\x00\x00", NotMsgpack::Timestamp(0)),
            (b"\xc7\x0c\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", NotMsgpack::Timestamp(0)),
            (b"\x91\xd4\x05\x00", NotMsgpack::Extension { kind: 5, at: 1 }),
            (b"\xa1\xff", NotMsgpack::NotText(0)),
            (b"\xc4\x01\xff", NotMsgpack::NotText(0)),
            (b"\x81\x01\x02", NotMsgpack::Key(1)),
            (b"\x81\xd4\x05\x00\x00", NotMsgpack::Key(1)),
        ] {
            assert_eq!(read(bytes), Err(expected), "{bytes:02x?}");
        }
        let deep = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert!(read(&deep(DEPTH_MAX)).is_ok());
        assert_eq!(read(&deep(DEPTH_MAX + 1)), Err(NotMsgpack::Deep(DEPTH_MAX)));
        assert_eq!(read(&deep(1_000_000)), Err(NotMsgpack::Deep(DEPTH_MAX)));
    }

    /// Any value but NaN, which equals nothing.
    fn tree() -> impl Strategy<Value = Node<'static>> {
        let text = "[a-zé😀\"\\\\\u{0}]{0,40}";
        let leaf = prop_oneof![
            Just(Node::Null),
            any::<bool>().prop_map(Node::Bool),
            any::<i64>().prop_map(Node::Integer),
            any::<i16>().prop_map(|number| Node::Integer(number.into())),
            any::<u64>().prop_map(Node::from),
            any::<f64>().prop_filter("NaN", |number| !number.is_nan()).prop_map(Node::Float),
            text.prop_map(|text| Node::Text(text.into())),
        ];
        leaf.prop_recursive(4, 40, 20, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..20).prop_map(Node::List),
                proptest::collection::vec((text.prop_map(Cow::Owned), inner), 0..20).prop_map(Node::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(tree in tree()) {
            let mut out = Vec::new();
            write(&tree, &mut out);
            prop_assert_eq!(read(&out), Ok(tree));
        }

        #[test]
        fn a_mutated_message_is_read_or_refused(tree in tree(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut out = Vec::new();
            write(&tree, &mut out);
            let at = at.index(out.len());
            if cut { out.truncate(at) } else { out[at] = byte }
            if let Ok(node) = read(&out) {
                let mut again = Vec::new();
                write(&node, &mut again);
                prop_assert!(again.len() <= out.len() * 2);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
