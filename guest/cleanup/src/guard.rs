//! Targets that are refused before any request is sent. Deleted data cannot be restored, so a
//! run refuses a target that is probably a mistake.

use crate::{names, self_removal};
use janitor_contract::types::{Options, Reason, Target};

/// The refusal of a target that must not be cleaned.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    /// The kind.
    pub reason: Reason,
    /// One sentence.
    pub why: String,
}

impl Refusal {
    /// Refuses an invalid target.
    fn invalid(why: impl Into<String>) -> Self {
        Self { reason: Reason::InvalidTarget, why: why.into() }
    }
}

/// The node in which ZooKeeper keeps its own configuration and quotas.
const ZOOKEEPER_ZNODE: &str = "zookeeper";

/// The ZooKeeper nodes of the cluster itself. Without them it loses its leader, its apps, its
/// users, or the lock under which a master joins. The nodes of services are their siblings (for
/// instance `dcos-service-NAME`), and may be deleted.
const SYSTEM_ZNODES: &[&str] = &[
    ZOOKEEPER_ZNODE,
    "mesos",
    "marathon",
    "metronome",
    "cosmos",
    "dcos",
    "bouncer",
    "signal-service",
    "cluster-id",
    "cluster",
    "cockroach",
    "etcd",
];

/// Decides whether a target may be cleaned.
///
/// # Errors
/// Fails if the target is refused.
pub fn check(target: &Target, options: &Options) -> Result<(), Refusal> {
    check_role(target).map_err(Refusal::invalid)?;
    if let Some(znode) = &target.znode {
        check_znode(znode, options).map_err(Refusal::invalid)?;
        let path = whole_path(options, znode);
        // The host never deletes it either, so no option allows it.
        if options.zookeeper && segments(&path).next() == Some(ZOOKEEPER_ZNODE) {
            return Err(Refusal::invalid(format!(
                "znode '{path}' belongs to ZooKeeper itself and is never deleted; name the \
                 service's znode"
            )));
        }
        if is_system_znode(&path) && !options.system_znode {
            return Err(Refusal {
                reason: Reason::SystemZnode,
                why: format!(
                    "znode '{path}' belongs to the cluster itself; name the service's znode"
                ),
            });
        }
    }
    target.marathon_app.as_deref().map_or(Ok(()), check_app).map_err(Refusal::invalid)
}

/// Returns the whole path of a target's node in ZooKeeper, without slashes at its ends.
pub fn whole_path(options: &Options, znode: &str) -> String {
    let root = options.znode_root.as_deref().unwrap_or_default();
    let segments = root.split('/').filter(|segment| !segment.is_empty()).chain(segments(znode));
    segments.collect::<Vec<_>>().join("/")
}

/// Returns whether a node belongs to the cluster itself, or is below one that does.
pub fn is_system_znode(znode: &str) -> bool {
    segments(znode).next().is_some_and(|first| SYSTEM_ZNODES.contains(&first))
}

