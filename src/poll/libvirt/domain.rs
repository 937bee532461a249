//! Who a domain is: its XML description, with what Nova writes into it.
//!
//! Pure. Ceilometer asks Nova's API for most of this; on the host itself the XML has it, without a password.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// What samples need to know of a domain besides its counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    pub name: String,
    /// libvirt's UUID, which is Nova's instance id.
    pub uuid: String,
    pub vcpus: Option<u64>,
    pub memory_mib: Option<u64>,
    /// `hvm`, `exe`.
    pub os_type: Option<String>,
    /// `x86_64`.
    pub architecture: Option<String>,
    /// What Nova wrote; a domain of plain KVM has none.
    pub nova: Option<Nova>,
    /// Those with a medium: an empty drive is no resource.
    pub disks: Vec<String>,
    /// Those with a device on the host.
    pub interfaces: Vec<Interface>,
}

/// Nova's part of the description.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nova {
    pub display_name: Option<String>,
    pub flavor: Option<Flavor>,
    pub user: Option<Owner>,
    pub project: Option<Owner>,
    /// The image that the root disk was made of; absent when booted from a volume.
    pub image_id: Option<String>,
    /// The image's properties, by Nova 2025.2 and later.
    pub image_meta: Option<Map<String, Value>>,
}

/// The size of an instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flavor {
    pub name: String,
    /// Written by Nova 2025.2 and later.
    pub id: Option<String>,
    pub vcpus: i64,
    pub ram_mib: i64,
    pub disk_gib: i64,
    pub ephemeral_gib: i64,
    pub swap_mib: i64,
}

impl Flavor {
    /// GiB of the root disk by Ceilometer's formula, disk less ephemeral, and never below zero.
    ///
    /// Nova has meant the root disk alone by `disk` for years; a bill compares with what Ceilometer said, so the
    /// formula stays. Its negative results (a flavor without root disk) cannot be billed and are 0, the true size.
    pub fn root_gib(&self) -> i64 {
        self.disk_gib.saturating_sub(self.ephemeral_gib).max(0)
    }
}

/// A user or a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owner {
    pub id: String,
    pub name: Option<String>,
}

/// A network interface of a domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    /// The host's side of it, `tap0`.
    pub device: String,
    pub mac: Option<String>,
    /// The name of the nwfilter on it.
    pub filter: Option<String>,
    /// The filter's parameters in lower case, then the virtual port's `interfaceid` and the `bridge`.
    pub parameters: Map<String, Value>,
}

impl Description {
    /// Reads what `virDomainGetXMLDesc` gives.
    ///
    /// # Errors
    /// When it is not well-formed XML. Everything that is merely absent stays absent.
    pub fn parse(xml: &str) -> Result<Description, roxmltree::Error> {
        let document = Document::parse(xml)?;
        let domain = document.root_element();
        let os_type = find(domain, &["os", "type"]);
        Ok(Description {
            name: text(find(domain, &["name"])).unwrap_or_default(),
            uuid: text(find(domain, &["uuid"])).unwrap_or_default(),
            vcpus: vcpus(domain),
            memory_mib: find(domain, &["memory"]).and_then(memory_mib),
            os_type: text(os_type),
            architecture: os_type.and_then(|node| attribute(node, "arch")),
            nova: find(domain, &["metadata"]).and_then(|metadata| child(metadata, "instance")).map(nova),
            disks: devices(domain, "disk").filter_map(disk).collect(),
            interfaces: devices(domain, "interface").filter_map(interface).collect(),
        })
    }
}

fn vcpus(domain: Node<'_, '_>) -> Option<u64> {
    let node = find(domain, &["vcpu"])?;
    attribute(node, "current").or_else(|| text(Some(node)))?.parse().ok()
}

fn memory_mib(node: Node<'_, '_>) -> Option<u64> {
    let size: u64 = text(Some(node))?.parse().ok()?;
    // libvirt prints KiB in whatever unit it was told; the others are for XML that was written by hand.
    let bytes = match node.attribute("unit") {
        Some("b" | "bytes") => 1,
        Some("MiB" | "M") => 1 << 20,
        Some("GiB" | "G") => 1 << 30,
        _ => 1 << 10,
    };
    Some(size.checked_mul(bytes)? >> 20)
}

