//! A small random cluster in memory: a master with agents, Exhibitor and Marathon. It knows
//! requests as methods, paths and bodies only, so that both sides of the sandbox can be tested
//! on it.
//!
//! The rules for resources, their owners and their removal are written here a second time,
//! from Mesos's documentation, and are not taken from the code under test.
#![allow(clippy::expect_used, reason = "what contradicts itself here is to stop the test")]

pub mod bounded;

use std::collections::{BTreeMap, BTreeSet};

use janitor_contract::types::{LabelSelector, Method, Request, Target};
use serde_json::{Value, json};

/// The target's role.
pub const ROLE: &str = "team/r";
/// The target's principal, where it has one.
pub const PRINCIPAL: &str = "p";
/// The target's node.
pub const ZNODE: &str = "dcos-service-r";
/// The role of another service, which also may be a target.
pub const OTHER: &str = "sibling";
/// The other service's node.
const OTHER_ZNODE: &str = "dcos-service-sibling";

/// Random numbers, the same for the same seed.
pub struct Chance(u64);

impl Chance {
    /// Creates the numbers that follow a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end` (SplitMix64).
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap_or(0)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }
}

/// The target of a run: a role, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The role.
    role: &'static str,
    /// The principal that made it.
    pub principal: Option<&'static str>,
    /// The value of the label `k`, or none for any value.
    label: Option<Option<&'static str>>,
    /// The framework that the labels name.
    framework: Option<&'static str>,
    /// The number of the only agent.
    agent: Option<usize>,
    /// This is set when the target has the node.
    pub znode: bool,
}

impl Part {
    /// Makes a random target, often of a whole role.
    pub fn by_chance(chance: &mut Chance) -> Self {
        let principal = chance.of(&[None, Some(PRINCIPAL)]);
        let label = chance.of(&[None, None, None, None, Some(None), Some(Some(LABELS[0]))]);
        let framework = chance.of(&[None, None, None, None, Some("dead"), Some("dead"), Some("a")]);
        let agent = chance.of(&[None, None, None, None, None, None, Some(0), Some(1)]);
        let znode = agent.is_none() && !chance.one_in(4);
        Self { role: ROLE, principal, label, framework, agent, znode }
    }

    /// Makes a random part that labels distinguish from the rest of a role, without the node.
    pub fn by_label(chance: &mut Chance) -> Self {
        let parts = [(None, Some("dead")), (None, Some("a")), (Some(Some(LABELS[0])), None)];
        let (label, framework) = chance.of(&parts);
        Self { label, framework, ..Self::of_role(ROLE) }
    }

    /// Makes the target of a whole role, without its node.
    pub fn of_role(role: &'static str) -> Self {
        Self { role, principal: None, label: None, framework: None, agent: None, znode: false }
    }

    /// Returns the name of the node that the service of the role has.
    fn node(self) -> &'static str {
        if self.role == OTHER { OTHER_ZNODE } else { ZNODE }
    }

    /// Returns the target of a run.
    pub fn target(self) -> Target {
        let value = |value: Option<&str>| value.map(Into::into);
        let label = self.label.map(|it| LabelSelector { key: "k".into(), value: value(it) });
        Target {
            role: Some(self.role.into()),
            principal: self.principal.map(Into::into),
            znode: self.znode.then(|| self.node().into()),
            labels: label.into_iter().collect(),
            framework_id: self.framework.map(Into::into),
            agents: self.agent.into_iter().map(agent_id).collect(),
            ..Target::NOTHING
        }
    }

    fn is_on(self, agent: &Agent) -> bool {
        self.agent.is_none_or(|number| agent_id(number) == agent.id)
    }

    fn has_labels(self) -> bool {
        self.label.is_some() || self.framework.is_some()
    }

    /// Returns whether the labels of a reservation are the target's.
    fn accepts(self, layer: &Layer) -> bool {
        self.label.is_none_or(|wanted| {
            layer.label.is_some_and(|it| wanted.is_none_or(|wanted| wanted == it))
        }) && self.framework.is_none_or(|it| layer.framework.is_some_and(|(_, id)| id == it))
    }
}

/// Returns the id of an agent.
fn agent_id(number: usize) -> String {
    format!("S {number}&;")
}

/// The values of the label `k`.
const LABELS: [&str; 2] = ["a b&c=;+%", "ü\"\\"];

/// One reservation of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Layer {
    role: String,
    dynamic: bool,
    principal: Option<&'static str>,
    label: Option<&'static str>,
    /// The label that names a framework.
    framework: Option<(&'static str, &'static str)>,
}

