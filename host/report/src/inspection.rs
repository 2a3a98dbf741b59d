//! The document that describes the component: its contract, its limits, and the requests that it
//! may send. Its structure is stable, like that of all documents for programs (`output.rs`).

use serde::Serialize;

use janitor_contract::types::Reason;

/// The description of the component, as one JSON object on standard output.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Inspection {
    /// The version of this object. Fields may be added without a new one.
    pub schema_version: u32,
    /// The exit code of the command.
    pub exit_code: u8,
    /// The component.
    pub component: Component,
    /// The settings that hold, each with its source.
    pub settings: Vec<Setting>,
    /// The limits of each run.
    pub limits: Vec<Limit>,
    /// The requests that the component may send, for each command on the target.
    pub policy: Vec<Table>,
    /// The refusal of every run on the target, whatever the cluster holds, if there is one.
    pub refusal: Option<Refused>,
}

/// The component.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Component {
    /// Its digest.
    pub digest: String,
    /// The package and the version of its contract.
    pub package: String,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Setting {
    /// The name: that of its option without the dashes, or of a variable with a secret.
    pub name: String,
    /// The value; none for a secret, which is never shown.
    pub value: Option<String>,
    /// The source: an option, a variable, the configuration file, or a default.
    pub source: String,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Limit {
    /// The name of the limit.
    pub name: String,
    /// The highest value.
    pub value: u64,
    /// The unit of the value; empty for a number of things.
    pub unit: String,
}

/// The allow-list of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Table {
    /// The command.
    pub command: String,
    /// The requests.
    pub requests: Vec<String>,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Refused {
    /// The reason, for programs.
    pub reason: Reason,
    /// The same in one sentence, for people.
    pub message: String,
}

impl Inspection {
    /// The version of the object.
    pub const SCHEMA_VERSION: u32 = 1;

    /// The description, for people.
    pub fn lines(&self) -> Vec<String> {
        let Component { digest, package, imports } = &self.component;
        let mut lines = vec![
            format!("Component: {digest}"),
            format!("Contract: {package}"),
            String::new(),
            "It imports:".into(),
        ];
        lines.extend(imports.iter().map(|name| format!("  {name}")));
        if !self.settings.is_empty() {
            lines.extend([String::new(), "Settings:".into()]);
        }
        lines.extend(self.settings.iter().map(|Setting { name, value, source }| {
            let value = value.as_deref().unwrap_or("(not shown)");
            format!("  {name}: {value} ({source})")
        }));
        lines.extend([String::new(), "Limits of each run:".into()]);
        lines.extend(self.limits.iter().map(|Limit { name, value, unit }| {
            let name = name.replace('_', " ");
            format!("  {name}: {value} {unit}").trim_end().to_owned()
        }));
        for Table { command, requests } in &self.policy {
            lines.extend([String::new(), format!("As {command}, it may request:")]);
            match requests.is_empty() {
                true => lines.push("  nothing, because no target is given".into()),
                false => lines.extend(requests.iter().map(|request| format!("  {request}"))),
            }
        }
        if let Some(Refused { message, .. }) = &self.refusal {
            lines.extend([
                String::new(),
                format!("A run on this target ends without any change. {message}"),
            ]);
        }
        lines
    }
}
