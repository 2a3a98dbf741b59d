//! The first phase: the role's persistent volumes are destroyed, with all data
//! on them. Mesos releases no disk that still holds a volume, so this comes
//! before the reservations.

use crate::operation::round::Operation;
use janitor_contract::types::Phase;

/// `POST master/destroy-volumes`, since Mesos 0.27.
pub const OPERATION: Operation = Operation {
    phase: Phase::Volumes,
    path: "destroy-volumes",
    field: "volumes",
    noun: "volume(s)",
    kind: "DESTROY",
    permission: "dcos:mesos:master:volume:principal",
};
