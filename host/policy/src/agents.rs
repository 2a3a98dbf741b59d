//! Extracts the targets' resources from the master's list of agents as the response passes to the
//! component.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::listed::Listed;
use crate::objects::Objects;
use crate::scope::Scope;

/// Reads a list of agents piece by piece, for all targets at once.
#[derive(Debug)]
pub struct Agents {
    objects: Objects,
    escape: Finder<'static>,
    targets: Vec<OfTarget>,
    /// The id of the only agent that was asked for, if the list is not that of all: whatever else it
    /// shows does not count.
    pub(crate) only: Option<String>,
}

/// The resources of one target.
#[derive(Debug)]
struct OfTarget {
    role: String,
    /// A text that occurs in every agent that has resources of the role, if there is one.
    hint: Option<Finder<'static>>,
    scopes: Vec<Scope>,
    listed: Listed,
}

/// The relevant fields of an agent.
#[derive(Deserialize)]
struct Agent<'a> {
    id: String,
    #[serde(default)]
    hostname: Option<String>,
    /// The agent's reserved resources, by role.
    #[serde(borrow)]
    reserved_resources_full: BTreeMap<String, &'a RawValue>,
}

impl Agents {
    /// Starts to read a list for a role and these scopes.
    pub fn of(role: &str, scopes: Vec<Scope>) -> Self {
        Self::of_all([(role, scopes)].into_iter(), None)
    }

    /// Starts to read a list for several targets: their roles and scopes. The list may be that of one
    /// agent only.
    pub fn of_all<'a>(
        targets: impl Iterator<Item = (&'a str, Vec<Scope>)>,
        only: Option<&str>,
    ) -> Self {
        Self {
            only: only.map(Into::into),
            objects: Objects::default(),
            escape: Finder::new(r"\u"),
            targets: targets.map(|(role, scopes)| OfTarget::new(role, scopes)).collect(),
        }
    }

    /// Reads the next piece. A response that is not a list of agents yields nothing.
    pub fn read(&mut self, bytes: &[u8]) {
        let Self { objects, escape, targets, only } = self;
        objects.read(bytes, |text| {
            let is_escaped = escape.find(text).is_some();
            let mut having = targets.iter_mut().filter(|it| is_escaped || it.may_have(text));
            let Some(first) = having.next() else { return };
            // Names and labels of other roles need not be UTF-8: a master lists them as it received
            // them.
            let text = String::from_utf8_lossy(text);
            let is_changed = matches!(text, Cow::Owned(_));
            let Ok(agent) = serde_json::from_str::<Agent>(&text) else { return };
            if only.as_ref().is_some_and(|only| *only != agent.id) {
                return;
            }
            for target in std::iter::once(first).chain(having) {
                target.keep(&agent, is_changed);
            }
        });
    }

    /// Returns the resources of the first target that have been read.
    pub fn listed(self) -> Listed {
        self.all_listed().next().unwrap_or_default()
    }

    /// Returns the resources of each target that have been read.
    pub fn all_listed(self) -> impl Iterator<Item = Listed> {
        self.targets.into_iter().map(|target| target.listed)
    }
}

impl OfTarget {
    fn new(role: &str, scopes: Vec<Scope>) -> Self {
        // The last segment is the same in every JSON notation without `\u`; a slash may be written
        // `\/`.
        let part = role.rsplit('/').next().unwrap_or_default();
        let is_literal = part.bytes().all(|it| it.is_ascii_graphic() && !b"\"\\".contains(&it));
        let hint = is_literal.then(|| Finder::new(part).into_owned());
        Self { role: role.into(), hint, scopes, listed: Listed::default() }
    }

    /// Returns whether the text of an agent without `\u` may have resources of the role.
    fn may_have(&self, text: &[u8]) -> bool {
        self.hint.as_ref().is_none_or(|hint| hint.find(text).is_some())
    }

