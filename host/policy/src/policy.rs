//! Decides which requests a run may send. The allow-list is short, depends only on the call and its
//! options, and contains no patterns: a request's endpoint, method, path, query and media type must
//! match a rule, and everything that it would remove must belong to the target (`scope.rs`).

use std::collections::BTreeSet;

use crate::agents::Agents;
use crate::listed::{Listed, Removal};
use crate::rule::{Asked, Query, Rule, asked_agent, is_plain, key};
use crate::scope::Scope;
use crate::users::Users;
use janitor_contract::call::Call;
use janitor_contract::request::{EXPLORER, FORM};
use janitor_contract::types::{CleanupPlan, Endpoint, InUse, Method, Options, Request, Target};

/// The operator endpoint that tears down a framework.
const TEARDOWN: &str = "teardown";

/// The requests that a run may send.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    /// The target's role, unless the call is read-only.
    role: Option<String>,
    /// The ids of the frameworks that may be torn down: those that the options name, or, if they
    /// name none, those that use the role according to the master's latest list.
    may_end: BTreeSet<String>,
    is_named: bool,
    /// The ids of the frameworks that the plan shows, if there is a plan: no other may be torn
    /// down.
    planned: Option<BTreeSet<String>>,
    /// The target's resources according to the master's latest list.
    listed: Listed,
    /// The target's framework, or none, if the target has labels: only frameworks that labels name
    /// may be torn down.
    labelled: Option<Option<String>>,
    /// The policies of the other targets, if the call has several: a request is allowed if one of
    /// the policies allows it.
    others: Vec<Policy>,
}

/// Reads a response as it passes, because it determines which requests are allowed.
pub struct Watch(Watched);

/// The reader, for the targets that depend on the response, by their indices.
enum Watched {
    /// The agents, with their resources of the roles.
    Agents(Vec<usize>, Box<Agents>),
    /// The frameworks that use each role.
    Users(Vec<(usize, Users)>),
}

impl Watch {
    /// Returns the reader for a response with this status, if its body is a list.
    pub fn of_status(self, status: u16) -> Option<Self> {
        (status == 200).then_some(self)
    }

    /// Reads the next piece of the response.
    fn read(&mut self, piece: &[u8]) {
        match &mut self.0 {
            Watched::Agents(_, agents) => agents.read(piece),
            Watched::Users(all) => all.iter_mut().for_each(|(_, users)| users.read(piece)),
        }
    }
}

impl Policy {
    /// Creates the allow-list for a call.
    pub fn new(call: &Call, options: &Options) -> Self {
        match call {
            Call::Clean(target) => Self::clean(target, options),
            Call::Plan(target) => Self::plan(target, options),
            Call::Apply(plan) => Self::apply(plan, options),
            Call::Discover => Self::discover(options),
            Call::CleanAll(targets) => Self::clean_all(targets, options),
            Call::PlanAll(targets) => Self::plan_all(targets, options),
            Call::ApplyAll(plans) => Self::apply_all(plans, options),
        }
    }

    /// Creates the allow-list for cleaning several targets.
    pub fn clean_all(targets: &[Target], options: &Options) -> Self {
        Self::any(targets.iter().map(|target| Self::clean(target, options)))
    }

    /// Creates the allow-list for planning the cleanup of several targets.
    pub fn plan_all(targets: &[Target], options: &Options) -> Self {
        Self::any(targets.iter().map(|target| Self::plan(target, options)))
    }

    /// Creates the allow-list for carrying out several plans.
    pub fn apply_all(plans: &[CleanupPlan], options: &Options) -> Self {
        Self::any(plans.iter().map(|plan| Self::apply(plan, options)))
    }

    /// Allows everything that one of these policies allows, and nothing if there is none.
    fn any(policies: impl Iterator<Item = Self>) -> Self {
        let mut policies = policies;
        let first = policies.next().unwrap_or_else(|| Self::of(Vec::new(), &Options::DEFAULT));
        Self { others: policies.collect(), ..first }
    }

