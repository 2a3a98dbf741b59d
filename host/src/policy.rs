//! Which requests a run may send. The table is short, made from the target
//! alone, and knows no patterns: a request's endpoint, method, path, query and
//! media type must be those of a rule, and what it would remove must be the
//! target's (`scope.rs`).

use std::fmt;

use crate::bindings::cleanup::{InUse, Options, Target};
use crate::bindings::http::{Endpoint, Method, Request};
use crate::call::Call;
use crate::request::relative;
use crate::scope::Scope;

/// The media type of the forms that Mesos's operator endpoints take.
const FORM: &str = "application/x-www-form-urlencoded";

/// The requests that a run may send.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
}

/// One request that may be sent, as often as the run likes.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    endpoint: Endpoint,
    method: Method,
    path: Vec<String>,
    query: Query,
    media_type: Option<&'static str>,
    /// The content, where there is just one that is allowed.
    content: Option<&'static str>,
    /// Whose resources may be removed.
    scope: Option<Scope>,
}

/// The query of a rule.
#[derive(Clone, Debug, PartialEq)]
enum Query {
    /// Just this.
    Exactly(Vec<(String, String)>),
    /// `key`, a ZooKeeper node: this one or one below it.
    Within(String),
}

impl Policy {
    /// The requests that a call needs.
    pub fn new(call: &Call, options: Options) -> Self {
        let mut rules = match call {
            Call::Clean(target) => Self::cleaning(target, options),
            Call::Plan(target) => Self::looking(target),
            Call::Apply(plan) => {
                let target = &plan.target;
                Self::looking(target).into_iter().chain(Self::cleaning(target, options)).collect()
            }
            Call::Discover => {
                let mut rules = Self::listing();
                rules.push(Rule::exploring("node", Query::Exactly(vec![key("/")])));
                rules
            }
        };
        // A rule with a path that could be read in two ways allows nothing.
        rules.retain(|rule| !rule.path.is_empty() && rule.path.iter().all(|it| is_plain(it)));
        Self { rules }
    }

    /// The requests that tell what there is.
    fn listing() -> Vec<Rule> {
        ["slaves", "frameworks"].map(|list| Rule::new(Endpoint::Master, Method::Get, [list])).into()
    }

    /// The requests that tell what cleaning a target would do.
    fn looking(target: &Target) -> Vec<Rule> {
        let mut rules = if target.role.is_some() { Self::listing() } else { Vec::new() };
        if let Some(znode) = &target.znode {
            let node = format!("/{}", plain_znode(znode));
            if node.split('/').skip(1).all(is_plain) {
                rules.push(Rule::exploring("node-data", Query::Exactly(vec![key(&node)])));
                rules.push(Rule::exploring("node", Query::Within(node)));
            }
        }
        rules
    }