impl Layer {
    fn labels(&self) -> Option<Value> {
        let labels = self.label.map(|value| ("k", value)).into_iter().chain(self.framework);
        let labels: Vec<_> =
            labels.map(|(key, value)| json!({"key": key, "value": value})).collect();
        (!labels.is_empty()).then(|| json!({"labels": labels}))
    }
}

/// A reserved resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Resource {
    name: &'static str,
    amount: u32,
    /// The innermost one is the last.
    stack: Vec<Layer>,
    /// The kind and the root of a disk that is not the root disk.
    source: Option<(&'static str, u32)>,
    provider: Option<&'static str>,
    volume: Option<Volume>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Volume {
    id: u32,
    principal: Option<&'static str>,
}

/// The place of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// It is listed, and connected.
    Here,
    /// It is listed and connected, but deactivated: it receives no tasks (since Mesos 1.9).
    Drained,
    /// It is listed, and connected, but never carries out the operations accepted for it.
    Stuck,
    /// It is listed, and not connected.
    Away,
    /// It is listed, and its hidden resources count only in its totals.
    Hiding,
    /// It is unreachable.
    Unreachable,
    /// Its machine is down for maintenance.
    Down,
    /// It has not come back since the master restarted.
    Recovering,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Agent {
    id: String,
    place: Place,
    resources: Vec<Resource>,
    /// Removals that the master has accepted, and that the agent has not carried out.
    pending: Vec<Pending>,
    /// The number of times that the master shows a removal as pending before the agent carries it
    /// out.
    delay: u32,
    /// This is set when it has come back with a volume that the master had listed as destroyed.
    has_returned: bool,
    /// This is set when no list has shown what it has since it came back, if that matters.
    is_new: bool,
}

/// A removal that is pending.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pending {
    /// This is set when a volume is destroyed, and not a resource unreserved.
    volumes: bool,
    resource: Resource,
    /// The number of times that the master still shows it, or none if the agent never carries it out.
    looks: Option<u32>,
}

/// A framework.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Framework {
    name: &'static str,
    roles: &'static [&'static str],
    /// This is set when the run's user may view it.
    visible: bool,
}

/// The resources that one request removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    /// The agent.
    pub agent: String,
    /// This is set when volumes were destroyed, and not resources unreserved.
    pub volumes: bool,
    /// The amounts, by the names of the resources.
    pub amounts: BTreeMap<String, u32>,
}

/// The cluster.
#[derive(Clone)]
pub struct Cluster {
    version: &'static str,
    agents: Vec<Agent>,
    frameworks: Vec<Framework>,
    /// The time since the master took over from another one, in seconds.
    took_over: Option<u32>,
    /// The nodes that exist.
    znodes: BTreeSet<&'static str>,
    /// One request in this many fails, if any does.
    faults: Option<usize>,
    /// The number of the one request that fails, and the kind of its fault.
    fault: Option<(usize, usize)>,
    chance: u64,
    /// The number of times that the master will still list pending operations of another role.
    pending: usize,
    /// This is set when the target's service has reserved something for the other role.
    has_rest: bool,
    /// This is set when something has happened since the last list of agents, so that nobody knows of
    /// it.
    has_happened: bool,
    /// Every request: method and path.
    pub requests: Vec<String>,
    /// The removals, in their order.
    pub removals: Vec<Removal>,
    /// Descriptions of requests that should not have been sent.
    pub violations: Vec<String>,
}

/// An answer, or none if the connection broke.
pub type Answer = Option<(u16, String)>;

impl Resource {
    fn by_chance(chance: &mut Chance, id: u32, refines: bool) -> Self {
        let role = chance.of(&[ROLE, ROLE, ROLE, "team", "team/r/s", "other", "team/rr"]);
        let layer = |chance: &mut Chance, role: &str, dynamic| Layer {
            role: role.into(),
            dynamic,
            principal: chance
                .of(&[None, Some(PRINCIPAL), Some(PRINCIPAL), Some("q")])
                .filter(|_| dynamic),
            label: chance.of(&[None, Some(LABELS[0]), Some(LABELS[1])]).filter(|_| dynamic),
            framework: chance
                .of(&[
                    None,
                    None,
                    Some(("framework_id", "dead")),
                    Some(("framework_id", "dead")),
                    Some(("marathon_framework_id", "dead")),
                    Some(("framework_id", "a")),
                ])
                .filter(|_| dynamic),
        };
        let mut stack = Vec::new();
        if refines && role.contains('/') && chance.one_in(2) {
            let dynamic = chance.one_in(2);
            stack.push(layer(chance, "team", dynamic));
        }
        let dynamic = !stack.is_empty() || !chance.one_in(4);
        stack.push(layer(chance, role, dynamic));
        let name = chance.of(&["cpus", "mem", "disk", "disk", "disk"]);
        let source = [None, None, Some(("MOUNT", id)), Some(("PATH", 0))];
        let principal = chance.of(&[None, Some(PRINCIPAL), Some("q")]);
        let volume = (name == "disk" && chance.one_in(2)).then_some(Volume { id, principal });
        Self {
            name,
            amount: 1 + u32::try_from(chance.below(9)).unwrap_or(0),
            stack,
            source: chance.of(&source).filter(|_| name == "disk"),
            provider: chance.of(&[None, None, Some("csi")]).filter(|_| name == "disk" && refines),
            volume,
        }
    }

