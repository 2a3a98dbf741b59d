//! Marathon, as far as an app that removes itself can see it.

use serde_json::json;

use crate::message::{Recorded, Reply};
use crate::state::Marathon;

const DEPLOYMENT: &str = "5ed4c0c5-9ff8-4a6f-a0cd-f57f59a34b43";

/// Marathon's answer.
pub(crate) fn answer(marathon: &mut Marathon, request: &Recorded) -> Reply {
    let Some(id) = request.path_only().strip_prefix("/v2/apps/") else {
        return Reply::empty(404);
    };
    if request.method != "DELETE" {
        return Reply::empty(405);
    }
    let id = format!("/{}", id.trim_matches('/'));
    let before = marathon.apps.len();
    marathon.apps.retain(|app| *app != id);
    if marathon.apps.len() == before {
        return Reply::json(404, &json!({"message": format!("App '{id}' does not exist")}));
    }
    let body = json!({"version": "2016-06-07T00:00:00.000Z", "deploymentId": DEPLOYMENT});
    Reply::json(200, &body).header("Marathon-Deployment-Id", DEPLOYMENT)
}
