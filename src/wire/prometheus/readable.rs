//! A request of remote write for people: its series as PromQL writes them.

use prost::Message;

use super::message::WriteRequest;

/// `METRIC{LABEL="VALUE",…} VALUE MILLISECONDS` for each point of an encoded [`WriteRequest`] that is not compressed, then
/// `# TYPE`, `# HELP` and `# UNIT` of each metric; none when it is no such request.
pub fn readable(message: &[u8]) -> Option<Vec<String>> {
    let request = WriteRequest::decode(message).ok()?;
    let mut lines = Vec::new();
    for series in &request.timeseries {
        let name = series.labels.iter().find(|label| label.name == "__name__");
        let others = series.labels.iter().filter(|label| label.name != "__name__");
        let labels: Vec<String> = others.map(|label| format!("{}={:?}", label.name, label.value)).collect();
        let name = name.map_or("", |label| label.value.as_str());
        for point in &series.samples {
            lines.push(format!("{name}{{{}}} {} {}", labels.join(","), point.value, point.timestamp));
        }
    }
    for metadata in &request.metadata {
        let name = &metadata.metric_family_name;
        let kind = match metadata.metric_type {
            1 => "counter",
            2 => "gauge",
            _ => "unknown",
        };
        lines.push(format!("# TYPE {name} {kind}"));
        lines.push(format!("# HELP {name} {}", metadata.help));
        if !metadata.unit.is_empty() {
            lines.push(format!("# UNIT {name} {}", metadata.unit));
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_none() {
        assert_eq!(readable(b""), Some(Vec::new()));
        assert_eq!(readable(b"\xff\xff"), None);
    }
}
