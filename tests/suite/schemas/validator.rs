//! Holds a document against a JSON Schema (draft 2020-12), as far as our schemas go:
//! a keyword that is not known here stops the test.

use serde_json::{Map, Value};

/// What is wrong with a document, with the places.
pub fn complaints(schema: &Value, document: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    Validator { root: schema }.check(schema, document, "", &mut complaints);
    complaints
}

struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut complaints = Vec::new();
        self.check(schema, value, "", &mut complaints);
        complaints.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, place: &str, complaints: &mut Vec<String>) {
        let keywords = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return complaints.push(format!("{place}: must not be there")),
            Value::Object(keywords) => keywords,
            _ => panic!("no schema: {schema}"),
        };
        for (keyword, rule) in keywords {
            let fits = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "default" => true,
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    let schema = self.root.pointer(pointer).expect("what is referred to");
                    self.check(schema, value, place, complaints);
                    true
                }
                "type" => match rule {
                    Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
                    kind => is(kind, value),
                },
                "const" => rule == value,
                "enum" => rule.as_array().unwrap().contains(value),
                "anyOf" => rule.as_array().unwrap().iter().any(|it| self.fits(it, value)),
                "oneOf" => {
                    let cases = rule.as_array().unwrap();
                    cases.iter().filter(|it| self.fits(it, value)).count() == 1
                }
                "not" => !self.fits(rule, value),
                "minimum" => value.as_f64().is_none_or(|it| it >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|it| it <= rule.as_f64().unwrap()),
                "minLength" => value.as_str().is_none_or(|it| it.len() as u64 >= number(rule)),
                "minItems" => value.as_array().is_none_or(|it| it.len() as u64 >= number(rule)),
                "maxItems" => value.as_array().is_none_or(|it| it.len() as u64 <= number(rule)),
                "format" => value.as_str().is_none_or(|text| has_format(rule, text)),
                "required" => value.as_object().is_none_or(|fields| {
                    let mut names = rule.as_array().unwrap().iter();
                    names.all(|name| fields.contains_key(name.as_str().unwrap()))
                }),
                "prefixItems" | "items" => {
                    let first = keywords.get("prefixItems").and_then(Value::as_array);
                    let first = first.map_or(&[][..], Vec::as_slice);
                    let items = value.as_array().into_iter().flatten().enumerate();
                    for (index, item) in items {
                        let schema = match (keyword.as_str(), first.get(index)) {
                            ("prefixItems", Some(schema)) => schema,
                            ("items", None) => rule,
                            _ => continue,
                        };
                        self.check(schema, item, &format!("{place}/{index}"), complaints);
                    }
                    true
                }
                "properties" => {
                    for (name, field) in value.as_object().into_iter().flatten() {
                        for (schema, place) in of_field(keywords, name, place) {
                            self.check(schema, field, &place, complaints);
                        }
                    }
                    true
                }
                "patternProperties" | "additionalProperties" => {
                    assert!(keywords.contains_key("properties"), "it is looked at with these");
                    true
                }
                _ => panic!("no rule is known for {keyword}"),
            };
            if !fits {
                complaints.push(format!("{place}: {keyword} {rule}: {value}"));
            }
        }
    }
}

/// The schemas of a field, each with its place.
fn of_field<'a>(
    keywords: &'a Map<String, Value>,
    name: &str,
    place: &str,
) -> Vec<(&'a Value, String)> {
    let place = format!("{place}/{name}");
    let own = keywords["properties"].get(name);
    let patterns = keywords.get("patternProperties").and_then(Value::as_object);
    let patterns = patterns.into_iter().flatten().filter(|(pattern, _)| {
        // Nothing but beginnings is asked for.
        name.starts_with(pattern.strip_prefix('^').expect("a beginning"))
    });
    let named: Vec<_> = own.into_iter().chain(patterns.map(|(_, schema)| schema)).collect();
    let others = keywords.get("additionalProperties").filter(|_| named.is_empty());
    named.into_iter().chain(others).map(|schema| (schema, place.clone())).collect()
}

fn number(rule: &Value) -> u64 {
    rule.as_u64().expect("a number")
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("no type is called {other}"),
    }
}

fn has_format(format: &Value, text: &str) -> bool {
    match format.as_str().expect("a format") {
        "date-time" => humantime::parse_rfc3339(text).is_ok(),
        "uri" => text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some()),
        // Those of numbers, which `type` refuses.
        "uint8" | "uint16" | "uint32" | "uint64" | "int64" | "double" => true,
        other => panic!("no format is called {other}"),
    }
}

/// The validator itself.
pub fn finds_what_is_wrong() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": ["integer", "null"], "minimum": 0, "maximum": 9, "format": "uint8"},
            "b": {"oneOf": [{"const": "x"}, {"enum": ["x", "y"]}]},
            "c": {"type": "array", "prefixItems": [{"type": "string", "minLength": 1}], "items": {"$ref": "#/$defs/d"}, "minItems": 1, "maxItems": 2},
            "d": {"anyOf": [{"type": "boolean"}, {"not": {"type": "string"}}]},
            "e": {"type": "string", "format": "date-time"},
            "f": {"format": "uri"},
        },
        "patternProperties": {"^_": {"type": "number"}},
        "additionalProperties": false,
        "$defs": {"d": {"type": "string"}},
    });
    for (json, right) in [
        (r#"{"a":1}"#, true),
        (
            r#"{"a":null,"b":"y","c":["s","t"],"d":1,"e":"2026-11-23T02:33:39.422Z","f":"http://h/","_g":1.5}"#,
            true,
        ),
        ("[]", false),
        ("{}", false),
        (r#"{"a":-1}"#, false),
        (r#"{"a":10}"#, false),
        (r#"{"a":1.5}"#, false),
        (r#"{"a":1,"b":"x"}"#, false),
        (r#"{"a":1,"b":"z"}"#, false),
        (r#"{"a":1,"c":[]}"#, false),
        (r#"{"a":1,"c":[""]}"#, false),
        (r#"{"a":1,"c":["s",1]}"#, false),
        (r#"{"a":1,"c":["s","t","u"]}"#, false),
        (r#"{"a":1,"d":"s"}"#, false),
        (r#"{"a":1,"e":"yesterday"}"#, false),
        (r#"{"a":1,"f":"/slaves"}"#, false),
        (r#"{"a":1,"_g":"s"}"#, false),
        (r#"{"a":1,"g":1}"#, false),
    ] {
        let complaints = complaints(&schema, &serde_json::from_str(json).unwrap());
        assert_eq!(complaints.is_empty(), right, "{json}: {complaints:?}");
    }
}
