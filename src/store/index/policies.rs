//! Archive policies and the rules that choose one for a new metric.

use std::sync::Arc;

use rusqlite::params;

use super::catalogue::{encode_definition, encode_methods};
use super::error::{Thing, is_duplicate};
use super::{Index, IndexError, NAME_CHARACTERS_MAX, checked_name};
use crate::series::{ArchivePolicy, Definition};

/// An archive policy's number, by which metrics and the measures engine call it; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyNumber(pub u32);

/// Which archive policy a new metric gets that names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePolicyRule {
    /// Its name, unique.
    pub name: String,
    /// A glob over metric names (Python's fnmatch, case-sensitive).
    pub metric_pattern: String,
    /// The name of the policy.
    pub archive_policy: String,
}

impl Index {
    /// All archive policies, by name.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn archive_policies(&self) -> Result<Vec<Arc<ArchivePolicy>>, IndexError> {
        let mut policies: Vec<_> = self.catalogue()?.policies.values().cloned().collect();
        policies.sort_by(|left, right| left.name().cmp(right.name()));
        Ok(policies)
    }

    /// The archive policy of that name.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn archive_policy(&self, name: &str) -> Result<Arc<ArchivePolicy>, IndexError> {
        let catalogue = self.catalogue()?;
        Ok(Arc::clone(catalogue.policy(catalogue.policy_number(name)?)?))
    }

    /// The archive policy of that number.
    ///
    /// # Errors
    /// [`IndexError::NotFound`] when it was deleted.
    pub fn archive_policy_numbered(&self, number: PolicyNumber) -> Result<Arc<ArchivePolicy>, IndexError> {
        Ok(Arc::clone(self.catalogue()?.policy(number)?))
    }

    /// The number of the archive policy of that name.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn archive_policy_number(&self, name: &str) -> Result<PolicyNumber, IndexError> {
        self.catalogue()?.policy_number(name)
    }

    /// Adds an archive policy.
    ///
    /// # Errors
    /// [`IndexError::Exists`] when there is one of that name.
    pub fn create_archive_policy(&self, policy: &ArchivePolicy) -> Result<PolicyNumber, IndexError> {
        checked_name(Thing::ArchivePolicy, policy.name())?;
        self.transaction(|index| {
            let inserted = index
                .connection()
                .prepare_cached(
                    "INSERT INTO archive_policy (name, back_window, methods, definition) VALUES (?, ?, ?, ?)",
                )?
                .insert(params![
                    policy.name(),
                    policy.back_window(),
                    encode_methods(policy),
                    encode_definition(policy)
                ]);
            let number = match inserted {
                Err(error) if is_duplicate(&error) => return Err(Thing::ArchivePolicy.exists(policy.name())),
                other => other?,
            };
            index.next_generation()?;
            let number = u32::try_from(number).map_err(|_| IndexError::Full)?;
            Ok(PolicyNumber(number))
        })
    }

    /// Changes the timespans of an archive policy, and its back window if one is given; gives what it is now.
    ///
    /// # Errors
    /// [`IndexError::NotFound`], or [`IndexError::Invalid`] when the granularities are not those it has.
    pub fn update_archive_policy(
        &self,
        name: &str,
        definition: Vec<Definition>,
        back_window: Option<u32>,
    ) -> Result<Arc<ArchivePolicy>, IndexError> {
        self.transaction(|index| {
            let updated = index
                .archive_policy(name)?
                .updated(definition, back_window)
                .map_err(|reason| Thing::ArchivePolicy.invalid(name, reason))?;
            index
                .connection()
                .prepare_cached("UPDATE archive_policy SET back_window = ?, definition = ? WHERE name = ?")?
                .execute(params![updated.back_window(), encode_definition(&updated), name])?;
            index.next_generation()?;
            Ok(Arc::new(updated))
        })
    }

    /// Removes an archive policy that neither a metric nor a rule uses.
    ///
    /// # Errors
    /// [`IndexError::NotFound`] or [`IndexError::InUse`].
    pub fn delete_archive_policy(&self, name: &str) -> Result<(), IndexError> {
        self.transaction(|index| {
            let number = index.archive_policy_number(name)?;
            let exists = |sql| index.connection().prepare_cached(sql)?.exists([number.0]);
            if exists("SELECT 1 FROM archive_policy_rule WHERE archive_policy = ?")? {
                return Err(Thing::ArchivePolicy.in_use(name, "an archive policy rule"));
            }
            // Those that wait for their points to be removed are in the way too: the points are read by the policy.
            if exists("SELECT 1 FROM metric WHERE archive_policy = ? LIMIT 1")? {
                return Err(Thing::ArchivePolicy.in_use(name, "metrics"));
            }
            index
                .connection()
                .prepare_cached("DELETE FROM archive_policy WHERE number = ?")?
                .execute([number.0])?;
            index.next_generation()
        })
    }

    /// All rules, in the order in which they are tried: by pattern, the last in the order of texts first, then by name.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn archive_policy_rules(&self) -> Result<Vec<ArchivePolicyRule>, IndexError> {
        Ok(self.catalogue()?.rules.iter().map(|compiled| compiled.rule.clone()).collect())
    }

    /// The rule of that name.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn archive_policy_rule(&self, name: &str) -> Result<ArchivePolicyRule, IndexError> {
        let rules = self.archive_policy_rules()?;
        rules
            .into_iter()
            .find(|rule| rule.name == name)
            .ok_or_else(|| Thing::ArchivePolicyRule.not_found(name))
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// [`IndexError::Exists`], or [`IndexError::NotFound`] when there is no such archive policy.
    pub fn create_archive_policy_rule(&self, rule: &ArchivePolicyRule) -> Result<(), IndexError> {
        checked_name(Thing::ArchivePolicyRule, &rule.name)?;
        if rule.metric_pattern.chars().count() > NAME_CHARACTERS_MAX {
            let reason = format!("a pattern has at most {NAME_CHARACTERS_MAX} characters");
            return Err(Thing::ArchivePolicyRule.invalid(&rule.name, reason));
        }
        self.transaction(|index| {
            let policy = index.archive_policy_number(&rule.archive_policy)?;
            let inserted = index
                .connection()
                .prepare_cached("INSERT INTO archive_policy_rule VALUES (?, ?, ?)")?
                .execute(params![rule.name, rule.metric_pattern, policy.0]);
            match inserted {
                Err(error) if is_duplicate(&error) => Err(Thing::ArchivePolicyRule.exists(&rule.name)),
                other => other.map_err(IndexError::from).and_then(|_| index.next_generation()),
            }
        })
    }

    /// Gives a rule another name.
    ///
    /// # Errors
    /// [`IndexError::NotFound`], or [`IndexError::Exists`] when the name is taken.
    pub fn rename_archive_policy_rule(&self, name: &str, new_name: &str) -> Result<(), IndexError> {
        checked_name(Thing::ArchivePolicyRule, new_name)?;
        self.transaction(|index| {
            let renamed = index
                .connection()
                .prepare_cached("UPDATE archive_policy_rule SET name = ? WHERE name = ?")?
                .execute([new_name, name]);
            match renamed {
                Err(error) if is_duplicate(&error) => Err(Thing::ArchivePolicyRule.exists(new_name)),
                Ok(0) => Err(Thing::ArchivePolicyRule.not_found(name)),
                other => other.map_err(IndexError::from).and_then(|_| index.next_generation()),
            }
        })
    }

    /// Removes a rule; metrics keep the policies that it gave them.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn delete_archive_policy_rule(&self, name: &str) -> Result<(), IndexError> {
        self.transaction(|index| {
            let deleted = index
                .connection()
                .prepare_cached("DELETE FROM archive_policy_rule WHERE name = ?")?
                .execute([name])?;
            if deleted == 0 { Err(Thing::ArchivePolicyRule.not_found(name)) } else { index.next_generation() }
        })
    }

    /// The archive policy that the rules choose for a new metric; a metric without a name is matched as an empty one.
    ///
    /// # Errors
    /// [`IndexError::NoRuleFits`].
    pub fn archive_policy_for(&self, metric: Option<&str>) -> Result<Arc<ArchivePolicy>, IndexError> {
        let catalogue = self.catalogue()?;
        Ok(Arc::clone(catalogue.policy(catalogue.policy_by_rule(metric)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, store};
    use super::super::{NewMetric, Status};
    use super::*;
    use crate::series::gnocchi_policies;

    fn rule(name: &str, pattern: &str, policy: &str) -> ArchivePolicyRule {
        ArchivePolicyRule {
            name: name.to_owned(),
            metric_pattern: pattern.to_owned(),
            archive_policy: policy.to_owned(),
        }
    }

    #[test]
    fn policies_are_read_back_as_they_were_written() {
        let (_folder, index) = store("policies");
        for policy in gnocchi_policies() {
            assert_eq!(*index.archive_policy(policy.name()).unwrap(), policy);
            let number = index.archive_policy_number(policy.name()).unwrap();
            assert_eq!(*index.archive_policy_numbered(number).unwrap(), policy);
        }
        let without_end =
            vec![Definition { points: None, ..index.archive_policy("low").unwrap().definition()[0] }];
        let methods = vec!["99.9pct".parse().unwrap(), "rate:max".parse().unwrap()];
        let odd = ArchivePolicy::new("odd", 7, methods, without_end).unwrap();
        index.create_archive_policy(&odd).unwrap();
        assert_eq!(*index.archive_policy("odd").unwrap(), odd);
        assert!(matches!(index.create_archive_policy(&odd), Err(IndexError::Exists { .. })));
        assert!(matches!(index.archive_policy("none"), Err(IndexError::NotFound { .. })));
    }

    #[test]
    fn an_update_keeps_the_granularities_and_is_seen_by_all_metrics() {
        let (_folder, index) = store("policy-update");
        let metric = index.create_metric(&NewMetric::default(), at(0)).unwrap();
        let low = index.archive_policy("low").unwrap();
        let longer = vec![Definition { points: None, ..low.definition()[0] }];
        let updated = index.update_archive_policy("low", longer.clone(), Some(3)).unwrap();
        assert_eq!((updated.back_window(), updated.definition()), (3, longer.as_slice()));
        assert_eq!(index.metric(metric.id).unwrap().archive_policy, updated);
        let two = [longer.clone(), longer].concat();
        assert!(matches!(index.update_archive_policy("low", two, None), Err(IndexError::Invalid { .. })));
    }

    #[test]
    fn a_policy_goes_when_neither_rules_nor_metrics_use_it() {
        let (_folder, index) = store("policy-delete");
        let in_use = || matches!(index.delete_archive_policy("low"), Err(IndexError::InUse { .. }));
        assert!(in_use());
        let metric = index.create_metric(&NewMetric::default(), at(0)).unwrap();
        index.delete_archive_policy_rule("default").unwrap();
        assert!(in_use());
        index.delete_metric(metric.id).unwrap();
        assert!(in_use());
        assert_eq!(index.metric_numbered(metric.number).unwrap().status, Status::Deleted);
        index.expunge(&index.deleted().unwrap()).unwrap();
        index.delete_archive_policy("low").unwrap();
        assert!(index.archive_policy("low").is_err());
    }

    #[test]
    fn the_first_rule_that_fits_is_that_of_the_last_pattern() {
        let (_folder, index) = store("rules");
        for (name, pattern, policy) in [
            ("b", "disk.*", "medium"),
            ("a", "disk.*", "high"),
            ("c", "disk.io", "medium"),
            ("d", "", "bool"),
        ] {
            index.create_archive_policy_rule(&rule(name, pattern, policy)).unwrap();
        }
        let order: Vec<_> = index.archive_policy_rules().unwrap().into_iter().map(|rule| rule.name).collect();
        assert_eq!(order, ["c", "a", "b", "default", "d"]);
        for (metric, policy) in [
            (Some("disk.io"), "medium"),
            (Some("disk.read"), "high"),
            (Some("Disk.read"), "low"),
            // "*" sorts after "", and fits an empty name as well.
            (None, "low"),
        ] {
            assert_eq!(index.archive_policy_for(metric).unwrap().name(), policy, "{metric:?}");
        }
        index.delete_archive_policy_rule("default").unwrap();
        assert_eq!(index.archive_policy_for(None).unwrap().name(), "bool");
        assert!(matches!(index.archive_policy_for(Some("cpu")), Err(IndexError::NoRuleFits { .. })));
    }

    #[test]
    fn rules_are_renamed_and_removed_by_name() {
        let (_folder, index) = store("rule-names");
        index.create_archive_policy_rule(&rule("a", "a*", "high")).unwrap();
        assert!(matches!(index.rename_archive_policy_rule("a", "default"), Err(IndexError::Exists { .. })));
        assert!(matches!(index.rename_archive_policy_rule("b", "c"), Err(IndexError::NotFound { .. })));
        index.rename_archive_policy_rule("a", "b").unwrap();
        assert_eq!(index.archive_policy_rule("b").unwrap(), rule("b", "a*", "high"));
        index.delete_archive_policy_rule("b").unwrap();
        assert!(matches!(index.delete_archive_policy_rule("b"), Err(IndexError::NotFound { .. })));
        let without_policy = index.create_archive_policy_rule(&rule("x", "*", "none"));
        assert!(matches!(without_policy, Err(IndexError::NotFound { what: Thing::ArchivePolicy, .. })));
        assert!(matches!(
            index.create_archive_policy_rule(&rule("default", "*", "low")),
            Err(IndexError::Exists { .. })
        ));
    }
}
