//! `search`: the resources that satisfy a condition; the same as `resource search`.

use clap::Args;

use super::options::Options;
use super::resource::ListedArgs;
use crate::query::Filter;

/// Options of `search`.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// What they satisfy, as 'host = "node-1" and vcpus >= 4'
    ///
    /// It may name what every resource has (id, type, user_id, project_id, creator, original_resource_id, started_at,
    /// ended_at, lifespan, revision_start, revision_end) and the attributes of the type.
    #[arg(value_name = "FILTER")]
    pub query: Filter,

    /// Also what resources were
    #[arg(long)]
    pub history: bool,

    #[command(flatten)]
    pub listed: ListedArgs,

    #[command(flatten)]
    pub options: Options,
}
