//! Values that the tests of several modules use.

use janitor_contract::types::{Amount, Reserved};

/// An entry that principal `p` has reserved.
pub fn entry(name: &str, amount: Amount) -> Reserved {
    Reserved {
        name: name.into(),
        amount,
        dynamic: true,
        principal: Some("p".into()),
        labels: Vec::new(),
        disk: None,
        volume: None,
    }
}
