//! The login of DC/OS, and what the other servers make of its token.

use serde_json::{Value, json};

use crate::message::{Recorded, Reply, Server};
use crate::state::Iam;

/// The answer to a login.
pub(crate) fn answer(iam: &Iam, request: &Recorded) -> Reply {
    if (request.method.as_str(), request.path_only()) != ("POST", "/acs/api/v1/auth/login") {
        return Reply::empty(404);
    }
    let login: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let password = login["uid"].as_str().and_then(|user| iam.users.get(user));
    match password {
        Some(password) if login["password"] == json!(password) => {
            Reply::json(200, &json!({ "token": iam.token }))
        }
        _ => {
            Reply::json(401, &json!({ "title": "Unauthorized", "code": "ERR_INVALID_CREDENTIALS" }))
        }
    }
}

/// The refusal of a request that does not carry the token.
pub(crate) fn refusal(iam: &Iam, request: &Recorded) -> Option<Reply> {
    let wanted = format!("token={}", iam.token);
    let granted = request.server == Server::Iam || request.authorization == Some(wanted);
    (!granted).then(|| Reply::empty(401).header("WWW-Authenticate", "oauthjwt"))
}
