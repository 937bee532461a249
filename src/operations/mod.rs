//! Floor 2 · The language of dynamic aggregates: parse, plan, apply.