    /// Creates the allow-list for cleaning a target.
    pub fn clean(target: &Target, options: &Options) -> Self {
        Self::of(Self::cleaning(target, options), options).changing(target)
    }

    /// Creates the allow-list for planning the cleanup of a target.
    pub fn plan(target: &Target, options: &Options) -> Self {
        Self::of(Self::looking(target), options)
    }

    /// Creates the allow-list for carrying out a plan.
    pub fn apply(plan: &CleanupPlan, options: &Options) -> Self {
        let CleanupPlan { target, frameworks, .. } = plan;
        let rules = [Self::looking(target), Self::cleaning(target, options)].concat();
        let planned = frameworks.iter().map(|framework| framework.id.clone()).collect();
        Self { planned: Some(planned), ..Self::of(rules, options).changing(target) }
    }

    /// Limits the changes to a target.
    fn changing(self, target: &Target) -> Self {
        let labelled = target.selects_by_label().then(|| target.framework_id.clone());
        Self { role: target.role.clone(), labelled, ..self }
    }

    /// Creates the allow-list for listing everything that is reserved.
    pub fn discover(options: &Options) -> Self {
        let mut rules: Vec<_> = Self::resources().into_iter().chain(Self::users()).collect();
        rules.push(Rule::exploring("node", Query::Exactly(vec![key("/")])));
        Self::of(rules, options)
    }

    /// Creates the allow-list of these rules, for a call that changes nothing.
    fn of(mut rules: Vec<Rule>, options: &Options) -> Self {
        // A rule with a path that could be interpreted in two ways is dropped.
        rules.retain(|rule| {
            let reads_semicolons = rule.endpoint == Endpoint::Exhibitor && options.zookeeper;
            !rule.path.is_empty()
                && rule.path.iter().all(|it| is_plain(it))
                && (reads_semicolons || !rule.has_semicolon())
        });
        Self {
            rules,
            role: None,
            may_end: options.teardown.iter().cloned().collect(),
            is_named: !options.teardown.is_empty(),
            planned: None,
            listed: Listed::default(),
            labelled: None,
            others: Vec::new(),
        }
    }

