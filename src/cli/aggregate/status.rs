//! `status`: how much is in a store.

use clap::Args;
use serde_json::json;

use super::options::Options;
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;
use crate::model::Timestamp;
use crate::store::Store;
use crate::store::index::MetricQuery;
use crate::store::measures::{Activity, Wanted};

/// Options of `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Count points too: taken, replaced, late; reads all that can still change
    #[arg(long)]
    points: bool,

    #[command(flatten)]
    pub(super) options: Options,
}

/// Prints one row.
///
/// # Errors
/// When something is damaged or cannot be read.
pub fn run(args: &StatusArgs, context: &Context) -> Result<Outcome, Failure> {
    let store = args.options.store.open()?;
    let (index, stored) = (store.index(), store.status()?);
    let mut row = json!({
        "store": store.folder().display().to_string(),
        "resources": index.resource_count()?,
        "metrics": index.metric_count()?,
        "metrics_deleted": index.deleted()?.len(),
        "journals": stored.journals,
        "journal_bytes": stored.journal_bytes,
        "segments": stored.segments,
        "segment_bytes": stored.segment_bytes,
        "segment_points": stored.points,
        "segment_spans": stored.spans,
    });
    if args.points {
        let (newest, all) = activity(&store, context)?;
        row["newest"] = json!(newest.map(|time| time.to_string()));
        row["taken"] = json!(all.taken);
        row["replaced"] = json!(all.replaced);
        row["late"] = json!(all.late);
    }
    args.options.print_one(row, context)
}

/// The newest point of all metrics, and the counts of all together.
fn activity(store: &Store, context: &Context) -> Result<(Option<Timestamp>, Activity), Failure> {
    let metrics = store.index().metrics(&MetricQuery::default())?;
    let wanted: Vec<Wanted<'_>> =
        metrics.iter().map(|of| Wanted { metric: of.number, policy: &of.archive_policy }).collect();
    let mut snapshot = store.snapshot()?;
    let (mut newest, mut all) = (None, Activity::default());
    snapshot.activity(&wanted, |_, of| {
        newest = newest.max(of.horizon.newest());
        all.taken += of.taken;
        all.replaced += of.replaced;
        all.late += of.late;
    })?;
    snapshot.damage().into_iter().for_each(|damage| context.books.trouble(&damage.into()));
    Ok((newest, all))
}
