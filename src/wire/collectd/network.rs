//! The packets of collectd's network plugin: parts, of which each says one thing of the values behind it.
//!
//! The format is that of collectd's wiki ("Binary protocol"): two bytes of type, two of length with these four, both
//! with the high byte first. Numbers in values are 8 bytes, those of gauges with the low byte first.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use super::types::Types;
use super::value::{Identifier, SourceType, Value, ValueWriter};
use crate::base::Secret;
use crate::model::Timestamp;
use crate::wire::sample::{Origin, SampleWriter, Volume, timestamp};
use crate::wire::{Decoder, Faults};

const HOST: u16 = 0x0000;
const TIME: u16 = 0x0001;
const PLUGIN: u16 = 0x0002;
const PLUGIN_INSTANCE: u16 = 0x0003;
const TYPE: u16 = 0x0004;
const TYPE_INSTANCE: u16 = 0x0005;
const VALUES: u16 = 0x0006;
const INTERVAL: u16 = 0x0007;
const TIME_FINE: u16 = 0x0008;
const INTERVAL_FINE: u16 = 0x0009;
const MESSAGE: u16 = 0x0100;
const SIGNATURE: u16 = 0x0200;
const ENCRYPTION: u16 = 0x0210;

/// Fine times count 2^-30 seconds.
const FINE_SHIFT: u32 = 30;

/// The passwords of senders, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users(BTreeMap<String, Secret>);

impl Users {
    /// Reads the form of collectd's `AuthFile`: lines `USER: PASSWORD`, comments with `#`.
    ///
    /// # Errors
    /// The number of the first line that is of another form, counted from 1.
    pub fn parse(text: &str) -> Result<Users, usize> {
        let mut users = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (user, password) = line.split_once(':').ok_or(number + 1)?;
            users.insert(user.trim().to_owned(), Secret::new(password.trim()));
        }
        Ok(Users(users))
    }
}

/// How packets are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Who may send: only what one of them signed is taken then. None takes everything, signed or not.
    pub users: Option<Users>,
    /// What the values of types are called.
    pub types: Types,
    /// Whose the samples are.
    pub origin: Origin,
}

/// Reads packets of collectd's network plugin.
pub struct Network {
    users: Option<Users>,
    types: Types,
    writer: ValueWriter,
}

impl Default for Network {
    fn default() -> Network {
        Network::new(Options::default())
    }
}

impl Network {
    /// A reader of packets.
    pub fn new(options: Options) -> Network {
        let writer = ValueWriter::new(SampleWriter::new(&options.origin, "collectd"));
        Network { users: options.users, types: options.types, writer }
    }

