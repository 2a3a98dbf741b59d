//! The part of Marathon that an app which removes itself uses.

use serde_json::json;

use crate::message::{Recorded, Reply};
use crate::state::Marathon;

const DEPLOYMENT: &str = "5ed4c0c5-9ff8-4a6f-a0cd-f57f59a34b43";

/// Returns Marathon's response.
pub(crate) fn answer(marathon: &mut Marathon, request: &Recorded) -> Reply {
    let path = request.path_only();
    let (id, these, kind) = match (path.strip_prefix("/v2/apps/"), path.strip_prefix("/v2/pods/")) {
        (Some(id), _) => (id, &mut marathon.apps, "App"),
        (None, Some(id)) => (id, &mut marathon.pods, "Pod"),
        (None, None) => return Reply::empty(404),
    };
    if request.method != "DELETE" {
        return Reply::empty(405);
    }
    let id = format!("/{}", id.trim_matches('/'));
    let before = these.len();
    these.retain(|app| *app != id);
    if these.len() == before {
        return Reply::json(404, &json!({"message": format!("{kind} '{id}' does not exist")}));
    }
    let reply = match kind {
        "App" => {
            let version = "2016-06-07T00:00:00.000Z";
            Reply::json(200, &json!({"version": version, "deploymentId": DEPLOYMENT}))
        }
        _ => Reply::empty(202),
    };
    reply.header("Marathon-Deployment-Id", DEPLOYMENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{DEPLOYMENT, answer};
    use crate::message::{Recorded, Reply, Server};
    use crate::state::Marathon;

    fn delete(marathon: &mut Marathon, path: &str) -> Reply {
        let request = Recorded {
            server: Server::Marathon,
            method: "DELETE".to_owned(),
            path: path.to_owned(),
            content_type: None,
            authorization: None,
            body: String::new(),
        };
        answer(marathon, &request)
    }

    #[test]
    fn apps_and_pods_are_removed_in_different_words() {
        let mut marathon: Marathon =
            serde_json::from_value(json!({"apps": ["/a/b"], "pods": ["/a/b"]})).unwrap();
        let app = delete(&mut marathon, "/v2/apps/a/b?force=true");
        assert_eq!(app.status, 200);
        assert!(app.body.contains(&format!(r#""deploymentId":"{DEPLOYMENT}""#)));
        let pod = delete(&mut marathon, "/v2/pods/a/b?force=true");
        let header = ("Marathon-Deployment-Id".to_owned(), DEPLOYMENT.to_owned());
        assert_eq!((pod.status, pod.body.as_str()), (202, ""));
        assert_eq!(pod.headers, [header]);
        for (path, text) in [
            ("/v2/apps/a/b", "App '/a/b' does not exist"),
            ("/v2/pods/a/b", "Pod '/a/b' does not exist"),
        ] {
            let gone = delete(&mut marathon, path);
            assert_eq!(gone, Reply::json(404, &json!({ "message": text })));
        }
    }
}
