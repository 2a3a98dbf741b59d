//! A cleaner like janitor's predecessor: it sends one request at a time, each over its own
//! connection, and parses every list completely into a tree of values. It reads the list four
//! times: for the version, for the volumes, for the reservations, and for the final check.

use serde_json::Value;

use crate::Result;
use crate::agents::ROLE;
use crate::http::ask;

/// Cleans the role on a master.
pub fn clean(master: &str) -> Result<()> {
    slaves(master)?;
    sweep(master, "destroy-volumes", "volumes", |it| !it["disk"]["persistence"].is_null())?;
    sweep(master, "unreserve", "resources", |it| !it["reservation"].is_null())?;
    match slaves(master)?.iter().find(|agent| !reserved(agent).is_empty()) {
        None => Ok(()),
        Some(agent) => Err(format!("agent {} still has reserved resources", agent["id"]).into()),
    }
}

fn slaves(master: &str) -> Result<Vec<Value>> {
    let list = ask(&format!("{master}/slaves"), None)?;
    match serde_json::from_slice::<Value>(&list)?["slaves"].take() {
        Value::Array(slaves) => Ok(slaves),
        _ => Err("the response is not a list of agents".into()),
    }
}

fn reserved(agent: &Value) -> &[Value] {
    agent["reserved_resources_full"][ROLE].as_array().map_or(&[], Vec::as_slice)
}

fn sweep(master: &str, path: &str, field: &str, is_meant: fn(&Value) -> bool) -> Result<()> {
    for agent in slaves(master)? {
        let meant: Vec<_> = reserved(&agent).iter().filter(|it| is_meant(it)).collect();
        if meant.is_empty() {
            continue;
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("slaveId", agent["id"].as_str().unwrap_or_default())
            .append_pair(field, &serde_json::to_string(&meant)?)
            .finish();
        ask(&format!("{master}/{path}"), Some(&form))?;
    }
    Ok(())
}
