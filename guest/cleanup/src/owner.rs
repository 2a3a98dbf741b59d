//! The owner of what a run removes.

use janitor_contract::types::Target;

/// The owner of the resources that a run removes.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// The role for which they are reserved.
    pub role: &'a str,
    /// The principal that made them, or none for any.
    pub principal: Option<&'a str>,
}

impl<'a> Owner<'a> {
    /// Returns the owner that a target names, if it names a role.
    pub fn of(target: &'a Target) -> Option<Self> {
        let principal = target.principal.as_deref();
        target.role.as_deref().map(|role| Self { role, principal })
    }
}
