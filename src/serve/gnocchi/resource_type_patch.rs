//! Patches of resource types: `add` and `remove` of JSON Patch (RFC 6902), below `/attributes`.

use serde_json::{Map, Value};

use super::attribute;
use super::body::Field;
use crate::serve::http::Problem;
use crate::store::index::{AddedAttribute, Attribute, ResourceType};

/// Most operations of a patch.
const OPERATIONS_MAX: usize = 1_000;

/// What a patch does to a resource type.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Change {
    /// Attributes that are new.
    pub(super) add: Vec<AddedAttribute>,
    /// Names of those that go.
    pub(super) remove: Vec<String>,
    /// Attributes that stay, with other limits or another need for a value.
    pub(super) replace: Vec<AddedAttribute>,
}

impl Change {
    /// Whether all stays as it is.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Change::default()
    }
}

/// Reads a patch, done operation by operation to the attributes that the type has.
///
/// # Errors
/// 400 when it is none, cannot be done, or would change the type of an attribute.
pub(super) fn read(resource_type: &ResourceType, patch: &Field<'_>) -> Result<Change, Problem> {
    let mut attributes: Map<String, Value> =
        resource_type.attributes().iter().map(|(name, one)| (name.clone(), one.to_json())).collect();
    let operations = patch.list()?;
    if operations.len() > OPERATIONS_MAX {
        return Err(patch.refused(&format!("length of value must be at most {OPERATIONS_MAX}")));
    }
    // All are looked at before one is done.
    let operations = operations.iter().map(Operation::read).collect::<Result<Vec<_>, _>>()?;
    operations.iter().try_for_each(|operation| operation.apply(&mut attributes))?;
    difference(resource_type, &attributes)
}

struct Operation<'a> {
    /// Names below `/attributes`.
    path: Vec<String>,
    /// What is added; none when something is removed.
    value: Option<&'a Value>,
}

impl<'a> Operation<'a> {
    fn read(field: &Field<'a>) -> Result<Operation<'a>, Problem> {
        let members = field.members_of(&["op", "path", "value"])?;
        let op = members.required("op")?;
        let adds = match op.value.as_str() {
            Some("add") => true,
            Some("remove") => false,
            _ => return Err(op.refused("not a valid value")),
        };
        let path = members.required("path")?;
        let pointer = path.text()?;
        let names = pointer.strip_prefix("/attributes/").filter(|names| !names.is_empty());
        let names =
            names.ok_or_else(|| path.refused("not a valid value: only /attributes/NAME is changed"))?;
        let value = members.optional("value");
        if let Some(value) = &value {
            value.members()?;
        }
        let value = match (adds, value) {
            (true, None) => return Err(Problem::bad("The operation does not contain a 'value' member")),
            (true, Some(value)) => Some(value.value),
            (false, _) => None,
        };
        // RFC 6901, 4.
        let name = |part: &str| part.replace("~1", "/").replace("~0", "~");
        Ok(Operation { path: names.split('/').map(name).collect(), value })
    }

    fn apply(&self, attributes: &mut Map<String, Value>) -> Result<(), Problem> {
        let Some((name, parents)) = self.path.split_last() else { return Ok(()) };
        let mut object = attributes;
        for parent in parents {
            object = object
                .get_mut(parent)
                .and_then(Value::as_object_mut)
                .ok_or_else(|| Problem::bad(format!("member '{parent}' not found")))?;
        }
        match self.value {
            Some(value) => {
                object.insert(name.clone(), value.clone());
            }
            None => {
                if object.remove(name).is_none() {
                    return Err(Problem::bad(format!("can't remove a non-existent object '{name}'")));
                }
            }
        }
        Ok(())
    }
}

fn difference(resource_type: &ResourceType, wanted: &Map<String, Value>) -> Result<Change, Problem> {
    let before = resource_type.attributes();
    let gone = before.keys().filter(|name| !wanted.contains_key(*name)).cloned();
    let mut change = Change { remove: gone.collect(), ..Change::default() };
    for (name, value) in wanted {
        let known = before.get(name);
        if known.is_some_and(|known| known.to_json() == *value) {
            continue;
        }
        let (attribute, fill) = read_attribute(name, value)?;
        let changed = AddedAttribute { name: name.clone(), attribute, fill: None };
        match known {
            None => change.add.push(filled(changed, fill)?),
            Some(known) if known.kind.as_str() != attribute.kind.as_str() => {
                return Err(Problem::bad(format!(
                    "Type update is not available yet. Changing {} to {} for attribute {name} of resource {}",
                    known.kind.as_str(),
                    attribute.kind.as_str(),
                    resource_type.name()
                )));
            }
            Some(known) if *known == attribute => {}
            Some(_) => change.replace.push(filled(changed, fill)?),
        }
    }
    Ok(change)
}

/// An attribute as a patch says it: as elsewhere, and `options` with a value to fill in.
fn read_attribute<'a>(name: &str, value: &'a Value) -> Result<(Attribute, Option<&'a Value>), Problem> {
    let invalid = |reason: &str| Problem::bad(format!("Invalid input: {reason}"));
    let mut said = value.as_object().cloned().ok_or_else(|| invalid("expected a dictionary"))?;
    let mut fill = None;
    if said.remove("options").is_some() {
        let options = value.get("options").and_then(Value::as_object);
        let options = options.ok_or_else(|| invalid("options: expected a dictionary"))?;
        if let Some(extra) = options.keys().find(|key| *key != "fill") {
            return Err(invalid(&format!("options: extra keys not allowed @ data['{extra}']")));
        }
        fill = options.get("fill").filter(|fill| !fill.is_null());
    }
    let attribute =
        Attribute::from_json(name, &Value::Object(said)).map_err(|error| invalid(&error.to_string()))?;
    Ok((attribute, fill))
}

