//! What one file makes of one kind of record.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::outlet::{Outlets, Shown};
use crate::base::Books;
use crate::model::Node;
use crate::pipeline::transform::{Chain, Dropped, Drops};
use crate::pipeline::{BadSample, Pipelines, Publisher, Sample, Source};
use crate::wire::json::{read_node, write_node};

/// Names whose way is remembered; a stream has hundreds, more are looked up anew.
const NAMES_MAX: usize = 100_000;

/// Sources and sinks at work.
pub struct Flow {
    sources: Vec<Source>,
    branches: Vec<Branch>,
    /// Which way each name goes.
    routes: HashMap<Vec<u8>, Rc<Route>, RandomState>,
    not_taken: u64,
    /// What transformers dropped, by reason.
    dropped: BTreeMap<&'static str, u64>,
    /// What they dropped that somebody should hear of.
    troubles: Vec<String>,
    buffer: Vec<u8>,
}

/// A sink at work.
struct Branch {
    name: String,
    transformers: Vec<&'static str>,
    chain: Chain,
    outlets: Vec<usize>,
    definition: String,
    /// Whether what it gets is printed.
    prints: bool,
}

/// What became of a record.
#[derive(Default)]
pub struct Taken {
    /// It was printed as it came.
    pub printed: bool,
    /// Why sinks with transformers could not use it, while others have got it.
    pub refused: Option<BadSample>,
}

/// The pairs of source and sink that a name goes through, in the order of the file.
struct Route {
    pairs: Vec<(usize, usize)>,
    /// Whether all of these sinks have transformers.
    only_transforms: bool,
}

impl Flow {
    /// A flow as `plan` says, to the `outlets` that are open; sinks that are the same in `before` keep what their
    /// transformers know.
    pub fn new(plan: Pipelines, before: Option<Flow>, outlets: &Outlets) -> Flow {
        let mut before: Vec<Branch> = before.map(|flow| flow.branches).unwrap_or_default();
        let mut branches = Vec::new();
        for sink in plan.sinks {
            let same = before.iter().position(|old| old.definition == sink.definition);
            let chain = match same {
                Some(place) => before.swap_remove(place).chain,
                None => Chain::new(&sink.transformers),
            };
            // What no source names is not open, and gets nothing.
            let places = sink.publishers.iter().filter_map(|publisher| outlets.place(publisher)).collect();
            branches.push(Branch {
                prints: sink.publishers.iter().any(Publisher::is_standard_output),
                name: sink.name,
                transformers: sink.transformers.iter().map(|plan| plan.name()).collect(),
                chain,
                outlets: places,
                definition: sink.definition,
            });
        }
        let mut flow = Flow {
            sources: plan.sources,
            branches,
            routes: HashMap::default(),
            not_taken: 0,
            dropped: BTreeMap::new(),
            troubles: Vec::new(),
            buffer: Vec::new(),
        };
        // What a sink held that is gone is handed on by nobody: it is counted.
        let lost: usize = before.iter().map(|branch| branch.chain.held()).sum();
        if lost > 0 {
            flow.dropped.insert("dropped_by_reload", lost as u64);
        }
        flow
    }

    /// Takes the record `line` named `name` to all its sinks.
    ///
    /// # Errors
    /// [`BadSample`] when all of its sinks have transformers, which cannot use it.
    pub fn take(&mut self, name: &[u8], line: &[u8], outlets: &mut Outlets) -> Result<Taken, BadSample> {
        let route = self.route(name);
        if route.pairs.is_empty() {
            self.not_taken += 1;
            outlets.shows(Shown::NotTaken);
            return Ok(Taken::default());
        }
        let mut taken = Taken::default();
        let mut sample: Option<Result<Sample<'_>, BadSample>> = None;
        for &(source, place) in &route.pairs {
            let branch = &mut self.branches[place];
            outlets.shows(Shown::Taken { source: &self.sources[source].name, sink: &branch.name });
            if branch.chain.is_empty() {
                outlets.line(&branch.outlets, &branch.name, line);
                taken.printed |= branch.prints;
                continue;
            }
            let read = || match read_node(line) {
                Ok(node) => Sample::of_node(node),
                Err(_) => Err(BadSample::Unreadable),
            };
            if let Ok(sample) = sample.get_or_insert_with(read) {
                let mut delivery =
                    Delivery::new(branch, outlets, &mut self.buffer, &mut self.dropped, &mut self.troubles);
                delivery.take(sample.clone());
            }
        }
        let Some(Err(bad)) = sample else { return Ok(taken) };
        if outlets.is_watched() {
            outlets.shows(Shown::Refused { why: &bad.to_string() });
        }
        if route.only_transforms {
            return Err(bad);
        }
        // A record that somebody has got is not rejected: each is either published or in the books once.
        *self.dropped.entry("not_transformed").or_default() += 1;
        Ok(Taken { refused: Some(bad), ..taken })
    }

