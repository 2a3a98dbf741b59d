//! Tests of forms with which a component might remove something that is not the target's: some
//! named ones, and many random ones. The verdicts of the host and of the gate on each are compared
//! with the known one.

mod chance;
pub mod real;

use std::env;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use janitor_contract::types::{Error, LabelSelector};
use janitor_host::{Janitor, Limits, Options, Report, RunError, Session, Target};
use janitor_tests::Cluster;
use janitor_transport::exchange::{Exchange, Request, Response, Transport};
use serde_json::json;

use crate::command::{on, run};
use crate::real::master::{cpus, reserved_for, with};
use chance::{Agents, Aim, Form};
use janitor_guest::simulated::Chance;

/// The role for which the misbehaving component sends forms.
pub const ROLE: &str = "sends-forms";

/// The principal whose resources it may remove.
pub const PRINCIPAL: &str = "p";

/// The resources that agent S0 holds for the role: cpus and a volume of the principal, and a
/// volume of another principal.
pub const HELD: [&str; 3] = [
    r#"{"name":"cpus","type":"SCALAR","scalar":{"value":0.5},"role":"sends-forms","reservation":{"principal":"p","labels":{"labels":[{"key":"k","value":"v"}]}}}"#,
    r#"{"name":"disk","type":"SCALAR","scalar":{"value":8.0},"role":"sends-forms","reservation":{"principal":"p"},"disk":{"persistence":{"id":"own","principal":"p"},"volume":{"mode":"RW","container_path":"d"}}}"#,
    r#"{"name":"disk","type":"SCALAR","scalar":{"value":8.0},"role":"sends-forms","reservation":{"principal":"q"},"disk":{"persistence":{"id":"theirs","principal":"q"},"volume":{"mode":"RW","container_path":"d"}}}"#,
];

/// The behaviour of a component that sends a form, the form, and the words of the refusal.
type Case = (&'static str, fn() -> String, &'static str);

