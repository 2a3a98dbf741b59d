//! The names that Mesos allows, those that are probably misspelt, and those that services give to
//! what they own.

pub use janitor_contract::names::{
    is_znode_below, is_znode_of_sdk, service_of_principal, service_of_role, znodes_of_role,
    znodes_of_service,
};

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
