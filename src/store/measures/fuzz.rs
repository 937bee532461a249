//! Bytes that nobody wrote: whatever they are, a decoder ends, takes no more memory than its limits say, and never panics.

use std::fs;

use proptest::prelude::*;

use super::MeasuresError;
use super::chunk::{Packing, kept, no_spans, range_of, read_points, read_spans, write_points, write_spans};
use super::frame;
use super::journal::{FILE_HEADER_BYTES, JournalReader, Next, file_header};
use super::salt::{Salt, Sealed};
use super::segment::{Segment, SegmentWriter, tag};
use super::testing::{arrival, policy};
use super::window::Window;
use crate::model::{Granularity, Timestamp};
use crate::series::{ArchivePolicy, Point, Spans};
use crate::store::MetricNumber;

const SALT: fn() -> Salt = || Salt::new([7; 16]);

/// A file of one thread's own, in memory where that can be.
fn file(bytes: &[u8], ending: &str) -> std::path::PathBuf {
    let memory = std::path::Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let thread = format!("{:?}", std::thread::current().id()).replace(|at: char| !at.is_alphanumeric(), "");
    let path = base.join(format!("telemetry-fuzz-{}-{thread}.{ending}", std::process::id()));
    fs::write(&path, bytes).unwrap();
    path
}

/// Reads a journal to its end; how many frames there were.
fn frames_of(bytes: &[u8], closed: bool) -> usize {
    let path = file(bytes, "journal");
    let reader = JournalReader::open(path.clone(), 1, SALT());
    fs::remove_file(&path).unwrap();
    let Ok(Some(reader)) = reader else { return 0 };
    let mut reader = if closed { reader.close() } else { reader };
    let (mut frames, mut steps, mut before) = (0, 0, 0);
    loop {
        let next = reader.next().unwrap();
        match next {
            Next::Frame(frame) => {
                frames += 1;
                frame.read(|_| true, |_, _| {}).unwrap_or_default();
            }
            Next::Damaged { at, to, .. } => assert!(at <= to && to <= bytes.len() as u64),
            Next::Torn { at, .. } => {
                assert!(at <= bytes.len() as u64);
                break;
            }
            Next::End => break,
        }
        assert!(reader.offset() > before || steps == 0, "no step forward at {before}");
        before = reader.offset();
        steps += 1;
        assert!(steps <= bytes.len() + 2);
    }
    assert!(matches!(reader.next(), Ok(Next::End)) || frames == 0);
    frames
}

/// Reads a segment to its end or its first fault, and finds each of some metrics in it.
fn entries_of(bytes: &[u8]) -> Result<Vec<(u32, u8, Vec<u8>)>, MeasuresError> {
    let path = file(bytes, "segment");
    let segment = Segment::open(&path, SALT());
    fs::remove_file(&path).unwrap();
    let segment = segment?;
    for metric in [0, 1, 7, 500, u32::MAX] {
        let mut cursor = segment.cursor();
        if cursor.seek(MetricNumber(metric)).is_ok()
            && let Ok(Some(found)) = cursor.peek()
        {
            assert!(found.0 >= metric);
        }
    }
    let mut cursor = segment.cursor();
    let mut found = Vec::new();
    while let Some(entry) = cursor.next()? {
        found.push((entry.metric.0, entry.tag, entry.bytes.to_vec()));
        assert!(found.len() <= bytes.len());
    }
    Ok(found)
}

fn two_frames() -> Vec<u8> {
    let mut bytes = file_header(1).to_vec();
    for from in [0, 100] {
        let mut arrivals: Vec<_> =
            (0..6).map(|at| arrival(at / 2, f64::from(from + at), f64::from(at) * 1.5)).collect();
        frame::group(&mut arrivals, &mut Vec::new());
        frame::encode(&arrivals, &SALT(), &mut bytes);
    }
    bytes
}

/// A segment of several blocks.
fn blocks() -> Vec<u8> {
    let path = file(b"", "part").with_extension("made");
    let mut writer = SegmentWriter::create(path.clone(), SALT()).unwrap();
    for metric in [1u32, 7, 7, 500] {
        let content = vec![metric as u8; 20_000];
        writer.entry(MetricNumber(metric), tag::POINTS, |out| out.extend_from_slice(&content)).unwrap();
    }
    writer.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    bytes
}

