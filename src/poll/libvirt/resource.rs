//! What samples are of: a domain, a disk or an interface, with its id and what is known of it.
//!
//! Pure. The ids and the keys are Ceilometer's; the tests are in `meters`, where both become samples.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::domain::{Description, Flavor, Interface, Nova};
use super::stats::{DiskStats, DomainStats, PowerState};

/// One domain at one time.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The name of the host that it runs on.
    pub host: &'a str,
    /// Who it is.
    pub domain: &'a Description,
    /// What was counted.
    pub stats: &'a DomainStats,
}

/// What a sample is of: the domain, or one of its devices.
pub struct Resource {
    pub id: String,
    pub metadata: Arc<Map<String, Value>>,
}

impl Resource {
    /// The domain itself.
    pub fn domain(observed: &Observed<'_>) -> Resource {
        Resource { id: observed.domain.uuid.clone(), metadata: Arc::new(metadata(observed)) }
    }

    /// The domain, with what only samples of `cpu` carry.
    pub fn with_cpu_number(&self, stats: &DomainStats) -> Resource {
        let mut metadata = Map::clone(&self.metadata);
        metadata.insert("cpu_number".to_owned(), json!(stats.vcpus_current));
        Resource { id: self.id.clone(), metadata: Arc::new(metadata) }
    }

    /// A disk of the domain that this is.
    pub fn disk(&self, domain: &Description, disk: &DiskStats) -> Resource {
        let mut metadata = Map::clone(&self.metadata);
        metadata.insert("disk_name".to_owned(), json!(disk.device));
        Resource { id: format!("{}-{}", domain.uuid, disk.device), metadata: Arc::new(metadata) }
    }

    /// An interface of the domain that this is: a filtered one goes by its filter's name, as Nova's network of old
    /// had it; any other by its device.
    pub fn interface(&self, domain: &Description, interface: &Interface) -> Resource {
        let mut metadata = Map::clone(&self.metadata);
        let name = interface.filter.as_ref().unwrap_or(&interface.device);
        metadata.insert("name".to_owned(), json!(interface.device));
        metadata.insert("mac".to_owned(), json!(interface.mac));
        metadata.insert("fref".to_owned(), json!(interface.filter));
        metadata.insert("parameters".to_owned(), Value::Object(interface.parameters.clone()));
        metadata.insert("vnic_name".to_owned(), json!(name));
        let id = match &interface.filter {
            Some(filter) => filter.clone(),
            None => format!("{}-{}-{}", domain.name, domain.uuid, interface.device),
        };
        Resource { id, metadata: Arc::new(metadata) }
    }
}

/// The keys of Ceilometer's compute samples, in its order; without Nova only those that libvirt itself knows.
fn metadata(observed: &Observed<'_>) -> Map<String, Value> {
    let Observed { host, domain, stats } = *observed;
    let nova = domain.nova.as_ref();
    let flavor = nova.and_then(|nova| nova.flavor.as_ref());
    let display_name = nova.and_then(|nova| nova.display_name.as_ref()).unwrap_or(&domain.name);
    let mut metadata = Map::with_capacity(24);
    let mut put = |key: &str, value: Value| _ = metadata.insert(key.to_owned(), value);
    put("display_name", json!(display_name));
    put("name", json!(domain.name));
    put("instance_id", json!(domain.uuid));
    if let Some(flavor) = flavor {
        put("instance_type", json!(flavor.name));
    }
    put("host", json!(host));
    put("instance_host", json!(host));
    if let Some(flavor) = flavor {
        put("flavor", flavor_metadata(flavor));
    }
    put("status", json!(stats.state.map(PowerState::status)));
    put("state", json!(stats.state.map(PowerState::state)));
    if let Some(nova) = nova {
        put("task_state", Value::Null);
        put_image(nova, &mut put);
    }
    if let Some(architecture) = &domain.architecture {
        put("architecture", json!(architecture));
    }
    if let Some(os_type) = &domain.os_type {
        put("os_type", json!(os_type));
    }
    match flavor {
        Some(flavor) => {
            put("vcpus", json!(flavor.vcpus));
            put("memory_mb", json!(flavor.ram_mib));
            put("disk_gb", json!(flavor.disk_gib));
            put("ephemeral_gb", json!(flavor.ephemeral_gib));
            put("root_gb", json!(flavor.root_gib()));
        }
        None => {
            put("vcpus", json!(domain.vcpus));
            put("memory_mb", json!(domain.memory_mib));
        }
    }
    if nova.is_some() {
        put("user_metadata", json!({}));
    }
    metadata
}

fn flavor_metadata(flavor: &Flavor) -> Value {
    json!({
        // Nova before 2025.2 does not write the id; its name is what Ceilometer falls back to, too.
        "id": flavor.id.as_ref().unwrap_or(&flavor.name),
        "name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram_mib,
        "disk": flavor.disk_gib,
        "ephemeral": flavor.ephemeral_gib,
        "swap": flavor.swap_mib,
    })
}

fn put_image(nova: &Nova, put: &mut dyn FnMut(&str, Value)) {
    let id = nova.image_id.as_ref();
    put("image", id.map_or(Value::Null, |id| json!({"id": id})));
    put("image_ref", json!(id));
    put("image_ref_url", Value::Null);
    match (&nova.image_meta, id) {
        (Some(meta), _) => put("image_meta", Value::Object(meta.clone())),
        (None, Some(id)) => put("image_meta", json!({"base_image_ref": id})),
        (None, None) => {}
    }
}
