//! Gnocchi 4.7.1's REST API, over a store.
//!
//! One file for what the API has a word for; each begins with its rows of the table. A function here reads a request, asks
//! `rules` whether its caller may, has `store` or `work` do it, and writes the answer as the original does: its status, its
//! shapes, and its words where clients read them. `desk` is what a worker's thread has, `refusal` gives the store's errors
//! their status.

mod aggregates;
mod aggregation;
mod archive_policy;
mod archive_policy_rule;
mod arrivals;
mod attribute;
mod batch;
mod body;
mod desk;
mod gate;
mod group_by;
mod influxdb;
mod json;
mod measures;
mod metric;
mod metric_source;
mod metric_told;
mod openapi;
mod page;
mod points;
mod precondition;
mod prometheus;
mod refusal;
mod resource;
mod resource_history;
mod resource_list;
mod resource_metric;
mod resource_said;
mod resource_told;
mod resource_type;
mod resource_type_patch;
mod root;
mod rows;
mod rules;
mod scope;
mod search_filter;
mod search_metric;
mod search_resource;
mod self_metrics;
mod service;
mod statsd;
mod timing;

pub use desk::{Desk, Options};
pub use rules::{DEFAULT_RULES, policy};
pub use service::{Keeper, front};
pub use statsd::{Running as StatsdRunning, Statsd};

use super::http::Route;

/// All that is answered.
pub fn routes() -> Vec<Route<Desk>> {
    let mut routes = Vec::new();
    routes.extend(aggregates::routes());
    routes.extend(aggregation::routes());
    routes.extend(archive_policy::routes());
    routes.extend(archive_policy_rule::routes());
    routes.extend(batch::routes());
    routes.extend(measures::routes());
    routes.extend(metric::routes());
    routes.extend(resource::routes());
    routes.extend(resource_history::routes());
    routes.extend(resource_metric::routes());
    routes.extend(resource_type::routes());
    routes.extend(root::routes());
    routes.extend(influxdb::routes());
    routes.extend(prometheus::routes());
    routes.extend(openapi::routes());
    routes.extend(self_metrics::routes());
    routes.extend(search_metric::routes());
    routes.extend(search_resource::routes());
    routes
}
