//! The series of a remote write as they stand, for whoever has their own names for them; one that is wrong spoils the request.

use thiserror::Error;

use super::remote_write::{LABELS_MAX, REQUEST_BYTES_MAX, STALE, read_label};
use crate::model::Timestamp;
use crate::wire::protobuf::{Fields, Value};
use crate::wire::sample::timestamp;

/// One series, borrowed from its request.
#[derive(Clone, Debug, PartialEq)]
pub struct SentSeries<'a> {
    /// `__name__`.
    pub name: &'a str,
    /// The other labels, in their order.
    pub labels: Vec<(&'a str, &'a str)>,
    /// Times and values, as they came; what only ends the series is left out.
    pub points: Vec<(Timestamp, f64)>,
}

/// A request that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no remote write 1.0: {0}")]
pub struct BadWrite(String);

/// A request without its compression.
///
/// # Errors
/// [`BadWrite`] when it is not snappy's, or too long.
pub fn unpacked(body: &[u8]) -> Result<Vec<u8>, BadWrite> {
    let not_snappy = |error| BadWrite(format!("not compressed by snappy ({error})"));
    let length = snap::raw::decompress_len(body).map_err(not_snappy)?;
    if length > REQUEST_BYTES_MAX {
        return Err(BadWrite(format!("{length} bytes; {REQUEST_BYTES_MAX} are taken at most")));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(not_snappy)
}

/// Calls `take` with each series of a request that [`unpacked`] has unpacked.
///
/// # Errors
/// [`BadWrite`], and what `take` returns.
pub fn each_series<'a, E: From<BadWrite>>(
    request: &'a [u8],
    mut take: impl FnMut(SentSeries<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut fields = Fields(request);
    while let Some((number, value)) = fields.next().map_err(|error| BadWrite(error.to_string()))? {
        if let (1, Value::Bytes(bytes)) = (number, value) {
            take(read(bytes)?)?;
        }
    }
    Ok(())
}

fn read(bytes: &[u8]) -> Result<SentSeries<'_>, BadWrite> {
    let broken = |error: crate::wire::protobuf::Broken| BadWrite(error.to_string());
    let (mut name, mut labels, mut points) = (None, Vec::new(), Vec::new());
    let mut fields = Fields(bytes);
    while let Some((number, value)) = fields.next().map_err(broken)? {
        let Value::Bytes(part) = value else { continue };
        match number {
            1 => match read_label(part) {
                Some(("__name__", value)) => name = Some(value),
                Some(_) if labels.len() >= LABELS_MAX => {
                    return Err(BadWrite(format!("a series with more than {LABELS_MAX} labels")));
                }
                Some(label) => labels.push(label),
                None => return Err(BadWrite("a label that is not UTF-8".to_owned())),
            },
            2 => {
                let (mut value, mut time_ms) = (0.0, 0);
                Fields(part)
                    .each(|number, field| match number {
                        1 => value = field.double().unwrap_or_default(),
                        2 => time_ms = field.integer().unwrap_or_default() as i64,
                        _ => {}
                    })
                    .map_err(broken)?;
                let at = timestamp(i128::from(time_ms) * 1_000_000);
                let at = at.ok_or_else(|| BadWrite(format!("the time {time_ms} ms since 1970")))?;
                if f64::to_bits(value) != STALE {
                    points.push((at, value));
                }
            }
            _ => {}
        }
    }
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| BadWrite("a series without __name__".to_owned()))?;
    Ok(SentSeries { name, labels, points })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use prost::Message;

    use super::super::message::{Label, Point, TimeSeries, WriteRequest};
    use super::*;

    fn label(name: &str, value: &str) -> Label {
        Label { name: name.to_owned(), value: value.to_owned() }
    }

    fn read_all(series: TimeSeries) -> Result<Vec<String>, BadWrite> {
        let request = WriteRequest { timeseries: vec![series], metadata: Vec::new() }.encode_to_vec();
        let body = snap::raw::Encoder::new().compress_vec(&request).unwrap();
        let (request, mut found) = (unpacked(&body)?, Vec::new());
        each_series(&request, |series| {
            found.push(format!("{} {:?} {}", series.name, series.labels, series.points.len()));
            Ok::<_, BadWrite>(())
        })?;
        Ok(found)
    }

    #[test]
    fn a_series_is_handed_out_without_the_mark_of_its_end() {
        let points = [1.0, f64::from_bits(STALE), f64::NAN];
        let samples = points.iter().map(|value| Point { value: *value, timestamp: 1000 }).collect();
        let labels = vec![label("__name__", "up"), label("job", "j")];
        assert_eq!(read_all(TimeSeries { labels, samples }).unwrap(), [r#"up [("job", "j")] 2"#]);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(unpacked(b"\xff\xff\xff\xff\x0f").is_err());
        assert!(each_series(b"\x0a\x05\x01", |_| Ok::<_, BadWrite>(())).is_err());
        let nameless = TimeSeries { labels: vec![label("job", "j")], samples: Vec::new() };
        assert!(read_all(nameless).is_err());
    }

    /// What prost makes of a request, in our words; none where we do not take it.
    fn by_prost(request: &[u8]) -> Option<Vec<(String, usize, usize)>> {
        let request = WriteRequest::decode(request).ok()?;
        let of = |series: TimeSeries| {
            let (names, labels): (Vec<_>, Vec<_>) =
                series.labels.into_iter().partition(|label| label.name == "__name__");
            let points = series.samples.iter().filter(|point| point.value.to_bits() != STALE);
            (names.into_iter().next_back().unwrap_or_default().value, labels.len(), points.count())
        };
        Some(request.timeseries.into_iter().map(of).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        /// Requests with bytes that were changed or cut: what both we and prost take says the same to both. (What we have no use
        /// for is not looked into.)
        #[test]
        fn what_is_taken_of_a_broken_request_is_what_prost_reads(
            series in vec((vec(("(__name__|[a-c]{0,3})", "[a-zé]{0,4}"), 0..4), vec(any::<(f64, i64)>(), 0..3)), 0..4),
            changes in vec((any::<Index>(), any::<u8>()), 0..4),
            cut in any::<Index>(),
            is_cut in any::<bool>(),
        ) {
            let mut timeseries = Vec::new();
            for (labels, points) in series {
                let labels = labels.iter().map(|(name, value)| label(name, value)).collect();
                // Most of the numbers that there are are no times.
                let point = |(value, timestamp): (f64, i64)| Point { value, timestamp: timestamp >> 20 };
                timeseries.push(TimeSeries { labels, samples: points.into_iter().map(point).collect() });
            }
            let mut request = WriteRequest { timeseries, metadata: Vec::new() }.encode_to_vec();
            for (place, byte) in changes.into_iter().filter(|_| !request.is_empty()).collect::<Vec<_>>() {
                let place = place.index(request.len());
                request[place] = byte;
            }
            if is_cut && !request.is_empty() {
                request.truncate(cut.index(request.len()));
            }
            let mut found = Vec::new();
            let result = each_series(&request, |series| {
                found.push((series.name.to_owned(), series.labels.len(), series.points.len()));
                Ok::<_, BadWrite>(())
            });
            if let (Ok(()), Some(expected)) = (result, by_prost(&request)) {
                prop_assert_eq!(found, expected);
            }
            let _ = unpacked(&request);
        }
    }
}
