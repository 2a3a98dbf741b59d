//! The targets that a cleanup of everything orphaned has. Nobody names them one by one, so a role
//! without a registered framework is not enough: something must also show that a service made the
//! reservations, because an operator reserves resources too.

use crate::master::frameworks::Frameworks;
use crate::{guard, names};
use janitor_contract::labels::framework_id;
use janitor_contract::types::{FrameworkState, Holding, HoldingGroup, Label, Options, Target};

/// The label with which services of the DC/OS SDK recognise a resource of theirs.
const RESOURCE_ID: &str = "resource_id";

/// The role that DC/OS gives to its public agents.
const PUBLIC_ROLE: &str = "slave_public";

/// Lists the orphaned targets. `znodes` are the orphaned nodes. The frameworks must be all that are
/// registered. If the master may have taken over from another one, it knows no framework that has
/// not registered again, which may take as long as the failover timeout of the framework.
pub fn targets(
    roles: &[Holding],
    frameworks: &Frameworks,
    znodes: &[String],
    may_have_taken_over: bool,
    options: &Options,
) -> Vec<Target> {
    let is_of_dead_service =
        |holding: &Holding| is_of_dead_service(holding, frameworks, may_have_taken_over);
    let mut all = Vec::new();
    for holding in roles {
        let of_role = Target { role: Some(holding.role.clone()), ..Target::NOTHING };
        if is_the_clusters(&holding.role) {
            continue;
        }
        if is_of_dead_service(holding) {
            let znode = znode(holding, roles, frameworks, options);
            let principal = principal(holding, roles);
            all.push(Target { principal, znode, ..of_role });
            continue;
        }
        let dead = holding.groups.iter().filter(|it| it.removable && has_ended(it));
        all.extend(dead.map(|group| {
            let framework_id = group.framework_id.clone();
            Target { framework_id, ..of_role.clone() }
        }));
    }
    let is_taken = |znode: &&String| !all.iter().any(|it| it.znode.as_ref() == Some(*znode));
    // The service of a part that stays may come back, and look for its node.
    let may_be_of = |znode: &str| {
        let goes = |role: &str| {
            all.iter().any(|it| it.role.as_deref() == Some(role) && it.framework_id.is_none())
        };
        let staying = roles.iter().filter(|it| !goes(&it.role) && has_doubtful_parts(it));
        staying.into_iter().any(|it| {
            let services = it.principals.iter().filter_map(|it| names::service_of_principal(it));
            let mut its = services.filter(|it| names::znodes_of_service(it).any(|it| it == znode));
            names::is_znode_below(znode, &it.role) || its.next().is_some()
        })
    };
    // Any other name may be that of something else.
    let is_orphan = |it: &&String| names::is_znode_of_sdk(it) && !may_be_of(it);
    let left: Vec<_> = znodes.iter().filter(is_taken).filter(is_orphan).cloned().collect();
    all.extend(left.into_iter().map(|znode| Target { znode: Some(znode), ..Target::NOTHING }));
    all
}

/// Returns whether a role belongs to the cluster itself.
fn is_the_clusters(role: &str) -> bool {
    role == PUBLIC_ROLE || guard::is_system_znode(names::service_of_role(role))
}

/// Returns whether nobody uses a role, and all that can be removed of it shows traces of a service.
/// Several principals are several services, or a service and an operator.
fn is_of_dead_service(
    holding: &Holding,
    frameworks: &Frameworks,
    may_have_taken_over: bool,
) -> bool {
    let is_traced = |it: &HoldingGroup| match it.state {
        FrameworkState::Completed => true,
        FrameworkState::Unknown => !may_have_taken_over,
        FrameworkState::Registered => false,
        FrameworkState::Unnamed => has_traces(it, holding),
    };
    let service = names::service_of_role(&holding.role);
    let of_principals = holding.principals.iter().filter_map(|it| names::service_of_principal(it));
    let lives = frameworks.has_service(service)
        || of_principals.into_iter().any(|it| frameworks.has_service(&it));
    let mut entries = holding.agents.iter().flat_map(|it| &it.entries);
    let is_nameless = entries.any(|it| {
        let made = it.volume.as_ref().and_then(|it| it.principal.as_ref());
        it.principal.is_none() && (it.dynamic || (it.volume.is_some() && made.is_none()))
    });
    holding.removable
        && !is_used(holding)
        && !lives
        && holding.principals.len() + usize::from(is_nameless) < 2
        && holding.groups.iter().filter(|it| it.removable).all(is_traced)
}

