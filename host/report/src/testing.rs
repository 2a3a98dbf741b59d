//! Values that the tests of several modules use.

use janitor_contract::types::{Amount, CleanupPlan, Reserved, Target, Warning, ZnodeState};

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

/// A plan for role `r`, znode `z` and an app, on a cluster where nothing is reserved for the role.
pub fn plan() -> CleanupPlan {
    CleanupPlan {
        target: Target {
            role: Some("r".into()),
            znode: Some("z".into()),
            marathon_app: Some("/janitor".into()),
            ..Target::NOTHING
        },
        mesos_version: None,
        agents: vec![],
        unreached: vec![],
        ignored: vec![],
        elsewhere: vec![],
        frameworks: vec![],
        frameworks_unknown: None,
        znode: Some(ZnodeState::MoreThan(0)),
        warnings: vec![Warning::FilesStay],
        refusal: None,
        why_refused: None,
    }
}