    /// The requests that list the agents and their resources.
    fn resources() -> [Rule; 5] {
        [
            Rule::get(Endpoint::Master, ["slaves"]),
            Rule::get(Endpoint::Master, ["maintenance", "status"]),
            Rule::get(Endpoint::MasterRoot, ["registrar(1)", "registry"]),
            Rule::get(Endpoint::MasterRoot, ["version"]),
            Rule::v1(r#"{"type":"GET_OPERATIONS"}"#),
        ]
    }

    /// The requests that list the frameworks, and show whether the list is complete.
    fn users() -> [Rule; 5] {
        [
            Rule::get(Endpoint::Master, ["frameworks"]),
            Rule::get(Endpoint::Master, ["roles"]),
            Rule::get(Endpoint::Master, ["state"]),
            Rule::get(Endpoint::MasterRoot, ["metrics", "snapshot"]),
            Rule::v1(r#"{"type":"GET_MASTER"}"#),
        ]
    }

    /// The requests that list a target's resources and the frameworks that use it.
    fn listing(target: &Target) -> Vec<Rule> {
        let mut rules = Vec::new();
        if target.role.is_some() {
            rules.extend(Self::resources());
        }
        if target.role.is_none() && target.znode.is_some() {
            rules.push(Rule::get(Endpoint::Master, ["slaves"]));
        }
        if target.role.is_some() || target.znode.is_some() {
            rules.extend(Self::users());
        }
        if let Some(node) = target.znode.as_deref().and_then(node) {
            rules.push(Rule::exploring("node-data", Query::Exactly(vec![key(&node)])));
        }
        rules
    }

    /// The requests that determine what cleaning a target would do.
    fn looking(target: &Target) -> Vec<Rule> {
        let mut rules = Self::listing(target);
        if let Some(node) = target.znode.as_deref().and_then(node) {
            rules.push(Rule::exploring("node", Query::Within(node)));
        }
        rules
    }

    /// The requests that clean a target.
    fn cleaning(target: &Target, options: &Options) -> Vec<Rule> {
        let mut rules = Self::listing(target);
        let form = |operation, scope| Rule {
            media_type: Some(FORM),
            scope,
            ..Rule::new(Endpoint::Master, Method::Post, [operation])
        };
        if target.role.is_some() {
            rules.push(Rule { query: Query::Agent, ..Rule::get(Endpoint::Master, ["slaves"]) });
            rules.push(Rule::get(Endpoint::Master, ["flags"]));
            rules.push(form("destroy-volumes", Scope::volumes(target)));
            rules.push(form("unreserve", Scope::reservations(target)));
        }
        if options.in_use == InUse::Teardown && (target.role.is_some() || target.znode.is_some()) {
            rules.push(form(TEARDOWN, None));
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

    /// Returns the rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns a reader for the response to this request if the policy depends on it, which it does
    /// on lists of agents and of frameworks.
    pub fn watch(&self, request: &Request) -> Option<Watch> {
        if (request.endpoint, request.method) != (Endpoint::Master, Method::Get) {
            return None;
        }
        let each = self.all().enumerate();
        let each = each.filter_map(|(index, it)| Some((index, it, it.role.as_deref()?)));
        match request.path.first().map(String::as_str) {
            Some("slaves") => {
                let (indices, targets): (Vec<_>, Vec<_>) = each
                    .map(|(index, it, role)| {
                        let scopes = it.rules.iter().filter_map(|rule| rule.scope.clone());
                        (index, (role, scopes.collect()))
                    })
                    .unzip();
                let only = asked_agent(&request.query);
                let agents = || Box::new(Agents::of_all(targets.into_iter(), only));
                (!indices.is_empty()).then(|| Watch(Watched::Agents(indices, agents())))
            }
            Some("frameworks") => {
                let ends_some = |it: &Self| it.rules.iter().any(|rule| rule.path == [TEARDOWN]);
                let each = each.filter(|(_, it, _)| !it.is_named && ends_some(it));
                let all: Vec<_> = each.map(|(index, _, role)| (index, Users::of(role))).collect();
                (!all.is_empty()).then_some(Watch(Watched::Users(all)))
            }
            _ => None,
        }
    }

    /// Returns the policies of all targets.
    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// Returns the policy of a target.
    fn of_target(&mut self, index: usize) -> Option<&mut Self> {
        match index.checked_sub(1) {
            None => Some(self),
            Some(index) => self.others.get_mut(index),
        }
    }

    /// Reads the next piece of a response, which is empty at its end. Only then does the list count:
    /// it replaces an earlier one, or what that says about the only agent for which it was asked.
    pub fn read(&mut self, watch: &mut Option<Watch>, piece: &[u8]) {
        match (piece.is_empty(), watch.as_mut()) {
            (false, Some(watch)) => watch.read(piece),
            (true, _) => watch.take().into_iter().for_each(|watch| self.learn(watch)),
            (false, None) => {}
        }
    }

    /// Replaces what an earlier list allowed by what this one allows.
    fn learn(&mut self, watch: Watch) {
        match watch.0 {
            Watched::Agents(indices, agents) => {
                let only = agents.only.clone();
                for (index, listed) in indices.into_iter().zip(agents.all_listed()) {
                    match (self.of_target(index), &only) {
                        (Some(policy), None) => policy.listed = listed,
                        (Some(policy), Some(agent)) => policy.listed.replace(agent, listed),
                        (None, _) => {}
                    }
                }
            }
            Watched::Users(all) => {
                for (index, users) in all {
                    if let Some(policy) = self.of_target(index) {
                        policy.may_end = users.ids();
                    }
                }
            }
        }
    }

    /// Checks the form of a teardown.
    fn check_teardown(&self, form: &[u8]) -> Result<(), String> {
        let fields: Vec<_> = form_urlencoded::parse(form).collect();
        match &fields[..] {
            [(name, id)] if name == "frameworkId" && !form.contains(&b';') => {
                let is_planned = self.planned.as_ref().is_none_or(|it| it.contains(id.as_ref()));
                if !is_planned {
                    return Err(format!("framework '{id}', which is not in the plan"));
                }
                let is_own = self.labelled.as_ref().is_none_or(|own| match own {
                    // The labels of a resource may name another framework beside the target's.
                    Some(own) => own == id.as_ref(),
                    None => self.listed.names_framework(id),
                });
                if !self.is_named && !is_own {
                    return Err(format!(
                        "framework '{id}', which the labels of the target's reservations do not \
                         name"
                    ));
                }
                if self.may_end.contains(id.as_ref()) {
                    return Ok(());
                }
                Err(format!(
                    "framework '{id}', which does not use the role in the master's list, and is not \
                     named"
                ))
            }
            _ => Err("a form must have the field frameworkId".into()),
        }
    }

    /// Checks a request.
    ///
    /// # Errors
    /// Fails with one sentence that names the request and the reason; for a request that matches no
    /// rule, it lists the rules.
    pub fn check(&self, request: &Request) -> Result<(), String> {
        let content = request.content.as_ref().filter(|_| !self.others.is_empty());
        // The form of a removal is read once: only the policy that knows all resources in it can allow
        // it.
        let removal = content.and_then(|content| Removal::read(&content.bytes));
        let may_allow =
            |it: &&Self| removal.as_ref().is_none_or(|removal| it.listed.has_all(removal));
        let mut others = self.others.iter().filter(may_allow);
        if others.any(|it| it.check_own(request).is_ok()) {
            return Ok(());
        }
        self.check_own(request)
    }

    fn check_own(&self, request: &Request) -> Result<(), String> {
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
            if let (true, Some(content)) = (rule.path == [TEARDOWN], &request.content) {
                return self
                    .check_teardown(&content.bytes)
                    .map_err(|why| format!("{} would tear down {why}", Asked(request)));
            }
            let (Some(scope), Some(content)) = (&rule.scope, &request.content) else {
                return Ok(());
            };
            return scope.check(&content.bytes, &self.listed).map_err(|why| {
                format!("{} is not limited to the target's resources: {why}", Asked(request))
            });
        }
        let rules = self.rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(", ");
        Err(format!("{} is not on the allow-list: {rules}", Asked(request)))
    }
}

/// Returns the absolute path of a target's ZooKeeper node, unless it is ambiguous.
fn node(znode: &str) -> Option<String> {
    let node = plain_znode(znode);
    node.split('/').all(is_plain).then(|| format!("/{node}"))
}

/// Removes the meaningless slashes at the ends of a ZooKeeper path.
fn plain_znode(znode: &str) -> &str {
    let znode = znode.strip_prefix('/').unwrap_or(znode);
    znode.strip_suffix('/').unwrap_or(znode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use janitor_contract::types::{CleanupPlan, Content, Framework, LabelSelector};

    fn target() -> Target {
        Target {
            role: Some("r".into()),
            principal: None,
            znode: Some("/a/b/".into()),
            marathon_app: Some("/group/janitor".into()),
            ..Target::NOTHING
        }
    }

    const OPTIONS: Options = Options::DEFAULT;

    fn request(endpoint: Endpoint, method: Method, path: &str) -> Request {
        let path = path.split('/').map(Into::into).collect();
        Request { endpoint, method, path, query: vec![], content: None }
    }

    #[test]
    fn the_table_of_a_whole_target() {
        let policy = Policy::new(&Call::Clean(target()), &OPTIONS);
        let rules: Vec<_> = policy.rules().iter().map(Rule::to_string).collect();
        assert_eq!(
            rules,
            [
                "GET master/slaves",
                "GET master/maintenance/status",
                "GET master-root/registrar(1)/registry",
                "GET master-root/version",
                r#"POST master/api/v1 (application/json) {"type":"GET_OPERATIONS"}"#,
                "GET master/frameworks",
                "GET master/roles",
                "GET master/state",
                "GET master-root/metrics/snapshot",
                r#"POST master/api/v1 (application/json) {"type":"GET_MASTER"}"#,
                "GET exhibitor/exhibitor/v1/explorer/node-data?key=%2Fa%2Fb",
                "GET master/slaves?slave_id=ID",
                "GET master/flags",
                "POST master/destroy-volumes (application/x-www-form-urlencoded)",
                "POST master/unreserve (application/x-www-form-urlencoded)",
                "DELETE exhibitor/exhibitor/v1/explorer/znode/a/b",
                "DELETE marathon/group/janitor?force=true",
                "DELETE marathon-pods/group/janitor?force=true",
            ]
        );
    }

    #[test]
    fn a_look_changes_nothing() {
        let (data, below, root) = (
            "GET exhibitor/exhibitor/v1/explorer/node-data?key=%2Fa%2Fb",
            "GET exhibitor/exhibitor/v1/explorer/node?key=%2Fa%2Fb and below",
            "GET exhibitor/exhibitor/v1/explorer/node?key=%2F",
        );
        for (call, expected) in
            [(Call::Plan(target()), &[data, below][..]), (Call::Discover, &[root])]
        {
            let policy = Policy::new(&call, &OPTIONS);
            let (v1, looks): (Vec<_>, Vec<_>) =
                policy.rules().iter().partition(|rule| rule.method == Method::Post);
            // Read-only calls of the v1 API use POST.
            assert!(v1.iter().all(|rule| rule.path == ["api", "v1"] && rule.content.is_some()));
            assert!(looks.iter().all(|rule| rule.method == Method::Get));
            let of_exhibitor = looks.iter().filter(|rule| rule.endpoint == Endpoint::Exhibitor);
            let of_exhibitor: Vec<_> = of_exhibitor.map(ToString::to_string).collect();
            assert_eq!(of_exhibitor, expected);
        }
    }

    #[test]
    fn only_nodes_below_the_targets_are_looked_at() {
        let policy = Policy::new(&Call::Plan(target()), &OPTIONS);
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
            let other = Request { query: vec![("path".into(), node.into())], ..request };
            assert!(policy.check(&other).is_err(), "{node}");
        }
    }

    #[test]
    fn agents_are_listed_all_together_or_one_by_its_id() {
        let policy = Policy::new(&Call::Clean(target()), &OPTIONS);
        for (query, allowed) in [
            (&[][..], true),
            (&[("slave_id", "S1")], true),
            (&[("slave_id", "")], false),
            (&[("jsonp", "S1")], false),
            (&[("slave_id", "S1"), ("slave_id", "S2")], false),
        ] {
            let pairs = query.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let slaves = request(Endpoint::Master, Method::Get, "slaves");
            let request = Request { query: pairs.collect(), ..slaves };
            assert_eq!(policy.check(&request).is_ok(), allowed, "{query:?}");
        }
    }

    #[test]
    fn several_targets_have_their_own_resources_each() {
        let of = |role: &str| Target { role: Some(role.into()), ..Target::NOTHING };
        let entry = |role: &str| format!(r#"{{"name":"cpus","role":"{role}","reservation":{{}}}}"#);
        let list = format!(
            r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{"r":[{}],"q":[{}],"x":[{}]}}}}]}}"#,
            entry("r"),
            entry("q"),
            entry("x")
        );
        let mut policy = Policy::clean_all(&[of("r"), of("q")], &OPTIONS);
        let mut watch = policy.watch(&request(Endpoint::Master, Method::Get, "slaves"));
        policy.read(&mut watch, list.as_bytes());
        policy.read(&mut watch, b"");
        let release = |resources: &[&str]| {
            let list: Vec<_> = resources.iter().map(|role| entry(role)).collect();
            let form = [("slaveId", "S1"), ("resources", &format!("[{}]", list.join(",")))];
            let bytes = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let content = Content { media_type: FORM.into(), bytes: bytes.into_bytes() };
            let unreserve = request(Endpoint::Master, Method::Post, "unreserve");
            Request { content: Some(content), ..unreserve }
        };
        for role in ["r", "q"] {
            assert_eq!(policy.check(&release(&[role])), Ok(()), "{role}");
        }
        // A request belongs to one target.
        for roles in [&["x"][..], &["r", "q"], &["r", "x"]] {
            assert!(policy.check(&release(roles)).is_err(), "{roles:?}");
        }
        assert!(Policy::clean_all(&[], &OPTIONS).check(&release(&["r"])).is_err());
        assert!(Policy::plan_all(&[of("r")], &OPTIONS).check(&release(&["r"])).is_err());
    }

    #[test]
    fn only_frameworks_that_use_the_role_or_are_named_are_torn_down() {
        let list = br#"{"frameworks":[{"id":"F","roles":["r/s"]},{"id":"G","role":"q"}]}"#;
        let teardown = |body: &str| Request {
            content: Some(Content { media_type: FORM.into(), bytes: body.as_bytes().into() }),
            ..request(Endpoint::Master, Method::Post, "teardown")
        };
        let frameworks = request(Endpoint::Master, Method::Get, "frameworks");
        for (in_use, named, allowed) in [
            (InUse::Refuse, &[][..], &[][..]),
            (InUse::Force, &["G"], &[]),
            (InUse::Teardown, &[], &["F"]),
            (InUse::Teardown, &["G"], &["G"]),
        ] {
            let teardown_ids = named.iter().map(|id| (*id).to_owned()).collect();
            let options = Options { in_use, teardown: teardown_ids, ..Options::DEFAULT };
            let mut policy = Policy::new(&Call::Clean(target()), &options);
            let before = policy.check(&teardown("frameworkId=F"));
            assert!(before.is_err(), "nothing is known yet");
            let watch = policy.watch(&frameworks);
            let depends_on_list = in_use == InUse::Teardown && named.is_empty();
            assert_eq!(watch.is_some(), depends_on_list, "{in_use:?} {named:?}");
            if let Some(mut watch) = watch {
                watch.read(list);
                policy.learn(watch);
            }
            for id in ["F", "G", "H"] {
                let checked = policy.check(&teardown(&format!("frameworkId={id}")));
                assert_eq!(checked.is_ok(), allowed.contains(&id), "{in_use:?} {named:?} {id}");
            }
            for form in ["", "frameworkId=F&frameworkId=G", "frameworkId=F;", "id=F"] {
                assert!(policy.check(&teardown(form)).is_err(), "{form}");
            }
        }
    }

    #[test]
    fn only_frameworks_that_labels_name_are_torn_down_for_labels() {
        let resource = |id: &str, key: &str, value: &str| {
            format!(
                r#"{{"name":"cpus","role":"r","reservation":{{"labels":{{"labels":[{{"key":"framework_id","value":"{id}"}},{{"key":"{key}","value":"{value}"}}]}}}}}}"#
            )
        };
        let agents = format!(
            r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{"r":[{},{},{}]}}}}]}}"#,
            resource("F", "k", "F"),
            resource("G", "k", "G"),
            resource("F", "marathon_framework_id", "G"),
        );
        let frameworks = r#"{"frameworks":[{"id":"F","role":"r"},{"id":"G","role":"r"}]}"#;
        let labels = vec![LabelSelector { key: "k".into(), value: Some("F".into()) }];
        let by_label = Target { labels, ..target() };
        let by_framework = Target { framework_id: Some("F".into()), ..target() };
        let options = Options { in_use: InUse::Teardown, ..OPTIONS };
        for (target, allowed) in
            [(target(), &["F", "G"][..]), (by_label, &["F"]), (by_framework, &["F"])]
        {
            let mut policy = Policy::new(&Call::Clean(target), &options);
            for (path, list) in [("slaves", agents.as_str()), ("frameworks", frameworks)] {
                let mut watch =
                    policy.watch(&request(Endpoint::Master, Method::Get, path)).unwrap();
                watch.read(list.as_bytes());
                policy.learn(watch);
            }
            for id in ["F", "G"] {
                let bytes = format!("frameworkId={id}").into_bytes();
                let teardown = Request {
                    content: Some(Content { media_type: FORM.into(), bytes }),
                    ..request(Endpoint::Master, Method::Post, "teardown")
                };
                assert_eq!(policy.check(&teardown).is_ok(), allowed.contains(&id), "{id}");
            }
        }
    }

    #[test]
    fn only_resources_that_a_list_of_the_run_has_shown_may_go() {
        let resource = r#"{"name":"cpus","role":"r","reservation":{}}"#;
        let list = format!(
            r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{"r":[{resource}]}}}}]}}"#
        );
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("slaveId", "S1").append_pair("resources", &format!("[{resource}]"));
        let bytes = form.finish().into_bytes();
        let unreserve = Request {
            content: Some(Content { media_type: FORM.into(), bytes }),
            ..request(Endpoint::Master, Method::Post, "unreserve")
        };
        let slaves = request(Endpoint::Master, Method::Get, "slaves");
        let mut policy = Policy::new(&Call::Clean(target()), &OPTIONS);
        let why = policy.check(&unreserve).unwrap_err();
        assert!(why.contains("is not limited to the target's resources"), "{why}");
        let read = |policy: &mut Policy, list: &str| {
            let mut watch = policy.watch(&slaves).expect("it is read");
            watch.read(list.as_bytes());
            policy.learn(watch);
        };
        read(&mut policy, &list);
        assert_eq!(policy.check(&unreserve), Ok(()));
        // A resource that has disappeared may belong to somebody else when it reappears.
        read(&mut policy, r#"{"slaves":[]}"#);
        assert!(policy.check(&unreserve).is_err());
        for call in [Call::Plan(target()), Call::Discover] {
            assert!(
                Policy::new(&call, &OPTIONS).watch(&slaves).is_none(),
                "nothing may be removed"
            );
        }
    }

    #[test]
    fn only_an_answer_with_status_200_is_a_list() {
        let policy = Policy::new(&Call::Clean(target()), &OPTIONS);
        let slaves = request(Endpoint::Master, Method::Get, "slaves");
        for (status, is_list) in [(200, true), (203, false), (307, false), (404, false)] {
            let watch = policy.watch(&slaves).and_then(|watch| watch.of_status(status));
            assert_eq!(watch.is_some(), is_list, "{status}");
        }
    }

    #[test]
    fn frameworks_are_listed_and_torn_down_for_a_role_or_a_node_alone() {
        let options = Options { in_use: InUse::Teardown, ..OPTIONS };
        let nothing = Target { role: None, znode: None, ..target() };
        let role = Target { role: target().role, ..nothing.clone() };
        let node = Target { znode: target().znode, ..nothing.clone() };
        for (target, are_concerned) in [(role, true), (node, true), (nothing, false)] {
            let policy = Policy::new(&Call::Clean(target), &options);
            for path in ["frameworks", TEARDOWN] {
                let is_allowed = policy.rules().iter().any(|rule| rule.path == [path]);
                assert_eq!(is_allowed, are_concerned, "{path}");
            }
        }
    }

    #[test]
    fn only_frameworks_that_a_plan_shows_are_torn_down() {
        let framework = |id: &str| Framework {
            id: id.into(),
            name: "kafka".into(),
            active: true,
            roles: vec!["r".into()],
            tasks: 0,
        };
        let list = br#"{"frameworks":[{"id":"F","role":"r"},{"id":"G","role":"r"}]}"#;
        let frameworks = request(Endpoint::Master, Method::Get, "frameworks");
        for named in [vec![], vec!["F".to_owned(), "G".to_owned()]] {
            let plan = CleanupPlan {
                target: target(),
                mesos_version: None,
                agents: vec![],
                unreached: vec![],
                ignored: vec![],
                elsewhere: vec![],
                frameworks: vec![framework("F")],
                frameworks_unknown: None,
                znode: None,
                warnings: vec![],
                refusal: None,
                why_refused: None,
            };
            let options =
                Options { in_use: InUse::Teardown, teardown: named.clone(), ..Options::DEFAULT };
            let mut policy = Policy::new(&Call::Apply(plan), &options);
            if let Some(mut watch) = policy.watch(&frameworks) {
                watch.read(list);
                policy.learn(watch);
            }
            for (id, allowed) in [("F", true), ("G", false)] {
                let bytes = format!("frameworkId={id}").into_bytes();
                let teardown = Request {
                    content: Some(Content { media_type: FORM.into(), bytes }),
                    ..request(Endpoint::Master, Method::Post, "teardown")
                };
                assert_eq!(policy.check(&teardown).is_ok(), allowed, "{named:?} {id}");
            }
        }
    }

    #[test]
    fn the_v1_api_is_for_one_question_only() {
        let policy = Policy::new(&Call::Clean(target()), &OPTIONS);
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
        let policy = Policy::new(&Call::Clean(target()), &OPTIONS);
        let znode = "exhibitor/v1/explorer/znode";
        for (endpoint, method, path) in [
            (Endpoint::Master, Method::Get, "quota"),
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
    fn a_name_that_a_proxy_would_cut_is_for_zookeeper_only() {
        for znode in ["name;x", ";x", "a/b;c", "mesos;x", "a;/b"] {
            let target = Target {
                role: None,
                principal: None,
                znode: Some(znode.into()),
                marathon_app: Some("/app;x".into()),
                ..Target::NOTHING
            };
            for zookeeper in [false, true] {
                let options = Options { zookeeper, ..OPTIONS };
                for call in [Call::Clean(target.clone()), Call::Plan(target.clone())] {
                    let policy = Policy::new(&call, &options);
                    let names = |endpoint| policy.rules().iter().any(|it| it.endpoint == endpoint);
                    assert_eq!(names(Endpoint::Exhibitor), zookeeper, "{znode}");
                    assert!(!names(Endpoint::Marathon) && !names(Endpoint::MarathonPods));
                }
                let path = format!("exhibitor/v1/explorer/znode/{znode}");
                let delete = request(Endpoint::Exhibitor, Method::Delete, &path);
                let policy = Policy::new(&Call::Clean(target.clone()), &options);
                assert_eq!(policy.check(&delete).is_ok(), zookeeper, "{znode}");
            }
        }
    }

    #[test]
    fn a_target_that_names_nothing_plain_allows_nothing() {
        for znode in ["", "/", "//", ".", "a/../b", "a//b", "a\u{0}b"] {
            let target = Target {
                role: None,
                principal: None,
                znode: Some(znode.into()),
                marathon_app: Some("/".into()),
                ..Target::NOTHING
            };
            for call in [Call::Clean(target.clone()), Call::Plan(target)] {
                // The remaining rules list the frameworks.
                for rule in Policy::new(&call, &OPTIONS).rules() {
                    let of_master = [Endpoint::Master, Endpoint::MasterRoot];
                    assert!(of_master.contains(&rule.endpoint), "{znode:?}: {rule}");
                    assert!(rule.method == Method::Get || rule.content.is_some(), "{rule}");
                }
            }
        }
    }
}
