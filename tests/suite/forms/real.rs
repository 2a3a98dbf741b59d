//! Tests of the same forms on a real master: by the master's own list, they change only resources
//! of the target.

use std::collections::BTreeMap;

use janitor_host::{Endpoints, Janitor, Options, Report, RunError, Session};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::chance::{Agents, Aim, Form, Held};
use super::{PRINCIPAL, ROLE, destroy, misbehaving, target, unreserve};
use crate::command::{client, network};
use crate::real::master::{Master, cpus, disk, mem, volume, with};
use janitor_guest::simulated::Chance;

/// A master's list of agents, with the text of each resource.
#[derive(Deserialize)]
struct List {
    slaves: Vec<Agent>,
}

#[derive(Deserialize)]
struct Agent {
    id: String,
    reserved_resources_full: BTreeMap<String, Vec<Box<RawValue>>>,
}

/// The part of the role that the principal made.
fn own() -> Aim {
    Aim { principal: Some(PRINCIPAL), ..Aim::default() }
}

/// Has a component send these lines to a master.
fn send(
    janitor: &Janitor,
    master: &Master,
    aim: Aim,
    lines: &[String],
) -> Result<Report, RunError> {
    let endpoints =
        Endpoints::new(&master.url(), Endpoints::EXHIBITOR, Endpoints::MARATHON).unwrap();
    let session = Session::new(network(endpoints).build().unwrap());
    janitor.clean(&target(aim, lines), &Options::DEFAULT, session)
}

/// Returns the resources of the agents, in the master's own words.
fn held(master: &Master) -> Agents {
    let list = client().get(format!("{}slaves", master.url())).call().unwrap();
    let list: List = serde_json::from_reader(list.into_body().into_reader()).unwrap();
    let agents = list.slaves.into_iter().flat_map(|Agent { id, reserved_resources_full }| {
        reserved_resources_full.into_iter().flat_map(move |(role, resources)| {
            let id = id.clone();
            resources.into_iter().map(move |text| owned(&id, &role, text.get()))
        })
    });
    Agents(agents.collect())
}

/// Describes the owners of a resource.
fn owned(agent: &str, role: &str, text: &str) -> Held {
    let resource: Value = serde_json::from_str(text).unwrap();
    let innermost = match resource["reservations"].as_array() {
        Some(stack) => stack.last().unwrap().clone(),
        None => resource["reservation"].clone(),
    };
    let principal = |of: &Value| of["principal"].as_str().map(str::to_owned);
    let reserver = principal(&innermost);
    let persistence = &resource["disk"]["persistence"];
    let is_dynamic = innermost["type"] == "DYNAMIC" || resource["reservation"].is_object();
    Held {
        agent: agent.into(),
        text: text.into(),
        role: role.into(),
        volume: persistence.is_object().then(|| principal(persistence).or(reserver.clone())),
        reservation: (is_dynamic && persistence.is_null()).then_some(reserver),
        label: None,
    }
}

/// Returns the resources that the target's principal does not own, each as often as it exists.
fn others(agents: &Agents, aim: Aim) -> Vec<(String, Value)> {
    let is_other = |held: &&Held| {
        let is_own = |operation| held.is_in_scope(operation, aim);
        !is_own(0) && !is_own(1)
    };
    let others = agents.0.iter().filter(is_other);
    let mut others: Vec<_> = others
        .map(|it| (it.agent.clone(), serde_json::from_str::<Value>(&it.text).unwrap()))
        .collect();
    others.sort_by_key(|(agent, resource)| format!("{agent} {resource}"));
    others
}

/// Returns a resource with the reservation of a principal.
fn reserved(resource: &Value, role: &str, principal: &str, label: Option<&str>) -> Value {
    let mut reservation = json!({"principal": principal});
    if let Some(label) = label {
        reservation["labels"] = json!({"labels": [{"key": "k", "value": label}]});
    }
    with(resource, &json!({"role": role, "reservation": reservation}))
}

/// Reserves a disk for one principal, and creates a volume on it as another one.
fn make_volume(master: &Master, agent: &str, role: &str, [reserver, creator]: [&str; 2], id: &str) {
    let disk = reserved(&disk(16.0), role, reserver, Some(id));
    master.reserve(agent, std::slice::from_ref(&disk));
    let mut volume = volume(&disk, id);
    volume["disk"]["persistence"]["principal"] = json!(creator);
    master.create_volumes(agent, &[volume]);
}

