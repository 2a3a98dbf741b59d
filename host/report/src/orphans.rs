//! The roles of an inventory that nobody uses, and the commands that remove what is reserved for
//! them.

use janitor_contract::types::{FrameworkState, Holding, HoldingGroup, Inventory, Target};

use crate::command_line::print::Invocation;

/// Returns whether a role is orphaned: a cleanup could remove something of it, and no registered
/// framework uses it, as far as the master and the labels of its reservations say.
pub fn is_orphaned(holding: &Holding, inventory: &Inventory) -> bool {
    holding.removable
        && holding.frameworks.is_empty()
        && inventory.frameworks_unknown.is_none()
        && !holding.groups.iter().any(is_alive)
}

/// Lists the orphaned roles, or nothing if the registered frameworks are not known.
pub fn orphaned(inventory: &Inventory) -> Option<Vec<String>> {
    inventory.frameworks_unknown.is_none().then(|| {
        let holdings = inventory.roles.iter().filter(|it| is_orphaned(it, inventory));
        holdings.map(|it| it.role.clone()).collect()
    })
}

/// Proposes the commands that remove what is reserved for a role and is orphaned, each with the
/// words for it: all of it, or what belongs to each framework that is not registered.
pub fn removals_of(
    holding: &Holding,
    inventory: &Inventory,
    run: &Invocation,
) -> Vec<(String, String)> {
    let targets = targets(holding, inventory).into_iter();
    targets.map(|(what, target)| (what, run.clean(&target, &run.options))).collect()
}

/// Proposes the commands that remove what is reserved and orphaned, one line each.
pub fn removals(inventory: &Inventory, run: &Invocation) -> Vec<String> {
    let lines = |it: &Holding| {
        let role = it.role.clone();
        removals_of(it, inventory, run).into_iter().map(move |(what, command)| match &*what {
            ALL => format!("To remove what is reserved for role '{role}': {command}"),
            what => format!("To remove {what} for role '{role}': {command}"),
        })
    };
    inventory.roles.iter().flat_map(lines).collect()
}

/// The words for everything that is reserved for a role.
const ALL: &str = "it";

/// Proposes targets, with the words for them.
fn targets(holding: &Holding, inventory: &Inventory) -> Vec<(String, Target)> {
    let Holding { role, principals, removable, znodes, groups, .. } = holding;
    let of_role = Target { role: Some(role.clone()), ..Target::NOTHING };
    if inventory.frameworks_unknown.is_some() || !removable {
        return vec![];
    }
    // Several services that share the role of a group have several principals.
    if is_orphaned(holding, inventory) && principals.len() < 2 {
        let znode = znodes.first().cloned();
        return vec![(ALL.into(), Target { znode, ..of_role })];
    }
    let dead = groups.iter().filter(|it| !is_alive(it) && it.removable);
    let dead = dead.filter_map(|it| it.framework_id.clone());
    dead.map(|id| {
        let what = format!("what framework {id} reserved");
        (what, Target { framework_id: Some(id), ..of_role.clone() })
    })
    .collect()
}

fn is_alive(group: &HoldingGroup) -> bool {
    group.state == FrameworkState::Registered
}