    fn read(
        &mut self,
        packet: &[u8],
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadPacket> {
        let (mut of, mut time) = (Identifier::default(), None);
        let mut signed = self.users.is_none();
        let mut rest = packet;
        while !rest.is_empty() {
            let (kind, part, behind) = read_part(rest).ok_or(BadPacket::Part(rest.len()))?;
            rest = behind;
            match kind {
                SIGNATURE => signed = self.verify(part, rest)?,
                ENCRYPTION => faults.fault("encrypted", &BadPacket::Encrypted),
                _ if !signed => return Err(BadPacket::Unsigned),
                HOST => of.host = text(part)?,
                PLUGIN => of.plugin = text(part)?,
                PLUGIN_INSTANCE => of.plugin_instance = text(part)?,
                TYPE => of.type_name = text(part)?,
                TYPE_INSTANCE => of.type_instance = text(part)?,
                TIME => time = timestamp(i128::from(number(part)?) * 1_000_000_000),
                TIME_FINE => {
                    let fine = i128::from(number(part)?) * 1_000_000_000;
                    time = timestamp((fine + (1 << (FINE_SHIFT - 1))) >> FINE_SHIFT);
                }
                INTERVAL => of.interval = number(part)? as f64,
                INTERVAL_FINE => of.interval = number(part)? as f64 / f64::from(1 << FINE_SHIFT),
                VALUES => {
                    let time = time.unwrap_or(at);
                    let not_finite = self.read_values(part, &of, time, lines)?;
                    faults.skip("not finite", not_finite);
                }
                MESSAGE => faults.skip("collectd notification", 1),
                // Later versions may say more of values; what they say of them now does not change.
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes a part of values; how many of them are not finite.
    fn read_values(
        &mut self,
        part: &[u8],
        of: &Identifier<'_>,
        time: Timestamp,
        lines: &mut Vec<u8>,
    ) -> Result<u64, BadPacket> {
        let (count, rest) = part.split_first_chunk::<2>().ok_or(BadPacket::Values)?;
        let count = usize::from(u16::from_be_bytes(*count));
        if rest.len() != count * 9 {
            return Err(BadPacket::Values);
        }
        if of.plugin.is_empty() || of.type_name.is_empty() {
            return Err(BadPacket::NoName);
        }
        let (types, numbers) = rest.split_at(count);
        let mut not_finite = 0;
        for (index, (kind, number)) in types.iter().zip(numbers.as_chunks::<8>().0).enumerate() {
            let (source_type, volume) = match kind {
                0 => (SourceType::Counter, Volume::Unsigned(u64::from_be_bytes(*number))),
                1 => (SourceType::Gauge, Volume::Float(f64::from_le_bytes(*number))),
                2 => (SourceType::Derive, Volume::Integer(i64::from_be_bytes(*number))),
                3 => (SourceType::Absolute, Volume::Unsigned(u64::from_be_bytes(*number))),
                other => return Err(BadPacket::UnknownType(*other)),
            };
            let mut digits = itoa::Buffer::new();
            let source = match self.types.source(of.type_name, index, count) {
                None if count > 1 => Some(digits.format(index)),
                named => named,
            };
            let value = Value { source, source_type, volume };
            not_finite += u64::from(!self.writer.write(of, &value, time, None, lines));
        }
        Ok(not_finite)
    }

    /// Whether `rest` was signed by a user: a MAC of 32 bytes, then the user's name; it is taken over name and rest.
    fn verify(&self, part: &[u8], rest: &[u8]) -> Result<bool, BadPacket> {
        let Some(Users(users)) = &self.users else { return Ok(true) };
        let (mac, user) = part.split_first_chunk::<32>().ok_or(BadPacket::Signature)?;
        let name = std::str::from_utf8(user).map_err(|_| BadPacket::Signature)?;
        let secret = users.get(name).ok_or(BadPacket::Signature)?;
        let mut expected =
            Hmac::<Sha256>::new_from_slice(secret.bytes()).map_err(|_| BadPacket::Signature)?;
        expected.update(user);
        expected.update(rest);
        expected.verify_slice(mac).map_err(|_| BadPacket::Signature)?;
        Ok(true)
    }
}

impl Decoder for Network {
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.writer.writer.open(message.len());
        if let Err(error) = self.read(message, at, lines, faults) {
            faults.fault(error.reason(), &error);
        }
        self.writer.writer.close(faults);
    }
}

/// The type and bytes of the part that a packet begins with, and what follows it.
fn read_part(packet: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, _) = packet.split_first_chunk::<4>()?;
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let (part, rest) = packet.split_at_checked(length)?;
    Some((kind, part.get(4..)?, rest))
}

fn number(part: &[u8]) -> Result<u64, BadPacket> {
    part.try_into().map(u64::from_be_bytes).map_err(|_| BadPacket::Number)
}

/// A text, which ends in a zero byte.
fn text(part: &[u8]) -> Result<&str, BadPacket> {
    let text = part.strip_suffix(b"\0").ok_or(BadPacket::Text)?;
    std::str::from_utf8(text).map_err(|_| BadPacket::NotUtf8)
}

/// Why a packet, from some part on, cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum BadPacket {
    #[error("no packet of collectd: a part is cut short {0} bytes before the end")]
    Part(usize),
    #[error("no packet of collectd: a number is not 8 bytes long")]
    Number,
    #[error("no packet of collectd: a text has no end")]
    Text,
    #[error("a text is not UTF-8")]
    NotUtf8,
    #[error("no packet of collectd: values are not as many as it says")]
    Values,
    #[error("values without plugin or type")]
    NoName,
    #[error("unknown type {0} of a value; known: 0 to 3")]
    UnknownType(u8),
    #[error("not signed, and only what is signed is taken")]
    Unsigned,
    #[error("the signature is not that of a known user")]
    Signature,
    #[error("encrypted: this program cannot read it; let collectd sign instead (SecurityLevel Sign)")]
    Encrypted,
}

impl BadPacket {
    /// What the books count it under.
    fn reason(self) -> &'static str {
        match self {
            BadPacket::NotUtf8 => "not UTF-8",
            BadPacket::NoName => "missing key",
            BadPacket::UnknownType(_) => "wrong type",
            BadPacket::Unsigned => "not signed",
            BadPacket::Signature => "wrong signature",
            BadPacket::Encrypted => "encrypted",
            _ => "not readable",
        }
    }
}
