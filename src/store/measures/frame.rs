//! Frames: what one append writes into a journal, all or nothing.
//!
//! A frame is 20 bytes of header (mark, length, number of points, seal) and its points, put together by metric so that a
//! reader of one metric steps over the others. The order of arrival is kept within each metric, where it matters.

use super::bits::{read_bytes, read_count, read_signed, read_varint, write_signed, write_varint};
use super::error::Damaged;
use super::salt::{MARK_BYTES, Salt, Sealed};
use super::unit::Unit;
use crate::model::Timestamp;
use crate::series::Point;
use crate::store::MetricNumber;

/// Points in a frame: a megabyte, more than a writer gathers between two reads and little enough to hold in memory.
pub(super) const FRAME_POINTS_MAX: usize = 65_536;
/// Bytes of a frame: no point takes more than its value, two numbers and a time at their longest.
pub(super) const FRAME_BYTES_MAX: usize = FRAME_POINTS_MAX * (8 + 10 + 10 + 10) + 64;
pub(super) const HEADER_BYTES: usize = 20;

/// A point on its way into the store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Of which metric.
    pub metric: MetricNumber,
    /// When and how much.
    pub point: Point,
}

/// Appends one frame of `arrivals`, of which there are 1 to [`FRAME_POINTS_MAX`], in stable order by metric.
pub(super) fn encode(arrivals: &[Arrival], salt: &Salt, out: &mut Vec<u8>) {
    debug_assert!((1..=FRAME_POINTS_MAX).contains(&arrivals.len()));
    debug_assert!(arrivals.is_sorted_by_key(|arrival| arrival.metric));
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    let ns = |arrival: &Arrival| arrival.point.timestamp.ns();
    let unit = Unit::of(arrivals.iter().map(ns));
    let base = unit.scale(ns(&arrivals[0]));
    out.push(unit.number());
    write_signed(out, base);
    let groups = || arrivals.chunk_by(|a, b| a.metric == b.metric);
    write_varint(out, groups().count() as u64);
    let mut times = Vec::with_capacity(arrivals.len() * 4);
    let mut metric_before = 0;
    for group in groups() {
        let begun = times.len();
        let mut before = base;
        for arrival in group {
            let time = unit.scale(ns(arrival));
            write_signed(&mut times, time.wrapping_sub(before));
            before = time;
        }
        let metric = group[0].metric.0;
        write_varint(out, u64::from(metric - metric_before));
        write_varint(out, group.len() as u64);
        write_varint(out, (times.len() - begun) as u64);
        metric_before = metric;
    }
    out.extend_from_slice(&times);
    for arrival in arrivals {
        out.extend_from_slice(&arrival.point.value.to_bits().to_le_bytes());
    }
    let header = header(arrivals.len() as u32, &out[start + HEADER_BYTES..], salt);
    out[start..start + HEADER_BYTES].copy_from_slice(&header);
}

fn header(points: u32, payload: &[u8], salt: &Salt) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let length = payload.len() as u32;
    header[..MARK_BYTES].copy_from_slice(&salt.mark(Sealed::Frame));
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..12].copy_from_slice(&points.to_le_bytes());
    header[12..].copy_from_slice(&salt.seal(Sealed::Frame, [length, points], payload));
    header
}

/// How long the frame is whose header this is, its header included.
///
/// # Errors
/// When it is no header.
pub(super) fn length(header_bytes: &[u8; HEADER_BYTES], salt: &Salt) -> Result<usize, Damaged> {
    if header_bytes[..MARK_BYTES] != salt.mark(Sealed::Frame) {
        return Err(Damaged("no frame begins here"));
    }
    let payload = number(header_bytes, 4) as usize;
    let points = number(header_bytes, 8) as usize;
    if payload > FRAME_BYTES_MAX || points == 0 || points > FRAME_POINTS_MAX {
        return Err(Damaged("a frame is over its limit"));
    }
    Ok(HEADER_BYTES + payload)
}

/// A frame whose seal fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    payload: &'a [u8],
    points: usize,
}

