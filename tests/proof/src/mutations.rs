//! Requests that a component which is faulty or hostile could send instead of one that it may send. The
//! host's policy must deny all of them.

use janitor_contract::types::{Content, Endpoint, InUse, Request};
use janitor_guest::simulated::Cluster;

use crate::bound::Task;
use crate::world::Change;

/// Returns the requests that must not be sent in the place of one that changes something.
pub fn mutations(request: &Request, cluster: &Cluster, task: &Task) -> Vec<Request> {
    let mut all = vec![
        with(request, |it| it.query.push(("x".into(), "1".into()))),
        with(request, |it| it.endpoint = Endpoint::MasterRoot),
        with(request, |it| it.path.push("x".into())),
    ];
    match Change::of(request) {
        Some(Change::Removal) => all.extend(removals(request, cluster, task)),
        Some(Change::Deletion) => {
            all.push(with(request, |it| drop(it.path.pop())));
            all.push(with(request, |it| it.path.iter_mut().for_each(|it| it.push('x'))));
            all.push(with(request, |it| {
                it.path.last_mut().into_iter().for_each(|it| it.push('x'))
            }));
        }
        Some(Change::Teardown) | None => {}
    }
    let teardown = |id: &str| Request {
        path: vec!["teardown".into()],
        content: Some(form(&[("frameworkId", id)])),
        ..removal_like(request)
    };
    all.push(teardown("of another service"));
    if task.options.in_use != InUse::Teardown {
        all.push(teardown("a"));
    }
    all
}

/// Returns the requests that must not be sent in the place of a removal.
fn removals(request: &Request, cluster: &Cluster, task: &Task) -> Vec<Request> {
    let Some((agent, field, list)) = fields(request) else { return Vec::new() };
    let ask = |volumes: bool, agent: &str, list: &str| {
        let (path, field) = match volumes {
            true => ("destroy-volumes", "volumes"),
            false => ("unreserve", "resources"),
        };
        let content = Some(form(&[("slaveId", agent), (field, list)]));
        Request { path: vec![path.into()], content, ..request.clone() }
    };
    let is_of_volumes = field == "volumes";
    let foreign = cluster.foreign(&task.parts);
    let mut all: Vec<_> = foreign
        .iter()
        .map(|(agent, volumes, resource)| ask(*volumes, agent, &format!("[{resource}]")))
        .collect();
    // Something of another one beside the target's own.
    let beside =
        foreign.iter().filter(|(id, volumes, _)| *id == agent && *volumes == is_of_volumes);
    let beside = beside.map(|(.., it)| format!("{},{it}]", list.trim_end_matches(']')));
    all.extend(beside.map(|list| ask(is_of_volumes, &agent, &list)));
    let others = cluster.agents_without(&list).into_iter().filter(|id| *id != agent);
    all.extend(others.map(|id| ask(is_of_volumes, &id, &list)));
    let changes = [
        ("\"role\":\"", "\"role\":\"x"),
        ("\"value\":", "\"value\":1"),
        ("\"principal\":\"", "\"principal\":\"x"),
        ("\"id\":\"", "\"id\":\"x"),
        ("\"name\":", "\"name\": "),
    ];
    let changed = changes.iter().map(|(from, to)| list.replacen(from, to, 1));
    all.extend(changed.filter(|it| *it != list).map(|list| ask(is_of_volumes, &agent, &list)));
    all.push(ask(!is_of_volumes, &agent, &list));
    all.push(ask(is_of_volumes, &agent, "[]"));
    all.push(with(&ask(is_of_volumes, &agent, &list), |it| it.path = vec!["reserve".into()]));
    all
}

/// Returns the agent, the name of the second field, and its list of resources.
fn fields(request: &Request) -> Option<(String, String, String)> {
    let fields = form_urlencoded::parse(&request.content.as_ref()?.bytes);
    let fields: Vec<_> = fields.into_owned().collect();
    let [(_, agent), (field, list)] = &fields[..] else { return None };
    Some((agent.clone(), field.clone(), list.clone()))
}

/// Returns a request to an operator endpoint of the master.
fn removal_like(request: &Request) -> Request {
    let method = janitor_contract::types::Method::Post;
    Request { endpoint: Endpoint::Master, method, query: Vec::new(), ..request.clone() }
}

/// Makes the content of a form.
fn form(fields: &[(&str, &str)]) -> Content {
    let bytes = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Content { media_type: janitor_contract::request::FORM.into(), bytes: bytes.into_bytes() }
}

/// Changes a copy of a request.
fn with(request: &Request, change: impl FnOnce(&mut Request)) -> Request {
    let mut request = request.clone();
    change(&mut request);
    request
}
