//! The bound: which clusters, which runs, and how many deviations.

use janitor_contract::call::Call;
use janitor_contract::types::{InUse, Options, Request, Target};
use janitor_guest::simulated::bounded::{Kind, Users};
use janitor_guest::simulated::{Cluster, Part, Place};

use crate::world::Stage;

/// The way in which a run cleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It cleans one target, with the default options.
    Plain,
    /// It waits for what passes by itself.
    Waits,
    /// It tears down the frameworks that use the target.
    TearsDown,
    /// It cleans a target that is in use.
    Forces,
    /// It cleans several targets.
    Several,
    /// It makes a plan, and carries it out.
    Plans,
    /// It cleans a service that has reserved something for two roles, one or both of which are targets.
    Service,
    /// It makes a plan for one of them, and carries it out.
    ServicePlans,
}

impl Manner {
    /// Returns the name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "default",
            Self::Waits => "`--wait`",
            Self::TearsDown => "`--teardown`",
            Self::Forces => "`--force`",
            Self::Several => "several targets",
            Self::Plans => "plan, then apply",
            Self::Service => "whole service",
            Self::ServicePlans => "whole service, plan, then apply",
        }
    }

    /// Returns whether a plan is made first.
    pub fn is_planned(self) -> bool {
        matches!(self, Self::Plans | Self::ServicePlans)
    }

    fn options(self) -> Options {
        let options = Options::DEFAULT;
        match self {
            Self::Plain | Self::Several | Self::Plans => options,
            Self::Waits => Options { wait_seconds: 1, confirm_seconds: 1, ..options },
            Self::TearsDown => Options { in_use: InUse::Teardown, confirm_seconds: 1, ..options },
            Self::Forces => Options { in_use: InUse::Force, ..options },
            Self::Service | Self::ServicePlans => Options { whole_service: true, ..options },
        }
    }
}

/// The task of a run.
pub struct Task {
    /// The way.
    pub manner: Manner,
    /// The targets.
    pub parts: Vec<Part>,
    /// The same targets, as the run receives them.
    pub targets: Vec<Target>,
    /// The options.
    pub options: Options,
    /// The number of the target to which something happens.
    main: usize,
}

impl Task {
    fn new(manner: Manner, part: Part, others: Others) -> Self {
        let (parts, main) = match others {
            Others::None => (vec![part], 0),
            Others::AreFirst => (vec![Part::OTHER, Part::EMPTY, part], 2),
            Others::AreLast => (vec![part, Part::EMPTY, Part::OTHER], 0),
            Others::AreNotNamed => (vec![Part::EMPTY, part], 1),
            Others::IsRest => (vec![part], 0),
            Others::IsRestBefore => (vec![Part::REST, part], 1),
            Others::IsRestAfter => (vec![part, Part::REST], 0),
        };
        let targets = parts.iter().map(|it| it.target()).collect();
        Self { manner, parts, targets, options: manner.options(), main }
    }

    /// Returns the same targets, cleaned with the default options.
    pub fn plain(&self) -> Self {
        let manner = match (self.manner, self.parts.len()) {
            (Manner::Service | Manner::ServicePlans, _) => Manner::Service,
            (_, 1) => Manner::Plain,
            _ => Manner::Several,
        };
        let (parts, targets) = (self.parts.clone(), self.targets.clone());
        Self { manner, parts, targets, options: manner.options(), main: self.main }
    }

    /// Returns the target to which something happens.
    pub fn main(&self) -> Part {
        self.parts[self.main]
    }

    /// Returns the first stage.
    pub fn first(&self) -> Stage {
        if self.manner.is_planned() { Stage::Plans } else { Stage::Cleans }
    }

    /// Returns the call of a stage.
    pub fn call(&self, stage: &Stage) -> Call {
        match (stage, &self.targets[..]) {
            (Stage::Applies(made), _) => Call::Apply(made.plan.clone()),
            (Stage::Plans, [target]) => Call::Plan(target.clone()),
            (Stage::Cleans, [target]) => Call::Clean(target.clone()),
            (_, all) => Call::CleanAll(all.to_vec()),
        }
    }

