//! Samples put together by the resource that they are of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::definitions::Resource;
use crate::define::Subject;
use crate::model::Node;
use crate::wire::json::write_node;

/// A sample, in what Gnocchi wants of it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// The meter.
    pub name: String,
    resource_id: String,
    volume: Node<'a>,
    unit: Node<'a>,
    /// All of it.
    node: Node<'a>,
}

/// One resource, and what was measured of it.
#[derive(Debug)]
pub struct Measured<'d> {
    /// Its type.
    pub resource: &'d Resource,
    user_id: Node<'static>,
    project_id: Node<'static>,
    attributes: Vec<(&'d str, Node<'static>)>,
    metrics: BTreeMap<String, Metric>,
    records: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Metric {
    policy: String,
    unit: Node<'static>,
    /// JSON, a comma between two.
    measures: Vec<u8>,
}

/// The resources of one batch, in the order of their ids.
#[derive(Debug, Default)]
pub struct Resources<'d> {
    by_id: BTreeMap<String, Measured<'d>>,
}

impl<'a> Sample<'a> {
    /// Reads a sample of either form; none when it is none, or names no resource.
    pub fn of(node: Node<'a>) -> Option<Sample<'a>> {
        let is_meter = node.get("counter_name").is_some();
        let get = |plain: &str, meter: &str| node.get(if is_meter { meter } else { plain }).cloned();
        let name = get("name", "counter_name")?.as_text()?.to_owned();
        let volume = get("volume", "counter_volume").filter(|volume| volume.as_f64().is_some())?;
        let unit = get("unit", "counter_unit").unwrap_or_default();
        // A slash would end the id in a path.
        let resource_id = node.get("resource_id")?.as_text()?.replace('/', "_");
        Some(Sample { name, resource_id, volume, unit, node })
    }

    /// Whether it is of `project`, or is what the project itself has.
    pub fn is_of_project(&self, project: Option<&str>) -> bool {
        let is = |key: &str| self.node.get(key).and_then(Node::as_text) == project;
        project.is_some() && (is("project_id") || is("resource_id"))
    }
}

impl<'d> Resources<'d> {
    /// Adds a sample; `bytes`: how long its line is.
    pub fn add(&mut self, sample: Sample<'_>, resource: &'d Resource, policy: String, bytes: u64) {
        let get = |key: &str| sample.node.get(key).cloned().unwrap_or_default().into_owned();
        let measured = self.by_id.entry(sample.resource_id.clone()).or_insert_with(|| Measured {
            resource,
            user_id: Node::Null,
            project_id: Node::Null,
            attributes: Vec::new(),
            metrics: BTreeMap::new(),
            records: 0,
            bytes: 0,
        });
        measured.resource = resource;
        measured.user_id = get("user_id");
        measured.project_id = get("project_id");
        measured.records += 1;
        measured.bytes += bytes;
        let subject = Subject::of(&sample.node);
        for (attribute, field) in &resource.attributes {
            let Some(value) = field.first(&subject) else { continue };
            let value = value.into_owned().into_owned();
            match measured.attributes.iter_mut().find(|(name, _)| name == attribute) {
                Some((_, old)) => *old = value,
                None => measured.attributes.push((attribute, value)),
            }
        }
        let metric = measured.metrics.entry(sample.name).or_insert_with(|| Metric {
            policy,
            unit: sample.unit.into_owned(),
            measures: Vec::new(),
        });
        if !metric.measures.is_empty() {
            metric.measures.push(b',');
        }
        let timestamp = sample.node.get("timestamp").cloned().unwrap_or_default();
        let measure = vec![("timestamp".into(), timestamp), ("value".into(), sample.volume)];
        write_node(&Node::Map(measure), &mut metric.measures);
    }

    /// All ids, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    /// The resource of this id.
    pub fn get(&self, id: &str) -> Option<&Measured<'d>> {
        self.by_id.get(id)
    }

    /// How many samples these have.
    pub fn records(&self, ids: &[&str]) -> u64 {
        ids.iter().filter_map(|id| self.get(id)).map(|of| of.records).sum()
    }

    /// How long their lines are together.
    pub fn bytes(&self, ids: &[&str]) -> u64 {
        ids.iter().filter_map(|id| self.get(id)).map(|of| of.bytes).sum()
    }

    /// The batch of these.
    pub fn body(&self, ids: &[&str]) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (index, (id, of)) in ids.iter().filter_map(|id| Some((*id, self.get(id)?))).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_node(&Node::from(id), &mut out);
            out.extend(b":{");
            for (index, (name, metric)) in of.metrics.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_node(&Node::from(name.as_str()), &mut out);
                out.extend(b":{\"measures\":[");
                out.extend_from_slice(&metric.measures);
                out.extend(b"],\"archive_policy_name\":");
                write_node(&Node::from(metric.policy.as_str()), &mut out);
                out.extend(b",\"unit\":");
                write_node(&metric.unit, &mut out);
                out.push(b'}');
            }
            out.push(b'}');
        }
        out.push(b'}');
        out
    }
}

impl Measured<'_> {
    /// What creates it.
    pub fn creation(&self, id: &str) -> Vec<u8> {
        let own = [
            ("id", Node::from(id)),
            ("user_id", self.user_id.clone()),
            ("project_id", self.project_id.clone()),
        ];
        self.written(own)
    }

    /// What changes it: whose creation it was does not change.
    pub fn change(&self) -> Vec<u8> {
        self.written([("project_id", self.project_id.clone())])
    }

    fn written<'n, const N: usize>(&self, own: [(&'n str, Node<'n>); N]) -> Vec<u8> {
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value.clone()));
        let named = own.into_iter().chain(attributes);
        let entries = named.map(|(name, value)| (Cow::Owned(name.to_owned()), value)).collect();
        let mut out = Vec::new();
        write_node(&Node::Map(entries), &mut out);
        out
    }
}
