//! What to do after a run that did not reach its end: the next command to run.

use clap::ValueEnum;
use janitor_contract::types::{
    Elsewhere, Endpoint, Framework, InUse, Options, Reason, Target, Unreached, UnreachedReason,
    ZnodeOutcome,
};
use janitor_contract::{Call, Done, Endpoints, RunError};

use crate::{plan, service, shell};

/// A run that is over, with all that is known of it.
pub struct Ran {
    /// What came of it.
    pub result: Result<Done, RunError>,
    /// The frameworks that it found in the way.
    pub frameworks: Vec<Framework>,
    /// The servers that answered 401.
    pub unauthorized: Vec<Endpoint>,
}

/// What a run was asked to do, as far as a command line says it. Credentials are
/// no part of it.
pub struct Asked {
    /// What was asked for.
    pub call: Call,
    /// How to go about it.
    pub options: Options,
    /// Where the servers are.
    pub endpoints: Endpoints,
    /// The options that name another component than the embedded one.
    pub component: Vec<(&'static str, String)>,
}

/// What a run found in its way.
struct Obstacles<'a> {
    frameworks: &'a [Framework],
    unreached: &'a [Unreached],
    elsewhere: &'a [Elsewhere],
}

/// What to do after a run, one line each.
pub fn after(ran: &Ran, asked: &Asked) -> Vec<String> {
    let frameworks = &ran.frameworks;
    let mut lines: Vec<_> = ran.unauthorized.iter().map(|it| credentials(*it).into()).collect();
    match &ran.result {
        Err(RunError::Failure(failure)) => {
            let report = &failure.report;
            let (unreached, elsewhere) = (&report.unreached, &report.elsewhere);
            let obstacles = Obstacles { frameworks, unreached, elsewhere };
            lines.extend(instead(failure.reason, asked, &obstacles));
            let znode = report.znode.as_ref().map(|znode| &znode.outcome);
            if matches!(znode, Some(ZnodeOutcome::Failed(_)))
                && asked.endpoints.ensemble().is_none()
            {
                lines.push(
                    "Where Exhibitor is closed: -e https://CLUSTER/exhibitor/ goes through DC/OS's \
                     Admin Router, -e zk://HOST:2181/ to ZooKeeper itself."
                        .into(),
                );
            }
        }
        Err(RunError::Violation(violation)) if !violation.has_run() => {
            lines.push("Nothing was changed: the component did not run.".into());
        }
        Err(_) => lines.extend([
            "This is a fault of the program or of its limits. What is left is not known:".into(),
            "run the same command again, with \"-v\".".into(),
        ]),
        Ok(Done::Planned(plan)) => {
            let (unreached, elsewhere) = (&plan.unreached, &plan.elsewhere);
            let obstacles = Obstacles { frameworks, unreached, elsewhere };
            match plan.refusal {
                Some(reason) => lines.extend(instead(reason, asked, &obstacles)),
                None if plan::changes_anything(plan, &asked.options) => {
                    let command = asked.command(&plan.target, &asked.options);
                    lines.push(format!("To do it: {command}"));
                    lines.extend(around(asked, &obstacles));
                }
                None => {
                    if plan.unreached.is_empty() {
                        lines.push("There is nothing to do.".into());
                    }
                    lines.extend(around(asked, &obstacles));
                }
            }
        }
        Ok(Done::Cleaned(_) | Done::Discovered(_)) => {}
    }
    lines
}

/// What to do when a server wants other credentials than it got.
fn credentials(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Master | Endpoint::MasterRoot => {
            "The Mesos master answers 401. Give it a token (--auth-token-file, --username, \
             --service-account), or, for HTTP Basic, --basic-auth-file or MESOS_BASIC_AUTH."
        }
        Endpoint::Exhibitor => {
            "Exhibitor answers 401. Give it a token (--auth-token-file, --username, \
             --service-account), or, for HTTP Basic, --exhibitor-auth-file or EXHIBITOR_AUTH."
        }
        Endpoint::Marathon | Endpoint::MarathonPods => {
            "Marathon answers 401. Give it a token (--auth-token-file, --username, \
             --service-account), or, for HTTP Basic, --marathon-auth-file or MARATHON_AUTH."
        }
    }
}

