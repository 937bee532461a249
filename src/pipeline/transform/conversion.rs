//! What a computed sample is called, of which unit and type it is, and how its volume is scaled.

use std::borrow::Cow;

use super::mapping::Mapping;
use crate::pipeline::expression::{Expression, NoValue};
use crate::pipeline::number::Number;
use crate::pipeline::sample::Sample;

/// The `source` and `target` of a transformer.
#[derive(Clone, Debug, Default)]
pub struct Conversion {
    /// Of the name.
    pub name: Renaming,
    /// Of the unit.
    pub unit: Renaming,
    /// The new type.
    pub sample_type: Option<String>,
    /// What becomes of the volume.
    pub scale: Scale,
    /// The most that it may become.
    pub max: Option<Number>,
}

/// How a name or a unit becomes another.
#[derive(Clone, Debug, Default)]
pub struct Renaming {
    /// Replaces parts of it.
    pub mapping: Option<Mapping>,
    /// Stands for all of it where there is no mapping.
    pub target: Option<String>,
}

/// What becomes of a volume.
#[derive(Clone, Debug, Default)]
pub enum Scale {
    /// It stays.
    #[default]
    None,
    /// It is multiplied.
    By(Number),
    /// It is computed anew.
    Computed(Box<Expression>),
}

impl Conversion {
    /// The scaled volume of `sample`, without the limit of `max`.
    ///
    /// # Errors
    /// [`NoValue`] when the expression has none.
    pub fn scaled(&self, sample: &Sample<'_>) -> Result<Number, NoValue> {
        match &self.scale {
            Scale::None => Ok(sample.volume),
            Scale::By(factor) => Ok(sample.volume.times(*factor)),
            Scale::Computed(expression) => expression.value_of(sample),
        }
    }

    /// `volume`, or `max` where it is over it.
    pub fn limited(&self, volume: Number) -> Number {
        match self.max {
            Some(max) if max.compare(volume) == Some(std::cmp::Ordering::Less) => max,
            _ => volume,
        }
    }

    /// Makes `sample` one of `volume`, with its new name, unit and type.
    pub fn apply(&self, sample: &mut Sample<'_>, volume: Number) {
        // Identities are drawn of the old name: a sample that goes on beside its rate must not be taken for it.
        self.name.apply(&mut sample.name);
        self.unit.apply(&mut sample.unit);
        if let Some(sample_type) = &self.sample_type {
            sample.sample_type = Cow::Owned(sample_type.clone());
        }
        sample.volume = volume;
        sample.make_new();
    }
}

impl Renaming {
    /// Renames; where the mapping leaves nothing, as if there were none.
    pub fn apply(&self, text: &mut Cow<'_, str>) {
        let mapped =
            self.mapping.as_ref().map(|mapping| mapping.apply(text)).filter(|mapped| !mapped.is_empty());
        let new = match (mapped, &self.target) {
            (Some(Cow::Owned(mapped)), _) => mapped,
            (Some(Cow::Borrowed(_)), _) | (None, None) => return,
            (None, Some(target)) => target.clone(),
        };
        *text = Cow::Owned(new);
    }
}

impl Conversion {
    /// What a rate is multiplied with: 1 where there is no scale.
    ///
    /// # Errors
    /// [`NoValue`] when the expression has none.
    pub fn scale_of_rate(&self, sample: &Sample<'_>) -> Result<Number, NoValue> {
        match self.scale {
            Scale::None => Ok(Number::Int(1)),
            _ => self.scaled(sample),
        }
    }
}
