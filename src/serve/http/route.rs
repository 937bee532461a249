//! The table of what a service answers.

use hyper::Method;

use super::{Answer, Call, Problem};

/// A function that answers a request, on a thread that has `D`, what the service works at, to itself.
pub type Handler<D> = fn(&D, &Call) -> Result<Answer, Problem>;

/// One row: which requests, and what answers them.
pub struct Route<D> {
    /// The method; GET is HEAD too where HEAD has no row of its own.
    pub method: Method,
    /// The path below the service's root; `{name}` stands for one segment, `{*name}` for the rest.
    pub path: &'static str,
    /// What answers it.
    pub answer: Handler<D>,
    /// Whether it answers with JSON, and so refuses who does not accept that (406).
    pub is_json: bool,
}

impl<D> Route<D> {
    /// GET
    pub const fn get(path: &'static str, answer: Handler<D>) -> Route<D> {
        Route { method: Method::GET, path, answer, is_json: true }
    }

    /// POST
    pub const fn post(path: &'static str, answer: Handler<D>) -> Route<D> {
        Route { method: Method::POST, path, answer, is_json: true }
    }

    /// PATCH
    pub const fn patch(path: &'static str, answer: Handler<D>) -> Route<D> {
        Route { method: Method::PATCH, path, answer, is_json: true }
    }

    /// DELETE
    pub const fn delete(path: &'static str, answer: Handler<D>) -> Route<D> {
        Route { method: Method::DELETE, path, answer, is_json: true }
    }

    /// The same, answered with something else than JSON.
    #[must_use]
    pub fn not_json(self) -> Route<D> {
        Route { is_json: false, ..self }
    }
}
