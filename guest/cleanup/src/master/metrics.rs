//! The master's own counts, which permissions do not filter: `GET master-root/metrics/snapshot`.

use super::answer::{self, Page};
use super::json::{Bad, Json};
use crate::host::{Host, Response, request};
use crate::retry::Retries;
use janitor_contract::types::{Endpoint, Method};

/// The master's counts, as far as it reports them.
#[derive(Debug, Default)]
pub struct Metrics {
    /// The age of the master's process, in seconds.
    pub uptime: Option<f64>,
    /// The number of frameworks that are registered, connected or not.
    pub frameworks: Option<f64>,
    /// The number of agents that have registered for the first time, and with this master. It begins
    /// at 0 when a master is elected, because its process ends when it is not leading any more.
    pub registrations: Option<f64>,
    /// The number of unreachable agents.
    pub unreachable: Option<f64>,
}

/// The path of the page.
pub const PATH: &str = "metrics/snapshot";

/// Asks the master for its metrics.
///
/// # Errors
/// Fails if the metrics are not known; the error is one sentence.
pub fn read<H: Host>(host: &mut H, retries: &mut Retries) -> Result<Option<Metrics>, String> {
    let path = PATH.split('/').map(Into::into).collect();
    let page = request(Endpoint::MasterRoot, Method::Get, path);
    match answer::page(host, &page, retries, take) {
        Page::Says((metrics, true)) => Ok(Some(metrics)),
        Page::Says((_, false)) => Err(
            "The metrics are those of a master that is not leading: name the URL of the leading \
             master, or the URLs of all masters."
                .into(),
        ),
        Page::Missing => Ok(None),
        Page::Unknown(unread) => Err(unread.message),
    }
}

/// Takes the metrics, and whether they are the leading master's.
fn take<R: Response>(json: &mut Json<R>) -> Result<(Metrics, bool), Bad> {
    let (mut metrics, mut is_leading) = (Metrics::default(), true);
    json.object(|json, name| {
        match name {
            "master/elected" => is_leading = json.value::<f64>()? >= 1.0,
            "master/uptime_secs" => metrics.uptime = json.value()?,
            "master/frameworks_active" | "master/frameworks_inactive" => {
                *metrics.frameworks.get_or_insert_default() += json.value::<f64>()?;
            }
            "master/slave_registrations" => metrics.registrations = json.value()?,
            "master/slaves_unreachable" => metrics.unreachable = json.value()?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    Ok((metrics, is_leading))
}
