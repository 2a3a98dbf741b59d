//! The surroundings of a run at one moment, and the answer to its next request.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use janitor_contract::types::{
    Amount, CleanupPlan, Error, Fate, InUse, Method, Request, UnreachedReason,
};
use janitor_guest::simulated::bounded::Happening;
use janitor_guest::simulated::{Cluster, Part, Removal};
use rustc_hash::FxHasher;

use crate::bound::Task;
use crate::logic::{Judge, Logic};
use crate::mutations::mutations;
use crate::trial::Body;

/// A difference from the ordinary course, at one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deviation {
    /// The server cannot be reached.
    Refused,
    /// There is no answer in time, and the server has not seen the request.
    TimeoutBefore,
    /// There is no answer in time, but the server has acted.
    TimeoutAfter,
    /// The connection breaks after the server has acted.
    ResetAfter,
    /// Something in between answers with this status.
    Status(u16),
    /// This happens just before the server receives the request.
    Happens(Happening),
    /// The run is cancelled before the request is sent.
    Stops,
    /// The run is killed before the request is sent, and runs again.
    KilledBefore,
    /// The run is killed after the server has acted, and runs again.
    KilledAfter,
}

/// The statuses that a proxy, a login or an overloaded server answers.
const STATUSES: [u16; 9] = [307, 400, 401, 403, 404, 409, 500, 502, 503];

/// The answer that a run receives, or the event that takes its place.
#[derive(Clone, Debug)]
pub enum Given {
    /// An answer.
    Answer(u16, Rc<str>),
    /// No answer.
    Error(Error),
    /// The run is cancelled.
    Stopped,
    /// The run is killed.
    Killed,
}

impl Given {
    /// Returns the answer, if there is one.
    ///
    /// # Errors
    /// Fails with the reason why there is none.
    pub fn body(self) -> Result<Body, Error> {
        match self {
            Self::Answer(status, text) => Ok(Body { status, text: Some(text) }),
            Self::Error(error) => Err(error),
            Self::Stopped | Self::Killed => Err(Error::Reset),
        }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status, body) => write!(f, "{status} {body}"),
            Self::Error(error) => write!(f, "{error:?}"),
            Self::Stopped => f.write_str("the run is cancelled"),
            Self::Killed => f.write_str("the run is killed"),
        }
    }
}

/// The resources of a target in a list of the master: the ids of agents, each with the numbers of volumes
/// and of reservations.
type Listed = Rc<Vec<(String, usize, usize)>>;

/// The stage of a run.
#[derive(Clone)]
pub enum Stage {
    /// It cleans.
    Cleans,
    /// It makes a plan.
    Plans,
    /// It carries a plan out.
    Applies(Rc<Made>),
}

/// A plan that was made.
pub struct Made {
    /// The plan.
    pub plan: CleanupPlan,
    /// The resources of the target that the master listed then.
    listed: Option<Listed>,
    /// The history of the run that made it.
    history: u64,
}

impl Made {
    /// Returns whether the plan shows what was removed.
    fn shows(&self, removal: &Removal) -> bool {
        let Removal { agent, volumes, amounts } = removal;
        let agents = self.plan.agents.iter().filter(|it| it.agent == *agent);
        let entries: Vec<_> = agents.flat_map(|it| &it.entries).collect();
        let amount_of = |name: &str| {
            let removed = entries.iter().filter(|it| {
                let fate = if *volumes { it.volume.as_ref() } else { Some(&it.reservation) };
                it.entry.name == name && fate == Some(&Fate::Removed)
            });
            removed.fold(0.0, |sum, it| match &it.entry.amount {
                Amount::Scalar(amount) => sum + amount,
                _ => sum,
            })
        };
        let is_away = |id: &str| {
            let away = self.plan.unreached.iter();
            away.clone().any(|it| it.agent == id && it.reason == UnreachedReason::NotActive)
        };
        !is_away(agent) && amounts.iter().all(|(name, it)| f64::from(*it) <= amount_of(name))
    }
}

