//! Chunks: the points of one metric, as they came or rolled up, packed.

use super::bits::{
    BitWriter, read_byte, read_count, read_signed, read_varint, unpack, write_signed, write_varint,
};
use super::error::Damaged;
use super::{times, values};
use crate::model::{Granularity, Timestamp};
use crate::series::{ArchivePolicy, Column, Method, Point, Spans, Statistic};

/// Points in a chunk, and rows in a rolled one: a reader unpacks whole chunks, and 4,096 points take some 100 µs.
pub(super) const CHUNK_MAX: usize = 4096;

/// How tightly a chunk is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// For what is packed again soon.
    Quick,
    /// For what stays.
    Dense,
}

/// Appends points, 1 to [`CHUNK_MAX`], in their order.
pub(super) fn write_points(points: &[Point], out: &mut Vec<u8>) {
    debug_assert!((1..=CHUNK_MAX).contains(&points.len()));
    write_varint(out, points.len() as u64);
    let ns: Vec<i64> = points.iter().map(|point| point.timestamp.ns()).collect();
    times::encode(&ns, out);
    let numbers: Vec<f64> = points.iter().map(|point| point.value).collect();
    values::encode(&numbers, out);
}

/// Reads what [`write_points`] wrote and calls `take` with each point.
pub(super) fn read_points(mut bytes: &[u8], mut take: impl FnMut(Point)) -> Result<(), Damaged> {
    let count = read_count(&mut bytes, CHUNK_MAX)?;
    if count == 0 {
        return Err(Damaged("a chunk of no points"));
    }
    let (mut ns, mut numbers) = (Vec::with_capacity(count), Vec::with_capacity(count));
    times::decode(&mut bytes, count, &mut ns)?;
    values::decode(&mut bytes, count, &mut numbers)?;
    for (ns, value) in ns.into_iter().zip(numbers) {
        take(Point { timestamp: Timestamp::from_ns(ns), value });
    }
    if bytes.is_empty() { Ok(()) } else { Err(Damaged("something follows the points of a chunk")) }
}

/// What is kept of a policy's methods: all but `mean` where `sum` and `count` are there, of which it is made.
pub(super) fn kept(methods: &[Method]) -> Vec<Method> {
    let has = |statistic: Statistic, of: &Method| {
        methods.iter().any(|method| method.form == of.form && method.statistic == statistic)
    };
    let made = |method: &Method| {
        method.statistic == Statistic::Mean && has(Statistic::Sum, method) && has(Statistic::Count, method)
    };
    methods.iter().filter(|method| !made(method)).copied().collect()
}

const OUT_OF_TIME: Damaged = Damaged("a span out of time");

const ALL: u8 = 0;
const NONE: u8 = 1;
const SOME: u8 = 2;
/// Instead of values: those of an earlier column, whose number follows.
const AS_COLUMN: u8 = 0x80;

/// Appends rows `from..to` of `spans`, whose columns are those of [`kept`] methods; 1 to [`CHUNK_MAX`] rows.
pub(super) fn write_spans(spans: &Spans, from: usize, to: usize, packing: Packing, out: &mut Vec<u8>) {
    debug_assert!(from < to && to - from <= CHUNK_MAX);
    let granularity_ns = spans.granularity.ns();
    let starts = &spans.starts[from..to];
    write_varint(out, starts.len() as u64);
    let slot = |start: &Timestamp| start.ns().div_euclid(granularity_ns);
    write_signed(out, slot(&starts[0]));
    write_varint(out, (slot(&starts[starts.len() - 1]) - slot(&starts[0])) as u64);
    // Runs of neighbours: how many, and how many slots there are to the next run.
    let breaks: Vec<usize> =
        (1..starts.len()).filter(|i| slot(&starts[*i]) != slot(&starts[i - 1]) + 1).collect();
    write_varint(out, breaks.len() as u64);
    let mut begin = 0;
    for at in breaks {
        write_varint(out, (at - begin) as u64);
        write_varint(out, (slot(&starts[at]) - slot(&starts[at - 1])) as u64);
        begin = at;
    }
    write_varint(out, spans.columns.len() as u64);
    let mut before: Vec<(Vec<bool>, Vec<u64>)> = Vec::new();
    for column in &spans.columns {
        let present = column.present.as_ref().map(|present| &present[from..to]);
        let numbers: Vec<f64> = match present {
            None => column.values[from..to].to_vec(),
            Some(present) => {
                let both = column.values[from..to].iter().zip(present);
                both.filter(|(_, present)| **present).map(|(value, _)| *value).collect()
            }
        };
        let bits: Vec<u64> = numbers.iter().map(|value| value.to_bits()).collect();
        let mask = present.map_or_else(|| vec![true; to - from], <[bool]>::to_vec);
        let same = before.iter().position(|(m, b)| *m == mask && *b == bits && !bits.is_empty());
        match numbers.len() {
            0 => out.push(NONE),
            count if count == to - from => out.push(ALL),
            _ => {
                out.push(SOME);
                let mut writer = BitWriter::new(out);
                mask.iter().for_each(|present| writer.write(u64::from(*present), 1));
                writer.finish();
            }
        }
        match same {
            Some(number) => {
                out.push(AS_COLUMN);
                write_varint(out, number as u64);
            }
            None if numbers.is_empty() => {}
            None => match packing {
                Packing::Quick => values::encode(&numbers, out),
                Packing::Dense => values::encode_densely(&numbers, out),
            },
        }
        before.push((mask, bits));
    }
}

