//! Help for the tests of the index.

use serde_json::Value;

use super::{ArchivePolicyRule, Index, NewResource, ResourceId, ResourceType};
use crate::base::testing::Directory;
use crate::model::{NS_PER_SECOND, Timestamp};
use crate::series::gnocchi_policies;

/// A store of one test's own, with Gnocchi's policies and its rule.
pub(super) fn store(name: &str) -> (Directory, Index) {
    let folder = Directory::new(&format!("index-{name}"));
    let index = Index::create(&folder.0, &gnocchi_policies(), &[low_for_all()]).unwrap();
    (folder, index)
}

/// The rule that Gnocchi sets up.
pub(super) fn low_for_all() -> ArchivePolicyRule {
    ArchivePolicyRule {
        name: "default".to_owned(),
        metric_pattern: "*".to_owned(),
        archive_policy: "low".to_owned(),
    }
}

/// So many seconds after 1970.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ns(seconds * NS_PER_SECOND)
}

/// A type with these attributes, added to the store.
pub(super) fn add_type(index: &Index, name: &str, attributes: Value) -> ResourceType {
    let resource_type = ResourceType::from_json(name, attributes.as_object().unwrap()).unwrap();
    index.create_resource_type(&resource_type).unwrap();
    resource_type
}

/// What makes a resource of that type, which must be there, with these attributes.
pub(super) fn resource(index: &Index, resource_type: &str, id: &str, attributes: Value) -> NewResource {
    let mut new = NewResource::new(ResourceId::of(id, None).unwrap(), resource_type);
    new.attributes =
        index.resource_type(resource_type).unwrap().read(attributes.as_object().unwrap()).unwrap();
    new
}