    fn innermost(&self) -> &Layer {
        self.stack.last().expect("a reservation")
    }

    /// Returns the JSON that the master lists.
    fn json(&self, version: &str) -> Value {
        let mut json = json!({
            "name": self.name, "type": "SCALAR", "scalar": {"value": f64::from(self.amount)},
        });
        let layer = self.innermost();
        if self.stack.len() == 1 {
            json["role"] = json!(layer.role);
            if layer.dynamic {
                json["reservation"] = json!({});
                if let Some(principal) = layer.principal {
                    json["reservation"]["principal"] = json!(principal);
                }
                if let Some(labels) = layer.labels() {
                    json["reservation"]["labels"] = labels;
                }
            }
        }
        if version != "0.28.1" {
            let stack = self.stack.iter().map(|layer| {
                let kind = if layer.dynamic { "DYNAMIC" } else { "STATIC" };
                let mut json = json!({"type": kind, "role": layer.role});
                if let Some(principal) = layer.principal {
                    json["principal"] = json!(principal);
                }
                if let Some(labels) = layer.labels() {
                    json["labels"] = labels;
                }
                json
            });
            json["reservations"] = stack.collect();
        }
        if let Some((kind, root)) = self.source {
            let root = json!({"root": format!("/mnt/{root}")});
            json["disk"]["source"] = json!({"type": kind, kind.to_lowercase(): root});
        }
        if let Some(Volume { id, principal }) = self.volume {
            json["disk"]["persistence"] = json!({"id": format!("v{id}")});
            if let Some(principal) = principal {
                json["disk"]["persistence"]["principal"] = json!(principal);
            }
            json["disk"]["volume"] = json!({"mode": "RW", "container_path": "data"});
        }
        if let Some(provider) = self.provider {
            json["provider_id"] = json!({"value": provider});
        }
        json
    }

    /// Returns whether it carries a volume of the target.
    fn is_volume(&self, part: Part) -> bool {
        let Some(volume) = &self.volume else { return false };
        let owner = volume.principal.or(self.innermost().principal);
        self.innermost().role == part.role
            && part.principal.is_none_or(|it| owner == Some(it))
            && part.accepts(self.innermost())
    }

    /// Returns whether the target has reserved it.
    fn is_reservation(&self, part: Part) -> bool {
        let Layer { role, dynamic, principal: owner, .. } = self.innermost();
        role == part.role
            && *dynamic
            && part.principal.is_none_or(|it| *owner == Some(it))
            && part.accepts(self.innermost())
    }

    /// Returns whether a run for the target removes anything of it.
    fn is_removable(&self, part: Part) -> bool {
        let stays = self.volume.is_some() && !self.is_volume(part);
        self.is_volume(part) || (self.is_reservation(part) && !stays)
    }
}

impl Framework {
    /// Returns whether it is the service of a target, and of nothing else.
    fn is_alone(&self, part: Part) -> bool {
        self.visible && !part.has_labels() && self.roles == [part.role]
    }

    /// Returns whether it has a role, or one below it.
    fn has_role(&self, role: &str) -> bool {
        let is_within = |it: &str| it.is_empty() || it.starts_with('/');
        self.roles.iter().any(|it| it.strip_prefix(role).is_some_and(is_within))
    }
}

impl Place {
    fn by_chance(chance: &mut Chance, version: &str) -> Self {
        match (chance.below(24), version) {
            (0, _) => Self::Away,
            (1, _) => Self::Unreachable,
            (2, _) => Self::Down,
            (3, "1.4.3" | "1.11.0") => Self::Recovering,
            (4, "1.4.3" | "1.11.0") => Self::Hiding,
            (5 | 6, "1.11.0") => Self::Drained,
            (7, "1.11.0") => Self::Stuck,
            _ => Self::Here,
        }
    }

    fn is_listed(self) -> bool {
        !matches!(self, Self::Unreachable | Self::Down | Self::Recovering)
    }

