//! The frameworks that are registered with the master, and the reasons to doubt that these are all:
//! `GET master/frameworks`, `GET master/roles`, `GET master-root/metrics/snapshot`.
//!
//! A service with a registered framework is not dead: it may be running, or come back within
//! its failover timeout (a week, for services of the DC/OS SDK) and look for its volumes.
//!
//! A framework may exist although the list lacks it: the master lists only those that the
//! request's principal may view (VIEW_FRAMEWORK), and a master that has just taken over knows
//! only those that have registered again. So the list is compared with the ids by which the
//! master's roles name their frameworks, with the number of frameworks in the master's
//! metrics, which no permission filters, and with the time since the election. It must also be the
//! list of the master that listed the agents: the metrics count those that have registered with it.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::Listing;
use super::answer::{self, Page};
use super::json::{Bad, Json};
use super::metrics::{self, Metrics};
use super::{NAME, form, leader};
use crate::host::{Host, Response, count, request};
use crate::names;
use crate::retry::Retries;
use janitor_contract::types::{Endpoint, Framework, FrameworkState, Method, Request};

/// The frameworks of a cluster.
#[derive(Debug, Default)]
pub struct Frameworks {
    registered: Vec<Framework>,
    /// The ids of those that the master lists as completed.
    completed: BTreeSet<String>,
    /// The ids of the frameworks that each role has.
    roles: BTreeMap<String, Vec<String>>,
    /// The reasons why there may be others, one sentence each.
    doubts: Vec<String>,
    /// The pages that the server lacks, so that they could not be compared.
    pub missing: Vec<&'static str>,
}

/// Reads the frameworks, and looks for reasons why these may not be all. `listing` has the
/// cluster's agents.
///
/// # Errors
/// Fails if the list cannot be read; the error is one sentence.
pub fn all<H: Host>(
    host: &mut H,
    listing: &Listing,
    retries: &mut Retries,
) -> Result<Frameworks, String> {
    let latest = host.latest_look();
    let (mut all, mut metrics) = look(host, retries)?;
    let is_kept = latest.is_some() && host.latest_look() == latest;
    let has_listed = host.has_listed_since_look();
    let is_older = |metrics: &Metrics| {
        // An agent may have registered after pages that are kept.
        let count = metrics.registrations.filter(|_| !listing.may_have_taken_over);
        has_listed && count.is_some_and(|count| doubt(listing, count).is_some())
    };
    if ((all.hidden(&metrics) > 0 || all.has_unlisted()) && !is_kept) || is_older(&metrics) {
        // A framework may have registered between the list and the other pages.
        host.forget(&PAGES);
        (all, metrics) = look(host, retries)?;
    }
    let hidden = all.hidden(&metrics);
    if hidden > 0 {
        all.doubts.push(format!(
            "The Mesos master has {hidden} registered framework(s) that this user is not allowed \
             to view (permission view_frameworks)."
        ));
    }
    let doubt = match listing.may_have_taken_over {
        true => leader::doubt(host, listing, metrics.uptime, retries),
        false => metrics.registrations.and_then(|count| doubt(listing, count)),
    };
    all.doubts.extend(doubt);
    Ok(all)
}

/// Explains why the frameworks may be those of another master than the agents, which have all registered
/// with theirs. `registrations` is the number of agents that have registered with the frameworks' master.
fn doubt(listing: &Listing, registrations: f64) -> Option<String> {
    let listed = count(listing.ids().count());
    (registrations < f64::from(listed)).then(|| {
        format!(
            "The Mesos master lists {listed} agent(s), but only {registrations} have registered with \
             it, so another master has probably taken over meanwhile, with which frameworks may \
             not have registered again yet: run the same command again."
        )
    })
}

/// The pages that must agree, by the ends of their paths.
pub const PAGES: [&str; 3] = ["frameworks", "roles", "snapshot"];

/// Returns whether a request asks for a page by which the list of frameworks is judged, which must be read
/// after it.
pub fn confirms(request: &Request) -> bool {
    request.path.last().is_some_and(|it| PAGES.contains(&it.as_str())) || leader::is_about(request)
}

