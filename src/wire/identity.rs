//! Identities of samples: random, because two hosts must never give the same, and cheap, because each sample has one.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Gives version 4 UUIDs of a generator that is seeded once: the system's random numbers cost more than a sample.
///
/// Blackman & Vigna, xoshiro256++ 1.0 (2019).
#[derive(Clone, Debug)]
pub struct Identities {
    state: [u64; 4],
}

impl Identities {
    /// A generator that starts anywhere.
    pub fn random() -> Identities {
        Identities::new([Uuid::new_v4(), Uuid::new_v4()])
    }

    /// A generator that goes on from `seed`; two seeds must differ.
    fn new(seed: [Uuid; 2]) -> Identities {
        let [(a, b), (c, d)] = seed.map(|half| half.as_u64_pair());
        Identities { state: [a, b, c, d] }
    }

    /// The next identity, written as text into `buffer`.
    pub fn next<'a>(&mut self, buffer: &'a mut [u8; Hyphenated::LENGTH]) -> &'a str {
        let (high, low) = (self.number(), self.number());
        let random = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        uuid::Builder::from_random_bytes(random).into_uuid().hyphenated().encode_lower(buffer)
    }

    fn number(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let number = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn identities_are_uuids_and_never_the_same() {
        let mut identities = Identities::new([Uuid::from_u128(1), Uuid::from_u128(2)]);
        let mut buffer = [0; Hyphenated::LENGTH];
        let all: HashSet<String> = (0..1000).map(|_| identities.next(&mut buffer).to_owned()).collect();
        assert_eq!(all.len(), 1000);
        for one in all {
            assert_eq!(Uuid::parse_str(&one).unwrap().get_version_num(), 4);
        }
    }

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // From the C of the paper with the state 1, 2, 3, 4.
        let mut identities = Identities { state: [1, 2, 3, 4] };
        let numbers: Vec<u64> = (0..4).map(|_| identities.number()).collect();
        assert_eq!(numbers, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }
}
