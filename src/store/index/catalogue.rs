//! The few things that nearly every call needs, remembered: archive policies, rules, resource types.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::Thing;
use super::{ArchivePolicyRule, Index, IndexError, PolicyNumber, ResourceType};
use crate::define::Glob;
use crate::model::Granularity;
use crate::series::{ArchivePolicy, Definition};

/// Archive policies, rules and resource types as of one generation.
pub(super) struct Catalogue {
    generation: i64,
    /// By number.
    pub(super) policies: BTreeMap<PolicyNumber, Arc<ArchivePolicy>>,
    policy_numbers: BTreeMap<String, PolicyNumber>,
    /// In the order in which they are tried.
    pub(super) rules: Vec<CompiledRule>,
    /// By number.
    pub(super) types: BTreeMap<i64, Arc<ResourceType>>,
    type_numbers: BTreeMap<String, i64>,
}

/// A rule, ready to be tried.
pub(super) struct CompiledRule {
    pub(super) rule: ArchivePolicyRule,
    glob: Glob,
    policy: PolicyNumber,
}

impl Index {
    /// The catalogue of this moment.
    pub(super) fn catalogue(&self) -> Result<Arc<Catalogue>, IndexError> {
        let generation = self.generation()?;
        let mut remembered = self.catalogue.borrow_mut();
        match &*remembered {
            Some(catalogue) if catalogue.generation == generation => Ok(Arc::clone(catalogue)),
            _ => Ok(Arc::clone(remembered.insert(Arc::new(self.read_catalogue()?)))),
        }
    }

    fn read_catalogue(&self) -> Result<Catalogue, IndexError> {
        // The number first: what changes after it was read only makes this catalogue be read again.
        let generation = self.generation()?;
        let mut catalogue = Catalogue {
            generation,
            policies: BTreeMap::new(),
            policy_numbers: BTreeMap::new(),
            rules: Vec::new(),
            types: BTreeMap::new(),
            type_numbers: BTreeMap::new(),
        };
        self.read_policies(&mut catalogue)?;
        self.read_rules(&mut catalogue)?;
        self.read_types(&mut catalogue)?;
        Ok(catalogue)
    }

    fn read_policies(&self, catalogue: &mut Catalogue) -> Result<(), IndexError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT number, name, back_window, methods, definition FROM archive_policy")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number = PolicyNumber(row.get(0)?);
            let (name, methods, definition): (String, String, String) =
                (row.get(1)?, row.get(3)?, row.get(4)?);
            let policy = decode_policy(&name, row.get(2)?, &methods, &definition)
                .ok_or_else(|| IndexError::Damaged { what: format!("archive policy \"{name}\"") })?;
            catalogue.policies.insert(number, Arc::new(policy));
            catalogue.policy_numbers.insert(name, number);
        }
        Ok(())
    }

    /// In Gnocchi's order: the pattern that sorts last comes first, then by name.
    fn read_rules(&self, catalogue: &mut Catalogue) -> Result<(), IndexError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT r.name, r.metric_pattern, r.archive_policy, p.name
               FROM archive_policy_rule r JOIN archive_policy p ON p.number = r.archive_policy
              ORDER BY r.metric_pattern DESC, r.name",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let rule = ArchivePolicyRule {
                name: row.get(0)?,
                metric_pattern: row.get(1)?,
                archive_policy: row.get(3)?,
            };
            let (glob, policy) = (Glob::new(&rule.metric_pattern), PolicyNumber(row.get(2)?));
            catalogue.rules.push(CompiledRule { rule, glob, policy });
        }
        Ok(())
    }

    fn read_types(&self, catalogue: &mut Catalogue) -> Result<(), IndexError> {
        let mut statement =
            self.connection().prepare_cached("SELECT number, name, attributes FROM resource_type")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (number, name, attributes): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let damaged = |_| IndexError::Damaged { what: format!("resource type \"{name}\"") };
            let attributes: Map<String, Value> = serde_json::from_str(&attributes).map_err(damaged)?;
            let resource_type = ResourceType::from_json(&name, &attributes)?;
            catalogue.types.insert(number, Arc::new(resource_type));
            catalogue.type_numbers.insert(name, number);
        }
        Ok(())
    }
}

impl Catalogue {
    pub(super) fn policy_number(&self, name: &str) -> Result<PolicyNumber, IndexError> {
        self.policy_numbers.get(name).copied().ok_or_else(|| Thing::ArchivePolicy.not_found(name))
    }

    pub(super) fn policy(&self, number: PolicyNumber) -> Result<&Arc<ArchivePolicy>, IndexError> {
        self.policies.get(&number).ok_or_else(|| Thing::ArchivePolicy.not_found(number.0))
    }

    /// What the first rule that fits says; a metric without a name is one whose name is empty.
    pub(super) fn policy_by_rule(&self, metric: Option<&str>) -> Result<PolicyNumber, IndexError> {
        let name = metric.unwrap_or_default();
        let fits = self.rules.iter().find(|rule| rule.glob.matches(name));
        fits.map(|rule| rule.policy).ok_or_else(|| IndexError::NoRuleFits { metric: name.to_owned() })
    }

    pub(super) fn type_number(&self, name: &str) -> Result<i64, IndexError> {
        self.type_numbers.get(name).copied().ok_or_else(|| Thing::ResourceType.not_found(name))
    }

    pub(super) fn resource_type(&self, number: i64) -> Result<&Arc<ResourceType>, IndexError> {
        self.types.get(&number).ok_or_else(|| Thing::ResourceType.not_found(number))
    }
}

/// The methods of a policy as they are stored.
pub(super) fn encode_methods(policy: &ArchivePolicy) -> String {
    let words: Vec<String> = policy.methods().iter().map(ToString::to_string).collect();
    words.join(",")
}

/// The definition of a policy as it is stored.
pub(super) fn encode_definition(policy: &ArchivePolicy) -> String {
    let one = |definition: &Definition| match definition.points {
        Some(points) => format!("{}:{points}", definition.granularity.ns()),
        None => definition.granularity.ns().to_string(),
    };
    let parts: Vec<String> = policy.definition().iter().map(one).collect();
    parts.join(",")
}

fn decode_policy(name: &str, back_window: u32, methods: &str, definition: &str) -> Option<ArchivePolicy> {
    let methods = methods.split(',').map(|word| word.parse().ok()).collect::<Option<Vec<_>>>()?;
    let one = |part: &str| {
        let (granularity, points) = match part.split_once(':') {
            Some((granularity, points)) => (granularity, Some(NonZeroU64::new(points.parse().ok()?)?)),
            None => (part, None),
        };
        Some(Definition { granularity: Granularity::from_ns(granularity.parse().ok()?)?, points })
    };
    let definition = definition.split(',').map(one).collect::<Option<Vec<_>>>()?;
    ArchivePolicy::new(name, back_window, methods, definition).ok()
}
