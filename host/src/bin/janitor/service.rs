//! What a service's package names after the service: its role, principal and
//! ZooKeeper node.

use clap::ValueEnum;

/// The package's habits.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Naming {
    /// The DC/OS SDK's.
    #[value(help = "NAME-role, NAME-principal, dcos-service-NAME; a folder's / is __")]
    Sdk,
    /// Those of the Cassandra package before the SDK.
    #[value(help = "NAME_role, NAME_principal, NAME")]
    Cassandra,
    /// Those of the Kafka package before the SDK.
    #[value(help = "NAME-role, NAME-principal, NAME")]
    Kafka,
}

/// The names.
#[derive(Debug, PartialEq)]
pub struct Names {
    pub role: String,
    pub principal: String,
    pub znode: String,
}

/// Derives the names that a service of this name was installed with, unless
/// somebody chose others.
///
/// The SDK's habits are those of dcos-commons (`sdk_install.py`: the principal
/// keeps the folder as it is); the others are in the documentation of the
/// framework cleaner.
pub fn names(service: &str, naming: Naming) -> Result<Names, String> {
    let path = service.strip_prefix('/').unwrap_or(service);
    let is_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..") && !segment.contains(|c: char| c.is_control())
    };
    if !path.split('/').all(is_segment) {
        return Err(format!("'{}' is no service's name", service.escape_debug()));
    }
    let (role, principal, znode) = match naming {
        Naming::Sdk => {
            let flat = path.replace('/', "__");
            (format!("{flat}-role"), format!("{service}-principal"), format!("dcos-service-{flat}"))
        }
        Naming::Cassandra | Naming::Kafka if path.contains('/') => {
            return Err(format!(
                "'{service}' is in a folder, which the packages before the SDK did not know; \
                 give -r, -p and -z instead"
            ));
        }
        Naming::Cassandra => (format!("{path}_role"), format!("{path}_principal"), path.into()),
        Naming::Kafka => (format!("{path}-role"), format!("{path}-principal"), path.into()),
    };
    Ok(Names { role, principal, znode })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(service: &str, naming: Naming) -> [String; 3] {
        let Names { role, principal, znode } = names(service, naming).unwrap();
        [role, principal, znode]
    }

    #[test]
    fn each_package_has_its_habits() {
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
    fn what_is_no_service_is_refused() {
        for service in ["", "/", "a//b", "/a/", "..", "a/../b", "a\n"] {
            assert!(names(service, Naming::Sdk).is_err(), "{service:?}");
        }
        assert!(names("/test/foo", Naming::Kafka).is_err());
    }
}
