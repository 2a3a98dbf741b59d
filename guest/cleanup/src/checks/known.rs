//! Targets that are probably a mistake.

use crate::guard::{self, Refusal};
use crate::master::agents::Listing;
use crate::master::frameworks::Frameworks;
use crate::names;
use crate::owner::Owner;
use janitor_contract::types::{Elsewhere, Options, Reason, Target};

/// Refuses names of agents that the master does not list: they are probably misspelt. What an agent
/// holds that cannot be reached cannot be removed either. It also refuses names that may mean either
/// of two agents, of the target or among those to ignore.
///
/// # Errors
/// Fails if the target is refused.
pub fn require_listed_agents(listing: &Listing, options: &Options) -> Result<(), Refusal> {
    let names = [&listing.names, &options.ignored_agents];
    if let Some((name, other)) = names.into_iter().find_map(|it| listing.ambiguous_name(it)) {
        let why = format!(
            "'{name}' is the ID of an agent, and also the host name of agent {other}. Name the agent \
             that you mean in the other way: by its host name, or by its ID"
        );
        return Err(Refusal { reason: Reason::InvalidTarget, why });
    }
    let Some(name) = listing.unknown_name() else { return Ok(()) };
    let why = format!(
        "the Mesos master lists no agent with the ID or host name '{name}'. Correct the name; \
         nothing can be removed from an agent that the master does not list"
    );
    Err(Refusal { reason: Reason::InvalidTarget, why })
}

/// Refuses a principal that made none of the role's resources: its name is probably wrong.
///
/// # Errors
/// Fails if the target is refused.
pub fn require_own_resources(listing: &Listing, owner: Owner) -> Result<(), Refusal> {
    let Some(principal) = owner.principal.filter(|it| listing.is_others_alone(it)) else {
        return require_own_labels(listing, owner);
    };
    let principals: Vec<_> = listing.principals().into_iter().collect();
    let why = format!(
        "principal '{principal}' made none of the resources of role '{}'; they were made by: {}. \
         Correct the principal, or omit it to remove everything of the role. To delete only the \
         znode, name only the znode",
        owner.role,
        principals.join(", ")
    );
    Err(Refusal { reason: Reason::OtherPrincipals, why })
}

/// Refuses labels that none of the role's reservations has.
fn require_own_labels(listing: &Listing, owner: Owner) -> Result<(), Refusal> {
    if !owner.selects_by_label() || !listing.is_without_labels_of(owner) {
        return Ok(());
    }
    let (role, labels) = (owner.role, owner.label_words());
    let by = owner.principal.map(|it| format!(" that principal '{it}' made"));
    let why = format!(
        "no reservation of role '{role}'{} has {labels}, but there are others. Correct the labels; \
         janitor discover shows them. To delete only the znode, name only the znode",
        by.unwrap_or_default()
    );
    Err(Refusal { reason: Reason::OtherLabels, why })
}

/// Lists what the principal that is probably meant has made of the role, where the target's
/// principal made nothing of it.
pub fn probably_meant(listing: &Listing, owner: Owner) -> Vec<Elsewhere> {
    let Some(principal) = owner.principal.filter(|it| listing.is_others_alone(it)) else {
        return Vec::new();
    };
    // Any other principal is another service.
    let meant = names::near(principal, listing.principals());
    meant.into_iter().map(|principal| listing.made_by(principal, owner.role)).collect()
}

/// Refuses a role for which nothing is reserved, if it is probably misspelt rather than clean
/// already.
///
/// # Errors
/// Fails if the target is refused.
pub fn require_known_role(
    listing: &Listing,
    frameworks: Option<&Frameworks>,
    target: &Target,
    options: &Options,
) -> Result<(), Refusal> {
    let Some(role) = target.role.as_deref() else { return Ok(()) };
    if listing.has_role() || listing.agents.iter().any(|agent| agent.hides) {
        return Ok(());
    }
    if !target.agents.is_empty() && listing.roles.contains(role) && !options.strict {
        // The other agents show that the name is right.
        return Ok(());
    }
    let znode = target.znode.as_deref().map(|it| guard::whole_path(options, it));
    let top = znode.as_deref().and_then(|it| it.split('/').next());
    let owns = |role: &str| names::znodes_of_role(role).any(|it| Some(it.as_str()) == top);
    let with_limits = frameworks.into_iter().flat_map(Frameworks::roles);
    let known = listing.roles.iter().map(String::as_str).chain(with_limits);
    // Where role and znode name the same service, neither is misspelt, and a second run after
    // a failure must be able to finish. But that znode may belong to another role.
    let mut near = if owns(role) { Vec::new() } else { names::near(role, known) };
    let is_part = |it: &str| it.strip_suffix(role).is_some_and(|rest| rest.ends_with('/'));
    let owners = listing.roles.iter().map(String::as_str).filter(|it| owns(it) && !is_part(it));
    near.extend(owners);
    near.sort_unstable();
    near.dedup();
    let elsewhere = listing.elsewhere();
    let made: Vec<_> = elsewhere.iter().filter(|it| it.principal.is_some()).collect();
    let why = if options.strict {
        "Strict checks do not accept that".to_owned()
    } else if role.contains(',') {
        "A run cleans up only one role".to_owned()
    } else if !near.is_empty() {
        format!("Did you mean {}?", near.join(", "))
    } else if !made.is_empty() && !options.whole_service {
        let roles: Vec<_> = made.into_iter().map(|it| it.role.as_str()).collect();
        format!("The principal made resources for: {}", roles.join(", "))
    } else {
        return Ok(());
    };
    let end = if why.ends_with('?') { "" } else { "." };
    let why = format!(
        "nothing is reserved for role '{role}'. {why}{end} Check the role's name. To delete only \
         the znode, name only the znode"
    );
    Err(Refusal { reason: Reason::RoleNotFound, why })
}