impl<'a> Frame<'a> {
    /// Checks a whole frame, its header first.
    ///
    /// # Errors
    /// When the seal is another one.
    pub(super) fn check(bytes: &'a [u8], salt: &Salt) -> Result<Frame<'a>, Damaged> {
        let head: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(Damaged("a frame ends early"))?;
        let payload = bytes.get(HEADER_BYTES..length(head, salt)?).ok_or(Damaged("a frame ends early"))?;
        let points = number(head, 8);
        if header(points, payload, salt) != *head {
            return Err(Damaged("the checksum of a frame differs"));
        }
        Ok(Frame { payload, points: points as usize })
    }

    /// The frame of bytes that [`Frame::check`] found sound.
    pub(super) fn checked(bytes: &'a [u8]) -> Frame<'a> {
        let points = bytes.first_chunk().map_or(0, |head| number(head, 8));
        Frame { payload: bytes.get(HEADER_BYTES..).unwrap_or_default(), points: points as usize }
    }

    /// How many points it holds.
    pub(super) fn points(&self) -> usize {
        self.points
    }

    /// Calls `take` with each metric that `wanted` wants and its points in the order in which they came.
    ///
    /// # Errors
    /// When what the seal covers makes no sense all the same: a fault of the writer.
    pub(super) fn read(
        &self,
        mut wanted: impl FnMut(MetricNumber) -> bool,
        mut take: impl FnMut(MetricNumber, Point),
    ) -> Result<(), Damaged> {
        let mut directory = self.payload;
        let unit = super::bits::read_byte(&mut directory)?;
        let unit = Unit::numbered(unit)?.ns();
        let base = read_signed(&mut directory)?;
        let groups = read_count(&mut directory, self.points)?;
        let mut values = self
            .payload
            .len()
            .checked_sub(self.points * 8)
            .and_then(|at| self.payload.get(at..))
            .ok_or(Damaged("a frame without its values"))?;
        // The times begin where the directory ends, which is known behind it.
        let mut times = {
            let mut ahead = directory;
            for _ in 0..groups * 3 {
                read_varint(&mut ahead)?;
            }
            ahead
        };
        let mut metric = 0u32;
        for _ in 0..groups {
            let step = read_varint(&mut directory)?;
            metric = u32::try_from(step)
                .ok()
                .and_then(|step| metric.checked_add(step))
                .ok_or(Damaged("no metric has that number"))?;
            let count = read_count(&mut directory, values.len() / 8)?;
            let length = read_count(&mut directory, times.len())?;
            let mut of_times = read_bytes(&mut times, length)?;
            let of_values = read_bytes(&mut values, count * 8)?;
            if !wanted(MetricNumber(metric)) {
                continue;
            }
            let mut time = base;
            for value in of_values.chunks_exact(8) {
                time = time.wrapping_add(read_signed(&mut of_times)?);
                let bits = value.try_into().map_or(0, u64::from_le_bytes);
                let timestamp = Timestamp::from_ns(time.wrapping_mul(unit));
                take(MetricNumber(metric), Point { timestamp, value: f64::from_bits(bits) });
            }
        }
        Ok(())
    }
}

fn number(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes)
}

/// Puts arrivals together by metric and keeps the order within each. O(n): a counting sort by eleven bits at a time.
pub(super) fn group(arrivals: &mut [Arrival], spare: &mut Vec<Arrival>) {
    if arrivals.is_sorted_by_key(|arrival| arrival.metric) {
        return;
    }
    // A handful is not worth 2,048 counters.
    if arrivals.len() < 256 {
        return arrivals.sort_by_key(|arrival| arrival.metric);
    }
    const DIGIT_BITS: u32 = 11;
    let largest = arrivals.iter().map(|arrival| arrival.metric.0).max().unwrap_or(0);
    let mut shift = 0;
    while shift < u32::BITS && (shift == 0 || largest >> shift > 0) {
        let digit = |arrival: &Arrival| (arrival.metric.0 >> shift) as usize & ((1 << DIGIT_BITS) - 1);
        let mut ends = [0usize; 1 << DIGIT_BITS];
        arrivals.iter().for_each(|arrival| ends[digit(arrival)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        spare.clear();
        spare.extend_from_slice(arrivals);
        for arrival in spare.iter() {
            let place = &mut ends[digit(arrival)];
            arrivals[*place] = *arrival;
            *place += 1;
        }
        shift += DIGIT_BITS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arrival(metric: u32, ns: i64, value: f64) -> Arrival {
        Arrival { metric: MetricNumber(metric), point: Point { timestamp: Timestamp::from_ns(ns), value } }
    }

    const SALT: fn() -> Salt = || Salt::new([7; 16]);

    fn read(bytes: &[u8], wanted: impl FnMut(MetricNumber) -> bool) -> Vec<Arrival> {
        let mut found = Vec::new();
        let frame = Frame::check(bytes, &SALT()).unwrap();
        frame.read(wanted, |metric, point| found.push(Arrival { metric, point })).unwrap();
        found
    }

    #[test]
    fn a_reader_of_one_metric_steps_over_the_others() {
        let arrivals =
            [arrival(3, 60, 1.0), arrival(3, 50, 2.0), arrival(9, 70, 3.0), arrival(700_000, 1, 4.0)];
        let mut bytes = Vec::new();
        encode(&arrivals, &SALT(), &mut bytes);
        assert_eq!(read(&bytes, |metric| metric.0 == 9), [arrivals[2]]);
        assert_eq!(read(&bytes, |_| true), arrivals);
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let mut bytes = Vec::new();
        encode(&[arrival(1, 5, 1.0), arrival(2, 6, 2.0)], &SALT(), &mut bytes);
        for at in 0..bytes.len() {
            bytes[at] ^= 0x10;
            assert!(Frame::check(&bytes, &SALT()).is_err(), "byte {at}");
            bytes[at] ^= 0x10;
            assert!(Frame::check(&bytes[..at], &SALT()).is_err(), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_grouped_keeps_its_order_within_a_metric(numbers in proptest::collection::vec(prop_oneof![0u32..5, any::<u32>()], 1..600)) {
            let mut found: Vec<Arrival> =
                numbers.iter().enumerate().map(|(at, number)| arrival(*number, at as i64 * 1000, at as f64)).collect();
            let mut expected = found.clone();
            expected.sort_by_key(|arrival| arrival.metric);
            group(&mut found, &mut Vec::new());
            prop_assert_eq!(&found, &expected);
            let mut bytes = Vec::new();
            encode(&found, &SALT(), &mut bytes);
            prop_assert!(bytes.len() <= FRAME_BYTES_MAX);
            prop_assert_eq!(read(&bytes, |_| true), expected);
        }

        #[test]
        fn any_times_are_read_back(times in proptest::collection::vec(any::<i64>(), 1..50)) {
            let arrivals: Vec<Arrival> = times.iter().map(|ns| arrival(7, *ns, 1.5)).collect();
            let mut bytes = Vec::new();
            encode(&arrivals, &SALT(), &mut bytes);
            prop_assert_eq!(read(&bytes, |_| true), arrivals);
        }

        #[test]
        fn no_payload_makes_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..100), points in 1usize..20) {
            let _ = Frame { payload: &payload, points }.read(|_| true, |_, _| {});
        }
    }
}
