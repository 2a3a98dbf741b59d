//! What to do after a run that did not reach its end: the next command to run.

use janitor_host::bindings::http::Endpoint;
use janitor_host::bindings::log::ZnodeOutcome;
use janitor_host::{Call, Done, Endpoints, InUse, Options, Reason, RunError, Target};

use crate::show;

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

/// What to do after a run, one line each.
pub fn after(result: &Result<Done, RunError>, asked: &Asked) -> Vec<String> {
    match result {
        Err(RunError::Failure(failure)) => {
            let znode = failure.report.znode.as_ref().map(|znode| &znode.outcome);
            let mut lines = instead(failure.reason, asked);
            if matches!(znode, Some(ZnodeOutcome::Failed(_)))
                && asked.endpoints.ensemble().is_none()
            {
                lines.push(
                    "Where Exhibitor is closed: -e https://CLUSTER/exhibitor/ goes through DC/OS's \
                     Admin Router, -e zk://HOST:2181/ to ZooKeeper itself."
                        .into(),
                );
            }
            lines
        }
        Err(_) => vec![
            "This is a fault of the program or of its limits. What is left is not known:".into(),
            "run the same command again, with \"-v\".".into(),
        ],
        Ok(Done::Planned(plan)) => match plan.refusal {
            Some(reason) => instead(reason, asked),
            None if show::changes_anything(plan) => {
                vec![format!("To do it: {}", asked.command(&plan.target, asked.options))]
            }
            None => vec!["There is nothing to do.".into()],
        },
        Ok(Done::Cleaned(_) | Done::Discovered(_)) => vec![],
    }
}

/// What to do instead of, or after, a run that ends for this reason.
pub fn instead(reason: Reason, asked: &Asked) -> Vec<String> {
    let Some(target) = asked.call.target() else {
        return vec!["Next, when the cause is mended: the same command again.".into()];
    };
    let again = |options| asked.command(target, options);
    let same = again(asked.options);
    let in_use = |in_use| again(Options { in_use, ..asked.options });
    match reason {
        Reason::NothingToDo => vec![],
        Reason::InvalidTarget => {
            vec!["Nothing was changed. janitor --help shows how a target is named.".into()]
        }
        Reason::SystemZnode => {
            let forced = again(Options { system_znode: true, ..asked.options });
            vec![format!("To delete a node of the cluster itself: {forced}")]
        }
        Reason::OtherPrincipals => {
            let everyone = Target { principal: None, ..target.clone() };
            let everything = asked.command(&everyone, asked.options);
            vec![format!("Next, for all of the role, whoever made it: {everything}")]
        }
        Reason::InUse => vec![
            format!("Next, to end the frameworks for good: {}", in_use(InUse::Teardown)),
            format!("Or, to take the data from under them: {}", in_use(InUse::Force)),
        ],
        Reason::InUseUnknown => {
            vec![format!("Next, to go on without knowing: {}", in_use(InUse::Force))]
        }
        Reason::Changed => vec![format!("Next, without a plan: {same}")],
        Reason::Failed => vec![format!("Next, when the cause is mended: {same}")],
        Reason::Incomplete => vec![format!("Next, when that has changed: {same}")],
        Reason::Stopped => vec![format!("Next, to go on: {same}")],
    }
}

impl Asked {
    /// The same as a command line, for a shell.
    pub fn command(&self, target: &Target, options: Options) -> String {
        let Target { role, principal, znode, marathon_app: _ } = target;
        let standard = Endpoints::default();
        let url = |endpoint| {
            let url = self.endpoints.base(endpoint);
            (url != standard.base(endpoint)).then(|| url.to_owned())
        };
        let masters = self.endpoints.masters();
        let masters = (masters != standard.masters()).then(|| masters.join(","));
        let values = [
            ("-r", role.clone()),
            ("-p", principal.clone()),
            ("-z", znode.clone()),
            ("-m", masters),
            ("-e", url(Endpoint::Exhibitor)),
            ("-n", url(Endpoint::Marathon)),
        ];
        let mut line = "janitor".to_owned();
        let given = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in given.chain(self.component.iter().cloned()) {
            line += &format!(" {name} {}", shell_words::quote(&value));
        }
        match options.in_use {
            InUse::Refuse => {}
            InUse::Force => line += " --force",
            InUse::Teardown => line += " --teardown",
        }
        if options.system_znode {
            line += " --system-znode";
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_the_shells() {
        let target = Target {
            role: Some("a role".into()),
            principal: Some("it's".into()),
            znode: None,
            marathon_app: None,
        };
        let options = Options { confirm_seconds: 0, in_use: InUse::Teardown, system_znode: true };
        let endpoints =
            Endpoints::new("http://m1/,http://m2/", Endpoints::EXHIBITOR, "http://n/").unwrap();
        let component = vec![("--component", "it is.wasm".into())];
        let asked = Asked { call: Call::Clean(target.clone()), options, endpoints, component };
        let words = shell_words::split(&asked.command(&target, options)).unwrap();
        let expected = [
            "janitor",
            "-r",
            "a role",
            "-p",
            "it's",
            "-m",
            "http://m1/,http://m2/",
            "-n",
            "http://n/",
            "--component",
            "it is.wasm",
            "--teardown",
            "--system-znode",
        ];
        assert_eq!(words, expected);
    }
}