    /// Returns whether the master lists its resources, and it carries out accepted operations.
    fn is_connected(self) -> bool {
        matches!(self, Self::Here | Self::Drained | Self::Stuck)
    }
}

impl Pending {
    /// Returns whether it removes something of the target.
    fn is_own(&self, part: Part) -> bool {
        let Self { volumes, resource, .. } = self;
        // Without any label, it may be anybody's.
        let part = match resource.innermost().labels() {
            None => Part { label: None, framework: None, ..part },
            Some(_) => part,
        };
        if *volumes { resource.is_volume(part) } else { resource.is_reservation(part) }
    }
}

impl Agent {
    /// Has the master accept the removal of a resource that its agent never carries out.
    fn forget(&mut self, resource: Resource) {
        let volumes = resource.volume.is_some();
        self.pending.push(Pending { volumes, resource, looks: None });
    }

    /// Returns the number of the agent's volumes and reservations that are the target's.
    fn removable(&self, part: Part) -> usize {
        let own = self.resources.iter().filter(|it| it.is_removable(part));
        if part.is_on(self) { own.count() } else { 0 }
    }

    /// Returns whether something that is pending is the target's.
    fn has_pending(&self, part: Part) -> bool {
        part.is_on(self) && self.pending.iter().any(|it| it.is_own(part))
    }

    /// Removes a resource, if the agent has it.
    fn take(&mut self, json: &Value, version: &str) -> Option<Resource> {
        let at = self.resources.iter().position(|it| it.json(version) == *json)?;
        Some(self.resources.remove(at))
    }

    /// Adds a resource; equal ones are merged, as in Mesos.
    fn put(&mut self, resource: Resource) {
        let can_merge = resource.volume.is_none() && !matches!(resource.source, Some(("MOUNT", _)));
        let same =
            |it: &&mut Resource| Resource { amount: resource.amount, ..(*it).clone() } == resource;
        match self.resources.iter_mut().filter(|_| can_merge).find(same) {
            Some(like) => like.amount += resource.amount,
            None => self.resources.push(resource),
        }
    }

    /// Returns the cluster as a cleanup should leave it.
    fn cleaned(&self, part: Part) -> Self {
        if !part.is_on(self) {
            return self.clone();
        }
        let mut cleaned = Self { resources: Vec::new(), ..self.clone() };
        for resource in &self.resources {
            let mut resource = resource.clone();
            if resource.is_volume(part) {
                resource.volume = None;
            }
            if resource.volume.is_none() && resource.is_reservation(part) {
                resource.stack.pop();
            }
            if !resource.stack.is_empty() {
                cleaned.put(resource);
            }
        }
        cleaned
    }

    /// Returns all resources of the agent, sorted, because their order does not matter.
    fn sorted(&self) -> Vec<String> {
        let mut all: Vec<_> = self.resources.iter().map(|it| format!("{it:?}")).collect();
        all.sort();
        all
    }
}

