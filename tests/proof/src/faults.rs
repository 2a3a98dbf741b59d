//! Faults in the component's logic that the search must find. Each of them believes an absence, or
//! forgets a check.

use std::cell::Cell;

/// A fault: a place in the sources, and the text that replaces it.
#[allow(dead_code, reason = "only the build script needs all of it")]
pub struct Fault {
    /// The mistake, as a sentence.
    pub name: &'static str,
    /// The file below `guest/cleanup/src`.
    pub file: &'static str,
    /// The text of the place, which is there once.
    pub place: &'static str,
    /// The text with the fault. `IS_ON` is whether the fault is on; `IS_ODD` as well, but only every
    /// second time.
    pub broken: &'static str,
}

/// All faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "pending operations are not looked for",
        file: "master/pending.rs",
        place: "Page::Says(pending) => return Ok(pending),",
        broken: "Page::Says(pending) => return Ok(if IS_ON { Vec::new() } else { pending }),",
    },
    Fault {
        name: "what was accepted without an answer is not looked for",
        file: "operation/operate.rs",
        place: "            // The master may have accepted a request whose answer was lost.\n            self.is_settled = false;",
        broken: "            self.is_settled &= IS_ON;",
    },
    Fault {
        name: "a missing list of pending operations is an empty one",
        file: "master/pending.rs",
        place: "Some(version) if version >= LISTED_SINCE => Err(why),",
        broken: "Some(version) if version >= LISTED_SINCE && !IS_ON => Err(why),",
    },
    Fault {
        name: "the list of agents is not compared with the registry",
        file: "master/absent.rs",
        place: "Page::Says(agents) => absent.agents.extend(agents),",
        broken: "Page::Says(agents) => absent.agents.extend(agents.into_iter().filter(|_| !IS_ON)),",
    },
    Fault {
        name: "a registry that cannot be read names nobody",
        file: "master/absent.rs",
        place: "            absent.count(host, retries);\n        }\n        Page::Unknown(unread) => absent.doubts.push(unread.message),",
        broken: "            absent.count(host, retries);\n        }\n        Page::Unknown(_) if IS_ON => {}\n        Page::Unknown(unread) => absent.doubts.push(unread.message),",
    },
    Fault {
        name: "a page that was there may be missing later",
        file: "master/answer.rs",
        place: "if !host.knows(request) => return Page::Missing,",
        broken: "if IS_ON || !host.knows(request) => return Page::Missing,",
    },
    Fault {
        name: "an agent that is disconnected keeps nothing",
        file: "master/agents.rs",
        place: "(false, _) if agent.is_concerned() => UnreachedReason::NotActive,",
        broken: "(false, _) if agent.is_concerned() && !IS_ON => UnreachedReason::NotActive,",
    },
    Fault {
        name: "what a list hides is not there",
        file: "master/agents.rs",
        place: "(_, true) => UnreachedReason::HiddenReservations,",
        broken: "(_, true) if !IS_ON => UnreachedReason::HiddenReservations,",
    },
    Fault {
        name: "an agent that has not registered again does not exist",
        file: "master/agents.rs",
        place: "listed.chain(recovered).collect()\n    }\n\n    /// Returns what the agents still hold",
        broken: "listed.chain(recovered.filter(|_| !IS_ON)).collect()\n    }\n\n    /// Returns what the agents still hold",
    },
    Fault {
        name: "what comes back is not noticed",
        file: "settle.rs",
        place: "        let back = came_back(&listing, owner);\n        if !back.is_empty() {",
        broken: "        let back = came_back(&listing, owner);\n        if !back.is_empty() && !IS_ON {",
    },
    Fault {
        name: "the node is deleted although the rest stays",
        file: "clean.rs",
        place: "            self.resources(owner, listing)?;",
        broken: "            let done = self.resources(owner, listing);\n            if !IS_ON {\n                done?;\n            }",
    },
    Fault {
        name: "a failed deletion of the node is none",
        file: "clean.rs",
        place: "            Some(message) => Err(Abort { reason: self.reason(Reason::Failed), message }),",
        broken: "            Some(message) if !IS_ON => Err(Abort { reason: self.reason(Reason::Failed), message }),\n            Some(_) => Ok(()),",
    },
    Fault {
        name: "the frameworks are not looked at",
        file: "checks.rs",
        place: "        let frameworks = match is_forced {",
        broken: "        let frameworks = match is_forced || IS_ON {",
    },
    Fault {
        name: "frameworks that cannot be listed are none",
        file: "master/frameworks.rs",
        place: "        Page::Unknown(unread) => return Err(unread.message),\n    }\n    let roles",
        broken: "        Page::Unknown(_) if IS_ON => {}\n        Page::Unknown(unread) => return Err(unread.message),\n    }\n    let roles",
    },
    Fault {
        name: "frameworks that may not be viewed are none",
        file: "master/frameworks.rs",
        place: "        (!sentences.is_empty()).then(|| sentences.join(\" \"))",
        broken: "        (!sentences.is_empty() && !IS_ON).then(|| sentences.join(\" \"))",
    },
    Fault {
        name: "a framework of a role below does not count",
        file: "master/frameworks.rs",
        place: "|rest| rest.is_empty() || rest.starts_with('/')",
        broken: "|rest| rest.is_empty() || (rest.starts_with('/') && !IS_ON)",
    },
    Fault {
        name: "a new master knows all frameworks",
        file: "master/leader.rs",
        place: "        Some(led_for) if led_for >= COMING_BACK => None,",
        broken: "        Some(led_for) if led_for >= COMING_BACK || IS_ON => None,",
    },
    Fault {
        name: "the principal does not matter",
        file: "master/resource.rs",
        place: "        if owner.principal.is_some() && maker",
        broken: "        if !IS_ON && owner.principal.is_some() && maker",
    },
    Fault {
        name: "labels do not matter",
        file: "master/resource.rs",
        place: "        match self.has_labels_of(owner) {",
        broken: "        match IS_ON || self.has_labels_of(owner) {",
    },
    Fault {
        name: "volumes are not destroyed first",
        file: "clean.rs",
        place: "        let listing = self.carry_out(&Operation::VOLUMES, listing, owner, Begun::Not)?;",
        broken: "        let listing = match IS_ON {\n            true => listing,\n            false => self.carry_out(&Operation::VOLUMES, listing, owner, Begun::Not)?,\n        };",
    },
    Fault {
        name: "what is left is not reported",
        file: "master/agents.rs",
        place: "left.filter(|left| left.volumes + left.resources > 0)",
        broken: "left.filter(|left| left.volumes + left.resources > 0 && !IS_ON)",
    },
    Fault {
        name: "a pause has no end",
        file: "retry.rs",
        place: "        pause >= Duration::from_millis(1) && host.pause(pause)",
        broken: "        (pause >= Duration::from_millis(1) || IS_ON) && host.pause(pause)",
    },
    Fault {
        name: "something else is asked for",
        file: "master/absent.rs",
        place: "    let path = [\"maintenance\", \"status\"]",
        broken: "    let path = [\"maintenance\", if IS_ON { \"schedule\" } else { \"status\" }]",
    },
    Fault {
        name: "two equal runs differ",
        file: "master/absent.rs",
        place: "    let path = [\"registrar(1)\", \"registry\"].map(Into::into).into();",
        broken: "    if IS_ODD {\n        absent.count(host, retries);\n    }\n    let path = [\"registrar(1)\", \"registry\"].map(Into::into).into();",
    },
];

thread_local! {
    /// The fault that is on.
    static ON: Cell<Option<usize>> = const { Cell::new(None) };
    /// How often it has been asked for.
    static TIMES: Cell<u64> = const { Cell::new(0) };
}

/// Turns a fault on, for this thread.
pub fn turn_on(fault: Option<usize>) {
    ON.set(fault);
}

/// Returns whether a fault is on.
pub fn is_on(fault: usize) -> bool {
    ON.get() == Some(fault)
}

/// Returns the same, but only every second time.
pub fn is_odd(fault: usize) -> bool {
    TIMES.set(TIMES.get() + 1);
    is_on(fault) && TIMES.get() % 2 == 1
}
