//! The inventory of a cluster: everything that is reserved for any role. Making an inventory
//! changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::{Abort, Context};
use crate::groups::groups;
use crate::host::Host;
use crate::master::agents::Wanted;
use crate::master::frameworks::Frameworks;
use crate::owner::Owner;
use crate::znode::Tree;
use crate::{guard, names, orphans};
use janitor_contract::types::{
    AgentHolding, Holding, Inventory, Options, ReadFailure, Reason, Target, Unreached,
};

/// Finds everything that is reserved in the cluster, as `wit/cleanup.wit` specifies.
///
/// # Errors
/// Fails if the inventory cannot be made.
pub fn discover<H: Host>(host: &mut H, options: &Options) -> Result<Inventory, ReadFailure> {
    let mut context = Context::new(host, options);
    context.discover().map_err(Abort::into_read_failure)
}

/// The holdings of a role on the agents that have been read so far.
#[derive(Default)]
struct Role {
    principals: BTreeSet<String>,
    agents: Vec<AgentHolding>,
    removable: bool,
}

impl<H: Host> Context<'_, H> {
    /// Makes the inventory.
    fn discover(&mut self) -> Result<Inventory, Abort> {
        let listing = self.list(Wanted::default());
        let listing = self.usable(listing)?;
        let mut roles = BTreeMap::<String, Role>::new();
        for agent in &listing.agents {
            for resource in &agent.resources {
                let described = resource
                    .describe()
                    .map_err(|why| self.abort(Reason::Failed, agent.invalid_resource(&why)))?;
                let role = roles.entry(described.role).or_default();
                role.principals.extend(resource.principals().map(Into::into));
                let (is_volume, is_dynamic) = resource.targeted(Owner::ANYBODY);
                role.removable |= is_volume || is_dynamic;
                if role.agents.last().is_none_or(|last| last.agent != agent.id) {
                    let (agent, hostname) = (agent.id.clone(), agent.hostname.clone());
                    role.agents.push(AgentHolding { agent, hostname, entries: Vec::new() });
                }
                if let Some(last) = role.agents.last_mut() {
                    last.entries.push(described.reserved);
                }
            }
        }
        let pending = self.pending(&listing, None);
        let reach = self.unreached(&listing, pending);
        let (unreached, agents_unknown) = self.say_unknown(reach);
        let (frameworks, why) = or_why(self.frameworks(&listing));
        let frameworks_unknown = why.or_else(|| frameworks.doubt(None, None));
        let mut retries = self.retries();
        let root = Tree::root(self.options);
        let (nodes, znodes_unknown) = or_why(root.children(&mut self.host, &mut retries));
        let options = self.options;
        let roles = roles.into_iter().map(|(name, role)| Holding {
            principals: role.principals.into_iter().collect(),
            groups: groups(&role.agents, &frameworks),
            agents: role.agents,
            removable: role.removable,
            frameworks: frameworks.using(&name),
            znodes: candidates(&name, &nodes, options),
            role: name,
        });
        let roles: Vec<_> = roles.collect();
        let counts = |it: &Unreached| !self.is_ignored(&it.agent, &it.hostname);
        let is_all_known = frameworks_unknown.is_none()
            && !unreached.iter().any(counts)
            && agents_unknown.is_none();
        let orphaned_znodes = match is_all_known {
            true => orphaned_znodes(&nodes, &roles, &frameworks, options),
            false => Vec::new(),
        };
        let orphans = match frameworks_unknown {
            None => {
                let may_have_taken_over = listing.may_have_taken_over;
                orphans::targets(
                    &roles,
                    &frameworks,
                    &orphaned_znodes,
                    may_have_taken_over,
                    options,
                )
            }
            Some(_) => Vec::new(),
        };
        Ok(Inventory {
            mesos_version: listing.version.clone(),
            roles,
            orphaned_znodes,
            orphans,
            unreached,
            agents_unknown,
            frameworks_unknown,
            znodes_unknown,
        })
    }
}

/// Splits a result into its value, which may be empty, and the reason why it is.
fn or_why<T: Default>(result: Result<T, String>) -> (T, Option<String>) {
    match result {
        Ok(value) => (value, None),
        Err(why) => (T::default(), Some(why)),
    }
}

/// Returns those of the nodes that a role's service may have.
fn candidates(role: &str, nodes: &[String], options: &Options) -> Vec<String> {
    let is_system = |name: &str| guard::is_system_znode(&guard::whole_path(options, name));
    let is_there = |name: &String| nodes.contains(name) && !is_system(name);
    names::znodes_of_role(role).filter(is_there).collect()
}

