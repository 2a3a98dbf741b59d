//! Which operations agents have not carried out yet: `POST master/api/v1`,
//! `GET_OPERATIONS`.
//!
//! The agent list shows what the master assumes: a volume is gone from it as
//! soon as the master has accepted the request. An agent that dies before it has
//! heard of it brings the volume back, measured on Mesos 1.6 to 1.11; and since
//! 1.6, the master tells which operations are pending. Before that they stay
//! gone, and it does not tell.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::bindings::http::{Content, Endpoint, Method, Request};
use crate::host::{Host, request};
use crate::stream::{self, Bad};

#[derive(Deserialize)]
struct Operation {
    agent_id: Option<AgentId>,
    info: Info,
    latest_status: Status,
}

#[derive(Deserialize)]
struct AgentId {
    value: String,
}

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

/// The agents with operations of a kind (`DESTROY`, `UNRESERVE`) that they have
/// not carried out yet; none when the master does not tell.
pub fn pending<H: Host>(host: &mut H, kind: &str) -> Option<BTreeSet<String>> {
    let request = Request {
        content: Some(Content {
            media_type: "application/json".into(),
            bytes: br#"{"type":"GET_OPERATIONS"}"#.into(),
        }),
        ..request(Endpoint::Master, Method::Post, vec!["api".into(), "v1".into()])
    };
    let read = stream::read(host, &request, |json| {
        let mut pending = None;
        json.object(|json, name| match name {
            "get_operations" => {
                let pending = pending.insert(BTreeSet::new());
                json.object(|json, name| match name {
                    "operations" => json.list(|json| {
                        let Operation { agent_id, info, latest_status } = json.value()?;
                        if info.kind == kind && !is_over(&latest_status.state) {
                            pending.extend(agent_id.map(|id| id.value));
                        }
                        Ok(())
                    }),
                    _ => json.skip(),
                })
            }
            _ => json.skip(),
        })?;
        pending.ok_or_else(|| Bad::missing("get_operations"))
    });
    read.ok()
}

fn is_over(state: &str) -> bool {
    ["FINISHED", "FAILED", "ERROR", "DROPPED", "GONE_BY_OPERATOR"]
        .into_iter()
        .any(|it| state.strip_prefix("OPERATION_") == Some(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn only_what_is_not_done_yet_is_pending() {
        let operation = |agent: &str, kind: &str, state: &str| {
            format!(
                r#"{{"agent_id":{{"value":"{agent}"}},"info":{{"type":"{kind}"}},"latest_status":{{"state":"{state}"}}}}"#
            )
        };
        let operations = [
            operation("S0", "UNRESERVE", "OPERATION_PENDING"),
            operation("S1", "UNRESERVE", "OPERATION_UNREACHABLE"),
            operation("S2", "UNRESERVE", "OPERATION_FINISHED"),
            operation("S3", "RESERVE", "OPERATION_PENDING"),
            r#"{"info":{"type":"UNRESERVE"},"latest_status":{"state":"OPERATION_PENDING"}}"#.into(),
        ];
        let body = format!(
            r#"{{"type":"GET_OPERATIONS","get_operations":{{"operations":[{}]}}}}"#,
            operations.join(",")
        );
        let mut host = Script::default().answer(200, body);
        let expected = ["S0", "S1"].map(Into::into).into();
        assert_eq!(pending(&mut host, "UNRESERVE"), Some(expected));
        let mut host =
            Script::default().answer(200, r#"{"type":"GET_OPERATIONS","get_operations":{}}"#);
        assert_eq!(pending(&mut host, "UNRESERVE"), Some(BTreeSet::new()));
    }

    #[test]
    fn a_master_that_does_not_tell_is_no_failure() {
        for (status, body) in [(400, "Failed to find enum"), (403, ""), (404, ""), (200, "<html>")]
        {
            assert_eq!(pending(&mut Script::default().answer(status, body), "DESTROY"), None);
        }
    }
}
