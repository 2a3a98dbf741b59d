//! The roles and znodes of an inventory that nobody uses, and the commands that remove them.

use janitor_contract::labels::framework_id;
use janitor_contract::types::{FrameworkState, Holding, HoldingGroup, Inventory, Reserved, Target};

use crate::command_line::print::Invocation;

/// The state of a role, orphaned ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A cleanup could remove something of it, and no registered framework uses it, as far as the
    /// master and the labels of its reservations say.
    Orphaned,
    /// It is not known whether a framework uses it.
    Unknown,
    /// Registered frameworks use it.
    InUse,
    /// It is reserved in the agents' configuration.
    Static,
}

impl State {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Orphaned, Self::Unknown, Self::InUse, Self::Static];

    /// The state of a role.
    pub fn of(holding: &Holding, inventory: &Inventory) -> Self {
        let is_used = !holding.frameworks.is_empty() || holding.groups.iter().any(is_alive);
        match (holding.removable, is_used, &inventory.frameworks_unknown) {
            (false, ..) => Self::Static,
            (true, true, _) => Self::InUse,
            (true, false, Some(_)) => Self::Unknown,
            (true, false, None) => Self::Orphaned,
        }
    }
}

/// The part of a role in use that a framework reserved which is not registered any more.
pub struct Part<'a> {
    /// The ID of the framework.
    pub framework_id: &'a str,
    /// The agents that hold it, each with its entries.
    pub agents: Vec<Vec<&'a Reserved>>,
}

/// Lists the orphaned parts of a role. A role that is orphaned as a whole has no such parts.
pub fn orphaned_parts<'a>(holding: &'a Holding, inventory: &Inventory) -> Vec<Part<'a>> {
    if State::of(holding, inventory) == State::Orphaned {
        return vec![];
    }
    dead(holding, inventory)
        .map(|id| Part { framework_id: id, agents: named(holding, id) })
        .collect()
}

/// Returns those entries of a role whose labels name a framework, by agent.
fn named<'a>(holding: &'a Holding, id: &str) -> Vec<Vec<&'a Reserved>> {
    let is_its = |entry: &&Reserved| {
        entry.labels.iter().any(|it| framework_id(&it.key, it.value.as_deref()) == Some(id))
    };
    let agents = holding.agents.iter().map(|it| it.entries.iter().filter(is_its).collect());
    agents.filter(|entries: &Vec<_>| !entries.is_empty()).collect()
}

/// Lists the frameworks that are not registered and have reserved something that can be removed.
fn dead<'a>(holding: &'a Holding, inventory: &Inventory) -> impl Iterator<Item = &'a str> {
    let is_known = inventory.frameworks_unknown.is_none() && holding.removable;
    let groups = holding.groups.iter().filter(move |it| is_known && !is_alive(it) && it.removable);
    groups.filter_map(|it| it.framework_id.as_deref())
}

fn is_alive(group: &HoldingGroup) -> bool {
    group.state == FrameworkState::Registered
}

/// Lists the orphaned roles, or nothing if the registered frameworks are not known.
pub fn orphaned(inventory: &Inventory) -> Option<Vec<String>> {
    inventory.frameworks_unknown.is_none().then(|| {
        let is_orphaned = |it: &&Holding| State::of(it, inventory) == State::Orphaned;
        inventory.roles.iter().filter(is_orphaned).map(|it| it.role.clone()).collect()
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

/// Proposes the command that deletes an orphaned znode.
pub fn removal_of_znode(znode: &str, run: &Invocation) -> String {
    run.clean(&Target { znode: Some(znode.to_owned()), ..Target::NOTHING }, &run.options)
}

/// Proposes the commands that remove everything that is orphaned, one line each.
pub fn removals(inventory: &Inventory, run: &Invocation) -> Vec<String> {
    let lines = |it: &Holding| {
        let role = it.role.clone();
        removals_of(it, inventory, run).into_iter().map(move |(what, command)| match &*what {
            ALL => format!("To remove what is reserved for role '{role}': {command}"),
            what => format!("To remove {what} for role '{role}': {command}"),
        })
    };
    let znodes = inventory.orphaned_znodes.iter();
    let znodes =
        znodes.map(|znode| format!("To delete znode '{znode}': {}", removal_of_znode(znode, run)));
    inventory.roles.iter().flat_map(lines).chain(znodes).collect()
}

/// The words for everything that is reserved for a role.
const ALL: &str = "it";

/// Proposes targets, with the words for them.
fn targets(holding: &Holding, inventory: &Inventory) -> Vec<(String, Target)> {
    let Holding { role, principals, znodes, .. } = holding;
    let of_role = Target { role: Some(role.clone()), ..Target::NOTHING };
    // Several services that share the role of a group have several principals.
    if State::of(holding, inventory) == State::Orphaned && principals.len() < 2 {
        let znode = znodes.first().cloned();
        return vec![(ALL.into(), Target { znode, ..of_role })];
    }
    dead(holding, inventory)
        .map(|id| {
            let what = format!("what framework {id} reserved");
            (what, Target { framework_id: Some(id.to_owned()), ..of_role.clone() })
        })
        .collect()
}
