//! Marathon, as far as an app that removes itself can see it.

use serde_json::json;

use crate::message::{Recorded, Reply};
use crate::state::Marathon;

const DEPLOYMENT: &str = "5ed4c0c5-9ff8-4a6f-a0cd-f57f59a34b43";

/// Marathon's answer.
pub(crate) fn answer(marathon: &mut Marathon, request: &Recorded) -> Reply {
    let path = request.path_only();
    let (id, these, status) = match (path.strip_prefix("/v2/apps/"), path.strip_prefix("/v2/pods/"))
    {
        (Some(id), _) => (id, &mut marathon.apps, 200),
        (None, Some(id)) => (id, &mut marathon.pods, 202),
        (None, None) => return Reply::empty(404),
    };
    if request.method != "DELETE" {
        return Reply::empty(405);
    }
    let id = format!("/{}", id.trim_matches('/'));
    let before = these.len();
    these.retain(|app| *app != id);
    if these.len() == before {
        return Reply::json(404, &json!({"message": format!("App '{id}' does not exist")}));
    }
    let body = json!({"version": "2016-06-07T00:00:00.000Z", "deploymentId": DEPLOYMENT});
    Reply::json(status, &body).header("Marathon-Deployment-Id", DEPLOYMENT)
}
