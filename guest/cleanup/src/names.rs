//! The names that services give to what they own, and the names that Mesos allows.
//!
//! The DC/OS SDK's names come from dcos-commons (`sdk_install.py`), those of the packages
//! before it from the documentation of the framework cleaner.

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

/// Returns the ZooKeeper nodes that a service of this name may have: `dcos-service-NAME`, with
/// its folder's slashes as `__`, or `NAME`.
pub fn znodes_of_service(name: &str) -> impl Iterator<Item = String> {
    let flat = name.trim_matches('/').replace('/', "__");
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
    Some(service.trim_matches('/').replace('/', "__"))
}

/// Explains why Mesos allows no role of this name, unless it does (`src/common/roles.cpp`).
pub fn why_no_role(role: &str) -> Option<&'static str> {
    /// Mesos allows other spaces and control characters (measured on Mesos 1.11.0).
    const ODD: [char; 7] = ['\t', '\n', '\x0b', '\x0c', '\r', ' ', '\x7f'];
    let mut segments = role.split('/');
    if role.is_empty() {
        Some("it is empty")
    } else if role == "*" {
        Some("it stands for all resources that are not reserved")
    } else if role.starts_with('/') || role.ends_with('/') {
        Some("it begins or ends with '/'")
    } else if role.contains(ODD) {
        Some("it contains a space or a control character")
    } else if segments.any(|it| matches!(it, "" | "." | ".." | "*") || it.starts_with('-')) {
        Some("a segment of it is empty, is '.', '..' or '*', or begins with '-'")
    } else {
        None
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn names_that_mesos_refuses_are_no_roles() {
        for role in [
            "", " ", "*", "/a", "a/", "a//b", "a/./b", "a/..", "a/*", "-a", "a/-b", "a b", "a\tb",
            "a\u{7f}", "a\nb",
        ] {
            assert!(why_no_role(role).is_some(), "{role:?}");
        }
        for role in [
            "a",
            "eng/kafka-role",
            "a.b",
            "a..b",
            "*a",
            "a-",
            "Rolle_ä",
            "a\u{a0}b",
            "a\u{1}b",
            "\u{3000}",
        ] {
            assert_eq!(why_no_role(role), None, "{role:?}");
        }
    }
}