    /// Returns the number of the target that a request concerns: the one that it names, or the first.
    pub fn concerned(&self, request: &Request) -> usize {
        if self.parts.len() == 1 {
            return 0;
        }
        let fields = request.content.iter().flat_map(|it| form_urlencoded::parse(&it.bytes));
        let query = request.query.iter().map(|(_, value)| value.clone());
        let path = request.path.iter().cloned();
        let text: String = path.chain(query).chain(fields.map(|(_, it)| it.into_owned())).collect();
        self.parts.iter().position(|it| it.is_named_in(&text)).unwrap_or(0)
    }
}

/// Other targets of a run than the one whose resources are those of the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    /// There are none, and no other service.
    None,
    /// Another service, and a role that has nothing, are targets before it.
    AreFirst,
    /// They are targets after it.
    AreLast,
    /// There is another service, but it is no target; only a role that has nothing is.
    AreNotNamed,
    /// The same service has reserved something for another role, which is no target.
    IsRest,
    /// The same, and this is a target before it.
    IsRestBefore,
    /// The same, and this is a target after it.
    IsRestAfter,
}

/// The other targets of each run, and whether the other service is registered.
fn companies(manner: Manner) -> &'static [(Others, bool)] {
    match manner {
        Manner::Several => &[
            (Others::AreFirst, false),
            (Others::AreFirst, true),
            (Others::AreLast, false),
            (Others::AreLast, true),
            (Others::AreNotNamed, true),
        ],
        Manner::Service => &[
            (Others::IsRest, false),
            (Others::IsRestBefore, false),
            (Others::IsRestBefore, true),
            (Others::IsRestAfter, false),
            (Others::IsRestAfter, true),
        ],
        Manner::ServicePlans => &[(Others::IsRest, false)],
        _ => &[(Others::None, false)],
    }
}

/// The targets that are cleaned in this way.
fn parts(manner: Manner) -> &'static [Part] {
    match manner {
        Manner::Service | Manner::ServicePlans => &[Part::OF_SERVICE],
        _ => &Part::BOUNDED,
    }
}

/// A part of the bound: all clusters with this many agents, or every so many of them.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    /// The way in which the runs clean.
    pub manner: Manner,
    /// The number of agents: one or two.
    pub agents: usize,
    /// The largest number of resources of an agent.
    pub resources: usize,
    /// The largest number of deviations of a run.
    pub deviations: u8,
    /// One in so many clusters is tried.
    pub one_in: usize,
}

/// The whole bound. Of two deviations in ways whose runs are long, and of services on two agents, it has only a sample:
/// all of them would take days.
pub const WHOLE: [Sweep; 20] = [
    Sweep { manner: Manner::Plain, agents: 1, resources: 2, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::Plain, agents: 1, resources: 1, deviations: 2, one_in: 1 },
    Sweep { manner: Manner::Plain, agents: 2, resources: 1, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::Plain, agents: 2, resources: 2, deviations: 0, one_in: 1 },
    Sweep { manner: Manner::Waits, agents: 2, resources: 1, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::TearsDown, agents: 1, resources: 2, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::Forces, agents: 1, resources: 2, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::Several, agents: 1, resources: 2, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::Plans, agents: 2, resources: 1, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::Waits, agents: 1, resources: 1, deviations: 2, one_in: 101 },
    Sweep { manner: Manner::TearsDown, agents: 1, resources: 1, deviations: 2, one_in: 1 },
    Sweep { manner: Manner::Forces, agents: 1, resources: 1, deviations: 2, one_in: 1 },
    Sweep { manner: Manner::Several, agents: 1, resources: 1, deviations: 2, one_in: 1999 },
    Sweep { manner: Manner::Plans, agents: 1, resources: 1, deviations: 2, one_in: 1 },
    Sweep { manner: Manner::Plain, agents: 2, resources: 2, deviations: 2, one_in: 100_003 },
    Sweep { manner: Manner::Service, agents: 1, resources: 2, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::Service, agents: 2, resources: 1, deviations: 1, one_in: 101 },
    Sweep { manner: Manner::Service, agents: 1, resources: 1, deviations: 2, one_in: 101 },
    Sweep { manner: Manner::ServicePlans, agents: 2, resources: 1, deviations: 1, one_in: 1 },
    Sweep { manner: Manner::ServicePlans, agents: 1, resources: 1, deviations: 2, one_in: 101 },
];

