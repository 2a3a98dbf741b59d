//! All clusters within a bound, and everything that can happen to a cluster during a run.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use serde_json::{Value, json};

use super::{
    Agent, Cluster, Framework, LABELS, Layer, OTHER, OTHER_ZNODE, PRINCIPAL, Part, Pending, Place,
    ROLE, Resource, Volume, ZNODE, agent_id,
};

/// A kind of resource. The principal is the target's, or another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A reservation that the target's principal made.
    Reserved,
    /// A reservation that another principal made.
    ReservedByOther,
    /// A volume that the target's principal made.
    Volume,
    /// A volume that another principal made.
    VolumeOfOther,
    /// A static reservation.
    Static,
    /// A reservation that refines one of the role above.
    Refined,
    /// A reservation with the first label, and that of the framework that has ended.
    LabelledA,
    /// A reservation with the second label, and that of another framework.
    LabelledB,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Reserved,
        Self::ReservedByOther,
        Self::Volume,
        Self::VolumeOfOther,
        Self::Static,
        Self::Refined,
        Self::LabelledA,
        Self::LabelledB,
    ];

    /// Returns whether it is a volume.
    pub fn is_volume(self) -> bool {
        matches!(self, Self::Volume | Self::VolumeOfOther)
    }

    /// Creates a resource. Its number distinguishes it from others of the same kind.
    fn resource(self, number: u32) -> Resource {
        let principal = match self {
            Self::ReservedByOther | Self::VolumeOfOther => Some("q"),
            Self::Static => None,
            _ => Some(PRINCIPAL),
        };
        let (label, framework) = match self {
            Self::LabelledA => (Some(LABELS[0]), Some(("framework_id", "dead"))),
            Self::LabelledB => (Some(LABELS[1]), Some(("framework_id", "a"))),
            _ => (None, None),
        };
        let role = ROLE.to_owned();
        let layer = Layer { role, dynamic: self != Self::Static, principal, label, framework };
        let (above, none) = ("team".to_owned(), None);
        let above =
            Layer { role: above, dynamic: false, principal: none, label: None, framework: None };
        let is_volume = self.is_volume();
        Resource {
            name: if is_volume { "disk" } else { "cpus" },
            // No sum of some, and no double, equals another one.
            amount: 3_u32.pow(number),
            stack: (self == Self::Refined).then_some(above).into_iter().chain([layer]).collect(),
            source: None,
            provider: None,
            volume: is_volume.then_some(Volume { id: number, principal }),
        }
    }
}

impl Place {
    /// All places.
    pub const ALL: [Self; 8] = [
        Self::Here,
        Self::Drained,
        Self::Stuck,
        Self::Away,
        Self::Hiding,
        Self::Unreachable,
        Self::Down,
        Self::Recovering,
    ];
}

/// The frameworks of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// There are none.
    None,
    /// One has the target's role.
    OfRole,
    /// One has a role below the target's.
    OfChild,
    /// One has several roles, and the target's is one of them.
    OfSeveral,
    /// One has the target's role, and may not be viewed.
    Hidden,
    /// Another master has taken over, and one may not have registered with it yet.
    NotYetBack,
}

impl Users {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::None, Self::OfRole, Self::OfChild, Self::OfSeveral, Self::Hidden, Self::NotYetBack];

    fn frameworks(self) -> Vec<Framework> {
        let roles: &[&str] = match self {
            Self::None | Self::NotYetBack => return Vec::new(),
            Self::OfRole | Self::Hidden => &[ROLE],
            Self::OfChild => &["team/r/s"],
            Self::OfSeveral => &["other", ROLE],
        };
        vec![Framework { name: "a", roles, visible: self != Self::Hidden }]
    }
}

/// Something that happens to a cluster between two requests of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The agent with this number loses its connection.
    Disconnects(usize),
    /// The master marks it unreachable.
    IsLost(usize),
    /// It is there, and carries out what it is asked to.
    Returns(usize),
    /// It is there, and has lost all its resources.
    Forgets(usize),
    /// Another cleaner removes something of the target from it.
    IsCleaned(usize),
    /// The master accepts a removal from it for another cleaner, from the target or from the other role of its
    /// service, of which the agent does not hear. A list has shown what it has.
    IsAsked(usize, Part),
    /// A framework registers with the target's role.
    Registers,
    /// Another master takes over. The agents and the frameworks have to register again.
    FailsOver,
    /// Something is reserved for the target on this agent.
    Reserves(usize),
}

