//! The frameworks that use a target.

use crate::guard::{self, Refusal};
use crate::master::frameworks::{self, Frameworks};
use janitor_contract::describe::{framework_extent, framework_words, is_shared};
use janitor_contract::types::{Framework, InUse, Options, Reason, Target};

/// The frameworks that use a target.
pub struct Users {
    /// All of them.
    pub all: Vec<Framework>,
    /// The refusal of the target, if they make it necessary.
    pub refusal: Option<Refusal>,
}

/// Finds the frameworks that use a target's role, or own its znode.
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
    // A framework that may not be viewed has no name here, and may own any node.
    let doubt = frameworks.doubt(role.filter(|_| target.znode.is_none()));
    let refusal = refusal(&all, target, options).or_else(|| {
        let doubt = doubt.filter(|_| options.in_use != InUse::Force)?;
        Some(unknown(target, &doubt))
    });
    Users { all, refusal }
}

/// Describes a framework that uses a target: the part that it uses, and everything that its
/// teardown would end.
pub fn words(framework: &Framework, target: &Target, options: &Options) -> String {
    let used = used(framework, target, options);
    let extent = framework_extent(framework, target.role.as_deref());
    format!("Framework {} {used}: {extent}", framework_words(framework))
}

/// Describes the part of a target that a framework uses.
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

/// Refuses a target whose users are not known.
pub fn unknown(target: &Target, why: &str) -> Refusal {
    let what = match (&target.role, &target.znode) {
        (Some(role), _) => format!("a framework still uses role '{role}'"),
        (None, znode) => {
            format!("a framework still owns znode '{}'", znode.as_deref().unwrap_or_default())
        }
    };
    let why = why.trim_end_matches('.');
    Refusal { reason: Reason::InUseUnknown, why: format!("it is unknown whether {what}. {why}") }
}

/// Refuses a target because of its users, unless the options allow it.
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

/// Explains why a framework is not torn down, unless the options allow that.
fn why_kept(framework: &Framework, target: &Target, options: &Options) -> Option<String> {
    let name = framework_words(framework);
    if !options.teardown.is_empty() {
        return (!options.teardown.contains(&framework.id)).then(|| {
            format!(
                "framework {name} {}, but only {} may be torn down. Uninstall its service, or name \
                 it too",
                used(framework, target, options),
                options.teardown.join(", ")
            )
        });
    }
    // A framework of a role below the target's is another service, and would lose its own
    // reservations.
    let role = target.role.as_deref();
    let has_others = framework.roles.iter().any(|it| Some(it.as_str()) != role);
    let why = match () {
        () if framework.roles.is_empty() => "has no role that shows that it is the service's",
        () if has_others => "has roles other than the target's",
        () if is_shared(framework) => "runs the apps or jobs of other services",
        () => return None,
    };
    Some(format!(
        "framework {name} {why}, and a teardown would end all of it ({}). Uninstall the service \
         instead",
        framework_extent(framework, role)
    ))
}
