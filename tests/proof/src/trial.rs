//! All runs that begin with the same cluster: depth first, each deviation at each request.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use janitor_contract::types::{
    AgentLeft, CleanupPlan, Entry, Error, Failure, InUse, Reason, Report, Request, Target,
};
use janitor_guest::simulated::{Cluster, Part};
use rustc_hash::FxHashSet;

use crate::bound::{Manner, Task};
use crate::logic::Logic;
use crate::world::{Change, Deviation, Given, Side, World};

/// The numbers of a search.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// The clusters, each with a target.
    pub cases: u64,
    /// The runs that were carried out to their end.
    pub runs: u64,
    /// The runs that were left where they had become equal to another one.
    pub pruned: u64,
    /// The runs that called the target clean.
    pub clean: u64,
    /// The runs that were refused.
    pub refused: u64,
    /// The requests that were answered.
    pub requests: u64,
}

impl Count {
    /// Adds other numbers.
    pub fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.runs += other.runs;
        self.pruned += other.pruned;
        self.clean += other.clean;
        self.refused += other.refused;
        self.requests += other.requests;
    }
}

/// A run that breaks an invariant.
#[derive(Debug)]
pub struct Counterexample {
    /// The cluster at the beginning, as the stand-in reads it.
    pub cluster: String,
    /// The command's options.
    pub command: String,
    /// The invariant that it breaks.
    pub problem: String,
    /// The requests, each with the deviation and what the run received.
    pub steps: Vec<String>,
}

/// The longest time that a run may pause.
const LONGEST: Duration = Duration::from_secs(3600);

/// A request of the current run.
struct Step {
    request: Request,
    before: World,
    deviation: Option<Deviation>,
    given: Given,
    /// The deviations before it.
    spent: u8,
    /// The deviations that are to be tried.
    left: Vec<Deviation>,
}

/// The reason why a run is left.
enum Left {
    /// It is killed.
    Killed,
    /// It has become equal to another one.
    Equal,
    /// It has broken an invariant.
    Wrong,
}

/// The run that is tried.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The logic.
    pub logic: Logic,
    /// The task of the run.
    pub task: &'a Task,
    /// This is set when the policy is asked about other requests too.
    pub has_mutations: bool,
    /// How many agents of a list take as long as a request for one.
    pub agents_per_request: usize,
}

/// The search.
pub struct Trial<'a> {
    /// The run.
    pub setting: Setting<'a>,
    initial: Cluster,
    limit: u8,
    path: Vec<Step>,
    at: usize,
    world: World,
    spent: u8,
    seen: FxHashSet<u64>,
    /// The states from which an undisturbed run is known to end clean.
    recovering: FxHashSet<u64>,
    problem: Option<String>,
    is_stopped: bool,
    /// The time that the run has paused.
    pub elapsed: Duration,
    /// The numbers so far.
    pub count: Count,
    /// This is set when a run has asked how many agents of a list take as long as a request for one.
    pub has_weighed: Cell<bool>,
    /// This is set when a run has asked for a removal.
    pub has_removed: bool,
}

impl<'a> Trial<'a> {
    /// Creates the search for runs with at most this many deviations.
    pub fn new(setting: Setting<'a>, initial: Cluster, limit: u8) -> Self {
        let task = setting.task;
        let world = World::new(initial.clone(), setting.logic, task, task.first());
        Self {
            setting,
            initial,
            limit,
            path: Vec::new(),
            at: 0,
            world,
            spent: 0,
            seen: FxHashSet::default(),
            recovering: FxHashSet::default(),
            problem: None,
            is_stopped: false,
            elapsed: Duration::ZERO,
            count: Count { cases: 1, ..Count::default() },
            has_weighed: Cell::new(false),
            has_removed: false,
        }
    }

    /// Tries all runs.
    ///
    /// # Errors
    /// Fails with the first run that breaks an invariant.
    pub fn all(&mut self) -> Result<(), Counterexample> {
        loop {
            match self.run() {
                Err(Left::Equal) => self.count.pruned += 1,
                Err(Left::Killed | Left::Wrong) => self.count.runs += 1,
                Ok(results) => {
                    self.count.runs += 1;
                    if self.problem.is_none() {
                        self.problem = self.verdict(&results);
                    }
                }
            }
            if let Some(problem) = self.problem.take() {
                return Err(self.counterexample(problem));
            }
            if !self.advance() {
                return Ok(());
            }
        }
    }

