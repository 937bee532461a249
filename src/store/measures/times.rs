//! How the times of a chunk are packed.
//!
//! A poller's times lie near a straight line: what is kept is how far each is from it, all in the same number of bits
//! (none at all when they are regular). Where gaps make that costly, the differences of the differences are kept
//! instead, as in Gorilla (Pelkonen et al., 2015). Times are kept in the largest unit that divides them all.

use super::bits::{
    BitReader, BitWriter, read_byte, read_signed, unpack, unzigzag, width_of, write_signed, zigzag,
};
use super::error::Damaged;
use super::unit::Unit;

const LINE: u8 = 0;
const DIFFERENCES: u8 = 1;

/// Bits behind one, two and three ones and a zero; behind four ones stand 64.
const CLASSES: [u32; 4] = [8, 16, 32, 64];

/// Appends `times`, of which there is at least one, in nanoseconds and any order.
pub(super) fn encode(times: &[i64], out: &mut Vec<u8>) {
    let unit = Unit::of(times.iter().copied());
    let scaled: Vec<i64> = times.iter().map(|time| unit.scale(*time)).collect();
    let line = Line::of(&scaled);
    let form = if line.bits(scaled.len()) <= difference_bits(&scaled) { LINE } else { DIFFERENCES };
    out.push(unit.number() | form << 4);
    write_signed(out, scaled[0]);
    if scaled.len() == 1 {
        return;
    }
    if form == LINE {
        write_signed(out, line.step);
        write_signed(out, line.lowest);
        out.push(line.width as u8);
        let mut writer = BitWriter::new(out);
        for (index, time) in scaled.iter().enumerate().skip(1) {
            let rest = time.wrapping_sub(line.at(index)).wrapping_sub(line.lowest);
            writer.write(rest as u64, line.width);
        }
        writer.finish();
    } else {
        let mut writer = BitWriter::new(out);
        each_difference(&scaled, |second| {
            let coded = zigzag(second);
            if coded == 0 {
                return writer.write(0, 1);
            }
            let class = class_of(coded);
            // `class + 1` ones, then a zero unless it is the last class.
            let (prefix, width) =
                if class == 3 { (0b1111, 4) } else { ((1 << (class + 1)) - 1, class as u32 + 2) };
            writer.write(prefix, width);
            writer.write(coded, CLASSES[class]);
        });
        writer.finish();
    }
}

/// Reads `count` times, at least one, and appends them to `times`.
pub(super) fn decode(bytes: &mut &[u8], count: usize, times: &mut Vec<i64>) -> Result<(), Damaged> {
    let tag = read_byte(bytes)?;
    let unit = Unit::numbered(tag & 15)?.ns();
    let first = read_signed(bytes)?;
    times.push(first.wrapping_mul(unit));
    if count == 1 {
        return Ok(());
    }
    match tag >> 4 {
        LINE => {
            let (step, lowest) = (read_signed(bytes)?, read_signed(bytes)?);
            let width = u32::from(read_byte(bytes)?);
            if width > 64 {
                return Err(Damaged("a number of more than 64 bits"));
            }
            let mut on_line = first.wrapping_add(lowest);
            unpack(bytes, width, count - 1, |rest| {
                on_line = on_line.wrapping_add(step);
                times.push(on_line.wrapping_add(rest as i64).wrapping_mul(unit));
            })
        }
        DIFFERENCES => {
            let mut reader = BitReader::new(bytes);
            let (mut time, mut step) = (first, 0i64);
            for _ in 1..count {
                let ones = reader.ones(4)?;
                let coded = if ones == 0 { 0 } else { reader.read(CLASSES[ones as usize - 1])? };
                step = step.wrapping_add(unzigzag(coded));
                time = time.wrapping_add(step);
                times.push(time.wrapping_mul(unit));
            }
            *bytes = reader.rest();
            Ok(())
        }
        _ => Err(Damaged("an unknown form of times")),
    }
}