/// Reads what [`write_spans`] wrote and appends it to `spans`, whose granularity and methods are those of the writer.
pub(super) fn read_spans(mut bytes: &[u8], spans: &mut Spans) -> Result<(), Damaged> {
    let granularity_ns = spans.granularity.ns();
    let rows = read_count(&mut bytes, CHUNK_MAX)?;
    let mut slot = read_signed(&mut bytes)?;
    read_varint(&mut bytes)?;
    let runs = read_count(&mut bytes, rows)?;
    let first = spans.starts.len();
    let start = |slot: i64| start_of(slot, spans.granularity).ok_or(OUT_OF_TIME);
    let mut starts = Vec::with_capacity(rows);
    for _ in 0..runs {
        let length = read_count(&mut bytes, rows - starts.len())?;
        for _ in 0..length {
            starts.push(start(slot)?);
            slot = slot.wrapping_add(1);
        }
        let gap = i64::try_from(read_varint(&mut bytes)?).map_err(|_| OUT_OF_TIME)?;
        slot = slot.wrapping_add(gap - 1);
    }
    let rest = (rows - starts.len()) as i64;
    if rest > 0 {
        // Both ends lie in time, so all between do.
        let end = slot.checked_add(rest - 1).ok_or(OUT_OF_TIME)?;
        start(slot)?;
        start(end)?;
        starts.extend((slot..=end).map(|slot| Timestamp::from_ns(slot.saturating_mul(granularity_ns))));
    }
    spans.starts.append(&mut starts);
    if read_varint(&mut bytes)? != spans.columns.len() as u64 {
        return Err(Damaged("another number of columns"));
    }
    for number in 0..spans.columns.len() {
        let mask = match read_byte(&mut bytes)? {
            ALL => None,
            NONE => Some(vec![false; rows]),
            SOME => {
                let mut mask = Vec::with_capacity(rows);
                unpack(&mut bytes, 1, rows, |bit| mask.push(bit == 1))?;
                Some(mask)
            }
            _ => return Err(Damaged("an unknown form of a column")),
        };
        let count = mask.as_ref().map_or(rows, |mask| mask.iter().filter(|present| **present).count());
        let (earlier, later) = spans.columns.split_at_mut(number);
        let column = &mut later[0];
        column.append_presence(mask.as_deref(), rows);
        if count == 0 {
            column.values.extend(std::iter::repeat_n(0.0, rows));
        } else if bytes.first() == Some(&AS_COLUMN) {
            bytes = &bytes[1..];
            let of = read_count(&mut bytes, number.wrapping_sub(1))?;
            let of = earlier.get(of).ok_or(Damaged("a column refers to none"))?;
            column.values.extend_from_slice(&of.values[first..]);
        } else if count == rows {
            values::decode(&mut bytes, count, &mut column.values)?;
        } else {
            let mut numbers = Vec::with_capacity(count);
            values::decode(&mut bytes, count, &mut numbers)?;
            let mut numbers = numbers.into_iter();
            let mask = mask.unwrap_or_default();
            column.values.extend(
                mask.iter().map(|present| if *present { numbers.next().unwrap_or_default() } else { 0.0 }),
            );
        }
        if column.values.len() != spans.starts.len() {
            return Err(Damaged("a column of another length"));
        }
    }
    if bytes.is_empty() { Ok(()) } else { Err(Damaged("something follows the columns of a chunk")) }
}

/// The starts of the first and the last of the spans that [`write_spans`] wrote.
pub(super) fn range_of(
    mut bytes: &[u8],
    granularity: Granularity,
) -> Result<(Timestamp, Timestamp), Damaged> {
    read_count(&mut bytes, CHUNK_MAX)?;
    let first = read_signed(&mut bytes)?;
    let length = i64::try_from(read_varint(&mut bytes)?).map_err(|_| OUT_OF_TIME)?;
    let last = first.checked_add(length).and_then(|last| start_of(last, granularity));
    start_of(first, granularity).zip(last).ok_or(OUT_OF_TIME)
}

/// The start of span `slot`; the first span there is begins before time does, and is said to begin with it.
fn start_of(slot: i64, granularity: Granularity) -> Option<Timestamp> {
    let granularity_ns = granularity.ns();
    let first = || (slot < 0 && (slot + 1).checked_mul(granularity_ns).is_some()).then_some(i64::MIN);
    slot.checked_mul(granularity_ns).or_else(first).map(Timestamp::from_ns)
}

/// No rows yet of any granularity of a policy.
pub(super) fn no_spans_of(policy: &ArchivePolicy) -> Vec<Spans> {
    let kept = kept(policy.methods());
    policy.definition().iter().map(|of| no_spans(of.granularity, &kept)).collect()
}

/// No rows yet, with the columns of [`kept`] methods.
pub(super) fn no_spans(granularity: Granularity, kept: &[Method]) -> Spans {
    let column = |method: &Method| Column { method: *method, values: Vec::new(), present: None };
    Spans { granularity, starts: Vec::new(), columns: kept.iter().map(column).collect() }
}
