//! The master's operations on a list of resources: destroying volumes and releasing reservations.

use std::collections::BTreeSet;

use crate::message::Reply;
use crate::pool::Pool;
use crate::resource::Resource;
use crate::state::Agent;
use crate::version::Version;

/// An operation on the resources of one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Destroy,
    Unreserve,
}

impl Operation {
    /// Returns the form field that holds the resources.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Operation::Destroy => "volumes",
            Operation::Unreserve => "resources",
        }
    }

    /// Carries out the operation, all or nothing; the error is the master's reply.
    pub(crate) fn apply(
        self,
        version: Version,
        agent: &mut Agent,
        wanted: &[Resource],
    ) -> Result<(), Reply> {
        let mut pool = agent.pool();
        self.check(version, wanted, &pool).map_err(|reason| {
            let name = self.name();
            Reply::text(400, format!("Invalid {name} operation: {reason}"))
        })?;
        for resource in wanted {
            if !pool.contains(resource) {
                return Err(self.conflict(version, &pool, resource));
            }
            pool.subtract(resource);
            pool.add(self.converted(resource));
        }
        agent.set_reserved(pool);
        Ok(())
    }

    /// Returns Mesos's name for the operation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Destroy => "DESTROY",
            Operation::Unreserve => "UNRESERVE",
        }
    }

    fn converted(self, resource: &Resource) -> Resource {
        match self {
            Operation::Destroy => resource.clone().without_volume(),
            Operation::Unreserve => resource.popped(),
        }
    }

    /// Checks the list before any of it is applied.
    fn check(self, version: Version, wanted: &[Resource], pool: &Pool) -> Result<(), String> {
        if wanted.iter().any(|one| one.is_volume() && one.disk("volume").is_none()) {
            let reason = "Expecting 'volume' to be set for persistent volume";
            return Err(format!("Invalid resources: Invalid DiskInfo: {reason}"));
        }
        if version.since(1, 5) {
            one_provider(wanted)?;
        }
        match self {
            Operation::Destroy => {
                wanted.iter().try_for_each(|one| is_volume(one, version))?;
                if all_there(version, wanted, pool) {
                    Ok(())
                } else {
                    Err("Persistent volumes not found".to_owned())
                }
            }
            Operation::Unreserve => wanted.iter().try_for_each(|one| is_reserved(one, version)),
        }
    }

    fn conflict(self, version: Version, pool: &Pool, resource: &Resource) -> Reply {
        let prefix = match self {
            _ if version.since(1, 5) => String::new(),
            _ => format!("Invalid {} Operation: ", self.name()),
        };
        let (available, wanted) = (pool.print(version), resource.print(version));
        Reply::text(409, format!("{prefix}{available} does not contain {wanted}"))
    }
}

/// Checks that a list names a single resource provider, as Mesos requires since 1.5. An empty list
/// names none.
fn one_provider(wanted: &[Resource]) -> Result<(), String> {
    let providers: BTreeSet<_> = wanted.iter().map(Resource::provider).collect();
    if providers.len() == 1 {
        return Ok(());
    }
    let providers: Vec<_> = providers.into_iter().map(|one| one.unwrap_or("None")).collect();
    let providers = providers.join(", ");
    Err(format!("Invalid resources: The resources have multiple resource providers: {providers}"))
}

fn is_volume(resource: &Resource, version: Version) -> Result<(), String> {
    let reason = if !resource.has_disk() {
        format!("Resource {} does not have DiskInfo", resource.print(version))
    } else if !resource.is_volume() {
        "'persistence' is not set in DiskInfo".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("Not a persistent volume: {reason}"))
}

fn is_reserved(resource: &Resource, version: Version) -> Result<(), String> {
    let text = resource.print(version);
    if !resource.is_dynamic() {
        Err(format!("Resource {text} is not dynamically reserved"))
    } else if resource.is_volume() {
        Err(format!(
            "A dynamically reserved persistent volume {text} cannot be unreserved directly. \
             Please destroy the persistent volume first then unreserve the resource"
        ))
    } else {
        Ok(())
    }
}

/// Returns whether all volumes exist. Up to 1.4, a volume that is named twice must exist twice;
/// later masters only notice it when they apply the list.
fn all_there(version: Version, volumes: &[Resource], pool: &Pool) -> bool {
    let mut rest = pool.clone();
    volumes.iter().all(|volume| {
        let there = rest.contains(volume);
        if !version.since(1, 5) {
            rest.subtract(volume);
        }
        there
    })
}