/// Reads the frameworks and the master's metrics.
fn look<H: Host>(host: &mut H, retries: &mut Retries) -> Result<(Frameworks, Metrics), String> {
    let mut all = Frameworks::default();
    let list = request(Endpoint::Master, Method::Get, vec!["frameworks".into()]);
    match answer::page(host, &list, retries, registered) {
        Page::Says(Listed { registered, completed, unregistered }) => {
            (all.registered, all.completed) = (registered, completed);
            if unregistered > 0 {
                all.doubts.push(format!(
                    "{unregistered} framework(s) with tasks have not registered again with the \
                     Mesos master yet."
                ));
            }
        }
        Page::Missing => {
            return Err("Bad frameworks response: the Mesos master answers 404.".into());
        }
        Page::Unknown(unread) => return Err(unread.message),
    }
    let roles = request(Endpoint::Master, Method::Get, vec!["roles".into()]);
    match answer::page(host, &roles, retries, by_role) {
        Page::Says(roles) => all.roles = roles,
        Page::Missing => all.missing.push("roles"),
        Page::Unknown(unread) => all.doubts.push(unread.message),
    }
    let metrics = match metrics::read(host, retries) {
        Ok(Some(metrics)) => {
            if metrics.frameworks.is_none() || metrics.registrations.is_none() {
                all.missing.push(metrics::PATH);
            }
            metrics
        }
        Ok(None) => {
            all.missing.push(metrics::PATH);
            Metrics::default()
        }
        Err(why) => {
            all.doubts.push(why);
            Metrics::default()
        }
    };
    Ok((all, metrics))
}

/// The list of frameworks.
struct Listed {
    registered: Vec<Framework>,
    /// The ids of the completed ones.
    completed: BTreeSet<String>,
    /// The number of those that are expected back.
    unregistered: usize,
}

/// Takes the list of frameworks.
fn registered<R: Response>(json: &mut Json<R>) -> Result<Listed, Bad> {
    let (mut all, mut completed, mut unregistered) = (None, BTreeSet::new(), 0);
    json.object(|json, name| match name {
        "frameworks" => {
            let all = all.insert(Vec::new());
            json.list(|json| {
                all.push(framework(json)?);
                Ok(())
            })
        }
        // Their tasks run, but they have not registered with the new master yet.
        "unregistered_frameworks" => json.list(|json| {
            unregistered += 1;
            json.skip()
        }),
        "completed_frameworks" => json.list(|json| {
            // Of their tasks, there may be very many.
            json.object(|json, field| match field {
                "id" => {
                    completed.insert(json.value()?);
                    Ok(())
                }
                _ => json.skip(),
            })
        }),
        _ => json.skip(),
    })?;
    let registered = all.ok_or_else(|| Bad::missing("frameworks"))?;
    Ok(Listed { registered, completed, unregistered })
}

