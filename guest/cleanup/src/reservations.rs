//! The second phase: the role's dynamic reservations are released.

use crate::operation::round::Operation;
use janitor_contract::types::Phase;

/// `POST master/unreserve`, since Mesos 0.25.
pub const OPERATION: Operation = Operation {
    phase: Phase::Reservations,
    path: "unreserve",
    field: "resources",
    noun: "resource(s)",
    kind: "UNRESERVE",
    permission: "dcos:mesos:master:reservation:principal",
};
