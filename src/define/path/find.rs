//! A path applied: what it finds, and where.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Path;
use super::tree::{Arithmetic, Condition, Constant, Expression, Operand};
use super::value::{meets, order, reckoned, total_order};
use crate::define::Subject;
use crate::model::Node;

/// Values looked at for one path, those on the way included: `$..*..*` over a large notification must end.
const FOUND_MAX: usize = 100_000;

/// A value that was found, borrowed where the notification has it.
pub type Value<'t> = Cow<'t, Node<'t>>;

impl Path {
    /// The first value that is not nothing.
    pub fn first<'t>(&'t self, subject: &'t Subject<'_>) -> Option<Value<'t>> {
        if let Some(keys) = &self.plain {
            return at_keys(subject, keys).filter(|node| !node.is_null()).map(Cow::Borrowed);
        }
        let mut finder = Finder::new(subject);
        let found = finder.apply(self);
        let present = |value: &Value<'t>| !value.is_null();
        found.into_iter().map(|at| finder.value(at)).find(present)
    }

    /// Appends all values, in order.
    pub fn all<'t>(&'t self, subject: &'t Subject<'_>, values: &mut Vec<Value<'t>>) {
        if let Some(keys) = &self.plain {
            values.extend(at_keys(subject, keys).map(Cow::Borrowed));
            return;
        }
        let mut finder = Finder::new(subject);
        values.extend(finder.apply(self).into_iter().map(|at| finder.value(at)));
    }

    /// Appends all values, each with the path where it stands, as `payload.ips.[0].address`.
    pub fn all_placed<'t>(&'t self, subject: &'t Subject<'_>, values: &mut Vec<(String, Value<'t>)>) {
        let mut finder = Finder::new(subject);
        for at in finder.apply(self) {
            values.push((finder.place(at), finder.value(at)));
        }
    }
}

fn at_keys<'t>(subject: &'t Subject<'_>, keys: &[String]) -> Option<&'t Node<'t>> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(subject.field(first)?, |node, key| node.get(key))
}

/// One application of one path.
struct Finder<'t, 'n> {
    subject: &'t Subject<'n>,
    found: Vec<Found<'t>>,
}

/// One value, and how it was reached.
struct Found<'t> {
    /// None for the subject itself, which is made a value when it is asked for.
    value: Option<Value<'t>>,
    /// What it was found in.
    parent: Option<usize>,
    /// What `$` is for paths that go on from here.
    root: usize,
    label: Label<'t>,
}

#[derive(Clone)]
enum Label<'t> {
    /// A value that was made, or the start.
    None,
    Key(Cow<'t, str>),
    Index(i64),
}

/// Index in `found` of the subject.
const SUBJECT: usize = 0;

impl<'t, 'n> Finder<'t, 'n> {
    fn new(subject: &'t Subject<'n>) -> Finder<'t, 'n> {
        let start = Found { value: None, parent: None, root: SUBJECT, label: Label::None };
        Finder { subject, found: vec![start] }
    }

    fn apply(&mut self, path: &'t Path) -> Vec<usize> {
        let mut out = Vec::new();
        self.find(&path.expression, SUBJECT, &mut out);
        out
    }

