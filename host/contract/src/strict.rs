//! Reads this project's own documents, which another version of this program or a person may have
//! written: recordings, plan files, and requests to the service.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::types::{Options, Target};

/// Reads JSON in which no object has a duplicate key. Of two values only one would count, and a
/// reader of the document may take it for the other.
///
/// # Errors
/// Fails on a duplicate key, and names its path.
pub fn json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    let mut keys = serde_json::Deserializer::from_slice(json);
    Place::Root.deserialize(&mut keys)?;
    serde_json::from_slice(json)
}

/// A path in a document that is searched for duplicate keys.
enum Place<'a> {
    Root,
    Field(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (within, name): (_, &dyn fmt::Display) = match self {
            Self::Root => return Ok(()),
            Self::Field(within, name) => (within, name),
            Self::Item(within, index) => (within, index),
        };
        match within {
            Self::Root => write!(f, "{name}"),
            within => write!(f, "{within}.{name}"),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<(), D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut known = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let place = Place::Field(self, &name);
            if known.contains(&name) {
                return Err(A::Error::custom(format_args!("duplicate key `{place}`")));
            }
            fields.next_value_seed(&place)?;
            known.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        while items.next_element_seed(&Place::Item(self, index))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Reads a document. Options, and fields of a target, that it lacks get their defaults, because they
/// did not exist yet when it was written; the defaults are the behaviour from before they existed. Unknown fields are
/// refused, because they may have a meaning.
///
/// # Errors
/// Fails with one clause that names the field in question.
pub fn read<T: DeserializeOwned + Serialize>(mut document: Value) -> Result<T, String> {
    let fields = document.as_object().ok_or("it must be an object, `{...}`")?;
    for name in ["target", "options", "plan"] {
        if fields.get(name).is_some_and(|field| !field.is_object()) {
            return Err(format!("`{name}` must be an object, `{{...}}`"));
        }
    }
    add_defaults(&mut document, "/options", &Options::DEFAULT)?;
    for place in TARGETS {
        add_defaults(&mut document, place, &Target::NOTHING)?;
    }
    for (list, place) in LISTS {
        let items = document.pointer_mut(list).and_then(Value::as_array_mut);
        for item in items.into_iter().flatten() {
            add_defaults(item, place, &Target::NOTHING)?;
        }
    }
    let read = T::deserialize(&document).map_err(|why| why.to_string())?;
    let understood = serde_json::to_value(&read).map_err(|why| why.to_string())?;
    match lost(&document, &understood) {
        None => Ok(read),
        Some(path) => Err(format!("unknown field `{path}`")),
    }
}

/// The places where a document may have a target.
const TARGETS: [&str; 5] =
    ["/target", "/plan/target", "/call/Clean", "/call/Plan", "/call/Apply/target"];

/// The places where a document may have a list, and where each of its items has a target.
const LISTS: [(&str, &str); 5] = [
    ("/targets", ""),
    ("/call/CleanAll", ""),
    ("/call/PlanAll", ""),
    ("/plans", "/target"),
    ("/call/ApplyAll", "/target"),
];

/// Adds the fields that an object in a document lacks.
fn add_defaults(
    document: &mut Value,
    place: &str,
    defaults: &impl Serialize,
) -> Result<(), String> {
    let defaults = serde_json::to_value(defaults).map_err(|why| why.to_string())?;
    let object = document.pointer_mut(place).and_then(Value::as_object_mut);
    if let (Some(object), Value::Object(defaults)) = (object, defaults) {
        for (name, default) in defaults {
            object.entry(name).or_insert(default);
        }
    }
    Ok(())
}

/// Returns the path of something in the document that was not understood.
fn lost(written: &Value, understood: &Value) -> Option<String> {
    let below = |name: String, written: &Value, understood: Option<&Value>| match understood {
        None if written.is_null() => None,
        None => Some(name),
        Some(understood) => lost(written, understood).map(|path| format!("{name}.{path}")),
    };
    match written {
        Value::Object(fields) => {
            fields.iter().find_map(|(name, value)| below(name.clone(), value, understood.get(name)))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, value)| below(index.to_string(), value, understood.get(index))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::call::Call;
    use crate::types::InUse;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Document {
        options: Options,
        list: Vec<Option<u32>>,
    }

    #[test]
    fn an_option_that_did_not_exist_yet_gets_its_default() {
        let json = json!({"options": {"in_use": "Force"}, "list": [1, null]});
        let options = Options { in_use: InUse::Force, ..Options::DEFAULT };
        assert_eq!(read(json), Ok(Document { options, list: vec![Some(1), None] }));
    }

    #[test]
    fn a_target_without_fields_that_did_not_exist_yet_selects_the_same() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Run {
            call: Call,
        }

        let old = json!({"role": "r", "principal": null, "znode": null, "marathon_app": null});
        let target = Target { role: Some("r".into()), ..Target::NOTHING };
        for (name, call) in [("Clean", Call::Clean as fn(_) -> _), ("Plan", Call::Plan)] {
            let read = read::<Run>(json!({"call": {name: old}}));
            assert_eq!(read, Ok(Run { call: call(target.clone()) }));
        }
        for (name, call) in [("CleanAll", Call::CleanAll as fn(_) -> _), ("PlanAll", Call::PlanAll)]
        {
            let read = read::<Run>(json!({"call": {name: [old, old]}}));
            assert_eq!(read, Ok(Run { call: call(vec![target.clone(); 2]) }));
        }
        let new = json!({"call": {"Clean": {"role": "r", "hosts": []}}});
        assert_eq!(read::<Run>(new), Err("unknown field `call.Clean.hosts`".into()));
    }

    #[test]
    fn a_key_that_is_there_twice_is_named() {
        for (text, place) in [
            (r#"{"a":1,"b":2,"a":1}"#, "`a`"),
            (r#"{"a":{"b":[true,{"c":null,"c":null}]}}"#, "`a.b.1.c`"),
            // The keys are equal, however they are written.
            (r#"[{"a b":"x","a\u0020b":-1.5}]"#, "`0.a b`"),
            (r#"{"new":{"x":{},"x":{}}}"#, "`new.x`"),
        ] {
            let error = json::<Value>(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("duplicate key {place} at line 1")), "{error}");
        }
        let once = r#"{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":[-1,1.5,"",null,true]}}"#;
        let read: Value = json(once.as_bytes()).unwrap();
        assert_eq!(read, serde_json::from_str::<Value>(once).unwrap());
        for text in ["", "{", r#"{"a":1}}"#, "<html>", &"[".repeat(10_000)] {
            assert!(json::<Value>(text.as_bytes()).is_err(), "{text:.9}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (json, expected) in [
            (json!({"options": {}, "list": [], "new": 1}), "unknown field `new`"),
            (json!({"options": {"new": false}, "list": []}), "unknown field `options.new`"),
            (json!({"list": []}), "missing field `options`"),
            (json!({"options": {}}), "missing field `list`"),
            (json!({"options": {"in_use": "Ask"}, "list": []}), "unknown variant `Ask`"),
            (json!(null), "it must be an object, `{...}`"),
            (json!([{}, []]), "it must be an object, `{...}`"),
            (json!({"options": null, "list": []}), "`options` must be an object, `{...}`"),
            (json!({"options": [], "list": []}), "`options` must be an object, `{...}`"),
            (json!({"options": {}, "list": [], "plan": 1}), "`plan` must be an object, `{...}`"),
        ] {
            let error = read::<Document>(json).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let nothing = json!({"options": {}, "list": [], "new": null});
        assert!(read::<Document>(nothing).is_ok());
    }
}