/// The forms that the host and the gate must deny.
pub const CASES: &[Case] = &[
    (
        "claims a volume of another principal",
        || destroy("S0", &HELD[2].replace(r#""principal":"q""#, r#""principal":"p""#)),
        "a resource that the master has not listed in exactly this form for agent 'S0'",
    ),
    (
        "claims only to have created a volume",
        || {
            destroy(
                "S0",
                &HELD[2].replace(r#""theirs","principal":"q""#, r#""theirs","principal":"p""#),
            )
        },
        "a resource that the master has not listed in exactly this form for agent 'S0'",
    ),
    (
        "releases an empty amount",
        || unreserve("S0", &HELD[0].replace("0.5", "0")),
        "an empty amount, which would crash the master",
    ),
    (
        "releases an empty range",
        || unreserve("S0", &HELD[0].replace(r#""scalar":{"value":0.5}"#, r#""ranges":{}"#)),
        "an empty amount, which would crash the master",
    ),
    (
        "releases another amount",
        || unreserve("S0", &HELD[0].replace("0.5", "0.25")),
        "a resource that the master has not listed in exactly this form for agent 'S0'",
    ),
    (
        "forgets a label",
        || unreserve("S0", &HELD[0].replace(r#"{"key":"k","value":"v"}"#, "")),
        "a resource that the master has not listed in exactly this form for agent 'S0'",
    ),
    (
        "names another agent",
        || unreserve("S1", HELD[0]),
        "a resource that the master has not listed in exactly this form for agent 'S1'",
    ),
    (
        "hides another agent in a form",
        || unreserve("S0", HELD[0]).replace("slaveId=S0", "slaveId=S0;slaveId=S1"),
        "a resource that the master has not listed in exactly this form for agent \
         'S0;slaveId=S1'",
    ),
    (
        "writes a form in its own way",
        || unreserve("S0", HELD[0]).replace("%7B", "{"),
        "a form must be encoded as browsers encode it, without spaces in its list",
    ),
    // The targets of these are limited to a part of the role; see `target_of`.
    (
        "releases what has another label",
        || unreserve("S0", HELD[0]),
        "a resource without the label 'k=w'",
    ),
    (
        "releases what another framework reserved",
        || unreserve("S0", HELD[0]),
        "a resource whose labels do not name framework 'F'",
    ),
    (
        "destroys a volume without the label",
        || destroy("S0", HELD[1]),
        "a resource without the label 'k'",
    ),
    (
        "releases what another agent holds",
        || unreserve("S0", HELD[0]),
        "agent 'S0', which is not one of the target's agents",
    ),
];

/// Returns the options that limit the target of a case to a part of the role.
pub fn part(behaviour: &str) -> &'static [&'static str] {
    match behaviour {
        "releases what has another label" => &["--label", "k=w"],
        "releases what another framework reserved" => &["--framework-id", "F"],
        "destroys a volume without the label" => &["--label", "k"],
        "releases what another agent holds" => &["--agent", "S1"],
        _ => &[],
    }
}

/// Returns the target of a case, for which the component sends this form.
pub fn target_of(behaviour: &str, form: String) -> Target {
    let target = target(Aim { principal: Some(PRINCIPAL), ..Aim::default() }, &[form]);
    let value = |it: &str| it.to_owned();
    match part(behaviour) {
        ["--label", label] => {
            Target { labels: vec![LabelSelector::read(label).unwrap()], ..target }
        }
        ["--framework-id", id] => Target { framework_id: Some(value(id)), ..target },
        ["--agent", agent] => Target { agents: vec![value(agent)], ..target },
        _ => target,
    }
}

fn destroy(agent: &str, resource: &str) -> String {
    format!("destroy-volumes {}", encoded(agent, "volumes", resource))
}

fn unreserve(agent: &str, resource: &str) -> String {
    format!("unreserve {}", encoded(agent, "resources", resource))
}

fn encoded(agent: &str, field: &str, resource: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("slaveId", agent).append_pair(field, &format!("[{resource}]")).finish()
}

/// Returns the form of a case, and the words of its refusal.
pub fn case(behaviour: &str) -> (String, &'static str) {
    let (_, form, words) = CASES.iter().find(|(it, ..)| *it == behaviour).expect("a case");
    (form(), words)
}

/// Returns the master's list of agents in which S0 holds these for the role.
pub fn list(resources: &[&str]) -> String {
    let resources = resources.join(",");
    format!(
        r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{}}}},{{"id":"S0","reserved_resources_full":{{"{ROLE}":[{resources}]}}}}]}}"#
    )
}

/// A resource may be three times as long in a form as it is in the master's list.
#[test]
fn longer_than_what_they_are_made_of() {
    let owner = reserved_for("r", "p");
    let label = json!({"reservation": {"principal": "p", "labels": {"labels": [
        {"key": "k", "value": "\u{8a9e}".repeat(2 << 20)},
    ]}}});
    let reserved = json!({"r": [with(&with(&cpus(1.0), &owner), &label)]});
    let agent = json!({"id": "S0", "hostname": "h", "reserved_resources_full": reserved});
    let state = json!({"version": "1.11.0", "agents": [agent]});
    let cluster = Cluster::start(serde_json::from_value(state).unwrap());
    let run = run(&mut on(&cluster, "-r r"));
    assert_eq!(run.exit, 0, "{}", run.stdout);
    let unreserve = cluster.requests().into_iter().find(|it| it.path.ends_with("/unreserve"));
    assert!(unreserve.unwrap().body.len() > 16 << 20);
}

#[test]
fn by_chance() {
    agree(&misbehaving());
}

#[cfg(feature = "jit")]
#[test]
fn by_chance_of_a_component_behind_the_gate() {
    agree(&gated());
}

/// Loads the component that misbehaves.
#[allow(unsafe_code)]
fn misbehaving() -> Janitor {
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    unsafe { Janitor::from_precompiled(janitor_tests::MISBEHAVING, "") }.unwrap()
}

/// Loads the same component behind the gate; the host checks the requests that pass the gate.
#[cfg(feature = "jit")]
fn gated() -> Janitor {
    let file = crate::composed::MISBEHAVING.join("janitor.wasm");
    Janitor::from_component(&std::fs::read(file).unwrap()).unwrap()
}