/// The sample of each sweep that is tried before each change. The numbers have no common divisor with
/// those of targets, delays, frameworks and other targets, so that the sample has all of these.
pub const QUICK: [Sweep; 20] = [
    Sweep { one_in: 5, ..WHOLE[0] },
    Sweep { one_in: 127, ..WHOLE[1] },
    Sweep { one_in: 431, ..WHOLE[2] },
    Sweep { one_in: 211, ..WHOLE[3] },
    Sweep { one_in: 1999, ..WHOLE[4] },
    Sweep { one_in: 97, ..WHOLE[5] },
    Sweep { one_in: 97, ..WHOLE[6] },
    Sweep { one_in: 397, ..WHOLE[7] },
    Sweep { one_in: 1499, ..WHOLE[8] },
    Sweep { one_in: 2003, ..WHOLE[9] },
    Sweep { one_in: 409, ..WHOLE[10] },
    Sweep { one_in: 409, ..WHOLE[11] },
    Sweep { one_in: 40009, ..WHOLE[12] },
    Sweep { one_in: 1009, ..WHOLE[13] },
    Sweep { one_in: 2_000_003, ..WHOLE[14] },
    Sweep { one_in: 97, ..WHOLE[15] },
    Sweep { one_in: 1999, ..WHOLE[16] },
    Sweep { one_in: 2003, ..WHOLE[17] },
    Sweep { one_in: 997, ..WHOLE[18] },
    Sweep { one_in: 997, ..WHOLE[19] },
];

/// The sweeps in which every fault is found, the shortest first. A fault names the first that shows it.
pub const FAULTY: [Sweep; 13] = [
    Sweep { deviations: 0, one_in: 7, ..WHOLE[2] },
    Sweep { resources: 1, one_in: 7, ..WHOLE[5] },
    Sweep { resources: 1, one_in: 7, ..WHOLE[6] },
    Sweep { resources: 1, one_in: 31, ..WHOLE[7] },
    Sweep { one_in: 997, ..WHOLE[4] },
    Sweep { one_in: 101, ..WHOLE[8] },
    Sweep { deviations: 1, ..WHOLE[1] },
    Sweep { one_in: 229, ..WHOLE[2] },
    Sweep { one_in: 17, ..WHOLE[1] },
    Sweep { one_in: 1, ..WHOLE[12] },
    Sweep { one_in: 31, ..WHOLE[15] },
    Sweep { one_in: 37, ..WHOLE[17] },
    Sweep { one_in: 37, ..WHOLE[19] },
];

/// The removals that agents carry out at once, and those that stay pending for one look. An agent
/// that never carries any out is a place of its own.
const DELAYS: [u32; 2] = [0, 1];

/// The costs of a request for one agent, in agents of a list: the second makes each run read the whole
/// list.
const COSTS: [usize; 2] = [0, 50];

/// The policy is asked about other requests on one in this many clusters of a sweep.
const MUTATED: usize = 7;

/// The clusters of a sweep.
pub struct Cases {
    manner: Manner,
    singles: Vec<(Place, Vec<Kind>)>,
    /// The agents of each cluster, by their indices in `singles`.
    agents: Vec<Vec<usize>>,
    one_in: usize,
}

/// A cluster, what the runs are asked to do, and a name for both.
pub struct Case {
    /// The cluster.
    pub cluster: Cluster,
    /// The task.
    pub task: Task,
    /// This is set when the policy is asked about other requests too.
    pub has_mutations: bool,
    /// How many agents of a list take as long as a request for one: with none, each run reads agents
    /// alone between the phases.
    pub agents_per_request: usize,
    /// The name.
    pub name: String,
}

impl Cases {
    /// Lists the clusters of a sweep.
    pub fn of(sweep: Sweep) -> Self {
        let holdings = holdings(sweep.resources);
        let of_place = |place| holdings.iter().map(move |kinds| (place, kinds.clone()));
        let singles: Vec<_> = Place::ALL.into_iter().flat_map(of_place).collect();
        let all = 0..singles.len();
        // The order of two agents does not matter.
        let pairs = |one| (one..singles.len()).map(move |other| vec![one, other]);
        let agents = match sweep.agents {
            1 => all.map(|one| vec![one]).collect(),
            _ => all.flat_map(pairs).collect(),
        };
        Self { manner: sweep.manner, singles, agents, one_in: sweep.one_in }
    }

