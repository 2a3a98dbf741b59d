//! The last phase: the cleaner removes the Marathon app that runs it, so that
//! Marathon does not start it again. Removing the app kills the cleaner's own
//! task: the announcement is logged before the request is sent, and a
//! connection that breaks afterwards may well be what success looks like.

use crate::bindings::http::{Endpoint, Error, Method, Request};
use crate::bindings::log::{AppOutcome, AppResult, Event, Level, Phase, PhaseStart};
use crate::host::{Host, explain, request};

/// Removes the app and logs what became of it.
pub fn remove<H: Host>(host: &mut H, app: &str) -> AppResult {
    host.say(
        Level::Info,
        format!("Deleting self from Marathon to avoid run loop: {app}"),
        Some(Event::PhaseStarted(PhaseStart { phase: Phase::SelfRemoval, total: 1 })),
    );
    let mut answer = host.ask(&removal(Endpoint::Marathon, app));
    if answer.as_ref().is_ok_and(|answer| answer.status == 404) {
        // A pod has the same kind of id, and stands elsewhere.
        answer = host.ask(&removal(Endpoint::MarathonPods, app));
    }
    let (level, line, outcome) = match answer {
        Ok(answer) if answer.is_success() => {
            let status = answer.status;
            (
                Level::Info,
                format!("Successfully deleted self from marathon (code={status}): {app}"),
                AppOutcome::Removed(status),
            )
        }
        Ok(answer) if answer.status == 404 => (
            Level::Info,
            format!("Marathon does not know the app (code=404): {app}"),
            AppOutcome::Absent,
        ),
        Ok(answer) => {
            let why = format!("Marathon answers {}", answer.summary());
            (Level::Error, format!("ERROR: {app} is not deleted: {why}"), AppOutcome::Failed(why))
        }
        Err(error) => {
            let why = explain(Endpoint::Marathon, &error);
            let (level, line) = match error {
                Error::Reset => {
                    (Level::Warn, format!("{why}, as it does when the app is being deleted: {app}"))
                }
                _ => (Level::Error, format!("ERROR: {app} is not deleted: {why}")),
            };
            (level, line, AppOutcome::Failed(why))
        }
    };
    let result = AppResult { app: app.into(), outcome };
    host.say(level, line, Some(Event::SelfRemoval(result.clone())));
    result
}

fn removal(endpoint: Endpoint, app: &str) -> Request {
    // Marathon's documentation and its code disagree about the default.
    let query = vec![("force".into(), "true".into())];
    let path = segments(app).map(Into::into).collect();
    Request { query, ..request(endpoint, Method::Delete, path) }
}

/// The segments of an app's id: its groups and its name.
pub fn segments(app: &str) -> impl Iterator<Item = &str> {
    app.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn the_apps_folders_are_segments_of_the_path() {
        let mut host = Script::default().answer(200, "{}");
        let result = remove(&mut host, "/group/janitor");
        assert_eq!(result.outcome, AppOutcome::Removed(200));
        assert_eq!(host.sent[0].path, ["group", "janitor"]);
        assert_eq!(host.sent[0].query, [("force".into(), "true".into())]);
    }

    #[test]
    fn an_app_that_is_gone_is_gone() {
        let missing = r#"{"message":"App '/x' does not exist"}"#;
        let mut host = Script::default().answer(404, missing).answer(404, missing);
        assert_eq!(remove(&mut host, "/x").outcome, AppOutcome::Absent);
    }

    #[test]
    fn what_is_no_app_may_be_a_pod() {
        let mut host = Script::default().answer(404, "").answer(202, "");
        assert_eq!(remove(&mut host, "/group/x").outcome, AppOutcome::Removed(202));
        assert_eq!(host.sent[1].endpoint, Endpoint::MarathonPods);
        assert_eq!(host.sent[1].path, ["group", "x"]);
    }

    #[test]
    fn a_refusal_is_told_with_marathons_words() {
        let mut host = Script::default().answer(401, "Invalid credentials");
        remove(&mut host, "/x");
        let expected = "ERROR: /x is not deleted: Marathon answers 401 Invalid credentials";
        assert_eq!(host.lines()[1], expected);
    }
}
