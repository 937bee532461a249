//! Remote write 1.0: a `WriteRequest` in Protocol Buffers, compressed by snappy's block format.

use thiserror::Error;

use super::family::{MetricType, SeriesWriter};
use crate::model::Timestamp;
use crate::wire::protobuf::{Broken, Fields, Value};
use crate::wire::sample::{Origin, timestamp};
use crate::wire::{Decoder, Faults};

/// Bytes of a request when it is no longer compressed: Prometheus sends 2,000 samples of some 100 bytes at a time.
pub(super) const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Labels of one series: Prometheus' users limit them to some 30.
pub(super) const LABELS_MAX: usize = 512;
/// The NaN that ends a series (remote write 1.0, "Stale Markers").
pub(super) const STALE: u64 = 0x7FF0_0000_0000_0002;

/// Reads bodies of remote write. Keep one for all requests of a sender: types come in requests of their own, about once
/// a minute, and are remembered.
pub struct RemoteWrite {
    writer: SeriesWriter,
    buffer: Vec<u8>,
}

impl Default for RemoteWrite {
    fn default() -> RemoteWrite {
        RemoteWrite::new(&Origin::default())
    }
}

impl RemoteWrite {
    /// A reader that knows no types yet.
    pub fn new(origin: &Origin) -> RemoteWrite {
        RemoteWrite { writer: SeriesWriter::new(origin), buffer: Vec::new() }
    }

    fn read(&mut self, body: &[u8], lines: &mut Vec<u8>, faults: &mut dyn Faults) -> Result<(), BadRequest> {
        let length = snap::raw::decompress_len(body).map_err(BadRequest::NotSnappy)?;
        if length > REQUEST_BYTES_MAX {
            return Err(BadRequest::TooLong(length));
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.resize(length, 0);
        let result = snap::raw::Decoder::new()
            .decompress(body, &mut buffer)
            .map_err(BadRequest::NotSnappy)
            .and_then(|length| self.read_request(&buffer[..length], lines, faults));
        self.buffer = buffer;
        result
    }

    fn read_request(
        &mut self,
        request: &[u8],
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadRequest> {
        self.writer.writer.open(request.len());
        // Types first, wherever they stand; and nothing is written of a request that is broken at its end.
        let (mut known_fields, mut symbols) = (false, false);
        let mut forgotten = 0;
        Fields(request).each(|number, value| match (number, value) {
            (1, _) => known_fields = true,
            (3, Value::Bytes(metadata)) => {
                known_fields = true;
                forgotten += u64::from(!self.learn(metadata));
            }
            // `io.prometheus.write.v2.Request`: symbols are 4, and the series, which refer to them, 5.
            (4 | 5, _) => symbols = true,
            _ => {}
        })?;
        if symbols && !known_fields {
            return Err(BadRequest::Second);
        }
        if forgotten > 0 {
            faults.skip("metric type", forgotten);
        }
        let mut fields = Fields(request);
        while let Some((number, value)) = fields.next()? {
            if let (1, Some(series)) = (number, value.bytes())
                && let Err(error) = self.read_series(series, lines, faults)
            {
                faults.fault("not readable", &error);
            }
        }
        Ok(())
    }

    /// Takes down what one `MetricMetadata` says; false when there is no room for it.
    fn learn(&mut self, metadata: &[u8]) -> bool {
        let (mut metric_type, mut name, mut unit) = (MetricType::Unknown, None, None);
        let read = Fields(metadata).each(|number, value| match number {
            1 => metric_type = MetricType::from_number(value.integer().unwrap_or_default()),
            2 => name = value.text(),
            5 => unit = value.text(),
            _ => {}
        });
        match (read, name) {
            (Ok(()), Some(name)) => self.writer.families.learn(name, Some(metric_type), unit),
            _ => true,
        }
    }

    fn read_series(
        &mut self,
        series: &[u8],
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadSeries> {
        let (mut name, mut labels) = (None, Vec::new());
        let (mut exemplars, mut histograms, mut too_many, mut not_text) = (0, 0, false, false);
        Fields(series).each(|number, value| match (number, value) {
            (1, Value::Bytes(label)) => match read_label(label) {
                Some(("__name__", value)) => name = Some(value),
                Some(_) if labels.len() >= LABELS_MAX => too_many = true,
                Some(label) => labels.push(label),
                None => not_text = true,
            },
            (3, _) => exemplars += 1,
            (4, _) => histograms += 1,
            _ => {}
        })?;
        faults.skip("exemplar", exemplars);
        faults.skip("native histogram", histograms);
        if too_many {
            return Err(BadSeries::Labels);
        }
        if not_text {
            return Err(BadSeries::NotText);
        }
        let name = name.filter(|name| !name.is_empty()).ok_or(BadSeries::NoName)?;
        let begun = self.writer.begin(name, &labels);
        let (mut stale, mut not_finite) = (0, 0);
        let mut fields = Fields(series);
        while let Some((number, value)) = fields.next()? {
            let (2, Some(point)) = (number, value.bytes()) else { continue };
            let (mut value, mut time_ms) = (0.0, 0);
            Fields(point).each(|number, field| match number {
                1 => value = field.double().unwrap_or_default(),
                2 => time_ms = field.integer().unwrap_or_default() as i64,
                _ => {}
            })?;
            match timestamp(i128::from(time_ms) * 1_000_000) {
                _ if f64::to_bits(value) == STALE => stale += 1,
                None => faults.fault("bad timestamp", &BadSeries::Time(time_ms)),
                Some(time) => not_finite += u64::from(!self.writer.point(&begun, value, time, lines)),
            }
        }
        faults.skip("stale marker", stale);
        faults.skip("not finite", not_finite);
        Ok(())
    }
}

/// The name and value of a `Label`; none when they are no texts.
pub(super) fn read_label(label: &[u8]) -> Option<(&str, &str)> {
    let (mut name, mut text) = (Some(""), Some(""));
    Fields(label)
        .each(|number, value| match number {
            1 => name = value.text(),
            2 => text = value.text(),
            _ => {}
        })
        .ok()?;
    name.zip(text)
}

impl Decoder for RemoteWrite {
    fn decode(&mut self, message: &[u8], _at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        if let Err(error) = self.read(message, lines, faults) {
            faults.fault(error.reason(), &error);
        }
        self.writer.writer.close(faults);
    }
}

/// Why a request cannot be used.
#[derive(Debug, Error)]
enum BadRequest {
    #[error("no remote write: not compressed by snappy ({0})")]
    NotSnappy(#[source] snap::Error),
    #[error("a request of {0} bytes; {REQUEST_BYTES_MAX} are taken at most")]
    TooLong(usize),
    #[error("a request of remote write 2.0; only 1.0 is taken (protobuf_message: prometheus.WriteRequest)")]
    Second,
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl BadRequest {
    fn reason(&self) -> &'static str {
        match self {
            BadRequest::TooLong(_) => "too long",
            _ => "not readable",
        }
    }
}

/// Why a series cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum BadSeries {
    #[error("a series without __name__")]
    NoName,
    #[error("a series with more than {LABELS_MAX} labels")]
    Labels,
    #[error("a label that is not UTF-8")]
    NotText,
    #[error("{0} ms since 1970 are outside the years 1678 to 2261")]
    Time(i64),
    #[error(transparent)]
    Broken(#[from] Broken),
}