/// The knowledge of a run about one of its targets, and its changes to it.
#[derive(Clone, Default)]
pub struct Side {
    /// The resources of the target that the master last listed to this run.
    pub listed: Option<Listed>,
    /// This is set when the run has changed something since.
    pub has_changed: bool,
    /// Whether frameworks used the target when the run last read their list, unless it has waited since.
    in_use: Option<bool>,
    /// The frameworks that owned all of the target when labels last said so.
    owning: Option<Rc<BTreeSet<&'static str>>>,
    /// This is set when the run has asked for a change.
    pub is_touched: bool,
}

/// The cluster, and what the host and the run know of it.
#[derive(Clone)]
pub struct World {
    /// The cluster.
    pub cluster: Cluster,
    logic: Logic,
    /// The stage.
    stage: Stage,
    /// The host's policy.
    policy: Rc<Judge>,
    /// A number that identifies all requests of the run and what it received.
    history: u64,
    /// The targets.
    pub sides: Vec<Side>,
    /// This is set when the first list differs from that of which the plan was made.
    is_stale: bool,
    /// The pages of [`OPTIONAL`] that the master has shown to the run, as bits.
    shown: u8,
    /// The requests of the stage.
    requests: u32,
}

/// The last segments of the pages that an old master lacks. A run that cannot read them at all
/// warns of that, and believes the other pages.
const OPTIONAL: [&str; 4] = ["roles", "snapshot", "registry", "status"];

/// Returns the bit of a page of [`OPTIONAL`].
fn optional(request: &Request) -> Option<u8> {
    let at = OPTIONAL.iter().position(|it| request.path.last().is_some_and(|last| last == it))?;
    Some(1 << at)
}

/// A change for which a request asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A node is deleted.
    Deletion,
    /// Resources are removed.
    Removal,
    /// A framework is torn down.
    Teardown,
}

impl Change {
    /// Returns the change for which a request asks, if it asks for one.
    pub fn of(request: &Request) -> Option<Self> {
        match (request.method, request.path.last()?.as_str()) {
            (Method::Delete, _) => Some(Self::Deletion),
            (Method::Post, "destroy-volumes" | "unreserve") => Some(Self::Removal),
            (Method::Post, "teardown") => Some(Self::Teardown),
            _ => None,
        }
    }
}

impl World {
    /// Begins a stage of a run.
    pub fn new(cluster: Cluster, logic: Logic, task: &Task, stage: Stage) -> Self {
        let policy = Rc::new(Judge::new(logic, &task.call(&stage), &task.options));
        let history = match &stage {
            Stage::Cleans | Stage::Plans => 0,
            Stage::Applies(made) => made.history,
        };
        let sides = vec![Side::default(); task.parts.len()];
        Self {
            cluster,
            logic,
            stage,
            policy,
            history,
            sides,
            is_stale: false,
            shown: 0,
            requests: 0,
        }
    }

    /// Keeps a plan that the run has just made, and begins to carry it out.
    pub fn apply(&mut self, plan: CleanupPlan, task: &Task) {
        let listed = self.sides.first().and_then(|it| it.listed.clone());
        let made = Rc::new(Made { plan, listed, history: self.history });
        *self = Self::new(self.cluster.clone(), self.logic, task, Stage::Applies(made));
    }

    /// Forgets whether frameworks use the targets, because the run waits.
    pub fn wait(&mut self) {
        self.sides.iter_mut().for_each(|it| it.in_use = None);
    }

    /// Returns a number that two moments share only if the same can follow.
    pub fn fingerprint(&self, deviations: u8) -> u64 {
        let mut hasher = FxHasher::default();
        self.cluster.fingerprint(&mut hasher);
        let applies = matches!(self.stage, Stage::Applies(_));
        (self.history, deviations, applies, self.is_stale).hash(&mut hasher);
        self.sides.iter().for_each(|it| (it.in_use, it.is_touched).hash(&mut hasher));
        hasher.finish()
    }