    /// Carries the current run out, again if it is killed. It returns a result for each target.
    fn run(&mut self) -> Result<Vec<Result<Report, Failure>>, Left> {
        (self.at, self.is_stopped) = (0, false);
        let mut plan = None;
        loop {
            self.elapsed = Duration::ZERO;
            let run = AssertUnwindSafe(|| self.carry_out(&mut plan));
            let left = match catch_unwind(run) {
                Ok(results) => return Ok(results),
                Err(payload) => payload.downcast::<Left>().map(|it| *it),
            };
            match left {
                Ok(Left::Killed) => {}
                Ok(left) => return Err(left),
                Err(_) => {
                    self.problem = Some("it panics".into());
                    return Err(Left::Wrong);
                }
            }
        }
    }

    /// Does what the run is asked to do. A plan that was made before is carried out again.
    fn carry_out(&mut self, plan: &mut Option<CleanupPlan>) -> Vec<Result<Report, Failure>> {
        let Setting { logic, task, .. } = self.setting;
        let Task { targets, options, .. } = task;
        let [target] = &targets[..] else {
            return logic.clean_all(self, targets, options);
        };
        if !task.manner.is_planned() {
            return vec![logic.clean(self, target, options)];
        }
        let plan = match plan {
            Some(plan) => plan,
            None => match logic.plan(self, target, options) {
                Ok(made) => {
                    if self.is_new() {
                        self.world.apply(made.clone(), task);
                    }
                    plan.insert(made)
                }
                Err(failure) => {
                    let (reason, message) = (failure.reason, failure.message);
                    return vec![Err(Failure { reason, message, report: Report::NOTHING })];
                }
            },
        };
        vec![logic.apply(self, plan, options)]
    }

    /// Returns whether the run has come to what no run has done before.
    fn is_new(&self) -> bool {
        self.at == self.path.len()
    }

    /// Takes the next deviation. It returns whether there is one.
    fn advance(&mut self) -> bool {
        while let Some(step) = self.path.last_mut() {
            let Some(deviation) = step.left.pop() else {
                self.path.pop();
                continue;
            };
            self.world = step.before.clone();
            self.spent = step.spent + 1;
            let task = self.setting.task;
            let (given, problem) = self.world.perform(&step.request, Some(deviation), task);
            (step.given, step.deviation) = (given, Some(deviation));
            self.problem = problem;
            self.count.requests += 1;
            return true;
        }
        false
    }

    /// Answers the next request of the run.
    ///
    /// # Errors
    /// Fails if the run is being stopped.
    pub fn sent(&mut self, request: &Request) -> Result<Given, Error> {
        if self.is_stopped {
            return Err(Error::Stopped);
        }
        let given = match self.path.get(self.at) {
            Some(step) if step.request == *request => step.given.clone(),
            Some(_) => {
                self.problem = Some("the same answers are followed by another request".into());
                resume_unwind(Box::new(Left::Wrong));
            }
            None => self.ask(request),
        };
        self.at += 1;
        match given {
            _ if self.problem.is_some() && self.is_new() => resume_unwind(Box::new(Left::Wrong)),
            Given::Stopped => {
                self.is_stopped = true;
                Err(Error::Stopped)
            }
            Given::Killed => resume_unwind(Box::new(Left::Killed)),
            given => Ok(given),
        }
    }

    /// Pauses. It returns whether the run may continue.
    pub fn paused(&mut self, duration: Duration) -> bool {
        self.elapsed += duration;
        if self.elapsed > LONGEST {
            self.problem = Some("it pauses for hours".into());
            resume_unwind(Box::new(Left::Wrong));
        }
        !self.is_stopped
    }

    /// Notes a line of the log. A run that says that it waits, or has waited, must look again whether
    /// the target is in use.
    pub fn logged(&mut self, entry: &Entry) {
        let is_wait = ["Waiting up to ", "Repeating the phases: "];
        if self.is_new() && is_wait.iter().any(|it| entry.message.starts_with(it)) {
            self.world.wait();
        }
    }

    /// Answers a request that no run has sent yet after the same ones.
    fn ask(&mut self, request: &Request) -> Given {
        self.has_removed |= Change::of(request) == Some(Change::Removal);
        if !self.seen.insert(self.world.fingerprint(self.spent)) {
            resume_unwind(Box::new(Left::Equal));
        }
        let left = match self.spent < self.limit {
            true => self.world.deviations(request, self.setting.task),
            false => Vec::new(),
        };
        let before = self.world.clone();
        let given;
        (given, self.problem) = self.world.perform(request, None, self.setting.task);
        if self.problem.is_none() && self.setting.has_mutations {
            self.problem = before.hole(request, self.setting.task);
        }
        self.count.requests += 1;
        let step = Step {
            request: request.clone(),
            before,
            deviation: None,
            given: given.clone(),
            spent: self.spent,
            left,
        };
        self.path.push(step);
        given
    }

