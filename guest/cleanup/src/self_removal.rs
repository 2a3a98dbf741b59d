//! The last phase: the cleaner removes the Marathon app that runs it, so that Marathon does not
//! start it again. This kills the cleaner's own task. Therefore, the log announces the removal
//! before the request is sent, and a connection that breaks afterwards may mean success.

use serde::Deserialize;

use crate::host::{Answer, Host, request};
use crate::retry::{Retries, Retry};
use janitor_contract::types::{
    AppOutcome, AppResult, Endpoint, Error, Event, Level, Method, Phase, PhaseStart, Request,
};

/// Marathon's answer to the removal of an app or a pod.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answered {
    deployment_id: Option<String>,
    message: String,
}

/// Removes the app and logs the outcome. Only Marathon's own answers count, because a proxy or
/// a login page answers 200 and 404 too.
pub fn remove<H: Host>(host: &mut H, app: &str, retries: &mut Retries) -> AppResult {
    host.say(
        Level::Info,
        format!("Deleting self from Marathon to avoid run loop: {app}"),
        Some(Event::PhaseStarted(PhaseStart { phase: Phase::SelfRemoval, total: 1 })),
    );
    let mut answer = ask(host, Endpoint::Marathon, app, retries);
    let is_pod = answer.as_ref().is_ok_and(|answer| is_missing(answer, "App", app));
    if is_pod {
        // A pod has the same kind of id, and another endpoint.
        answer = ask(host, Endpoint::MarathonPods, app, retries);
    }
    let (level, line, outcome) = match answer {
        Ok(answer) if is_removed(&answer, is_pod) => {
            let status = answer.status;
            (
                Level::Info,
                format!("Successfully deleted self from marathon (code={status}): {app}"),
                AppOutcome::Removed(status),
            )
        }
        Ok(answer) if is_missing(&answer, "Pod", app) => (
            Level::Info,
            format!("Marathon does not know the app (code=404): {app}"),
            AppOutcome::Absent,
        ),
        Ok(answer) => {
            let why = match answer.status {
                401 => {
                    format!("Marathon answers {}: it requires valid credentials", answer.summary())
                }
                200..=299 | 404 => format!(
                    "the answer is not Marathon's (a login page or a proxy?): {}",
                    answer.summary()
                ),
                _ => format!("Marathon answers {}", answer.summary()),
            };
            (Level::Error, format!("ERROR: {app} is not deleted: {why}"), AppOutcome::Failed(why))
        }
        Err(error) => {
            let why = error.of("Marathon");
            let (level, line) = match error {
                Error::Reset => (
                    Level::Warn,
                    format!("{why}, as expected while the app is being deleted: {app}"),
                ),
                _ => (Level::Error, format!("ERROR: {app} is not deleted: {why}")),
            };
            (level, line, AppOutcome::Failed(why))
        }
    };
    let result = AppResult { app: app.into(), outcome };
    host.say(level, line, Some(Event::SelfRemoval(result.clone())));
    result
}

/// Requests the removal, and tries again while Marathon has no leader.
fn ask<H: Host>(
    host: &mut H,
    endpoint: Endpoint,
    app: &str,
    retries: &mut Retries,
) -> Result<Answer, Error> {
    let request = removal(endpoint, app);
    loop {
        let answer = host.ask(&request);
        let retry = match &answer {
            // 409 means that the app is locked. `force` overrides that, so waiting would not
            // help.
            Ok(answer) if answer.status != 409 => Retry::of_status(answer.status),
            // A connection that breaks may be the end of this task.
            Err(Error::Connect(_)) => Retry::Soon,
            Ok(_) | Err(_) => Retry::Never,
        };
        if !retries.wait(host, retry) {
            return answer;
        }
    }
}

/// Returns whether Marathon itself says that the app is being removed: it names a deployment.
/// For a pod, only a header names the deployment, and the body is empty.
fn is_removed(answer: &Answer, is_pod: bool) -> bool {
    let answered: Option<Answered> = serde_json::from_slice(&answer.body).ok();
    match answer.status {
        200 => answered.is_some_and(|it| it.deployment_id.is_some()),
        202 if is_pod => answer.body.is_empty() || answered.is_some(),
        _ => false,
    }
}

/// Returns whether Marathon itself says that there is no such app, or pod.
fn is_missing(answer: &Answer, kind: &str, app: &str) -> bool {
    let answered: Answered = serde_json::from_slice(&answer.body).unwrap_or_default();
    let id: Vec<_> = segments(app).collect();
    let id = id.join("/");
    answer.status == 404 && answered.message == format!("{kind} '/{id}' does not exist")
}

