//! Measures as rows: one JSON object a line.

use crate::model::Timestamp;
use crate::series::{Series, Step};
use crate::wire::json::{write_f64, write_text};

/// Appends a row for each point of `series`, behind the members in `prefix`, which ends with a comma unless it is empty.
pub fn write(prefix: &[u8], step: Step, series: &Series, out: &mut Vec<u8>) {
    let mut granularity = Vec::new();
    match step {
        Step::Span(length) => granularity.extend(length.to_string().bytes()),
        Step::Calendar(_) => write_text(step.to_string().as_bytes(), &mut granularity),
    }
    for (at, value) in series.timestamps.iter().zip(&series.values) {
        row(prefix, *at, &granularity, *value, out);
    }
}

fn row(prefix: &[u8], at: Timestamp, granularity: &[u8], value: f64, out: &mut Vec<u8>) {
    out.push(b'{');
    out.extend_from_slice(prefix);
    out.extend_from_slice(b"\"timestamp\":\"");
    at.write(out);
    out.extend_from_slice(b"\",\"granularity\":");
    out.extend_from_slice(granularity);
    out.extend_from_slice(b",\"value\":");
    write_value(value, out);
    out.extend_from_slice(b"}\n");
}

/// A value; JSON has no numbers for some, which are texts: "NaN", "Infinity", "-Infinity".
fn write_value(value: f64, out: &mut Vec<u8>) {
    let text = match value {
        _ if value.is_nan() => "\"NaN\"",
        f64::INFINITY => "\"Infinity\"",
        f64::NEG_INFINITY => "\"-Infinity\"",
        _ => return write_f64(value, out),
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_json_whatever_its_value_is() {
        let times = [0, 1_500_000_000].map(Timestamp::from_ns).to_vec();
        let series =
            |values| Series { granularity: "0.5".parse().unwrap(), timestamps: times.clone(), values };
        let mut out = Vec::new();
        write(b"", "0.5".parse().unwrap(), &series(vec![2.0, f64::NAN]), &mut out);
        write(b"\"metric\":\"m\",", "M".parse().unwrap(), &series(vec![f64::NEG_INFINITY]), &mut out);
        let expected = concat!(
            r#"{"timestamp":"1970-01-01T00:00:00Z","granularity":0.5,"value":2.0}"#,
            "\n",
            r#"{"timestamp":"1970-01-01T00:00:01.5Z","granularity":0.5,"value":"NaN"}"#,
            "\n",
            r#"{"metric":"m","timestamp":"1970-01-01T00:00:00Z","granularity":"M","value":"-Infinity"}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