    /// The value at `at`; one that was made is copied.
    fn value(&self, at: usize) -> Value<'t> {
        match &self.found[at].value {
            Some(Cow::Borrowed(node)) => Cow::Borrowed(node),
            Some(made) => made.clone(),
            None => Cow::Borrowed(self.subject.whole()),
        }
    }

    fn place(&self, at: usize) -> String {
        let (mut labels, mut place) = (Vec::new(), Some(at));
        while let Some(at) = place {
            labels.push(&self.found[at].label);
            place = self.found[at].parent;
        }
        let mut text = String::new();
        for label in labels.iter().rev() {
            let step = match label {
                Label::None => continue,
                Label::Key(key) => Cow::Borrowed(&**key),
                Label::Index(index) => Cow::Owned(format!("[{index}]")),
            };
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&step);
        }
        text
    }

    /// Notes a value found in `parent`; none when enough was found.
    fn note(&mut self, value: Value<'t>, parent: usize, label: Label<'t>) -> Option<usize> {
        if self.found.len() >= FOUND_MAX {
            return None;
        }
        let root = self.found[parent].root;
        self.found.push(Found { value: Some(value), parent: Some(parent), root, label });
        Some(self.found.len() - 1)
    }

    /// Notes a value that stands for itself: made, or the item that a condition is asked of.
    fn note_alone(&mut self, value: Value<'t>) -> Option<usize> {
        if self.found.len() >= FOUND_MAX {
            return None;
        }
        let at = self.found.len();
        self.found.push(Found { value: Some(value), parent: None, root: at, label: Label::None });
        Some(at)
    }

    /// Appends what `expression` gives of the value at `at`.
    fn find(&mut self, expression: &'t Expression, at: usize, out: &mut Vec<usize>) {
        match expression {
            Expression::Root => out.push(self.found[at].root),
            Expression::This => out.push(at),
            Expression::Parent => out.extend(self.found[at].parent),
            Expression::Fields(names) => {
                for name in names {
                    let value = self.child(at, name);
                    out.extend(value.and_then(|value| self.note(value, at, Label::Key(name.into()))));
                }
            }
            Expression::Every => {
                if let Children::Named(children) = self.children(at) {
                    for (key, value) in children {
                        out.extend(self.note(value, at, Label::Key(key)));
                    }
                }
            }
            Expression::Index(index) => self.index(*index, at, out),
            Expression::Slice(start, stop) => self.slice(*start, *stop, at, out),
            Expression::Steps(steps) => {
                let mut values = vec![at];
                for step in steps {
                    let mut next = Vec::new();
                    values.iter().for_each(|&at| self.find(step, at, &mut next));
                    values = next;
                }
                out.extend(values);
            }
            Expression::Descendants(left, right) => {
                for at in self.found_by(left, at) {
                    self.descend(right, at, out);
                }
            }
            Expression::Where(left, right) => {
                for at in self.found_by(left, at) {
                    if !self.found_by(right, at).is_empty() {
                        out.push(at);
                    }
                }
            }
            Expression::Union(left, right) => {
                self.find(left, at, out);
                self.find(right, at, out);
            }
            // The original raises here.
            Expression::Intersection => {}
            Expression::Operation(left, operation, right) => {
                self.operation(left, *operation, right, at, out);
            }
            Expression::Filter(conditions) => self.filter(conditions, at, out),
            Expression::Sort(keys) => {
                let sorted = self.sorted(keys, at);
                out.extend(sorted.and_then(|list| self.note_alone(Cow::Owned(list))));
            }
            Expression::Length => {
                let length = match &*self.value(at) {
                    Node::Text(text) => Some(text.chars().count()),
                    Node::List(items) => Some(items.len()),
                    Node::Map(entries) => Some(entries.len()),
                    _ => None,
                };
                let length = length.map(|length| Cow::Owned(Node::from(length as u64)));
                out.extend(length.and_then(|length| self.note_alone(length)));
            }
            Expression::Split { separator, segment, most } => {
                let value = self.value(at);
                let part = value.as_text().and_then(|text| match most {
                    Some(most) => text.splitn(most + 1, *separator).nth(*segment),
                    None => text.split(*separator).nth(*segment),
                });
                let part = part.map(|part| Cow::Owned(Node::Text(part.to_owned().into())));
                out.extend(part.and_then(|part| self.note_alone(part)));
            }
            Expression::Substitute(pattern, replacement) => {
                let value = self.value(at);
                let replaced = value
                    .as_text()
                    .zip(replacement.as_ref())
                    .and_then(|(text, replacement)| pattern.replaced(text, replacement));
                let replaced = replaced.map(|text| Cow::Owned(Node::Text(text.into())));
                out.extend(replaced.and_then(|text| self.note_alone(text)));
            }
        }
    }

    fn found_by(&mut self, expression: &'t Expression, at: usize) -> Vec<usize> {
        let mut found = Vec::new();
        self.find(expression, at, &mut found);
        found
    }

    fn child(&self, at: usize, name: &str) -> Option<Value<'t>> {
        match &self.found[at].value {
            None => self.subject.field(name).map(Cow::Borrowed),
            Some(Cow::Borrowed(node)) => node.get(name).map(Cow::Borrowed),
            Some(Cow::Owned(node)) => node.get(name).cloned().map(Cow::Owned),
        }
    }

    fn children(&self, at: usize) -> Children<'t> {
        match self.value(at) {
            Cow::Borrowed(Node::Map(entries)) => {
                let named = |(key, value): &'t (Cow<'_, str>, Node<'_>)| {
                    (Cow::Borrowed(&**key), Cow::Borrowed(value as &'t Node<'t>))
                };
                Children::Named(entries.iter().map(named).collect())
            }
            Cow::Borrowed(Node::List(items)) => {
                Children::Listed(items.iter().map(|item| Cow::Borrowed(item as &'t Node<'t>)).collect())
            }
            Cow::Owned(Node::Map(entries)) => {
                Children::Named(entries.into_iter().map(|(key, value)| (key, Cow::Owned(value))).collect())
            }
            Cow::Owned(Node::List(items)) => Children::Listed(items.into_iter().map(Cow::Owned).collect()),
            single => Children::None(single),
        }
    }

    fn index(&mut self, index: i64, at: usize, out: &mut Vec<usize>) {
        let place = |length: usize| {
            let from_start = if index < 0 { index.checked_add(length as i64)? } else { index };
            usize::try_from(from_start).ok().filter(|&place| place < length)
        };
        let value: Option<Value<'t>> = match &self.found[at].value {
            Some(Cow::Borrowed(Node::List(items))) => {
                place(items.len()).and_then(|place| items.get(place)).map(Cow::Borrowed)
            }
            Some(Cow::Owned(Node::List(items))) => {
                place(items.len()).and_then(|place| items.get(place)).cloned().map(Cow::Owned)
            }
            // Of a text an index takes a character.
            Some(text) => text.as_text().and_then(|text| {
                let character = text.chars().nth(place(text.chars().count())?)?;
                Some(Cow::Owned(Node::Text(character.to_string().into())))
            }),
            None => match self.subject.whole() {
                Node::List(items) => place(items.len()).and_then(|place| items.get(place)).map(Cow::Borrowed),
                _ => None,
            },
        };
        out.extend(value.and_then(|value| self.note(value, at, Label::Index(index))));
    }

    /// Items of a list; a single value counts as a list of one.
    fn slice(&mut self, start: Option<i64>, stop: Option<i64>, at: usize, out: &mut Vec<usize>) {
        let items = match self.children(at) {
            Children::Listed(items) => items,
            Children::None(single) if single.is_null() => return,
            Children::None(single) => vec![single],
            Children::Named(_) => vec![self.value(at)],
        };
        let clamp = |index: i64| {
            let length = items.len() as i64;
            let from_start = if index < 0 { index.saturating_add(length) } else { index };
            from_start.clamp(0, length) as usize
        };
        let (start, stop) = (start.map_or(0, clamp), stop.map_or(items.len(), clamp));
        for (index, item) in items.into_iter().enumerate().take(stop).skip(start) {
            out.extend(self.note(item, at, Label::Index(index as i64)));
        }
    }

    fn descend(&mut self, right: &'t Expression, at: usize, out: &mut Vec<usize>) {
        self.find(right, at, out);
        let children: Vec<(Label<'t>, Value<'t>)> = match self.children(at) {
            Children::Named(children) => children.into_iter().map(|(key, v)| (Label::Key(key), v)).collect(),
            Children::Listed(items) => {
                items.into_iter().enumerate().map(|(index, v)| (Label::Index(index as i64), v)).collect()
            }
            Children::None(_) => return,
        };
        for (label, child) in children {
            let Some(child) = self.note(child, at, label) else { return };
            self.descend(right, child, out);
        }
    }

    /// Both sides pair by pair; a constant goes with every value of the other side. All or nothing: sides of different
    /// lengths, or one pair that cannot be reckoned, give no value.
    fn operation(
        &mut self,
        left: &'t Operand,
        operation: Arithmetic,
        right: &'t Operand,
        at: usize,
        out: &mut Vec<usize>,
    ) {
        let value = self.value(at);
        let Some(base) = self.note_alone(value) else { return };
        let mut side = |operand: &'t Operand| match operand {
            Operand::Path(path) => (self.found_by(path, base), None),
            Operand::Constant(constant) => (Vec::new(), Some(node(constant))),
        };
        let ((left, left_constant), (right, right_constant)) = (side(left), side(right));
        let pairs = match (&left_constant, &right_constant) {
            (None, None) if left.len() == right.len() => left.len(),
            (None, None) => return,
            (None, Some(_)) => left.len(),
            (Some(_), None) => right.len(),
            (Some(_), Some(_)) => 1,
        };
        let pick = |finder: &Finder<'t, 'n>, found: &[usize], constant: &Option<Node<'t>>, pair: usize| {
            constant.clone().map_or_else(|| finder.value(found[pair]), Cow::Owned)
        };
        let mut made = Vec::with_capacity(pairs);
        for pair in 0..pairs {
            let (left, right) =
                (pick(self, &left, &left_constant, pair), pick(self, &right, &right_constant, pair));
            let Some(result) = reckoned(&left, operation, &right) else { return };
            made.push(result);
        }
        for result in made {
            out.extend(self.note_alone(Cow::Owned(result)));
        }
    }

    fn filter(&mut self, conditions: &'t [Condition], at: usize, out: &mut Vec<usize>) {
        let Children::Listed(items) = self.children(at) else { return };
        for (index, item) in items.into_iter().enumerate() {
            let Some(alone) = self.note_alone(item.clone()) else { return };
            let met = conditions.iter().all(|condition| {
                let found = self.found_by(&condition.path, alone);
                match &condition.test {
                    None => !found.is_empty(),
                    Some((comparison, constant)) => {
                        found.into_iter().any(|at| meets(&self.value(at), *comparison, constant))
                    }
                }
            });
            if met {
                out.extend(self.note(item, at, Label::Index(index as i64)));
            }
        }
    }

    /// The list in order, or the keys of a map; none where some have no order.
    fn sorted(&mut self, keys: &'t [(Expression, bool)], at: usize) -> Option<Node<'t>> {
        let mut items = match self.children(at) {
            Children::Listed(items) => items,
            Children::Named(children) if keys.is_empty() => {
                children.into_iter().map(|(key, _)| Cow::Owned(Node::Text(key))).collect()
            }
            _ => return None,
        };
        let mut ordered = true;
        if keys.is_empty() {
            items.sort_by(|a, b| total_order(a, b));
            ordered = items.windows(2).all(|pair| order(&pair[0], &pair[1]).is_some());
        }
        // By the last key first: a stable sort leaves its order where the keys before it are equal.
        for (key, descending) in keys.iter().rev() {
            let mut keyed = Vec::with_capacity(items.len());
            for item in items {
                let alone = self.note_alone(item.clone())?;
                let found = self.found_by(key, alone);
                keyed.push((found.first().map(|&at| self.value(at)), item));
            }
            // Where one item lacks the key, the list stays as it is.
            if keyed.iter().all(|(key, _)| key.is_some()) {
                keyed.sort_by(|(a, _), (b, _)| {
                    let (a, b) = if *descending { (b, a) } else { (a, b) };
                    a.as_deref().zip(b.as_deref()).map_or(Ordering::Equal, |(a, b)| total_order(a, b))
                });
                let pair = |pair: &[(Option<Value<'t>>, Value<'t>)]| {
                    order(pair[0].0.as_deref()?, pair[1].0.as_deref()?)
                };
                ordered &= keyed.windows(2).all(|two| pair(two).is_some());
            }
            items = keyed.into_iter().map(|(_, item)| item).collect();
        }
        ordered.then(|| Node::List(items.into_iter().map(Cow::into_owned).collect()))
    }
}

/// What is right inside a value.
enum Children<'t> {
    Named(Vec<(Cow<'t, str>, Value<'t>)>),
    Listed(Vec<Value<'t>>),
    /// The value has nothing inside: it is given back.
    None(Value<'t>),
}

fn node<'t>(constant: &'t Constant) -> Node<'t> {
    match constant {
        Constant::Text(text) => Node::from(text.as_str()),
        Constant::Integer(number) => Node::Integer(*number),
        Constant::Float(number) => Node::Float(*number),
        Constant::Truth(truth) => Node::Bool(*truth),
    }
}