    /// Returns the deviations that are possible at a request.
    pub fn deviations(&self, request: &Request, task: &Task) -> Vec<Deviation> {
        let acts =
            request.method != Method::Get && request.path.last().map(String::as_str) != Some("v1");
        let mut all = vec![
            Deviation::Refused,
            Deviation::TimeoutBefore,
            Deviation::Stops,
            Deviation::KilledBefore,
        ];
        if acts {
            all.extend([Deviation::TimeoutAfter, Deviation::ResetAfter, Deviation::KilledAfter]);
        } else {
            all.push(Deviation::ResetAfter);
        }
        let may_lack = optional(request).is_some_and(|bit| self.shown & bit == 0);
        let statuses = STATUSES.into_iter().filter(|it| *it != 404 || !may_lack);
        all.extend(statuses.map(Deviation::Status));
        let mut happenings = self.cluster.happenings(task.main());
        if task.options.whole_service {
            happenings.extend(self.cluster.happenings_of_service());
        }
        if matches!(self.stage, Stage::Applies(_)) && self.requests == 0 {
            happenings.extend(self.cluster.reservations());
        }
        all.extend(happenings.into_iter().map(Deviation::Happens));
        all
    }

    /// Answers a request, and checks it. It returns what is wrong with it, if anything is.
    pub fn perform(
        &mut self,
        request: &Request,
        deviation: Option<Deviation>,
        task: &Task,
    ) -> (Given, Option<String>) {
        self.requests += 1;
        if let Some(Deviation::Happens(happening)) = deviation {
            self.cluster.happen(happening, task.main());
        }
        let at = task.concerned(request);
        let part = task.parts[at];
        let mut problem = self.problem(request, at, task);
        let is_seen = !matches!(
            deviation,
            Some(
                Deviation::Refused
                    | Deviation::TimeoutBefore
                    | Deviation::Status(_)
                    | Deviation::Stops
                    | Deviation::KilledBefore
            )
        );
        let answer = is_seen.then(|| self.answer(request, part)).flatten();
        problem = problem.or_else(|| self.cluster.violations.pop());
        problem = problem.or_else(|| self.unplanned());
        if !self.cluster.removals.is_empty() {
            self.cluster.removals.clear();
            self.sides[at].has_changed = true;
        }
        self.sides[at].is_touched |= Change::of(request).is_some();
        let given = match deviation {
            Some(Deviation::Refused) => Given::Error(Error::Connect("refused".into())),
            Some(Deviation::TimeoutBefore | Deviation::TimeoutAfter) => {
                Given::Error(Error::Timeout)
            }
            Some(Deviation::ResetAfter) => Given::Error(Error::Reset),
            Some(Deviation::Status(status)) => Given::Answer(status, "".into()),
            Some(Deviation::Stops) => Given::Stopped,
            Some(Deviation::KilledBefore | Deviation::KilledAfter) => Given::Killed,
            Some(Deviation::Happens(_)) | None => match answer {
                Some((status, body)) => Given::Answer(status, body.into()),
                None => Given::Error(Error::Reset),
            },
        };
        self.learn(request, &given, task);
        if matches!(given, Given::Killed) {
            *self = Self::new(self.cluster.clone(), self.logic, task, self.stage.clone());
        } else {
            let mut hasher = FxHasher::default();
            (self.history, &request.path, &request.query).hash(&mut hasher);
            request.content.as_ref().map(|it| &it.bytes).hash(&mut hasher);
            match &given {
                Given::Answer(status, body) => (status, body).hash(&mut hasher),
                Given::Error(error) => format!("{error:?}").hash(&mut hasher),
                Given::Stopped | Given::Killed => 0.hash(&mut hasher),
            }
            self.history = hasher.finish();
        }
        (given, problem)
    }

