//! What is refused before anything is sent. Deleting is for ever, so a target
//! that is more likely a slip than a wish stops the run.

use crate::bindings::cleanup::{Options, Reason, Target};
use crate::self_removal;

/// Why a target must not be cleaned.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    /// The kind.
    pub reason: Reason,
    /// One sentence.
    pub why: String,
}

impl Refusal {
    fn invalid(why: impl Into<String>) -> Self {
        Self { reason: Reason::InvalidTarget, why: why.into() }
    }
}

/// ZooKeeper nodes of the cluster itself. Without what is in them it loses its
/// leader, its apps or its users. The nodes of services stand beside them
/// (`dcos-service-NAME` for instance), and are not meant.
const SYSTEM_ZNODES: &[&str] =
    &["zookeeper", "mesos", "marathon", "metronome", "cosmos", "dcos", "bouncer", "signal-service"];

/// Decides whether a target may be cleaned.
///
/// # Errors
/// Why not.
pub fn check(target: &Target, options: &Options) -> Result<(), Refusal> {
    check_role(target).map_err(Refusal::invalid)?;
    if let Some(znode) = &target.znode {
        check_znode(znode).map_err(Refusal::invalid)?;
        if is_system_znode(znode) && !options.system_znode {
            return Err(Refusal {
                reason: Reason::SystemZnode,
                why: format!(
                    "znode '{znode}' belongs to the cluster itself; name the service's node"
                ),
            });
        }
    }
    target.marathon_app.as_deref().map_or(Ok(()), check_app).map_err(Refusal::invalid)
}

/// Whether a node is one of the cluster itself, or below one.
pub fn is_system_znode(znode: &str) -> bool {
    segments(znode).next().is_some_and(|first| SYSTEM_ZNODES.contains(&first))
}

fn check_role(target: &Target) -> Result<(), &'static str> {
    match (&target.role, &target.principal) {
        (Some(role), _) if role == "*" => {
            Err("role '*' is everything that is not reserved; name the service's role")
        }
        (Some(role), _) if role.trim().is_empty() => {
            Err("the role is empty; name the service's role")
        }
        (Some(_), Some(principal)) if principal.trim().is_empty() => {
            Err("the principal is empty, so nothing would be its; name it, or leave it out")
        }
        (None, Some(_)) => {
            Err("a principal without a role selects nothing; name the role too, or leave it out")
        }
        _ => Ok(()),
    }
}

fn check_app(app: &str) -> Result<(), String> {
    let mut path = self_removal::segments(app).peekable();
    if path.peek().is_none() || path.any(|it| [".", ".."].contains(&it) || has_controls(it)) {
        return Err(format!("'{}' is no Marathon app", app.escape_debug()));
    }
    Ok(())
}

fn has_controls(text: &str) -> bool {
    text.contains(char::is_control)
}

fn check_znode(znode: &str) -> Result<(), String> {
    let path: Vec<_> = segments(znode).collect();
    if path.iter().all(|segment| segment.is_empty()) {
        return Err(format!(
            "znode '{znode}' is the root, so all of ZooKeeper would go; name the service's node"
        ));
    }
    if path.iter().any(|segment| ["", ".", ".."].contains(segment)) {
        return Err(format!(
            "znode '{znode}' has an empty, '.' or '..' segment; write the node's plain path"
        ));
    }
    if path.iter().any(|segment| has_controls(segment)) {
        return Err(format!("znode '{}' has control characters", znode.escape_debug()));
    }
    Ok(())
}

/// The segments of a ZooKeeper path; one leading and one trailing slash mean
/// nothing.
pub fn segments(znode: &str) -> impl Iterator<Item = &str> {
    let znode = znode.strip_prefix('/').unwrap_or(znode);
    znode.strip_suffix('/').unwrap_or(znode).split('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::cleanup::InUse;

    fn check(target: &Target) -> Result<(), Refusal> {
        let options = Options { confirm_seconds: 0, in_use: InUse::Refuse, system_znode: false };
        super::check(target, &options)
    }

    fn target(role: Option<&str>, principal: Option<&str>, znode: Option<&str>) -> Target {
        Target {
            role: role.map(Into::into),
            principal: principal.map(Into::into),
            znode: znode.map(Into::into),
            marathon_app: None,
        }
    }

    #[test]
    fn roles_that_select_too_much_or_nothing_are_refused() {
        assert!(check(&target(Some("*"), None, None)).is_err());
        assert!(check(&target(Some(""), None, None)).is_err());
        assert!(check(&target(None, Some("p"), Some("x"))).is_err());
        assert!(check(&target(Some("r"), Some(""), Some("x"))).is_err());
        assert_eq!(check(&target(Some("team/kafka-role"), Some("p"), None)), Ok(()));
        assert_eq!(check(&target(None, None, None)), Ok(()));
    }

    #[test]
    fn what_is_no_app_is_refused() {
        let target =
            |app: &str| Target { marathon_app: Some(app.into()), ..target(None, None, None) };
        for app in ["", "/", "//", "/a/../b", "/.", "/a\n"] {
            assert!(check(&target(app)).is_err(), "{app:?}");
        }
        for app in ["/janitor", "janitor", "/group//janitor/"] {
            assert_eq!(check(&target(app)), Ok(()), "{app:?}");
        }
    }

    #[test]
    fn dangerous_znodes_are_refused() {
        for znode in [
            "",
            "/",
            "//",
            ".",
            "..",
            "/.",
            "a//b",
            "a/../mesos",
            "./a",
            "mesos",
            "/zookeeper/",
            "marathon/state",
            "a\nb",
        ] {
            assert!(check(&target(None, None, Some(znode))).is_err(), "{znode:?}");
        }
        let options = Options { confirm_seconds: 0, in_use: InUse::Refuse, system_znode: true };
        assert_eq!(super::check(&target(None, None, Some("mesos")), &options), Ok(()));
        assert!(super::check(&target(None, None, Some("/")), &options).is_err());
        for znode in ["cassandra", "/cassandra/", "dcos-service-kafka", "a/b", "mesos-dns", "x y"] {
            assert_eq!(check(&target(None, None, Some(znode))), Ok(()), "{znode:?}");
        }
    }
}
