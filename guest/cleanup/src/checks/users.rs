//! The frameworks that use a target.

use crate::guard::{self, Refusal};
use crate::master::frameworks::{self, Frameworks};
use janitor_contract::describe::framework_words;
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

/// Describes a framework that uses a target: the part that it uses, its other roles, and its
/// tasks.
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
    format!("Framework {} {used}{others}{tasks}", framework_words(framework))
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

/// The roles of a framework, compared with a target's role.
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

/// Refuses a target whose users are not known.
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
    let (name, tasks) = (framework_words(framework), framework.tasks);
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
    // A framework of a role below the target's is another service, and would lose its own
    // reservations.
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