fn points(seed: &[(i16, i8)]) -> Vec<Point> {
    let mut ns = 1_795_000_000_000_000_000i64;
    let step = |(step, value): &(i16, i8)| {
        ns += i64::from(*step) * 1_000_000;
        Point { timestamp: Timestamp::from_ns(ns), value: f64::from(*value) / 3.0 }
    };
    seed.iter().map(step).collect()
}

fn rolled() -> ArchivePolicy {
    policy(1, &[(1, 0), (60, 0)], &["mean", "sum", "count", "std", "95pct", "rate:last"])
}

fn spans_of(points: &[Point], policy: &ArchivePolicy) -> Spans {
    let mut points = points.to_vec();
    points.sort_by_key(|point| point.timestamp);
    points.dedup_by_key(|point| point.timestamp);
    Spans::of(&points, None, Granularity::from_seconds(1).unwrap(), &kept(policy.methods()))
}

/// Whatever of several granularities the bytes are taken for; rows come whole or not at all.
fn read_as_spans(bytes: &[u8]) {
    let policy = rolled();
    for granularity in [1, 1_000_000_000, i64::MAX] {
        let granularity = Granularity::from_ns(granularity).unwrap();
        let mut spans = no_spans(granularity, &kept(policy.methods()));
        let range = range_of(bytes, granularity);
        if read_spans(bytes, &mut spans).is_ok() {
            assert!(spans.starts.len() <= 4096);
            assert!(spans.columns.iter().all(|column| column.values.len() == spans.starts.len()));
            assert!(range.is_ok() || spans.starts.is_empty());
        }
    }
}

fn any_bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![3 => any::<u8>(), 2 => 0u8..6, 1 => Just(0xff)], 0..most)
}