    /// The requests that cleaning a target needs.
    fn cleaning(target: &Target, options: Options) -> Vec<Rule> {
        let mut rules = Vec::new();
        if target.role.is_some() {
            rules = Self::listing();
            let form = |operation, scope| Rule {
                media_type: Some(FORM),
                scope,
                ..Rule::new(Endpoint::Master, Method::Post, [operation])
            };
            rules.push(form("destroy-volumes", Scope::volumes(target)));
            rules.push(form("unreserve", Scope::reservations(target)));
            if options.in_use == InUse::Teardown {
                rules.push(form("teardown", None));
            }
            rules.push(Rule {
                media_type: Some("application/json"),
                content: Some(r#"{"type":"GET_OPERATIONS"}"#),
                ..Rule::new(Endpoint::Master, Method::Post, ["api", "v1"])
            });
        }
        if let Some(znode) = &target.znode {
            let path = EXPLORER.into_iter().chain(["znode"]).chain(plain_znode(znode).split('/'));
            rules.push(Rule::new(Endpoint::Exhibitor, Method::Delete, path));
        }
        if let Some(app) = &target.marathon_app {
            for endpoint in [Endpoint::Marathon, Endpoint::MarathonPods] {
                let path = app.split('/').filter(|segment| !segment.is_empty());
                let rule = Rule::new(endpoint, Method::Delete, path);
                let query = Query::Exactly(vec![("force".into(), "true".into())]);
                rules.push(Rule { query, ..rule });
            }
        }
        rules
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Decides about a request.
    ///
    /// # Errors
    /// The request, and what would be allowed instead, in one sentence.
    pub fn check(&self, request: &Request) -> Result<(), String> {
        let media_type = request.content.as_ref().map(|content| content.media_type.as_str());
        let rule = self.rules.iter().find(|rule| {
            rule.endpoint == request.endpoint
                && rule.method == request.method
                && rule.path == request.path
                && rule.query.allows(&request.query)
                && rule.media_type == media_type
                && rule.content.is_none_or(|it| {
                    request.content.as_ref().is_some_and(|content| content.bytes == it.as_bytes())
                })
        });
        if let Some(rule) = rule {
            let (Some(scope), Some(content)) = (&rule.scope, &request.content) else {
                return Ok(());
            };
            return scope.check(&content.bytes).map_err(|why| {
                format!("{} would remove what is not the target's: {why}", Asked(request))
            });
        }
        let rules = self.rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(", ");
        Err(format!("{} is not in the policy table, which has: {rules}", Asked(request)))
    }
}

impl Rule {
    fn new<'a>(
        endpoint: Endpoint,
        method: Method,
        path: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        let query = Query::Exactly(Vec::new());
        Self { endpoint, method, path, query, media_type: None, content: None, scope: None }
    }

    fn exploring(what: &str, query: Query) -> Self {
        let path = EXPLORER.into_iter().chain([what]);
        Self { query, ..Self::new(Endpoint::Exhibitor, Method::Get, path) }
    }
}

impl Query {
    fn allows(&self, query: &[(String, String)]) -> bool {
        match self {
            Self::Exactly(expected) => expected == query,
            Self::Within(node) => match query {
                [(name, value)] if name == "key" => match value.strip_prefix(node.as_str()) {
                    Some(below) => {
                        below.is_empty()
                            || below.strip_prefix('/').is_some_and(|it| it.split('/').all(is_plain))
                    }
                    None => false,
                },
                _ => false,
            },
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.query {
            Query::Exactly(query) => {
                show(f, self.method, self.endpoint, &self.path, query, self.media_type)?;
                self.content.map_or(Ok(()), |content| write!(f, " {content}"))
            }
            Query::Within(node) => {
                show(f, self.method, self.endpoint, &self.path, &[key(node)], self.media_type)?;
                f.write_str(" and below")
            }
        }
    }
}

/// A request as the table would show it.
struct Asked<'a>(&'a Request);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Request { endpoint, method, path, query, content } = self.0;
        let media_type = content.as_ref().map(|content| content.media_type.as_str());
        show(f, *method, *endpoint, path, query, media_type)
    }
}

fn show(
    f: &mut fmt::Formatter,
    method: Method,
    endpoint: Endpoint,
    path: &[String],
    query: &[(String, String)],
    media_type: Option<&str>,
) -> fmt::Result {
    write!(f, "{} {}/{}", method.name(), endpoint.name(), relative(path, query))?;
    match media_type {
        Some(media_type) => write!(f, " ({media_type})"),
        None => Ok(()),
    }
}

/// Where Exhibitor's explorer is.
const EXPLORER: [&str; 3] = ["exhibitor", "v1", "explorer"];

fn key(node: &str) -> (String, String) {
    ("key".into(), node.into())
}

/// A ZooKeeper path without the slashes at its ends that mean nothing.
fn plain_znode(znode: &str) -> &str {
    let znode = znode.strip_prefix('/').unwrap_or(znode);
    znode.strip_suffix('/').unwrap_or(znode)
}

