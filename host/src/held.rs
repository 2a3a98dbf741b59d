//! The resources that a component holds: the host's side of its handles.

use janitor_policy::policy::Watch;
use janitor_transport::exchange::{Exchange, Response};

/// A request in flight, held by the component.
pub struct HeldExchange {
    pub(crate) exchange: Box<dyn Exchange>,
    /// Extracts from the response what the policy has to learn.
    pub(crate) watch: Option<Watch>,
}

/// A response, held by the component.
pub struct HeldResponse {
    pub(crate) response: Response,
    /// The bytes of the body that the component may still read; `None` once the body has exceeded
    /// its limit.
    pub(crate) budget: Option<u64>,
    /// Extracts from the body what the policy has to learn.
    pub(crate) watch: Option<Watch>,
}
