//! Numbers as an export writes them: exactly, also those that JSON has no word for.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Granularity;

/// A value, or none: a JSON number, `null`, or one of the texts `NaN`, `Infinity` and `-Infinity`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(pub(super) Option<f64>);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_unit(),
            Some(value) if value.is_finite() => serializer.serialize_f64(value),
            Some(value) if value.is_nan() => serializer.serialize_str("NaN"),
            Some(value) => serializer.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, null, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number(Some(value)))
            }

            // What others write without a point.
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(Some(value as f64)))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(Some(value as f64)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                match text {
                    "NaN" => Ok(Number(Some(f64::NAN))),
                    "Infinity" => Ok(Number(Some(f64::INFINITY))),
                    "-Infinity" => Ok(Number(Some(f64::NEG_INFINITY))),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A length of time in seconds: a JSON number, or a text where no double is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seconds(pub(super) Granularity);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        if let Ok(whole) = text.parse::<i64>() {
            return serializer.serialize_i64(whole);
        }
        let seconds = self.0.seconds();
        let exact = serde_json::to_string(&seconds).is_ok_and(|written| written == text);
        if exact { serializer.serialize_f64(seconds) } else { serializer.serialize_str(&text) }
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map(Seconds).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_back_to_the_bit() {
        for value in [0.1, -0.0, 5.0, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&Number(Some(value))).unwrap();
            let read: Number = serde_json::from_str(&text).unwrap();
            assert_eq!(read.0.map(f64::to_bits), Some(value.to_bits()), "{text}");
        }
        assert_eq!(serde_json::to_string(&[Number(None), Number(Some(f64::NAN))]).unwrap(), "[null,\"NaN\"]");
        let read: Vec<Number> = serde_json::from_str("[null,\"NaN\",7]").unwrap();
        assert!(read[0].0.is_none() && read[1].0.unwrap().is_nan() && read[2].0 == Some(7.0));
        assert!(serde_json::from_str::<Number>("\"nan\"").is_err());
    }

    #[test]
    fn lengths_of_time_are_exact() {
        for (text, written) in [("60", "60"), ("0.5", "0.5"), ("1ns", "\"0.000000001\"")] {
            let seconds = Seconds(text.parse().unwrap());
            assert_eq!(serde_json::to_string(&seconds).unwrap(), written);
            assert_eq!(serde_json::from_str::<Seconds>(written).unwrap(), seconds);
        }
        assert!(serde_json::from_str::<Seconds>("-1").is_err());
    }
}