    /// Keeps an agent's resources of the role. `is_changed` is set if some of its bytes were replaced
    /// because they are not UTF-8.
    fn keep(&mut self, agent: &Agent, is_changed: bool) {
        let Agent { id, hostname, reserved_resources_full } = agent;
        let Some(resources) = reserved_resources_full.get(&self.role) else { return };
        let Ok(resources) = serde_json::from_str::<Vec<&RawValue>>(resources.get()) else { return };
        for resource in resources {
            if is_changed && resource.get().contains(char::REPLACEMENT_CHARACTER) {
                continue;
            }
            for scope in self.scopes.iter().filter(|scope| scope.allows(resource).is_ok()) {
                if !scope.is_on(id, hostname.as_deref().unwrap_or_default()) {
                    self.listed.keep_other(id);
                    continue;
                }
                self.listed.keep(scope.field(), id, resource.get());
                self.listed.keep_frameworks(scope.named_frameworks(resource));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use janitor_contract::types::Target;

    const VOLUME: &str = r#"{"name":"disk","role":"eng/r","reservation":{},"disk":{"persistence":{"id":"v","principal":"p"}}}"#;
    const CPUS: &str = r#"{"name":"cpus" ,"role":"eng\/r","reservation":{"principal":"p"}}"#;
    const OTHERS: &str = r#"{"name":"cpus","role":"eng/r","reservation":{"principal":"q"}}"#;

    fn read(role: &str, list: &[u8], size: usize) -> Listed {
        let target =
            Target { role: Some(role.into()), principal: Some("p".into()), ..Target::NOTHING };
        let scopes = [Scope::volumes(&target), Scope::reservations(&target)];
        let mut agents = Agents::of(role, scopes.into_iter().flatten().collect());
        list.chunks(size).for_each(|piece| agents.read(piece));
        agents.listed()
    }

    #[test]
    fn what_is_listed_for_an_agent_is_its_own_and_of_one_kind() {
        let list = format!(
            r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{"eng\/r":[{VOLUME},{CPUS},{OTHERS}]}}}},
            {{"reserved_resources_full":{{"\u0065ng/r":[{VOLUME}],"q":[{CPUS}]}},"id":"S\u0032"}}]}}"#
        );
        for size in [1, 7, 4096] {
            let listed = read("eng/r", list.as_bytes(), size);
            assert_eq!(listed.len(), 3);
            assert!(listed.has("volumes", "S1", VOLUME) && listed.has("volumes", "S2", VOLUME));
            assert!(listed.has("resources", "S1", CPUS));
            for (field, agent, resource) in [
                ("volumes", "S1", CPUS),
                ("resources", "S1", VOLUME),
                ("resources", "S2", CPUS),
                ("resources", "S1", OTHERS),
                ("resources", "S1", &CPUS.replace(" ,", ",")),
                ("resources", "", CPUS),
            ] {
                assert!(!listed.has(field, agent, resource), "{field} {agent} {resource}");
            }
        }
    }

    #[test]
    fn a_list_of_one_agent_replaces_what_was_known_of_this_one() {
        let list = |agents: &[(&str, &str)]| {
            let agents = agents.iter().map(|(id, resource)| {
                format!(r#"{{"id":"{id}","reserved_resources_full":{{"r":[{resource}]}}}}"#)
            });
            format!(r#"{{"slaves":[{}]}}"#, agents.collect::<Vec<_>>().join(","))
        };
        let [volume, cpus] =
            [VOLUME, CPUS].map(|it| it.replace("eng/r", "r").replace("eng\\/r", "r"));
        let target = Target { role: Some("r".into()), ..Target::NOTHING };
        let scopes =
            || [Scope::volumes(&target), Scope::reservations(&target)].into_iter().flatten();
        let read = |only, agents: &[(&str, &str)]| {
            let mut reader = Agents::of_all([("r", scopes().collect())].into_iter(), only);
            reader.read(list(agents).as_bytes());
            reader.listed()
        };
        let mut listed = read(None, &[("S1", &volume), ("S2", &volume)]);
        assert_eq!(listed.len(), 2);
        listed.replace("S1", read(Some("S1"), &[("S1", &cpus), ("S2", &cpus), ("S3", &cpus)]));
        assert_eq!(listed.len(), 2);
        assert!(listed.has("resources", "S1", &cpus) && !listed.has("volumes", "S1", &volume));
        assert!(listed.has("volumes", "S2", &volume) && !listed.has("resources", "S2", &cpus));
        assert!(!listed.has("resources", "S3", &cpus));
        listed.replace("S2", read(Some("S2"), &[]));
        assert_eq!(listed.len(), 1);
    }

    #[test]
    fn several_targets_read_a_list_as_each_of_them_does() {
        let list = format!(
            r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{"eng/r":[{VOLUME},{OTHERS}]}}}},
            {{"id":"S2","reserved_resources_full":{{"q":[{}],"\u0065ng/r":[{CPUS}]}}}}]}}"#,
            CPUS.replace(r"eng\/r", "q")
        );
        let scopes = |role: &str| {
            let target = Target { role: Some(role.into()), ..Target::NOTHING };
            [Scope::volumes(&target), Scope::reservations(&target)].into_iter().flatten().collect()
        };
        let roles = ["eng/r", "x", "q"];
        let mut together = Agents::of_all(roles.into_iter().map(|role| (role, scopes(role))), None);
        list.as_bytes().chunks(7).for_each(|piece| together.read(piece));
        let counts: Vec<_> = together.all_listed().map(|listed| listed.len()).collect();
        let alone = roles.map(|role| {
            let mut agents = Agents::of(role, scopes(role));
            agents.read(list.as_bytes());
            agents.listed().len()
        });
        assert_eq!(counts, alone);
        assert_eq!(counts, [3, 0, 1]);
    }

    #[test]
    fn what_is_no_list_of_agents_has_nothing() {
        let agent = format!(r#"{{"id":"S1","reserved_resources_full":{{"eng/r":[{CPUS}]}}}}"#);
        let twice = agent.replace(r#""id":"S1""#, r#""id":"S0","id":"S1""#);
        for list in [
            String::new(),
            agent.clone(),
            format!("[{agent}]"),
            format!(r#"{{"slaves":[{{"x":{agent}}}]}}"#),
            format!(r#"{{"slaves":[{twice}]}}"#),
            format!(r#"{{"slaves":[{}]}}"#, agent.replace("_full", "")),
        ] {
            assert_eq!(read("eng/r", list.as_bytes(), 64).len(), 0, "{list}");
        }
        let list = format!(r#"{{"slaves":[{agent}]}}"#);
        assert_eq!(read("eng/r", list.as_bytes(), 64).len(), 1);
        assert_eq!(read("eng", list.as_bytes(), 64).len(), 0);
    }

    #[test]
    fn bytes_that_are_no_text_are_no_matter_of_others() {
        let list = |others: &[u8], own: &[u8]| {
            [
                br#"{"slaves":[{"id":"S1","hostname":""#,
                others,
                br#"","reserved_resources_full":{"q"#,
                others,
                br#"":[],"eng/r":[{"role":"eng/r","reservation":{"principal":"p","x":""#,
                own,
                br#""}}]}}]}"#,
            ]
            .concat()
        };
        for (others, own, kept) in [
            (&b"caf\xe9"[..], &b"x"[..], 1),
            (b"x", "\u{fffd}".as_bytes(), 1),
            (b"x", b"caf\xe9", 0),
        ] {
            assert_eq!(read("eng/r", &list(others, own), 64).len(), kept, "{others:?} {own:?}");
        }
    }
}
