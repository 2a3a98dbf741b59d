//! The resources that a component holds: the host's side of its handles.

use janitor_policy::policy::Watch;
use janitor_transport::exchange::{Body, Exchange};

/// A request in flight, held by the component.
pub struct HeldExchange<E = Box<dyn Exchange>> {
    pub(crate) exchange: E,
    /// Extracts from the response what the policy has to learn.
    pub(crate) watch: Option<Watch>,
}

/// A response, held by the component.
pub struct HeldResponse<B = Box<dyn Body>> {
    pub(crate) status: u16,
    pub(crate) body: B,
    /// The bytes of the body that the component may still read; `None` once the body has exceeded
    /// its limit.
    pub(crate) budget: Option<u64>,
    /// Extracts from the body what the policy has to learn.
    pub(crate) watch: Option<Watch>,
}