impl Part {
    /// The targets within the bound: a whole role with its node, without it, and what a principal, a
    /// label or a framework distinguishes.
    pub const BOUNDED: [Self; 5] = [
        Self::WHOLE,
        Self { znode: false, ..Self::WHOLE },
        Self::OF_SERVICE,
        Self { label: Some(Some(LABELS[0])), ..Self::WHOLE },
        Self { framework: Some("dead"), ..Self::WHOLE },
    ];

    /// The part of the target's role that its service has reserved, with the node.
    pub const OF_SERVICE: Self = Self { principal: Some(PRINCIPAL), ..Self::WHOLE };

    /// The whole of the other role, with its node.
    pub const OTHER: Self = Self { role: OTHER, ..Self::WHOLE };

    /// The part of the other role that the target's service has reserved, with a node.
    pub const REST: Self = Self { role: OTHER, ..Self::OF_SERVICE };

    /// A role that has nothing, and has never had anything.
    pub const EMPTY: Self = Self { role: "nobody", znode: false, ..Self::WHOLE };

    const WHOLE: Self = Self {
        role: ROLE,
        principal: None,
        label: None,
        framework: None,
        agent: None,
        znode: true,
    };

    /// Returns whether a request concerns this target rather than another one: its node, or resources of
    /// its role.
    pub fn is_named_in(self, text: &str) -> bool {
        (self.znode && text.contains(self.node()))
            || text.contains(&format!("\"role\":\"{}\"", self.role))
    }
}