impl Cluster {
    /// Makes a random cluster.
    pub fn by_chance(chance: &mut Chance) -> Self {
        let version = chance.of(&["0.28.1", "1.4.3", "1.11.0", "1.11.0"]);
        let mut id = 0;
        let mut agents = Vec::new();
        for at in 0..1 + chance.below(4) {
            let place = Place::by_chance(chance, version);
            let (resources, pending) = (Vec::new(), Vec::new());
            let mut agent = Agent {
                id: agent_id(at),
                place,
                resources,
                pending,
                delay: 0,
                has_returned: false,
                is_new: false,
            };
            for _ in 0..chance.below(7) {
                id += 1;
                agent.put(Resource::by_chance(chance, id, version != "0.28.1"));
            }
            if version == "1.11.0" && chance.one_in(8) {
                agent.resources.pop().into_iter().for_each(|it| agent.forget(it));
            }
            agents.push(agent);
        }
        if agents.iter().all(|agent| !agent.place.is_listed()) {
            // The list of a master without agents shows nothing.
            agents[0].place = Place::Here;
        }
        let mut frameworks = Vec::new();
        let those: [(&str, &[&str]); 4] =
            [("a", &[ROLE]), ("b", &["team/r/s"]), ("r", &["other"]), ("c", &["team/rr"])];
        for (name, roles) in those {
            if chance.one_in(16) {
                frameworks.push(Framework { name, roles, visible: !chance.one_in(3) });
            }
        }
        Self {
            version,
            agents,
            frameworks,
            took_over: chance.one_in(8).then(|| chance.of(&[20, 300, 599, 700, 100_000])),
            znodes: chance.one_in(2).then_some(ZNODE).into_iter().collect(),
            faults: None,
            fault: None,
            chance: 0,
            pending: chance.below(3),
            has_rest: false,
            has_happened: false,
            requests: Vec::new(),
            removals: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Returns the same cluster, where one request in `faults` fails.
    pub fn with_faults(mut self, faults: usize, seed: u64) -> Self {
        (self.faults, self.chance) = (Some(faults), seed);
        self
    }

    /// Returns the same cluster, where the request with this number fails.
    pub fn with_fault(mut self, request: usize, kind: usize) -> Self {
        self.fault = Some((request, kind));
        self
    }

    /// Returns the same cluster without faults, and before the first request.
    pub fn afresh(&self) -> Self {
        let (requests, removals) = (Vec::new(), Vec::new());
        Self { faults: None, fault: None, requests, removals, ..self.clone() }
    }

    /// Returns whether the run can reach and see every agent that may hold something of the
    /// target; otherwise it ends with `Reason::Incomplete`.
    pub fn is_complete(&self, part: Part) -> bool {
        let holds = |agent: &Agent| {
            let own = agent.resources.iter().any(|it| it.innermost().role == part.role);
            (own, agent.has_pending(part))
        };
        self.agents.iter().filter(|it| part.is_on(it)).all(|agent| {
            match (agent.place, holds(agent)) {
                (Place::Here | Place::Drained, (_, pending)) => !pending,
                (Place::Stuck, _) => agent.removable(part) == 0 && !holds(agent).1,
                (Place::Away, (own, pending)) => !own && !pending,
                (Place::Hiding | Place::Unreachable | Place::Down | Place::Recovering, _) => false,
            }
        })
    }

    /// Returns whether a framework uses the target, or may use it.
    pub fn is_used(&self, part: Part) -> bool {
        self.has_user(part, self.owning(part).as_ref()) || self.has_new_master()
    }

    /// Returns whether a framework uses the target, where these own what a run would remove.
    pub fn has_user(&self, part: Part, owning: Option<&BTreeSet<&'static str>>) -> bool {
        let concerns = |it: &Framework| match owning {
            Some(owning) if owning.contains(it.name) => true,
            Some(_) => {
                part.znode && (!it.visible || it.roles.contains(&part.role) || it.name == "r")
            }
            None => it.has_role(part.role) || (part.znode && (!it.visible || it.name == "r")),
        };
        self.frameworks.iter().any(concerns)
    }

    /// Returns whether a master has taken over, with which frameworks may not have registered yet.
    pub fn has_new_master(&self) -> bool {
        self.took_over.is_some_and(|led| led < 600)
    }

    /// Returns whether a teardown of all frameworks ends no other service than the target's, and leaves no
    /// doubt.
    pub fn may_be_torn_down(&self, part: Part) -> bool {
        self.took_over.is_none() && self.frameworks.iter().all(|it| it.is_alone(part))
    }

    /// Returns the same cluster, where a framework has the target's role.
    pub fn shared(mut self) -> Self {
        self.frameworks = vec![Framework { name: "a", roles: &[ROLE], visible: true }];
        self.took_over = None;
        self
    }

    /// Returns the frameworks that own everything that a run would remove, if labels say so of all
    /// of it.
    pub fn owning(&self, part: Part) -> Option<BTreeSet<&'static str>> {
        let listed = |it: &&Agent| it.place.is_listed() && it.place != Place::Hiding;
        let agents = self.agents.iter().filter(listed).filter(|it| part.is_on(it));
        let own = agents.flat_map(|it| &it.resources).filter(|it| it.is_removable(part));
        let named = own.map(|it| it.innermost().framework.map(|(_, id)| id));
        let named: Option<BTreeSet<_>> = named.chain(part.framework.map(Some)).collect();
        named.filter(|it| part.has_labels() && !it.is_empty())
    }

    /// Returns whether something of the target is left anywhere, or would come back.
    pub fn is_left(&self, part: Part) -> bool {
        self.agents.iter().any(|agent| agent.removable(part) > 0 || agent.has_pending(part))
    }

    /// Returns whether the target's node exists.
    pub fn has_znode(&self, part: Part) -> bool {
        self.znodes.contains(part.node())
    }

    /// Returns the resources of each agent, sorted, because their order does not matter.
    pub fn state(&self) -> Vec<Vec<String>> {
        self.agents.iter().map(Agent::sorted).collect()
    }

    /// Returns the resources that are not the target's, which nothing may change.
    pub fn others(&self, part: Part) -> Vec<Vec<String>> {
        self.agents.iter().map(|agent| agent.cleaned(part).sorted()).collect()
    }

    /// Returns the requests that should have changed something.
    pub fn changes(&self) -> Vec<&String> {
        let asks = |it: &&String| it.starts_with("GET ") || *it == "POST api/v1";
        self.requests.iter().filter(|it| !asks(it)).collect()
    }

    /// Answers a request of the logic, where `part` is the target.
    pub fn answer_to(&mut self, request: &Request, part: Part) -> Answer {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        let content = request.content.as_ref().map(|it| String::from_utf8_lossy(&it.bytes));
        let is_call = content.as_deref().is_some_and(|it| it.contains("GET_MASTER"));
        let call = if is_call { "GET_MASTER" } else { "GET_OPERATIONS" };
        let form = request.content.iter().flat_map(|it| form_urlencoded::parse(&it.bytes));
        let form: Vec<_> = form.map(|(name, value)| (name.into(), value.into())).collect();
        let only = request.query.iter().find(|(name, _)| name == "slave_id").map(|(_, id)| id);
        let path = match only {
            Some(id) => format!("{}?slave_id={id}", request.path.join("/")),
            None => request.path.join("/"),
        };
        self.answer(method, &path, call, &form, part)
    }

    /// Answers a request to the master, Exhibitor or Marathon; `path` is below the
    /// server's base URL, with the query `slave_id` alone, and is not encoded. `call` is that of the v1 API, `form` are
    /// the fields of a form, and `part` is the target.
    pub fn answer(
        &mut self,
        method: &str,
        path: &str,
        call: &str,
        form: &[(String, String)],
        part: Part,
    ) -> Answer {
        self.requests.push(format!("{method} {path}"));
        let mut chance = Chance::new(self.chance);
        self.chance = self.chance.wrapping_add(1);
        let fault = self.faults.filter(|it| chance.one_in(*it)).map(|_| chance.below(5));
        let fault = match self.fault {
            Some((request, kind)) if request + 1 == self.requests.len() => Some(kind),
            _ => fault,
        };
        match fault {
            Some(5) => return Some((403, String::new())),
            Some(6) => return Some((404, "404 Not Found.".into())),
            Some(7) => return Some((500, "Internal Server Error".into())),
            Some(8) => return Some((200, "<html><title>Log in</title></html>".into())),
            Some(9) => return Some((200, "{}".into())),
            Some(10) => return Some((504, "<html><title>Gateway Time-out</title></html>".into())),
            Some(0) => return None,
            Some(1) => return Some((503, "No leader elected".into())),
            Some(2) if method == "POST" => return Some((409, "Invalid operation".into())),
            _ => {}
        }
        let answer = self.carry_out(method, path, call, form, part);
        // The request is carried out, but its answer is lost.
        if fault == Some(3) { None } else { Some(answer) }
    }

    fn carry_out(
        &mut self,
        method: &str,
        path: &str,
        call: &str,
        form: &[(String, String)],
        part: Part,
    ) -> (u16, String) {
        match (method, path) {
            ("GET", "slaves") => {
                self.has_happened = false;
                let shown = self.agents.iter_mut().filter(|it| it.place.is_listed());
                shown.for_each(|it| it.is_new = false);
                (200, self.listing(|_| true))
            }
            ("GET", path) if path.starts_with("slaves?slave_id=") => {
                (200, self.listing(|agent| path["slaves?slave_id=".len()..] == agent.id))
            }
            ("GET", "frameworks") => (200, self.framework_list()),
            ("GET", "roles") => (200, self.roles()),
            ("GET", "metrics/snapshot") => (200, self.metrics()),
            ("GET", "registrar(1)/registry") => (200, self.registry()),
            ("GET", "maintenance/status") => (200, self.maintenance()),
            ("GET", "flags") => {
                let (timeout, count) = match self.version {
                    "0.28.1" => ("slave_ping_timeout", "max_slave_ping_timeouts"),
                    _ => ("agent_ping_timeout", "max_agent_ping_timeouts"),
                };
                (200, json!({"flags": {timeout: "15secs", count: "5"}}).to_string())
            }
            ("GET", "version") => (200, json!({"version": self.version}).to_string()),
            ("GET", "state") => (200, self.times().to_string()),
            ("POST", "api/v1") if call == "GET_MASTER" && self.version == "1.11.0" => {
                (200, json!({"get_master": self.times()}).to_string())
            }
            ("POST", "api/v1") if self.version == "1.11.0" => (200, self.operations()),
            ("POST", "api/v1") => (400, String::new()),
            ("POST", "destroy-volumes") => self.remove(true, form, part),
            ("POST", "unreserve") => self.remove(false, form, part),
            ("POST", "teardown") => self.tear_down(form, part),
            ("GET", "exhibitor/v1/explorer/node-data") => {
                let stat = if self.has_znode(part) { "czxid: 1" } else { "* not found * " };
                (200, json!({"bytes": "", "str": "", "stat": stat}).to_string())
            }
            ("GET", "exhibitor/v1/explorer/node") => (200, "[]".into()),
            ("DELETE", path) if path == format!("exhibitor/v1/explorer/znode/{}", part.node()) => {
                let succeeded = self.znodes.remove(part.node());
                let message = match succeeded {
                    true => "OK".into(),
                    false => format!("KeeperErrorCode = NoNode for /{}", part.node()),
                };
                (200, json!({"message": message, "succeeded": succeeded}).to_string())
            }
            _ => {
                self.violations.push(format!("asked for {method} {path}"));
                (404, String::new())
            }
        }
    }

    fn listing(&self, is_asked: impl Fn(&Agent) -> bool) -> String {
        let mut recovering = Vec::new();
        let mut listed = Vec::new();
        for agent in self.agents.iter().filter(|it| is_asked(it)) {
            if agent.place == Place::Recovering {
                recovering.push(json!({"id": agent.id, "hostname": "h"}));
            }
            if !agent.place.is_listed() {
                continue;
            }
            let mut reserved = BTreeMap::<&str, Vec<Value>>::new();
            for resource in agent.resources.iter().filter(|_| agent.place != Place::Hiding) {
                let list = reserved.entry(&resource.innermost().role).or_default();
                list.push(resource.json(self.version));
            }
            let mut entry = json!({
                "id": agent.id, "hostname": "h", "active": agent.place == Place::Here
                    || agent.place == Place::Hiding,
                "version": self.version, "reserved_resources_full": reserved,
                "registered_time": 1_000.0,
            });
            if [Place::Drained, Place::Stuck].contains(&agent.place) {
                entry["deactivated"] = json!(true);
            }
            if agent.place == Place::Hiding {
                // Something that is neither listed nor free.
                entry["resources"] = json!({"cpus": 2.0, "ports": "[1-5]"});
                entry["unreserved_resources"] = json!({"cpus": 2.0, "ports": "[1-4]"});
            }
            if self.took_over.is_some() {
                entry["reregistered_time"] = json!(1_000.000_01);
            }
            listed.push(entry);
        }
        let mut list = json!({"slaves": listed});
        if self.version != "0.28.1" {
            list["recovered_slaves"] = json!(recovering);
        }
        list.to_string()
    }

    fn framework_list(&self) -> String {
        let visible = self.frameworks.iter().filter(|it| it.visible);
        let entry = |it: &Framework| json!({"id": it.name, "name": it.name, "roles": it.roles});
        json!({"frameworks": visible.map(entry).collect::<Value>()}).to_string()
    }

    fn roles(&self) -> String {
        let pairs =
            self.frameworks.iter().flat_map(|it| it.roles.iter().map(move |role| (it, role)));
        let entries = pairs.map(|(it, role)| json!({"name": role, "frameworks": [it.name]}));
        json!({"roles": entries.collect::<Value>()}).to_string()
    }

    fn metrics(&self) -> String {
        let unreachable = self.agents.iter().filter(|it| it.place == Place::Unreachable).count();
        json!({
            "master/elected": 1.0,
            "master/uptime_secs": f64::from(self.took_over.unwrap_or(100_000)) + 50.0,
            "master/frameworks_active": self.frameworks.len(), "master/frameworks_inactive": 0.0,
            "master/slave_registrations": self.took_over.map_or(self.agents.len(), |_| 0),
            "master/slaves_unreachable": unreachable,
        })
        .to_string()
    }

    fn times(&self) -> Value {
        json!({"start_time": 950.0, "elected_time": 1000.0})
    }

    fn registry(&self) -> String {
        let at = |place| self.agents.iter().filter(move |it| it.place == place);
        let known =
            self.agents.iter().filter(|it| it.place.is_listed() || it.place == Place::Recovering);
        let known = known.map(|it| json!({"info": {"id": {"value": it.id}, "hostname": "h"}}));
        let lost = at(Place::Unreachable)
            .map(|it| json!({"id": {"value": it.id}, "timestamp": {"nanoseconds": 1}}));
        let down =
            at(Place::Down).map(|it| json!({"info": {"id": {"hostname": it.id}, "mode": "DOWN"}}));
        json!({
            "master": {"info": {"id": "m"}}, "slaves": {"slaves": known.collect::<Value>()},
            "unreachable": {"slaves": lost.collect::<Value>()},
            "machines": {"machines": down.collect::<Value>()},
        })
        .to_string()
    }

    fn maintenance(&self) -> String {
        let down = self.agents.iter().filter(|it| it.place == Place::Down);
        let down = down.map(|it| json!({"hostname": it.id}));
        json!({"down_machines": down.collect::<Value>()}).to_string()
    }

    fn operations(&mut self) -> String {
        let operation = |agent: &str, volumes: bool, resource: Value| {
            let info = match volumes {
                true => json!({"type": "DESTROY", "destroy": {"volumes": [resource]}}),
                false => json!({"type": "UNRESERVE", "unreserve": {"resources": [resource]}}),
            };
            let status = json!({"state": "OPERATION_PENDING"});
            json!({"agent_id": {"value": agent}, "info": info, "latest_status": status})
        };
        let mut pending = Vec::new();
        for agent in &self.agents {
            let own = agent.pending.iter();
            pending.extend(
                own.map(|it| operation(&agent.id, it.volumes, it.resource.json(self.version))),
            );
            if self.pending > 0 {
                let other = json!({"name": "cpus", "role": "other", "reservation": {}});
                pending.push(operation(&agent.id, false, other));
            }
        }
        self.pending = self.pending.saturating_sub(1);
        for agent in &mut self.agents {
            agent.pending.iter_mut().for_each(|it| it.looks = it.looks.map(|it| it - 1));
            agent.pending.retain(|it| it.looks != Some(0));
        }
        json!({"type": "GET_OPERATIONS", "get_operations": {"operations": pending}}).to_string()
    }

    /// Tears a framework down.
    fn tear_down(&mut self, form: &[(String, String)], part: Part) -> (u16, String) {
        let named = |it: &Framework| form == [("frameworkId".to_owned(), it.name.to_owned())];
        let Some(at) = self.frameworks.iter().position(named) else {
            if !self.has_happened {
                self.violations.push(format!("the teardown of what is not there: {form:?}"));
            }
            return (400, "No framework found".into());
        };
        if !self.frameworks[at].is_alone(part) {
            self.violations.push(format!("the teardown of another service: {form:?}"));
        }
        self.frameworks.remove(at);
        (200, String::new())
    }

    /// Destroys volumes, or unreserves resources: all of a list, or nothing.
    fn remove(&mut self, volumes: bool, form: &[(String, String)], part: Part) -> (u16, String) {
        let field = if volumes { "volumes" } else { "resources" };
        let [(slave, id), (name, list)] = form else { return (400, "Missing field".into()) };
        let list: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
        let agent = self.agents.iter_mut().find(|agent| agent.id == *id);
        let Some(agent) = agent.filter(|_| slave == "slaveId" && name == field && !list.is_empty())
        else {
            self.violations.push(format!("a form that names nothing: {form:?}"));
            return (400, "Bad form".into());
        };
        if !agent.place.is_connected() {
            if !self.has_happened {
                self.violations.push(format!("something for an agent that is away: {form:?}"));
            }
            return (400, "No such agent".into());
        }
        let mut after = agent.clone();
        let mut removal = Removal { agent: id.clone(), volumes, amounts: BTreeMap::new() };
        let mut provider = None;
        for json in &list {
            let Some(mut resource) = after.take(json, self.version) else {
                if !self.has_happened {
                    self.violations.push(format!("what is not there: {json}"));
                }
                return (400, "Invalid operation".into());
            };
            let is_own = match volumes {
                true => resource.is_volume(part),
                false => resource.is_reservation(part) && resource.volume.is_none(),
            };
            if !is_own || !part.is_on(agent) {
                self.violations.push(format!("what is not the target's: {json}"));
            }
            let has_volume = agent.resources.iter().any(|it| it.is_volume(part));
            if !volumes && has_volume && !agent.has_returned {
                self.violations.push(format!("unreserve before all volumes of {id} are destroyed"));
            }
            if *provider.get_or_insert(resource.provider) != resource.provider {
                self.violations.push(format!("several providers in one request: {form:?}"));
                return (400, "Invalid operation".into());
            }
            *removal.amounts.entry(resource.name.into()).or_default() += resource.amount;
            if volumes {
                resource.volume = None;
            } else {
                resource.stack.pop();
            }
            if !resource.stack.is_empty() {
                after.put(resource);
            }
        }
        if agent.place == Place::Stuck || agent.delay > 0 {
            // The master removes it from the list, and the agent does not hear of the request yet.
            let looks = (agent.place != Place::Stuck).then_some(agent.delay);
            for json in &list {
                if let Some(resource) = agent.clone().take(json, self.version) {
                    after.pending.push(Pending { volumes, resource, looks });
                }
            }
        }
        *agent = after;
        self.removals.push(removal);
        let status = if self.version == "0.28.1" { 200 } else { 202 };
        (status, String::new())
    }
}