/// Elements of any version of Nova's namespace: only their local names are looked at.
fn nova(instance: Node<'_, '_>) -> Nova {
    let owner = |kind| {
        let node = find(instance, &["owner", kind])?;
        Some(Owner { id: attribute(node, "uuid")?, name: text(Some(node)) })
    };
    let root = child(instance, "root").filter(|root| root.attribute("type") == Some("image"));
    Nova {
        display_name: text(child(instance, "name")),
        flavor: child(instance, "flavor").map(flavor),
        user: owner("user"),
        project: owner("project"),
        image_id: root.and_then(|root| attribute(root, "uuid")),
        image_meta: child(instance, "image").map(image_meta),
    }
}

fn flavor(node: Node<'_, '_>) -> Flavor {
    let number = |name| text(child(node, name)).and_then(|text| text.parse().ok()).unwrap_or(0);
    Flavor {
        name: attribute(node, "name").unwrap_or_default(),
        id: attribute(node, "id"),
        vcpus: number("vcpus"),
        ram_mib: number("memory"),
        disk_gib: number("disk"),
        ephemeral_gib: number("ephemeral"),
        swap_mib: number("swap"),
    }
}

/// The keys that Nova's notifications use for an image.
fn image_meta(node: Node<'_, '_>) -> Map<String, Value> {
    let mut meta = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            meta.insert(key.to_owned(), Value::String(value));
        }
    };
    put("base_image_ref", attribute(node, "uuid"));
    for (key, element) in [
        ("container_format", "containerFormat"),
        ("disk_format", "diskFormat"),
        ("min_disk", "minDisk"),
        ("min_ram", "minRam"),
    ] {
        put(key, text(child(node, element)));
    }
    for property in children(child(node, "properties"), "property") {
        if let Some(name) = property.attribute("name") {
            put(name, text(Some(property)));
        }
    }
    meta
}

/// The target of a disk; a CD-ROM or floppy drive without a source is empty.
fn disk(node: Node<'_, '_>) -> Option<String> {
    let removable = matches!(node.attribute("device"), Some("cdrom" | "floppy"));
    if removable && child(node, "source").is_none() {
        return None;
    }
    attribute(child(node, "target")?, "dev")
}

fn interface(node: Node<'_, '_>) -> Option<Interface> {
    let filter = child(node, "filterref");
    let mut parameters = Map::new();
    for parameter in children(filter, "parameter") {
        if let Some(name) = parameter.attribute("name") {
            parameters.insert(name.to_lowercase(), option(attribute(parameter, "value")));
        }
    }
    let port = find(node, &["virtualport", "parameters"]);
    parameters.insert("interfaceid".to_owned(), option(port.and_then(|port| attribute(port, "interfaceid"))));
    let bridge = child(node, "source").and_then(|source| attribute(source, "bridge"));
    parameters.insert("bridge".to_owned(), option(bridge));
    Some(Interface {
        device: attribute(child(node, "target")?, "dev")?,
        mac: child(node, "mac").and_then(|mac| attribute(mac, "address")),
        filter: filter.and_then(|filter| attribute(filter, "filter")),
        parameters,
    })
}

fn devices<'a, 'i>(domain: Node<'a, 'i>, kind: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    children(child(domain, "devices"), kind)
}

fn children<'a, 'i>(parent: Option<Node<'a, 'i>>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    parent.into_iter().flat_map(|node| node.children()).filter(move |node| node.tag_name().name() == name)
}

fn child<'a, 'i>(parent: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    parent.children().find(|node| node.tag_name().name() == name)
}

fn find<'a, 'i>(from: Node<'a, 'i>, path: &[&str]) -> Option<Node<'a, 'i>> {
    path.iter().try_fold(from, |node, name| child(node, name))
}

fn text(node: Option<Node<'_, '_>>) -> Option<String> {
    node?.text().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::to_owned)
}

