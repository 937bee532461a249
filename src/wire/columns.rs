//! Records as rows: which columns a record has for people and spreadsheets, and what stands in each.

use serde_json::{Map, Value};

use crate::model::{KIND_KEYS, RecordKind};

/// The columns of a table: dotted paths into records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<String>);

impl Columns {
    /// The columns that the user names.
    pub fn named(names: &[String]) -> Columns {
        Columns(names.to_vec())
    }

    /// The columns that show what matters of a record like `record`.
    pub fn of(record: &Value) -> Columns {
        let fixed: &[&str] = match RecordKind::of(&KIND_KEYS, |key| record.get(key).is_some()) {
            Some(RecordKind::Sample) if record.get("counter_name").is_some() => &[
                "timestamp",
                "counter_name",
                "resource_id",
                "counter_volume",
                "counter_unit",
                "counter_type",
            ],
            Some(RecordKind::Sample) => &["timestamp", "name", "resource_id", "volume", "unit", "type"],
            Some(RecordKind::Event) => &["generated", "event_type", "message_id", "traits"],
            Some(RecordKind::Notification) => {
                &["timestamp", "event_type", "publisher_id", "priority", "message_id"]
            }
            Some(RecordKind::Transition) => {
                &["timestamp", "alarm_name", "severity", "previous", "current", "group", "reason"]
            }
            Some(RecordKind::Aggregate) => return Columns(aggregate(record)),
            None => {
                return Columns(
                    record.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect(),
                );
            }
        };
        Columns(fixed.iter().map(|name| (*name).to_owned()).collect())
    }

    /// The columns' names.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The cells of one record: texts bare, other values as JSON, nothing for what it does not have.
    pub fn cells<'a>(&'a self, record: &'a Value) -> impl Iterator<Item = Cell<'a>> {
        self.0.iter().map(|name| Cell(find(record, name)))
    }
}

/// What stands in one column of one record.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a>(Option<&'a Value>);

impl Cell<'_> {
    /// The value in full, for machines.
    pub fn exact(self) -> String {
        match self.0 {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// The value for people: fractions to six significant digits, objects and traits as `key=value`.
    pub fn short(self) -> String {
        match self.0 {
            Some(Value::Number(number)) if number.is_f64() => {
                number.as_f64().map_or_else(String::new, short_number)
            }
            Some(Value::Object(map)) => {
                let pairs = map.iter().map(|(key, value)| format!("{key}={}", Cell(Some(value)).short()));
                pairs.collect::<Vec<_>>().join(" ")
            }
            Some(Value::Array(list)) if list.iter().all(is_trait) => {
                let pairs = list
                    .iter()
                    .map(|one| format!("{}={}", Cell(one.get(0)).short(), Cell(one.get(2)).short()));
                pairs.collect::<Vec<_>>().join(" ")
            }
            _ => self.exact(),
        }
    }

    /// Whether it is a number, to be set to the right.
    pub fn is_number(self) -> bool {
        self.0.is_some_and(Value::is_number)
    }
}

fn is_trait(value: &Value) -> bool {
    value.as_array().is_some_and(|parts| parts.len() == 3 && parts[0].is_string())
}

/// Six significant digits, integers whole, no trailing zeros.
fn short_number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e15).contains(&magnitude) {
        return format!("{value:.5e}");
    }
    let whole_digits = if magnitude < 1.0 { 0 } else { magnitude.log10().floor() as usize + 1 };
    let text = format!("{value:.*}", 6usize.saturating_sub(whole_digits));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Time first, then the row's keys, then one column a method.
fn aggregate(record: &Value) -> Vec<String> {
    let mut names = vec!["timestamp".to_owned(), "granularity".to_owned()];
    let empty = Map::new();
    let record = record.as_object().unwrap_or(&empty);
    let keys = record.keys().filter(|key| !matches!(&key[..], "timestamp" | "granularity" | "aggregates"));
    names.extend(keys.cloned());
    let methods = record.get("aggregates").and_then(Value::as_object);
    names.extend(methods.into_iter().flatten().map(|(method, _)| format!("aggregates.{method}")));
    names
}

/// The value at a dotted path; a key that itself has dots is found too, and so is an event's trait by its name.
fn find<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(value) = record.get(path) {
        return Some(value);
    }
    if let (Some(name), Some(Value::Array(traits))) = (path.strip_prefix("traits."), record.get("traits")) {
        return traits.iter().find(|one| is_trait(one) && one[0] == name)?.get(2);
    }
    let dots = path.char_indices().filter(|(_, c)| *c == '.').map(|(at, _)| at);
    dots.filter_map(|at| find(record.get(&path[..at])?, &path[at + 1..])).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_aggregate_has_its_keys_and_a_column_for_each_method() {
        let record = json!({"name":"cpu","resource_id":"r","unit":"ns","timestamp":"t","granularity":60,"aggregates":{"99.9pct":1.5}});
        let columns = Columns::of(&record);
        assert_eq!(
            columns.names(),
            ["timestamp", "granularity", "name", "resource_id", "unit", "aggregates.99.9pct"]
        );
        let cells: Vec<String> = columns.cells(&record).map(Cell::exact).collect();
        assert_eq!(cells, ["t", "60", "cpu", "r", "ns", "1.5"]);
    }

    #[test]
    fn people_get_six_digits_and_whole_integers() {
        for (value, text) in [
            (1234567.891, "1234568"),
            (0.1 + 0.2, "0.3"),
            (97.45678912, "97.4568"),
            (0.0, "0"),
            (-2.5, "-2.5"),
            (1e20, "1.00000e20"),
            (100.0, "100"),
        ] {
            assert_eq!(short_number(value), text);
        }
        let traits = json!({"a": [["vcpus", 2, 4], ["name", 1, "x"]], "g": {"resource_id": "r"}});
        let cells: Vec<String> =
            Columns::named(&["a".into(), "g".into(), "zz".into()]).cells(&traits).map(Cell::short).collect();
        assert_eq!(cells, ["vcpus=4 name=x", "resource_id=r", ""]);
        let event = json!({"event_type": "e", "traits": [["a.b", 1, "x"], ["vcpus", 2, 4]]});
        let cells: Vec<String> =
            Columns::named(&["traits.vcpus".into(), "traits.a.b".into(), "traits.no".into()])
                .cells(&event)
                .map(Cell::exact)
                .collect();
        assert_eq!(cells, ["4", "x", ""]);
    }
}