impl Cluster {
    /// Creates a cluster with a node. A removal stays pending for this many looks.
    pub fn bounded(agents: &[(Place, &[Kind])], users: Users, delay: u32) -> Self {
        let mut number = 0;
        let mut all = Vec::new();
        for (index, (place, kinds)) in agents.iter().enumerate() {
            let (resources, pending) = (Vec::new(), Vec::new());
            let id = agent_id(index);
            let mut agent = Agent {
                id,
                place: *place,
                resources,
                pending,
                delay,
                has_returned: false,
                is_new: false,
            };
            for kind in *kinds {
                agent.put(kind.resource(number));
                number += 1;
            }
            all.push(agent);
        }
        Self {
            version: "1.11.0",
            agents: all,
            frameworks: users.frameworks(),
            took_over: (users == Users::NotYetBack).then_some(20),
            znodes: BTreeSet::from([ZNODE]),
            faults: None,
            fault: None,
            chance: 0,
            pending: 0,
            has_rest: false,
            has_happened: false,
            requests: Vec::new(),
            removals: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Returns the same cluster with another role, which has a node, and such a resource of the target's principal on
    /// each agent. A framework may be registered for it.
    pub fn with_other(mut self, kind: Kind, is_registered: bool) -> Self {
        for (number, agent) in (8..).zip(&mut self.agents) {
            let mut resource = kind.resource(number);
            resource.stack.iter_mut().for_each(|it| it.role = OTHER.into());
            agent.put(resource);
        }
        if is_registered {
            self.frameworks.push(Framework { name: "s", roles: &[OTHER], visible: true });
        }
        self.znodes.insert(OTHER_ZNODE);
        self.has_rest = kind == Kind::Reserved;
        self
    }

    /// Returns what nobody may remove for these targets: the agent, whether it is a volume to destroy
    /// rather than a reservation, and the resource.
    pub fn foreign(&self, parts: &[Part]) -> Vec<(&str, bool, Value)> {
        let mut all = Vec::new();
        for agent in &self.agents {
            for resource in &agent.resources {
                let json = resource.json(self.version);
                if !parts.iter().any(|it| it.is_on(agent) && resource.is_volume(*it)) {
                    all.push((agent.id.as_str(), true, json.clone()));
                }
                let is_own = |it: &Part| it.is_on(agent) && resource.is_reservation(*it);
                if resource.volume.is_some() || !parts.iter().any(is_own) {
                    all.push((agent.id.as_str(), false, json));
                }
            }
        }
        all
    }

    /// Returns the ids of the agents that do not have all of a list of resources, and one that no agent
    /// has.
    pub fn agents_without(&self, list: &str) -> Vec<String> {
        let list: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
        let has = |agent: &Agent, json: &Value| {
            agent.resources.iter().any(|it| it.json(self.version) == *json)
        };
        let without = self.agents.iter().filter(|agent| !list.iter().all(|it| has(agent, it)));
        without.map(|it| it.id.clone()).chain([agent_id(self.agents.len())]).collect()
    }

    /// Returns the places where something may be reserved.
    pub fn reservations(&self) -> Vec<Happening> {
        let agents = self.agents.iter().enumerate();
        let there = agents.filter(|(_, it)| it.place.is_connected());
        there.map(|(index, _)| Happening::Reserves(index)).collect()
    }

    /// Returns what can happen to the cluster now.
    pub fn happenings(&self, part: Part) -> Vec<Happening> {
        let mut all = Vec::new();
        for (index, agent) in self.agents.iter().enumerate() {
            if agent.place.is_connected() {
                all.push(Happening::Disconnects(index));
            }
            if agent.place.is_listed() {
                all.push(Happening::IsLost(index));
            }
            if agent.place != Place::Here {
                all.push(Happening::Returns(index));
            }
            if !agent.resources.is_empty() || !agent.pending.is_empty() {
                all.push(Happening::Forgets(index));
            }
            if agent.place.is_connected() && agent.removable(part) > 0 {
                all.push(Happening::IsCleaned(index));
            }
        }
        if self.frameworks.is_empty() {
            all.push(Happening::Registers);
        }
        if self.took_over.is_none() {
            all.push(Happening::FailsOver);
        }
        all
    }

    /// Returns what can happen to a service that has reserved something for both roles.
    pub fn happenings_of_service(&self) -> Vec<Happening> {
        let agents = self.agents.iter().enumerate();
        let each = agents.flat_map(|it| [Part::OF_SERVICE, Part::REST].map(|part| (it, part)));
        let is_there = |it: &Agent| it.place.is_connected() && !it.is_new;
        let there = each.filter(|((_, it), part)| is_there(it) && it.removable(*part) > 0);
        there.map(|((index, _), part)| Happening::IsAsked(index, part)).collect()
    }

    /// Changes the cluster.
    pub fn happen(&mut self, happening: Happening, part: Part) {
        self.has_happened = true;
        let agents = &mut self.agents;
        match happening {
            Happening::Disconnects(index) => agents[index].place = Place::Away,
            Happening::IsLost(index) => agents[index].place = Place::Unreachable,
            Happening::Returns(index) => {
                let agent = &mut agents[index];
                // A disconnected agent is listed with what it has.
                agent.is_new |= self.has_rest && agent.place != Place::Away;
                agent.come_back();
            }
            Happening::Forgets(index) => {
                agents[index].resources.clear();
                agents[index].pending.clear();
                agents[index].come_back();
            }
            Happening::IsCleaned(index) => drop(agents[index].lose_one(part)),
            Happening::IsAsked(index, part) => {
                let lost = agents[index].lose_one(part);
                lost.into_iter().for_each(|it| agents[index].pending.push(it));
            }
            Happening::Registers => self.frameworks = Users::OfRole.frameworks(),
            Happening::FailsOver => {
                self.took_over = Some(0);
                self.frameworks.clear();
                agents.iter_mut().filter(|it| it.place.is_listed()).for_each(Agent::hide);
            }
            Happening::Reserves(index) => agents[index].put(Kind::LabelledA.resource(16)),
        }
    }

    /// Returns the cluster after everything has settled: all agents are there with everything that
    /// they have, nothing is pending, and no framework is left.
    pub fn calmed(&self) -> Self {
        let mut calm = self.afresh();
        for agent in &mut calm.agents {
            agent.come_back();
            (agent.delay, agent.has_returned, agent.is_new) = (0, false, false);
        }
        Self { frameworks: Vec::new(), took_over: None, pending: 0, ..calm }
    }

    /// Returns whether something of a target's service is left anywhere, or would come back.
    pub fn is_service_left(&self, part: Part) -> bool {
        let is_of_service = part.principal == Some(PRINCIPAL);
        is_of_service && [Part::OF_SERVICE, Part::REST].iter().any(|it| self.is_left(*it))
    }

    /// Returns the ids of the agents that are disconnected and have something of the other role of a service.
    pub fn away_with_rest(&self) -> impl Iterator<Item = &str> {
        let away = self.agents.iter().filter(|it| it.place == Place::Away);
        away.filter(|it| it.removable(Part::REST) > 0).map(|it| it.id.as_str())
    }

    /// Returns whether the master's list of agents names nobody, not even one that has not registered
    /// again.
    pub fn is_list_empty(&self) -> bool {
        !self.agents.iter().any(|it| it.place.is_listed() || it.place == Place::Recovering)
    }

    /// Returns what the master lists of the target: the ids of agents, each with the numbers of
    /// volumes and of reservations.
    pub fn listed(&self, part: Part) -> Vec<(String, usize, usize)> {
        let shown =
            self.agents.iter().filter(|it| it.place.is_listed() && it.place != Place::Hiding);
        let count = |agent: &Agent| {
            let own = agent.resources.iter().filter(|it| it.is_removable(part));
            let volumes = own.clone().filter(|it| it.is_volume(part)).count();
            (agent.id.clone(), volumes, own.filter(|it| it.is_reservation(part)).count())
        };
        shown.filter(|it| part.is_on(it)).map(count).filter(|(_, v, r)| v + r > 0).collect()
    }

    /// Returns the cluster in the format of a scenario.
    pub fn scenario(&self) -> Value {
        let (mut agents, mut recovering, mut down) = (Vec::new(), Vec::new(), Vec::new());
        let mut pending = Vec::new();
        for agent in &self.agents {
            let (id, place) = (&agent.id, agent.place);
            let mut reserved = BTreeMap::<&str, Vec<Value>>::new();
            for resource in &agent.resources {
                reserved
                    .entry(&resource.innermost().role)
                    .or_default()
                    .push(resource.json(self.version));
            }
            match place {
                Place::Recovering => {
                    recovering.push(json!({"id": id, "hostname": id}));
                    continue;
                }
                Place::Down => down.push(json!({"hostname": id, "ip": ""})),
                _ => {}
            }
            let mut entry = json!({
                "id": id, "hostname": id, "active": place != Place::Away,
                "deactivated": matches!(place, Place::Drained | Place::Stuck),
                "dead": place == Place::Stuck, "reserved_resources_full": reserved,
            });
            if place == Place::Unreachable {
                entry["unreachable"] = json!(1);
            }
            if agent.delay > 0 {
                entry["pending_looks"] = json!(agent.delay);
            }
            agents.push(entry);
            pending.extend(agent.pending.iter().map(|it| {
                let kind = if it.volumes { "DESTROY" } else { "UNRESERVE" };
                json!({"agent": id, "kind": kind, "resources": [it.resource.json(self.version)], "looks": it.looks})
            }));
        }
        let hides = self.agents.iter().any(|it| it.place == Place::Hiding);
        let framework = |it: &Framework| json!({"id": it.name, "name": it.name, "roles": it.roles, "hidden": !it.visible});
        json!({
            "version": self.version, "agents": agents, "recovered_agents": recovering,
            "down_machines": down, "pending": pending,
            "hidden_roles": if hides { vec![ROLE] } else { vec![] },
            "frameworks": self.frameworks.iter().map(framework).collect::<Value>(),
            "took_over": self.took_over.is_some(), "led_seconds": self.took_over.unwrap_or(100_000),
            "exhibitor": {"znodes": self.znodes.iter().map(|it| format!("/{it}")).collect::<Vec<_>>()},
        })
    }

    /// Returns a number that two clusters share only if they are in the same state.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        (&self.agents, &self.frameworks, self.took_over, &self.znodes, self.pending).hash(hasher);
        self.has_happened.hash(hasher);
    }
}

impl Agent {
    /// Registers again. What it has not carried out, it has not heard of: its resources are still
    /// there.
    fn come_back(&mut self) {
        self.place = Place::Here;
        for Pending { volumes, resource, .. } in std::mem::take(&mut self.pending) {
            self.has_returned |= volumes;
            let mut left = resource.clone();
            if volumes {
                left.volume = None;
            } else {
                left.stack.pop();
            }
            if let Some(at) = self.resources.iter().position(|it| *it == left) {
                self.resources.remove(at);
            }
            self.put(resource);
        }
    }

    /// Waits for its registration with a new master.
    fn hide(&mut self) {
        self.place = Place::Recovering;
    }

    /// Loses the first thing of the target: a volume, or else a reservation. It returns this as a removal of which the
    /// agent has not heard.
    fn lose_one(&mut self, part: Part) -> Option<Pending> {
        let volume = self.resources.iter().position(|it| it.is_volume(part));
        let any = || self.resources.iter().position(|it| it.is_removable(part));
        let mut resource = self.resources.remove(volume.or_else(any)?);
        let lost = Pending { volumes: volume.is_some(), resource: resource.clone(), looks: None };
        if volume.is_some() {
            resource.volume = None;
        } else {
            resource.stack.pop();
        }
        if !resource.stack.is_empty() {
            self.put(resource);
        }
        Some(lost)
    }
}
