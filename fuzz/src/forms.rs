//! Fuzzes the host's check of forms that remove resources. A form that passes is parsed again as
//! Mesos parses it.

use serde_json::Value;

use crate::answers::target;
use janitor_contract::types::{LabelSelector, Target};
use janitor_policy::agents::Agents;
use janitor_policy::listed::Listed;
use janitor_policy::scope::Scope;

/// Checks a form. The first byte selects the scope, and whether the rest is a whole form or a list
/// within one. The simulated master lists everything in the form for the role.
pub fn scope(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let principal = (kind & 1 == 1).then_some("p");
    let volumes = kind & 2 == 2;
    let (label, framework_id) = (kind & 8 == 8, (kind & 16 == 16).then_some("F"));
    let labels = label.then(|| LabelSelector { key: "k".into(), value: Some("v".into()) });
    let target = Target {
        labels: labels.into_iter().collect(),
        framework_id: framework_id.map(Into::into),
        ..target(Some("r"), principal, None, None)
    };
    let scope = if volumes { Scope::volumes(&target) } else { Scope::reservations(&target) };
    let field = if volumes { "volumes" } else { "resources" };
    let form = if kind & 4 == 4 {
        data.to_vec()
    } else {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let list = String::from_utf8_lossy(data);
        form.append_pair("slaveId", "S0").append_pair(field, &list).finish().into_bytes()
    };
    let Some(scope) = scope else { return };
    let listed = last(&form, field).map(|list| listed(&scope, &list)).unwrap_or_default();
    if scope.check(&form, &listed).is_err() {
        return;
    }
    let list = last(&form, field).expect("what passes has a list");
    // A number that is too large for this parser does not affect ownership.
    let Ok(list) = serde_json::from_str::<Vec<Value>>(&list) else { return };
    assert!(!list.is_empty());
    for resource in &list {
        assert!(is_own(resource, volumes, principal), "{resource}");
        assert!(!label || has_label(resource, &["k"], "v"), "{resource}");
        let names = |id| has_label(resource, &["framework_id", "marathon_framework_id"], id);
        assert!(framework_id.is_none_or(names), "{resource}");
    }
}

/// Returns the resources of a master that lists these for the role.
fn listed(scope: &Scope, resources: &str) -> Listed {
    let list =
        format!(r#"{{"slaves":[{{"id":"S0","reserved_resources_full":{{"r":{resources}}}}}]}}"#);
    let mut agents = Agents::of("r", vec![scope.clone()]);
    agents.read(list.as_bytes());
    agents.listed()
}

/// Returns the value of a field as libprocess parses it: fields also end at `;`, and the last of
/// several counts.
fn last(form: &[u8], field: &str) -> Option<String> {
    let tokens = form.split(|byte| b"&;".contains(byte));
    let named = tokens.filter_map(|token| form_urlencoded::parse(token).next());
    named.filter(|(name, _)| name == field).last().map(|(_, value)| value.into())
}

/// Returns whether the reservation of a resource has a label with one of these keys, and this value.
fn has_label(resource: &Value, keys: &[&str], value: &str) -> bool {
    let innermost = match resource["reservations"].as_array() {
        Some(stack) => stack.last().unwrap_or(&Value::Null),
        None => &resource["reservation"],
    };
    let labels = innermost["labels"]["labels"].as_array();
    labels.is_some_and(|labels| {
        labels.iter().any(|it| keys.iter().any(|key| it["key"] == *key) && it["value"] == value)
    })
}

/// Returns whether a resource belongs to the target according to Mesos's documentation.
fn is_own(resource: &Value, volumes: bool, principal: Option<&str>) -> bool {
    let stack = resource["reservations"].as_array();
    let innermost = match stack {
        Some(stack) => stack.last().unwrap_or(&Value::Null),
        None => &resource["reservation"],
    };
    let role = if stack.is_some() { &innermost["role"] } else { &resource["role"] };
    let persistence = &resource["disk"]["persistence"];
    let owner = match &persistence["principal"] {
        Value::String(owner) if volumes => Some(owner.as_str()),
        _ => innermost["principal"].as_str(),
    };
    let dynamic =
        if stack.is_some() { innermost["type"] == "DYNAMIC" } else { !innermost.is_null() };
    role == "r"
        && (volumes || dynamic)
        && volumes == !persistence.is_null()
        && principal.is_none_or(|it| owner == Some(it))
}