/// Returns the target for which the component sends these lines.
pub fn target(aim: Aim, lines: &[String]) -> Target {
    let label = aim.label.map(|it| LabelSelector { key: "k".into(), value: Some(it.into()) });
    Target {
        role: Some(ROLE.into()),
        principal: aim.principal.map(Into::into),
        znode: Some(lines.join("\n")),
        labels: label.into_iter().collect(),
        agents: aim.agent.into_iter().map(Into::into).collect(),
        ..Target::NOTHING
    }
}

/// The minimum number of forms, and the number of forms for one list of agents.
const FORMS: usize = 20_000;
const OF_ONE_LIST: usize = 200;

/// Asserts that a form is sent if and only if a browser would make it of resources of the target
/// that are listed for its agent.
fn agree(janitor: &Janitor) {
    let requested = env::var("JANITOR_TEST_SEED").ok().and_then(|it| it.parse().ok());
    let seeds = requested.map_or(0..FORMS / OF_ONE_LIST, |seed: usize| seed..seed + 1);
    let (mut passed, mut denied) = (0, 0);
    for seed in seeds {
        let mut chance = Chance::new(seed as u64);
        let agents = Agents::by_chance(&mut chance);
        let aim = Aim::by_chance(&mut chance);
        let mut forms: Vec<_> =
            (0..OF_ONE_LIST).map(|_| Form::by_chance(&mut chance, &agents, aim)).collect();
        // Each run begins with an allowed form, which shows that others would be sent as well.
        forms.sort_by_key(|form| !form.may_pass);
        let (may_pass, others): (Vec<_>, Vec<_>) = forms.iter().partition(|form| form.may_pass);
        let lines = |forms: &[&Form]| forms.iter().map(|it| it.line.clone()).collect::<Vec<_>>();
        let (result, sent) = send(janitor, agents.list(), aim, &lines(&may_pass));
        assert_eq!(sent, lines(&may_pass), "JANITOR_TEST_SEED={seed}");
        assert!(result.is_ok(), "JANITOR_TEST_SEED={seed}: {result:?}");
        passed += sent.len();
        for form in &others {
            let both: Vec<_> = may_pass.first().into_iter().chain([form]).copied().collect();
            let (result, sent) = send(janitor, agents.list(), aim, &lines(&both));
            assert_eq!(sent, lines(&both[..both.len() - 1]), "JANITOR_TEST_SEED={seed}: {form:?}");
            let why = result.unwrap_err().to_string();
            let is_denied = why.contains("is not limited to the target's resources");
            assert!(is_denied, "JANITOR_TEST_SEED={seed}: {form:?}: {why}");
            denied += 1;
        }
    }
    println!("{passed} forms passed, {denied} were denied");
    assert!(requested.is_some() || passed.min(denied) > FORMS / 10, "the forms are too dull");
}

/// Has a component send forms, and returns also the forms that were sent.
fn send(
    janitor: &Janitor,
    list: String,
    aim: Aim,
    lines: &[String],
) -> (Result<Report, RunError>, Vec<String>) {
    let sent = Arc::<Mutex<Vec<_>>>::default();
    let session = Session::new(Master { list, sent: sent.clone() });
    let result = janitor.clean(&target(aim, lines), &Options::DEFAULT, with_room(session));
    let sent = sent.lock().unwrap().clone();
    (result, sent)
}

/// Raises the limits, because a gated component has several instances.
pub fn with_room(session: Session) -> Session {
    let limits = Limits { memories: 8, tables: 16, instances: 64, ..Limits::default() };
    session.with_limits(limits)
}

/// A master that lists its agents, and accepts everything.
struct Master {
    list: String,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Transport for Master {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let Some(content) = request.content else { return Box::new(Answer(self.list.clone())) };
        let operation = request.path.join("/");
        let form = String::from_utf8(content.bytes).unwrap();
        self.sent.lock().unwrap().push(format!("{operation} {form}"));
        Box::new(Answer(String::new()))
    }

    fn pause(&mut self, _: std::time::Duration) {}
}

struct Answer(String);

impl Exchange for Answer {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let body = Box::new(Cursor::new(self.0.into_bytes()));
        Ok(Response { status: 200, content_type: None, body })
    }
}
