//! The surroundings of a run at one moment, and the answer to its next request.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use janitor_contract::types::{Error, Method, Options, Request};
use janitor_guest::simulated::bounded::Happening;
use janitor_guest::simulated::{Cluster, Part};
use janitor_policy::Policy;
use rustc_hash::FxHasher;

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

/// The cluster, and what the host and the run know of it.
#[derive(Clone)]
pub struct World {
    /// The cluster.
    pub cluster: Cluster,
    /// The host's policy.
    policy: Rc<Policy>,
    /// A number that identifies all requests of the run and what it received.
    history: u64,
    /// The resources of the target that the master last listed to this run.
    pub listed: Option<Rc<Vec<(String, usize, usize)>>>,
    /// This is set when the run has changed something since.
    pub has_changed: bool,
    /// Whether frameworks used the target when the run last read their list.
    in_use: Option<bool>,
    /// The pages of [`OPTIONAL`] that the master has shown to the run, as bits.
    shown: u8,
    /// The requests of the run.
    pub requests: u32,
}

/// The last segments of the pages that an old master lacks. A run that cannot read them at all
/// warns of that, and believes the other pages.
const OPTIONAL: [&str; 4] = ["roles", "snapshot", "registry", "status"];

/// Returns the bit of a page of [`OPTIONAL`].
fn optional(request: &Request) -> Option<u8> {
    let at = OPTIONAL.iter().position(|it| request.path.last().is_some_and(|last| last == it))?;
    Some(1 << at)
}

impl World {
    /// Begins a run.
    pub fn new(cluster: Cluster, part: Part, options: &Options) -> Self {
        let policy = Rc::new(Policy::clean(&part.target(), options));
        let (listed, in_use) = (None, None);
        Self {
            cluster,
            policy,
            history: 0,
            listed,
            has_changed: false,
            in_use,
            shown: 0,
            requests: 0,
        }
    }

    /// Returns a number that two moments share only if the same can follow.
    pub fn fingerprint(&self, deviations: u8) -> u64 {
        let mut hasher = FxHasher::default();
        self.cluster.fingerprint(&mut hasher);
        (self.history, deviations).hash(&mut hasher);
        hasher.finish()
    }

    /// Returns the deviations that are possible at a request.
    pub fn deviations(&self, request: &Request, part: Part) -> Vec<Deviation> {
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
        all.extend(self.cluster.happenings(part).into_iter().map(Deviation::Happens));
        all
    }

    /// Answers a request, and checks it. It returns what is wrong with it, if anything is.
    pub fn perform(
        &mut self,
        request: &Request,
        deviation: Option<Deviation>,
        part: Part,
        options: &Options,
    ) -> (Given, Option<String>) {
        self.requests += 1;
        if let Some(Deviation::Happens(happening)) = deviation {
            self.cluster.happen(happening, part);
        }
        let mut problem = self.problem(request, part);
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
        self.learn(request, &given, part);
        if matches!(given, Given::Killed) {
            *self = Self::new(self.cluster.clone(), part, options);
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

    /// Returns the reason why a request should not be sent.
    fn problem(&self, request: &Request, part: Part) -> Option<String> {
        if let Err(why) = self.policy.check(request) {
            return Some(format!("the policy denies it: {why}"));
        }
        if self.requests > 200 {
            return Some("more than 200 requests".into());
        }
        let is_deletion = request.method == Method::Delete;
        if is_deletion && part.znode && self.cluster.is_left(part) {
            return Some("the node is deleted while something is left".into());
        }
        let is_removal = ["destroy-volumes", "unreserve"].map(String::from);
        let is_change =
            is_deletion || request.path.last().is_some_and(|it| is_removal.contains(it));
        match self.in_use {
            Some(false) => None,
            _ if !is_change => None,
            Some(true) => Some("something in use is changed".into()),
            None => Some("something is changed, and nobody has looked whether it is in use".into()),
        }
    }

    fn answer(&mut self, request: &Request, part: Part) -> Option<(u16, String)> {
        let answer = self.cluster.answer_to(request, part);
        self.cluster.requests.clear();
        if !self.cluster.removals.is_empty() {
            self.cluster.removals.clear();
            self.has_changed = true;
        }
        answer
    }

    /// Keeps what the host and the run learn from an answer.
    fn learn(&mut self, request: &Request, given: &Given, part: Part) {
        let Given::Answer(200, body) = given else { return };
        self.shown |= optional(request).unwrap_or_default();
        match request.path.last().map(String::as_str) {
            Some("slaves") => {
                let mut policy = (*self.policy).clone();
                let mut watch = policy.watch(request);
                policy.read(&mut watch, body.as_bytes());
                policy.read(&mut watch, &[]);
                self.policy = Rc::new(policy);
                let now = self.cluster.listed(part);
                self.listed = Some(Rc::new(match (&self.listed, &request.query[..]) {
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
                        self.has_changed = false;
                        now
                    }
                }));
            }
            Some("frameworks") => self.in_use = Some(self.cluster.is_used(part)),
            _ => {}
        }
    }
}