    /// Returns the number of cases.
    pub fn len(&self) -> usize {
        let options = parts(self.manner).len() * DELAYS.len() * Users::ALL.len() * COSTS.len();
        (options * companies(self.manner).len() * self.agents.len()).div_ceil(self.one_in)
    }

    /// The distances of the numbers of two cases that differ only in their delay, or in their cost.
    fn steps(&self) -> [usize; 2] {
        let delays = parts(self.manner).len();
        [delays, delays * DELAYS.len() * Users::ALL.len()]
    }

    /// Returns the first case of those that [`Cases::alike`] returns.
    fn first_alike(&self, index: usize) -> usize {
        if self.one_in > 1 {
            return index;
        }
        let [delays, costs] = self.steps();
        index - index / delays % DELAYS.len() * delays - index / costs % COSTS.len() * costs
    }

    /// Returns the cases that differ from this one only in what a run may never come to know: for each cost,
    /// those with each delay. There are none if this is not the first of them. A sample takes each case
    /// alone.
    pub fn alike(&self, index: usize) -> Vec<Vec<usize>> {
        if self.one_in > 1 {
            return vec![vec![index]];
        }
        if self.first_alike(index) < index {
            return Vec::new();
        }
        let [delays, costs] = self.steps();
        let of_cost = |cost| (0..DELAYS.len()).map(move |it| index + cost * costs + it * delays);
        (0..COSTS.len()).map(|cost| of_cost(cost).collect()).collect()
    }

    /// Returns a case. Where nothing has a volume, nothing is read between the phases, so that the case equals
    /// another one, and is left out.
    pub fn get(&self, index: usize) -> Option<Case> {
        let mut rest = index * self.one_in;
        let mut next = |length: usize| {
            let digit = rest % length;
            rest /= length;
            digit
        };
        let parts = parts(self.manner);
        let part = parts[next(parts.len())];
        let delay = DELAYS[next(DELAYS.len())];
        let users = Users::ALL[next(Users::ALL.len())];
        let agents_per_request = COSTS[next(COSTS.len())];
        let companies = companies(self.manner);
        let (others, is_registered) = companies[next(companies.len())];
        let agents = self.agents.get(rest)?;
        let agents: Vec<_> = agents.iter().map(|it| &self.singles[*it]).collect();
        let held: Vec<_> = agents.iter().map(|(place, kinds)| (*place, &kinds[..])).collect();
        let cluster = Cluster::bounded(&held, users, delay);
        let cluster = match others {
            Others::None => cluster,
            Others::AreFirst | Others::AreLast | Others::AreNotNamed => {
                cluster.with_other(Kind::Volume, is_registered)
            }
            Others::IsRest | Others::IsRestBefore | Others::IsRestAfter => {
                cluster.with_other(Kind::Reserved, is_registered)
            }
        };
        let has_volume = held.iter().any(|(_, kinds)| kinds.iter().any(|it| it.is_volume()));
        let name = format!(
            "{held:?}, users {users:?}, delay {delay}, cost {agents_per_request}, {part:?}, \
             {:?}, others {others:?} {is_registered}",
            self.manner
        );
        let is_new = has_volume || agents_per_request > 0 || others != Others::None;
        let task = Task::new(self.manner, part, others);
        // Cases that may be left out have the same as the first one like them.
        let first = self.first_alike(index);
        let has_mutations = first.is_multiple_of(MUTATED);
        is_new.then_some(Case { cluster, task, has_mutations, agents_per_request, name })
    }
}

/// Returns everything that an agent may hold.
fn holdings(most: usize) -> Vec<Vec<Kind>> {
    let none = [Vec::new()];
    let one = Kind::ALL.iter().map(|it| vec![*it]);
    let pairs = Kind::ALL.iter().enumerate().flat_map(|(index, one)| {
        // Two equal reservations are one larger one.
        let first = if one.is_volume() { index } else { index + 1 };
        Kind::ALL[first..].iter().map(|other| vec![*one, *other])
    });
    let all = none.into_iter().chain(one).chain(pairs);
    all.filter(|it| it.len() <= most).collect()
}