fn check_role(target: &Target) -> Result<(), String> {
    let Target { role, principal, .. } = target;
    if let Some(role) = role
        && let Some(why) = names::why_no_role(role)
    {
        let role = role.escape_debug();
        return Err(format!("'{role}' is not a valid role: {why}; name the service's role"));
    }
    check_parts(target)?;
    match principal {
        Some(principal) if role.is_some() && principal.trim().is_empty() => {
            Err("the principal is empty; name the principal that made the resources, or omit it"
                .into())
        }
        Some(_) if role.is_none() => Err(
            "a principal without a role selects nothing; name the role too, or omit the principal"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// Checks the labels, the framework and the agents that narrow a target.
fn check_parts(target: &Target) -> Result<(), String> {
    let Target { role, znode, marathon_app, labels, framework_id, agents, .. } = target;
    let has_parts = target.selects_by_label() || !agents.is_empty();
    if role.is_none() && has_parts {
        return Err(
            "labels, a framework ID or agents without a role select nothing; name the role \
                    too, or omit them"
                .into(),
        );
    }
    if let Some(label) = labels.iter().find(|it| it.key.is_empty() || it.key.contains('=')) {
        let key = label.key.escape_debug();
        return Err(format!(
            "'{key}' is not the key of a label that can be selected: it must not be empty or \
             contain '='; correct it"
        ));
    }
    if framework_id.as_ref().is_some_and(|it| it.trim().is_empty()) {
        return Err("the framework ID is empty; name the framework whose reservations are to be \
                    removed, or omit it"
            .into());
    }
    if agents.iter().any(|it| it.trim().is_empty()) {
        return Err("the name of an agent is empty; name its ID or its host name".into());
    }
    let whole = [("a znode", znode), ("an app", marathon_app)];
    match whole.into_iter().find(|(_, it)| it.is_some() && !agents.is_empty()) {
        Some((what, _)) => Err(format!(
            "{what} belongs to the whole service, but the target is limited to certain agents; omit \
             one of the two"
        )),
        None => Ok(()),
    }
}

fn check_app(app: &str) -> Result<(), String> {
    let mut path = self_removal::segments(app).peekable();
    if path.peek().is_none()
        || path.any(|it| [".", ".."].contains(&it) || it.contains(';') || has_controls(it))
    {
        return Err(format!("'{}' is not the ID of a Marathon app", app.escape_debug()));
    }
    Ok(())
}

fn has_controls(text: &str) -> bool {
    text.contains(char::is_control)
}

fn check_znode(znode: &str, options: &Options) -> Result<(), String> {
    let path: Vec<_> = segments(znode).collect();
    if path.iter().all(|segment| segment.is_empty()) {
        return Err(format!(
            "znode '{znode}' is the root, so everything in ZooKeeper would be deleted; name the \
             service's znode"
        ));
    }
    if path.iter().any(|segment| ["", ".", ".."].contains(segment)) {
        return Err(format!(
            "znode '{znode}' contains an empty, '.' or '..' segment; write the path without it"
        ));
    }
    if path.iter().any(|segment| has_controls(segment)) {
        return Err(format!(
            "znode '{}' contains control characters; correct its path",
            znode.escape_debug()
        ));
    }
    // A proxy on the way (DC/OS's Admin Router) decodes the path, and Exhibitor treats the rest
    // of a segment after a ';' as a parameter: it would delete 'name' for 'name;x'.
    if znode.contains(';') && !options.zookeeper {
        return Err(format!(
            "znode '{znode}' contains ';', where Exhibitor may cut the path and delete another \
             node; use an Exhibitor URL that begins with zk://"
        ));
    }
    Ok(())
}

/// Splits a ZooKeeper path into its segments. One leading and one trailing slash mean nothing.
pub fn segments(znode: &str) -> impl Iterator<Item = &str> {
    let znode = znode.strip_prefix('/').unwrap_or(znode);
    znode.strip_suffix('/').unwrap_or(znode).split('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use janitor_contract::types::LabelSelector;

    fn check(target: &Target) -> Result<(), Refusal> {
        super::check(target, &Options::DEFAULT)
    }

    fn target(role: Option<&str>, principal: Option<&str>, znode: Option<&str>) -> Target {
        Target {
            role: role.map(Into::into),
            principal: principal.map(Into::into),
            znode: znode.map(Into::into),
            ..Target::NOTHING
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
    fn a_part_of_a_role_needs_the_role_and_leaves_the_rest() {
        let selector = |key: &str| LabelSelector { key: key.into(), value: Some("a=b".into()) };
        let label = |target, key| Target { labels: vec![selector(key)], ..target };
        let framework = |target, id: &str| Target { framework_id: Some(id.into()), ..target };
        let agent = |target, name: &str| Target { agents: vec![name.into()], ..target };
        let role = || target(Some("r"), Some("p"), None);
        let znode = || target(Some("r"), None, Some("z"));
        let app = || Target { marathon_app: Some("/a".into()), ..role() };
        let nothing = || Target::NOTHING;
        for (target, word) in [
            (label(nothing(), "k"), "without a role"),
            (framework(nothing(), "F"), "without a role"),
            (agent(nothing(), "S1"), "without a role"),
            (label(role(), ""), "key of a label"),
            (label(role(), "a=b"), "key of a label"),
            (framework(role(), " "), "framework ID is empty"),
            (agent(role(), ""), "name of an agent is empty"),
            (agent(znode(), "S1"), "a znode belongs to the whole service"),
            (agent(app(), "S1"), "an app belongs to the whole service"),
        ] {
            let Refusal { reason, why } = check(&target).unwrap_err();
            assert_eq!(reason, Reason::InvalidTarget);
            assert!(why.contains(word), "{word}: {why}");
        }
        for target in [
            label(role(), "k"),
            label(znode(), "k"),
            framework(znode(), "F"),
            framework(app(), "F"),
            agent(role(), "S1"),
        ] {
            assert_eq!(check(&target), Ok(()), "{target:?}");
        }
    }

    #[test]
    fn what_is_no_app_is_refused() {
        let target =
            |app: &str| Target { marathon_app: Some(app.into()), ..target(None, None, None) };
        for app in ["", "/", "//", "/a/../b", "/.", "/a\n", "/a;b"] {
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
        let options = Options { system_znode: true, ..Options::DEFAULT };
        assert_eq!(super::check(&target(None, None, Some("mesos")), &options), Ok(()));
        assert!(super::check(&target(None, None, Some("/")), &options).is_err());
        assert!(check(&target(None, None, Some("a;b"))).is_err());
        let zookeeper = |root: &str| Options {
            znode_root: Some(root.into()),
            zookeeper: true,
            ..Options::DEFAULT
        };
        assert_eq!(super::check(&target(None, None, Some("a;b")), &zookeeper("")), Ok(()));
        for (root, znode, is_system) in
            [("marathon", "state", true), ("mesos/x", "y", true), ("a/b", "mesos", false)]
        {
            let checked = super::check(&target(None, None, Some(znode)), &zookeeper(root));
            let reason = checked.err().map(|it| it.reason);
            assert_eq!(reason == Some(Reason::SystemZnode), is_system, "{root} {znode}");
        }
        for (root, znode) in [("", "zookeeper"), ("", "/zookeeper/quota"), ("zookeeper", "quota")] {
            for system_znode in [false, true] {
                let options = Options { system_znode, ..zookeeper(root) };
                let refusal = super::check(&target(None, None, Some(znode)), &options).unwrap_err();
                assert_eq!(refusal.reason, Reason::InvalidTarget, "{root} {znode}");
            }
        }
        for znode in ["cassandra", "/cassandra/", "dcos-service-kafka", "a/b", "mesos-dns", "x y"] {
            assert_eq!(check(&target(None, None, Some(znode))), Ok(()), "{znode:?}");
        }
    }
}
