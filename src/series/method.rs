//! Aggregation methods: what is computed of the points of a span, and their names.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What is computed of the values of a span (Gnocchi 4.7.1's definitions).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// Sum divided by count.
    Mean,
    /// All values added up.
    Sum,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// How many values there are.
    Count,
    /// The standard deviation of a sample (ddof 1); of a single value there is none.
    Std,
    /// The 50th percentile.
    Median,
    /// The value with the oldest timestamp.
    First,
    /// The value with the newest timestamp.
    Last,
    /// The given percentile, over 0 and under 100, linear between neighbours.
    Percentile(f64),
}

/// Of which values a statistic is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The values themselves.
    Plain,
    /// The differences between consecutive points, stamped with the later one (Gnocchi's `rate:`).
    Rate,
    /// Those differences divided by the seconds between the points.
    PerSecond,
}

/// A statistic of a form, as `mean`, `95pct`, `rate:max`, `persec:mean`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    /// Of which values.
    pub form: Form,
    /// What of them.
    pub statistic: Statistic,
}

impl Method {
    /// A statistic of the values themselves.
    pub const fn plain(statistic: Statistic) -> Method {
        Method { form: Form::Plain, statistic }
    }

    /// Where the method stands in a list of methods: plain ones first, Gnocchi's default six before the others,
    /// percentiles by their number.
    pub fn canonical_order(&self, other: &Method) -> Ordering {
        let (form, place, percent) = self.place();
        let (other_form, other_place, other_percent) = other.place();
        (form, place).cmp(&(other_form, other_place)).then(percent.total_cmp(&other_percent))
    }

    fn place(&self) -> (u8, u8, f64) {
        let form = match self.form {
            Form::Plain => 0,
            Form::Rate => 1,
            Form::PerSecond => 2,
        };
        let (place, percent) = match self.statistic {
            Statistic::Mean => (0, 0.0),
            Statistic::Min => (1, 0.0),
            Statistic::Max => (2, 0.0),
            Statistic::Sum => (3, 0.0),
            Statistic::Std => (4, 0.0),
            Statistic::Count => (5, 0.0),
            Statistic::Median => (6, 0.0),
            Statistic::First => (7, 0.0),
            Statistic::Last => (8, 0.0),
            Statistic::Percentile(percent) => (9, percent),
        };
        (form, place, percent)
    }
}

/// A word that names no method.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "unknown aggregation method \"{0}\": mean, sum, min, max, count, std, median, first, last or Npct (as 95pct), \
     each also behind rate: or persec:"
)]
pub struct BadMethod(pub String);

impl FromStr for Method {
    type Err = BadMethod;

    fn from_str(text: &str) -> Result<Self, BadMethod> {
        let (form, word) = match text.split_once(':') {
            Some(("rate", word)) => (Form::Rate, word),
            Some(("persec", word)) => (Form::PerSecond, word),
            _ => (Form::Plain, text),
        };
        let statistic = match word {
            "mean" => Statistic::Mean,
            "sum" => Statistic::Sum,
            "min" => Statistic::Min,
            "max" => Statistic::Max,
            "count" => Statistic::Count,
            "std" => Statistic::Std,
            "median" => Statistic::Median,
            "first" => Statistic::First,
            "last" => Statistic::Last,
            _ => {
                let digits = word.strip_suffix("pct").filter(|digits| {
                    digits.starts_with(|c: char| c.is_ascii_digit())
                        && digits.ends_with(|c: char| c.is_ascii_digit())
                        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                });
                let percent = digits.and_then(|digits| digits.parse().ok());
                Statistic::Percentile(
                    percent.filter(|p| *p > 0.0 && *p < 100.0).ok_or_else(|| BadMethod(text.to_owned()))?,
                )
            }
        };
        Ok(Method { form, statistic })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.form {
            Form::Plain => "",
            Form::Rate => "rate:",
            Form::PerSecond => "persec:",
        })?;
        match self.statistic {
            Statistic::Mean => f.write_str("mean"),
            Statistic::Sum => f.write_str("sum"),
            Statistic::Min => f.write_str("min"),
            Statistic::Max => f.write_str("max"),
            Statistic::Count => f.write_str("count"),
            Statistic::Std => f.write_str("std"),
            Statistic::Median => f.write_str("median"),
            Statistic::First => f.write_str("first"),
            Statistic::Last => f.write_str("last"),
            Statistic::Percentile(percent) => write!(f, "{percent}pct"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_read_back_from_its_name() {
        for word in
            ["mean", "sum", "min", "max", "count", "std", "median", "first", "last", "95pct", "99.9pct"]
        {
            for prefix in ["", "rate:", "persec:"] {
                let name = format!("{prefix}{word}");
                assert_eq!(name.parse::<Method>().unwrap().to_string(), name);
            }
        }
        for word in [
            "",
            "avg",
            "0pct",
            "100pct",
            "pct",
            "-5pct",
            "1e1pct",
            "infpct",
            "rate:",
            "rate:rate:mean",
            "foo:mean",
            "5.pct",
        ] {
            assert!(word.parse::<Method>().is_err(), "{word}");
        }
    }
}
