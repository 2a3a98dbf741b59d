//! Services: what they reserve, the frameworks that they run, and the command that removes one.

use std::io::{BufRead as _, BufReader, Read as _};
use std::slice;
use std::thread::sleep;
use std::time::{Duration, Instant};

use janitor_tests::real::{cpus, disk, mem, volume, with};
use serde_json::{Value, json};
use ureq::BodyReader;

use crate::Result;
use crate::cluster::{client, get};
use crate::truth::{Held, held};

/// The owner of resources.
#[derive(Clone, Debug)]
pub struct Service {
    /// The role.
    pub role: String,
    /// The principal.
    pub principal: String,
    /// The value of the label `service`.
    pub label: Option<String>,
}

/// Everything that a command removes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The role.
    pub role: String,
    /// The principal, unless all of the role is removed.
    pub principal: Option<String>,
    /// The value of the label `service`, unless all of the role is removed.
    pub label: Option<String>,
    /// The node in ZooKeeper.
    pub znode: Option<String>,
}

impl Service {
    /// Makes a service of a role.
    pub fn new(role: &str, principal: &str, label: Option<&str>) -> Self {
        Self { role: role.into(), principal: principal.into(), label: label.map(Into::into) }
    }

    /// Reserves resources on an agent, creates a volume of them, and waits until the agent itself
    /// has all of it: an agent that is killed earlier does not restore it.
    pub fn create(&self, master: &str, id: &str, with_memory: bool) -> Result<()> {
        let (mut resources, volume) = self.resources(with_memory);
        operate(master, "reserve", id, "resources", &resources)?;
        operate(master, "create-volumes", id, "volumes", slice::from_ref(&volume))?;
        resources.pop();
        resources.push(volume);
        let expected = held(0, &json!({"": resources}));
        let url = agent_url(master, id)?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            let own = get(&format!("{url}state"))?;
            if held(0, &own["reserved_resources_full"]).is_superset(&expected) {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        Err("the agent never has it".into())
    }

    /// Removes what [`Service::create`] has made on an agent.
    pub fn remove(&self, master: &str, id: &str, with_memory: bool) -> Result<()> {
        let (resources, volume) = self.resources(with_memory);
        operate(master, "destroy-volumes", id, "volumes", &[volume])?;
        operate(master, "unreserve", id, "resources", &resources)
    }

    /// Returns the resources, the last of which is the disk of the volume.
    fn resources(&self, with_memory: bool) -> (Vec<Value>, Value) {
        // This is the form in which masters list reservations.
        let mut reservation =
            json!({"type": "DYNAMIC", "role": self.role, "principal": self.principal});
        if let Some(label) = &self.label {
            reservation["labels"] = json!({"labels": [{"key": "service", "value": label}]});
        }
        let owner = json!({"reservations": [reservation]});
        let mut resources = vec![with(&cpus(0.1), &owner)];
        resources.extend(with_memory.then(|| with(&mem(32.0), &owner)));
        resources.push(with(&disk(32.0), &owner));
        let id =
            format!("{}-{}-{}", self.role, self.principal, self.label.as_deref().unwrap_or(""));
        (resources, with(&volume(&disk(32.0), &id), &owner))
    }
}

impl Target {
    /// Returns whether a resource is to be removed.
    pub fn has(&self, held: &Held) -> bool {
        self.role == held.role
            && self.principal.as_ref().is_none_or(|it| *it == held.principal)
            && self.label.as_ref().is_none_or(|it| *it == held.label)
    }

    /// Returns the options that select it.
    pub fn options(&self) -> Vec<String> {
        let mut options = vec!["--role".to_owned(), self.role.clone()];
        let label = self.label.as_ref().map(|label| format!("service={label}"));
        for (name, value) in
            [("--principal", &self.principal), ("--label", &label), ("--zk-path", &self.znode)]
        {
            options.extend(value.iter().flat_map(|value| [name.to_owned(), value.clone()]));
        }
        options
    }
}

/// Returns the URL of an agent's own endpoints.
fn agent_url(master: &str, id: &str) -> Result<String> {
    let list = get(&format!("{master}slaves"))?;
    let mut agents = list["slaves"].as_array().into_iter().flatten();
    let entry = agents.find(|entry| entry["id"] == id).ok_or("the agent is not listed")?;
    let process = entry["pid"].as_str().and_then(|pid| pid.split_once('@'));
    let (process, address) = process.ok_or("the agent has no address")?;
    Ok(format!("http://{address}/{process}/"))
}

fn operate(master: &str, path: &str, id: &str, field: &str, list: &[Value]) -> Result<()> {
    let list = Value::from(list).to_string();
    client().post(format!("{master}{path}")).send_form([("slaveId", id), (field, &list)])?;
    Ok(())
}

/// A framework, which stays registered for an hour after it has lost its connection.
pub struct Framework {
    id: Value,
    role: String,
    _events: BufReader<BodyReader<'static>>,
}

impl Framework {
    /// Registers a framework that does nothing.
    pub fn register(master: &str, role: &str) -> Result<Self> {
        Self::subscribe(master, role, None)
    }

    /// Registers it again, with a new master.
    pub fn register_again(&mut self, master: &str) -> Result<()> {
        *self = Self::subscribe(master, &self.role, Some(&self.id))?;
        Ok(())
    }

    fn subscribe(master: &str, role: &str, id: Option<&Value>) -> Result<Self> {
        let mut call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            "user": "root", "name": "soak", "roles": [role], "failover_timeout": 3600.0,
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}],
        }}});
        if let Some(id) = id {
            call["framework_id"] = id.clone();
            call["subscribe"]["framework_info"]["id"] = id.clone();
        }
        let response = client()
            .post(format!("{master}api/v1/scheduler"))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .send(call.to_string())?;
        let mut events = BufReader::new(response.into_body().into_reader());
        let mut length = String::new();
        events.read_line(&mut length)?;
        let mut event = vec![0; length.trim().parse()?];
        events.read_exact(&mut event)?;
        let event: Value = serde_json::from_slice(&event)?;
        let id = event["subscribed"]["framework_id"].clone();
        if id.is_null() {
            return Err(format!("the framework is not registered: {event}").into());
        }
        Ok(Self { id, role: role.into(), _events: events })
    }

    /// Ends the framework.
    pub fn tear_down(self, master: &str) -> Result<()> {
        let id = self.id["value"].as_str().unwrap_or_default();
        client().post(format!("{master}teardown")).send_form([("frameworkId", id)])?;
        Ok(())
    }
}
