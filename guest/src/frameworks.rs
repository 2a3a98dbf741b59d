//! The frameworks that are registered with the master: `GET master/frameworks`,
//! `POST master/teardown`.
//!
//! A service whose framework is still registered is not dead: it may be running,
//! or come back within its failover timeout (a week, for services of the DC/OS
//! SDK) and look for its volumes.

use crate::bindings::http::Endpoint;
use crate::bindings::log::Framework;
use crate::host::{Host, Response, explain, form};
use crate::stream::{self, Bad, Json};

/// What the master says of its frameworks.
#[derive(Default)]
pub struct Frameworks(Vec<Registered>);

#[derive(Clone, Default)]
struct Registered {
    id: String,
    name: String,
    active: bool,
    /// The role of a framework that has just one.
    role: Option<String>,
    /// The roles of a framework with the capability MULTI_ROLE, since Mesos 1.2.
    roles: Option<Vec<String>>,
}

/// The registered frameworks that use a role.
///
/// # Errors
/// One sentence: the master does not tell.
pub fn using<H: Host>(host: &mut H, role: &str) -> Result<Vec<Framework>, String> {
    Ok(all(host)?.using(role))
}

/// All registered frameworks.
///
/// # Errors
/// One sentence: the master does not tell.
pub fn all<H: Host>(host: &mut H) -> Result<Frameworks, String> {
    let all = stream::get(host, "frameworks", |json| {
        let mut all = None;
        json.object(|json, name| match name {
            "frameworks" => {
                let all = all.insert(Vec::new());
                json.list(|json| {
                    all.push(registered(json)?);
                    Ok(())
                })
            }
            _ => json.skip(),
        })?;
        all.map(Frameworks).ok_or_else(|| Bad::missing("frameworks"))
    });
    all.map_err(|unread| unread.message)
}

/// One framework; its tasks, of which there may be very many, are skipped.
fn registered<R: Response>(json: &mut Json<R>) -> Result<Registered, Bad> {
    let (mut framework, mut id) = (Registered::default(), None);
    json.object(|json, name| {
        match name {
            "id" => id = Some(json.value()?),
            "name" => framework.name = json.value()?,
            "active" => framework.active = json.value()?,
            "role" => framework.role = json.value()?,
            "roles" => framework.roles = json.value()?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    let id = id.ok_or_else(|| Bad::missing("id"))?;
    Ok(Registered { id, ..framework })
}

impl Frameworks {
    /// Those that use a role.
    pub fn using(&self, role: &str) -> Vec<Framework> {
        let uses = |framework: &&Registered| {
            framework.role.iter().chain(framework.roles.iter().flatten()).any(|it| it == role)
        };
        let users = self.0.iter().filter(uses).cloned();
        users.map(|Registered { id, name, active, .. }| Framework { id, name, active }).collect()
    }
}

/// Has the master tear a framework down: all its tasks end, and it cannot come
/// back under its id. One that is gone already is fine.
///
/// # Errors
/// Why it is not torn down.
pub fn teardown<H: Host>(host: &mut H, id: &str) -> Result<(), String> {
    let answer = host
        .ask(&form("teardown", &[("frameworkId", id)]))
        .map_err(|error| explain(Endpoint::Master, &error))?;
    // 400: "No framework found with specified ID". The next look will tell.
    if answer.is_success() || answer.status == 400 {
        Ok(())
    } else {
        Err(format!("the Mesos master answers {}", answer.summary()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn a_role_is_found_in_either_field() {
        let body = r#"{"frameworks":[
            {"id":"1","name":"a","active":true,"role":"r","tasks":[{}]},
            {"id":"2","name":"b","active":false,"roles":["q","r"]},
            {"id":"3","name":"c","active":true,"roles":["r/s"],"role":"*"},
            {"id":"4"}],"completed_frameworks":[{"id":"5","role":"r"}]}"#;
        let found = using(&mut Script::default().answer(200, body), "r").unwrap();
        let framework =
            |id: &str, name: &str, active| Framework { id: id.into(), name: name.into(), active };
        assert_eq!(found, [framework("1", "a", true), framework("2", "b", false)]);
    }

    #[test]
    fn a_master_that_does_not_tell_is_no_answer() {
        for (status, body) in [(403, ""), (200, "{}"), (200, "<html>"), (500, "")] {
            assert!(using(&mut Script::default().answer(status, body), "r").is_err(), "{body}");
        }
    }
}
