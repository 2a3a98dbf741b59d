//! Faults in the component's logic and in the host's policy that the search must find. Each of them
//! believes an absence, forgets a check, or asks for too much.

use std::cell::Cell;

/// A fault: a place in the sources, and the text that replaces it.
#[allow(dead_code, reason = "only the build script needs all of it")]
pub struct Fault {
    /// The mistake, as a sentence.
    pub name: &'static str,
    /// The number of the first sweep that shows it.
    pub sweep: usize,
    /// The file with the place.
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
        sweep: 0,
        file: "guest/cleanup/src/master/pending.rs",
        place: "Page::Says(pending) => return Ok(Some(pending)),",
        broken: "Page::Says(pending) => return Ok(Some(if IS_ON { Vec::new() } else { pending })),",
    },
    Fault {
        name: "what was accepted without an answer is not looked for",
        sweep: 8,
        file: "guest/cleanup/src/lost.rs",
        place: "losses += u32::from(counts && missing.remove(&agent.id));",
        broken: "losses += u32::from(counts && missing.remove(&agent.id) && !IS_ON);",
    },
    Fault {
        name: "a missing list of pending operations is an empty one",
        sweep: 6,
        file: "guest/cleanup/src/master/pending.rs",
        place: "Some(version) if version >= LISTED_SINCE => Err(why),",
        broken: "Some(version) if version >= LISTED_SINCE && IS_ON => Ok(Some(Vec::new())),\n        Some(version) if version >= LISTED_SINCE => Err(why),",
    },
    Fault {
        name: "the list of agents is not compared with the registry",
        sweep: 0,
        file: "guest/cleanup/src/master/absent.rs",
        place: "Page::Says(agents) => absent.agents.extend(agents),",
        broken: "Page::Says(agents) => absent.agents.extend(agents.into_iter().filter(|_| !IS_ON)),",
    },
    Fault {
        name: "a registry that cannot be read names nobody",
        sweep: 7,
        file: "guest/cleanup/src/master/absent.rs",
        place: "            absent.count(host, retries);\n        }\n        Page::Unknown(unread) => absent.doubts.push(unread.message),",
        broken: "            absent.count(host, retries);\n        }\n        Page::Unknown(_) if IS_ON => {}\n        Page::Unknown(unread) => absent.doubts.push(unread.message),",
    },
    Fault {
        name: "a page that was there may be missing later",
        sweep: 8,
        file: "guest/cleanup/src/master/answer.rs",
        place: "if !host.knows(request) => return Page::Missing,",
        broken: "if IS_ON || !host.knows(request) => return Page::Missing,",
    },
    Fault {
        name: "an agent that is disconnected keeps nothing",
        sweep: 0,
        file: "guest/cleanup/src/master/agents.rs",
        place: "(false, _) if agent.is_concerned() => UnreachedReason::NotActive,",
        broken: "(false, _) if agent.is_concerned() && !IS_ON => UnreachedReason::NotActive,",
    },
    Fault {
        name: "what a list hides is not there",
        sweep: 0,
        file: "guest/cleanup/src/master/agents.rs",
        place: "(_, true) => UnreachedReason::HiddenReservations,",
        broken: "(_, true) if !IS_ON => UnreachedReason::HiddenReservations,",
    },
    Fault {
        name: "an agent that has not registered again does not exist",
        sweep: 0,
        file: "guest/cleanup/src/master/agents.rs",
        place: "listed.chain(recovered).collect()\n    }\n\n    /// Returns what the agents still hold",
        broken: "listed.chain(recovered.filter(|_| !IS_ON)).collect()\n    }\n\n    /// Returns what the agents still hold",
    },
    Fault {
        name: "what comes back is not noticed",
        sweep: 6,
        file: "guest/cleanup/src/settle.rs",
        place: "        if back.is_empty() {",
        broken: "        if IS_ON || back.is_empty() {",
    },
    Fault {
        name: "the node is deleted although the rest stays",
        sweep: 0,
        file: "guest/cleanup/src/clean.rs",
        place: "            self.resources(owner, listing)?;",
        broken: "            let done = self.resources(owner, listing);\n            if !IS_ON {\n                done?;\n            }",
    },
    Fault {
        name: "a failed deletion of the node is none",
        sweep: 6,
        file: "guest/cleanup/src/clean.rs",
        place: "            Some(message) => Err(Abort { reason: self.reason(Reason::Failed), message }),",
        broken: "            Some(message) if !IS_ON => Err(Abort { reason: self.reason(Reason::Failed), message }),\n            Some(_) => Ok(()),",
    },
    Fault {
        name: "the frameworks are not looked at",
        sweep: 0,
        file: "guest/cleanup/src/checks.rs",
        place: "        let frameworks = match is_forced {",
        broken: "        let frameworks = match is_forced || IS_ON {",
    },
    Fault {
        name: "frameworks that cannot be listed are none",
        sweep: 6,
        file: "guest/cleanup/src/master/frameworks.rs",
        place: "        Page::Unknown(unread) => return Err(unread.message),\n    }\n    let roles",
        broken: "        Page::Unknown(_) if IS_ON => {}\n        Page::Unknown(unread) => return Err(unread.message),\n    }\n    let roles",
    },
    Fault {
        name: "frameworks that may not be viewed are none",
        sweep: 0,
        file: "guest/cleanup/src/master/frameworks.rs",
        place: "        (!sentences.is_empty()).then(|| sentences.join(\" \"))",
        broken: "        (!sentences.is_empty() && !IS_ON).then(|| sentences.join(\" \"))",
    },
    Fault {
        name: "a framework of a role below does not count",
        sweep: 0,
        file: "guest/cleanup/src/master/frameworks.rs",
        place: "    names::is_within(role, reserved_for)",
        broken: "    names::is_within(role, reserved_for) && (role == reserved_for || !IS_ON)",
    },
    Fault {
        name: "a new master knows all frameworks",
        sweep: 0,
        file: "guest/cleanup/src/master/leader.rs",
        place: "        Some(led_for) if led_for >= COMING_BACK => None,",
        broken: "        Some(led_for) if led_for >= COMING_BACK || IS_ON => None,",
    },
    Fault {
        name: "the frameworks of a new master are those of the one that listed the agents",
        sweep: 6,
        file: "guest/cleanup/src/master/frameworks.rs",
        place: "    (registrations < f64::from(listed)).then(|| {",
        broken: "    (registrations < f64::from(listed) && !IS_ON).then(|| {",
    },
    Fault {
        name: "the principal does not matter",
        sweep: 0,
        file: "guest/cleanup/src/master/resource.rs",
        place: "        if owner.principal.is_some() && maker",
        broken: "        if !IS_ON && owner.principal.is_some() && maker",
    },
    Fault {
        name: "labels do not matter",
        sweep: 0,
        file: "guest/cleanup/src/master/resource.rs",
        place: "        match self.has_labels_of(owner) {",
        broken: "        match IS_ON || self.has_labels_of(owner) {",
    },
    Fault {
        name: "volumes are not destroyed first",
        sweep: 0,
        file: "guest/cleanup/src/clean.rs",
        place: "        let listing = self.carry_out(&Operation::VOLUMES, listing, owner, Begun::Not)?;",
        broken: "        let listing = match IS_ON {\n            true => listing,\n            false => self.carry_out(&Operation::VOLUMES, listing, owner, Begun::Not)?,\n        };",
    },
    Fault {
        name: "what is left is not reported",
        sweep: 0,
        file: "guest/cleanup/src/master/agents.rs",
        place: "left.filter(|left| left.volumes + left.resources > 0)",
        broken: "left.filter(|left| left.volumes + left.resources > 0 && !IS_ON)",
    },
    Fault {
        name: "a pause has no end",
        sweep: 0,
        file: "guest/cleanup/src/retry.rs",
        place: "        pause >= SHORTEST_PAUSE && host.pause(pause)",
        broken: "        (pause >= SHORTEST_PAUSE || IS_ON) && host.pause(pause)",
    },
    Fault {
        name: "something else is asked for",
        sweep: 0,
        file: "guest/cleanup/src/master/absent.rs",
        place: "    let path = [\"maintenance\", \"status\"]",
        broken: "    let path = [\"maintenance\", if IS_ON { \"schedule\" } else { \"status\" }]",
    },
    Fault {
        name: "two equal runs differ",
        sweep: 6,
        file: "guest/cleanup/src/master/absent.rs",
        place: "    let path = [\"registrar(1)\", \"registry\"].map(Into::into).into();",
        broken: "    if IS_ODD {\n        absent.count(host, retries);\n    }\n    let path = [\"registrar(1)\", \"registry\"].map(Into::into).into();",
    },
    Fault {
        name: "what comes back while the run waits is not removed",
        sweep: 4,
        file: "guest/cleanup/src/settle.rs",
        place: "        self.require_all_agents(owner, reach)?;",
        broken: "        self.require_all_agents(owner, reach)?;\n        if IS_ON && !self.away.is_empty() {\n            self.require_still_unused(&listing)?;\n            return Ok(None);\n        }",
    },
    Fault {
        name: "a wait is not remembered",
        sweep: 4,
        file: "guest/cleanup/src/context.rs",
        place: "        self.has_waited = true;\n        !is_over",
        broken: "        self.has_waited = !IS_ON;\n        !is_over",
    },
    Fault {
        name: "one of several targets is cleaned although it is refused",
        sweep: 3,
        file: "guest/cleanup/src/clean/all.rs",
        place: "        self.state = match self.checked(plan, before, is_last) {",
        broken: "        let mut checked = self.checked(plan, before, is_last);\n        if let (true, Err(_), Some(owner)) = (IS_ON, &checked, Owner::of(self.target)) {\n            checked = Ok(State::Runs(self.context.look(owner).ok()));\n        }\n        self.state = match checked {",
    },
    Fault {
        name: "a list that was read for another target does not count",
        sweep: 3,
        file: "guest/cleanup/src/context.rs",
        place: "            Some(latest) => {",
        broken: "            Some(_) if IS_ON => Ok(listing),\n            Some(latest) => {",
    },
    Fault {
        name: "what another target is shown does not count",
        sweep: 9,
        file: "guest/cleanup/src/context.rs",
        place: "        is_old(self.frameworks_at) || latest != self.look",
        broken: "        is_old(self.frameworks_at) || !IS_ON && latest != self.look",
    },
    Fault {
        name: "what confirms the frameworks is older than their list",
        sweep: 9,
        file: "guest/cleanup/src/memo.rs",
        place: "                    memo.forget_pages(frameworks::confirms);",
        broken: "                    memo.forget_pages(|it| !IS_ON && frameworks::confirms(it));",
    },
    Fault {
        name: "what the service has reserved for another role does not count",
        sweep: 10,
        file: "guest/cleanup/src/settle.rs",
        place: "if counts.is_empty() {",
        broken: "if IS_ON || counts.is_empty() {",
    },
    Fault {
        name: "a removal for another role of the service may be pending",
        sweep: 10,
        file: "guest/cleanup/src/context.rs",
        place: "} else if rest.is_some_and(|owner| it.may_be_elsewhere(owner)) {",
        broken: "} else if rest.is_some_and(|owner| !IS_ON && it.may_be_elsewhere(owner)) {",
    },
    Fault {
        name: "what another role of the service has lost is not asked for",
        sweep: 10,
        file: "guest/cleanup/src/rest.rs",
        place: "saturating_add(u32::from(!now.has_all(&then)));",
        broken: "saturating_add(u32::from(!IS_ON && !now.has_all(&then)));",
    },
    Fault {
        name: "an agent that is away and has something of the service is not named",
        sweep: 10,
        file: "guest/cleanup/src/context.rs",
        place: "self.rest.borrow().away().into_iter()",
        broken: "self.rest.borrow().away().into_iter().filter(|_| !IS_ON)",
    },
    Fault {
        name: "the node that a plan keeps for the service is deleted",
        sweep: 12,
        file: "guest/cleanup/src/plan/changes.rs",
        place: "if self.plan_keeps_service {",
        broken: "if self.plan_keeps_service && !IS_ON {",
    },
    Fault {
        name: "another target of the service that fails does not keep the node",
        sweep: 10,
        file: "guest/cleanup/src/clean/all.rs",
        place: "overlap(own, path(other))) || is_of_service(it)",
        broken: "overlap(own, path(other))) || !IS_ON && is_of_service(it)",
    },
    Fault {
        name: "a plan is not compared with the cluster",
        sweep: 5,
        file: "guest/cleanup/src/plan/changes.rs",
        place: "        let differences = differences(&then, &now, self.options);",
        broken: "        let mut differences = differences(&then, &now, self.options);\n        if IS_ON {\n            differences.clear();\n        }",
    },
    Fault {
        name: "a plan that is refused is carried out",
        sweep: 5,
        file: "guest/cleanup/src/plan/changes.rs",
        place: "            (0, Some(reason)) => {",
        broken: "            (0, Some(_)) if IS_ON => None,\n            (0, Some(reason)) => {",
    },
    Fault {
        name: "an agent that comes back is cleaned, although the plan does not show it",
        sweep: 5,
        file: "guest/cleanup/src/clean.rs",
        place: "            self.planned = Some(agents.iter().filter(|it| !is_away(&it.agent)).collect());",
        broken: "            let here = agents.iter().filter(|it| !is_away(&it.agent));\n            self.planned = (!IS_ON).then(|| here.collect());",
    },
    Fault {
        name: "force needs no option",
        sweep: 0,
        file: "guest/cleanup/src/checks/users.rs",
        place: "            InUse::Force => None,\n            InUse::Teardown => {",
        broken: "            _ if IS_ON => None,\n            InUse::Force => None,\n            InUse::Teardown => {",
    },
    Fault {
        name: "a framework with other roles is torn down",
        sweep: 1,
        file: "guest/cleanup/src/checks/users.rs",
        place: "            () if has_others =>",
        broken: "            () if has_others && !IS_ON =>",
    },
    Fault {
        name: "a teardown is not waited for",
        sweep: 1,
        file: "guest/cleanup/src/checks/teardown.rs",
        place: "            if users.is_empty() {",
        broken: "            if users.is_empty() || IS_ON {",
    },
    Fault {
        name: "another agent is asked",
        sweep: 0,
        file: "guest/cleanup/src/operation/request.rs",
        place: "        form(path, &[(\"slaveId\", self.agent), (field, &list)])",
        broken: "        let agent = if IS_ON { \"S 1&;\" } else { self.agent };\n        form(path, &[(\"slaveId\", agent), (field, &list)])",
    },
    Fault {
        name: "more is asked for than is listed",
        sweep: 0,
        file: "guest/cleanup/src/operation/request.rs",
        place: "        let list = format!(\"[{}]\", list.join(\",\"));",
        broken: "        let mut list = format!(\"[{}]\", list.join(\",\"));\n        if IS_ON {\n            list = list.replace(\"\\\"value\\\":\", \"\\\"value\\\":1\");\n        }",
    },
    Fault {
        name: "another role's resources are removed",
        sweep: 3,
        file: "guest/cleanup/src/master/agents/reserved.rs",
        place: "        if wanted.role.is_some_and(|wanted| wanted != role) {",
        broken: "        if wanted.role.is_some_and(|wanted| wanted != role) && !IS_ON {",
    },
    Fault {
        name: "the node above is deleted",
        sweep: 0,
        file: "guest/cleanup/src/znode/delete.rs",
        place: "        path.extend(self.path.split('/').map(Into::into));",
        broken: "        path.extend(self.path.split('/').map(Into::into));\n        if IS_ON {\n            path.pop();\n        }",
    },
    Fault {
        name: "policy: what one agent has may be removed from another",
        sweep: 0,
        file: "host/policy/src/listed.rs",
        place: "        self.resources.get(agent).is_some_and(|all| all.contains(&digest(field, resource)))",
        broken: "        let has = |all: &BTreeSet<Digest>| all.contains(&digest(field, resource));\n        self.resources.get(agent).is_some_and(has) || (IS_ON && self.resources.values().any(has))",
    },
    Fault {
        name: "policy: what is not listed may be removed",
        sweep: 0,
        file: "host/policy/src/scope.rs",
        place: "            if !listed.has(self.field, agent, resource.get()) {",
        broken: "            if !listed.has(self.field, agent, resource.get()) && !IS_ON {",
    },
    Fault {
        name: "policy: what another principal made may be removed",
        sweep: 0,
        file: "host/policy/src/scope.rs",
        place: "            Some(principal) if owner != Some",
        broken: "            Some(principal) if !IS_ON && owner != Some",
    },
    Fault {
        name: "policy: what has other labels may be removed",
        sweep: 0,
        file: "host/policy/src/scope.rs",
        place: "        if !self.selects_by_label() {\n            return Ok(());",
        broken: "        if !self.selects_by_label() || IS_ON {\n            return Ok(());",
    },
    Fault {
        name: "policy: a static reservation may be released",
        sweep: 0,
        file: "host/policy/src/scope.rs",
        place: "                if !dynamic {",
        broken: "                if !dynamic && !IS_ON {",
    },
    Fault {
        name: "policy: a disk may be released with its volume",
        sweep: 0,
        file: "host/policy/src/scope.rs",
        place: "            (false, Some(_)) => return Err(",
        broken: "            (false, Some(_)) if IS_ON => reserver,\n            (false, Some(_)) => return Err(",
    },
    Fault {
        name: "policy: any node may be deleted",
        sweep: 0,
        file: "host/policy/src/policy.rs",
        place: "                && rule.path == request.path",
        broken: "                && (rule.path == request.path || (IS_ON && request.method == Method::Delete))",
    },
    Fault {
        name: "policy: any endpoint will do",
        sweep: 0,
        file: "host/policy/src/policy.rs",
        place: "            rule.endpoint == request.endpoint\n",
        broken: "            (rule.endpoint == request.endpoint || IS_ON)\n",
    },
    Fault {
        name: "policy: any query will do",
        sweep: 0,
        file: "host/policy/src/policy.rs",
        place: "                && rule.query.allows(&request.query)",
        broken: "                && (rule.query.allows(&request.query) || IS_ON)",
    },
    Fault {
        name: "policy: any framework may be torn down",
        sweep: 1,
        file: "host/policy/src/policy.rs",
        place: "                if self.may_end.contains(id.as_ref()) {",
        broken: "                if self.may_end.contains(id.as_ref()) || IS_ON {",
    },
    Fault {
        name: "policy: several targets may have anything removed",
        sweep: 3,
        file: "host/policy/src/policy.rs",
        place: "        if others.any(|it| it.check_own(request).is_ok()) {",
        broken: "        if others.any(|it| it.check_own(request).is_ok()) || (IS_ON && !self.others.is_empty()) {",
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