/// Takes one framework. It only counts the tasks, of which there may be very many.
fn framework<R: Response>(json: &mut Json<R>) -> Result<Framework, Bad> {
    let (mut id, mut name, mut active) = (None, String::new(), false);
    // A framework without the capability MULTI_ROLE, which exists since Mesos 1.2, has one
    // role only.
    let (mut role, mut roles) = (None::<String>, None::<Vec<String>>);
    let mut tasks = 0;
    json.object(|json, field| {
        match field {
            "id" => id = Some(json.value()?),
            "name" => name = json.value()?,
            "active" => active = json.value()?,
            "role" => role = json.value()?,
            "roles" => roles = json.value()?,
            "tasks" => json.list(|json| {
                tasks += 1;
                json.skip()
            })?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    let id = id.ok_or_else(|| Bad::missing("id"))?;
    let mut all: Vec<_> = role.into_iter().chain(roles.unwrap_or_default()).collect();
    all.dedup();
    Ok(Framework { id, name, active, roles: all, tasks: count(tasks) })
}

/// Takes the ids of the frameworks that each role has.
fn by_role<R: Response>(json: &mut Json<R>) -> Result<BTreeMap<String, Vec<String>>, Bad> {
    let mut all = None;
    json.object(|json, name| match name {
        "roles" => {
            let all = all.insert(BTreeMap::new());
            json.list(|json| {
                let (mut role, mut ids) = (None, Vec::new());
                json.object(|json, field| {
                    match field {
                        "name" => role = Some(json.value()?),
                        "frameworks" => ids = json.value()?,
                        _ => json.skip()?,
                    }
                    Ok(())
                })?;
                all.insert(role.ok_or_else(|| Bad::missing("name"))?, ids);
                Ok(())
            })
        }
        _ => json.skip(),
    })?;
    all.ok_or_else(|| Bad::missing("roles"))
}

/// Returns whether a framework of a role may use what is reserved for another role: that must
/// be the same role, or one above it (Mesos, "Multiple Roles and Hierarchical Roles").
fn may_use(role: &str, reserved_for: &str) -> bool {
    names::is_within(role, reserved_for)
}

impl Frameworks {
    /// Returns how many more frameworks the master counts than it names.
    #[allow(clippy::cast_possible_truncation, reason = "no cluster has that many")]
    fn hidden(&self, metrics: &Metrics) -> i64 {
        let mut known: BTreeSet<&str> = self.registered.iter().map(|it| it.id.as_str()).collect();
        known.extend(self.roles.values().flatten().map(String::as_str));
        let counted = metrics.frameworks.unwrap_or_default() as i64;
        counted.saturating_sub(i64::from(count(known.len())))
    }

    /// Returns whether a role has a framework that the list lacks.
    fn has_unlisted(&self) -> bool {
        let is_listed = |id: &String| self.registered.iter().any(|it| it.id == *id);
        self.roles.values().flatten().any(|id| !is_listed(id))
    }

    /// Returns all that are registered.
    pub fn registered(&self) -> &[Framework] {
        &self.registered
    }

    /// Returns the names of the roles that have frameworks or limits.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// Returns those that may use what is reserved for a role. The master's roles count too: a
    /// framework that has left a role, and still holds resources of it, is only there.
    pub fn using(&self, role: &str) -> Vec<Framework> {
        let has_role = |framework: &&Framework| {
            let mut roles = self.roles.iter().filter(|(its, _)| may_use(its, role));
            uses(framework, role) || roles.any(|(_, ids)| ids.contains(&framework.id))
        };
        self.registered.iter().filter(has_role).cloned().collect()
    }

    /// Returns whether one of those that are registered has the name of a service.
    pub fn has_service(&self, service: &str) -> bool {
        self.registered.iter().any(|it| names::flat(&it.name) == service)
    }

    /// Returns those that are registered of these, given by their ids.
    pub fn among(&self, ids: &BTreeSet<String>) -> Vec<Framework> {
        self.registered.iter().filter(|framework| ids.contains(&framework.id)).cloned().collect()
    }

    /// Returns the state of a framework. One that may not be viewed is known by its role.
    pub fn state(&self, id: &str) -> FrameworkState {
        let is_registered = self.registered.iter().any(|it| it.id == id)
            || self.roles.values().flatten().any(|it| it == id);
        match (is_registered, self.completed.contains(id)) {
            (true, _) => FrameworkState::Registered,
            (false, true) => FrameworkState::Completed,
            (false, false) => FrameworkState::Unknown,
        }
    }

    /// Returns those that own a ZooKeeper node, or one above it, by their names or their roles.
    pub fn owning(&self, znode: &str) -> Vec<Framework> {
        let top = znode.split('/').next().unwrap_or(znode);
        let owns = |framework: &&Framework| {
            let of_roles = framework.roles.iter().flat_map(|role| names::znodes_of_role(role));
            names::znodes_of_service(&framework.name).chain(of_roles).any(|it| it == top)
        };
        self.registered.iter().filter(owns).cloned().collect()
    }

    /// Explains why there may be others that use a role, or own a node. It returns none if that
    /// is excluded. If it is known that only certain frameworks, `owning`, can use what is reserved,
    /// any other framework that may not be viewed is excluded by its id.
    pub fn doubt(&self, role: Option<&str>, owning: Option<&BTreeSet<String>>) -> Option<String> {
        let is_listed = |id: &&String| self.registered.iter().any(|it| it.id == **id);
        let is_concerned = |its: &str, id: &String| match (role, owning) {
            (None, _) => true,
            (Some(role), None) => may_use(its, role),
            (Some(_), Some(owning)) => owning.contains(id),
        };
        let ids = self.roles.iter().flat_map(|(role, ids)| ids.iter().map(move |id| (role, id)));
        let concerned = ids.filter(|(role, id)| is_concerned(role, id)).map(|(_, id)| id);
        let unnamed: BTreeSet<_> = concerned.filter(|id| !is_listed(id)).collect();
        let unnamed = (!unnamed.is_empty()).then(|| {
            let ids: Vec<_> = unnamed.into_iter().map(String::as_str).collect();
            let which = role.map_or_else(String::new, |role| format!(" of role '{role}'"));
            format!(
                "The Mesos master has framework(s){which} that this user is not allowed to view \
                 (permission view_frameworks): {}.",
                ids.join(", ")
            )
        });
        let sentences: Vec<_> = unnamed.iter().chain(&self.doubts).map(String::as_str).collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }
}

/// Returns whether a framework may use what is reserved for a role.
pub fn uses(framework: &Framework, role: &str) -> bool {
    framework.roles.iter().any(|it| may_use(it, role))
}

/// Asks the master to tear a framework down: all its tasks end, and it cannot come back under
/// its id. A framework that no longer exists counts as torn down.
///
/// # Errors
/// Fails if the framework is not torn down; the error says why.
pub fn teardown<H: Host>(host: &mut H, id: &str) -> Result<(), String> {
    let answer =
        host.ask(&form("teardown", &[("frameworkId", id)])).map_err(|error| error.of(NAME))?;
    // 400 is "No framework found with specified ID". The next listing shows whether it is removed.
    if answer.is_success() || answer.status == 400 {
        Ok(())
    } else {
        Err(format!("{NAME} answers {}", answer.summary()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Script;

    fn read(host: &mut Script, took_over: bool) -> Result<Frameworks, String> {
        let listing = Listing { may_have_taken_over: took_over, ..Listing::default() };
        let mut retries = Retries::new(host, Duration::ZERO);
        all(host, &listing, &mut retries)
    }

    fn ids(frameworks: &[Framework]) -> Vec<&str> {
        frameworks.iter().map(|it| it.id.as_str()).collect()
    }

    #[test]
    fn a_role_is_used_by_frameworks_of_it_and_of_the_roles_below() {
        let body = r#"{"frameworks":[
            {"id":"1","name":"a","active":true,"role":"r","tasks":[{"a":[{}]},{}]},
            {"id":"2","name":"b","active":false,"roles":["q","r"]},
            {"id":"3","name":"c","active":true,"roles":["r/s"],"role":"*"},
            {"id":"4"},{"id":"5","roles":["rr","q/r"]}],"completed_frameworks":[{"id":"6","role":"r"}]}"#;
        let found = read(&mut Script::default().answer(200, body), false).unwrap();
        assert_eq!(ids(&found.using("r")), ["1", "2", "3"]);
        assert_eq!(ids(&found.using("r/s")), ["3"]);
        assert_eq!((found.using("r")[0].tasks, found.doubt(Some("r"), None)), (2, None));
    }

    #[test]
    fn a_framework_that_left_a_role_may_still_use_it() {
        let body = r#"{"frameworks":[{"id":"1","name":"kafka","roles":["dev"]}]}"#;
        let roles = r#"{"roles":[{"name":"kafka-role","frameworks":["1"]},{"name":"q"}]}"#;
        let mut host = Script::default().answer(200, body).page("roles", 200, roles);
        let found = read(&mut host, false).unwrap();
        assert_eq!(ids(&found.using("kafka-role")), ["1"]);
        assert_eq!(ids(&found.using("q")), [""; 0]);
        assert!(found.has_service("kafka") && !found.has_service("q"));
    }

    #[test]
    fn a_master_that_does_not_tell_is_no_answer() {
        for (status, body) in [(403, ""), (200, "{}"), (200, "<html>"), (500, ""), (404, "")] {
            assert!(read(&mut Script::default().answer(status, body), false).is_err(), "{body}");
        }
    }

    #[test]
    fn what_is_not_listed_may_be_there_all_the_same() {
        let none = r#"{"frameworks":[]}"#;
        let roles = r#"{"roles":[{"name":"r/s","frameworks":["F"]},{"name":"q","frameworks":[]}]}"#;
        let counted = |active: u32| {
            format!(r#"{{"master/frameworks_active":{active}.0,"master/frameworks_inactive":0.0}}"#)
        };
        for (page, status, body, of_r, of_q) in [
            ("roles", 200, roles.into(), true, false),
            ("metrics/snapshot", 200, counted(1), true, true),
            ("metrics/snapshot", 200, counted(0), false, false),
            ("metrics/snapshot", 200, r#"{"master/elected":0.0}"#.into(), true, true),
            ("metrics/snapshot", 403, String::new(), true, true),
            ("roles", 401, String::new(), true, true),
            ("roles", 404, String::new(), false, false),
        ] {
            let host = Script::default().answer(200, none).answer(200, none);
            let found = read(&mut host.page(page, status, body), false).unwrap();
            assert_eq!(found.doubt(Some("r"), None).is_some(), of_r, "{page} {status}");
            assert_eq!(found.doubt(Some("q"), None).is_some(), of_q, "{page} {status}");
        }
    }

    #[test]
    fn a_framework_that_registers_in_the_middle_is_no_hidden_one() {
        let none = r#"{"frameworks":[]}"#;
        let one = r#"{"frameworks":[{"id":"F","roles":["q"]}]}"#;
        let counted = r#"{"master/frameworks_active":1.0}"#;
        let twice = |first, second| {
            let host = Script::default().answer(200, first).answer(200, second);
            let mut host = ["metrics/snapshot"; 2]
                .into_iter()
                .fold(host, |host, path| host.page(path, 200, counted));
            read(&mut host, false).unwrap()
        };
        let roles = r#"{"roles":[{"name":"q","frameworks":["F"]}]}"#;
        let host = Script::default().answer(200, none).answer(200, one);
        let mut host = host.page("roles", 200, roles).page("roles", 200, roles);
        let found = read(&mut host, false).unwrap();
        assert_eq!((ids(&found.using("q")), found.doubt(None, None)), (vec!["F"], None));
        let found = twice(none, one);
        assert_eq!((ids(found.registered()), found.doubt(None, None)), (vec!["F"], None));
        assert!(twice(none, none).doubt(None, None).is_some());
    }

    #[test]
    fn the_frameworks_of_another_master_than_the_agents_are_not_all() {
        for (agents, registrations, is_doubtful) in
            [(1, 1, false), (1, 0, true), (2, 1, true), (2, 5, false)]
        {
            let others = (0..agents).map(|it| format!("M-S{it}")).collect();
            let listing = Listing { others, ..Listing::default() };
            let metrics = format!(
                r#"{{"master/frameworks_active":0.0,"master/slave_registrations":{registrations}.0}}"#
            );
            let host = Script::default().answer(200, r#"{"frameworks":[]}"#);
            let mut host = host.page("metrics/snapshot", 200, metrics);
            let mut retries = Retries::new(&mut host, Duration::ZERO);
            let found = all(&mut host, &listing, &mut retries).unwrap();
            let doubt = found.doubt(Some("r"), None);
            let words =
                format!("lists {agents} agent(s), but only {registrations} have registered");
            assert_eq!(
                doubt.is_some_and(|it| it.contains(&words)),
                is_doubtful,
                "{agents} {registrations}"
            );
            assert_eq!(found.missing, [""; 0]);
        }
    }

    #[test]
    fn a_count_that_is_missing_is_named() {
        for counts in [r#""master/frameworks_active":0.0"#, r#""master/slave_registrations":1.0"#] {
            let host = Script::default().answer(200, r#"{"frameworks":[]}"#);
            let mut host = host.page("metrics/snapshot", 200, format!("{{{counts}}}"));
            assert_eq!(read(&mut host, false).unwrap().missing, [metrics::PATH], "{counts}");
        }
    }

    #[test]
    fn a_framework_is_known_by_a_list_or_by_its_role() {
        let body = r#"{"frameworks":[{"id":"1"}],"completed_frameworks":[{"id":"2"},{"id":"3"}]}"#;
        let roles = r#"{"roles":[{"name":"r","frameworks":["3","4"]}]}"#;
        let host = Script::default().answer(200, body).answer(200, body);
        let found = read(&mut host.page("roles", 200, roles), false).unwrap();
        for (id, state) in [
            ("1", FrameworkState::Registered),
            ("2", FrameworkState::Completed),
            ("3", FrameworkState::Registered),
            ("4", FrameworkState::Registered),
            ("5", FrameworkState::Unknown),
        ] {
            assert_eq!(found.state(id), state, "{id}");
        }
    }

    #[test]
    fn a_framework_that_does_not_exist_is_torn_down() {
        for (status, is_done) in [(200, true), (202, true), (400, true), (403, false), (500, false)]
        {
            let mut host = Script::default().answer(status, "why");
            let result = teardown(&mut host, "F");
            assert_eq!(result.is_ok(), is_done, "{status}");
            assert!(result.err().is_none_or(|why| why.ends_with(&format!("{status} why"))));
        }
    }

    #[test]
    fn a_node_is_owned_by_name_or_by_role() {
        let body = r#"{"frameworks":[
            {"id":"1","name":"elastic","roles":["x"]},{"id":"2","name":"/dev/kafka","roles":["dev"]},
            {"id":"3","name":"n","role":"hdfs-role"},{"id":"4","name":"m","role":"old_role"}]}"#;
        let found = read(&mut Script::default().answer(200, body), false).unwrap();
        for (znode, expected) in [
            ("dcos-service-elastic", &["1"][..]),
            ("elastic/sub", &["1"]),
            ("dcos-service-dev__kafka", &["2"]),
            ("dcos-service-hdfs", &["3"]),
            ("hdfs", &["3"]),
            ("old", &["4"]),
            ("dcos-service-other", &[]),
        ] {
            assert_eq!(ids(&found.owning(znode)), expected, "{znode}");
        }
    }
}
