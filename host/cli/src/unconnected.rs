//! Ends a command that cannot reach its cluster. The command removes its app from Marathon if
//! Marathon would only start it again.

use janitor_contract::Call;
use janitor_contract::types::Target;
use janitor_host::{CancellationToken, Janitor, Limits, Network, Options};
use janitor_report::ExitCode;
use janitor_report::command_line::print::{Caller, Invocation};
use janitor_report::next::Ran;

use crate::call::carry_out;
use crate::consent::ConsentPolicy;
use crate::error::CommandError;
use crate::finished::Finished;
use crate::request::OnCluster;
use crate::screen::Screen;

/// A cluster without a run.
pub struct Unconnected {
    /// The reason.
    pub error: CommandError,
    /// The network for Marathon, or the reason why there is none. It is set if Marathon would start
    /// this command again only to fail in the same way.
    pub marathon: Option<Result<(Janitor, Network), String>>,
}

impl From<CommandError> for Unconnected {
    fn from(error: CommandError) -> Self {
        Self { error, marathon: None }
    }
}

impl From<String> for Unconnected {
    fn from(why: String) -> Self {
        CommandError::Usage(why).into()
    }
}

impl Unconnected {
    /// Ends the command. A command that was to change something removes its app, because Marathon
    /// would start it over and over to fail in the same way. Nothing else removes the app without
    /// a cleanup.
    ///
    /// # Errors
    /// Fails with the reason why there was no run, if no app is concerned.
    pub fn end(self, request: &OnCluster, screen: &Screen) -> Result<Finished, CommandError> {
        let Self { error, marathon } = self;
        let (ConsentPolicy::Given(_), Some(app), Some(marathon)) =
            (&request.consent, request.own_app.clone(), marathon)
        else {
            return Err(error);
        };
        let error = match (error, &marathon) {
            (CommandError::Connection { code, why, hint, .. }, Ok(_)) => {
                CommandError::Connection { code, why, hint, leaves: Some(app.clone()) }
            }
            (error, _) => error,
        };
        // Marathon may end this process as soon as the app is removed.
        screen.explain(&error);
        let mut finished = Finished::explained(&error);
        match marathon {
            // The exit code remains that of the error.
            Ok((janitor, network)) => {
                finished.report(&leave(&janitor, &network, app, screen));
            }
            Err(why) => finished.add(format!(
                "App {app} stays in Marathon, which may start it again; nothing was sent: {why}"
            )),
        }
        Ok(finished)
    }
}

/// Removes this command's app from Marathon.
fn leave(janitor: &Janitor, network: &Network, app: String, screen: &Screen) -> Ran {
    let call = Call::Clean(Target { marathon_app: Some(app), ..Target::NOTHING });
    let (options, endpoints) = (Options::DEFAULT, network.endpoints().clone());
    let run = Invocation { call, options, endpoints, component: vec![], caller: Caller::default() };
    let (network, limits) = (Box::new(network.clone()), Limits::default());
    carry_out(janitor, &run, screen, network, limits, CancellationToken::new())
}

/// The error of servers that cannot, or must not, be reached.
pub fn refusal(code: ExitCode, why: String, hint: &str) -> CommandError {
    CommandError::Connection { code, why, hint: hint.into(), leaves: None }
}

/// A cluster to which nothing is sent, not even to Marathon.
pub fn silent(code: ExitCode, why: String, hint: &str) -> Unconnected {
    Unconnected { marathon: Some(Err(why.clone())), error: refusal(code, why, hint) }
}
