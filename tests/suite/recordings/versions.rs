//! Recordings of other versions of janitor.

use janitor_host::Options;
use serde_json::{Value, json};
use std::fs;

use super::RECORDING;
use crate::command::{Run, replay, run, tests};

/// Replays a recording after a change to it.
fn changed(change: impl FnOnce(&mut Value)) -> Run {
    let text = fs::read_to_string(tests(RECORDING)).unwrap();
    let mut har: Value = serde_json::from_str(&text).unwrap();
    change(&mut har["log"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.har");
    fs::write(&file, har.to_string()).unwrap();
    run(&mut replay(&file))
}

fn remove(object: &mut Value, field: &str) {
    assert!(object.as_object_mut().unwrap().remove(field).is_some(), "{field}");
}

/// Asserts that nothing is replayed, for this reason.
fn refused(run: &Run, why: &[&str]) {
    assert_eq!((run.stdout.as_str(), run.exit), ("", 1), "{}", run.stderr);
    for words in why {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
}

pub fn another_schema_version() {
    let run = changed(|log| {
        log["_janitor"] = json!({"schema_version": 2, "anything": []});
        log["creator"]["version"] = "9.8.7".into();
    });
    refused(
        &run,
        &["its schema_version is 2, and this janitor reads 1", "recorded by janitor 9.8.7"],
    );
    let run = changed(|log| remove(&mut log["_janitor"], "schema_version"));
    refused(&run, &["its `_janitor` has no schema_version"]);
}

pub fn unknown_fields() {
    let run = changed(|log| log["_janitor"]["new"] = 1.into());
    refused(&run, &["unknown field `new`", "record it again"]);
    let run = changed(|log| log["_janitor"]["options"]["new"] = false.into());
    refused(&run, &["unknown field `options.new`"]);
    let run = changed(|log| log["_janitor"]["call"]["Clean"]["new"] = "x".into());
    refused(&run, &["unknown field `call.Clean.new`"]);
    let run = changed(|log| log["_janitor"]["call"] = json!({"Burn": {}}));
    refused(&run, &["its `_janitor` is invalid", "`Burn`"]);
}

/// A key with two values is refused, because a person may read the value that is not used.
pub fn keys_given_twice() {
    let text = fs::read_to_string(tests(RECORDING)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.har");
    for (field, place) in [
        (r#""in_use": "Refuse""#, "`log._janitor.options.in_use`"),
        (r#""znode": "cassandra""#, "`log._janitor.call.Clean.znode`"),
        (r#""method": "GET""#, "`log.entries.0.request.method`"),
        (r#""mimeType": "application/json""#, "`log.entries.0.response.content.mimeType`"),
    ] {
        assert!(text.contains(field), "{field}");
        fs::write(&file, text.replacen(field, &format!("{field}, {field}"), 1)).unwrap();
        refused(&run(&mut replay(&file)), &[&format!("duplicate key {place}")]);
    }
}

pub fn missing_fields() {
    let fields: Vec<_> = {
        let text = fs::read_to_string(tests(RECORDING)).unwrap();
        let har: Value = serde_json::from_str(&text).unwrap();
        har["log"]["_janitor"].as_object().unwrap().keys().cloned().collect()
    };
    // `schema_version` is refused differently, and `elapsed` is new.
    let is_needed = |field: &&String| !["schema_version", "elapsed"].contains(&field.as_str());
    for field in fields.iter().filter(is_needed) {
        let run = changed(|log| remove(&mut log["_janitor"], field));
        refused(&run, &[&format!("missing field `{field}`"), "record it again"]);
    }
}

pub fn options_that_did_not_exist_yet() {
    let expected = run(&mut replay(&tests(RECORDING)));
    let options = serde_json::to_value(Options::DEFAULT).unwrap();
    for option in options.as_object().unwrap().keys() {
        let run = changed(|log| {
            log["_janitor"]["options"].as_object_mut().unwrap().remove(option);
        });
        assert_eq!(run, expected, "{option}");
    }
}

pub fn another_component() {
    let other = "sha256:0";
    let expected = run(&mut replay(&tests(RECORDING)));
    let same = changed(|log| log["_janitor"]["component"] = other.into());
    assert_eq!(same, expected, "the same requests are the same run");
    let different = changed(|log| {
        log["_janitor"]["component"] = other.into();
        let entries = log["entries"].as_array_mut().unwrap();
        let entry = entries.iter_mut().find(|it| it["request"]["method"] == "POST").unwrap();
        entry["request"]["postData"]["text"] = "slaveId=S0&volumes=[]".into();
    });
    assert_eq!(different.exit, 5);
    for words in [
        "this run differs from the recorded one",
        "with another body: slaveId=S0&volumes=[]",
        "was not requested",
        "it was recorded with component sha256:0; this component is sha256:",
    ] {
        assert!(different.stderr.contains(words), "{words}: {}", different.stderr);
    }
}

pub fn somebody_elses_har() {
    let run = changed(|log| {
        remove(log, "_janitor");
        log["creator"] = json!({"name": "Firefox", "version": "140"});
    });
    refused(&run, &["it has no `_janitor`, because it was recorded by Firefox 140"]);
    // Additions of other programs change nothing.
    let expected = crate::command::run(&mut replay(&tests(RECORDING)));
    let edited = changed(|log| {
        log["comment"] = "edited".into();
        log["pages"] = json!([]);
        for entry in log["entries"].as_array_mut().unwrap() {
            entry["pageref"] = "page_1".into();
            let headers = entry["response"]["headers"].as_array_mut().unwrap();
            headers.insert(0, json!({"name": "X", "value": "y"}));
        }
    });
    assert_eq!(edited, expected);
}
