//! What the service has done, and how much there is, in Prometheus' text: no word of what is measured.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use procfs::process::Process;

use super::Desk;
use crate::serve::auth::{Identity, Target};
use crate::serve::http::{Answer, Call, Problem, Route};

/// The rule of who may see it.
const RULE: &str = "get self-metrics";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![Route::get("/metrics", show).not_json()]
}

fn show(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    // A collector has no name: it is asked for one where a rule says so.
    if !desk.options.policy().allows(RULE, &Identity::default(), &Target::new()) {
        desk.enforce(call, RULE, &Target::new())?;
    }
    let mut page = Page::default();
    let counters = &desk.counters;
    page.family(
        "telemetry_http_requests_total",
        "counter",
        "Requests that were answered, by the class of their status.",
    );
    for (class, count) in counters.answered.iter().enumerate().skip(1) {
        let label = format!("{{class=\"{class}xx\"}}");
        page.value("telemetry_http_requests_total", &label, count.load(Ordering::Relaxed) as f64);
    }
    let took = counters.took_us.load(Ordering::Relaxed) as f64 / 1e6;
    page.one(
        "telemetry_http_request_seconds_total",
        "counter",
        "Time that requests took, all together.",
        took,
    );
    let received = counters.received_bytes.load(Ordering::Relaxed) as f64;
    page.one(
        "telemetry_http_received_bytes_total",
        "counter",
        "Bytes of bodies that were received.",
        received,
    );
    let stored = desk.store.status()?;
    for (name, help, value) in [
        ("telemetry_store_journals", "Journals that are in no segment yet.", stored.journals),
        ("telemetry_store_journal_bytes", "Their bytes.", stored.journal_bytes),
        ("telemetry_store_segments", "Segments.", stored.segments),
        ("telemetry_store_segment_bytes", "Their bytes.", stored.segment_bytes),
        ("telemetry_store_points", "Points in segments whose spans can still change.", stored.points),
        ("telemetry_store_spans", "Rows of spans in segments, which can change no more.", stored.spans),
        ("telemetry_store_metrics", "Metrics.", desk.store.index().metric_count()?),
        ("telemetry_store_resources", "Resources.", desk.store.index().resource_count()?),
    ] {
        page.one(name, "gauge", help, value as f64);
    }
    if let Ok(stat) = Process::myself().and_then(|process| process.stat()) {
        let ticks = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
        page.one("process_cpu_seconds_total", "counter", "Time of processors that the service took.", ticks);
        let resident = stat.rss as f64 * procfs::page_size() as f64;
        page.one("process_resident_memory_bytes", "gauge", "Memory of the service.", resident);
    }
    Ok(Answer::text(TEXT, page.0))
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.value(name, "", value);
    }
}
