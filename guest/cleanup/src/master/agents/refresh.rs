//! Some agents read again, `GET master/slaves?slave_id=ID`, where the list of all would be long.
//!
//! A service is usually on few agents of a large cluster. Between the phases of a cleanup, only these
//! matter: the next phase removes nothing from the others, and the list at its end shows them all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::{Agent, Listing, PAGE, Wanted, read};
use crate::host::{Host, request};
use crate::master::answer::{self, Unread};
use crate::master::json::Bad;
use janitor_contract::types::{Endpoint, Method, Request};

/// A list of agents for each target.
type Lists = Vec<Result<Rc<Listing>, Unread>>;

/// Reads those agents again from which a cleanup may remove something, if that is faster than to read
/// the whole list. It returns the list with what they hold now, or nothing if the whole list is to be
/// read: also if the master has changed, or an answer is not exactly what was asked for.
pub fn refresh<H: Host>(host: &mut H, wanted: Wanted, listing: Rc<Listing>) -> Option<Rc<Listing>> {
    refresh_all(host, &[wanted], vec![Ok(listing)])?.pop()?.ok()
}

/// Does the same for several targets at once.
pub fn refresh_all<H: Host>(host: &mut H, wanted: &[Wanted], lists: Lists) -> Option<Lists> {
    let ids = worth_it(host, &lists)?;
    let taken_over = lists.iter().flatten().any(|listing| listing.may_have_taken_over);
    let window = host.window().max(1);
    let mut unsent = ids.iter();
    let mut in_flight = VecDeque::new();
    let mut fresh: Vec<_> = wanted.iter().map(|_| BTreeMap::new()).collect();
    let mut is_exact = true;
    loop {
        while is_exact
            && in_flight.len() < window
            && let Some(id) = unsent.next()
        {
            in_flight.push_back((id, host.send(&one(id))));
        }
        let Some((id, sent)) = in_flight.pop_front() else { break };
        let path = [PAGE.to_owned()];
        let answer = answer::finish(host, &path, sent, |json| read(json, wanted, 1));
        match answer.ok().and_then(|each| only(each, id, taken_over)) {
            Some(each) => fresh.iter_mut().zip(each).for_each(|(all, agent)| all.extend(agent)),
            None => is_exact = false,
        }
    }
    let replace = |(listing, fresh): (Result<Rc<Listing>, Unread>, _)| {
        listing.map(|listing| Rc::new(replaced(Rc::unwrap_or_clone(listing), fresh)))
    };
    is_exact.then(|| lists.into_iter().zip(fresh).map(replace).collect())
}

/// Returns the ids of the agents from which a cleanup may remove something, if it is worth while to ask
/// for these alone.
pub fn worth_it<H: Host>(host: &H, lists: &Lists) -> Option<BTreeSet<String>> {
    let lists = || lists.iter().flatten();
    if !lists().all(|listing| listing.can_refresh) {
        return None;
    }
    let all = lists().map(|listing| listing.agents.len() + listing.others.len()).max()?;
    let agents = lists().flat_map(|listing| &listing.agents);
    let concerned = agents.filter(|agent| !agent.resources.is_empty());
    let mut ids = BTreeSet::new();
    for agent in concerned {
        ids.insert(agent.id.clone());
        if ids.len() * host.agents_per_request() > all {
            return None;
        }
    }
    (!ids.is_empty()).then_some(ids)
}

/// Asks for one agent.
fn one(id: &str) -> Request {
    let query = vec![("slave_id".into(), id.into())];
    Request { query, ..request(Endpoint::Master, Method::Get, vec![PAGE.into()]) }
}

/// Returns the agent with this id, for each target that concerns it, if an answer shows this agent
/// alone, and no sign of another master.
fn only(
    each: Vec<Result<Listing, Bad>>,
    id: &str,
    taken_over: bool,
) -> Option<Vec<Option<(String, Agent)>>> {
    let agent = |listing: Result<Listing, Bad>| {
        let mut listing = listing.ok()?;
        let is_same = listing.ids().eq([id]) && listing.recovered.is_empty();
        let is_new = listing.may_have_taken_over && !taken_over;
        let agent = listing.agents.pop();
        let is_here = agent.as_ref().is_none_or(|agent| agent.connected);
        (is_same && is_here && !is_new).then(|| agent.map(|agent| (id.to_owned(), agent)))
    };
    each.into_iter().map(agent).collect()
}

