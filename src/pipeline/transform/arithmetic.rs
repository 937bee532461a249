//! `arithmetic`: a new meter, computed of several others of the same resource.

use std::collections::HashMap;

use super::{Dropped, HELD_MAX, Taken, Transformer};
use crate::model::Timestamp;
use crate::pipeline::expression::Expression;
use crate::pipeline::number::Number;
use crate::pipeline::sample::Sample;

/// `arithmetic` (`ArithmeticTransformer`, 8.1.5).
pub struct Arithmetic {
    target: Target,
    /// What was seen last of each resource: one place for each meter of the expression.
    resources: Vec<Resource>,
    of_resource: HashMap<String, usize>,
    /// The timestamp of the last sample of any meter: that of all results.
    latest: Option<(String, Timestamp)>,
}

/// What the file says of an arithmetic transformer.
#[derive(Clone, Debug)]
pub struct Target {
    /// How the volume is computed.
    pub expression: Expression,
    /// The new meter; none: the first of the expression.
    pub name: Option<String>,
    /// Its unit; none: that of the first meter.
    pub unit: Option<String>,
    /// Its type; none: that of the first meter.
    pub sample_type: Option<String>,
}

struct Resource {
    samples: Vec<Option<Sample<'static>>>,
}

impl Arithmetic {
    /// One that has seen nothing.
    pub fn new(target: Target) -> Arithmetic {
        Arithmetic { target, resources: Vec::new(), of_resource: HashMap::new(), latest: None }
    }

    fn compute(&self, samples: &[Option<Sample<'static>>]) -> Result<Sample<'static>, Dropped> {
        let samples: Vec<&Sample<'_>> = samples.iter().flatten().collect();
        let volume = self.target.expression.value_of_meters(&samples)?.to_f64();
        if !volume.is_finite() {
            return Err(Dropped::NotFinite);
        }
        let mut sample: Sample<'static> = match samples.first() {
            Some(first) => (*first).clone().into_owned(),
            None => return Err(Dropped::NotNamed),
        };
        let set = |of: &mut std::borrow::Cow<'static, str>, to: &Option<String>| {
            if let Some(to) = to {
                *of = to.clone().into();
            }
        };
        set(&mut sample.name, &self.target.name);
        set(&mut sample.unit, &self.target.unit);
        set(&mut sample.sample_type, &self.target.sample_type);
        sample.volume = Number::Float(volume);
        if let Some((timestamp, time)) = &self.latest {
            sample.timestamp = timestamp.clone().into();
            sample.time = *time;
        }
        sample.make_new();
        Ok(sample)
    }
}

impl Transformer for Arithmetic {
    fn take<'a>(&mut self, sample: Sample<'a>) -> Result<Taken<'a>, Dropped> {
        self.latest = Some((sample.timestamp.to_string(), sample.time));
        let meters = self.target.expression.meters();
        let Some(meter) = meters.iter().position(|meter| *meter == sample.name) else {
            return Err(Dropped::NotNamed);
        };
        let place = match self.of_resource.get(&*sample.resource_id) {
            Some(place) => *place,
            None => {
                let place = self.resources.len();
                self.of_resource.insert(sample.resource_id.to_string(), place);
                self.resources.push(Resource { samples: vec![None; meters.len()] });
                place
            }
        };
        self.resources[place].samples[meter] = Some(sample.into_owned());
        Ok(Taken::Held)
    }

    fn flush(&mut self, _now: Timestamp, out: &mut Vec<Result<Sample<'static>, Dropped>>) {
        let mut waiting = Vec::new();
        let mut resources = std::mem::take(&mut self.resources);
        for resource in resources.drain(..) {
            if resource.samples.iter().all(Option::is_some) {
                out.push(self.compute(&resource.samples));
            } else {
                waiting.push(resource);
            }
        }
        // Of too many resources that wait for their other meters, those that came first have waited longest.
        waiting.drain(..waiting.len().saturating_sub(HELD_MAX / 2));
        self.of_resource.clear();
        for (place, resource) in waiting.iter().enumerate() {
            let id = resource.samples.iter().flatten().next().map(|sample| sample.resource_id.to_string());
            self.of_resource.insert(id.unwrap_or_default(), place);
        }
        self.resources = waiting;
    }

    fn held(&self) -> usize {
        self.resources.len()
    }
}