fn option(value: Option<String>) -> Value {
    value.map_or(Value::Null, Value::String)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// An instance as Nova describes it, with the devices of the recorded pollsters.
    pub const NOVA_XML: &str = include_str!("../../../tests/fixtures/libvirt_nova_domain.xml");

    #[test]
    fn nova_s_metadata_tells_name_flavor_owner_and_image() {
        let domain = Description::parse(NOVA_XML).unwrap();
        assert_eq!((domain.name.as_str(), domain.uuid.as_str()), ("instance-00000001", "inst-1"));
        assert_eq!((domain.vcpus, domain.memory_mib), (Some(2), Some(2048)));
        assert_eq!(domain.os_type.as_deref(), Some("hvm"));
        assert_eq!(domain.architecture.as_deref(), Some("x86_64"));
        let nova = domain.nova.unwrap();
        assert_eq!(nova.display_name.as_deref(), Some("vm"));
        assert_eq!(
            nova.flavor,
            Some(Flavor {
                name: "m1.small".into(),
                id: Some("2".into()),
                vcpus: 2,
                ram_mib: 2048,
                disk_gib: 30,
                ephemeral_gib: 10,
                swap_mib: 0
            })
        );
        assert_eq!(nova.user, Some(Owner { id: "u-1".into(), name: Some("demo".into()) }));
        assert_eq!(nova.project, Some(Owner { id: "p-1".into(), name: None }));
        assert_eq!(nova.image_id.as_deref(), Some("i-1"));
        assert_eq!(
            nova.image_meta.map(Value::Object),
            Some(json!({"base_image_ref": "i-1", "disk_format": "qcow2", "hw_rng_model": "virtio"}))
        );
    }

    #[test]
    fn an_empty_drive_is_no_disk_and_a_loaded_one_is() {
        let domain = Description::parse(NOVA_XML).unwrap();
        assert_eq!(domain.disks, ["vda", "vdb"]);
        let loaded = "<domain><devices><disk device='cdrom'><source file='/a.iso'/><target dev='sda'/></disk>\
                      <disk device='floppy'><target dev='fda'/></disk><disk device='lun'/></devices></domain>";
        assert_eq!(Description::parse(loaded).unwrap().disks, ["sda"]);
    }

    #[test]
    fn interfaces_carry_their_filter_port_and_bridge() {
        let interfaces = Description::parse(NOVA_XML).unwrap().interfaces;
        assert_eq!(interfaces.len(), 2, "the one without a device on the host is left out");
        assert_eq!((interfaces[0].device.as_str(), &interfaces[0].filter), ("tap1", &None));
        assert_eq!(interfaces[0].mac.as_deref(), Some("fa:16:3e:00:00:01"));
        assert_eq!(
            Value::Object(interfaces[0].parameters.clone()),
            json!({"interfaceid": "port-1", "bridge": "br-int"})
        );
        assert_eq!(interfaces[1].filter.as_deref(), Some("nova-instance-1"));
        assert_eq!(
            Value::Object(interfaces[1].parameters.clone()),
            json!({"ip": "10.0.0.2", "interfaceid": null, "bridge": null})
        );
    }

    #[test]
    fn a_plain_domain_has_no_nova_and_everything_else() {
        let xml = "<domain type='kvm'><name>web</name><uuid>u</uuid><memory unit='GiB'>2</memory>\
                   <vcpu current='1'>4</vcpu><metadata><x:y xmlns:x='urn:x'/></metadata></domain>";
        let domain = Description::parse(xml).unwrap();
        assert_eq!(domain.nova, None);
        assert_eq!((domain.name.as_str(), domain.vcpus, domain.memory_mib), ("web", Some(1), Some(2048)));
        assert_eq!((domain.disks.len(), domain.interfaces.len()), (0, 0));
    }

    #[test]
    fn broken_xml_is_an_error_and_an_entity_bomb_is_refused() {
        assert!(Description::parse("<domain><name>x</domain>").is_err());
        assert!(Description::parse("<!DOCTYPE a [<!ENTITY b 'c'>]><domain>&b;</domain>").is_err());
    }

    #[test]
    fn a_flavor_without_root_disk_has_a_root_of_zero() {
        let flavor = |disk_gib, ephemeral_gib| Flavor { disk_gib, ephemeral_gib, ..Flavor::default() };
        assert_eq!(flavor(30, 10).root_gib(), 20);
        assert_eq!(flavor(0, 10).root_gib(), 0);
    }
}
