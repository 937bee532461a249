//! The secret of a store, without which nobody can make bytes that pass for a frame or a block of it.
//!
//! Who may post measures chooses the bytes of their values, and they stand in frames and blocks as they are: a whole frame of another metric can be among
//! them. So what a search for the next frame goes by, the mark and the check, is made with 16 random bytes that the store alone knows.

use std::fmt;
use std::hash::Hasher;

use rusqlite::Connection;
use siphasher::sip::SipHasher24;

use super::MeasuresError;

/// What is sealed: a seal of one is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    /// A frame of a journal.
    Frame = 1,
    /// A block of a segment.
    Block = 2,
}

/// Bytes of a mark: what a search looks for.
pub(super) const MARK_BYTES: usize = 4;
/// Bytes of a seal.
pub(super) const SEAL_BYTES: usize = 8;

/// The secret of a store, and the marks that follow from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Salt {
    key: [u8; 16],
    frame_mark: [u8; MARK_BYTES],
    block_mark: [u8; MARK_BYTES],
}

impl Salt {
    /// That of the store.
    ///
    /// # Errors
    /// When the index cannot be read, or has none.
    pub(super) fn read(connection: &Connection) -> Result<Salt, MeasuresError> {
        Ok(Salt::new(connection.query_row("SELECT salt FROM journal", [], |row| row.get(0))?))
    }

    /// Of these bytes.
    pub(super) fn new(key: [u8; 16]) -> Salt {
        let mark = |of: Sealed| {
            let bytes = hash(&key, &[of as u8]).to_le_bytes();
            [bytes[0], bytes[1], bytes[2], bytes[3]]
        };
        Salt { key, frame_mark: mark(Sealed::Frame), block_mark: mark(Sealed::Block) }
    }

    /// How each of them begins.
    pub(super) fn mark(&self, of: Sealed) -> [u8; MARK_BYTES] {
        match of {
            Sealed::Frame => self.frame_mark,
            Sealed::Block => self.block_mark,
        }
    }

    /// The seal of `payload`, of which the header says these two numbers.
    ///
    /// SipHash-2-4 of the CRC-32 of the payload: a change by chance is noticed as CRC-32 notices it, and to whoever does not know the secret each
    /// of the 2^64 seals is as likely. That the CRC is no secret, and linear, helps nobody who sees no seal.
    pub(super) fn seal(&self, of: Sealed, numbers: [u32; 2], payload: &[u8]) -> [u8; SEAL_BYTES] {
        let mut message = [0; 13];
        message[0] = of as u8;
        message[1..5].copy_from_slice(&numbers[0].to_le_bytes());
        message[5..9].copy_from_slice(&numbers[1].to_le_bytes());
        message[9..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
        hash(&self.key, &message).to_le_bytes()
    }
}

fn hash(key: &[u8; 16], message: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(message);
    hasher.finish()
}

impl fmt::Debug for Salt {
    /// Says nothing of the secret: it would be in a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Salt")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_its_authors() {
        // Aumasson & Bernstein (2012), appendix A: key 00 to 0f, message 00 to 0e.
        let bytes: Vec<u8> = (0..16).collect();
        let key: [u8; 16] = bytes[..].try_into().unwrap();
        assert_eq!(hash(&key, &bytes[..15]), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn a_seal_differs_with_the_secret_and_with_each_part_of_what_is_sealed() {
        let salt = Salt::new([1; 16]);
        let seals = [
            salt.seal(Sealed::Frame, [3, 1], b"abc"),
            salt.seal(Sealed::Block, [3, 1], b"abc"),
            salt.seal(Sealed::Frame, [1, 3], b"abc"),
            salt.seal(Sealed::Frame, [3, 1], b"abd"),
            Salt::new([2; 16]).seal(Sealed::Frame, [3, 1], b"abc"),
        ];
        for (place, seal) in seals.iter().enumerate() {
            assert!(!seals[..place].contains(seal), "{place}");
        }
        assert_ne!(salt.mark(Sealed::Frame), salt.mark(Sealed::Block));
    }
}