/// Whether a segment means the same to everyone on the way.
fn is_plain(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..") && !segment.contains(|c: char| c == '/' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::http::Content;

    fn target() -> Target {
        Target {
            role: Some("r".into()),
            principal: None,
            znode: Some("/a/b/".into()),
            marathon_app: Some("/group/janitor".into()),
        }
    }

    const OPTIONS: Options =
        Options { confirm_seconds: 0, in_use: InUse::Refuse, system_znode: false };

    fn request(endpoint: Endpoint, method: Method, path: &str) -> Request {
        let path = path.split('/').map(Into::into).collect();
        Request { endpoint, method, path, query: vec![], content: None }
    }

    #[test]
    fn the_table_of_a_whole_target() {
        let policy = Policy::new(&Call::Clean(target()), OPTIONS);
        let rules: Vec<_> = policy.rules().iter().map(Rule::to_string).collect();
        assert_eq!(
            rules,
            [
                "GET master/slaves",
                "GET master/frameworks",
                "POST master/destroy-volumes (application/x-www-form-urlencoded)",
                "POST master/unreserve (application/x-www-form-urlencoded)",
                r#"POST master/api/v1 (application/json) {"type":"GET_OPERATIONS"}"#,
                "DELETE exhibitor/exhibitor/v1/explorer/znode/a/b",
                "DELETE marathon/group/janitor?force=true",
                "DELETE marathon-pods/group/janitor?force=true",
            ]
        );
    }

    #[test]
    fn a_look_changes_nothing() {
        for (call, expected) in [
            (
                Call::Plan(target()),
                &[
                    "GET master/slaves",
                    "GET master/frameworks",
                    "GET exhibitor/exhibitor/v1/explorer/node-data?key=%2Fa%2Fb",
                    "GET exhibitor/exhibitor/v1/explorer/node?key=%2Fa%2Fb and below",
                ][..],
            ),
            (
                Call::Discover,
                &[
                    "GET master/slaves",
                    "GET master/frameworks",
                    "GET exhibitor/exhibitor/v1/explorer/node?key=%2F",
                ],
            ),
        ] {
            let policy = Policy::new(&call, OPTIONS);
            let rules: Vec<_> = policy.rules().iter().map(Rule::to_string).collect();
            assert_eq!(rules, expected);
        }
    }

    #[test]
    fn only_nodes_below_the_targets_are_looked_at() {
        let policy = Policy::new(&Call::Plan(target()), OPTIONS);
        for (node, allowed) in [
            ("/a/b", true),
            ("/a/b/c/d", true),
            ("/a", false),
            ("/a/bc", false),
            ("/a/b/../c", false),
            ("/a/b/", false),
            ("/", false),
            ("", false),
        ] {
            let path = "exhibitor/v1/explorer/node";
            let request = Request {
                query: vec![key(node)],
                ..request(Endpoint::Exhibitor, Method::Get, path)
            };
            assert_eq!(policy.check(&request).is_ok(), allowed, "{node}");
        }
    }

    #[test]
    fn a_teardown_must_be_wished() {
        let request = Request {
            content: Some(Content { media_type: FORM.into(), bytes: vec![] }),
            ..request(Endpoint::Master, Method::Post, "teardown")
        };
        for (in_use, allowed) in
            [(InUse::Refuse, false), (InUse::Force, false), (InUse::Teardown, true)]
        {
            let policy = Policy::new(&Call::Clean(target()), Options { in_use, ..OPTIONS });
            assert_eq!(policy.check(&request).is_ok(), allowed);
        }
    }

    #[test]
    fn the_v1_api_is_for_one_question_only() {
        let policy = Policy::new(&Call::Clean(target()), OPTIONS);
        let ask = |content: &str| {
            let content =
                Content { media_type: "application/json".into(), bytes: content.as_bytes().into() };
            let request = request(Endpoint::Master, Method::Post, "api/v1");
            policy.check(&Request { content: Some(content), ..request }).is_ok()
        };
        assert!(ask(r#"{"type":"GET_OPERATIONS"}"#));
        assert!(!ask(r#"{"type":"REMOVE_QUOTA","remove_quota":{"role":"r"}}"#));
        assert!(!ask(""));
    }

    #[test]
    fn everything_else_is_denied() {
        let policy = Policy::new(&Call::Clean(target()), OPTIONS);
        let znode = "exhibitor/v1/explorer/znode";
        for (endpoint, method, path) in [
            (Endpoint::Master, Method::Get, "state"),
            (Endpoint::Master, Method::Post, "slaves"),
            (Endpoint::Master, Method::Post, "teardown"),
            (Endpoint::Master, Method::Get, "slaves/"),
            (Endpoint::Master, Method::Get, "../slaves"),
            (Endpoint::Exhibitor, Method::Get, "slaves"),
            (Endpoint::Exhibitor, Method::Delete, znode),
            (Endpoint::Exhibitor, Method::Delete, &format!("{znode}/a")),
            (Endpoint::Exhibitor, Method::Delete, &format!("{znode}/a/b/c")),
            (Endpoint::Exhibitor, Method::Delete, &format!("{znode}/a/b/")),
            (Endpoint::Marathon, Method::Delete, "group"),
            (Endpoint::Marathon, Method::Delete, "group/janitor"),
        ] {
            let request = request(endpoint, method, path);
            let denial = policy.check(&request).unwrap_err();
            assert!(denial.contains(path), "{denial}");
        }
        let mut unslashed = request(Endpoint::Exhibitor, Method::Delete, znode);
        unslashed.path.push("a/b".into());
        assert!(policy.check(&unslashed).is_err());
        let mut with_content = request(Endpoint::Master, Method::Get, "slaves");
        with_content.content = Some(Content { media_type: FORM.into(), bytes: vec![] });
        assert!(policy.check(&with_content).is_err());
        let mut with_query = request(Endpoint::Master, Method::Get, "slaves");
        with_query.query = vec![("jsonp".into(), "x".into())];
        assert!(policy.check(&with_query).is_err());
    }

    #[test]
    fn a_target_that_names_nothing_plain_allows_nothing() {
        for znode in ["", "/", "//", ".", "a/../b", "a//b", "a\u{0}b"] {
            let target = Target {
                role: None,
                principal: None,
                znode: Some(znode.into()),
                marathon_app: Some("/".into()),
            };
            for call in [Call::Clean(target.clone()), Call::Plan(target)] {
                assert_eq!(Policy::new(&call, OPTIONS).rules(), [], "{znode:?}");
            }
        }
    }
}
