//! The names that Mesos allows, and those that services give to what they own.

pub use janitor_contract::names::{
    flat, is_within, is_znode_below, is_znode_of_sdk, near, service_of_principal, service_of_role,
    znodes_of_role, znodes_of_service,
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_reason_is_the_first_that_applies() {
        for (role, words) in [
            ("", "it is empty"),
            ("*", "all resources that are not reserved"),
            ("/a", "begins or ends with '/'"),
            ("a/", "begins or ends with '/'"),
            ("-a b", "a space"),
            ("a//b", "a segment of it"),
        ] {
            assert!(why_no_role(role).is_some_and(|why| why.contains(words)), "{role:?}");
        }
    }
}
