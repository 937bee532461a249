//! The sensors of bare metal, as Ironic's conductor reads them by IPMI.

use std::borrow::Cow;

use super::{Malformed, TEXT_MAX, Taker, isoformat, set};
use crate::define::MadeSample;
use crate::model::{Node, Notification, SampleType, python};

/// Which meter the sensors of a kind are, in the order in which the original's endpoints are asked.
const KINDS: [(&str, &str); 4] = [
    ("Current", "hardware.ipmi.current"),
    ("Fan", "hardware.ipmi.fan"),
    ("Temperature", "hardware.ipmi.temperature"),
    ("Voltage", "hardware.ipmi.voltage"),
];

/// One sample a sensor: of the resource `node-sensor`, with what the sensor says of itself as metadata.
pub(super) fn samples<'a>(notification: &'a Notification<'a>, take: Taker<'_, 'a>) {
    let payload = &notification.payload;
    let Some(node) = payload.get("node_uuid").and_then(Node::as_text) else {
        return take(Err(Malformed::Node));
    };
    let Some(all @ Node::Map(_)) = payload.get("payload") else {
        return take(Err(Malformed::Sensors("payload.payload")));
    };
    let timestamp = match isoformat(payload.get("timestamp").and_then(Node::as_text)) {
        Ok(timestamp) => timestamp,
        Err(malformed) => return take(Err(malformed)),
    };
    for (kind, meter) in KINDS {
        match all.get(kind) {
            None => {}
            Some(Node::Map(sensors)) => {
                for (name, sensor) in sensors {
                    let Node::Map(known) = sensor else {
                        take(Err(Malformed::Sensors(kind)));
                        continue;
                    };
                    take(reading(name, sensor).map(|(id, volume, unit)| {
                        let mut metadata = known.clone();
                        set(&mut metadata, "node", Node::from(node));
                        let event_type = payload.get("event_type").and_then(Node::as_text);
                        let event_type = event_type.unwrap_or(&notification.event_type);
                        set(&mut metadata, "event_type", Node::from(event_type));
                        set(&mut metadata, "host", Node::from(&*notification.publisher_id));
                        let id = id.to_lowercase().replace(' ', "_");
                        MadeSample {
                            name: Cow::Borrowed(meter),
                            sample_type: SampleType::Gauge,
                            unit: Cow::Borrowed(unit),
                            volume: Node::Float(volume),
                            user_id: Node::Null,
                            project_id: Node::Null,
                            resource_id: Node::Text(Cow::Owned(format!("{node}-{id}"))),
                            timestamp: Cow::Owned(timestamp.clone()),
                            metadata: Node::Map(metadata),
                            sent: None,
                        }
                    }));
                }
            }
            Some(_) => take(Err(Malformed::Sensors(kind))),
        }
    }
}

/// The identity of a sensor, and the number and the unit that it reads.
///
/// `4.87 (+/- 0) Volts` is 4.87 V: the number stands before the first space, the unit behind the last.
fn reading<'a>(name: &str, sensor: &'a Node<'a>) -> Result<(&'a str, f64, &'a str), Malformed> {
    let text = |key: &'static str| {
        let lacks = || Malformed::Sensor { sensor: name.chars().take(TEXT_MAX).collect(), key };
        sensor.get(key).and_then(Node::as_text).ok_or_else(lacks)
    };
    let (id, reading) = (text("Sensor ID")?, text("Sensor Reading")?);
    let unreadable = || Malformed::Reading {
        sensor: name.chars().take(TEXT_MAX).collect(),
        reading: reading.chars().take(TEXT_MAX).collect(),
    };
    let (number, rest) = reading.split_once(' ').ok_or_else(unreadable)?;
    let unit = rest.rsplit_once(' ').map_or(rest, |(_, unit)| unit);
    let unit = match unit {
        "Volts" => "V",
        "Watts" => "W",
        other => other,
    };
    // Not a number and infinity are volumes for Python; no line could carry them.
    let volume = python::read_float(number).filter(|number| number.is_finite()).ok_or_else(unreadable)?;
    Ok((id, volume, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_a_number_and_a_unit() {
        // What Ceilometer 27.0.0 made of each.
        for (text, expected) in [
            ("26 (+/- 0.500) degrees C", Some((26.0, "C"))),
            ("-4.5 (+/- 1) degrees C", Some((-4.5, "C"))),
            ("4.87 (+/- 0) Volts", Some((4.87, "V"))),
            ("130 (+/- 0) Watts", Some((130.0, "W"))),
            ("6900 (+/- 0) RPM", Some((6900.0, "RPM"))),
            ("12 (+/- 0) Amps", Some((12.0, "Amps"))),
            ("5 percent", Some((5.0, "percent"))),
            ("1e3 (+/- 0) degrees C", Some((1000.0, "C"))),
            ("26", None),
            ("", None),
            ("Disabled", None),
            ("No Reading", None),
            ("1,000 (+/- 0) RPM", None),
            ("0x1f (+/- 0) C", None),
        ] {
            let sensor = Node::Map(vec![
                ("Sensor ID".into(), Node::from("Fan 4")),
                ("Sensor Reading".into(), Node::from(text)),
            ]);
            let found = reading("name", &sensor).ok().map(|(_, volume, unit)| (volume, unit));
            assert_eq!(found, expected, "{text}");
        }
    }
}