    /// Returns the reason why a request should not be sent. It concerns the target with this number.
    fn problem(&self, request: &Request, at: usize, task: &Task) -> Option<String> {
        if let Err(why) = self.policy.check(request) {
            return Some(format!("the policy denies it: {why}"));
        }
        if self.requests > 200 {
            return Some("more than 200 requests".into());
        }
        let change = Change::of(request)?;
        let part = task.parts[at];
        if change == Change::Deletion && part.znode {
            if self.cluster.is_left(part) {
                return Some("the node is deleted while something is left".into());
            }
            if task.options.whole_service && self.cluster.is_service_left(part) {
                return Some("the node is deleted while something of its service is left".into());
            }
        }
        if let Stage::Applies(made) = &self.stage {
            if self.is_stale {
                return Some("a plan is carried out that is out of date".into());
            }
            if made.plan.refusal.is_some() {
                return Some("a plan is carried out that is refused".into());
            }
            let keeps = task.options.whole_service && !made.plan.elsewhere.is_empty();
            if change == Change::Deletion && keeps {
                return Some("the node is deleted, which stays in the plan".into());
            }
        }
        match (self.sides[at].in_use, task.options.in_use) {
            (_, InUse::Force) | (Some(false), _) => None,
            (Some(true), _) if change == Change::Teardown => None,
            (Some(true), _) => Some("something in use is changed".into()),
            (None, _) => {
                Some("something is changed, and nobody has looked whether it is in use".into())
            }
        }
    }

    /// Returns a request like this one that the policy should deny, but does not.
    pub fn hole(&self, request: &Request, task: &Task) -> Option<String> {
        Change::of(request)?;
        let all = mutations(request, &self.cluster, task);
        let passes = all.into_iter().find(|it| self.policy.check(it).is_ok())?;
        let content = passes.content.map(|it| String::from_utf8_lossy(&it.bytes).into_owned());
        let content = content.unwrap_or_default();
        Some(format!("the policy allows another request: {} {content}", passes.path.join("/")))
    }

    fn answer(&mut self, request: &Request, part: Part) -> Option<(u16, String)> {
        let answer = self.cluster.answer_to(request, part);
        self.cluster.requests.clear();
        answer
    }

    /// Returns whether the latest removals remove something that the plan does not show.
    fn unplanned(&self) -> Option<String> {
        let Stage::Applies(made) = &self.stage else { return None };
        let is_hidden = self.cluster.removals.iter().any(|it| !made.shows(it));
        is_hidden.then(|| "something is removed that the plan does not show".into())
    }

    /// Keeps what the host and the run learn from an answer.
    fn learn(&mut self, request: &Request, given: &Given, task: &Task) {
        let Given::Answer(200, body) = given else { return };
        self.shown |= optional(request).unwrap_or_default();
        let page = request.path.last().map(String::as_str);
        if let Some("slaves" | "frameworks") = page {
            let mut policy = (*self.policy).clone();
            policy.learn(request, body.as_bytes());
            self.policy = Rc::new(policy);
        }
        match page {
            Some("slaves") => {
                for (side, part) in self.sides.iter_mut().zip(&task.parts) {
                    let now = self.cluster.listed(*part);
                    let owning = self.cluster.owning(*part).map(Rc::new);
                    side.owning = owning.or(side.owning.take());
                    if let (Stage::Applies(made), None) = (&self.stage, &side.listed) {
                        self.is_stale = made.listed.as_deref() != Some(&now);
                    }
                    side.listed = Some(Rc::new(match (&side.listed, &request.query[..]) {
                        // A list of one agent does not show what the others have.
                        (Some(listed), [(_, id)]) => {
                            let others = listed.iter().filter(|(agent, ..)| agent != id).cloned();
                            let mut all: Vec<_> = others
                                .chain(now.into_iter().filter(|(agent, ..)| agent == id))
                                .collect();
                            all.sort();
                            all
                        }
                        _ => {
                            side.has_changed = false;
                            now
                        }
                    }));
                }
            }
            Some("frameworks") => {
                for (side, part) in self.sides.iter_mut().zip(&task.parts) {
                    let has_user = self.cluster.has_user(*part, side.owning.as_deref());
                    side.in_use = Some(has_user || self.cluster.has_new_master());
                }
            }
            _ => {}
        }
    }
}
