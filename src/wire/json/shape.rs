//! The shape of the line before: what a scan need not check twice.

/// The longest gap that is learnt; a key of 27 bytes and what stands around it.
const GAP_MAX: usize = 32;
/// The longest container that is learnt: a page, several times an instance's metadata.
const CONTAINER_MAX: usize = 4096;
/// Fields whose shape is learnt; a sample of Ceilometer has 14.
pub(super) const FIELDS_MAX: usize = 24;

/// What the line before had as its n-th field.
///
/// Lines of one producer differ in their values only: the bytes between two values, and whole containers such as a
/// resource's metadata, come again and again. Bytes that were JSON in this place once are JSON in this place again,
/// so comparing them is all the checking they need.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// From the end of the value before to the start of this one, with key and colon; padded with zeros.
    gap: [u8; GAP_MAX],
    mask: [u8; GAP_MAX],
    /// Zero when nothing was learnt.
    gap_len: usize,
    /// The key's number if it is wanted.
    number: Option<usize>,
    /// The value, when it was a container.
    container: Vec<u8>,
}

impl Field {
    pub const NEW: Field =
        Field { gap: [0; GAP_MAX], mask: [0; GAP_MAX], gap_len: 0, number: None, container: Vec::new() };

    /// Whether the learnt gap stands at the start of `text`. White space may follow that the gap did not have.
    #[inline(always)]
    pub fn fits(&self, text: &[u8]) -> bool {
        let Some(chunk) = text.first_chunk::<GAP_MAX>() else { return false };
        // Without a branch in the loop, the compiler makes two wide comparisons of it.
        let pairs = chunk.iter().zip(&self.gap).zip(&self.mask);
        let differences = pairs.fold(0, |all, ((byte, known), mask)| all | (byte ^ known) & mask);
        differences == 0 && self.gap_len > 0
    }

    /// The length of the learnt gap.
    #[inline(always)]
    pub fn gap_len(&self) -> usize {
        self.gap_len
    }

    /// The number of the key in the learnt gap, if it is wanted.
    #[inline(always)]
    pub fn number(&self) -> Option<usize> {
        self.number
    }

    /// The length of the learnt container, if it stands at the start of `text`.
    #[inline(always)]
    pub fn container_len(&self, text: &[u8]) -> Option<usize> {
        (!self.container.is_empty() && text.starts_with(&self.container)).then_some(self.container.len())
    }

    /// Learns a gap that was checked byte by byte; one that is too long is not learnt.
    pub fn learn_gap(&mut self, gap: &[u8], number: Option<usize>) {
        self.gap_len = 0;
        if let Some(room) = self.gap.get_mut(..gap.len()) {
            room.copy_from_slice(gap);
            self.mask = std::array::from_fn(|index| if index < gap.len() { 0xFF } else { 0 });
            (self.gap_len, self.number) = (gap.len(), number);
        }
    }

    /// Learns a container that was checked byte by byte; one that is too long is not learnt.
    pub fn learn_container(&mut self, container: &[u8]) {
        self.container.clear();
        if container.len() <= CONTAINER_MAX {
            self.container.extend_from_slice(container);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_is_known_again_and_nothing_else() {
        let mut field = Field::NEW;
        let rest = [b' '; GAP_MAX];
        let text = |start: &str| [start.as_bytes(), &rest].concat();
        assert!(!field.fits(&text("")));
        field.learn_gap(b",\"name\":", Some(3));
        assert!(field.fits(&text(",\"name\":1")));
        assert!(!field.fits(&text(",\"nome\":1")));
        assert!(!field.fits(b",\"name\":1"), "fewer bytes than are compared");
        assert_eq!((field.gap_len(), field.number()), (8, Some(3)));
        field.learn_gap(&[b'x'; GAP_MAX + 1], None);
        assert!(!field.fits(&text(",\"name\":1")));
    }

    #[test]
    fn a_container_is_known_by_all_its_bytes() {
        let mut field = Field::NEW;
        field.learn_container(b"{\"a\":1}");
        assert_eq!(field.container_len(b"{\"a\":1},\"b\""), Some(7));
        assert_eq!(field.container_len(b"{\"a\":2},\"b\""), None);
        field.learn_container(&[b'x'; CONTAINER_MAX + 1]);
        assert_eq!(field.container_len(b"{\"a\":1}"), None);
    }
}
