//! The rule that determines whose resources a run may remove. The host applies it to the resources
//! that the master lists, and checks every request that removes some against the result, so that a
//! component that is faulty or hostile removes nothing else.
//!
//! The Mesos documentation ("Reservation", "Persistent Volumes") defines a resource's role and
//! reserver: since 1.4 the last of `reservations`, before that `role` and `reservation`.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::listed::Listed;
use janitor_contract::labels::framework_id;
use janitor_contract::planned::is_named;
use janitor_contract::types::{LabelSelector, Target};

/// The resources that one kind of request may remove.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The name of the form field that contains the list of resources.
    field: &'static str,
    /// True if the resources are volumes to destroy rather than reservations to release.
    volumes: bool,
    role: String,
    principal: Option<String>,
    labels: Vec<LabelSelector>,
    framework_id: Option<String>,
    agents: Vec<String>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    role: Option<String>,
    #[serde(borrow)]
    reservation: Option<Reservation<'a>>,
    #[serde(borrow)]
    reservations: Option<Vec<Reservation<'a>>>,
    disk: Option<Disk>,
    scalar: Option<Scalar>,
    ranges: Option<Ranges>,
    set: Option<Set>,
}

#[derive(Deserialize)]
struct Reservation<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    principal: Option<String>,
    /// Only a target with labels needs them, so only then is their format checked.
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    key: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Disk {
    persistence: Option<Persistence>,
}

#[derive(Deserialize)]
struct Persistence {
    principal: Option<String>,
}

#[derive(Deserialize)]
struct Scalar {
    value: f64,
}

#[derive(Deserialize)]
struct Ranges {
    #[serde(default)]
    range: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Set {
    #[serde(default)]
    item: Vec<IgnoredAny>,
}

impl Scope {
    /// Creates the scope of a target's volumes.
    pub fn volumes(target: &Target) -> Option<Self> {
        Self::new("volumes", true, target)
    }

    /// Creates the scope of a target's reservations.
    pub fn reservations(target: &Target) -> Option<Self> {
        Self::new("resources", false, target)
    }

    fn new(field: &'static str, volumes: bool, target: &Target) -> Option<Self> {
        let Target { role, principal, labels, framework_id, agents, .. } = target.clone();
        Some(Self { field, volumes, role: role?, principal, labels, framework_id, agents })
    }

    /// Returns the name of the form field that contains the list of resources.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Checks the form of a request: the master must have listed every resource in it for its
    /// agent, byte for byte.
    ///
    /// # Errors
    /// Fails with one clause that names what may not be removed.
    pub fn check(&self, form: &[u8], listed: &Listed) -> Result<(), String> {
        let fields: Vec<_> = form_urlencoded::parse(form).collect();
        let [(first, agent), (second, list)] = &fields[..] else {
            return Err(format!("a form must have the fields slaveId and {}", self.field));
        };
        if first != "slaveId" || second != self.field {
            return Err(format!("a form must have the fields slaveId and {}", self.field));
        }
        let resources: Vec<&RawValue> = serde_json::from_str(list)
            .map_err(|why| format!("{} must be a list of resources: {why}", self.field))?;
        if resources.is_empty() {
            return Err(format!("{} must not be empty", self.field));
        }
        for resource in &resources {
            if !listed.has(self.field, agent, resource.get()) {
                self.allows(resource)?;
                if listed.is_other_agent(agent) {
                    return Err(format!(
                        "agent '{agent}', which is not one of the target's agents"
                    ));
                }
                return Err(format!(
                    "a resource that the master has not listed in exactly this form for agent \
                     '{agent}'"
                ));
            }
        }
        // The same form could be encoded in other ways, some of which a master interprets
        // differently: it ends a field at a `;`, and uses the last of several fields of one name.
        let list: Vec<_> = resources.iter().map(|resource| resource.get()).collect();
        let mut written = form_urlencoded::Serializer::new(String::new());
        written.append_pair("slaveId", agent);
        written.append_pair(self.field, &format!("[{}]", list.join(",")));
        match written.finish().as_bytes() == form {
            true => Ok(()),
            false => {
                Err("a form must be encoded as browsers encode it, without spaces in its list"
                    .into())
            }
        }
    }

