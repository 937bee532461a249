//! Dialects of systems of metrics: samples become points, and everything else is skipped.

use snap::raw::Encoder;

use super::super::courier::Abandoned;
use super::client::Request;
use super::delivery::Round;
use super::dialect::{Dialect, Parcel};
use super::records::batch_size;
use crate::base::{Failure, Url};
use crate::wire::json::read_node;
use crate::wire::otlp::MetricsRequest;
use crate::wire::prometheus::WriteBatch;
use crate::wire::reading::{Read, Reading, Readings};

/// Options of the dialects here.
pub const OPTIONS: [&str; 1] = ["batch_size"];

/// Requests that one batch of a remote write may become while what its receiver refuses is looked for: five samples of
/// a thousand are found with a hundred.
const REQUESTS_MAX: usize = 128;

/// A sample, and how long its line is.
pub type Placed<'a> = (Reading<'a>, u64);

/// The samples in `lines`; other records are accounted for.
///
/// # Errors
/// [`Abandoned`] when nobody waits any more.
pub fn samples<'a>(
    readings: &mut Readings,
    lines: &[&'a [u8]],
    round: &mut Round<'_>,
) -> Result<Vec<Placed<'a>>, Abandoned> {
    let mut samples = Vec::with_capacity(lines.len());
    for &line in lines {
        match readings.read(line) {
            Ok(Read::Sample(reading)) => samples.push((reading, line.len() as u64)),
            Ok(Read::Other(kind)) => round.skipped(kind.name(), 1)?,
            Err(reject) => round.unusable(reject.reason(), &reject)?,
        }
    }
    Ok(samples)
}

/// `prometheus+write:` · Prometheus' remote write 1.0.
pub struct RemoteWrite {
    readings: Readings,
    encoder: Encoder,
    batch_size: usize,
}

impl RemoteWrite {
    /// Reads `batch_size=`.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn new(url: &Url) -> Result<RemoteWrite, Failure> {
        Ok(RemoteWrite { readings: Readings::new(), encoder: Encoder::new(), batch_size: batch_size(url)? })
    }
}

impl RemoteWrite {
    /// The request that writes `samples`; none over 4 GiB, which cannot be compressed.
    fn request(&mut self, samples: &[Placed<'_>]) -> Option<Request> {
        let mut batch = WriteBatch::default();
        samples.iter().for_each(|(reading, _)| batch.add(reading));
        let body = self.encoder.compress_vec(&batch.encode()).ok()?;
        let mut request = Request::post("application/x-protobuf", body);
        request.headers.push(("content-encoding", "snappy".to_owned()));
        request.headers.push(("x-prometheus-remote-write-version", "0.1.0".to_owned()));
        Some(request)
    }

    /// Writes `samples`. One that is too old, or out of order, has all of its request refused: halves are sent again,
    /// the first half first because Prometheus wants the points of a series in order, until it stands alone.
    ///
    /// Prometheus 2.42 keeps nothing of a request that it refuses, and takes a series' last point once more. A receiver
    /// that keeps the good ones may refuse them as out of order now: they are counted as lost, and are there.
    fn write(&mut self, samples: &[Placed<'_>], round: &mut Round<'_>) -> Result<(), Abandoned> {
        let mut parts = vec![samples];
        let mut requests = 0;
        while let Some(part) = parts.pop() {
            let records = part.len() as u64;
            let Some(request) = self.request(part) else {
                round.lost("not compressed", records)?;
                continue;
            };
            requests += 1;
            match round.exchange(&request)? {
                None => round.given_up(records)?,
                Some(answer) if answer.is_success() => round.delivered(records, length(part))?,
                // Every part that waits is sent once at least.
                Some(answer)
                    if matches!(answer.status, 400 | 413 | 422)
                        && part.len() > 1
                        && requests + parts.len() + 2 <= REQUESTS_MAX =>
                {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Some(answer) => round.refused(&answer, records)?,
            }
        }
        Ok(())
    }
}

impl Dialect for RemoteWrite {
    fn deliver(&mut self, lines: &[&[u8]], round: &mut Round<'_>) -> Result<(), Abandoned> {
        let samples = samples(&mut self.readings, lines, round)?;
        samples.chunks(self.batch_size).try_for_each(|samples| self.write(samples, round))
    }
}

/// `opentelemetryhttp:` and `otlp+http:` · OTLP/HTTP in JSON.
pub struct Otlp {
    readings: Readings,
    batch_size: usize,
}

impl Otlp {
    /// Reads `batch_size=`.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn new(url: &Url) -> Result<Otlp, Failure> {
        Ok(Otlp { readings: Readings::new(), batch_size: batch_size(url)? })
    }
}

impl Dialect for Otlp {
    fn deliver(&mut self, lines: &[&[u8]], round: &mut Round<'_>) -> Result<(), Abandoned> {
        let samples = samples(&mut self.readings, lines, round)?;
        for samples in samples.chunks(self.batch_size) {
            let mut request = MetricsRequest::default();
            samples.iter().for_each(|(reading, _)| request.add(reading));
            let mut body = Vec::new();
            request.write(&mut body);
            let request = Request::post("application/json", body);
            let (records, bytes) = (samples.len() as u64, length(samples));
            let Some(answer) = round.exchange(&request)? else {
                round.given_up(records)?;
                continue;
            };
            if !answer.is_success() {
                round.refused(&answer, records)?;
                continue;
            }
            // A 200 may still say that some points were not wanted.
            let rejected = rejected(&answer.body).min(records);
            if rejected > 0 {
                round.refused(&answer, rejected)?;
            }
            round.delivered(records - rejected, bytes)?;
        }
        Ok(())
    }

    /// OTLP/HTTP: "all other 4xx or 5xx response status codes MUST NOT be retried".
    fn passing(&self) -> fn(u16) -> bool {
        |status| matches!(status, 429 | 502 | 503 | 504)
    }
}

/// `partialSuccess.rejectedDataPoints`, a text or a number.
fn rejected(body: &[u8]) -> u64 {
    let Ok(answer) = read_node(body) else { return 0 };
    let points = answer.get("partialSuccess").and_then(|partial| partial.get("rejectedDataPoints"));
    let count = points.and_then(|points| match points.as_text() {
        Some(text) => text.parse().ok(),
        None => points.as_f64(),
    });
    count.map_or(0, |count: f64| count as u64)
}

/// The request and what is in it.
pub fn parcel(request: Request, samples: &[Placed<'_>]) -> Parcel {
    Parcel { request, records: samples.len() as u64, bytes: length(samples) }
}

fn length(samples: &[Placed<'_>]) -> u64 {
    samples.iter().map(|(_, bytes)| bytes).sum()
}