    /// Returns the invariant that the end of a run breaks, if it breaks one.
    fn verdict(&mut self, results: &[Result<Report, Failure>]) -> Option<String> {
        let task = self.setting.task;
        if results.len() != task.parts.len() {
            return Some("a target has no verdict".into());
        }
        self.count.clean += u64::from(results.iter().all(Result::is_ok));
        let refused = |it: &Result<_, Failure>| it.as_ref().is_err_and(|it| is_refusal(it.reason));
        self.count.refused += u64::from(results.iter().all(refused));
        let each = task.parts.iter().zip(results).zip(&self.world.sides);
        let mut wrong =
            each.filter_map(|((part, result), side)| self.wrong(*part, result, side, results));
        if let Some(wrong) = wrong.next() {
            return Some(wrong);
        }
        drop(wrong);
        let calm = self.world.cluster.calmed();
        let (plain, logic) = (task.plain(), self.setting.logic);
        let after = World::new(calm.clone(), logic, &plain, plain.first());
        if self.recovering.insert(after.fingerprint(0)) {
            let mut again = Trial::new(Setting { task: &plain, ..self.setting }, calm, 0);
            let results = again.run();
            if let Some(problem) = again.problem.take() {
                return Some(format!("a later run: {problem}"));
            }
            let is_left = plain.parts.iter().any(|it| again.world.cluster.is_left(*it));
            // A role that is no target, or a mistaken one, keeps what the service has at the end.
            let has_rest = plain.options.whole_service
                && plain.parts.iter().any(|it| again.world.cluster.is_service_left(*it));
            let is_refused =
                |it: &Result<_, Failure>| it.as_ref().is_err_and(|it| is_mistake(it.reason));
            let keeps = plain.options.whole_service
                && results.as_ref().is_ok_and(|all| all.iter().any(is_refused));
            let is_clean = |it: &Result<_, Failure>| match it {
                Ok(_) => !has_rest,
                Err(failure) if (has_rest || keeps) && failure.reason == Reason::Incomplete => true,
                Err(failure) => is_mistake(failure.reason),
            };
            if is_left || !results.is_ok_and(|it| it.iter().all(is_clean)) {
                return Some("a later run does not end clean".into());
            }
        }
        None
    }

    /// Returns the invariant that the result of one target breaks, if it breaks one.
    fn wrong(
        &self,
        part: Part,
        result: &Result<Report, Failure>,
        side: &Side,
        all: &[Result<Report, Failure>],
    ) -> Option<String> {
        let cluster = &self.world.cluster;
        let report = match result {
            Ok(report) => {
                if cluster.is_left(part) {
                    return Some("it is called clean, and something is left".into());
                }
                if self.setting.task.options.whole_service && cluster.is_service_left(part) {
                    return Some("it is called clean, and something of its service is left".into());
                }
                if part.znode && cluster.has_znode(part) {
                    return Some("it is called clean, and the node is left".into());
                }
                report
            }
            Err(failure) => {
                if is_refusal(failure.reason) && side.is_touched {
                    return Some("it is refused, and something is changed".into());
                }
                &failure.report
            }
        };
        if self.spent == 0
            && let Some(wrong) = self.unexpected(part, result, all)
        {
            return Some(wrong);
        }
        // One of several targets may have been listed for another one since.
        let is_alone = self.world.sides.len() == 1;
        if let (Some(left), Some(listed), false) = (&report.left, &side.listed, side.has_changed)
            && is_alone
        {
            let count =
                |it: &AgentLeft| (it.agent.clone(), it.volumes as usize, it.resources as usize);
            let reported: Vec<_> = left.iter().map(count).collect();
            if reported != **listed {
                return Some(format!("{reported:?} is reported as left, and {listed:?} is listed"));
            }
        }
        None
    }

