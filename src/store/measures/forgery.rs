//! What a tenant would try who chooses the bytes of his values: frames and blocks of other metrics among them.

use std::fs;
use std::path::PathBuf;

use super::chunk::write_points;
use super::frame;
use super::salt::{Salt, Sealed};
use super::segment::{BLOCK_HEADER_BYTES, FILE_HEADER_BYTES};
use super::testing::{Store, arrival, policy};
use super::{Activity, Arrival, Effort, Policies, Wanted};
use crate::store::MetricNumber;

const TENANT: u32 = 0;
const VICTIM: u32 = 2;

fn store() -> Store {
    let mut policies = Policies::default();
    policies.define(1, policy(10_000, &[(60, 0)], &["count"]));
    (0..3).for_each(|number| policies.set(MetricNumber(number), 1));
    Store::new(policies, 30)
}

/// How many points of the victim there are.
fn stolen(store: &Store) -> u64 {
    let policy = store.policies.of(MetricNumber(VICTIM)).unwrap();
    let wanted = [Wanted { metric: MetricNumber(VICTIM), policy }];
    let mut taken = 0;
    let mut snapshot = store.measures.snapshot(&store.connection).unwrap();
    snapshot.activity(&wanted, |_, activity: Activity| taken = activity.taken).unwrap();
    taken
}

/// Points of the tenant whose values are these bytes, and others before and behind them.
fn embedded(bytes: &[u8]) -> Vec<Arrival> {
    // Of no order that could be packed.
    let noise =
        |from: u64| (from..from + 40).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    let padded = bytes.chunks(8).map(|some| {
        let mut eight = [0; 8];
        eight[..some.len()].copy_from_slice(some);
        u64::from_le_bytes(eight)
    });
    let values = noise(1).chain(padded).chain(noise(100));
    values.enumerate().map(|(at, bits)| arrival(TENANT, at as f64, f64::from_bits(bits))).collect()
}

/// A frame with a point of the victim, sealed with this salt.
fn frame(salt: &Salt) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&[arrival(VICTIM, 5.0, 666.0)], salt, &mut bytes);
    bytes
}

/// As it was before there were salts.
fn unsalted_frame() -> Vec<u8> {
    let payload = frame(&Salt::new([0; 16])).split_off(frame::HEADER_BYTES);
    let numbers = [(payload.len() as u32).to_le_bytes(), 1u32.to_le_bytes()].concat();
    let checksum = crc32fast::hash(&[&numbers[..], &payload].concat()).to_le_bytes();
    [&b"\xf7TMf"[..], &numbers, &checksum, &payload].concat()
}

/// A block of a segment with a point of the victim.
fn block(salt: &Salt) -> Vec<u8> {
    let mut points = Vec::new();
    write_points(&[arrival(VICTIM, 5.0, 666.0).point], &mut points);
    let length = (points.len() as u32).to_le_bytes();
    let entries = [&[VICTIM as u8, super::segment::tag::POINTS][..], &length, &points].concat();
    let numbers = [entries.len() as u32, 1];
    let seal = salt.seal(Sealed::Block, numbers, &entries);
    [&salt.mark(Sealed::Block)[..], &numbers[0].to_le_bytes(), &numbers[1].to_le_bytes(), &seal, &entries]
        .concat()
}

fn only_file(store: &Store, folder: &str, ending: &str) -> PathBuf {
    let all = fs::read_dir(store.folder.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|of| of == ending)).collect();
    assert_eq!(all.len(), 1);
    all.pop().unwrap()
}

/// Damages the frame around an embedded one: cut at its end, changed at its beginning, or that and followed by another.
fn stolen_through_a_frame(embed: impl Fn(&Salt) -> Vec<u8>, harm: usize) -> u64 {
    let store = store();
    let embed = embed(&store.measures.salt());
    store.append(&embedded(&embed));
    if harm == 2 {
        store.append(&[arrival(1, 0.0, 1.0)]);
    }
    let path = only_file(&store, "journal", "journal");
    let mut bytes = fs::read(&path).unwrap();
    // As it was sent it stands in the file.
    assert!(bytes.windows(embed.len()).any(|some| some == embed));
    match harm {
        0 => bytes.truncate(bytes.len() - 20),
        _ => bytes[50] ^= 1,
    }
    fs::write(&path, bytes).unwrap();
    let read = stolen(&store);
    // Nor by those who write, repair and maintain.
    store.append(&[arrival(1, 60.0, 1.0)]);
    store.measures.repair(&store.connection, &store.policies).unwrap();
    store.maintain(Effort::Everything);
    assert_eq!(stolen(&store), read);
    read
}

#[test]
fn a_frame_among_the_values_of_a_damaged_one_is_not_taken() {
    for harm in 0..3 {
        assert_eq!(stolen_through_a_frame(|_| unsalted_frame(), harm), 0);
        assert_eq!(stolen_through_a_frame(|_| frame(&Salt::new([0; 16])), harm), 0);
        // The tenant has guessed the mark, and not the secret.
        let marked = |salt: &Salt| [&salt.mark(Sealed::Frame)[..], &frame(&Salt::new([0; 16]))[4..]].concat();
        assert_eq!(stolen_through_a_frame(marked, harm), 0);
        // It is the secret that keeps it out: who knows it gets in.
        assert_eq!(stolen_through_a_frame(frame, harm), 1);
    }
}

#[test]
fn a_block_among_the_values_of_a_damaged_one_is_not_taken_by_a_repair() {
    let kept_with = |salt: fn(Salt) -> Salt| {
        let store = store();
        let embed = block(&salt(store.measures.salt()));
        store.append(&embedded(&embed));
        store.maintain(Effort::Everything);
        let path = only_file(&store, "segments", "segment");
        let mut bytes = fs::read(&path).unwrap();
        assert!(bytes.windows(embed.len()).any(|some| some == embed));
        // In the only block there is.
        bytes[FILE_HEADER_BYTES + BLOCK_HEADER_BYTES + 5] ^= 1;
        fs::write(&path, bytes).unwrap();
        let repaired = store.measures.repair(&store.connection, &store.policies).unwrap();
        assert_eq!(repaired.len(), 1);
        repaired[0].kept
    };
    assert_eq!(kept_with(|_| Salt::new([0; 16])), 0);
    // It is the secret that keeps it out.
    assert_eq!(kept_with(|salt| salt), 1);
}

#[test]
fn every_store_has_a_salt_of_its_own_and_keeps_it() {
    let [store, other] = [store(), store()];
    assert_ne!(store.measures.salt(), other.measures.salt());
    let (_, again) = super::testing::open(&store.folder, 30);
    assert_eq!(store.measures.salt(), again.salt());
    assert!(!format!("{:?}", store.measures).contains("key"));
}