    fn route(&mut self, name: &[u8]) -> Rc<Route> {
        if let Some(route) = self.routes.get(name) {
            return Rc::clone(route);
        }
        let text = String::from_utf8_lossy(name);
        let mut pairs = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            if source.matching.takes(&text) {
                pairs.extend(source.sinks.iter().map(|sink| (index, *sink)));
            }
        }
        let only_transforms = pairs.iter().all(|(_, sink)| !self.branches[*sink].chain.is_empty());
        let route = Rc::new(Route { pairs, only_transforms });
        if self.routes.len() < NAMES_MAX {
            self.routes.insert(name.to_vec(), Rc::clone(&route));
        }
        route
    }

    /// A batch has ended.
    pub fn flush(&mut self, outlets: &mut Outlets) {
        self.each_chain(outlets, |chain, delivery| chain.flush(delivery));
    }

    /// The input has ended.
    pub fn finish(&mut self, outlets: &mut Outlets) {
        self.each_chain(outlets, |chain, delivery| chain.finish(delivery));
    }

    fn each_chain(&mut self, outlets: &mut Outlets, act: impl Fn(&mut Chain, &mut Delivery<'_>)) {
        for branch in self.branches.iter_mut().filter(|branch| !branch.chain.is_empty()) {
            let mut delivery =
                Delivery::new(branch, outlets, &mut self.buffer, &mut self.dropped, &mut self.troubles);
            delivery.run(&act);
        }
    }

    /// Puts in the books what came of records since the last time.
    pub fn count(&mut self, books: &Books) {
        books.count("not_taken", std::mem::take(&mut self.not_taken));
        for (reason, count) in std::mem::take(&mut self.dropped) {
            books.count(reason, count);
        }
        for trouble in self.troubles.drain(..) {
            books.warn("not transformed", &trouble);
        }
    }
}

/// Takes what comes out of the chain of a sink to its publishers.
struct Delivery<'d> {
    chain: Option<&'d mut Chain>,
    name: &'d str,
    transformers: &'d [&'static str],
    places: &'d [usize],
    outlets: &'d mut Outlets,
    buffer: &'d mut Vec<u8>,
    dropped: &'d mut BTreeMap<&'static str, u64>,
    troubles: &'d mut Vec<String>,
    /// Whether anything came of what was taken.
    is_known: bool,
}

impl<'d> Delivery<'d> {
    fn new(
        branch: &'d mut Branch,
        outlets: &'d mut Outlets,
        buffer: &'d mut Vec<u8>,
        dropped: &'d mut BTreeMap<&'static str, u64>,
        troubles: &'d mut Vec<String>,
    ) -> Delivery<'d> {
        Delivery {
            chain: Some(&mut branch.chain),
            name: &branch.name,
            transformers: &branch.transformers,
            places: &branch.outlets,
            outlets,
            buffer,
            dropped,
            troubles,
            is_known: false,
        }
    }

    fn take(&mut self, sample: Sample<'_>) {
        self.run(|chain, delivery| chain.take(sample, delivery));
        if !self.is_known {
            self.outlets.shows(Shown::Held { sink: self.name });
        }
    }

    /// The chain hands to this delivery, so neither can hold the other.
    fn run(&mut self, act: impl FnOnce(&mut Chain, &mut Delivery<'d>)) {
        if let Some(chain) = self.chain.take() {
            act(chain, self);
        }
    }
}

impl Drops for Delivery<'_> {
    fn passed(&mut self, sample: Sample<'_>) {
        self.is_known = true;
        self.buffer.clear();
        let node: Node<'_> = sample.into_node();
        write_node(&node, self.buffer);
        self.outlets.line(self.places, self.name, self.buffer);
    }

    fn dropped(&mut self, step: usize, why: Dropped) {
        self.is_known = true;
        *self.dropped.entry(why.reason()).or_default() += 1;
        let transformer = self.transformers.get(step).copied().unwrap_or_default();
        if self.outlets.is_watched() {
            self.outlets.shows(Shown::Dropped { sink: self.name, transformer, why: &why.to_string() });
        }
        // As many as the books will say at most; the others are counted.
        if why.is_trouble() && self.troubles.len() < crate::base::books::REPEATS_MAX as usize {
            self.troubles.push(format!("sink \"{}\", {transformer}: {why}", self.name));
        }
    }
}
