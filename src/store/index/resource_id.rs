//! Ids of resources: uuids, or any text of the outside, turned into one as Gnocchi does.

use uuid::Uuid;

use super::IndexError;
use super::error::Thing;

/// Longest id of the outside, in characters (Gnocchi 4.7.1).
pub const ORIGINAL_ID_CHARACTERS_MAX: usize = 289;

/// The namespace in which Gnocchi makes uuids (version 5) of other ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x0a7a_15ff_aa13_4ac2_897c_9bdf_30ce_175b);

/// The id of a resource, and the text it was given as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceId {
    uuid: Uuid,
    original: String,
}

impl ResourceId {
    /// The resource that `text` means to `creator`: a uuid means the same to everyone, any other text is a different
    /// resource for each creator.
    ///
    /// # Errors
    /// [`IndexError::Invalid`] when the text is no uuid and is empty, too long or holds a slash.
    pub fn of(text: &str, creator: Option<&str>) -> Result<ResourceId, IndexError> {
        let reason = if text.contains('/') {
            "an id holds no slash"
        } else if let Some(uuid) = parse_uuid(text) {
            return Ok(ResourceId { uuid, original: text.to_owned() });
        } else if text.is_empty() || text.contains('\0') {
            "an id is not empty and holds no NUL"
        } else if text.chars().count() > ORIGINAL_ID_CHARACTERS_MAX {
            "an id that is no uuid has at most 289 characters"
        } else {
            let name = format!("{text}\0{}", creator.unwrap_or("\0"));
            return Ok(ResourceId {
                uuid: Uuid::new_v5(&NAMESPACE, name.as_bytes()),
                original: text.to_owned(),
            });
        };
        Err(Thing::Resource.invalid(text, reason))
    }

    /// The id inside.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The text it was given as.
    pub fn original(&self) -> &str {
        &self.original
    }
}

impl From<Uuid> for ResourceId {
    fn from(uuid: Uuid) -> ResourceId {
        ResourceId { uuid, original: uuid.to_string() }
    }
}

/// Reads 32 hexadecimal digits as Python's `uuid.UUID` does: hyphens anywhere, in braces, behind `urn:uuid:`.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    // The usual form first.
    if let Some(uuid) = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten() {
        return Some(uuid);
    }
    let bare = text.replace("urn:", "").replace("uuid:", "");
    let digits = bare.trim_matches(['{', '}']).replace('-', "");
    let plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u128::from_str_radix(&digits, 16).ok().map(Uuid::from_u128)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_read_as_python_reads_them() {
        for text in [
            "0a7a15ff-aa13-4ac2-897c-9bdf30ce175b",
            "0A7A15FFAA134AC2897C9BDF30CE175B",
            "{0a7a15ff-aa13-4ac2-897c-9bdf30ce175b}",
            "urn:uuid:0a7a15ff-aa13-4ac2-897c-9bdf30ce175b",
            "0a7a-15ffaa134ac2897c9bdf30ce-175b",
        ] {
            assert_eq!(parse_uuid(text), Some(NAMESPACE), "{text}");
        }
        for text in
            ["", "1.2.3.4", "0a7a15ff-aa13-4ac2-897c-9bdf30ce175", "0a7a15ff-aa13-4ac2-897c-9bdf30ce175bc"]
        {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }

    #[test]
    fn other_ids_are_turned_into_uuids_of_their_creator() {
        let id = |text, creator| ResourceId::of(text, creator).unwrap().uuid().to_string();
        // Answered by Python 3.11: uuid.uuid5(namespace, text + "\0" + creator); no creator is "\0".
        assert_eq!(id("1.2.3.4", Some("foobar")), EXPECTED[0]);
        assert_eq!(id("1.2.3.4", None), EXPECTED[1]);
        assert_eq!(id("é", Some("a:b")), EXPECTED[2]);
        assert_eq!(ResourceId::of("1.2.3.4", None).unwrap().original(), "1.2.3.4");
    }

    const EXPECTED: [&str; 3] = [
        "a9c729cc-d1b0-5e6b-b5ba-8b5a7f45f1fc",
        "346d71c3-5cde-58a0-a2bc-19fc05d5f5f8",
        "5575bd30-54af-573f-a1ac-703e606db4ab",
    ];

    #[test]
    fn impossible_ids_are_refused() {
        for text in ["", "a/b", "a\0b", &"x".repeat(290)] {
            assert!(ResourceId::of(text, None).is_err(), "{text}");
        }
        assert!(ResourceId::of(&"é".repeat(289), None).is_ok());
    }
}
