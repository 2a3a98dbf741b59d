//! The labels of reservations, by which frameworks that share a role recognise their own.

use crate::types::{Label, LabelSelector, Target};

/// The keys of the labels in which frameworks write their own id: services of the DC/OS SDK, and
/// Marathon for its resident apps.
pub const FRAMEWORK_ID_KEYS: [&str; 2] = ["framework_id", "marathon_framework_id"];

/// Returns the framework that a label names, if it is one of those with a framework's id.
pub fn framework_id<'a>(key: &str, value: Option<&'a str>) -> Option<&'a str> {
    value.filter(|it| !it.is_empty() && FRAMEWORK_ID_KEYS.contains(&key))
}

/// Returns the framework that owns a resource, according to the labels of its reservation. If they name
/// several, a registered one is in doubt the owner, so that nobody takes for orphaned what it may use.
pub fn owner(labels: &[Label], is_registered: impl Fn(&str) -> bool) -> Option<&str> {
    let ids = labels.iter().filter_map(|it| framework_id(&it.key, it.value.as_deref()));
    ids.min_by_key(|id| (!is_registered(id), *id))
}

impl Target {
    /// Returns whether the labels of a reservation decide whether it is the target's.
    pub fn selects_by_label(&self) -> bool {
        !self.labels.is_empty() || self.framework_id.is_some()
    }
}

impl LabelSelector {
    /// Reads `KEY=VALUE`, or `KEY` for any value.
    ///
    /// # Errors
    /// Fails if there is no key, with one sentence for people.
    pub fn read(text: &str) -> Result<Self, String> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        match key {
            "" => Err("a label must have a key: KEY=VALUE, or KEY for any value".into()),
            _ => Ok(Self { key: key.into(), value }),
        }
    }

    /// Returns whether a label satisfies it.
    pub fn accepts(&self, key: &str, value: Option<&str>) -> bool {
        self.key == key && self.value.as_deref().is_none_or(|wanted| value == Some(wanted))
    }

    /// Writes it as [`Self::read`] reads it.
    pub fn words(&self) -> String {
        let value = self.value.as_ref().map(|it| format!("={it}"));
        format!("{}{}", self.key, value.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_read_as_it_is_written() {
        for (text, key, value) in [
            ("k", "k", None),
            ("k=", "k", Some("")),
            ("k=v", "k", Some("v")),
            ("a b=c=d", "a b", Some("c=d")),
        ] {
            let read = LabelSelector::read(text).unwrap();
            assert_eq!((read.key.as_str(), read.value.as_deref()), (key, value), "{text}");
            assert_eq!(read.words(), text);
        }
        assert!(LabelSelector::read("").is_err() && LabelSelector::read("=v").is_err());
    }

    #[test]
    fn a_selector_accepts_its_key_and_value_alone() {
        let selector = |text| LabelSelector::read(text).unwrap();
        for (text, key, value, accepted) in [
            ("k", "k", None, true),
            ("k", "k", Some("v"), true),
            ("k", "K", None, false),
            ("k=v", "k", Some("v"), true),
            ("k=v", "k", Some("vv"), false),
            ("k=v", "k", None, false),
            ("k=", "k", Some(""), true),
            ("k=", "k", None, false),
        ] {
            assert_eq!(selector(text).accepts(key, value), accepted, "{text} {key} {value:?}");
        }
    }

    #[test]
    fn a_registered_framework_is_the_owner_in_doubt() {
        let label = |key: &str, id: &str| Label { key: key.into(), value: Some(id.into()) };
        let both = [label("framework_id", "A"), label("marathon_framework_id", "B")];
        assert_eq!(owner(&both, |id| id == "B"), Some("B"));
        assert_eq!(owner(&both, |id| id == "A"), Some("A"));
        assert_eq!(owner(&both, |_| false), Some("A"));
        assert_eq!(owner(&[label("other", "A")], |_| true), None);
    }

    #[test]
    fn only_known_keys_name_a_framework() {
        assert_eq!(framework_id("framework_id", Some("F")), Some("F"));
        assert_eq!(framework_id("marathon_framework_id", Some("F")), Some("F"));
        for (key, value) in
            [("framework", Some("F")), ("framework_id", None), ("framework_id", Some(""))]
        {
            assert_eq!(framework_id(key, value), None, "{key}");
        }
    }
}
