//! Derives role, principal and ZooKeeper node from the name of a service, as its package does.

use clap::ValueEnum;
use janitor_contract::types::Target;

/// The naming scheme of a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
pub enum Naming {
    /// The scheme of the DC/OS SDK.
    #[default]
    #[value(help = "NAME-role, NAME-principal, dcos-service-NAME; in role and znode, / becomes __")]
    Sdk,
    /// The scheme of the Cassandra package before the SDK.
    #[value(help = "NAME_role, NAME_principal, NAME")]
    Cassandra,
    /// The scheme of the Kafka package before the SDK.
    #[value(help = "NAME-role, NAME-principal, NAME")]
    Kafka,
}

/// The names.
#[derive(Debug, PartialEq)]
pub struct Names {
    /// The role of its reservations.
    pub role: String,
    /// The principal that creates them.
    pub principal: String,
    /// The ZooKeeper node of its state.
    pub znode: String,
}

/// Derives the default names of a service.
///
/// The scheme of the SDK is that of dcos-commons (`sdk_install.py`), in which the principal
/// contains the folder unchanged. The other schemes are those of the original's documentation.
pub fn names(service: &str, naming: Naming) -> Result<Names, String> {
    let path = service.strip_prefix('/').unwrap_or(service);
    let is_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..") && !segment.contains(|c: char| c.is_control())
    };
    if !path.split('/').all(is_segment) {
        return Err(format!("invalid service name: '{}'", service.escape_debug()));
    }
    let (role, principal, znode) = match naming {
        Naming::Sdk => {
            let flat = path.replace('/', "__");
            (format!("{flat}-role"), format!("{service}-principal"), format!("dcos-service-{flat}"))
        }
        Naming::Cassandra | Naming::Kafka if path.contains('/') => {
            return Err(format!(
                "'{service}' is in a folder, which the packages before the SDK do not support; \
                 use -r, -p and -z instead"
            ));
        }
        Naming::Cassandra => (format!("{path}_role"), format!("{path}_principal"), path.into()),
        Naming::Kafka => (format!("{path}-role"), format!("{path}-principal"), path.into()),
    };
    Ok(Names { role, principal, znode })
}

/// Finds the service that has the target's role: its name, its naming scheme, and the names that
/// follow from these. Of several services, it returns the one whose other names match best.
pub fn of(target: &Target) -> Option<(String, Naming, Names)> {
    let role = target.role.as_deref()?;
    let services = |naming: &Naming| {
        let (role_end, principal_end) = match naming {
            Naming::Sdk | Naming::Kafka => ("-role", "-principal"),
            Naming::Cassandra => ("_role", "_principal"),
        };
        let flat = role.strip_suffix(role_end);
        let by_principal =
            target.principal.as_deref().and_then(|it| it.strip_suffix(principal_end));
        [
            by_principal.map(Into::into),
            flat.map(|flat| flat.replace("__", "/")),
            flat.map(Into::into),
        ]
    };
    let fits = |names: &Names| {
        usize::from(target.principal.as_ref() == Some(&names.principal))
            + usize::from(target.znode.as_ref() == Some(&names.znode))
    };
    let mut best = None;
    for naming in Naming::value_variants() {
        for service in services(naming).into_iter().flatten() {
            let Ok(names) = names(&service, *naming) else { continue };
            let better = best.as_ref().is_none_or(|(_, _, other)| fits(&names) > fits(other));
            if names.role == role && better {
                best = Some((service, *naming, names));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(service: &str, naming: Naming) -> [String; 3] {
        let Names { role, principal, znode } = names(service, naming).unwrap();
        [role, principal, znode]
    }

    #[test]
    fn each_package_has_its_scheme() {
        assert_eq!(
            named("/test/foo", Naming::Sdk),
            ["test__foo-role", "/test/foo-principal", "dcos-service-test__foo"]
        );
        assert_eq!(
            named("kafka", Naming::Sdk),
            ["kafka-role", "kafka-principal", "dcos-service-kafka"]
        );
        assert_eq!(named("c1", Naming::Cassandra), ["c1_role", "c1_principal", "c1"]);
        assert_eq!(named("/k1", Naming::Kafka), ["k1-role", "k1-principal", "k1"]);
    }

    #[test]
    fn an_invalid_service_name_is_refused() {
        for service in ["", "/", "a//b", "/a/", "..", "a/../b", "a\n"] {
            assert!(names(service, Naming::Sdk).is_err(), "{service:?}");
        }
        assert!(names("/test/foo", Naming::Kafka).is_err());
    }

    #[test]
    fn a_service_is_found_again_by_its_names() {
        for (service, naming) in [
            ("/test/foo", Naming::Sdk),
            ("test/foo", Naming::Sdk),
            ("test__foo", Naming::Sdk),
            ("kafka", Naming::Sdk),
            ("kafka", Naming::Kafka),
            ("c1", Naming::Cassandra),
        ] {
            let Names { role, principal, znode } = names(service, naming).unwrap();
            let (role, principal, znode) = (Some(role), Some(principal), Some(znode));
            let target = Target { role, principal, znode, ..Target::NOTHING };
            let (found, its, _) = of(&target).unwrap();
            assert_eq!((found.as_str(), its), (service, naming));
        }
        let other = Target { role: Some("other".into()), ..Target::NOTHING };
        assert_eq!(of(&other), None);
    }
}
