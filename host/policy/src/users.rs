//! The frameworks that use a target's role, extracted from the master's own list as the response
//! passes to the component. Only these may be torn down, so a component that is faulty or hostile
//! cannot end any other.

use std::collections::BTreeSet;
use std::fmt;

use actson::feeder::PushJsonFeeder;
use actson::{JsonEvent, JsonParser};
use janitor_contract::names::is_within;

/// Reads a list of frameworks piece by piece. It keeps the ids of those that use the role, and the
/// id of the current framework.
pub(crate) struct Users {
    role: String,
    parser: JsonParser<PushJsonFeeder>,
    /// The number of open objects and lists.
    depth: usize,
    /// True while the current list is the one of registered frameworks.
    is_list: bool,
    /// The field whose value comes next.
    field: Field,
    /// The id of the current framework.
    id: Option<String>,
    uses: bool,
    /// True once reading has ended.
    is_over: bool,
    ids: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Id,
    Role,
    Other,
}

/// The depth of a framework's own fields: within an object, within a list, within an object.
const FRAMEWORK: usize = 3;

impl Users {
    /// The most ids that are kept. Frameworks beyond them may not be torn down.
    const MOST: usize = 10_000;

    /// Starts to read a list.
    pub(crate) fn of(role: &str) -> Self {
        Self {
            role: role.into(),
            parser: JsonParser::new(PushJsonFeeder::new()),
            depth: 0,
            is_list: false,
            field: Field::Other,
            id: None,
            uses: false,
            is_over: false,
            ids: BTreeSet::new(),
        }
    }

    /// Returns the ids that were read.
    pub(crate) fn ids(self) -> BTreeSet<String> {
        self.ids
    }

    /// Reads the next piece. A response that is not a list of frameworks yields nothing.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_over {
            let taken = self.parser.feeder.push_bytes(bytes);
            bytes = &bytes[taken..];
            loop {
                match self.parser.next_event() {
                    Ok(Some(JsonEvent::NeedMoreInput)) => break,
                    Ok(Some(event)) => self.take(event),
                    Ok(None) | Err(_) => {
                        self.is_over = true;
                        break;
                    }
                }
            }
        }
    }

    fn take(&mut self, event: JsonEvent) {
        match event {
            JsonEvent::StartObject | JsonEvent::StartArray => {
                self.depth += 1;
                if self.depth == FRAMEWORK {
                    (self.id, self.uses) = (None, false);
                }
            }
            JsonEvent::EndObject | JsonEvent::EndArray => {
                if self.depth == FRAMEWORK && self.is_list && self.uses {
                    let id = self.id.take().filter(|_| self.ids.len() < Self::MOST);
                    self.ids.extend(id);
                }
                self.depth = self.depth.saturating_sub(1);
            }
            JsonEvent::FieldName => {
                let name = self.parser.current_str().unwrap_or_default();
                match self.depth {
                    1 => self.is_list = name == "frameworks",
                    FRAMEWORK => {
                        self.field = match name {
                            "id" => Field::Id,
                            "role" | "roles" => Field::Role,
                            _ => Field::Other,
                        }
                    }
                    _ => {}
                }
            }
            JsonEvent::ValueString => {
                let text = self.parser.current_str().unwrap_or_default();
                match (self.field, self.depth) {
                    (Field::Id, FRAMEWORK) => self.id = Some(text.into()),
                    // A framework has one role or a list of them.
                    (Field::Role, FRAMEWORK | 4) => self.uses |= may_use(text, &self.role),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Users").field("role", &self.role).field("ids", &self.ids).finish()
    }
}

/// Returns whether a framework with this role may use resources reserved for another: its own role,
/// and every role above it (Mesos, "Multiple Roles and Hierarchical Roles").
fn may_use(role: &str, reserved_for: &str) -> bool {
    is_within(role, reserved_for)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_that_use_the_role_are_kept() {
        let list = r#"{"unregistered_frameworks":[{"id":"x","role":"r"}],"frameworks":[
            {"id":"1","name":"a","role":"r","tasks":[{"id":"t","role":"r"}]},
            {"roles":["q","r/s"],"id":"2"},
            {"id":"3","role":"*","roles":["rr","q/r"],"labels":[{"role":"r","id":"y"}]},
            {"id":"4","tasks":[{"roles":["r"]}],"name":"r"},{"role":"r"}],
            "completed_frameworks":[{"id":"5","role":"r"}]}"#;
        for size in [1, 7, 4096] {
            let mut users = Users::of("r");
            list.as_bytes().chunks(size).for_each(|chunk| users.read(chunk));
            assert_eq!(users.ids().into_iter().collect::<Vec<_>>(), ["1", "2"], "{size}");
        }
    }

    #[test]
    fn a_name_that_is_no_text_is_no_matter() {
        let list = b"{\"frameworks\":[{\"id\":\"1\",\"name\":\"caf\xe9\",\"role\":\"r\"},{\"name\":\"\xff\",\"roles\":[\"r\"],\"id\":\"2\"}]}";
        for size in [1, 7, 4096] {
            let mut users = Users::of("r");
            list.chunks(size).for_each(|chunk| users.read(chunk));
            assert_eq!(users.ids().into_iter().collect::<Vec<_>>(), ["1", "2"], "{size}");
        }
    }

    #[test]
    fn the_number_of_ids_is_bounded() {
        let framework = |id| format!(r#"{{"id":"{id}","role":"r"}}"#);
        let all: Vec<_> = (0..=Users::MOST).map(framework).collect();
        let mut users = Users::of("r");
        users.read(format!(r#"{{"frameworks":[{}]}}"#, all.join(",")).as_bytes());
        assert_eq!(users.ids().len(), Users::MOST);
    }

    #[test]
    fn other_answers_have_none() {
        for body in
            ["", "<html>", "[]", "[[{\"id\":\"1\",\"role\":\"r\"}]]", "{\"frameworks\":1}", "\"r\""]
        {
            let mut users = Users::of("r");
            users.read(body.as_bytes());
            assert!(users.ids().is_empty(), "{body}");
        }
    }
}