fn filled(changed: AddedAttribute, fill: Option<&Value>) -> Result<AddedAttribute, Problem> {
    let name = &changed.name;
    let invalid = |reason: &str| {
        Problem::bad(format!(
            "Invalid input: Option 'fill' of resource attribute {name} is invalid: {reason}"
        ))
    };
    let fill = match fill {
        Some(fill) => attribute::read(name, &changed.attribute, fill).map_err(|reason| invalid(&reason))?,
        None if changed.attribute.required => return Err(invalid("must not be empty if required=True")),
        None => None,
    };
    Ok(AddedAttribute { fill, ..changed })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(patch: Value) -> Result<Change, Problem> {
        let attributes = json!({"host": {"type": "string", "max_length": 5}, "size": {"type": "number"}});
        let disk = ResourceType::from_json("disk", attributes.as_object().unwrap()).unwrap();
        read(&disk, &Field::whole(&patch))
    }

    fn add(path: &str, value: Value) -> Value {
        json!({"op": "add", "path": path, "value": value})
    }

    #[test]
    fn a_patch_is_what_it_changes_in_the_end() {
        let remove = json!({"op": "remove", "path": "/attributes/new"});
        let nothing = change(json!([add("/attributes/new", json!({"type": "bool"})), remove])).unwrap();
        assert!(nothing.is_nothing());
        let changed = change(json!([
            {"op": "remove", "path": "/attributes/size"},
            add("/attributes/a~1b", json!({"type": "bool", "required": false})),
            add("/attributes/host", json!({"type": "string", "required": false})),
        ]));
        assert!(changed.is_err(), "a name with a slash is none");
        let changed = change(json!([
            {"op": "remove", "path": "/attributes/size"},
            add("/attributes/on", json!({"type": "bool", "options": {"fill": true}})),
            add("/attributes/host", json!({"type": "string", "required": false})),
        ]))
        .unwrap();
        assert_eq!(changed.remove, ["size"]);
        assert_eq!((changed.add[0].name.as_str(), changed.replace[0].name.as_str()), ("on", "host"));
        assert!(changed.add[0].fill.is_some());
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for patch in [
            json!({}),
            json!([{"op": "replace", "path": "/attributes/host", "value": {}}]),
            json!([{"op": "remove", "path": "/name"}]),
            json!([{"op": "remove", "path": "/attributes"}]),
            json!([{"op": "remove", "path": "/attributes/none"}]),
            json!([{"op": "remove", "path": "/attributes/none/deep"}]),
            json!([{"op": "add", "path": "/attributes/x"}]),
            json!([add("/attributes/x", json!([]))]),
            json!([add("/attributes/x", json!({"type": "what"}))]),
            json!([add("/attributes/x", json!({"type": "bool"}))]),
            json!([add("/attributes/x", json!({"type": "bool", "options": {"fill": 1}}))]),
            json!([add("/attributes/x", json!({"type": "bool", "options": {"full": true}}))]),
            json!([add("/attributes/host", json!({"type": "number", "required": false}))]),
            json!([{"op": "remove", "path": "/attributes/host/type"}]),
        ] {
            assert!(change(patch.clone()).is_err(), "{patch}");
        }
    }
}