/// Returns the principal that made everything of a role, and nothing else: what others reserve in the
/// role before the removal is not orphaned. A principal of several roles is none of a service.
fn principal(holding: &Holding, roles: &[Holding]) -> Option<String> {
    let principal = holding.principals.first().filter(|it| !it.trim().is_empty())?;
    let made = roles.iter().filter(|it| it.principals.contains(principal)).count();
    (made == 1).then(|| principal.clone())
}

/// Returns whether registered frameworks use a role or a part of it.
fn is_used(holding: &Holding) -> bool {
    let is_alive = |it: &HoldingGroup| it.state == FrameworkState::Registered;
    !holding.frameworks.is_empty() || holding.groups.iter().any(is_alive)
}

/// Returns whether the resources whose labels name no framework show traces of a service.
fn has_traces(group: &HoldingGroup, holding: &Holding) -> bool {
    let names_framework = |it: &Label| framework_id(&it.key, it.value.as_deref()).is_some();
    let mut entries = holding.agents.iter().flat_map(|it| &it.entries);
    group.volumes > 0
        || holding.znodes.iter().any(|it| names::is_znode_of_sdk(it))
        || has_services_principal(holding)
        || entries.any(|it| {
            it.labels.iter().any(|it| it.key == RESOURCE_ID)
                && !it.labels.iter().any(names_framework)
        })
}

/// Returns whether the principal has the name of the role's service.
fn has_services_principal(holding: &Holding) -> bool {
    let service = names::service_of_role(&holding.role);
    holding.principals.iter().any(|it| names::service_of_principal(it).as_deref() == Some(service))
}

/// Returns whether the framework of a part has ended: the master itself must say so, because it may
/// not know a framework that has not registered again with it.
fn has_ended(group: &HoldingGroup) -> bool {
    group.framework_id.is_some() && group.state == FrameworkState::Completed
}

/// Returns whether parts of a role stay although no registered framework has them.
fn has_doubtful_parts(holding: &Holding) -> bool {
    let is_doubtful = |it: &HoldingGroup| {
        it.removable && it.state != FrameworkState::Registered && !has_ended(it)
    };
    holding.groups.iter().any(is_doubtful)
}

