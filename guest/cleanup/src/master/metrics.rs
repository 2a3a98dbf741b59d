//! The master's own counts, which nobody filters: `GET master-root/metrics/snapshot`.

use crate::host::{Host, Response, Retries, request};
use crate::master::json::{self, Bad, Json, Page};
use janitor_contract::types::{Endpoint, Method};

/// What the master counts, as far as it says so.
#[derive(Debug, Default)]
pub struct Metrics {
    /// How long the master's process runs, in seconds.
    pub uptime: Option<f64>,
    /// How many frameworks are registered, connected or not.
    pub frameworks: Option<f64>,
    /// How many agents the master has given up on.
    pub unreachable: Option<f64>,
}

/// The path of the page, for people.
pub const PATH: &str = "metrics/snapshot";

/// Asks the master for its metrics.
///
/// # Errors
/// One sentence, when it is not known what they are.
pub fn read<H: Host>(host: &mut H, retries: &mut Retries) -> Result<Option<Metrics>, String> {
    let path = PATH.split('/').map(Into::into).collect();
    let page = request(Endpoint::MasterRoot, Method::Get, path);
    match json::page(host, &page, retries, take) {
        Page::Says((metrics, true)) => Ok(Some(metrics)),
        Page::Says((_, false)) => Err(
            "The metrics are of a master that does not lead: give the URL of the leading master, \
             or of all."
                .into(),
        ),
        Page::Missing => Ok(None),
        Page::Unknown(unread) => Err(unread.message),
    }
}

/// The metrics, and whether they are of the master that leads.
fn take<R: Response>(json: &mut Json<R>) -> Result<(Metrics, bool), Bad> {
    let (mut metrics, mut is_leading) = (Metrics::default(), true);
    json.object(|json, name| {
        match name {
            "master/elected" => is_leading = json.value::<f64>()? >= 1.0,
            "master/uptime_secs" => metrics.uptime = json.value()?,
            "master/frameworks_active" | "master/frameworks_inactive" => {
                *metrics.frameworks.get_or_insert_default() += json.value::<f64>()?;
            }
            "master/slaves_unreachable" => metrics.unreachable = json.value()?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    Ok((metrics, is_leading))
}
