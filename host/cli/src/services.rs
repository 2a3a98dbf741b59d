//! The file that lists several services to clean up in one run: TOML or JSON.

use std::path::Path;

use clap::ValueEnum;
use janitor_contract::strict;
use janitor_contract::types::{LabelSelector, Options, Target};
use janitor_report::command_line::parse::{Checks, Selection};
use janitor_report::service::Naming;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A limit above the size of any such file.
const MOST_BYTES: u64 = 16 << 20;

/// The content of a file.
#[derive(Serialize, Deserialize)]
struct Services {
    services: Vec<Value>,
}

/// The same names as the options of a run for one target.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[derive(Default)]
struct Names {
    service: Option<String>,
    naming: Option<String>,
    role: Option<String>,
    principal: Option<String>,
    znode: Option<String>,
    labels: Vec<String>,
    framework_id: Option<String>,
    agents: Vec<String>,
}

/// Reads the targets of a file, and the options that they need. If the file names a whole service,
/// every target with a principal is one: that only makes the run more careful.
///
/// # Errors
/// Fails if the file cannot be read, or names no service or one twice, with one sentence for
/// people.
pub fn read(file: &Path, checks: &Checks) -> Result<(Vec<Target>, Options), String> {
    let unusable = |why: String| format!("cannot use the services in {}: {why}", file.display());
    let bytes = janitor_file::read(file, MOST_BYTES).map_err(|why| unusable(why.to_string()))?;
    let is_json = file.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
    parse(&bytes, is_json, checks).map_err(unusable)
}

fn parse(bytes: &[u8], is_json: bool, checks: &Checks) -> Result<(Vec<Target>, Options), String> {
    let Services { services } = strict::read(document(bytes, is_json)?)?;
    if services.is_empty() {
        return Err("it names no service".into());
    }
    let mut targets: Vec<Target> = Vec::new();
    let mut options = checks.added_to(Options::DEFAULT);
    for (index, item) in services.into_iter().enumerate() {
        let at = |why: String| format!("services.{index}: {why}");
        let (target, of_target) = names(item)
            .and_then(selection)
            .and_then(|selection| selection.read(checks))
            .map_err(at)?;
        if let Some(first) = targets.iter().position(|it| *it == target) {
            return Err(at(format!("it is the same as services.{first}")));
        }
        options.whole_service |= of_target.whole_service;
        targets.push(target);
    }
    Ok((targets, options))
}

/// Reads the file as JSON or TOML. A file that is not called JSON may be either.
fn document(bytes: &[u8], is_json: bool) -> Result<Value, String> {
    let json = match strict::json(bytes) {
        Err(why) if is_json => return Err(why.to_string()),
        json => json.ok(),
    };
    if let Some(json) = json {
        return Ok(json);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let line = |at: usize| text.bytes().take(at).filter(|it| *it == b'\n').count() + 1;
    let toml =
        toml_span::parse(text).map_err(|why| format!("line {}: {why}", line(why.span.start)))?;
    serde_json::to_value(&toml).map_err(|why| why.to_string())
}

/// Reads an item: the name of a service, or the names of what it has.
fn names(item: Value) -> Result<Names, String> {
    match item {
        Value::String(service) => Ok(Names { service: Some(service), ..Names::default() }),
        Value::Object(_) => strict::read(item),
        _ => Err("it must be the name of a service, or a table with `service` or `role`".into()),
    }
}

/// Returns what the command line for the same target would select.
fn selection(names: Names) -> Result<Selection, String> {
    let Names { service, naming, role, principal, znode, labels, framework_id, agents } = names;
    if role.is_none() && znode.is_none() && service.is_none() {
        return Err("it must have a `service`, a `role` or a `znode`".into());
    }
    if znode.is_some() && !agents.is_empty() {
        return Err("a `znode` belongs to the whole service; omit it, or `agents`".into());
    }
    if naming.is_some() && service.is_none() {
        return Err("`naming` requires a `service`".into());
    }
    let naming = naming.map(|it| Naming::from_str(&it, false)).transpose().map_err(|_| {
        let all = Naming::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let all: Vec<_> = all.map(|it| format!("`{}`", it.get_name())).collect();
        format!("`naming` must be one of {}", all.join(", "))
    })?;
    let label = labels.iter().map(|it| LabelSelector::read(it)).collect::<Result<_, _>>()?;
    Ok(Selection {
        role,
        principal,
        znode,
        service,
        label,
        framework_id,
        agent: agents,
        naming: naming.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(Vec<Target>, Options), String> {
        parse(text.as_bytes(), text.starts_with(['{', '[']), &Checks::default())
    }

    const TOML: &str = r#"
        # One in a line.
        services = [
            "kafka",
            { service = "/dev/elastic", agents = ["S0"] },
            { service = "cassandra", naming = "cassandra" },
            { role = "eng", principal = "p", labels = ["k=v", "l"], framework-id = "F" },
            { znode = "dcos-service-old" },
        ]
    "#;

    #[test]
    fn both_formats_have_the_same_targets() {
        let (targets, options) = parsed(TOML).unwrap();
        let json = serde_json::to_string(&document(TOML.as_bytes(), false).unwrap()).unwrap();
        assert_eq!(parsed(&json), Ok((targets.clone(), options.clone())));
        assert!(options.whole_service);
        let names: Vec<_> = targets
            .iter()
            .map(|it| [&it.role, &it.principal, &it.znode].map(|it| it.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            names,
            [
                ["kafka-role", "kafka-principal", "dcos-service-kafka"],
                ["dev__elastic-role", "/dev/elastic-principal", "-"],
                ["cassandra_role", "cassandra_principal", "cassandra"],
                ["eng", "p", "-"],
                ["-", "-", "dcos-service-old"],
            ]
        );
        assert_eq!(targets[1].agents, ["S0"]);
        assert_eq!((targets[3].labels.len(), targets[3].framework_id.as_deref()), (2, Some("F")));
        let (_, part) = parsed("services = [{ role = 'r' }]").unwrap();
        assert!(!part.whole_service);
    }

    #[test]
    fn an_error_names_its_place() {
        for (text, expected) in [
            ("services = []", "it names no service"),
            ("service = ['a']", "missing field `services`"),
            ("services = ['a', 'a']", "services.1: it is the same as services.0"),
            ("services = ['a', { rolle = 'r' }]", "services.1: unknown field `rolle`"),
            ("services = [{ principal = 'p' }]", "services.0: it must have a `service`"),
            ("services = [{ role = 'r', naming = 'sdk' }]", "services.0: `naming` requires"),
            (
                "services = [{ service = 'r', naming = 'x' }]",
                "services.0: `naming` must be one of `sdk`, ",
            ),
            ("services = [{ role = 'r', labels = ['=v'] }]", "services.0: a label must have a key"),
            ("services = [7]", "services.0: it must be the name of a service"),
            ("services = [{ role = 7 }]", "services.0: invalid type: integer `7`"),
            ("services = [{ role = 'r', znode = 'z', agents = ['S0'] }]", "services.0: a `znode`"),
            ("services = ['../a']", "services.0: invalid service name"),
            ("\nservices = [", "line 2: "),
            ("a = 1\na = 2", "line 2: duplicate key"),
            (r#"{"services": [], "services": []}"#, "duplicate key `services`"),
            ("[1", "EOF"),
            (r#"["kafka"]"#, "it must be an object"),
        ] {
            let why = parsed(text).unwrap_err();
            assert!(why.starts_with(expected), "{text}: {why}");
        }
    }
}