/// Returns the node that certainly belongs to the service of a role: no other role suggests it, no
/// registered framework owns it, and its name or that of the principal is a service's.
fn znode(
    holding: &Holding,
    roles: &[Holding],
    frameworks: &Frameworks,
    options: &Options,
) -> Option<String> {
    let is_certain = |znode: &&String| {
        let suggested = roles.iter().filter(|it| it.znodes.contains(znode)).count();
        let is_owned = [(*znode).clone(), guard::whole_path(options, znode)]
            .iter()
            .any(|node| !frameworks.owning(node).is_empty());
        let is_services = names::is_znode_of_sdk(znode) || has_services_principal(holding);
        suggested == 1 && !is_owned && is_services
    };
    holding.znodes.iter().find(is_certain).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::discover;
    use crate::testing::Script;

    /// A resource of a role: its principal, its labels, and whether it has a volume.
    type Entry<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], bool);

    /// Returns the orphans of a cluster with one agent, as `role framework-id znode`.
    fn orphans(entries: &[Entry], frameworks: &str, nodes: &[&str]) -> Vec<String> {
        let words = |it: &Target| {
            let parts = [&it.role, &it.framework_id, &it.znode];
            parts.map(|it| it.as_deref().unwrap_or("-")).join(" ")
        };
        targets_of(entries, frameworks, nodes).iter().map(words).collect()
    }

    /// Returns the targets themselves.
    fn targets_of(entries: &[Entry], frameworks: &str, nodes: &[&str]) -> Vec<Target> {
        let resource = |(role, principal, labels, has_volume): &Entry| {
            let labels =
                labels.iter().map(|(key, value)| format!(r#"{{"key":"{key}","value":"{value}"}}"#));
            let labels = labels.collect::<Vec<_>>().join(",");
            let disk = match has_volume {
                true => r#","disk":{"persistence":{"id":"v"},"volume":{"container_path":"d"}}"#,
                false => "",
            };
            format!(
                r#""{role}":[{{"name":"disk","scalar":{{"value":1.0}},"role":"{role}",
                    "reservation":{{"principal":"{principal}","labels":{{"labels":[{labels}]}}}}{disk}}}]"#
            )
        };
        let resources = entries.iter().map(resource).collect::<Vec<_>>().join(",");
        found(&resources, frameworks, nodes)
    }

    /// Returns the targets in a cluster with one agent that has these roles, each with its resources.
    fn found(resources: &str, frameworks: &str, nodes: &[&str]) -> Vec<Target> {
        let slaves = format!(
            r#"{{"slaves":[{{"id":"S1","hostname":"h1","reserved_resources_full":{{{resources}}}}}]}}"#
        );
        let nodes = nodes.iter().map(|name| format!(r#"{{"title":"{name}","key":"/{name}"}}"#));
        let mut host = Script::default()
            .answer(200, slaves)
            .answer(200, frameworks)
            .answer(200, format!("[{}]", nodes.collect::<Vec<_>>().join(",")))
            .page("roles", 200, r#"{"roles":[]}"#);
        discover(&mut host, &Options::DEFAULT).unwrap().orphans
    }

    const NONE: &str = r#"{"frameworks":[]}"#;

    #[test]
    fn an_orphan_shows_traces_of_a_service() {
        let of = |framework| [("framework_id", framework)];
        for (entry, nodes, expected) in [
            // An operator reserves too, and nothing else is known of this one.
            (("maintenance", "ops", &[][..], false), &[][..], &[][..]),
            (("maintenance", "ops", &[], true), &[], &["maintenance - -"]),
            (("eng", "ops", &of("F"), false), &[], &["eng - -"]),
            (("eng", "ops", &[("resource_id", "1")], false), &[], &["eng - -"]),
            (("a/b-role", "b_principal", &[], false), &[], &["a/b-role - -"]),
            (("a__b-role", "/a/b-principal", &[], false), &[], &["a__b-role - -"]),
            // Without another trace of the service, the node may be anything.
            (("b-role", "ops", &[], false), &["b"], &[]),
            (("b_role", "b_principal", &[], false), &["b"], &["b_role - b"]),
            (("b-role", "ops", &[], false), &["b", "dcos-service-b"], &["b-role - dcos-service-b"]),
            // These belong to the cluster itself.
            (("marathon-role", "p", &[], true), &["marathon"], &[]),
            (("cockroach", "p", &of("F"), true), &[], &[]),
            (("slave_public", "p", &[], true), &[], &[]),
        ] {
            assert_eq!(orphans(&[entry], NONE, nodes), expected, "{entry:?}");
        }
    }

    #[test]
    fn what_is_used_is_no_orphan() {
        let entry = ("dev", "p", &[("framework_id", "F")][..], true);
        let user = r#"{"id":"M","name":"marathon","roles":["dev"]}"#;
        let completed = r#""completed_frameworks":[{"id":"F"}]"#;
        for (frameworks, expected) in [
            (format!(r#"{{"frameworks":[],{completed}}}"#), &["dev - -"][..]),
            // Others use the role: the master itself must say that the framework has ended.
            (format!(r#"{{"frameworks":[{user}],{completed}}}"#), &["dev F -"]),
            (format!(r#"{{"frameworks":[{user}]}}"#), &[]),
            (r#"{"frameworks":[{"id":"F","roles":["other"]}]}"#.to_owned(), &[]),
            (r#"{"frameworks":[{"id":"G","roles":["dev/a"]}]}"#.to_owned(), &[]),
            // The framework has left the role, or never had it, and runs the service.
            (r#"{"frameworks":[{"id":"G","name":"dev","roles":["other"]}]}"#.to_owned(), &[]),
            // The list may be incomplete.
            (r#"{"frameworks":[],"unregistered_frameworks":["G"]}"#.to_owned(), &[]),
        ] {
            assert_eq!(orphans(&[entry], &frameworks, &[]), expected, "{frameworks}");
        }
    }

    /// Of a role whose principal made nothing else, only what that principal made is an orphan.
    #[test]
    fn the_principal_of_one_role_limits_the_removal() {
        let volume = |role, principal| (role, principal, &[][..], true);
        for (entries, expected) in [
            (vec![volume("a-role", "p")], vec![Some("p")]),
            (vec![volume("a-role", "p"), volume("b-role", "p")], vec![None, None]),
            (vec![volume("a-role", "p"), volume("b-role", "q")], vec![Some("p"), Some("q")]),
            (vec![volume("a-role", " ")], vec![None]),
        ] {
            let targets = targets_of(&entries, NONE, &[]);
            let principals: Vec<_> = targets.iter().map(|it| it.principal.as_deref()).collect();
            assert_eq!(principals, expected, "{entries:?}");
        }
    }

    #[test]
    fn an_operator_beside_a_service_is_no_orphan() {
        let entries = [("kafka-role", "kafka-principal", &[][..], true)];
        assert_eq!(orphans(&entries, NONE, &[]), ["kafka-role - -"]);
        let other = [entries[0], ("kafka-role/ops", "ops", &[], false)];
        assert_eq!(orphans(&other, NONE, &[]), ["kafka-role - -"]);
    }

    /// A resource without a principal may be an operator's, unless the operator has configured it.
    #[test]
    fn several_principals_are_not_one_service() {
        let reserved = |by: &str| format!(r#""reservation":{{{by}}}"#);
        let p = reserved(r#""principal":"p""#);
        let volume = |of: &str| {
            format!(
                r#","disk":{{"persistence":{{"id":"v"{of}}},"volume":{{"container_path":"d"}}}}"#
            )
        };
        let of_p = |name: &str, rest: &str| {
            format!(r#"{{"name":"{name}","scalar":{{"value":1.0}},"role":"a-role",{rest}}}"#)
        };
        let first = of_p("disk", &(p.clone() + &volume("")));
        let static_volume = |of: &str| format!(r#""type":"SCALAR"{}"#, volume(of));
        for (other, is_orphan) in [
            (of_p("cpus", &p), true),
            (of_p("cpus", &reserved(r#""principal":"q""#)), false),
            (of_p("cpus", &reserved("")), false),
            (of_p("cpus", r#""type":"SCALAR""#), true),
            (of_p("disk", &static_volume("")), false),
            (of_p("disk", &static_volume(r#","principal":"p""#)), true),
        ] {
            let targets = found(&format!(r#""a-role":[{first},{other}]"#), NONE, &[]);
            assert_eq!(targets.len(), usize::from(is_orphan), "{other}");
        }
        let alone = found(&format!(r#""a-role":[{}]"#, of_p("cpus", &reserved(""))), NONE, &[]);
        assert_eq!(alone, []);
    }

    /// A node may belong to the service of a part that stays, whatever the role's name.
    #[test]
    fn the_node_of_a_service_that_may_come_back_is_no_orphan() {
        let nodes = ["dcos-service-kafka", "dcos-service-old"];
        let labels = [("framework_id", "LOST")];
        let user = r#"{"frameworks":[{"id":"M","name":"marathon","roles":["prod"]}]}"#;
        let part = ("prod", "kafka-principal", &labels[..], true);
        assert_eq!(orphans(&[part], user, &nodes), ["- - dcos-service-old"]);
        let unclaimed = ("prod", "kafka-principal", &[][..], false);
        assert_eq!(orphans(&[unclaimed], NONE, &nodes), ["- - dcos-service-old"]);
        let whole = ("prod", "kafka-principal", &[][..], true);
        let expected = ["prod - -", "- - dcos-service-kafka", "- - dcos-service-old"];
        assert_eq!(orphans(&[whole], NONE, &nodes), expected);
        let ended = user.replace("]}]}", r#"]}],"completed_frameworks":[{"id":"F"}]}"#);
        let parts = [part, ("prod", "kafka-principal", &[("framework_id", "F")][..], true)];
        let expected = ["prod F -", "- - dcos-service-old"];
        assert_eq!(orphans(&parts, &ended, &nodes), expected);
        let public = ("slave_public", "kafka-principal", &[][..], true);
        assert_eq!(orphans(&[public], NONE, &nodes), ["- - dcos-service-old"]);
    }

    #[test]
    fn a_node_that_another_may_own_is_no_orphan() {
        let volume = |role| (role, "p", &[][..], true);
        let nodes = ["dcos-service-kafka"];
        let with = |role| format!("{role} - dcos-service-kafka");
        let roles = [volume("a/kafka-role"), volume("b/kafka-role")];
        assert_eq!(orphans(&roles[..1], NONE, &nodes), [with("a/kafka-role")]);
        assert_eq!(orphans(&roles, NONE, &nodes), ["a/kafka-role - -", "b/kafka-role - -"]);
        let owner = r#"{"frameworks":[{"id":"F","name":"kafka","roles":["other"]}]}"#;
        assert_eq!(orphans(&roles[..1], owner, &nodes), [""; 0]);
        let left = ["dcos-service-kafka", "dcos-service-old"];
        let expected = [with("a/kafka-role"), "- - dcos-service-old".to_owned()];
        assert_eq!(orphans(&roles[..1], NONE, &left), expected);
        // A service of the group may come back.
        let part = ("dev", "p", &[("framework_id", "LOST")][..], true);
        let left = ["dcos-service-dev__kafka", "dcos-service-device"];
        let user = r#"{"frameworks":[{"id":"M","name":"marathon","roles":["dev"]}]}"#;
        assert_eq!(orphans(&[part], user, &left), ["- - dcos-service-device"]);
        let ended = user.replace("]}]}", r#"]}],"completed_frameworks":[{"id":"LOST"}]}"#);
        assert_eq!(
            orphans(&[part], &ended, &left),
            ["dev LOST -", "- - dcos-service-dev__kafka", "- - dcos-service-device"]
        );
    }
}
