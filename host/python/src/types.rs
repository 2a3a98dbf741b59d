//! Writes the contract's types as a Python module. Records become dataclasses, enums become
//! enumerations, and each case of a variant becomes a dataclass of its own.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use janitor_contract::types::{Options, Target};
use serde_json::{Value, json};
use wit_parser::{Docs, Resolve, Type, TypeDef, TypeDefKind};

const HEAD: &str = r#""""The types of janitor's contract, generated from `wit/types.wit`.

A variant is a union of classes, one for each case: `AgentOutcome` is `AgentOutcomeAccepted`,
`AgentOutcomeFailed` and so on. The value of a case is its field `value`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Optional, Union
"#;

/// Returns the source of the module.
///
/// # Errors
/// Fails if the folder does not contain the contract, or if the contract has a type that is not
/// supported here.
pub fn python(wit: &Path) -> Result<String, Box<dyn Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let types = resolve.packages[package].interfaces.get("types");
    let types = types.ok_or("the contract has no interface `types`")?;
    // Only inputs have defaults: a result always has all of its fields.
    let defaults = json!({ "target": Target::NOTHING, "options": Options::DEFAULT });
    let mut module = HEAD.to_owned();
    for (name, id) in &resolve.interfaces[*types].types {
        let writer = Writer { resolve: &resolve, defaults: &defaults[name], name };
        writer.definition(&mut module, &resolve.types[*id])?;
    }
    Ok(module)
}

/// Writes the definition of one type.
struct Writer<'a> {
    resolve: &'a Resolve,
    /// The defaults of the record's fields, if it has any.
    defaults: &'a Value,
    name: &'a str,
}

impl Writer<'_> {
    fn definition(&self, module: &mut String, it: &TypeDef) -> Result<(), Box<dyn Error>> {
        let class = pascal(self.name);
        match &it.kind {
            TypeDefKind::Record(record) => {
                write!(module, "\n\n@dataclass(frozen=True, kw_only=True)\nclass {class}:\n")?;
                docstring(module, &it.docs)?;
                for field in &record.fields {
                    let name = field.name.replace('-', "_");
                    let default = self.default(&self.defaults[&name], &field.ty)?;
                    writeln!(module, "\n    {name}: {}{default}", self.hint(&field.ty)?)?;
                    docstring(module, &field.docs)?;
                }
            }
            TypeDefKind::Enum(cases) => {
                write!(module, "\n\nclass {class}(Enum):\n")?;
                docstring(module, &it.docs)?;
                for case in &cases.cases {
                    let name = constant(&case.name);
                    writeln!(module, "\n    {name} = \"{}\"", case.name)?;
                    docstring(module, &case.docs)?;
                }
            }
            TypeDefKind::Variant(variant) => {
                let mut cases = Vec::new();
                for case in &variant.cases {
                    let name = class.clone() + &pascal(&case.name);
                    write!(module, "\n\n@dataclass(frozen=True)\nclass {name}:\n")?;
                    docstring(module, &case.docs)?;
                    writeln!(module, "\n    TAG: ClassVar[str] = \"{}\"", case.name)?;
                    if let Some(value) = &case.ty {
                        writeln!(module, "    value: {}", self.hint(value)?)?;
                    }
                    cases.push(format!("    {name},\n"));
                }
                write!(module, "\n\n{class} = Union[\n{}]\n", cases.concat())?;
                writeln!(module, "\"\"\"{}\"\"\"", text(&it.docs, ""))?;
            }
            kind => {
                return Err(format!("{} is a {}: not supported", self.name, kind.as_str()).into());
            }
        }
        Ok(())
    }

    /// Returns the cases of a type, which are none unless it is an enum.
    fn cases(&self, ty: &Type) -> impl Iterator<Item = &str> {
        let kind = match ty {
            Type::Id(id) => Some(&self.resolve.types[*id].kind),
            _ => None,
        };
        let cases = match kind {
            Some(TypeDefKind::Enum(it)) => it.cases.as_slice(),
            _ => &[],
        };
        cases.iter().map(|case| case.name.as_str())
    }

    /// Returns the annotation of a type.
    fn hint(&self, ty: &Type) -> Result<String, Box<dyn Error>> {
        Ok(match ty {
            Type::Bool => "bool".into(),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => "int".into(),
            Type::S8 | Type::S16 | Type::S32 | Type::S64 => "int".into(),
            Type::F32 | Type::F64 => "float".into(),
            Type::Char | Type::String => "str".into(),
            Type::ErrorContext => return Err("error-context is not supported".into()),
            Type::Id(id) => {
                let it = &self.resolve.types[*id];
                match (&it.name, &it.kind) {
                    (Some(name), _) => pascal(name),
                    (None, TypeDefKind::List(Type::U8)) => "bytes".into(),
                    (None, TypeDefKind::List(item)) => format!("list[{}]", self.hint(item)?),
                    (None, TypeDefKind::Option(item)) => format!("Optional[{}]", self.hint(item)?),
                    (None, TypeDefKind::Tuple(tuple)) => {
                        let items: Result<Vec<_>, _> =
                            tuple.types.iter().map(|item| self.hint(item)).collect();
                        format!("tuple[{}]", items?.join(", "))
                    }
                    (None, kind) => {
                        return Err(format!(
                            "a {} in {} is not supported",
                            kind.as_str(),
                            self.name
                        )
                        .into());
                    }
                }
            }
        })
    }

    /// Returns the default of a field, or nothing if it has none.
    fn default(&self, value: &Value, ty: &Type) -> Result<String, Box<dyn Error>> {
        if self.defaults.is_null() {
            return Ok(String::new());
        }
        Ok(match value {
            Value::Null => " = None".into(),
            Value::Bool(true) => " = True".into(),
            Value::Bool(false) => " = False".into(),
            Value::Number(number) => format!(" = {number}"),
            Value::Array(items) if items.is_empty() => " = field(default_factory=list)".into(),
            Value::String(value) => {
                let case = self.cases(ty).find(|case| pascal(case) == *value);
                let case = case.ok_or_else(|| format!("{} has no case {value}", self.name))?;
                format!(" = {}.{}", self.hint(ty)?, constant(case))
            }
            other => {
                return Err(format!("a default of {} is not supported: {other}", self.name).into());
            }
        })
    }
}

/// Writes the documentation of a class or a field.
fn docstring(module: &mut String, docs: &Docs) -> std::fmt::Result {
    writeln!(module, "    \"\"\"{}\"\"\"", text(docs, "    "))
}

/// Returns the text of a documentation, whose lines after the first are indented.
fn text(docs: &Docs, indent: &str) -> String {
    let text = docs.contents.as_deref().unwrap_or_default().trim();
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let lines: Vec<_> = text.lines().map(|line| format!("{indent}{line}")).collect();
    let text = lines.join("\n");
    let text = text.replace(&format!("\n{indent}\n"), "\n\n");
    match text.contains('\n') {
        true => format!("{}\n{indent}", text.trim_start()),
        false => text.trim_start().to_owned(),
    }
}

/// Returns the name of a class: `agent-outcome` is `AgentOutcome`.
fn pascal(kebab: &str) -> String {
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    kebab.split('-').map(capitalised).collect()
}

/// Returns the name of a constant: `not-active` is `NOT_ACTIVE`.
fn constant(kebab: &str) -> String {
    kebab.replace('-', "_").to_uppercase()
}