/// Makes the request for the removal.
fn removal(endpoint: Endpoint, app: &str) -> Request {
    // Marathon's documentation and its code disagree about the default.
    let query = vec![("force".into(), "true".into())];
    let path = segments(app).map(Into::into).collect();
    Request { query, ..request(endpoint, Method::Delete, path) }
}

/// Splits an app's id into its groups and its name.
pub fn segments(app: &str) -> impl Iterator<Item = &str> {
    app.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Script;

    fn removed(host: &mut Script, app: &str) -> AppResult {
        let mut retries = Retries::new(host, Duration::from_secs(3));
        remove(host, app, &mut retries)
    }

    #[test]
    fn the_apps_folders_are_segments_of_the_path() {
        let mut host = Script::default().answer(200, r#"{"version":"1","deploymentId":"d"}"#);
        let result = removed(&mut host, "/group/janitor");
        assert_eq!(result.outcome, AppOutcome::Removed(200));
        assert_eq!(host.sent[0].path, ["group", "janitor"]);
        assert_eq!(host.sent[0].query, [("force".into(), "true".into())]);
    }

    #[test]
    fn an_app_that_is_gone_is_gone() {
        let missing = r#"{"message":"App '/x' does not exist"}"#;
        let pod = r#"{"message":"Pod '/x' does not exist"}"#;
        let mut host = Script::default().answer(404, missing).answer(404, pod);
        assert_eq!(removed(&mut host, "/x").outcome, AppOutcome::Absent);
    }

    #[test]
    fn what_is_no_app_may_be_a_pod() {
        let missing = r#"{"message":"App '/group/x' does not exist"}"#;
        let mut host = Script::default().answer(404, missing).answer(202, "");
        assert_eq!(removed(&mut host, "/group/x").outcome, AppOutcome::Removed(202));
        assert_eq!(host.sent[1].endpoint, Endpoint::MarathonPods);
        assert_eq!(host.sent[1].path, ["group", "x"]);
    }

    #[test]
    fn only_marathons_own_answers_count() {
        for (status, body) in [
            (404, "404 Not Found: service not found."),
            (404, r#"{"message":"App '/y' does not exist"}"#),
            (200, "<html><title>Log in</title></html>"),
            (200, "{}"),
            (200, ""),
        ] {
            let mut host = Script::default().answer(status, body);
            let outcome = removed(&mut host, "/x").outcome;
            let AppOutcome::Failed(why) = outcome else { panic!("{status} {body}: {outcome:?}") };
            assert!(why.starts_with("the answer is not Marathon's"), "{why}");
        }
    }

    /// Only for a pod, Marathon answers 202 without naming the deployment.
    #[test]
    fn an_app_that_is_accepted_without_a_deployment_is_not_removed() {
        let outcome = removed(&mut Script::default().answer(202, ""), "/x").outcome;
        assert!(matches!(outcome, AppOutcome::Failed(_)), "{outcome:?}");
    }

    #[test]
    fn a_connection_that_breaks_may_be_a_success() {
        for (error, level) in [(Error::Reset, Level::Warn), (Error::Timeout, Level::Error)] {
            let mut host = Script::default().fails(error);
            let outcome = removed(&mut host, "/x").outcome;
            assert!(matches!(outcome, AppOutcome::Failed(_)), "{outcome:?}");
            assert_eq!((host.log[1].level, host.sent.len()), (level, 1));
        }
    }

    #[test]
    fn an_app_that_is_locked_is_not_waited_for() {
        let mut host = Script::default().answer(409, "locked");
        let outcome = removed(&mut host, "/x").outcome;
        assert_eq!(outcome, AppOutcome::Failed("Marathon answers 409 locked".into()));
    }

    #[test]
    fn a_marathon_without_a_leader_is_waited_for() {
        let gone = r#"{"version":"1","deploymentId":"d"}"#;
        let mut host = Script::default();
        for status in [502, 503, 504] {
            host = host.answer(status, "");
        }
        assert_eq!(removed(&mut host.answer(200, gone), "/x").outcome, AppOutcome::Removed(200));
    }

    #[test]
    fn a_refusal_quotes_marathon() {
        let mut host = Script::default().answer(401, "Invalid credentials");
        removed(&mut host, "/x");
        let expected = "ERROR: /x is not deleted: Marathon answers 401 Invalid credentials: it \
                        requires valid credentials";
        assert_eq!(host.lines()[1], expected);
    }
}