proptest! {
    #[test]
    fn any_bytes_behind_a_header_are_a_journal_that_ends(bytes in any_bytes(300), mark in any::<bool>(), closed in any::<bool>()) {
        let mut all = file_header(1).to_vec();
        if mark {
            all.extend_from_slice(&SALT().mark(Sealed::Frame));
        }
        all.extend_from_slice(&bytes);
        frames_of(&all, closed);
        frames_of(&bytes, closed);
    }

    #[test]
    fn a_changed_journal_gives_no_frame_that_was_not_written(at in any::<prop::sample::Index>(), change in 1u8.., cut in any::<prop::sample::Index>(), closed in any::<bool>()) {
        let mut bytes = two_frames();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let whole = frames_of(&bytes, closed);
        prop_assert_eq!(whole, if at < FILE_HEADER_BYTES as usize { whole } else { 1 });
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(frames_of(&bytes, closed) <= 1);
    }

    #[test]
    fn frames_among_other_bytes_are_found(before in any_bytes(200), between in any_bytes(200), behind in any_bytes(200)) {
        let sound = two_frames();
        let (first, second) = sound[20..].split_at((sound.len() - 20) / 2);
        let all = [&sound[..20], &before, first, &between, second, &behind].concat();
        // A frame may be taken for the inside of one that other bytes begin, but then its checksum differs.
        prop_assert_eq!(frames_of(&all, false), 2);
    }

    #[test]
    fn any_bytes_are_no_segment(bytes in any_bytes(200)) {
        prop_assert!(entries_of(&bytes).is_err());
    }

    #[test]
    fn an_index_that_was_made_up_does_not_lead_astray(index in any_bytes(60), body in any_bytes(200)) {
        // All checksums fit: what is left are the numbers.
        let mut bytes = blocks()[..12].to_vec();
        bytes.extend_from_slice(&body);
        let index_at = bytes.len() as u64;
        bytes.extend_from_slice(&index);
        bytes.extend_from_slice(&index_at.to_le_bytes());
        bytes.extend_from_slice(&(index.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&index).to_le_bytes());
        bytes.extend_from_slice(b"TMs.");
        let _ = entries_of(&bytes);
    }

    #[test]
    fn a_block_that_was_made_up_does_not_lead_astray(entries in any_bytes(120), count in 0u32..5) {
        let mut header = [0; 20];
        let length = entries.len() as u32;
        header[..4].copy_from_slice(&SALT().mark(Sealed::Block));
        header[4..8].copy_from_slice(&length.to_le_bytes());
        header[8..12].copy_from_slice(&count.to_le_bytes());
        header[12..].copy_from_slice(&SALT().seal(Sealed::Block, [length, count], &entries));
        let mut bytes = blocks()[..12].to_vec();
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&entries);
        let index_at = bytes.len() as u64;
        let mut index = vec![1, 0];
        super::bits::write_varint(&mut index, 20 + entries.len() as u64);
        bytes.extend_from_slice(&index);
        bytes.extend_from_slice(&index_at.to_le_bytes());
        bytes.extend_from_slice(&(index.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&index).to_le_bytes());
        bytes.extend_from_slice(b"TMs.");
        let _ = entries_of(&bytes);
    }

    #[test]
    fn any_bytes_are_read_as_points_spans_or_a_state(bytes in any_bytes(200)) {
        let mut count = 0;
        let _ = read_points(&bytes, |_| count += 1);
        prop_assert!(count <= 4096);
        read_as_spans(&bytes);
        let _ = Window::read_state(&bytes, &rolled());
    }

    #[test]
    fn changed_points_are_read_as_some_points_or_none(seed in proptest::collection::vec(any::<(i16, i8)>(), 1..200), at in any::<prop::sample::Index>(), change in 1u8.., cut in any::<prop::sample::Index>()) {
        let points = points(&seed);
        let mut bytes = Vec::new();
        write_points(&points, &mut bytes);
        let mut found = Vec::new();
        prop_assert!(read_points(&bytes, |point| found.push(point)).is_ok());
        prop_assert_eq!(&found, &points);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let _ = read_points(&bytes, |_| {});
        bytes[at] ^= change;
        bytes.truncate(cut.index(bytes.len()));
        let cut = read_points(&bytes, drop);
        prop_assert!(cut.is_err());
    }

    #[test]
    fn changed_spans_are_read_as_some_rows_or_none(seed in proptest::collection::vec(any::<(i16, i8)>(), 1..300), at in any::<prop::sample::Index>(), change in 1u8.., cut in any::<prop::sample::Index>(), dense in any::<bool>()) {
        let policy = rolled();
        let spans = spans_of(&points(&seed), &policy);
        let rows = spans.starts.len();
        let packing = if dense { Packing::Dense } else { Packing::Quick };
        let mut bytes = Vec::new();
        write_spans(&spans, 0, rows, packing, &mut bytes);
        let mut found = no_spans(spans.granularity, &kept(policy.methods()));
        prop_assert!(read_spans(&bytes, &mut found).is_ok());
        prop_assert_eq!(&found.starts, &spans.starts);
        prop_assert_eq!(range_of(&bytes, spans.granularity), Ok((spans.starts[0], spans.starts[rows - 1])));
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        read_as_spans(&bytes);
        bytes[at] ^= change;
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(read_spans(&bytes, &mut no_spans(spans.granularity, &kept(policy.methods()))).is_err());
    }

    #[test]
    fn a_state_is_read_back_and_a_changed_one_is_some_state_or_none(times in proptest::collection::vec(Timestamp::MIN.ns()..Timestamp::MAX.ns(), 1..6), at in any::<prop::sample::Index>(), change in 1u8..) {
        let policy = rolled();
        let mut window = Window::new();
        for ns in times {
            window.arrive(Point { timestamp: Timestamp::from_ns(ns), value: 1.0 }, &policy);
        }
        window.settle();
        window.roll(&policy, &kept(policy.methods()), |_, spans| assert!(spans.starts.is_sorted()));
        let mut bytes = Vec::new();
        window.write_state(&mut bytes);
        let read = Window::read_state(&bytes, &policy);
        let known = |window: &Window| {
            let of = window.activity();
            (of.horizon.newest(), of.horizon.floor(), of.taken, of.late)
        };
        prop_assert_eq!(read.as_ref().map(known), Ok(known(&window)));
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let _ = Window::read_state(&bytes, &policy);
    }
}
