//! What is refused before anything is sent. Deleting is for ever, so a target
//! that is more likely a slip than a wish stops the run.

use crate::bindings::cleanup::Target;

/// ZooKeeper nodes of the cluster itself, without which it loses its leader,
/// its apps or its users. The nodes of services stand beside them
/// (`dcos-service-NAME` for instance), and are not meant.
const SYSTEM_ZNODES: &[&str] =
    &["zookeeper", "mesos", "marathon", "metronome", "cosmos", "dcos", "bouncer", "signal-service"];

/// Says why a target must not be cleaned, in one sentence.
///
/// # Errors
/// The sentence.
pub fn check(target: &Target) -> Result<(), String> {
    match (&target.role, &target.principal) {
        (Some(role), _) if role == "*" => {
            return Err(
                "role '*' is everything that is not reserved; name the service's role".into()
            );
        }
        (Some(role), _) if role.trim().is_empty() => {
            return Err("the role is empty; name the service's role".into());
        }
        (None, Some(_)) => {
            return Err(
                "a principal without a role selects nothing; add -r ROLE, or leave -p out".into()
            );
        }
        _ => {}
    }
    match &target.znode {
        Some(znode) => check_znode(znode),
        None => Ok(()),
    }
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
    if path.iter().any(|segment| segment.contains(char::is_control)) {
        return Err(format!("znode '{}' has control characters", znode.escape_debug()));
    }
    if let [system] = path[..]
        && SYSTEM_ZNODES.contains(&system)
    {
        return Err(format!(
            "znode '{znode}' belongs to the cluster itself; name the service's node"
        ));
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
        assert_eq!(check(&target(Some("team/kafka-role"), Some("p"), None)), Ok(()));
        assert_eq!(check(&target(None, None, None)), Ok(()));
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
            "a\nb",
        ] {
            assert!(check(&target(None, None, Some(znode))).is_err(), "{znode:?}");
        }
        for znode in ["cassandra", "/cassandra/", "dcos-service-kafka", "a/b", "mesos-dns", "x y"] {
            assert_eq!(check(&target(None, None, Some(znode))), Ok(()), "{znode:?}");
        }
    }
}