/// Replaces agents of a list.
fn replaced(mut listing: Listing, mut fresh: BTreeMap<String, Agent>) -> Listing {
    listing.is_refreshed = true;
    for agent in &mut listing.agents {
        if let Some(fresh) = fresh.remove(&agent.id) {
            *agent = fresh;
        }
    }
    listing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents::list;
    use crate::testing::Script;

    const R: Wanted = Wanted { role: Some("r"), principal: None, agents: &[] };

    /// The entry of an agent that has so many resources.
    fn agent(id: &str, count: usize) -> String {
        let one = r#"{"name":"cpus","role":"r","reservation":{}}"#;
        let all = vec![one; count].join(",");
        format!(r#"{{"id":"{id}","reserved_resources_full":{{"r":[{all}]}}}}"#)
    }

    fn answer(agents: &[String]) -> String {
        format!(r#"{{"slaves":[{}],"recovered_slaves":[]}}"#, agents.join(","))
    }

    fn listing(body: String) -> Rc<Listing> {
        Rc::new(list(&mut Script::default().answer(200, body), R).unwrap())
    }

    /// Agents of which every tenth has something.
    fn many() -> Vec<String> {
        (0..100).map(|n| agent(&format!("S{n}"), usize::from(n % 10 == 0))).collect()
    }

    #[test]
    fn only_the_agents_that_have_something_are_read_again() {
        let whole = listing(answer(&many()));
        let mut host = Script::default().with_agents_per_request(10);
        for n in (0..100).step_by(10) {
            host = host.answer(200, answer(&[agent(&format!("S{n}"), usize::from(n != 0) * 2)]));
        }
        let listing = refresh(&mut host, R, Rc::clone(&whole)).unwrap();
        assert!(listing.is_refreshed && !whole.is_refreshed);
        assert_eq!(host.most_in_flight, host.window);
        let queries = host.sent.iter().map(|it| (it.path.join("/"), it.query.clone()));
        let expected = (0..100)
            .step_by(10)
            .map(|n| ("slaves".to_owned(), vec![("slave_id".to_owned(), format!("S{n}"))]));
        assert!(queries.eq(expected));
        for (n, agent) in listing.agents.iter().enumerate() {
            let count = if n % 10 == 0 && n > 0 { 2 } else { 0 };
            assert_eq!((agent.id.clone(), agent.resources.len()), (format!("S{n}"), count));
        }
        assert!(refresh(&mut Script::default().with_agents_per_request(11), R, whole).is_none());
    }

    /// The list has also the agents that are not the target's.
    #[test]
    fn all_agents_of_the_list_count() {
        let names = ["S0".to_owned()];
        let wanted = Wanted { agents: &names, ..R };
        let whole = list(&mut Script::default().answer(200, answer(&many())), wanted).unwrap();
        assert_eq!((whole.agents.len(), whole.others.len()), (1, 99));
        let whole = Rc::new(whole);
        for (cost, is_read) in [(100, true), (101, false)] {
            let host = Script::default().with_agents_per_request(cost);
            let mut host = host.answer(200, answer(&[agent("S0", 0)]));
            assert_eq!(refresh(&mut host, wanted, Rc::clone(&whole)).is_some(), is_read);
        }
    }

    /// An agent may be there again, and with it what the run has removed.
    #[test]
    fn an_agent_that_is_away_calls_for_the_whole_list() {
        let away = agent("S0", 1).replace(r#""id""#, r#""active":false,"id""#);
        for whole in [answer(&[away.clone(), agent("S1", 0)]), answer(&[agent("S1", 0)])] {
            let mut host = Script::default().with_agents_per_request(0);
            host = host.answer(200, answer(std::slice::from_ref(&away)));
            assert!(refresh(&mut host, R, listing(whole)).is_none());
        }
    }

    #[test]
    fn a_master_before_1_4_is_not_asked_for_one_agent() {
        let list = answer(&many()).replace(r#","recovered_slaves":[]"#, "");
        let mut host = Script::default().with_agents_per_request(0);
        assert!(refresh(&mut host, R, listing(list)).is_none());
        assert!(host.sent.is_empty());
    }

    #[test]
    fn whatever_is_not_exactly_the_agent_calls_for_the_whole_list() {
        let whole = listing(answer(&[agent("S0", 1), agent("S1", 1), agent("S2", 0)]));
        let plain = answer(&[agent("S0", 1)]);
        for (status, body) in [
            (200, answer(&[])),
            (200, answer(&[agent("S1", 1)])),
            (200, answer(&[agent("S0", 1), agent("S1", 1)])),
            (200, plain.replace("[]}", r#"[{"id":"S9"}]}"#)),
            (200, plain.replace(r#""id""#, r#""active":false,"id""#)),
            (200, plain.replace(r#""id""#, r#""reregistered_time":1.5,"id""#)),
            (200, plain.replace(r#""role":"r""#, r#""role":"q""#)),
            (200, "<html>".into()),
            (503, String::new()),
        ] {
            let mut host = Script::default().with_agents_per_request(0);
            host = host.answer(status, &body).answer(200, answer(&[agent("S1", 1)]));
            assert!(refresh(&mut host, R, Rc::clone(&whole)).is_none(), "{status} {body}");
            // The place of each request in the window is free again.
            assert_eq!(host.in_flight(), 0, "{status} {body}");
        }
    }

    #[test]
    fn several_targets_share_the_answers() {
        let both = |id: &str, r: usize, q: usize| {
            let all = |role: &str, count| {
                vec![format!(r#"{{"name":"cpus","role":"{role}","reservation":{{}}}}"#); count]
                    .join(",")
            };
            let (r, q) = (all("r", r), all("q", q));
            format!(r#"{{"id":"{id}","reserved_resources_full":{{"r":[{r}],"q":[{q}]}}}}"#)
        };
        let q = Wanted { role: Some("q"), ..R };
        let mut host = Script::default().answer(200, answer(&[both("S0", 1, 0), both("S1", 0, 1)]));
        let lists = super::super::list_all(&mut host, &[R, q]).unwrap();
        let lists = lists.into_iter().map(|it| it.map(Rc::new)).collect();
        let mut host = Script::default().with_agents_per_request(0);
        host =
            host.answer(200, answer(&[both("S0", 2, 0)])).answer(200, answer(&[both("S1", 0, 3)]));
        let lists = refresh_all(&mut host, &[R, q], lists).unwrap();
        let counts = |listing: &Result<Rc<Listing>, Unread>| {
            let agents = &listing.as_ref().unwrap().agents;
            agents.iter().map(|agent| agent.resources.len()).collect::<Vec<_>>()
        };
        assert_eq!(lists.iter().map(counts).collect::<Vec<_>>(), [[2, 0], [0, 3]]);
        assert_eq!(host.sent.len(), 2);
    }
}
