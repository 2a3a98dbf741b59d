//! What ends a run before it changes anything, once the cluster is known: a target that is
//! more likely a slip than meant, and frameworks that still use it.
//!
//! A plan asks the same questions, and tells the first answer that would end a run.

use crate::agents::Listing;
use crate::bindings::cleanup::{InUse, Options, Reason, Target};
use crate::bindings::log::Framework;
use crate::frameworks::{self, Frameworks, Words};
use crate::guard::{self, Refusal};
use crate::names;
use crate::sweep::Owner;

/// Refuses a principal that has made nothing of what the role has: more likely its name
/// is wrong than that everything is others'.
///
/// # Errors
/// The refusal.
pub fn require_own_resources(listing: &Listing, owner: Owner) -> Result<(), Refusal> {
    let Some(principal) = owner.principal.filter(|it| listing.is_others_alone(it)) else {
        return Ok(());
    };
    let principals: Vec<_> = listing.principals().into_iter().collect();
    let why = format!(
        "nothing of role '{}' was made by principal '{principal}', but by: {}. Check the \
         principal, or leave it out to take all of the role. If only the znode is left to delete, \
         name the znode alone",
        owner.role,
        principals.join(", ")
    );
    Err(Refusal { reason: Reason::OtherPrincipals, why })
}

/// Refuses a role for which nothing is reserved, where it is more likely misspelt than
/// clean already.
///
/// # Errors
/// The refusal.
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
    let znode = target.znode.as_deref().map(|it| guard::whole_path(options, it));
    let top = znode.as_deref().and_then(|it| it.split('/').next());
    let owns = |role: &str| names::znodes_of_role(role).any(|it| Some(it.as_str()) == top);
    let with_limits = frameworks.into_iter().flat_map(Frameworks::roles);
    let known = listing.roles.iter().map(String::as_str).chain(with_limits);
    // Where role and znode name the same service, neither is a slip; a second run after a
    // failure must be able to finish. But another role may be the one that has that znode.
    let mut near = if owns(role) { Vec::new() } else { names::near(role, known) };
    let is_part = |it: &str| it.strip_suffix(role).is_some_and(|rest| rest.ends_with('/'));
    let owners = listing.roles.iter().map(String::as_str).filter(|it| owns(it) && !is_part(it));
    near.extend(owners);
    near.sort_unstable();
    near.dedup();
    let made: Vec<_> = listing.elsewhere.iter().filter(|it| it.principal.is_some()).collect();
    let why = if options.strict {
        "it must be there (strict)".to_owned()
    } else if role.contains(',') {
        "name one role a run".to_owned()
    } else if !near.is_empty() {
        format!("there is {}", near.join(", "))
    } else if !made.is_empty() && !options.whole_service {
        let roles: Vec<_> = made.into_iter().map(|it| it.role.as_str()).collect();
        format!("the principal has made something for: {}", roles.join(", "))
    } else {
        return Ok(());
    };
    let why = format!(
        "nothing is reserved for role '{role}': {why}. Check the role's name. If only the znode is \
         left to delete, name the znode alone"
    );
    Err(Refusal { reason: Reason::RoleNotFound, why })
}

/// The frameworks that use a target, and what is to become of them.
pub struct Users {
    /// All of them.
    pub all: Vec<Framework>,
    /// Why they end the run, if they do.
    pub refusal: Option<Refusal>,
}

/// The frameworks that use a target's role, or own its znode.
pub fn users(frameworks: &Frameworks, target: &Target, options: &Options) -> Users {
    let role = target.role.as_deref();
    let mut all = role.map(|role| frameworks.using(role)).unwrap_or_default();
    let znode = target.znode.as_deref().map(|it| guard::whole_path(options, it));
    let owners = znode.map(|znode| frameworks.owning(&znode)).unwrap_or_default();
    for owner in owners {
        if !all.iter().any(|it| it.id == owner.id) {
            all.push(owner);
        }
    }
    // Of a framework that may not be viewed the name is not known, and so not its node.
    let doubt = frameworks.doubt(role.filter(|_| target.znode.is_none()));
    let refusal = refusal(&all, target, options).or_else(|| {
        let doubt = doubt.filter(|_| options.in_use != InUse::Force)?;
        Some(unknown(target, &doubt))
    });
    Users { all, refusal }
}

/// A framework that uses a target, for people: what it uses, and what else it runs.
pub fn words(framework: &Framework, target: &Target, options: &Options) -> String {
    let role = target.role.as_deref();
    let used = match (role.filter(|role| frameworks::uses(framework, role)), &target.znode) {
        (Some(role), _) => format!("uses role '{role}'"),
        (None, znode) => {
            let znode = znode.as_deref().map(|it| guard::whole_path(options, it));
            format!("owns znode '{}'", znode.unwrap_or_default())
        }
    };
    let others = frameworks::other_roles(framework, role);
    let others = match others.is_empty() {
        true => String::new(),
        false => format!("; its other roles: {}", others.join(", ")),
    };
    let tasks = match framework.tasks {
        0 => String::new(),
        tasks => format!("; it runs {tasks} task(s)"),
    };
    format!("Framework {} {used}{others}{tasks}", Words(framework))
}

/// The refusal of a target of which it is not known who uses it.
pub fn unknown(target: &Target, why: &str) -> Refusal {
    let what = match (&target.role, &target.znode) {
        (Some(role), _) => format!("a framework still uses role '{role}'"),
        (None, znode) => {
            format!("a framework still owns znode '{}'", znode.as_deref().unwrap_or_default())
        }
    };
    let why = why.trim_end_matches('.');
    Refusal { reason: Reason::InUseUnknown, why: format!("it is not known whether {what}. {why}") }
}

fn refusal(users: &[Framework], target: &Target, options: &Options) -> Option<Refusal> {
    if users.is_empty() {
        return None;
    }
    let refused = |why| Some(Refusal { reason: Reason::InUse, why });
    let role = target.role.as_deref();
    match options.in_use {
        InUse::Force => None,
        InUse::Teardown => {
            let kept: Vec<_> =
                users.iter().filter(|user| !may_be_torn_down(user, role, options)).collect();
            let first = kept.first()?;
            let others = frameworks::other_roles(first, role);
            let runs = match others.is_empty() {
                true => String::new(),
                false => format!(" has other roles too ({}),", others.join(", ")),
            };
            refused(format!(
                "framework {}{runs} runs {} task(s), and all of it would end. Uninstall the \
                 service instead",
                Words(first),
                first.tasks
            ))
        }
        InUse::Refuse => {
            let uses = |user: &&Framework| role.is_some_and(|role| frameworks::uses(user, role));
            let using = users.iter().filter(uses).count();
            refused(match (role, using) {
                (Some(role), 1..) => format!(
                    "{using} framework(s) still use role '{role}', and would lose their data. \
                     Uninstall the service first"
                ),
                _ => format!(
                    "{} framework(s) still own znode '{}', and would lose their state. Uninstall \
                     the service first",
                    users.len(),
                    target.znode.as_deref().unwrap_or_default()
                ),
            })
        }
    }
}

/// Whether the options allow to end a framework with all that it runs.
fn may_be_torn_down(framework: &Framework, role: Option<&str>, options: &Options) -> bool {
    if !options.teardown.is_empty() {
        return options.teardown.contains(&framework.id);
    }
    // One of a role below has a reservation of its own to lose, and is another service.
    let is_own = framework.roles.iter().all(|it| Some(it.as_str()) == role);
    is_own && !framework.roles.is_empty() && !frameworks::is_shared(framework)
}
