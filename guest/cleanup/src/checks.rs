//! What ends a run before it changes anything, once the cluster is known: a target that is
//! more likely a slip than meant, and frameworks that still use it.
//!
//! A plan asks the same questions, and tells the first answer that would end a run.

use crate::guard::{self, Refusal};
use crate::master::agents::Listing;
use crate::master::frameworks::{self, Frameworks, Words};
use crate::names;
use crate::operation::round::Owner;
use janitor_contract::types::{Framework, InUse, Options, Reason, Target};

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
    let used = used(framework, target, options);
    let others = match roles(framework, role) {
        Roles::None | Roles::Own => String::new(),
        Roles::Besides(others) => format!("; its other roles: {}", others.join(", ")),
        Roles::Other(roles) => format!("; its roles: {}", roles.join(", ")),
    };
    let tasks = match framework.tasks {
        0 => String::new(),
        tasks => format!("; it runs {tasks} task(s)"),
    };
    format!("Framework {} {used}{others}{tasks}", Words(framework))
}

/// What a framework uses of a target.
fn used(framework: &Framework, target: &Target, options: &Options) -> String {
    let role = target.role.as_deref().filter(|role| frameworks::uses(framework, role));
    match (role, &target.znode) {
        (Some(role), _) => format!("uses role '{role}'"),
        (None, znode) => {
            let znode = znode.as_deref().map(|it| guard::whole_path(options, it));
            format!("owns znode '{}'", znode.unwrap_or_default())
        }
    }
}

/// The roles of a framework, as seen from a target's role.
enum Roles<'a> {
    /// It has no role.
    None,
    /// It has the target's role alone.
    Own,
    /// It has the target's role, and these.
    Besides(Vec<&'a str>),
    /// It has these, and not the target's.
    Other(Vec<&'a str>),
}

fn roles<'a>(framework: &'a Framework, role: Option<&str>) -> Roles<'a> {
    let all = framework.roles.iter().map(String::as_str);
    let others: Vec<_> = all.filter(|it| Some(*it) != role).collect();
    match (framework.roles.len(), others.len()) {
        (0, _) => Roles::None,
        (_, 0) => Roles::Own,
        (all, rest) if rest < all => Roles::Besides(others),
        _ => Roles::Other(others),
    }
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
            let why = users.iter().find_map(|user| why_kept(user, target, options));
            refused(why?)
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

/// Why a framework is not ended, with all that it runs, unless the options allow that.
fn why_kept(framework: &Framework, target: &Target, options: &Options) -> Option<String> {
    let (name, tasks) = (Words(framework), framework.tasks);
    if !options.teardown.is_empty() {
        return (!options.teardown.contains(&framework.id)).then(|| {
            format!(
                "framework {name} {}, and is not among those that are named to be torn down \
                 ({}). Uninstall its service, or name it as well",
                used(framework, target, options),
                options.teardown.join(", ")
            )
        });
    }
    // One of a role below has a reservation of its own to lose, and is another service.
    let why = match roles(framework, target.role.as_deref()) {
        Roles::Own if frameworks::is_shared(framework) => "runs the apps or jobs of others".into(),
        Roles::Own => return None,
        Roles::None => "has no role by which it would be known as the target's".into(),
        Roles::Besides(others) => format!("has other roles too ({})", others.join(", ")),
        Roles::Other(roles) => {
            format!("has roles that are not the target's ({})", roles.join(", "))
        }
    };
    Some(format!(
        "framework {name} {why}, runs {tasks} task(s), and all of it would end. Uninstall the \
         service instead"
    ))
}
