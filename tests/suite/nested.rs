//! Endlessly nested answers: each ends in an error that says so, and not in a crash of the
//! component.

use std::io::Cursor;
use std::time::Duration;

use janitor_contract::types::{Endpoint, Error};
use janitor_host::{Call, Done, Endpoints, Janitor, Options, Reason, RunError, Session, Target};
use janitor_transport::exchange::{Exchange, Request, Response, Transport};

const DEPTH: usize = 100_000;
const AGENTS: &str = r#"{"slaves":[{"id":"S0","active":true,"version":"1.11.0",
    "reserved_resources_full":{"r":[{"name":"cpus","role":"r","reservation":{}}]}}]}"#;

tests! {
    an_agent_list_without_end_is_an_error: is_an_error("slaves", |it| it.into()),
    an_agent_without_end_is_an_error:
        is_an_error("slaves", |it| format!(r#"{{"slaves":[{{"attributes":{it}"#)),
    a_total_without_end_is_an_error:
        is_an_error("slaves", |it| format!(r#"{{"slaves":[{{"resources":{{"cpus":{it}"#)),
    a_resource_without_end_is_an_error: is_an_error("slaves", |it| {
        format!(r#"{{"slaves":[{{"id":"S0","reserved_resources_full":{{"r":[{{"x":{it}"#)
    }),
    what_is_ignored_without_end_is_an_error:
        is_an_error("slaves", |it| format!(r#"{{"x":{}"#, it.replace('[', r#"{"a":"#))),
    frameworks_without_end_is_an_error:
        is_an_error("frameworks", |it| format!(r#"{{"frameworks":[{{"tasks":{it}"#)),
    operations_without_end_is_an_error:
        is_an_error("v1", |it| format!(r#"{{"get_operations":{it}"#)),
    a_deletion_without_end_is_an_error:
        is_an_error("znode/a", |it| format!(r#"{{"succeeded":true,"x":{it}"#)),
    a_look_without_end_is_an_error:
        is_an_error("node-data", |it| format!(r#"{{"stat":"czxid: 1","x":{it}"#)),
}

/// Asserts that the run ends with an error if the answer to requests for this path has a nested
/// value; `write` inserts the beginning of that value.
fn is_an_error(path: &'static str, write: fn(&str) -> String) {
    let body = write(&"[".repeat(DEPTH));
    let znode = ["znode/a", "node-data"].contains(&path);
    let target = Target {
        role: (!znode).then(|| "r".into()),
        principal: None,
        znode: znode.then(|| "a".into()),
        ..Target::NOTHING
    };
    let call = if path == "node-data" { Call::Plan(target) } else { Call::Clean(target) };
    let session = Session::new(Scripted { path, body, released: false })
        .with_endpoints(Endpoints::new("http://m/", "http://e/", "http://n/").unwrap());
    let options = Options { confirm_seconds: 1, ..Options::DEFAULT };
    let result = Janitor::new().unwrap().run(&call, &options, session);
    match (path, result) {
        // The pending operations are unknown, so the run does not report success.
        ("v1", Err(RunError::Failure(failure))) => {
            assert_eq!(failure.reason, Reason::Incomplete, "{}", failure.message);
        }
        ("node-data", Ok(Done::Planned(plan))) => {
            let state = format!("{:?}", plan.znode);
            assert!(state.contains("Unknown") && state.contains("not Exhibitor"), "{state}");
        }
        ("znode/a", Err(RunError::Failure(failure))) => {
            assert!(failure.message.contains("not Exhibitor"), "{}", failure.message);
        }
        (_, Err(RunError::Failure(failure))) => {
            // Ignored values are read without recursion, up to an end that never comes.
            let words = [
                "recursion limit exceeded",
                "expected an",
                "EOF while parsing",
                "nested too deeply",
            ];
            let message = &failure.message;
            assert!(words.iter().any(|it| message.contains(it)), "{message}");
        }
        (_, result) => panic!("{result:?}"),
    }
}

/// A network on which one answer is nested endlessly.
struct Scripted {
    path: &'static str,
    body: String,
    released: bool,
}

impl Transport for Scripted {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let master = matches!(request.endpoint, Endpoint::Master | Endpoint::MasterRoot);
        let path = request.path.join("/");
        let body = match path.as_str() {
            path if path.ends_with(self.path.trim_start_matches('/')) => self.body.as_str(),
            "slaves" if master && self.released => {
                r#"{"slaves":[{"id":"S0","version":"1.11.0","reserved_resources_full":{}}]}"#
            }
            "slaves" if master => AGENTS,
            "frameworks" if master => r#"{"frameworks":[]}"#,
            "roles" if master => r#"{"roles":[]}"#,
            "registrar(1)/registry" if master => r#"{"master":{}}"#,
            "metrics/snapshot" | "maintenance/status" if master => "{}",
            "api/v1" if master => r#"{"get_operations":{}}"#,
            _ => {
                self.released = true;
                ""
            }
        };
        Box::new(Answered(body.into()))
    }

    fn pause(&mut self, _: Duration) {}
}

struct Answered(String);

impl Exchange for Answered {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let body = Box::new(Cursor::new(self.0.into_bytes()));
        Ok(Response { status: 200, content_type: None, body })
    }
}