    /// Checks whether a resource, as it is written, may be removed.
    ///
    /// # Errors
    /// Fails with one clause that says why not.
    pub fn allows(&self, resource: &RawValue) -> Result<(), String> {
        let resource: Resource = serde_json::from_str(resource.get())
            .map_err(|why| format!("{} must be a list of resources: {why}", self.field))?;
        let innermost = resource.innermost();
        let stacked = resource.reservations.is_some();
        // Where both fields are present, both must match.
        let inner_role = innermost.filter(|_| stacked).map(|it| it.role.as_deref());
        let roles = [inner_role.flatten(), resource.role.as_deref()];
        if let Some(role) = roles.into_iter().flatten().find(|role| *role != self.role) {
            return Err(format!("a resource of role '{role}', not '{}'", self.role));
        }
        if roles == [None, None] || (stacked && roles[0].is_none()) {
            return Err(format!("a resource of no role, not '{}'", self.role));
        }
        if resource.is_empty() {
            return Err("an empty amount, which would crash the master".into());
        }
        let reserver = innermost.and_then(|it| it.principal.as_deref());
        let volume = resource.disk.as_ref().and_then(|disk| disk.persistence.as_ref());
        let owner = match (self.volumes, volume) {
            (true, None) => return Err("a resource that is not a volume".into()),
            (false, Some(_)) => return Err("a disk that still holds a volume".into()),
            (true, Some(volume)) => volume.principal.as_deref().or(reserver),
            (false, None) => {
                let dynamic =
                    innermost.is_some_and(|it| !stacked || it.kind.as_deref() == Some("DYNAMIC"));
                if !dynamic {
                    return Err("a resource that is not reserved dynamically".into());
                }
                reserver
            }
        };
        match &self.principal {
            Some(principal) if owner != Some(principal.as_str()) => Err(format!(
                "a resource that principal '{}' created, not '{principal}'",
                owner.unwrap_or_default()
            )),
            _ => self.allows_labels(innermost.and_then(|it| it.labels)),
        }
    }

    /// Returns whether the target has labels, or a framework that they name.
    fn selects_by_label(&self) -> bool {
        !self.labels.is_empty() || self.framework_id.is_some()
    }

    /// Returns the frameworks that the labels of an allowed resource name, if the target selects
    /// by labels.
    pub(crate) fn named_frameworks(&self, resource: &RawValue) -> Vec<String> {
        if !self.selects_by_label() {
            return Vec::new();
        }
        let resource = serde_json::from_str::<Resource>(resource.get()).ok();
        let labels = resource.and_then(|it| read_labels(it.innermost()?.labels?).ok());
        let labels = labels.unwrap_or_default();
        let ids = labels.iter().filter_map(|it| framework_id(&it.key, it.value.as_deref()));
        ids.map(str::to_owned).collect()
    }

