//! Proposes what to do after a run, above all the next command.

use janitor_contract::describe::{framework_words, is_shared};
use janitor_contract::request::Server;
use janitor_contract::types::{
    AppOutcome, AppResult, CleanupPlan, Elsewhere, Framework, InUse, Options, Reason, Report,
    Target, Unreached, UnreachedReason, ZnodeOutcome,
};
use janitor_contract::{Done, RunError, planned};

use crate::access::access;
pub use crate::access::{CERTIFICATES, Denial};
use crate::command_line::print::{Caller, Invocation};
use crate::extent::{changes_anything, elsewhere};

/// A finished run, with everything that is known about it.
pub struct Ran {
    /// Its result.
    pub result: Result<Done, RunError>,
    /// The frameworks that use its target.
    pub frameworks: Vec<Framework>,
    /// The servers that denied it access, each once for each denial.
    pub denials: Vec<(Server, Denial)>,
}

/// The obstacles that a run found.
struct Obstacles<'a> {
    frameworks: &'a [Framework],
    unreached: &'a [Unreached],
    elsewhere: &'a [Elsewhere],
}

/// Proposes what to do after a run, one line each.
pub fn after(ran: &Ran, run: &Invocation) -> Vec<String> {
    let frameworks = &ran.frameworks;
    let denials = ran.denials.iter();
    let mut lines: Vec<_> =
        denials.filter_map(|(server, it)| access(*server, *it, &run.endpoints)).collect();
    match &ran.result {
        Err(RunError::Failure(failure)) => {
            let report = &failure.report;
            let (unreached, elsewhere) = (&report.unreached, &report.elsewhere);
            let obstacles = Obstacles { frameworks, unreached, elsewhere };
            lines.extend(instead(failure.reason, run, &obstacles));
            let znode = report.znode.as_ref().map(|znode| &znode.outcome);
            if matches!(znode, Some(ZnodeOutcome::Failed(_))) && run.endpoints.ensemble().is_none()
            {
                lines.push(
                    "If Exhibitor cannot be reached: -e https://CLUSTER/exhibitor/ uses DC/OS's Admin \
                     Router, -e zk://HOST:2181/ uses ZooKeeper itself."
                        .into(),
                );
            }
        }
        Err(RunError::Read(failure)) => {
            let obstacles = Obstacles { frameworks, unreached: &[], elsewhere: &[] };
            lines.extend(instead(failure.reason, run, &obstacles));
        }
        Err(RunError::Violation(violation)) if !violation.has_run() => {
            lines.push("Nothing was changed: the component did not run.".into());
        }
        Err(_) => lines.extend([
            "This is a bug of the component, or a limit is too low. It is not known what is left."
                .into(),
            "Run the same command again, with \"-v\".".into(),
        ]),
        Ok(Done::Planned(plan)) => {
            let is_possible = plan.refusal.is_none();
            let changes = is_possible && changes_anything(plan, &run.options);
            // A plan that is written to a file is applied from there.
            if changes && run.caller.plan.is_none() {
                let command = run.clean(&plan.target, &run.options);
                lines.push(format!("To carry out this plan: {command}"));
            }
            if is_possible && !changes && plan.unreached.is_empty() {
                lines.push("There is nothing to do.".into());
            }
            lines.extend(after_plan(plan, &[], frameworks, run));
        }
        Ok(Done::PlannedAll(results)) => {
            let changes =
                |it: &CleanupPlan| it.refusal.is_none() && changes_anything(it, &run.options);
            let is_nothing = results.iter().all(|it| it.as_ref().is_ok_and(|it| !changes(it)));
            if is_nothing {
                lines.push("There is nothing to do.".into());
            } else if run.caller.plan.is_none() && !run.caller.several.is_empty() {
                lines.push(format!("To carry out these plans: {}", run.clean_all()));
            }
            lines.extend(after_parts(ran, run));
        }
        Ok(Done::CleanedAll(_)) => lines.extend(after_parts(ran, run)),
        Ok(Done::Cleaned(Report { self_removal: Some(AppResult { app, outcome }), .. })) => {
            if matches!(outcome, AppOutcome::Failed(_)) {
                lines.push(format!(
                    "App '{app}' is still in Marathon, which may start it again: remove it there."
                ));
            }
        }
        Ok(Done::Cleaned(_) | Done::Discovered(_)) => {}
    }
    lines
}

