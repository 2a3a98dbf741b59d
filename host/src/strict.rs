//! Reads documents of our own that may have been written by another version of
//! this program: recordings and plan files.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bindings::cleanup::Options;

/// Reads a document. In its `options`, those that did not exist yet when it was
/// written get their defaults, which are what was done before they existed. What
/// it says beyond what is known here is refused: it may mean something.
///
/// # Errors
/// One clause, with the field that is the matter.
pub fn read<T: DeserializeOwned + Serialize>(mut document: Value) -> Result<T, String> {
    let options = document.get_mut("options").and_then(Value::as_object_mut);
    let defaults = serde_json::to_value(Options::DEFAULT).map_err(|why| why.to_string())?;
    if let (Some(options), Value::Object(defaults)) = (options, defaults) {
        for (name, default) in defaults {
            options.entry(name).or_insert(default);
        }
    }
    let read = T::deserialize(&document).map_err(|why| why.to_string())?;
    let understood = serde_json::to_value(&read).map_err(|why| why.to_string())?;
    match lost(&document, &understood) {
        None => Ok(read),
        Some(path) => Err(format!("nothing is known here of `{path}`")),
    }
}

/// The place of something that was written and not understood.
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
    use crate::InUse;

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
    fn what_is_not_known_is_named() {
        for (json, expected) in [
            (json!({"options": {}, "list": [], "new": 1}), "nothing is known here of `new`"),
            (
                json!({"options": {"new": false}, "list": []}),
                "nothing is known here of `options.new`",
            ),
            (json!({"list": []}), "missing field `options`"),
            (json!({"options": {}}), "missing field `list`"),
            (json!({"options": {"in_use": "Ask"}, "list": []}), "unknown variant `Ask`"),
        ] {
            let error = read::<Document>(json).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let nothing = json!({"options": {}, "list": [], "new": null});
        assert!(read::<Document>(nothing).is_ok());
    }
}
