//! The frameworks that use a target.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::guard::{self, Refusal};
use crate::host::Host;
use crate::master::frameworks::{self, Frameworks};
use janitor_contract::describe::{framework_extent, framework_words, is_shared};
use janitor_contract::types::{Framework, InUse, Reason, Target};

/// The frameworks that use a target.
pub struct Users {
    /// All of them.
    pub all: Vec<Framework>,
    /// The reason why there may be others, if that is not excluded.
    pub doubt: Option<String>,
    /// The refusal of the target, if they make it necessary.
    pub refusal: Option<Refusal>,
}

impl<H: Host> Context<'_, H> {
    /// Finds the frameworks that use a target's role, or own its znode.
    ///
    /// Any framework of the role may use what is reserved for it. But if the target selects by
    /// labels, and each resource that the run would remove names a framework in its labels
    /// (`owning_frameworks`), only these frameworks use it: each framework of a shared role
    /// recognises its own reservations by its own id. That a framework with such an id is not
    /// registered must be known, so all doubts about the list of frameworks remain, except for
    /// frameworks that may not be viewed, but whose ids are known to be others.
    pub fn users(&self, frameworks: &Frameworks, target: &Target) -> Users {
        let (role, options) = (target.role.as_deref(), self.options);
        let owning = self.owning_frameworks.as_ref();
        let mut all = match (role, owning) {
            (Some(_), Some(owning)) => frameworks.among(owning),
            (Some(role), None) => frameworks.using(role),
            (None, _) => Vec::new(),
        };
        let znode = target.znode.as_deref().map(|it| guard::whole_path(options, it));
        let owners = znode.map(|znode| frameworks.owning(&znode)).unwrap_or_default();
        for owner in owners {
            if !all.iter().any(|it| it.id == owner.id) {
                all.push(owner);
            }
        }
        // A framework that may not be viewed has no name here, and may own any node.
        let doubt = frameworks.doubt(role.filter(|_| target.znode.is_none()), owning);
        let refusal = self.refusal(&all, target).or_else(|| {
            let doubt = doubt.as_ref().filter(|_| options.in_use != InUse::Force)?;
            Some(unknown(target, doubt))
        });
        Users { all, doubt, refusal }
    }

    /// Describes a framework that uses a target: the part that it uses, and everything that its
    /// teardown would end.
    pub(super) fn user_words(&self, framework: &Framework, target: &Target) -> String {
        let used = self.used(framework, target);
        let extent = framework_extent(framework, target.role.as_deref());
        format!("Framework {} {used}: {extent}", framework_words(framework))
    }

    /// Returns whether a framework uses what is reserved for a role.
    fn uses(&self, framework: &Framework, role: &str) -> bool {
        match &self.owning_frameworks {
            Some(owning) => owning.contains(&framework.id),
            None => frameworks::uses(framework, role),
        }
    }

    /// Describes the part of a target that a framework uses.
    fn used(&self, framework: &Framework, target: &Target) -> String {
        let role = target.role.as_deref().filter(|role| self.uses(framework, role));
        match (role, &target.znode) {
            (Some(role), _) if self.owning_frameworks.is_some() => {
                format!("is named by the labels of reservations of role '{role}'")
            }
            (Some(role), _) => format!("uses role '{role}'"),
            (None, znode) => {
                let znode = znode.as_deref().map(|it| guard::whole_path(self.options, it));
                format!("owns znode '{}'", znode.unwrap_or_default())
            }
        }
    }

    /// Refuses a target because of its users, unless the options allow it.
    fn refusal(&self, users: &[Framework], target: &Target) -> Option<Refusal> {
        if users.is_empty() {
            return None;
        }
        let refused = |why| Some(Refusal { reason: Reason::InUse, why });
        let role = target.role.as_deref();
        match self.options.in_use {
            InUse::Force => None,
            InUse::Teardown => {
                let why = users.iter().find_map(|user| self.why_kept(user, target));
                refused(why?)
            }
            InUse::Refuse => {
                let uses = |user: &&Framework| role.is_some_and(|role| self.uses(user, role));
                let using = users.iter().filter(uses).count();
                let is_unproven = target.selects_by_label() && self.owning_frameworks.is_none();
                let why = match is_unproven {
                    true => {
                        "the labels do not name the framework of everything that would be removed"
                    }
                    false => "and would lose their data",
                };
                refused(match (role, using) {
                    (Some(role), 1..) => format!(
                        "{using} framework(s) still use role '{role}', {why}. Uninstall the service \
                         first"
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
    fn why_kept(&self, framework: &Framework, target: &Target) -> Option<String> {
        let (name, teardown) = (framework_words(framework), &self.options.teardown);
        if !teardown.is_empty() {
            return (!teardown.contains(&framework.id)).then(|| {
                format!(
                    "framework {name} {}, but only {} may be torn down. Uninstall its service, or \
                     name it too",
                    self.used(framework, target),
                    teardown.join(", ")
                )
            });
        }
        // A framework of a role below the target's is another service, and would lose its own
        // reservations.
        let role = target.role.as_deref();
        let has_others = framework.roles.iter().any(|it| Some(it.as_str()) != role);
        let is_named = |owning: &BTreeSet<String>| owning.contains(&framework.id);
        let is_others =
            target.selects_by_label() && !self.owning_frameworks.as_ref().is_some_and(is_named);
        let is_another = target.framework_id.as_ref().is_some_and(|id| *id != framework.id);
        let why = match () {
            () if is_others => "is not named by the labels of the target's reservations",
            () if is_another => "is not the one that the target names, although labels name both",
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
