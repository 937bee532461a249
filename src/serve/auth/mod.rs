//! Who calls, and what that allows.
//!
//! `identity` is who somebody is, [`Mode`] how a service comes to know it; `policy` holds the rules, in the language of
//! oslo.policy.

mod identity;
mod keystone;
mod policy;

pub use identity::{Identity, Mode};
pub use keystone::Keystone;
pub use policy::{BadRules, Policy, Target};
