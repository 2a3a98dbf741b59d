//! The names that services give to what they own.
//!
//! The DC/OS SDK's names come from dcos-commons (`sdk_install.py`), those of the packages
//! before it from the documentation of the framework cleaner.

use crate::types::Target;

/// The beginning of the names that the DC/OS SDK gives to ZooKeeper nodes.
const ZNODE_OF_SDK: &str = "dcos-service-";

/// Returns whether a ZooKeeper node has a name as the DC/OS SDK gives it.
pub fn is_znode_of_sdk(znode: &str) -> bool {
    znode.strip_prefix(ZNODE_OF_SDK).is_some_and(|service| !service.is_empty())
}

/// Returns whether a ZooKeeper node has the name of a service in the group of a role: services of
/// the DC/OS SDK in the folder `/dev` use the role `dev`.
pub fn is_znode_below(znode: &str, role: &str) -> bool {
    let service = znode.strip_prefix(ZNODE_OF_SDK).and_then(|it| it.strip_prefix(role));
    service.is_some_and(|it| it.starts_with("__"))
}

/// Returns whether a role or a ZooKeeper node is this one, or below it.
pub fn is_within(name: &str, top: &str) -> bool {
    name.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the name of a service with its folder's slashes as `__`.
pub fn flat(name: &str) -> String {
    name.trim_matches('/').replace('/', "__")
}

/// Returns the ZooKeeper nodes that a service of this name may have: `dcos-service-NAME`, with
/// its folder's slashes as `__`, or `NAME`.
pub fn znodes_of_service(name: &str) -> impl Iterator<Item = String> {
    let flat = flat(name);
    let names = [format!("{ZNODE_OF_SDK}{flat}"), flat.clone()];
    names.into_iter().filter(move |_| !flat.is_empty())
}

/// Returns the ZooKeeper nodes that the service of a role may have: `NAME-role` and `NAME_role`
/// are roles of the service `NAME`.
pub fn znodes_of_role(role: &str) -> impl Iterator<Item = String> {
    znodes_of_service(service_of_role(role))
}

/// Returns the name of the service that a role suggests.
pub fn service_of_role(role: &str) -> &str {
    // The last part of a hierarchical role is the service's own.
    let own = role.rsplit('/').next().unwrap_or(role);
    own.strip_suffix("-role").or_else(|| own.strip_suffix("_role")).unwrap_or(own)
}

/// Returns the name of the service that a principal suggests, with its folder's slashes as `__`,
/// unless it is not named as a service's: `NAME-principal` or `NAME_principal`.
pub fn service_of_principal(principal: &str) -> Option<String> {
    let service = principal.strip_suffix("-principal").or(principal.strip_suffix("_principal"))?;
    Some(flat(service))
}

/// Returns the known names that this name may be a misspelling of. Names that differ only in their
/// digits are siblings, and not misspelt.
pub fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let letters = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let lower = name.to_ascii_lowercase();
    let most = if name.len() < 6 { 1 } else { 2 };
    let is_near = |it: &&str| {
        let other = it.to_ascii_lowercase();
        let is_sibling = other != lower && letters(&other) == letters(&lower);
        *it != name && !is_sibling && strsim::osa_distance(&other, &lower) <= most
    };
    let mut near: Vec<_> = known.into_iter().filter(is_near).collect();
    near.sort_unstable();
    near.dedup();
    near
}

/// Returns whether a target concerns a role: by its own role, or by a ZooKeeper node that the role's
/// service, or one of its group, may have.
pub fn concerns(target: &Target, role: &str) -> bool {
    let top = target.znode.as_deref().and_then(|it| it.trim_start_matches('/').split('/').next());
    target.role.as_deref() == Some(role)
        || top.is_some_and(|top| {
            is_znode_below(top, role) || znodes_of_role(role).any(|it| it == top)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_begins_like_another_is_not_below_it() {
        assert!(is_within("a", "a") && is_within("a/b", "a") && is_within("a/b/c", "a"));
        assert!(!is_within("ab", "a") && !is_within("a", "a/b") && !is_within("c/a", "a"));
    }

    #[test]
    fn slips_are_near_and_siblings_are_not() {
        let known = ["hdfs-role", "kafka2-role", "kafka_role", "cassandra-role", "a", "ab"];
        assert_eq!(near("hdsf-role", known), ["hdfs-role"]);
        assert_eq!(near("kafka-role", known), ["kafka_role"]);
        assert_eq!(near("kafka1-role", ["kafka2-role", "kafka-role"]), [""; 0]);
        assert_eq!(near("Hdfs-role", known), ["hdfs-role"]);
        assert_eq!(near("spark-role", known), [""; 0]);
        assert_eq!(near("b", known), ["a", "ab"]);
    }

    #[test]
    fn a_target_concerns_a_role_by_its_znode_too() {
        let target = |role: Option<&str>, znode: Option<&str>| Target {
            role: role.map(Into::into),
            znode: znode.map(Into::into),
            ..Target::NOTHING
        };
        for (role, znode) in [
            (Some("kafka-role"), None),
            (None, Some("dcos-service-kafka")),
            (None, Some("/dcos-service-kafka/sub")),
            (Some("other"), Some("kafka")),
            (None, Some("dcos-service-kafka-role__a")),
        ] {
            assert!(concerns(&target(role, znode), "kafka-role"), "{role:?} {znode:?}");
        }
        for (role, znode) in [
            (None, None),
            (Some("kafka-role2"), Some("dcos-service-kafka2")),
            (Some("kafka"), Some("sub/kafka")),
        ] {
            assert!(!concerns(&target(role, znode), "kafka-role"), "{role:?} {znode:?}");
        }
    }
}