pub fn a_component_that_claims_a_volume(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    make_volume(&master, agent, ROLE, ["q", "q"], "theirs");
    make_volume(&master, agent, ROLE, ["p", "p"], "own");
    let before = master.reserved();
    let agents = held(&master);
    let theirs = agents.0.iter().find(|it| it.text.contains("theirs")).unwrap();
    let creator = r#""persistence":{"id":"theirs","principal":"q"}"#;
    assert!(theirs.text.contains(creator), "{}", theirs.text);
    let claimed = theirs.text.replace(creator, &creator.replace('q', "p"));
    let claim = destroy(agent, &claimed);
    let stopped = send(&misbehaving(), &master, own(), &[claim]).unwrap_err();
    assert!(stopped.to_string().contains("has not listed"), "{stopped}");
    assert_eq!(master.reserved(), before);
    // The master would accept the claimed volume, because it checks only the id.
    let claimed: Value = serde_json::from_str(&claimed).unwrap();
    master.destroy_volumes(agent, &[claimed]);
    let is_there =
        |id: &str| held(&master).0.iter().any(|it| it.text.contains(&format!(r#""id":"{id}""#)));
    assert!(is_there("own") && !is_there("theirs"));
}

pub fn a_component_that_releases_nothing(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    master.reserve(agent, &[reserved(&cpus(0.5), ROLE, PRINCIPAL, None)]);
    let before = master.reserved();
    let text = held(&master).0.into_iter().find(|it| it.role == ROLE).unwrap().text;
    for (amount, empty) in [
        (r#"{"value":0.5}"#, r#"{"value":0.0}"#),
        (r#""scalar":{"value":0.5}"#, r#""ranges":{}"#),
        (r#""scalar":{"value":0.5}"#, r#""set":{"item":[]}"#),
    ] {
        let empty = unreserve(agent, &text.replace(amount, empty));
        let stopped = send(&misbehaving(), &master, own(), &[empty]).unwrap_err();
        assert!(stopped.to_string().contains("an empty amount"), "{stopped}");
        assert_eq!(master.reserved(), before, "the master is still there");
    }
}

/// The number of lists of agents, and the number of forms for each.
const ROUNDS: usize = 15;
const FORMS: usize = 60;

pub fn forms_by_chance(command: &str) {
    let master = Master::start(command, 2, &[]);
    let janitor = misbehaving();
    let mut chance = Chance::new(1);
    let (mut passed, mut denied, mut changes) = (0, 0, 0);
    for round in 0..ROUNDS {
        fill(&master, round, &mut chance);
        let principal = [None, Some(PRINCIPAL), Some(PRINCIPAL)][chance.below(3)];
        let aim = Aim { principal, ..Aim::default() };
        let agents = held(&master);
        let forms: Vec<_> =
            (0..FORMS).map(|_| Form::by_chance(&mut chance, &agents, aim)).collect();
        for form in forms.iter().filter(|form| !form.may_pass) {
            let lines = [form.line.clone()];
            assert!(send(&janitor, &master, aim, &lines).is_err(), "{form:?}");
            denied += 1;
        }
        assert_eq!(master.reserved().len(), 2);
        assert_eq!(held(&master).0.len(), agents.0.len(), "nothing was denied and done");
        for form in forms.iter().filter(|form| form.may_pass) {
            // Each form is sent by a run of its own, which sees what the runs before it have
            // left: a resource that is removed must not be removed again.
            let before = held(&master);
            let result = send(&janitor, &master, aim, std::slice::from_ref(&form.line));
            let after = held(&master);
            // A destroyed volume of another principal leaves its reserved disk.
            let others_before = others(&before, aim);
            let (same, new): (Vec<_>, Vec<_>) =
                others(&after, aim).into_iter().partition(|it| others_before.contains(it));
            let is_disk = |(_, it): &(String, Value)| it["name"] == "disk" && it["role"] == ROLE;
            assert_eq!(same.len(), others_before.len(), "{form:?}");
            assert!(new.iter().all(is_disk), "{form:?}: {new:?}");
            assert!(new.is_empty() || form.line.starts_with("destroy-volumes"), "{form:?}");
            changes += usize::from(before.0.len() != after.0.len());
            passed += usize::from(result.is_ok());
        }
    }
    println!("{passed} forms passed, {denied} were denied, {changes} changed something");
    assert!(passed.min(denied).min(changes) > ROUNDS, "the forms are too dull");
}

/// Creates the missing resources of the target and of others.
fn fill(master: &Master, round: usize, chance: &mut Chance) {
    for agent in master.agents() {
        // Everything that the round before has left is released, whoever owns it.
        release(master, &agent);
        for (reserver, creator) in [("p", "p"), ("p", "q"), ("q", "p"), ("q", "q")] {
            let id = format!("v-{round}-{reserver}{creator}");
            make_volume(master, &agent, ROLE, [reserver, creator], &id);
        }
        make_volume(master, &agent, "other", ["p", "p"], &format!("o-{round}"));
        let label = [None, Some("a&b;c"), Some("1+1=%2 /é")][chance.below(3)];
        for (role, principal) in [(ROLE, "p"), (ROLE, "q"), ("other", "p")] {
            let some = [cpus(0.5), mem(32.0), disk(8.0)];
            let some: Vec<_> = some.iter().map(|it| reserved(it, role, principal, label)).collect();
            master.reserve(&agent, &some);
        }
    }
}

/// Releases everything on an agent that is not its operator's.
fn release(master: &Master, agent: &str) {
    let of_agent = |agents: Agents| agents.0.into_iter().filter(|it| it.agent == agent);
    let json = |held: Held| serde_json::from_str::<Value>(&held.text).unwrap();
    let volumes: Vec<_> =
        of_agent(held(master)).filter(|it| it.volume.is_some()).map(json).collect();
    if !volumes.is_empty() {
        master.destroy_volumes(agent, &volumes);
    }
    let reservations: Vec<_> =
        of_agent(held(master)).filter(|it| it.reservation.is_some()).map(json).collect();
    if !reservations.is_empty() {
        master.unreserve(agent, &reservations);
    }
}
