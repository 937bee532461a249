//! `unit_conversion`: another unit, name or volume, sample by sample.

use super::conversion::Conversion;
use super::{Dropped, Taken, Transformer};
use crate::pipeline::sample::Sample;

/// `unit_conversion` (`ScalingTransformer`, 8.1.5).
pub struct Scaling {
    /// Samples of other units go on unchanged.
    pub source_unit: Option<String>,
    /// What becomes of the others.
    pub conversion: Conversion,
}

impl Transformer for Scaling {
    fn take<'a>(&mut self, mut sample: Sample<'a>) -> Result<Taken<'a>, Dropped> {
        if self.source_unit.as_deref().is_none_or(|unit| unit == sample.unit) {
            let volume = self.conversion.limited(self.conversion.scaled(&sample)?);
            self.conversion.apply(&mut sample, volume);
        }
        Ok(Taken::Passed(sample))
    }
}