/// What to do instead of, or after, a run that ends for this reason.
fn instead(reason: Reason, asked: &Asked, obstacles: &Obstacles) -> Vec<String> {
    let Some(target) = asked.call.target() else {
        return vec!["Next, once the problem is fixed: the same command again.".into()];
    };
    let again = |options: &Options| asked.command(target, options);
    let same = again(&asked.options);
    let forced = || again(&Options { in_use: InUse::Force, ..asked.options.clone() });
    match reason {
        Reason::NothingToDo => vec![],
        Reason::InvalidTarget => {
            vec!["Nothing was changed. janitor --help shows how a target is named.".into()]
        }
        Reason::SystemZnode => {
            let forced = again(&Options { system_znode: true, ..asked.options.clone() });
            vec![format!("To delete a node of the cluster itself: {forced}")]
        }
        Reason::OtherPrincipals => {
            let mut lines =
                vec!["Next, correct the principal; janitor discover shows who made what.".into()];
            if target.znode.is_some() {
                let znode = Target { role: None, principal: None, ..target.clone() };
                let options = Options { whole_service: false, ..asked.options.clone() };
                let alone = asked.command(&znode, &options);
                lines.push(format!("Or, if only the znode is left to delete: {alone}"));
            }
            lines
        }
        Reason::RoleNotFound => role_not_found(asked, target, obstacles),
        Reason::InUse => {
            let mut lines = vec![in_use(asked, target, obstacles.frameworks)];
            lines.push(format!("Or, to take the data from under them: {}", forced()));
            lines
        }
        Reason::InUseUnknown => vec![
            "Next, see to the server that does not answer as it should; or, where it may not \
             tell, give the user who asks the right to view all frameworks and roles \
             (VIEW_FRAMEWORK, VIEW_ROLE)."
                .into(),
            "After a change of the leading master, wait until all agents and frameworks have \
             registered again."
                .into(),
            format!("Then: {same}"),
        ],
        Reason::Changed => vec![format!("Next, without a plan: {same}")],
        Reason::Failed => vec![format!("Next, once the problem is fixed: {same}")],
        Reason::Incomplete => {
            let mut lines = vec![format!("Next, when that has changed: {same}")];
            lines.extend(around(asked, obstacles));
            lines
        }
        Reason::Stopped => vec![format!("Next, to go on: {same}")],
    }
}

/// What to do about a role that is more likely misspelt than clean.
fn role_not_found(asked: &Asked, target: &Target, obstacles: &Obstacles) -> Vec<String> {
    let mut lines: Vec<String> =
        vec!["Nothing was changed. Correct the name; janitor discover shows all roles.".into()];
    lines.extend(obstacles.elsewhere.iter().map(|it| {
        let other = Target { role: Some(it.role.clone()), ..target.clone() };
        format!("If role '{}' is meant: {}", it.role, asked.command(&other, &asked.options))
    }));
    if asked.options.strict {
        let lenient = Options { strict: false, ..asked.options.clone() };
        lines.push(format!("If the role is clean already: {}", asked.command(target, &lenient)));
    }
    lines
}