    /// Checks the labels of a reservation.
    fn allows_labels(&self, labels: Option<&RawValue>) -> Result<(), String> {
        if !self.selects_by_label() {
            return Ok(());
        }
        let labels = labels.map(read_labels).transpose();
        let labels = labels.map_err(|why| format!("a resource with invalid labels: {why}"))?;
        let labels = labels.unwrap_or_default();
        let has = |wanted: &LabelSelector| {
            labels.iter().any(|it| wanted.accepts(&it.key, it.value.as_deref()))
        };
        if let Some(wanted) = self.labels.iter().find(|wanted| !has(wanted)) {
            return Err(format!("a resource without the label '{}'", wanted.words()));
        }
        let mut named = labels.iter().filter_map(|it| framework_id(&it.key, it.value.as_deref()));
        match &self.framework_id {
            Some(wanted) if !named.any(|id| id == wanted) => {
                Err(format!("a resource whose labels do not name framework '{wanted}'"))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the target has resources on this agent.
    pub(crate) fn is_on(&self, agent: &str, hostname: &str) -> bool {
        self.agents.is_empty() || is_named(&self.agents, agent, hostname)
    }
}

/// Reads the labels of a reservation.
fn read_labels(labels: &RawValue) -> serde_json::Result<Vec<Label>> {
    serde_json::from_str::<Labels>(labels.get()).map(|it| it.labels)
}

impl<'a> Resource<'a> {
    /// Returns the innermost reservation.
    fn innermost(&self) -> Option<&Reservation<'a>> {
        match &self.reservations {
            Some(stack) => stack.last(),
            None => self.reservation.as_ref(),
        }
    }

    /// Returns whether the resource has an empty amount. A master of Mesos 1.6 to 1.11 aborts when
    /// asked to release one. It rounds amounts to three decimal places, and refuses a resource
    /// without any amount.
    fn is_empty(&self) -> bool {
        /// A smaller amount is zero when rounded to three decimal places.
        const SMALLEST: f64 = 0.0005;
        self.scalar.as_ref().is_some_and(|it| it.value.is_nan() || it.value < SMALLEST)
            || self.ranges.as_ref().is_some_and(|it| it.range.is_empty())
            || self.set.as_ref().is_some_and(|it| it.item.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::Agents;

    fn scope(volumes: bool, principal: Option<&str>) -> Scope {
        let principal = principal.map(Into::into);
        scope_of(volumes, &Target { role: Some("r".into()), principal, ..Target::NOTHING })
    }

    fn scope_of(volumes: bool, target: &Target) -> Scope {
        if volumes { Scope::volumes(target) } else { Scope::reservations(target) }.unwrap()
    }

    /// Lists these resources for agent S1, as a master does.
    fn listed(scope: &Scope, resources: &str) -> Listed {
        let list = format!(
            r#"{{"slaves":[{{"id":"S1","hostname":"h1","reserved_resources_full":{{"r":[{resources}]}}}}]}}"#
        );
        let mut agents = Agents::of("r", vec![scope.clone()]);
        agents.read(list.as_bytes());
        agents.listed()
    }

    fn form(field: &str, list: &str) -> Vec<u8> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("slaveId", "S1").append_pair(field, list).finish().into_bytes()
    }

    const OLD: &str = r#"{"name":"cpus","role":"r","reservation":{"principal":"p"}}"#;
    const SMALLEST: &str =
        r#"{"name":"cpus","role":"r","reservation":{"principal":"p"},"scalar":{"value":0.0005}}"#;
    const NEW: &str = r#"{"name":"cpus","role":"r","reservation":{"principal":"p"},"reservations":[{"type":"DYNAMIC","role":"r","principal":"p"}]}"#;
    const REFINED: &str = r#"{"name":"cpus","reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"r","principal":"p"}]}"#;
    const VOLUME: &str = r#"{"name":"disk","role":"r","reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"c"}}}"#;
    const UNSIGNED: &str = r#"{"name":"disk","role":"r","reservation":{"principal":"p"},"disk":{"persistence":{"id":"v"}}}"#;

    #[test]
    fn the_targets_resources_may_go_as_they_are_listed() {
        let cases = [
            (false, OLD, [None, Some("p")]),
            (false, SMALLEST, [None, Some("p")]),
            (false, NEW, [None, Some("p")]),
            (false, REFINED, [None, Some("p")]),
            (true, VOLUME, [None, Some("c")]),
            (true, UNSIGNED, [None, Some("p")]),
        ];
        for (volumes, resource, principals) in cases {
            for principal in principals {
                let scope = scope(volumes, principal);
                let check =
                    |list: &str| scope.check(&form(scope.field(), list), &listed(&scope, resource));
                assert_eq!(check(&format!("[{resource}]")), Ok(()));
                assert_eq!(check(&format!("[{resource},{resource}]")), Ok(()));
                let changed = resource.replacen(':', ": ", 1);
                let why = check(&format!("[{resource},{changed}]")).unwrap_err();
                assert!(why.contains("not listed in exactly this form for agent 'S1'"), "{why}");
            }
        }
    }

    #[test]
    fn nobody_else_can_be_claimed_to_have_made_a_volume() {
        let scope = scope(true, Some("p"));
        let claimed = VOLUME.replace(r#""principal":"c""#, r#""principal":"p""#);
        for others in [VOLUME.to_owned(), format!("{VOLUME},{UNSIGNED}")] {
            let form = form("volumes", &format!("[{claimed}]"));
            let why = scope.check(&form, &listed(&scope, &others)).unwrap_err();
            assert!(why.contains("has not listed"), "{why}");
        }
    }

    const LABELLED: &str = r#"{"name":"cpus","role":"r","reservation":{"labels":{"labels":[{"key":"framework_id","value":"F"},{"key":"k","value":"v"}]}},"reservations":[{"type":"DYNAMIC","role":"r","labels":{"labels":[{"key":"framework_id","value":"F"},{"key":"k","value":"v"}]}}]}"#;

    /// Makes targets that limit the role by labels, by a framework, and by agents.
    fn part(labels: &[&str], framework_id: Option<&str>, agents: &[&str]) -> Target {
        Target {
            role: Some("r".into()),
            labels: labels.iter().map(|it| LabelSelector::read(it).unwrap()).collect(),
            framework_id: framework_id.map(Into::into),
            agents: agents.iter().map(ToString::to_string).collect(),
            ..Target::NOTHING
        }
    }

    #[test]
    fn only_a_part_of_the_role_may_go() {
        let check = |target: &Target, resource: &str| {
            let scope = scope_of(false, target);
            let form = form("resources", &format!("[{resource}]"));
            scope.check(&form, &listed(&scope, resource))
        };
        for target in [
            part(&["k"], None, &[]),
            part(&["k=v", "framework_id"], Some("F"), &["H1"]),
            part(&[], Some("F"), &[]),
            part(&[], None, &["S2", "S1"]),
        ] {
            assert_eq!(check(&target, LABELLED), Ok(()), "{target:?}");
        }
        // The master takes the innermost reservation's labels.
        let claimed = LABELLED.replacen(r#""value":"F""#, r#""value":"G""#, 1);
        assert_eq!(check(&part(&[], Some("F"), &[]), &claimed), Ok(()));
        let invalid = r#"{"name":"cpus","role":"r","reservation":{"labels":[{"key":"k"}]}}"#;
        assert_eq!(check(&part(&[], None, &[]), invalid), Ok(()), "its labels do not matter");
        let marathons = LABELLED.replace("framework_id", "marathon_framework_id");
        assert_eq!(check(&part(&[], Some("F"), &[]), &marathons), Ok(()));
        for (target, resource, word) in [
            (part(&["k=w"], None, &[]), LABELLED, "without the label 'k=w'"),
            (part(&["k=v", "l"], None, &[]), LABELLED, "without the label 'l'"),
            (part(&[], Some("G"), &[]), LABELLED, "do not name framework 'G'"),
            (part(&[], Some("G"), &[]), &claimed, "do not name framework 'G'"),
            (part(&[], Some("v"), &[]), LABELLED, "do not name framework 'v'"),
            (part(&["k"], None, &[]), NEW, "without the label 'k'"),
            (part(&["k"], None, &[]), OLD, "without the label 'k'"),
            (part(&["k"], None, &[]), invalid, "invalid labels"),
            (part(&[], None, &["S2"]), LABELLED, "agent 'S1', which is not one of the target's"),
            (part(&[], None, &["h"]), LABELLED, "agent 'S1', which is not one of the target's"),
        ] {
            let why = check(&target, resource).unwrap_err();
            assert!(why.contains(word), "{word}: {why}");
        }
    }

    #[test]
    fn nothing_else_may_go() {
        let denied = |volumes: bool, resource: &str, word: &str| {
            let scope = scope(volumes, Some("p"));
            // This holds even if a master lists the resource under the target's role.
            let form = form(scope.field(), &format!("[{resource}]"));
            let why = scope.check(&form, &listed(&scope, resource)).unwrap_err();
            assert!(why.contains(word), "{resource}: {why}");
        };
        for (resource, word) in [
            (OLD.replace(r#""r""#, r#""s""#), "role 's'"),
            (
                NEW.replace(r#""role":"r","reservation":"#, r#""role":"s","reservation":"#),
                "role 's'",
            ),
            (NEW.replace(r#""DYNAMIC","role":"r""#, r#""DYNAMIC","role":"s""#), "role 's'"),
            (REFINED.replace(r#""role":"r""#, r#""role":"r/s""#), "role 'r/s'"),
            (REFINED.replace("DYNAMIC", "STATIC"), "not reserved dynamically"),
            (OLD.replace(r#","reservation":{"principal":"p"}"#, ""), "dynamically"),
            (OLD.replace(r#""p""#, r#""q""#), "'q' created"),
            (r#"{"name":"cpus","role":"r","reservation":{}}"#.into(), "'' created"),
            (r#"{"name":"cpus"}"#.into(), "no role"),
            (r#"{"name":"cpus","role":"r","reservations":[]}"#.into(), "no role"),
            (UNSIGNED.into(), "still holds a volume"),
            (r#"{"role":"r","role":"s","reservation":{"principal":"p"}}"#.into(), "duplicate"),
            (OLD.replace("}}", r#"},"scalar":{"value":0}}"#), "empty amount"),
            (OLD.replace("}}", r#"},"scalar":{"value":0.0004}}"#), "empty amount"),
            (OLD.replace("}}", r#"},"scalar":{"value":-1.0}}"#), "empty amount"),
            (OLD.replace("}}", r#"},"ranges":{"range":[]}}"#), "empty amount"),
            (OLD.replace("}}", r#"},"ranges":{}}"#), "empty amount"),
            (OLD.replace("}}", r#"},"set":{"item":[]}}"#), "empty amount"),
        ] {
            denied(false, &resource, word);
        }
        denied(true, VOLUME, "'c' created");
        denied(true, OLD, "not a volume");
    }

    #[test]
    fn a_form_is_written_in_one_way() {
        let scope = scope(false, None);
        let listed = listed(&scope, &format!("{OLD},{NEW}"));
        let check = |form: &str| scope.check(form.as_bytes(), &listed);
        let right = String::from_utf8(form("resources", &format!("[{OLD},{NEW}]"))).unwrap();
        assert_eq!(check(&right), Ok(()));
        let (agent, resources) = right.split_once('&').unwrap();
        for (form, word) in [
            ("", "fields"),
            ("slaveId=S1", "fields"),
            (&format!("{resources}&{agent}"), "fields"),
            (&format!("{right}&{resources}"), "fields"),
            (&format!("{agent}&volumes=[]"), "fields"),
            (&format!("{agent}&resources=[]"), "empty"),
            (&format!("{agent}&resources={{}}"), "list"),
            (&format!("{agent}&resources="), "list"),
            (&right.replace("S1", "S2"), "not listed"),
            (&right.replace("S1", "S1;slaveId=S2"), "not listed"),
            (&format!("{right};slaveId=S2"), "list"),
            (&right.replace("S1", "%531"), "encoded"),
            (&right.replace("%2C%7B", "%2C+%7B"), "encoded"),
            (&right.replace("%2C%7B", ",%7B"), "encoded"),
            (&format!("&{right}"), "encoded"),
        ] {
            let why = check(form).unwrap_err();
            assert!(why.contains(word), "{form}: {why}");
        }
    }
}
