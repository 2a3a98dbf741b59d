//! DC/OS's login, and the check of its token by the other servers.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::message::{Recorded, Reply, Server};
use crate::state::Iam;

/// Returns the response to a login.
pub(crate) fn answer(iam: &Iam, request: &Recorded) -> Reply {
    if (request.method.as_str(), request.path_only()) != ("POST", "/acs/api/v1/auth/login") {
        return Reply::empty(404);
    }
    let login: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let uid = login["uid"].as_str().unwrap_or_default();
    let by_password =
        iam.users.get(uid).is_some_and(|password| login["password"] == json!(password));
    let key = iam.accounts.get(uid);
    if by_password || key.is_some_and(|key| has_signed(key, uid, &login).is_some()) {
        return Reply::json(200, &json!({ "token": iam.token }));
    }
    Reply::json(401, &json!({ "title": "Unauthorized", "code": "ERR_INVALID_CREDENTIALS" }))
}

/// Checks that the owner of a key signed a login's token: RS256, the owner's `uid`, and an `exp`
/// within ten minutes.
fn has_signed(key: &str, uid: &str, login: &Value) -> Option<()> {
    let token = login["token"].as_str()?;
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let part =
        |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let (header, claims) = (part(header)?, part(claims)?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let expires = claims["exp"].as_u64()?;
    let good = header["alg"] == "RS256" && claims["uid"] == uid && expires > now;
    if !good || expires > now + 10 * 60 {
        return None;
    }
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, STANDARD.decode(key).ok()?);
    key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()
}

/// Returns the refusal of a request without the token.
pub(crate) fn refusal(iam: &mut Iam, request: &Recorded) -> Option<Reply> {
    if request.server == Server::Iam {
        return None;
    }
    let refused = || Some(Reply::empty(401).header("WWW-Authenticate", "oauthjwt"));
    if request.authorization.as_deref() != Some(&format!("token={}", iam.token)) {
        return refused();
    }
    match iam.good_for.first_mut() {
        None => None,
        Some(0) => {
            iam.good_for.remove(0);
            iam.token.push('+');
            refused()
        }
        Some(requests) => {
            *requests -= 1;
            None
        }
    }
}