/// Returns those of the nodes that services of the DC/OS SDK, or of a role that the master knows,
/// have left: no registered framework and no role with resources suggests them, and a cleanup may
/// delete them.
fn orphaned_znodes(
    nodes: &[String],
    roles: &[Holding],
    frameworks: &Frameworks,
    options: &Options,
) -> Vec<String> {
    let of_known_roles: BTreeSet<_> = frameworks.roles().flat_map(names::znodes_of_role).collect();
    let is_orphaned = |name: &&String| {
        let is_services = names::is_znode_of_sdk(name) || of_known_roles.contains(*name);
        let is_roles = roles.iter().any(|role| role.znodes.contains(name));
        // Below a chroot, a service names its node without the chroot.
        let is_owned = [name.to_string(), guard::whole_path(options, name)]
            .iter()
            .any(|node| !frameworks.owning(node).is_empty());
        let target = Target { znode: Some(name.to_string()), ..Target::NOTHING };
        let may_go = !guard::is_system_znode(name) && guard::check(&target, options).is_ok();
        is_services && !is_roles && !is_owned && may_go
    };
    let mut orphans: Vec<_> = nodes.iter().filter(is_orphaned).cloned().collect();
    orphans.sort_unstable();
    orphans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;
    use janitor_contract::types::FrameworkState;

    const OPTIONS: Options = Options::DEFAULT;

    #[test]
    fn every_role_is_found_with_its_service() {
        let slaves = r#"{"slaves":[{"id":"S1","hostname":"h1","version":"1.11.0",
            "reserved_resources_full":{
                "kafka-role":[{"name":"cpus","role":"kafka-role","scalar":{"value":1.0},"reservation":{"principal":"p"}}],
                "slave_public":[{"name":"cpus","role":"slave_public","scalar":{"value":1.0},"reservations":[{"type":"STATIC","role":"slave_public"}]}]}},
            {"id":"S0","reserved_resources_full":{
                "kafka-role":[{"name":"disk","role":"kafka-role","scalar":{"value":8.0},"reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"q"}}}]}}]}"#;
        let frameworks =
            r#"{"frameworks":[{"id":"F","name":"dns","active":true,"role":"slave_public"}]}"#;
        let nodes = r#"[{"title":"mesos","key":"/mesos"},{"title":"dcos-service-kafka","key":"/dcos-service-kafka"}]"#;
        let mut host =
            Script::default().answer(200, slaves).answer(200, frameworks).answer(200, nodes);
        let inventory = discover(&mut host, &OPTIONS).unwrap();
        assert_eq!((inventory.frameworks_unknown, inventory.znodes_unknown), (None, None));
        let [kafka, public] = &inventory.roles[..] else { panic!("{:?}", inventory.roles) };
        assert_eq!(kafka.role, "kafka-role");
        assert_eq!(kafka.principals, ["p", "q"]);
        assert_eq!(kafka.agents.len(), 2);
        assert_eq!(kafka.znodes, ["dcos-service-kafka"]);
        assert!(kafka.removable && kafka.frameworks.is_empty());
        assert!(!public.removable && public.frameworks[0].name == "dns");
    }

    #[test]
    fn an_agent_that_is_ignored_keeps_no_node_from_being_orphaned() {
        let slaves = r#"{"slaves":[{"id":"S1","hostname":"h1","reserved_resources_full":{}}]}"#;
        let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"S7"}}]}}"#;
        let nodes = r#"[{"title":"dcos-service-kafka","key":"/dcos-service-kafka"}]"#;
        for (ignored, expected) in [(&[][..], &[][..]), (&["S7"], &["dcos-service-kafka"])] {
            let mut host = Script::default()
                .page("registrar(1)/registry", 200, registry)
                .answer(200, slaves)
                .answer(200, r#"{"frameworks":[]}"#)
                .answer(200, nodes);
            let ignored_agents = ignored.iter().map(|it| (*it).to_owned()).collect();
            let inventory = discover(&mut host, &Options { ignored_agents, ..OPTIONS }).unwrap();
            assert_eq!(inventory.orphaned_znodes, expected);
            assert_eq!(inventory.unreached[0].agent, "S7");
        }
    }

    #[test]
    fn what_names_a_registered_framework_too_is_not_orphaned() {
        let entry = |ids: &[(&str, &str)]| {
            let labels = ids.iter().map(|(key, id)| format!(r#"{{"key":"{key}","value":"{id}"}}"#));
            let labels = labels.collect::<Vec<_>>().join(",");
            format!(
                r#"{{"name":"cpus","role":"dev","scalar":{{"value":1.0}},"reservation":{{"labels":{{"labels":[{labels}]}}}}}}"#
            )
        };
        let agent = |id: &str, entries: &[String]| {
            let entries = entries.join(",");
            format!(r#"{{"id":"{id}","reserved_resources_full":{{"dev":[{entries}]}}}}"#)
        };
        let both = entry(&[("framework_id", "DEAD"), ("marathon_framework_id", "LIVE")]);
        let live = entry(&[("framework_id", "LIVE")]);
        let dead = entry(&[("framework_id", "DEAD")]);
        let agents = [
            agent("S1", &[both.clone(), live.clone(), live.clone()]),
            agent("S0", &[live, both, dead]),
        ];
        let frameworks = r#"{"frameworks":[{"id":"LIVE","name":"n","active":true,"role":"dev"}]}"#;
        let mut host = Script::default()
            .answer(200, format!(r#"{{"slaves":[{}]}}"#, agents.join(",")))
            .answer(200, frameworks)
            .answer(200, "[]");
        let inventory = discover(&mut host, &OPTIONS).unwrap();
        let groups = inventory.roles[0].groups.iter();
        let groups: Vec<_> = groups
            .map(|it| (it.framework_id.as_deref().unwrap(), it.state, it.resources, it.agents))
            .collect();
        let (dead, live) = (FrameworkState::Unknown, FrameworkState::Registered);
        assert_eq!(groups, [("DEAD", dead, 1, 1), ("LIVE", live, 5, 2)]);
    }

    #[test]
    fn what_is_not_listed_is_unknown() {
        let slaves = r#"{"slaves":[{"id":"S1","reserved_resources_full":{}}]}"#;
        let mut host = Script::default().answer(200, slaves).answer(403, "").answer(200, "<html>");
        let inventory = discover(&mut host, &OPTIONS).unwrap();
        assert!(inventory.frameworks_unknown.is_some() && inventory.znodes_unknown.is_some());
    }

    #[test]
    fn a_node_is_found_by_its_services_name() {
        let nodes: Vec<_> =
            ["mesos", "kafka", "dcos-service-kafka", "cassandra"].map(Into::into).into();
        assert_eq!(candidates("kafka-role", &nodes, &OPTIONS), ["dcos-service-kafka", "kafka"]);
        assert_eq!(candidates("eng/kafka-role", &nodes, &OPTIONS), ["dcos-service-kafka", "kafka"]);
        assert_eq!(candidates("cassandra_role", &nodes, &OPTIONS), ["cassandra"]);
        assert_eq!(candidates("mesos", &nodes, &OPTIONS), [""; 0]);
        assert_eq!(candidates("hdfs-role", &nodes, &OPTIONS), [""; 0]);
    }

    /// Returns the nodes that are called orphaned, on a cluster with two agents.
    fn orphaned(agents: &str, frameworks: &str, roles: &str, options: &Options) -> Vec<String> {
        let slaves = format!(
            r#"{{"slaves":[{{"id":"S1","hostname":"h1","reserved_resources_full":{{
                "kafka-role":[{{"name":"cpus","role":"kafka-role","scalar":{{"value":1.0}},"reservation":{{"principal":"p"}}}}]}}}}],
                "recovered_slaves":[{agents}]}}"#
        );
        let nodes: Vec<_> = [
            "zookeeper",
            "mesos",
            "dcos-service-kafka",
            "dcos-service-old",
            "dcos-service-a;b",
            "dcos-service-",
            "hdfs",
            "spark",
            "dcos-service-dev__elastic",
        ]
        .iter()
        .map(|name| format!(r#"{{"title":"{name}","key":"/{name}"}}"#))
        .collect();
        let mut host = Script::default().answer(200, &slaves).answer(200, frameworks);
        if roles.contains("frameworks") {
            // Pages that do not agree are read again.
            host = host.answer(200, frameworks);
        }
        let mut host = host
            .answer(200, format!("[{}]", nodes.join(",")))
            .page("roles", 200, roles)
            .page("roles", 200, roles);
        let inventory = discover(&mut host, options).unwrap();
        assert_eq!(inventory.znodes_unknown, None);
        inventory.orphaned_znodes
    }

    #[test]
    fn a_node_that_nothing_suggests_is_orphaned() {
        let none = r#"{"frameworks":[]}"#;
        let roles = r#"{"roles":[{"name":"hdfs-role"},{"name":"mesos"}]}"#;
        let all = ["dcos-service-dev__elastic", "dcos-service-old", "hdfs"];
        assert_eq!(orphaned("", none, roles, &OPTIONS), all);
        // Without its role, a node of the older namings may be anything.
        assert_eq!(orphaned("", none, r#"{"roles":[]}"#, &OPTIONS), all[..2]);
        // A framework owns a node by its name or by its role.
        let one = r#"{"frameworks":[{"id":"1","name":"/dev/elastic","roles":["dev"]},
            {"id":"2","name":"n","role":"old-role"}]}"#;
        assert_eq!(orphaned("", one, roles, &OPTIONS), ["hdfs"]);
        // The same holds below a chroot.
        let below = Options { znode_root: Some("a/b".into()), ..OPTIONS };
        assert_eq!(orphaned("", one, roles, &below), ["hdfs"]);
        assert_eq!(orphaned("", none, roles, &below), all);
    }

    #[test]
    fn no_node_is_orphaned_while_its_owner_may_be_unseen() {
        let none = r#"{"frameworks":[]}"#;
        let roles = r#"{"roles":[]}"#;
        // The framework has not registered again, or may not be viewed.
        let absent = r#"{"frameworks":[],"unregistered_frameworks":["F"]}"#;
        assert_eq!(orphaned("", absent, roles, &OPTIONS), [""; 0]);
        let unnamed = r#"{"roles":[{"name":"r","frameworks":["F"]}]}"#;
        assert_eq!(orphaned("", none, unnamed, &OPTIONS), [""; 0]);
        // An agent that has not come back may hold resources of any role.
        let away = r#"{"id":"S2","hostname":"h2"}"#;
        assert_eq!(orphaned(away, none, roles, &OPTIONS), [""; 0]);
    }
}