/// Proposes what to do after a plan, except for carrying it out, if the same run makes all plans of `beside`.
fn after_plan(
    plan: &CleanupPlan,
    beside: &[&CleanupPlan],
    frameworks: &[Framework],
    run: &Invocation,
) -> Vec<String> {
    let elsewhere: Vec<_> = elsewhere(plan, beside).into_iter().cloned().collect();
    let (unreached, elsewhere) = (&plan.unreached, &elsewhere);
    let obstacles = Obstacles { frameworks, unreached, elsewhere };
    match plan.refusal {
        Some(reason) => instead(reason, run, &obstacles),
        None => around(run, &obstacles),
    }
}

/// Proposes what to do after each part of a run for several targets, each line once.
fn after_parts(ran: &Ran, run: &Invocation) -> Vec<String> {
    let mut lines = Vec::new();
    let plans = match &ran.result {
        Ok(Done::PlannedAll(results)) => results.iter().flatten().collect(),
        _ => Vec::new(),
    };
    let parts = ran.parts(run);
    let targets: Vec<_> = parts.iter().filter_map(|(_, run)| run.call.target().cloned()).collect();
    for (mut ran, run) in parts {
        let of_part = match &mut ran.result {
            Ok(Done::Planned(plan)) => after_plan(plan, &plans, &ran.frameworks, &run),
            Err(RunError::Failure(failure)) => {
                if let Some(target) = run.call.target() {
                    let all = std::mem::take(&mut failure.report.elsewhere);
                    let beside: Vec<_> = targets.iter().collect();
                    let left = planned::elsewhere(target, &all, &beside).cloned().collect();
                    failure.report.elsewhere = left;
                }
                after(&ran, &run)
            }
            _ => after(&ran, &run),
        };
        for line in of_part {
            // Another target may well have been changed.
            let line = line.strip_prefix("Nothing was changed. ").unwrap_or(&line).to_owned();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

impl Ran {
    /// Returns the parts of a run for several targets, each as if it were the only one; there are
    /// none for a run of any other kind.
    pub fn parts(&self, run: &Invocation) -> Vec<(Self, Invocation)> {
        let Ok(done) = &self.result else { return vec![] };
        let parts = run.call.parts().into_iter().zip(done.parts());
        let parts = parts.map(|(call, result)| {
            let frameworks = match &result {
                Ok(Done::Planned(plan)) => plan.frameworks.clone(),
                _ => using(call.target(), &self.frameworks),
            };
            // A plan of one part must not replace the file of all.
            let caller = Caller { plan: None, ..run.caller.clone() };
            let run = Invocation { call, caller, ..run.clone() };
            (Self { result, frameworks, denials: vec![] }, run)
        });
        parts.collect()
    }
}

/// Returns the frameworks that have the role of a target, or a role below it.
fn using(target: Option<&Target>, frameworks: &[Framework]) -> Vec<Framework> {
    let Some(role) = target.and_then(|it| it.role.as_deref()) else { return vec![] };
    let is_its = |it: &String| {
        it.strip_prefix(role).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    frameworks.iter().filter(|it| it.roles.iter().any(is_its)).cloned().collect()
}

/// Lists the names on the command line that had no effect on a run, one line each. A run that
/// ended before it looked for them proves nothing.
pub fn without_effect(ran: &Ran, options: &Options) -> Vec<String> {
    let Some(ignored) = ignored(&ran.result) else { return vec![] };
    let is_ignored = |name: &String| {
        let only = Options { ignored_agents: vec![name.clone()], ..Options::DEFAULT };
        ignored.iter().any(|it| planned::is_ignored(&it.agent, &it.hostname, &only))
    };
    let agents = options.ignored_agents.iter().filter(|it| !is_ignored(it)).map(|it| {
        format!(
            "--ignore-agent {it} had no effect: no agent with this ID or host name had to be ignored"
        )
    });
    let is_user = |id: &String| ran.frameworks.iter().any(|it| it.id == *id);
    let frameworks = options.teardown.iter().filter(|it| !is_user(it)).map(|it| {
        format!(
            "--teardown {it} had no effect: no registered framework with this ID uses the target"
        )
    });
    agents.chain(frameworks).collect()
}

/// Returns the agents that a run ignored, if it looked for them.
fn ignored(result: &Result<Done, RunError>) -> Option<Vec<Unreached>> {
    match result {
        Ok(Done::Cleaned(report)) => Some(report.ignored.clone()),
        Ok(Done::Planned(plan)) => Some(plan.ignored.clone()),
        Ok(done @ (Done::CleanedAll(_) | Done::PlannedAll(_))) => {
            let parts: Option<Vec<_>> = done.parts().iter().map(ignored).collect();
            parts.map(|parts| parts.concat())
        }
        Ok(Done::Discovered(_)) => None,
        Err(RunError::Failure(it)) if it.reason == Reason::Incomplete => {
            Some(it.report.ignored.clone())
        }
        Err(_) => None,
    }
}

/// Proposes what to do instead of, or after, a run that ended for this reason.
fn instead(reason: Reason, run: &Invocation, obstacles: &Obstacles) -> Vec<String> {
    let Some(target) = run.call.target() else {
        return vec!["Next, once the problem is fixed: the same command again.".into()];
    };
    let again = |options: &Options| run.clean(target, options);
    let same = again(&run.options);
    match reason {
        Reason::NothingToDo => vec![],
        Reason::InvalidTarget => {
            vec!["Nothing was changed. See janitor --help for how to name a target.".into()]
        }
        Reason::SystemZnode => {
            let forced = again(&Options { system_znode: true, ..run.options.clone() });
            vec![format!("To delete a node of the cluster itself: {forced}")]
        }
        Reason::OtherPrincipals => other_principals(run, target, obstacles),
        Reason::OtherLabels => {
            let mut lines = vec![format!(
                "Next, correct the labels; this shows whose reservations they are: {}",
                run.discover()
            )];
            lines.extend(znode_alone(run, target));
            lines
        }
        Reason::RoleNotFound => role_not_found(run, target, obstacles),
        Reason::InUse => in_use(run, target, obstacles.frameworks),
        Reason::InUseUnknown => vec![
            "Next, check the server that does not answer correctly; or, if permissions are \
             missing, allow this user to view all frameworks and roles (VIEW_FRAMEWORK, \
             VIEW_ROLE)."
                .into(),
            "After a change of the leading master, wait until all agents and frameworks have \
             registered again."
                .into(),
            format!("Then: {same}"),
        ],
        Reason::Changed => {
            let plan = match run.caller.several.is_empty() {
                true => run.new_plan(target, &run.options),
                false => run.new_plans(),
            };
            vec![format!("Next, make a new plan: {plan}")]
        }
        Reason::Failed => vec![format!("Next, once the problem is fixed: {same}")],
        Reason::Incomplete => {
            let mut lines = vec![format!("Next, once that has changed: {same}")];
            lines.extend(around(run, obstacles));
            lines
        }
        Reason::Stopped => vec![format!("Next, to continue: {same}")],
    }
}

/// Proposes the principal that is probably meant, where the one of the target made nothing.
fn other_principals(run: &Invocation, target: &Target, obstacles: &Obstacles) -> Vec<String> {
    let meant = obstacles.elsewhere.iter().filter(|it| Some(&it.role) == target.role.as_ref());
    let mut lines: Vec<_> = meant
        .filter_map(|it| it.principal.as_ref())
        .map(|principal| {
            let other = Target { principal: Some(principal.clone()), ..target.clone() };
            let command = run.clean(&other, &run.options);
            format!("Next, if you mean principal '{principal}': {command}")
        })
        .collect();
    if lines.is_empty() {
        lines.push(format!(
            "Next, correct the principal; this shows which principal made what: {}",
            run.discover()
        ));
    }
    lines.extend(znode_alone(run, target));
    lines
}

/// Proposes to delete the target's znode alone, if it names one: the rest may be removed already.
fn znode_alone(run: &Invocation, target: &Target) -> Option<String> {
    let Target { znode, marathon_app, .. } = target.clone();
    let znode = Target { znode: Some(znode?), marathon_app, ..Target::NOTHING };
    let options = Options { whole_service: false, ..run.options.clone() };
    let alone = run.clean(&znode, &options);
    Some(format!("Or, if only the znode is left to delete: {alone}"))
}

/// Proposes what to do about a role that is more likely misspelt than clean.
fn role_not_found(run: &Invocation, target: &Target, obstacles: &Obstacles) -> Vec<String> {
    let mut lines = vec![format!(
        "Nothing was changed. Correct the name; this lists all roles: {}",
        run.discover()
    )];
    lines.extend(obstacles.elsewhere.iter().map(|it| {
        let other = Target { role: Some(it.role.clone()), ..target.clone() };
        format!("If you mean role '{}': {}", it.role, run.clean(&other, &run.options))
    }));
    if run.options.strict {
        let lenient = Options { strict: false, ..run.options.clone() };
        lines.push(format!("If the role is clean already: {}", run.clean(target, &lenient)));
    }
    lines
}

/// Proposes what to do about frameworks that still use the role: a teardown if they serve only the
/// service, because they have no other role and run no apps of others; otherwise the removal of
/// their data.
fn in_use(run: &Invocation, target: &Target, frameworks: &[Framework]) -> Vec<String> {
    let forced = Options { in_use: InUse::Force, teardown: vec![], ..run.options.clone() };
    let forced = format!("Or, to remove the data that they use: {}", run.clean(target, &forced));
    let of_the_role_alone = |it: &Framework| {
        !it.roles.is_empty() && it.roles.iter().all(|role| Some(role) == target.role.as_ref())
    };
    if frameworks.is_empty() {
        let uninstall = format!(
            "Next, uninstall the service that uses it; this shows which one does: {}",
            run.discover()
        );
        return vec![uninstall, forced];
    }
    let others: Vec<_> =
        frameworks.iter().filter(|it| !of_the_role_alone(it) || is_shared(it)).collect();
    if others.is_empty() {
        let mut teardown = run.options.teardown.clone();
        for framework in frameworks.iter().filter(|it| !run.options.teardown.contains(&it.id)) {
            teardown.push(framework.id.clone());
        }
        let options = Options { in_use: InUse::Teardown, teardown, ..run.options.clone() };
        return vec![format!(
            "Next, uninstall the service; or, to end its framework permanently: {}",
            run.clean(target, &options)
        )];
    }
    let names: Vec<_> = others.into_iter().map(framework_words).collect();
    let uninstall = format!(
        "Next, uninstall the service. Tearing down framework {} would end more than that.",
        names.join(", ")
    );
    vec![uninstall, forced]
}

/// Proposes what to do about the things that a run cannot reach or does not remove.
fn around(run: &Invocation, Obstacles { unreached, elsewhere, .. }: &Obstacles) -> Vec<String> {
    let Some(target) = run.call.target() else { return vec![] };
    let mut lines = Vec::new();
    let is_hidden = |it: &&Unreached| it.reason == UnreachedReason::HiddenReservations;
    if unreached.iter().any(|it| is_hidden(&it)) {
        lines.push("Allow this user to view all roles (VIEW_ROLE).".into());
    }
    if unreached.iter().any(|it| it.reason == UnreachedReason::OperationPending) {
        lines.push("Wait until the agents have carried out their pending operations.".into());
    }
    let mut ignored_agents = run.options.ignored_agents.clone();
    // An agent with a pending operation may well be connected.
    let is_away =
        |it: &&Unreached| !is_hidden(it) && it.reason != UnreachedReason::OperationPending;
    for Unreached { agent, hostname, .. } in unreached.iter().filter(is_away) {
        let agent = if agent.is_empty() { hostname } else { agent };
        if !agent.is_empty() && !ignored_agents.contains(agent) {
            ignored_agents.push(agent.clone());
        }
    }
    if ignored_agents.len() > run.options.ignored_agents.len() {
        let options = Options { ignored_agents, ..run.options.clone() };
        lines.push(format!(
            "If these agents will never come back: mark them as gone (the master's MARK_AGENT_GONE \
             call, since Mesos 1.5), or ignore their resources: {}",
            run.clean(target, &options)
        ));
    }
    let plain = Options {
        in_use: InUse::Refuse,
        teardown: vec![],
        whole_service: false,
        system_znode: false,
        ..run.options.clone()
    };
    lines.extend(elsewhere.iter().map(|Elsewhere { role, principal, .. }| {
        let (role, principal) = (Some(role.clone()), principal.clone());
        let other = Target { role, principal, ..Target::NOTHING };
        match other.principal {
            Some(_) => format!("To clean that role too: {}", run.clean(&other, &plain)),
            // A role's name alone does not prove that the role belongs to the service.
            None => format!("To inspect that role: {}", run.plan(&other, &plain)),
        }
    }));
    lines
}

#[cfg(test)]
mod tests {
    use janitor_contract::types::{CleanupPlan, Failure, Report};

    use janitor_contract::{Call, Endpoints};

    use super::*;

    fn asked(role: &str, options: Options) -> Invocation {
        let target = Target {
            role: Some(role.into()),
            principal: Some("kafka-principal".into()),
            znode: Some("dcos-service-kafka".into()),
            ..Target::NOTHING
        };
        let (endpoints, component) = (Endpoints::default(), vec![]);
        Invocation {
            call: Call::Clean(target),
            options,
            endpoints,
            component,
            caller: Caller::default(),
        }
    }

    fn framework(id: &str, name: &str, roles: &[&str]) -> Framework {
        let roles = roles.iter().map(ToString::to_string).collect();
        Framework { id: id.into(), name: name.into(), active: true, roles, tasks: 3 }
    }

    fn unreached(agent: &str, hostname: &str, reason: UnreachedReason) -> Unreached {
        Unreached { agent: agent.into(), hostname: hostname.into(), reason, since: None }
    }

    fn hints(run: &Invocation, reason: Reason, frameworks: &[Framework], report: Report) -> String {
        let failure = Failure { reason, message: String::new(), report };
        let result = Err(RunError::Failure(failure.into()));
        let ran = Ran { result, frameworks: frameworks.into(), denials: vec![] };
        after(&ran, run).join("\n")
    }

    #[test]
    fn an_agent_that_is_not_reached_has_a_next_step() {
        let asked = asked("kafka-role", Options::DEFAULT);
        let next = |unreached: Vec<Unreached>| {
            let plan = CleanupPlan {
                target: asked.call.target().unwrap().clone(),
                mesos_version: None,
                agents: vec![],
                unreached,
                ignored: vec![],
                elsewhere: vec![],
                frameworks: vec![],
                frameworks_unknown: None,
                znode: None,
                warnings: vec![],
                refusal: None,
                why_refused: None,
            };
            let result = Ok(Done::Planned(plan));
            after(&Ran { result, frameworks: vec![], denials: vec![] }, &asked).join("\n")
        };
        assert_eq!(next(vec![]), "There is nothing to do.");
        let waiting = next(vec![unreached("S0", "h0", UnreachedReason::OperationPending)]);
        assert!(waiting.starts_with("Wait until the agents"), "{waiting}");
        assert!(!waiting.contains("--ignore-agent") && !waiting.contains("GONE"), "{waiting}");
    }

    #[test]
    fn a_teardown_is_proposed_only_where_it_ends_the_service_alone() {
        let asked = asked("kafka-role", Options::DEFAULT);
        let own = framework("F-1", "kafka", &["kafka-role"]);
        let hint = hints(&asked, Reason::InUse, std::slice::from_ref(&own), Report::NOTHING);
        assert!(hint.ends_with(" --teardown F-1") && !hint.contains("--force"), "{hint}");
        for other in [
            framework("F-2", "kafka", &["kafka-role", "prod"]),
            framework("F-2", "marathon", &["kafka-role"]),
            framework("F-2", "marathon-user", &["kafka-role"]),
            framework("F-2", "metronome", &["kafka-role"]),
            framework("F-2", "kafka", &["kafka-role/sub"]),
            // It only owns the znode.
            framework("F-2", "kafka", &["x"]),
            framework("F-2", "kafka", &[]),
        ] {
            let hint = hints(&asked, Reason::InUse, &[own.clone(), other], Report::NOTHING);
            assert!(!hint.contains("--teardown") && hint.contains("--force"), "{hint}");
            assert!(
                hint.contains("uninstall the service") && hint.contains("(F-2, active)"),
                "{hint}"
            );
        }
        let unknown = hints(&asked, Reason::InUse, &[], Report::NOTHING);
        assert!(unknown.contains("uninstall") && !unknown.contains("--teardown"), "{unknown}");
    }

    #[test]
    fn an_unknown_state_is_examined_first() {
        let hint = hints(
            &asked("kafka-role", Options::DEFAULT),
            Reason::InUseUnknown,
            &[],
            Report::NOTHING,
        );
        let (before, same) = hint.split_once("Then: ").unwrap();
        for words in ["check the server", "VIEW_FRAMEWORK", "wait until"] {
            assert!(before.contains(words), "{words}: {hint}");
        }
        assert_eq!(same, "janitor -r kafka-role -p kafka-principal -z dcos-service-kafka");
    }

    /// A server that answers badly, or not at all, must not make an operator disable a safety
    /// check.
    #[test]
    fn only_an_operator_who_can_know_better_disables_a_check() {
        let asked = asked("kafka-role", Options::DEFAULT);
        let all = |reason: Reason| match reason {
            // The operator has named these, and knows that they are dead or removed.
            Reason::SystemZnode => &["--system-znode"][..],
            // One way is proposed: here, the teardown.
            Reason::InUse => &["--teardown"],
            Reason::Incomplete => &["--ignore-agent"],
            Reason::NothingToDo
            | Reason::InvalidTarget
            | Reason::OtherPrincipals
            | Reason::OtherLabels
            | Reason::RoleNotFound
            | Reason::InUseUnknown
            | Reason::Changed
            | Reason::Failed
            | Reason::Stopped => &[],
        };
        let agent = unreached("S0", "h0", UnreachedReason::Unreachable);
        let report = Report { unreached: vec![agent], ..Report::NOTHING };
        let framework = framework("F-1", "kafka", &["kafka-role"]);
        for reason in [
            Reason::SystemZnode,
            Reason::InUse,
            Reason::Incomplete,
            Reason::NothingToDo,
            Reason::InvalidTarget,
            Reason::OtherPrincipals,
            Reason::OtherLabels,
            Reason::RoleNotFound,
            Reason::InUseUnknown,
            Reason::Changed,
            Reason::Failed,
            Reason::Stopped,
        ] {
            let hint = hints(&asked, reason, std::slice::from_ref(&framework), report.clone());
            for option in ["--force", "--teardown", "--system-znode", "--ignore-agent"] {
                let expected = all(reason).contains(&option);
                assert_eq!(hint.contains(option), expected, "{reason:?} {option}: {hint}");
            }
        }
        // The agent of a pending operation may well be alive, so its operation is waited for.
        let pending = unreached("S0", "h0", UnreachedReason::OperationPending);
        let report = Report { unreached: vec![pending], ..report };
        let hint = hints(&asked, Reason::Incomplete, &[], report);
        assert!(hint.contains("Wait until the agents"), "{hint}");
    }

    #[test]
    fn everything_that_is_left_has_a_next_step() {
        let asked = asked("kafka-role", Options::DEFAULT);
        let elsewhere = |role: &str, principal: Option<&str>| Elsewhere {
            role: role.into(),
            principal: principal.map(Into::into),
            resources: 2,
            agents: 1,
        };
        let report = Report {
            unreached: vec![
                unreached("S0", "h0", UnreachedReason::Unreachable),
                unreached("", "h1", UnreachedReason::MachineDown),
                unreached("S2", "h2", UnreachedReason::HiddenReservations),
            ],
            elsewhere: vec![
                elsewhere("dev", Some("kafka-principal")),
                elsewhere("slave_public/kafka-role", None),
            ],
            ..Report::NOTHING
        };
        let hint = hints(&asked, Reason::Incomplete, &[], report);
        for words in [
            "MARK_AGENT_GONE",
            "--ignore-agent S0 --ignore-agent h1\n",
            "VIEW_ROLE",
            "To clean that role too: janitor -r dev -p kafka-principal\n",
            "To inspect that role: janitor plan -r slave_public/kafka-role",
        ] {
            assert!(hint.contains(words), "{words}: {hint}");
        }
    }

    #[test]
    fn the_principal_that_is_probably_meant_is_proposed_first() {
        let asked = asked("kafka-role", Options::DEFAULT);
        let made = Elsewhere {
            role: "kafka-role".into(),
            principal: Some("kafka".into()),
            resources: 2,
            agents: 1,
        };
        let report = Report { elsewhere: vec![made], ..Report::NOTHING };
        let hint = hints(&asked, Reason::OtherPrincipals, &[], report);
        let first = "Next, if you mean principal 'kafka': janitor -r kafka-role -p kafka -z \
                     dcos-service-kafka\n";
        assert!(hint.starts_with(first), "{hint}");
        let unknown = hints(&asked, Reason::OtherPrincipals, &[], Report::NOTHING);
        assert!(unknown.contains("what: janitor discover\n"), "{unknown}");
    }

    #[test]
    fn a_stale_plan_is_made_again() {
        let mut asked = asked("kafka-role", Options::DEFAULT);
        let again = "-r kafka-role -p kafka-principal -z dcos-service-kafka";
        for (plan, command) in
            [(None, "janitor plan"), (Some("p.json"), "janitor plan --out p.json")]
        {
            asked.caller.plan = plan.map(Into::into);
            let hint = hints(&asked, Reason::Changed, &[], Report::NOTHING);
            assert_eq!(hint, format!("Next, make a new plan: {command} {again}"));
        }
    }

    #[test]
    fn a_role_that_is_not_there_may_be_another_one() {
        let strict = Options { strict: true, ..Options::DEFAULT };
        let report = Report {
            elsewhere: vec![Elsewhere {
                role: "kafka-role".into(),
                principal: Some("kafka-principal".into()),
                resources: 2,
                agents: 1,
            }],
            ..Report::NOTHING
        };
        let hint = hints(&asked("kakfa-role", strict), Reason::RoleNotFound, &[], report);
        assert!(hint.contains("If you mean role 'kafka-role': janitor -r kafka-role"), "{hint}");
        assert!(hint.ends_with("-r kakfa-role -p kafka-principal -z dcos-service-kafka"), "{hint}");
    }

    #[test]
    fn a_server_that_denies_access_has_options_for_it() {
        let asked = asked("kafka-role", Options::DEFAULT);
        for (server, denial, option) in [
            (Server::Master, Denial::Unauthorized, "--basic-auth-file"),
            (Server::Exhibitor, Denial::Unauthorized, "--exhibitor-auth-file"),
            (Server::Marathon, Denial::Unauthorized, "--marathon-auth-file"),
            (Server::Marathon, Denial::Untrusted, "--ca-cert"),
            (Server::Marathon, Denial::Untrusted, "--client-cert"),
        ] {
            let result = Ok(Done::Cleaned(Report::NOTHING));
            let ran = Ran { result, frameworks: vec![], denials: vec![(server, denial)] };
            assert!(after(&ran, &asked).join("\n").contains(option), "{option}");
        }
    }

    #[test]
    fn a_role_that_another_plan_of_the_run_removes_needs_no_run_of_its_own() {
        use janitor_contract::types::{AgentPlan, Amount, Fate, Planned};

        let of = |role: &str, other: &str| {
            let entry = crate::testing::entry("cpus", Amount::Scalar(1.0));
            let entries = vec![Planned { entry, volume: None, reservation: Fate::Removed }];
            let (role, principal) = (Some(role.to_owned()), Some("p".to_owned()));
            CleanupPlan {
                target: Target { role, principal: principal.clone(), ..Target::NOTHING },
                znode: None,
                agents: vec![AgentPlan { agent: "S0".into(), hostname: "h".into(), entries }],
                elsewhere: vec![Elsewhere {
                    role: other.into(),
                    principal,
                    resources: 1,
                    agents: 1,
                }],
                ..crate::testing::plan()
            }
        };
        let plans = [of("alpha", "beta"), of("beta", "alpha")];
        let options = Options { whole_service: true, ..Options::DEFAULT };
        let call = Call::PlanAll(plans.iter().map(|it| it.target.clone()).collect());
        let run = Invocation { call, ..asked("alpha", options) };
        let result = Ok(Done::PlannedAll(plans.into_iter().map(Ok).collect()));
        let lines = after(&Ran { result, frameworks: vec![], denials: vec![] }, &run).join("\n");
        assert!(!lines.contains("To clean that role too"), "{lines}");
    }

    /// The agent S1 is away, and has something of both roles. Both are targets of the run.
    #[test]
    fn a_role_that_is_a_target_of_the_run_needs_no_run_of_its_own() {
        let of = |role: &str| {
            let (role, principal) = (Some(role.to_owned()), Some("p".to_owned()));
            Target { role, principal, ..Target::NOTHING }
        };
        let incomplete = |other: &str| {
            let (role, principal) = (other.to_owned(), Some("p".to_owned()));
            let report = Report {
                unreached: vec![unreached("S1", "h1", UnreachedReason::NotActive)],
                elsewhere: vec![Elsewhere { role, principal, resources: 1, agents: 1 }],
                ..Report::NOTHING
            };
            Err(Failure { reason: Reason::Incomplete, message: String::new(), report })
        };
        let options = Options { whole_service: true, ..Options::DEFAULT };
        let call = Call::CleanAll(vec![of("alpha"), of("beta")]);
        let run = Invocation { call, ..asked("alpha", options) };
        let result = Ok(Done::CleanedAll(vec![incomplete("beta"), incomplete("alpha")]));
        let lines = after(&Ran { result, frameworks: vec![], denials: vec![] }, &run).join("\n");
        assert!(!lines.contains("To clean that role too"), "{lines}");
    }
}
