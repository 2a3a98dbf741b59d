//! The requests to the service: the path selects the call, and the body contains its arguments.

use std::io::{self, Read};

use janitor_contract::types::{Options, Target};
use janitor_contract::{Call, strict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wasip2::http::types::{IncomingRequest, Method};

use crate::operator::{CONFIRM_SECONDS, Operator, RUN_SECONDS};
use crate::response::Refusal;

/// A request that starts a run.
pub struct RunRequest {
    /// The call.
    pub call: Call,
    /// The options of the call.
    pub options: Options,
    /// The time limit of the run, in seconds.
    pub run_seconds: u32,
    /// This is set when the response streams the events as they happen.
    pub events: bool,
}

/// The body of `/clean` and `/plan`. It has either one target, or the targets of one run.
#[derive(Serialize, Deserialize)]
struct Targeted {
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    targets: Vec<Target>,
    options: Options,
    #[serde(default)]
    timeout_seconds: Option<u32>,
}

/// The body of `/discover`.
#[derive(Serialize, Deserialize)]
struct Untargeted {
    options: Options,
    #[serde(default)]
    timeout_seconds: Option<u32>,
}

impl RunRequest {
    /// Parses a request.
    ///
    /// # Errors
    /// Fails with the refusal to send.
    pub fn read(request: &IncomingRequest, operator: &Operator) -> Result<Self, Refusal> {
        let path = request.path_with_query().unwrap_or_default();
        type One = fn(Target) -> Call;
        type All = fn(Vec<Target>) -> Call;
        let targeted = match path.as_str() {
            "/clean" => Some((Call::Clean as One, Call::CleanAll as All)),
            "/plan" => Some((Call::Plan as One, Call::PlanAll as All)),
            "/discover" => None,
            _ => return Err(Refusal::new(404, "unknown path: use /clean, /plan or /discover")),
        };
        if !matches!(request.method(), Method::Post) {
            return Err(Refusal::new(405, "the method must be POST"));
        }
        let mut body = body(request)?;
        if let Some(fields) = body.as_object_mut() {
            let options = fields.entry("options").or_insert(json!({}));
            if let Some(options) = options.as_object_mut() {
                let usual = Options::DEFAULT.confirm_seconds.min(operator.confirm_seconds);
                options.entry("confirm_seconds").or_insert(json!(usual));
            }
        }
        let wrong = |why| Refusal::new(400, format!("invalid body: {why}"));
        let (call, options, timeout) = match targeted {
            Some((one, all)) => {
                let Targeted { target, targets, options, timeout_seconds } =
                    strict::read(body).map_err(wrong)?;
                let call = match (target, &targets[..]) {
                    (Some(target), []) => one(target),
                    (None, [_, ..]) => all(targets),
                    _ => {
                        let why = "invalid body: it must have either a `target` or `targets`";
                        return Err(Refusal::new(400, why));
                    }
                };
                if call.targets().iter().any(|target| target.marathon_app.is_some()) {
                    let why = "marathon_app names the Marathon app that runs janitor, but this is a \
                               service; omit it";
                    return Err(Refusal::new(400, why));
                }
                (call, options, timeout_seconds)
            }
            None => {
                let Untargeted { options, timeout_seconds } = strict::read(body).map_err(wrong)?;
                (Call::Discover, options, timeout_seconds)
            }
        };
        let Operator { run_seconds, confirm_seconds, .. } = *operator;
        if timeout == Some(0) {
            return Err(Refusal::new(400, "timeout_seconds must be at least 1"));
        }
        for (field, value, most, variable) in [
            ("confirm_seconds", options.confirm_seconds, confirm_seconds, CONFIRM_SECONDS),
            ("wait_seconds", options.wait_seconds, run_seconds, RUN_SECONDS),
            ("timeout_seconds", timeout.unwrap_or(run_seconds), run_seconds, RUN_SECONDS),
        ] {
            if value > most {
                let why = format!("{field} must be at most {most} ({variable} of the service)");
                return Err(Refusal::new(400, why));
            }
        }
        for (option, is_set) in
            [("znode_root", options.znode_root.is_some()), ("zookeeper", options.zookeeper)]
        {
            if is_set {
                let why = format!(
                    "{option} is for direct access to ZooKeeper, but this service uses Exhibitor; \
                     omit it"
                );
                return Err(Refusal::new(400, why));
            }
        }
        let accepted = request.headers().get("accept");
        let is_events = |value: &Vec<u8>| {
            String::from_utf8_lossy(value).to_ascii_lowercase().contains("application/x-ndjson")
        };
        let run_seconds = timeout.unwrap_or(run_seconds);
        Ok(Self { call, options, run_seconds, events: accepted.iter().any(is_events) })
    }
}

/// Reads the body, up to a limit.
fn body(request: &IncomingRequest) -> Result<Value, Refusal> {
    /// The limit, in bytes.
    const MOST: u64 = 1 << 20;
    let broken = |_| Refusal::new(400, "the body is truncated");
    let whole = request.consume().map_err(broken)?;
    let mut bytes = Vec::new();
    {
        let stream = whole.stream().map_err(broken)?;
        let read: io::Result<usize> = stream.take(MOST + 1).read_to_end(&mut bytes);
        read.map_err(|_| Refusal::new(400, "the body is truncated"))?;
    }
    if bytes.len() as u64 > MOST {
        return Err(Refusal::new(413, format!("the body is larger than {MOST} bytes")));
    }
    strict::json(&bytes).map_err(|why| Refusal::new(400, format!("the body must be JSON: {why}")))
}