/// What to do about frameworks that still use the role. A teardown is proposed only where
/// it ends nothing but the service: frameworks that have the role alone, and that run
/// nobody else's apps.
fn in_use(asked: &Asked, target: &Target, frameworks: &[Framework]) -> String {
    let of_the_role_alone = |it: &Framework| {
        !it.roles.is_empty() && it.roles.iter().all(|role| Some(role) == target.role.as_ref())
    };
    if frameworks.is_empty() {
        return "Next, uninstall the service that uses it; janitor discover shows whose it is."
            .into();
    }
    let others: Vec<_> =
        frameworks.iter().filter(|it| !of_the_role_alone(it) || runs_others_apps(it)).collect();
    if others.is_empty() {
        let mut teardown = asked.options.teardown.clone();
        for framework in frameworks.iter().filter(|it| !asked.options.teardown.contains(&it.id)) {
            teardown.push(framework.id.clone());
        }
        let options = Options { in_use: InUse::Teardown, teardown, ..asked.options.clone() };
        return format!(
            "Next, uninstall the service; or, to end its framework for good: {}",
            asked.command(target, &options)
        );
    }
    let names: Vec<_> =
        others.iter().map(|Framework { id, name, .. }| format!("'{name}' ({id})")).collect();
    format!(
        "Next, uninstall the service. To tear down framework {} would end more than that.",
        names.join(", ")
    )
}

/// Whether a framework runs the apps or jobs of others: Marathon, also one that runs on
/// another Marathon, and Metronome.
fn runs_others_apps(framework: &Framework) -> bool {
    let name = framework.name.to_ascii_lowercase();
    // Without its folder.
    let name = name.rsplit('/').next().unwrap_or_default();
    name.starts_with("marathon") || name.starts_with("metronome")
}

/// What to do about what a run can not reach or does not take.
fn around(asked: &Asked, Obstacles { unreached, elsewhere, .. }: &Obstacles) -> Vec<String> {
    let Some(target) = asked.call.target() else { return vec![] };
    let mut lines = Vec::new();
    let is_hidden = |it: &&Unreached| it.reason == UnreachedReason::HiddenReservations;
    if unreached.iter().any(|it| is_hidden(&it)) {
        lines.push("Give the user who asks the right to view all roles (VIEW_ROLE).".into());
    }
    if unreached.iter().any(|it| it.reason == UnreachedReason::OperationPending) {
        lines.push("Wait for the agents that have not done yet what they were asked to do.".into());
    }
    let mut ignored_agents = asked.options.ignored_agents.clone();
    // One that has only not done yet what it was asked to do is still there.
    let is_away =
        |it: &&Unreached| !is_hidden(it) && it.reason != UnreachedReason::OperationPending;
    for Unreached { agent, hostname, .. } in unreached.iter().filter(is_away) {
        let agent = if agent.is_empty() { hostname } else { agent };
        if !agent.is_empty() && !ignored_agents.contains(agent) {
            ignored_agents.push(agent.clone());
        }
    }
    if ignored_agents.len() > asked.options.ignored_agents.len() {
        let options = Options { ignored_agents, ..asked.options.clone() };
        lines.push(format!(
            "If these agents will never come back: tell the master so (MARK_AGENT_GONE of its API, \
             from Mesos 1.5 on), or ignore what they hold: {}",
            asked.command(target, &options)
        ));
    }
    let plain = Options {
        in_use: InUse::Refuse,
        teardown: vec![],
        whole_service: false,
        system_znode: false,
        ..asked.options.clone()
    };
    lines.extend(elsewhere.iter().map(|Elsewhere { role, principal, .. }| {
        let (role, principal) = (Some(role.clone()), principal.clone());
        let other = Target { role, principal, ..Target::NOTHING };
        match other.principal {
            Some(_) => format!("To clean that role too: {}", asked.command(&other, &plain)),
            // A name alone does not tell whose it is.
            None => format!("To look at that role: {}", asked.line("janitor plan", &other, &plain)),
        }
    }));
    lines
}

impl Asked {
    /// A cleanup as a command line, for a shell.
    pub fn command(&self, target: &Target, options: &Options) -> String {
        self.line("janitor", target, options)
    }

    /// The command line of a command, for a shell.
    fn line(&self, command: &str, target: &Target, options: &Options) -> String {
        let mut given = named(target, options);
        given.extend(urls(&self.endpoints));
        given.extend(self.component.iter().cloned());
        let mut line = command.to_owned();
        for (name, value) in given {
            line += &format!(" {}", shell::option(name, &value));
        }
        for lifting in lifting(options) {
            line += &format!(" {lifting}");
        }
        if options.strict {
            line += " --strict";
        }
        line
    }
}