    /// Returns what is unexpected about the result of one target without any deviation.
    fn unexpected(
        &self,
        part: Part,
        result: &Result<Report, Failure>,
        all: &[Result<Report, Failure>],
    ) -> Option<String> {
        let reason = result.as_ref().err().map(|it| it.reason);
        let is_refused = reason.is_some_and(is_refusal);
        let task = self.setting.task;
        let keeps = match task.options.in_use {
            InUse::Refuse => true,
            InUse::Teardown => !self.initial.may_be_torn_down(part),
            InUse::Force => false,
        };
        // A list that names nobody shows nothing.
        let is_empty = self.initial.is_list_empty();
        if keeps && !is_empty && self.initial.is_used(part) && !is_refused {
            return Some(format!("it is in use, and the run ends with {reason:?}"));
        }
        let is_complete = self.initial.is_complete(part) && self.is_service_complete(all);
        let expected = match is_complete {
            _ if is_empty => Some(Reason::Failed),
            false => Some(Reason::Incomplete),
            true => None,
        };
        if !is_refused && reason != expected {
            return Some(format!("{expected:?} is expected, and not {reason:?}"));
        }
        let Err(Failure { reason: Reason::Incomplete, report, .. }) = result else { return None };
        let is_named =
            |id: &&str| report.unreached.iter().chain(&report.ignored).any(|it| it.agent == **id);
        let mut away = self.initial.away_with_rest().filter(|_| task.options.whole_service);
        let unnamed = away.find(|id| !is_named(id))?;
        Some(format!("it is away, has something of the service, and is not named: {unnamed}"))
    }

    /// Returns whether everything of the target's service can be cleaned, if it is to be, and is a target.
    fn is_service_complete(&self, all: &[Result<Report, Failure>]) -> bool {
        let task = self.setting.task;
        let is_refused =
            |it: &Result<_, Failure>| it.as_ref().is_err_and(|it| is_refusal(it.reason));
        !task.options.whole_service
            || task.parts.contains(&Part::REST)
                && task.parts.iter().all(|it| self.initial.is_complete(*it))
                && !all.iter().any(is_refused)
    }

    /// Describes the current run.
    fn counterexample(&self, problem: String) -> Counterexample {
        let words = |step: &Step| {
            let deviation = step.deviation.map(|it| format!(" [{it:?}]")).unwrap_or_default();
            let Request { method, path, content, .. } = &step.request;
            let content = content.as_ref().map(|it| String::from_utf8_lossy(&it.bytes));
            let content = content.map(|it| format!(" {it}")).unwrap_or_default();
            format!("{method:?} {}{content}{deviation}\n    {}", path.join("/"), step.given)
        };
        Counterexample {
            cluster: format!("{:#}\n", self.initial.scenario()),
            command: format!("{}\n", command(self.setting.task)),
            problem,
            steps: self.path.iter().map(words).collect(),
        }
    }
}

/// Returns the commands that clean the targets, one a line.
fn command(task: &Task) -> String {
    let [manner, plan] = match task.manner {
        Manner::Plain | Manner::Several => ["", ""],
        // The options that name a part of a service do not name the whole.
        Manner::Service => [" # whole_service", ""],
        Manner::ServicePlans => [" # whole_service", "plan "],
        Manner::Waits => [" --wait 1", ""],
        Manner::TearsDown => [" --teardown", ""],
        Manner::Forces => [" --force", ""],
        Manner::Plans => ["", "plan "],
    };
    let lines = task.targets.iter().map(|it| format!("{plan}{}{manner}", selection(it)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the options of the command that select a target.
fn selection(target: &Target) -> String {
    let option = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("{name} '{value}'"))
    };
    let labels = target.labels.iter().map(|it| {
        let value = it.value.as_ref().map_or_else(String::new, |value| format!("={value}"));
        format!("--label '{}{value}'", it.key)
    });
    let all = [
        option("-r", &target.role),
        option("-p", &target.principal),
        option("-z", &target.znode),
        option("--framework-id", &target.framework_id),
    ];
    all.into_iter().flatten().chain(labels).collect::<Vec<_>>().join(" ")
}

/// Returns whether a run was refused before it changed anything.
fn is_refusal(reason: Reason) -> bool {
    is_mistake(reason)
        || matches!(
            reason,
            Reason::InvalidTarget | Reason::InUse | Reason::InUseUnknown | Reason::Changed
        )
}

/// Returns whether a target was refused because nothing of the role is its own.
fn is_mistake(reason: Reason) -> bool {
    matches!(reason, Reason::OtherPrincipals | Reason::OtherLabels | Reason::RoleNotFound)
}

/// The answer to a request.
pub struct Body {
    /// The status.
    pub status: u16,
    /// The body, until it is read.
    pub text: Option<Rc<str>>,
}