/// The line from the first time to the last, and how far the times are from it.
struct Line {
    first: i64,
    step: i64,
    lowest: i64,
    width: u32,
}

impl Line {
    fn of(times: &[i64]) -> Line {
        let (first, last) = (times[0], times[times.len() - 1]);
        let steps = (times.len() as i64 - 1).max(1);
        let mut line = Line { first, step: last.wrapping_sub(first) / steps, lowest: i64::MAX, width: 0 };
        let mut highest = i64::MIN;
        for (index, time) in times.iter().enumerate().skip(1) {
            let rest = time.wrapping_sub(line.at(index));
            line.lowest = line.lowest.min(rest);
            highest = highest.max(rest);
        }
        line.width = width_of(highest.wrapping_sub(line.lowest) as u64);
        line
    }

    #[inline]
    fn at(&self, index: usize) -> i64 {
        self.first.wrapping_add(self.step.wrapping_mul(index as i64))
    }

    fn bits(&self, count: usize) -> usize {
        self.width as usize * (count - 1)
    }
}

#[inline]
fn class_of(coded: u64) -> usize {
    match width_of(coded) {
        0..=8 => 0,
        9..=16 => 1,
        17..=32 => 2,
        _ => 3,
    }
}

fn difference_bits(times: &[i64]) -> usize {
    let mut bits = 0;
    each_difference(times, |second| {
        let coded = zigzag(second);
        bits += if coded == 0 {
            1
        } else {
            let class = class_of(coded);
            CLASSES[class] as usize + (class + 2).min(4)
        };
    });
    bits
}

/// The differences of the differences; the first is a difference.
#[inline]
fn each_difference(times: &[i64], mut take: impl FnMut(i64)) {
    let mut step = 0i64;
    for pair in times.windows(2) {
        let next = pair[1].wrapping_sub(pair[0]);
        take(next.wrapping_sub(step));
        step = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(times: &[i64]) -> usize {
        let mut bytes = Vec::new();
        encode(times, &mut bytes);
        let length = bytes.len();
        bytes.extend([1, 2, 3]);
        let (mut rest, mut found) = (&bytes[..], Vec::new());
        decode(&mut rest, times.len(), &mut found).unwrap();
        assert_eq!((&found[..], rest), (times, &[1, 2, 3][..]));
        length
    }

    #[test]
    fn regular_times_cost_nothing_but_their_line() {
        let times: Vec<i64> = (0..1000).map(|i| (1_795_000_000 + 60 * i) * 1_000_000_000).collect();
        assert!(there_and_back(&times) <= 10);
    }

    #[test]
    fn jitter_of_two_seconds_in_microseconds_costs_21_bits() {
        let mut noise = 1u64;
        let mut next = || {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (noise >> 33) as i64 % 2_000_000
        };
        let times: Vec<i64> =
            (0..1000).map(|i| ((1_795_000_000 + 60 * i) * 1_000_000 + next()) * 1000).collect();
        // Both ends of the line carry jitter too: one bit more at the most.
        assert!(there_and_back(&times) <= 1000 * 22 / 8 + 20);
    }

    #[test]
    fn a_gap_does_not_cost_every_point() {
        let times: Vec<i64> =
            (0..1000).map(|i| (60 * i + if i > 500 { 86_400 } else { 0 }) * 1_000_000_000).collect();
        assert!(there_and_back(&times) < 200);
    }

    proptest! {
        #[test]
        fn any_times_are_read_back(times in proptest::collection::vec(any::<i64>(), 1..100)) {
            there_and_back(&times);
        }

        #[test]
        fn near_times_are_read_back(steps in proptest::collection::vec(-3i64..1000, 1..300), unit in 0u8..4) {
            let mut now = 0;
            let times: Vec<i64> = steps.iter().map(|step| { now += step * Unit::numbered(unit).unwrap().ns(); now }).collect();
            there_and_back(&times);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), count in 1usize..100) {
            let _ = decode(&mut &bytes[..], count, &mut Vec::new());
        }
    }
}