/// The options that lift a guard, as a command line has them.
pub fn lifting(options: &Options) -> Vec<String> {
    let agents = &options.ignored_agents;
    let agents = agents.iter().map(|agent| shell::option("--ignore-agent", agent));
    let users = match (options.in_use, &options.teardown[..]) {
        (InUse::Refuse, _) => vec![],
        (InUse::Force, _) => vec!["--force".into()],
        (InUse::Teardown, []) => vec!["--teardown".into()],
        (InUse::Teardown, ids) => ids.iter().map(|id| shell::option("--teardown", id)).collect(),
    };
    let znode = options.system_znode.then(|| "--system-znode".into());
    agents.chain(users).chain(znode).collect()
}

/// The options that name the servers that are not at their usual places.
pub fn urls(endpoints: &Endpoints) -> Vec<(&'static str, String)> {
    let standard = Endpoints::default();
    let url = |endpoint| {
        let url = endpoints.base(endpoint);
        (url != standard.base(endpoint)).then(|| url.to_owned())
    };
    let masters = endpoints.masters();
    let masters = (masters != standard.masters()).then(|| masters.join(","));
    let urls = [("-m", masters), ("-e", url(Endpoint::Exhibitor)), ("-n", url(Endpoint::Marathon))];
    urls.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The options that name a target. One that is all of a service is named by the service,
/// and by what the service's name does not tell.
fn named(target: &Target, options: &Options) -> Vec<(&'static str, String)> {
    let Target { role, principal, znode, marathon_app: _ } = target;
    let service = service::of(target).filter(|_| {
        // A service always has these two.
        options.whole_service && principal.is_some() && znode.is_some()
    });
    let Some((service, naming, names)) = service else {
        let given = [("-r", role), ("-p", principal), ("-z", znode)];
        return given.into_iter().filter_map(|(name, it)| Some((name, it.clone()?))).collect();
    };
    let naming = naming.to_possible_value().filter(|_| naming != service::Naming::default());
    let naming = naming.map(|it| ("--naming", it.get_name().to_owned()));
    let others = [("-p", principal, names.principal), ("-z", znode, names.znode)];
    let others = others
        .into_iter()
        .filter_map(|(name, it, derived)| Some((name, it.clone().filter(|it| *it != derived)?)));
    [("--service", service)].into_iter().chain(naming).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use janitor_contract::types::{CleanupPlan, Failure, Report};

    use clap::Parser;

    use super::*;
    use crate::command_line::parse::{Checks, Selection, Urls};

    /// As much of a command line as is printed here.
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        checks: Checks,
        #[command(flatten)]
        urls: Urls,
    }

    fn asked(role: &str, options: Options) -> Asked {
        let target = Target {
            role: Some(role.into()),
            principal: Some("kafka-principal".into()),
            znode: Some("dcos-service-kafka".into()),
            marathon_app: None,
        };
        let (endpoints, component) = (Endpoints::default(), vec![]);
        Asked { call: Call::Clean(target), options, endpoints, component }
    }

    fn framework(id: &str, name: &str, roles: &[&str]) -> Framework {
        let roles = roles.iter().map(ToString::to_string).collect();
        Framework { id: id.into(), name: name.into(), active: true, roles, tasks: 3 }
    }

    fn unreached(agent: &str, hostname: &str, reason: UnreachedReason) -> Unreached {
        Unreached { agent: agent.into(), hostname: hostname.into(), reason, since: None }
    }

    fn report() -> Report {
        Report {
            mesos_version: None,
            agents: vec![],
            confirmed: vec![],
            unreached: vec![],
            ignored: vec![],
            elsewhere: vec![],
            warnings: vec![],
            left: None,
            znode: None,
            self_removal: None,
        }
    }

    fn hints(asked: &Asked, reason: Reason, frameworks: &[Framework], report: Report) -> String {
        let failure = Failure { reason, message: String::new(), report };
        let result = Err(RunError::Failure(failure.into()));
        let ran = Ran { result, frameworks: frameworks.into(), unauthorized: vec![] };
        after(&ran, asked).join("\n")
    }

    #[test]
    fn where_something_is_not_reached_there_is_something_to_do() {
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
            after(&Ran { result, frameworks: vec![], unauthorized: vec![] }, &asked).join("\n")
        };
        assert_eq!(next(vec![]), "There is nothing to do.");
        let waiting = next(vec![unreached("S0", "h0", UnreachedReason::OperationPending)]);
        assert!(waiting.starts_with("Wait for the agents"), "{waiting}");
        assert!(!waiting.contains("--ignore-agent") && !waiting.contains("GONE"), "{waiting}");
    }

    #[test]
    fn the_command_line_is_the_shells() {
        let target = Target {
            role: Some("a role".into()),
            principal: Some("it's".into()),
            znode: None,
            marathon_app: None,
        };
        let options = Options {
            in_use: InUse::Teardown,
            teardown: vec!["F-1".into(), "F-2".into()],
            ignored_agents: vec!["S 0".into(), "h1".into()],
            system_znode: true,
            strict: true,
            ..Options::DEFAULT
        };
        let endpoints =
            Endpoints::new("http://m1/,http://m2/", Endpoints::EXHIBITOR, "http://n/").unwrap();
        let component = vec![("--component", "it is.wasm".into())];
        let asked = Asked {
            call: Call::Clean(target.clone()),
            options: options.clone(),
            endpoints,
            component,
        };
        let words = shell_words::split(&asked.command(&target, &options)).unwrap();
        let expected = "janitor|-r|a role|-p|it's|-m|http://m1/,http://m2/|-n|http://n/\
             |--component|it is.wasm|--ignore-agent|S 0|--ignore-agent|h1|--teardown|F-1\
             |--teardown|F-2|--system-znode|--strict";
        assert_eq!(words.join("|"), expected);
    }

    /// What is printed is read as what it was made of.
    #[test]
    fn a_command_line_is_read_as_it_was_meant() {
        let options = |in_use, teardown: &[&str], strict, whole_service| Options {
            in_use,
            teardown: teardown.iter().map(ToString::to_string).collect(),
            strict,
            whole_service,
            ignored_agents: vec!["S0".into()],
            ..Options::DEFAULT
        };
        for (role, options) in [
            ("kafka-role", options(InUse::Refuse, &[], true, false)),
            ("kafka-role", options(InUse::Teardown, &[], false, true)),
            ("kafka-role", options(InUse::Teardown, &["F-1", "F-2"], false, true)),
            ("a__b-role", options(InUse::Force, &[], true, true)),
            ("c_role", options(InUse::Refuse, &[], false, true)),
            ("other", options(InUse::Refuse, &[], false, false)),
        ] {
            let asked = asked(role, options.clone());
            let target = asked.call.target().unwrap();
            let line = asked.command(target, &options);
            let words = shell_words::split(&line).unwrap();
            let line = Line::try_parse_from(words).unwrap();
            let read = line.selection.read(&line.checks).unwrap();
            assert_eq!(read, (target.clone(), options));
            assert_eq!(line.urls.endpoints().ok(), Some(asked.endpoints));
        }
    }

    #[test]
    fn a_teardown_is_proposed_only_where_it_ends_the_service_alone() {
        let asked = asked("kafka-role", Options::DEFAULT);
        let own = framework("F-1", "kafka", &["kafka-role"]);
        let hint = hints(&asked, Reason::InUse, std::slice::from_ref(&own), report());
        assert!(hint.contains(" --teardown F-1\n"), "{hint}");
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
            let hint = hints(&asked, Reason::InUse, &[own.clone(), other], report());
            assert!(!hint.contains("--teardown"), "{hint}");
            assert!(hint.contains("uninstall the service") && hint.contains("(F-2)"), "{hint}");
        }
        let unknown = hints(&asked, Reason::InUse, &[], report());
        assert!(unknown.contains("uninstall") && !unknown.contains("--teardown"), "{unknown}");
    }

    #[test]
    fn what_is_not_known_is_first_found_out() {
        let hint =
            hints(&asked("kafka-role", Options::DEFAULT), Reason::InUseUnknown, &[], report());
        let (before, same) = hint.split_once("Then: ").unwrap();
        for words in ["see to the server", "VIEW_FRAMEWORK", "wait until"] {
            assert!(before.contains(words), "{words}: {hint}");
        }
        assert_eq!(same, "janitor -r kafka-role -p kafka-principal -z dcos-service-kafka");
    }

    /// Whoever answers badly, or not at all, must not get an operator to switch a guard off.
    #[test]
    fn a_guard_is_switched_off_only_by_who_can_know_better() {
        let asked = asked("kafka-role", Options::DEFAULT);
        let all = |reason: Reason| match reason {
            // What the operator has named, and knows dead or gone.
            Reason::SystemZnode => &["--system-znode"][..],
            Reason::InUse => &["--force", "--teardown"],
            Reason::Incomplete => &["--ignore-agent"],
            Reason::NothingToDo
            | Reason::InvalidTarget
            | Reason::OtherPrincipals
            | Reason::RoleNotFound
            | Reason::InUseUnknown
            | Reason::Changed
            | Reason::Failed
            | Reason::Stopped => &[],
        };
        let agent = unreached("S0", "h0", UnreachedReason::Unreachable);
        let report = Report { unreached: vec![agent], ..report() };
        let framework = framework("F-1", "kafka", &["kafka-role"]);
        for reason in [
            Reason::SystemZnode,
            Reason::InUse,
            Reason::Incomplete,
            Reason::NothingToDo,
            Reason::InvalidTarget,
            Reason::OtherPrincipals,
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
        // An operation that is still pending is waited for: the agent may well be alive.
        let pending = unreached("S0", "h0", UnreachedReason::OperationPending);
        let report = Report { unreached: vec![pending], ..report };
        let hint = hints(&asked, Reason::Incomplete, &[], report);
        assert!(hint.contains("Wait for the agents"), "{hint}");
    }

    #[test]
    fn what_is_left_has_a_way_on() {
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
            ..report()
        };
        let hint = hints(&asked, Reason::Incomplete, &[], report);
        for words in [
            "MARK_AGENT_GONE",
            "--ignore-agent S0 --ignore-agent h1\n",
            "VIEW_ROLE",
            "To clean that role too: janitor -r dev -p kafka-principal\n",
            "To look at that role: janitor plan -r slave_public/kafka-role",
        ] {
            assert!(hint.contains(words), "{words}: {hint}");
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
            ..report()
        };
        let hint = hints(&asked("kakfa-role", strict), Reason::RoleNotFound, &[], report);
        assert!(hint.contains("If role 'kafka-role' is meant: janitor -r kafka-role"), "{hint}");
        assert!(hint.ends_with("-r kakfa-role -p kafka-principal -z dcos-service-kafka"), "{hint}");
    }

    #[test]
    fn a_server_that_wants_credentials_has_an_option_for_them() {
        let asked = asked("kafka-role", Options::DEFAULT);
        for (endpoint, option) in [
            (Endpoint::Master, "--basic-auth-file"),
            (Endpoint::Exhibitor, "--exhibitor-auth-file"),
            (Endpoint::Marathon, "--marathon-auth-file"),
        ] {
            let result = Ok(Done::Cleaned(report()));
            let ran = Ran { result, frameworks: vec![], unauthorized: vec![endpoint] };
            assert!(after(&ran, &asked).join("\n").contains(option), "{option}");
        }
    }
}
