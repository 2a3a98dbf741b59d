//! The agents of a cluster of any size, as a Mesos 1.11 master lists them.
//!
//! An agent is a number and a [`Stage`]; its two kilobytes of text are generated when they are
//! read.

use std::fmt::Write as _;

/// The role that is cleaned, and the first one of several.
pub const ROLE: &str = "kafka-role";

/// Returns the name of one of several roles.
pub fn role(number: usize) -> String {
    match number {
        0 => ROLE.into(),
        _ => format!("{ROLE}-{number}"),
    }
}

/// The progress of an agent's cleanup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The agent has nothing of the roles that are cleaned, and never had.
    Other,
    /// The agent has a volume and reservations.
    Volume,
    /// The volume is destroyed.
    Reserved,
    /// The reservations are released too.
    Free,
}

/// Creates the agents of a cluster. `matching` of them have resources to remove, evenly spread, and so
/// does the first if any does.
pub fn cluster(agents: usize, matching: usize) -> Vec<Stage> {
    let is_matching = |agent: usize| agent * matching % agents < matching;
    (0..agents).map(|it| if is_matching(it) { Stage::Volume } else { Stage::Other }).collect()
}

/// Returns the id of an agent.
pub fn id(agent: usize) -> String {
    format!("b2bfc2d4-93f3-4c70-a887-d83e58d7801a-S{agent}")
}

/// Returns the number in an agent's id.
pub fn number(id: &str) -> Option<usize> {
    id.strip_prefix("b2bfc2d4-93f3-4c70-a887-d83e58d7801a-S")?.parse().ok()
}

/// Returns the text of a whole list.
pub fn list(stages: &[Stage]) -> Vec<u8> {
    let mut list = String::from(HEAD);
    for (agent, stage) in stages.iter().enumerate() {
        write(&mut list, agent, &[(ROLE.into(), *stage)]);
    }
    list.push_str(TAIL);
    list.into_bytes()
}

/// The text before the agents.
pub const HEAD: &str = r#"{"slaves":["#;

/// The text after the agents.
pub const TAIL: &str = r#"],"recovered_slaves":[]}"#;

/// The same before Mesos 1.4.
pub const OLD_TAIL: &str = "]}";

/// Appends the text of an agent to a list of all, preceded by a comma if necessary. `own` are the roles
/// that it has resources of if it matches, and how far their cleanups are.
pub fn write(list: &mut String, agent: usize, own: &[(String, Stage)]) {
    if agent > 0 {
        list.push(',');
    }
    write_one(list, agent, own);
}

/// Appends the text of an agent.
pub fn write_one(list: &mut String, agent: usize, own: &[(String, Stage)]) {
    let (mut sums, mut full, mut reserved) = (String::new(), String::new(), 0.0);
    for (role, stage) in own {
        let (role, resources) = match stage {
            Stage::Other => ("other-role", resources("other-role", false)),
            Stage::Volume => (&**role, resources(role, true)),
            Stage::Reserved => (&**role, resources(role, false)),
            Stage::Free => continue,
        };
        let comma = if full.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(sums, r#"{comma}"{role}":{{"disk":64.0,"mem":64.0,"gpus":0.0,"cpus":0.5}}"#);
        let _ = write!(full, r#"{comma}"{role}":[{}]"#, resources.join(","));
        reserved += 1.0;
    }
    let rest = [(20992.0, 64.0), (4224.0, 64.0), (5.0, 0.5)];
    let [disk, mem, cpus] =
        rest.map(|(all, each): (f64, f64)| format!("{:?}", (all - each * reserved).max(0.0)));
    let (rack, id) = (agent % 40, id(agent));
    let _ = write!(
        list,
        r#"{{"id":"{id}","hostname":"agent-{agent}.example","port":5051,"attributes":{{"rack":"r{rack}","zone":"z1"}},"pid":"slave({agent})@10.0.0.1:5051","registered_time":1795363255.069898,"resources":{{"disk":20992.0,"mem":4224.0,"gpus":0.0,"cpus":5.0,"ports":"[31000-32000]"}},"used_resources":{{"disk":0.0,"mem":0.0,"gpus":0.0,"cpus":0.0}},"offered_resources":{{"disk":0.0,"mem":0.0,"gpus":0.0,"cpus":0.0}},"reserved_resources":{{{sums}}},"unreserved_resources":{{"disk":{disk},"mem":{mem},"gpus":0.0,"cpus":{cpus},"ports":"[31000-32000]"}},"active":true,"deactivated":false,"version":"1.11.0","capabilities":["MULTI_ROLE","HIERARCHICAL_ROLE","RESERVATION_REFINEMENT","RESOURCE_PROVIDER","RESIZE_VOLUME","AGENT_OPERATION_FEEDBACK","AGENT_DRAINING","TASK_RESOURCE_LIMITS"],"reserved_resources_full":{{{full}}},"unreserved_resources_full":[{{"name":"disk","type":"SCALAR","scalar":{{"value":{disk}}},"role":"*"}},{{"name":"mem","type":"SCALAR","scalar":{{"value":{mem}}},"role":"*"}},{{"name":"cpus","type":"SCALAR","scalar":{{"value":{cpus}}},"role":"*"}},{{"name":"ports","type":"RANGES","ranges":{{"range":[{{"begin":31000,"end":32000}}]}},"role":"*"}}],"used_resources_full":[],"offered_resources_full":[]}}"#
    );
}

/// Returns the resources that an agent reserves for a role. The last one is its disk, with a volume
/// if it has one.
pub fn resources(role: &str, has_volume: bool) -> [String; 3] {
    let volume = r#","disk":{"persistence":{"id":"data","principal":"kafka-principal"},"volume":{"mode":"RW","container_path":"data"}}"#;
    [("cpus", "0.5", ""), ("mem", "64.0", ""), ("disk", "64.0", if has_volume { volume } else { "" })].map(
        |(name, value, disk)| {
            format!(
                r#"{{"name":"{name}","type":"SCALAR","scalar":{{"value":{value}}},"role":"{role}","reservation":{{"principal":"kafka-principal"}},"reservations":[{{"type":"DYNAMIC","role":"{role}","principal":"kafka-principal"}}]{disk}}}"#
            )
        },
    )
}
